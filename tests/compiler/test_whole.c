/* Whole models against the evaluator, bit for bit: small llamas of random weights in every mixture of formats and odd sizes, compiled, loaded and
 * run in batches and token by token, past a block of positions, on each variant this machine runs and several threads. The variant base has
 * no fma and is held to a tolerance. */
#define _POSIX_C_SOURCE 200809L
#include <math.h>
#include <unistd.h>

#include "driver/bundle_folder.h"
#include "driver/driver.h"
#include "frontend/model.h"
#include "gguf_maker.h"
#include "ir/eval.h"
#include "runtime/abi/cpu.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

enum { TOKENS = 140 };

static ig_arena arena;
static char folder[] = "/tmp/ingot-whole-XXXXXX";

/* ---- model files ------------------------------------------------------------------------------------------------------ */

typedef struct shape {
  const char *name;
  uint32_t layers, embd, heads, kv_heads, head_dim, ff, vocab;
  const char *embed, *q, *k, *v, *o, *gate, *up, *down, *head; /* head NULL: tied */
} shape;

static uint64_t random_state;
static uint32_t random_u32(void) {
  random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(random_state >> 32);
}

static void store_f16(uint8_t *to, float f) {
  uint16_t h = ig_f32_to_f16(f);
  to[0] = (uint8_t)h, to[1] = (uint8_t)(h >> 8);
}

/* Random quants; scales such that values are around 0.1. */
static void random_block(const ig_block_format *f, uint8_t *b) {
  float small = (0.5f + (float)(random_u32() % 1000) / 1000.0f) * 0.02f;
  for (uint32_t i = 0; i < f->block_bytes; i++) b[i] = (uint8_t)random_u32();
  static const struct { const char *format; uint8_t d, dmin; float by, min_by; } scales[] = { /* min_by: q4_1's m is as large as its d */
    {"q8_0", 0, 0, 12, 0},    {"q4_0", 0, 0, 1, 0},  {"q4_1", 0, 2, 1, 1},     {"q5_0", 0, 0, 2, 0},     {"q5_1", 0, 2, 2, 1},    {"iq4_nl", 0, 0, 12, 0},
    {"q2_k", 80, 82, 6, 6},   {"q3_k", 108, 0, 50, 0}, {"q4_k", 0, 2, 40, 8},  {"q5_k", 0, 2, 80, 8},    {"q6_k", 208, 0, 700, 0}, {"iq4_xs", 0, 0, 1000, 0},
    {"tq1_0", 52, 0, 0.2f, 0}, {"tq2_0", 64, 0, 0.2f, 0},
  };
  bool known = false;
  for (size_t i = 0; i < sizeof scales / sizeof *scales && !known; i++) {
    if (strcmp(f->name, scales[i].format)) continue;
    store_f16(b + scales[i].d, small / scales[i].by);
    if (scales[i].dmin) store_f16(b + scales[i].dmin, small / scales[i].min_by);
    known = true;
  }
  if (known) return;
  if (!strcmp(f->name, "mxfp4")) b[0] = (uint8_t)(120 + random_u32() % 3);
  else { /* plain numbers */
    float v = ((float)(random_u32() % 2001) - 1000.0f) * 0.0002f;
    uint32_t bits = ig_f32_bits(v);
    if (!strcmp(f->name, "f16")) store_f16(b, v);
    else if (!strcmp(f->name, "bf16")) b[0] = (uint8_t)(bits >> 16), b[1] = (uint8_t)(bits >> 24);
    else memcpy(b, &bits, 4);
  }
}

typedef struct maker { ig_text infos, data; uint64_t n; } maker;

static void tensor(maker *m, const char *name, const char *format, uint64_t rows, uint64_t cols) {
  const ig_block_format *f = ig_format_find(format);
  uint8_t block[512];
  maker_tensor(&m->infos, name, rows ? 2 : 1, (uint64_t[]){cols, rows}, f->gguf_type, m->data.size, &m->n);
  for (uint64_t i = 0; i < (rows ? rows : 1) * (cols / f->block_values); i++) {
    random_block(f, block);
    if (!rows) memcpy(block, &(float){0.75f + (float)(random_u32() % 500) / 1000.0f}, 4); /* gains are around 1 */
    ig_text_add(&m->data, block, f->block_bytes);
  }
  while (m->data.size % 32) ig_text_add(&m->data, "", 1);
}

static void key_u32(ig_text *keys, const char *name, uint32_t value, uint64_t *n) {
  maker_key(keys, ig_format(&arena, "llama.%s", name), MAKER_U32, (const char[]){LE32(value)}, 4, n);
}

static const char *write_model(const shape *s) {
  ig_text keys = {0}, file = {0};
  uint64_t n_keys = 0;
  maker m = {0};
  maker_key(&keys, "general.architecture", MAKER_STRING, "\5\0\0\0\0\0\0\0llama", 13, &n_keys);
  key_u32(&keys, "context_length", 300, &n_keys);
  key_u32(&keys, "embedding_length", s->embd, &n_keys);
  key_u32(&keys, "block_count", s->layers, &n_keys);
  key_u32(&keys, "feed_forward_length", s->ff, &n_keys);
  key_u32(&keys, "attention.head_count", s->heads, &n_keys);
  key_u32(&keys, "attention.head_count_kv", s->kv_heads, &n_keys);
  key_u32(&keys, "attention.key_length", s->head_dim, &n_keys);
  key_u32(&keys, "attention.value_length", s->head_dim, &n_keys);
  key_u32(&keys, "rope.dimension_count", s->head_dim, &n_keys);
  maker_key(&keys, "llama.attention.layer_norm_rms_epsilon", MAKER_F32, "\xac\xc5\x27\x37", 4, &n_keys);
  tensor(&m, "token_embd.weight", s->embed, s->vocab, s->embd);
  for (uint32_t i = 0; i < s->layers; i++) {
#define LAYER(what) ig_format(&arena, "blk.%u." what ".weight", i)
    tensor(&m, LAYER("attn_norm"), "f32", 0, s->embd);
    tensor(&m, LAYER("attn_q"), s->q, s->heads * s->head_dim, s->embd);
    tensor(&m, LAYER("attn_k"), s->k, s->kv_heads * s->head_dim, s->embd);
    tensor(&m, LAYER("attn_v"), s->v, s->kv_heads * s->head_dim, s->embd);
    tensor(&m, LAYER("attn_output"), s->o, s->embd, s->heads * s->head_dim);
    tensor(&m, LAYER("ffn_norm"), "f32", 0, s->embd);
    tensor(&m, LAYER("ffn_gate"), s->gate, s->ff, s->embd);
    tensor(&m, LAYER("ffn_up"), s->up, s->ff, s->embd);
    tensor(&m, LAYER("ffn_down"), s->down, s->embd, s->ff);
  }
  tensor(&m, "output_norm.weight", "f32", 0, s->embd);
  if (s->head) tensor(&m, "output.weight", s->head, s->vocab, s->embd);
  ig_text_add(&file, "GGUF", 4);
  maker_u32(&file, 3);
  maker_u64(&file, m.n);
  maker_u64(&file, n_keys);
  ig_text_add(&file, keys.data, keys.size);
  ig_text_add(&file, m.infos.data, m.infos.size);
  while (file.size % 32) ig_text_add(&file, "", 1);
  ig_text_add(&file, m.data.data, m.data.size);
  const char *path = ig_format(&arena, "%s/%s.gguf", folder, s->name);
  gguf_write(path, &file);
  ig_text_finish(&keys);
  ig_text_finish(&file);
  ig_text_finish(&m.infos);
  ig_text_finish(&m.data);
  return path;
}

/* ---- what the evaluator says ------------------------------------------------------------------------------------------ */

static void show(const ig_diags *diags) {
  for (size_t i = 0; i < diags->count; i++) printf("  %s: %s\n", diags->items[i].place, diags->items[i].text);
}

static bool any_format(const char *format) { return format != NULL; }

static bool read_weight(void *user, const char *name, uint64_t offset, size_t bytes, void *to) {
  ig_diags diags = {0};
  (void)name;
  return ig_file_read(user, offset, to, bytes, &diags);
}

static const float *evaluate(const char *path, const uint32_t *tokens, uint32_t vocab) {
  ig_diags diags = {0};
  ig_model model;
  float *y = NULL;
  ig_context *context = ig_context_create(&diags);
  ig_module module = ig_module_create(context);
  if (ig_model_open(&model, path, &diags) && ig_model_graph(&model, module, any_format, &diags)) {
    ig_eval *eval = ig_eval_create(module, "forward", &(ig_eval_source){read_weight, &model.file}, 384, &diags);
    y = ig_alloc_array(&arena, (size_t)TOKENS * vocab, sizeof *y);
    if (!eval || ig_eval_columns(eval) != vocab || !ig_eval_run(eval, tokens, TOKENS, y, &diags)) y = NULL;
    ig_eval_destroy(eval);
  }
  show(&diags);
  ig_model_close(&model);
  ig_module_destroy(module);
  ig_context_destroy(context);
  ig_diags_finish(&diags);
  return y;
}

/* ---- what the library says -------------------------------------------------------------------------------------------- */

static bool keep_row(void *user, uint32_t position, const float *logits, uint32_t n_vocab) {
  memcpy((float *)user + (size_t)position * n_vocab, logits, n_vocab * sizeof *logits);
  return true;
}

/* `step` 0: all rows from batches; else only the rows after every `step` tokens. */
static bool run(const ig_loaded *loaded, const char *variant, uint32_t threads, const ingot_token *tokens, size_t step, float *y, uint32_t vocab) {
  ingot_error error = {INGOT_OK, ""};
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_model_options options = {.size = sizeof options, .plan_path = loaded->plan_path, .weights_path = loaded->weights_path, .variant = variant, .n_threads = threads,
                                 .verify_weights = true};
  bool ok = ingot_model_open(loaded->program, &options, &model, &error) == INGOT_OK && ingot_session_open(model, NULL, &session, &error) == INGOT_OK;
  if (ok && !step) ok = ingot_append_logits(session, tokens, TOKENS, keep_row, y, &error) == INGOT_OK;
  for (size_t i = 0; ok && step && i < TOKENS; i += step) {
    size_t n = TOKENS - i < step ? TOKENS - i : step;
    ok = ingot_append(session, tokens + i, n, &error) == INGOT_OK;
    if (ok) keep_row(y, (uint32_t)(i + n - 1), ingot_logits(session, NULL), vocab);
  }
  CHECK(ok, "%s, %u threads: %s", variant, threads, error.message);
  ingot_session_close(session);
  ingot_model_close(model);
  return ok;
}

/* Rows that were filled have a finite first logit; the others are NaN. */
static void compare(const char *what, const float *got, const float *want, uint32_t vocab, bool exact) {
  double error = 0, size = 0;
  int rows = 0;
  for (uint32_t t = 0; t < TOKENS; t++) {
    const float *g = got + (size_t)t * vocab, *w = want + (size_t)t * vocab;
    if (isnan(g[0]) && !isnan(w[0])) continue;
    rows++;
    for (uint32_t i = 0; i < vocab; i++) {
      error += ((double)g[i] - (double)w[i]) * ((double)g[i] - (double)w[i]);
      size += (double)w[i] * (double)w[i];
      if (!exact || ig_f32_bits(g[i]) == ig_f32_bits(w[i])) continue;
      CHECK(false, "%s: logit %u after token %u is %.9g, not %.9g", what, i, t, (double)g[i], (double)w[i]);
      return;
    }
  }
  CHECK(rows > 0 && size > 0 && sqrt(error / size) <= (exact ? 0 : 0.02), "%s: %d rows, relative rms %.3g", what, rows, sqrt(error / size));
}

static void test(const shape *s) {
  ig_diags diags = {0};
  ig_loaded loaded;
  const char *bundle;
  const ig_target *target = ig_target_find("native");
  random_state = 7;
  const char *path = write_model(s);
  uint32_t ids[TOKENS];
  ingot_token tokens[TOKENS];
  for (int i = 0; i < TOKENS; i++) ids[i] = random_u32() % s->vocab, tokens[i] = (ingot_token)ids[i];
  const float *want = evaluate(path, ids, s->vocab);
  const char **runs = ig_alloc_array(&arena, target->n_variants, sizeof *runs); /* the variants of this machine */
  uint32_t n_runs = 0;
  for (uint32_t v = 0; v < target->n_variants; v++)
    if (!(target->variants[v].features & ~ingot__cpu_features())) runs[n_runs++] = target->variants[v].name;
  ig_compile_options o = {.model = path, .parent = folder, .target = target, .chunk = 37, .variants = runs, .n_variants = n_runs};
  bool ok = ig_compile(&o, &arena, &bundle, &diags) && ig_load_bundle(&loaded, bundle, &arena, &diags);
  CHECK(ok && want, "%s: does not compile or evaluate", s->name);
  show(&diags);
  size_t bytes = (size_t)TOKENS * s->vocab * sizeof(float);
  float *got = ig_alloc(&arena, bytes);
  for (uint32_t v = 0; ok && want && v < n_runs; v++) {
    const ig_variant *variant = ig_variant_find(target, runs[v]);
    static const struct { size_t step; uint32_t threads; } ways[] = {{0, 1}, {1, 2}, {5, 3}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
      memset(got, 0xff, bytes);
      if (run(&loaded, variant->name, ways[i].threads, tokens, ways[i].step, got, s->vocab))
        compare(ig_format(&arena, "%s on %s, step %zu", s->name, variant->name, ways[i].step), got, want, s->vocab, variant->fma);
    }
  }
  if (ok) ig_unload(&loaded);
  ig_diags_finish(&diags);
}

int main(void) {
  static const shape shapes[] = {
    {"mixed", 1, 256, 4, 2, 64, 512, 300, "q6_k", "q4_k", "q8_0", "f16", "q4_k", "q4_k", "q8_0", "q6_k", NULL},
    {"k_m", 1, 256, 4, 1, 64, 768, 300, "q4_k", "q4_k", "q4_k", "q6_k", "q4_k", "q4_k", "q4_k", "q6_k", "q6_k"},
    {"blocks_of_32", 2, 96, 3, 1, 32, 160, 77, "q8_0", "q4_0", "q8_0", "q4_0", "q8_0", "q4_0", "q4_0", "q8_0", "q4_0"},
    {"plain", 3, 40, 5, 5, 8, 52, 33, "f32", "f16", "bf16", "f32", "bf16", "f32", "bf16", "f16", "bf16"},
    {"narrow_heads", 1, 36, 3, 1, 12, 20, 17, "f16", "f16", "f32", "bf16", "f32", "f16", "f16", "f32", NULL},
    {"one_of_each", 1, 32, 1, 1, 2, 32, 1, "q8_0", "q8_0", "q4_0", "f32", "f16", "q4_0", "bf16", "q4_0", "f32"},
    {"more_of_256", 1, 512, 4, 2, 64, 768, 300, "q2_k", "q5_k", "q3_k", "iq4_xs", "tq1_0", "q2_k", "q5_k", "tq2_0", "q3_k"},
    {"more_of_32", 2, 96, 3, 1, 32, 160, 77, "mxfp4", "q4_1", "q5_0", "q5_1", "iq4_nl", "mxfp4", "q5_0", "mxfp4", "q5_1"},
  };
  if (!mkdtemp(folder)) return perror(folder), 1;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) test(&shapes[i]);
  ig_remove_tree(folder);
  ig_arena_finish(&arena);
  return failures > 0;
}
