/* From a model to @forward: the family's row is found, everything it cannot do is named in one error, then the graph is built. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/decoder.h"

static const ig_family_row families[] = {
  {"llama", ig_llama_describe}, {"qwen2", ig_qwen2_describe},     {"qwen3", ig_qwen3_describe},       {"phi3", ig_phi3_describe},
  {"gemma", ig_gemma_describe}, {"gemma2", ig_gemma2_describe},   {"gemma3", ig_gemma3_describe},     {"granite", ig_granite_describe},
  {"olmo2", ig_olmo2_describe}, {"smollm3", ig_smollm3_describe}, {"qwen3moe", ig_qwen3moe_describe}, {"gpt-oss", ig_gpt_oss_describe},
};

static const char *const headings[IG_PROBLEMS] = {
  [IG_PROBLEM_UNKNOWN] = "unknown tensors",
  [IG_PROBLEM_MISSING] = "missing tensors",
};

void ig_problem_add(ig_lowering *l, ig_problem problem, const char *format, ...) {
  char line[600];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  ig_text *text = &l->problems[problem];
  if (!headings[problem]) ig_text_printf(text, "\n  %s", line);
  else if (!text->size) ig_text_printf(text, "\n  %s: %s", headings[problem], line);
  else ig_text_printf(text, ", %s", line);
}

const char *ig_key_of(ig_lowering *l, const char *name) { return ig_format(&l->arena, "%s.%s", l->model->architecture, name); }

bool ig_need_number(ig_lowering *l, const char *name, uint32_t value) {
  if (value) return true;
  const char *key = ig_key_of(l, name);
  bool there = ig_meta_find(l->model->meta, key);
  ig_problem_add(l, IG_PROBLEM_FEATURE, there ? "metadata key %s differs from layer to layer" : "metadata key %s is missing", key);
  return false;
}

float ig_number_read(ig_lowering *l, const char *name, float otherwise) {
  float x = otherwise;
  const char *key = ig_key_of(l, name);
  ig_meta_f32(l->model->meta, key, &x, l->diags); /* a wrong type is an error of the whole */
  if (x == 0 || (x >= 0x1p-20f && x <= 0x1p40f)) return x;
  ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s = %g; 0 and numbers from 2^-20 to 2^40 are taken", key, (double)x);
  return otherwise;
}

/* ---- tensors ---------------------------------------------------------------------------------------------------------- */

static int by_name(const void *a, const void *b) { return strcmp((*(const ig_tensor *const *)a)->name, (*(const ig_tensor *const *)b)->name); }

static int by_type(const void *a, const void *b) {
  const ig_tensor *x = *(const ig_tensor *const *)a, *y = *(const ig_tensor *const *)b;
  if (x->gguf_type != y->gguf_type) return x->gguf_type < y->gguf_type ? -1 : 1;
  if ((x->n_dims == 1) != (y->n_dims == 1)) return x->n_dims == 1 ? 1 : -1;
  return (x > y) - (x < y);
}

static const ig_tensor *find(ig_lowering *l, const char *name) {
  ig_tensor wanted = {.name = name};
  const ig_tensor *key = &wanted;
  if (!l->model->n_tensors) return NULL;
  const ig_tensor **found = bsearch(&key, l->by_name, l->model->n_tensors, sizeof *l->by_name, by_name);
  return found ? *found : NULL;
}

bool ig_has_tensor(ig_lowering *l, const char *name) { return find(l, name) != NULL; }

static const ig_tensor *want(ig_lowering *l, const char *name, uint32_t n_dims, uint64_t experts, uint64_t rows, uint64_t cols, bool optional) {
  typedef unsigned long long ull;
  const ig_tensor *t = find(l, name);
  if (!t) {
    if (!optional) ig_problem_add(l, IG_PROBLEM_MISSING, "%s", name);
    return NULL;
  }
  l->used[t - l->model->tensors] = true;
  const char *more = n_dims == 3 ? ig_format(&l->arena, ", %llu", (ull)experts) : "";
  if (t->n_dims != n_dims || t->ne[0] != cols || t->ne[1] != rows || t->ne[2] != experts)
    ig_problem_add(l, IG_PROBLEM_SHAPE, "tensor %s has shape {%llu, %llu, %llu, %llu}, not {%llu, %llu%s}", name, (ull)t->ne[0], (ull)t->ne[1], (ull)t->ne[2],
                   (ull)t->ne[3], (ull)cols, (ull)rows, more);
  return t;
}

const ig_tensor *ig_want(ig_lowering *l, const char *name, uint64_t rows, uint64_t cols, bool optional) {
  return want(l, name, rows ? 2 : 1, 1, rows ? rows : 1, cols, optional);
}

const ig_tensor *ig_want_experts(ig_lowering *l, const char *name, uint64_t experts, uint64_t rows, uint64_t cols, bool optional) {
  return want(l, name, 3, experts, rows, cols, optional);
}

ig_value ig_weight_of(ig_lowering *l, const ig_tensor *t) {
  l->builder.location = t->name;
  return ig_build_weight(&l->builder, t->name, t->format->name, t->n_dims == 1 ? 0 : t->ne[1], t->ne[0], t->offset, t->bytes);
}

ig_value ig_weight_rows_of(ig_lowering *l, const ig_tensor *t, uint64_t first, uint64_t rows) {
  uint64_t row_bytes = t->bytes / t->ne[1];
  l->builder.location = t->name;
  const char *name = ig_format(&l->arena, "%s[%llu:%llu]", t->name, (unsigned long long)first, (unsigned long long)(first + rows));
  return ig_build_weight(&l->builder, name, t->format->name, rows, t->ne[0], t->offset + first * row_bytes, rows * row_bytes);
}

/* Vectors (norms, rope factors) are read as f32 only; all else needs kernels of its format. */
static bool has_kernels(const ig_tensor *t, bool (*supported)(const char *format)) {
  if (!t->format) return false;
  return t->n_dims == 1 ? strcmp(t->format->name, "f32") == 0 : supported(t->format->name);
}

static void check_formats(ig_lowering *l, bool (*supported)(const char *format)) {
  const ig_model *m = l->model;
  const ig_tensor **order = ig_alloc_array(&l->arena, m->n_tensors, sizeof *order);
  ig_text *text = &l->problems[IG_PROBLEM_FORMAT];
  const ig_tensor *last = NULL;
  for (uint32_t i = 0; i < m->n_tensors; i++) order[i] = &m->tensors[i];
  if (m->n_tensors) qsort(order, m->n_tensors, sizeof *order, by_type);
  for (uint32_t i = 0; i < m->n_tensors; i++) {
    const ig_tensor *t = order[i];
    if (has_kernels(t, supported)) continue;
    bool vector = t->n_dims == 1;
    if (last && last->gguf_type == t->gguf_type && (last->n_dims == 1) == vector) ig_text_printf(text, ", %s", t->name);
    else {
      const char *name = ig_gguf_type_name(t->gguf_type);
      ig_problem_add(l, IG_PROBLEM_FORMAT, "no kernels for %s %s (type %u): %s", vector ? "vectors of format" : "format", name ? name : "unknown", t->gguf_type,
                     t->name);
    }
    last = t;
  }
}

static void check_unknown(ig_lowering *l) {
  for (uint32_t i = 0; i < l->model->n_tensors; i++)
    if (!l->used[i]) ig_problem_add(l, IG_PROBLEM_UNKNOWN, "%s", l->model->tensors[i].name);
}

/* Keys of the architecture that nothing looked for: what they say may matter. (Those that are known to matter are problems, decoder.c.) */
static void warn_of_keys(ig_lowering *l) {
  static const char *const harmless[] = {"rope.scaling.finetuned", "tensor_data_layout"};
  const ig_meta *meta = l->model->meta;
  const size_t n = strlen(l->model->architecture);
  ig_text names = {0};
  for (uint32_t i = 0; i < meta->n; i++) {
    ig_str key = ig_meta_key(meta, &meta->entries[i]);
    bool ours = key.size > n + 1 && !memcmp(key.data, l->model->architecture, n) && key.data[n] == '.', mute = meta->asked[i];
    for (size_t k = 0; ours && k < sizeof harmless / sizeof *harmless; k++) mute |= ig_str_equal((ig_str){key.data + n + 1, key.size - n - 1}, harmless[k]);
    if (ours && !mute) ig_text_printf(&names, "%s%s", names.size ? ", " : "", ig_str_printable(&l->arena, key));
  }
  if (names.size)
    ig_report(l->diags, IG_WARNING, l->model->file.path, "metadata keys that ingot does not know are left aside, and answers may suffer: %s", names.data);
  ig_text_finish(&names);
}

/* ---- the whole -------------------------------------------------------------------------------------------------------- */

static const ig_family_row *find_family(const char *architecture) {
  for (size_t i = 0; i < sizeof families / sizeof *families; i++)
    if (strcmp(families[i].architecture, architecture) == 0) return &families[i];
  return NULL;
}

static void refuse_architecture(ig_lowering *l) {
  ig_text names = {0};
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) ig_text_printf(&names, "%s%s", i ? ", " : "", families[i].architecture);
  ig_problem_add(l, IG_PROBLEM_ARCHITECTURE, "architecture %s is not supported; there is: %s", l->model->architecture, names.data);
  ig_text_finish(&names);
}

static bool report(ig_lowering *l) {
  ig_text all = {0};
  for (int i = 0; i < IG_PROBLEMS; i++)
    if (l->problems[i].size) ig_text_add(&all, l->problems[i].data, l->problems[i].size);
  bool none = all.size == 0;
  if (!none) {
    ig_error(l->diags, l->model->file.path, "this model cannot be compiled:%s", all.data);
    ig_report(l->diags, IG_NOTE, l->model->file.path, "docs/MODELS.md lists what can be; `ingot inspect` shows what the file holds");
  }
  ig_text_finish(&all);
  return none;
}

bool ig_model_graph(const ig_model *model, ig_module module, bool (*supported)(const char *format), ig_diags *diags) {
  ig_lowering l = {.model = model, .diags = diags};
  l.by_name = ig_alloc_array(&l.arena, model->n_tensors, sizeof *l.by_name);
  l.used = ig_alloc_array(&l.arena, model->n_tensors, sizeof *l.used);
  for (uint32_t i = 0; i < model->n_tensors; i++) l.by_name[i] = &model->tensors[i];
  if (model->n_tensors) qsort(l.by_name, model->n_tensors, sizeof *l.by_name, by_name);

  ig_decoder decoder = {0};
  bool ok = true;
  const size_t errors = diags->errors;
  const ig_family_row *family = find_family(model->architecture);
  check_formats(&l, supported);
  if (!family) refuse_architecture(&l);
  else {
    family->describe(&l, &decoder);
    ok = ig_decoder_check(&l, &decoder);
    check_unknown(&l);
  }
  ok = ok && diags->errors == errors; /* wrong types of numbers are told where they are read */
  if (!ok) ig_model_blame_file(model, diags);
  ok = report(&l) && ok;
  if (ok) {
    warn_of_keys(&l);
    l.builder = (ig_builder){.module = module, .function = ig_function_create(module, "forward")};
    ig_decoder_build(&l, &decoder);
  }
  for (int i = 0; i < IG_PROBLEMS; i++) ig_text_finish(&l.problems[i]);
  ig_arena_finish(&l.arena);
  return ok;
}
