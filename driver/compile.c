/* ig_compile: the way from a model file to a bundle, told once. bundle_write.c is its end. */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/program_object.h"
#include "codegen/tokens_writer.h"
#include "driver/bundle_folder.h"
#include "driver/compilation.h"
#include "driver/planned.h"
#include "driver/report.h"
#include "passes/pipeline.h"

enum { CONTEXT_BY_DEFAULT = 4096, CONTEXT_MOST = 1 << 24, CHUNK_MOST = 1 << 14, NAME_MOST = 48 };

/* ---- names, options --------------------------------------------------------------------------------------------------- */

/* The runtime's own: its header, its library, its type ingot_program. */
static const char taken[] = "ingot";

/* "models/Fable-3B.Q4_K.gguf" -> "Fable_3B_Q4_K"; of "Fable-00001-of-00003.gguf", a shard, what comes before */
static const char *name_from_path(const char *path, ig_arena *arena) {
  const char *base = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
  size_t n = strlen(base), cut = n > 5 && !strcmp(base + n - 5, ".gguf") ? n - 5 : n;
  static const char shard[] = "-00001-of-00001"; /* as long as that */
  if (cut > sizeof shard - 1 && base[cut - 15] == '-' && !memcmp(base + cut - 9, "-of-", 4)) cut -= sizeof shard - 1;
  bool prefix = !isalpha((unsigned char)*base) || (cut == strlen(taken) && !memcmp(base, taken, cut));
  char *name = ig_format(arena, "%s%.*s", prefix ? "m_" : "", (int)(cut < NAME_MOST - 2 ? cut : NAME_MOST - 2), base);
  for (char *c = name; *c; c++)
    if (!isalnum((unsigned char)*c)) *c = '_';
  return name;
}

static bool choose_name(ig_compilation *c) {
  c->name = c->o->name ? c->o->name : name_from_path(c->o->model, c->arena);
  if (!strcmp(c->name, taken)) return ig_error(c->diags, c->name, "is no name for a bundle: the runtime's header has it; give another by --name");
  if (strlen(c->name) <= NAME_MOST && ig_is_bundle_name(c->name)) return true;
  return ig_error(c->diags, c->name, "is no name for a bundle: letters, digits and _ only, a letter first, at most %d of them", NAME_MOST);
}

static bool choose_variants(ig_compilation *c) {
  const ig_target *target = c->target;
  c->variants = ig_alloc_array(c->arena, target->n_variants, sizeof *c->variants);
  c->code = ig_alloc_array(c->arena, target->n_variants, sizeof *c->code);
  for (uint32_t i = 0; i < target->n_variants; i++) { /* in the target's order, best first, whatever order they are named in */
    bool wanted = !c->o->variants;
    for (uint32_t j = 0; c->o->variants && j < c->o->n_variants; j++) wanted |= !strcmp(c->o->variants[j], target->variants[i].name);
    if (wanted) c->variants[c->n_variants++] = &target->variants[i];
  }
  bool ok = c->n_variants > 0;
  for (uint32_t j = 0; c->o->variants && j < c->o->n_variants; j++) {
    bool known = false;
    for (uint32_t i = 0; i <= c->o->n_more; i++) known |= ig_variant_find(ig_bundle_platform(c->o, i)->target, c->o->variants[j]) != NULL;
    if (!known) ok = ig_error(c->diags, c->o->variants[j], "is not a variant of %s", target->name);
  }
  return ok || (c->diags->errors ? false : ig_error(c->diags, target->name, "no variant is chosen"));
}

static bool choose_sizes(ig_compilation *c, ig_lower_options *sizes) {
  uint64_t context = c->o->n_context, trained = c->model.n_context ? c->model.n_context : CONTEXT_BY_DEFAULT;
  if (!context) context = trained < CONTEXT_BY_DEFAULT ? trained : CONTEXT_BY_DEFAULT;
  if (context > CONTEXT_MOST)
    return ig_error(c->diags, c->o->model, "a context of %llu positions is too long; the most is %d", (unsigned long long)context, CONTEXT_MOST);
  if (c->o->n_context && context > trained)
    ig_report(c->diags, IG_WARNING, c->o->model, "was trained for %llu positions; beyond them answers get worse", (unsigned long long)trained);
  uint32_t chunk = c->o->chunk ? c->o->chunk : ig_schedule_program(&c->schedule).chunk;
  if (chunk > CHUNK_MOST) return ig_error(c->diags, c->o->model, "a batch of %u tokens is too large; the most is %d", chunk, CHUNK_MOST);
  c->model.context = (uint32_t)context;
  sizes->n_context = (uint32_t)ig_round_up(context, INGOT_KV_BLOCK);
  sizes->chunk = chunk < sizes->n_context ? chunk : sizes->n_context;
  return true;
}

/* ---- graph and plan --------------------------------------------------------------------------------------------------- */

static bool has_kernels(const char *format) { return ig_layout_find(format) != NULL; }

static void dump_phase(void *user, const char *pass, const char *text) {
  ig_compilation *c = user;
  if (!c->o->dump_phases || c->target != c->o->platform->target) return;
  ig_write_file(ig_format(c->arena, "%s/%02u-%s.txt", c->o->dump_phases, c->dumped++, pass), text, strlen(text), c->diags);
}

static bool at_stage(const ig_compilation *c, const char *stage) { return c->o->stage && !strcmp(c->o->stage, stage); }

static void end_with_graph(ig_compilation *c, ig_module module) {
  ig_module_print(module, c->o->stage_text);
  c->ended = true;
}

static uint32_t apart(const ig_schedule *schedule) {
  ig_program_choice program = ig_schedule_program(schedule);
  uint32_t bits = 0;
  for (int p = 0; p < IG_PATTERNS; p++) bits |= program.fused[p] ? 0 : 1u << p;
  return bits;
}

static bool plan_from_graph(ig_compilation *c, ig_module module) {
  ig_lower_options sizes;
  if (!choose_sizes(c, &sizes) || !ig_model_graph(&c->model, module, has_kernels, c->diags)) return false;
  if (c->o->dump_phases) {
    ig_text text = {0};
    ig_module_print(module, &text);
    dump_phase(c, "graph", text.data);
    ig_text_finish(&text);
  }
  if (at_stage(c, "graph")) return end_with_graph(c, module), true;
  bool pass = c->o->stage && ig_pass_find(c->o->stage);
  ig_pass_options passes = {.layout = c->target->layout,
                            .stop_after = pass ? c->o->stage : NULL,
                            .dump = c->o->dump_phases ? dump_phase : NULL,
                            .user = c,
                            .apart = apart(&c->schedule)};
  if (!ig_run_passes(module, &passes, c->diags)) return false;
  if (pass) return end_with_graph(c, module), true;
  if (!ig_make_plan(module, &sizes, c->arena, &c->plan, c->diags)) return false;
  if (at_stage(c, "plan") || c->o->dump_phases) {
    ig_text text = {0};
    ig_plan_print(&c->plan, &text);
    dump_phase(c, "plan", text.data);
    if (at_stage(c, "plan")) ig_text_add(c->o->stage_text, text.data, text.size), c->ended = true;
    ig_text_finish(&text);
  }
  return true;
}

static bool add_tokens(ig_compilation *c) {
  ig_text text = {0};
  if (!c->model.tokenizer.present) return true;
  ig_write_tokens(&c->model.tokenizer, &text);
  const size_t size = text.size;
  void *tables = ig_alloc(c->arena, size);
  memcpy(tables, text.data, text.size);
  ig_text_finish(&text);
  return ig_add_tokens(&c->plan, tables, size, c->diags);
}

/* The graph's memory is given back before code generation asks for its own. */
static bool make_plan(ig_compilation *c) {
  if (c->o->dump_phases && !ig_make_folders(c->o->dump_phases, c->arena, c->diags)) return false;
  ig_context *context = ig_context_create(c->diags);
  if (!context) return false;
  ig_module module = ig_module_create(context);
  bool ok = plan_from_graph(c, module);
  ig_module_destroy(module);
  ig_context_destroy(context);
  return ok && !c->diags->errors && (c->ended || add_tokens(c));
}

static void explain(ig_compilation *c) {
  ig_kernel_ref *refs = ig_alloc_array(c->arena, c->plan.n_kernels, sizeof *refs);
  for (size_t i = 0; i < c->plan.n_kernels; i++) refs[i] = c->plan.kernel[i].ref;
  if (c->o->chunk) ig_text_printf(c->o->explain, "%-24s %-10s  --batch: chunk = %u\n", "program", "all", c->plan.chunk);
  ig_schedule_explain(&c->schedule, refs, c->plan.n_kernels, c->variants, c->n_variants, c->o->explain);
}

static bool dump_kernels(ig_compilation *c, ig_dump dump) {
  ig_archive_member *members;
  size_t n;
  ig_kernel_jobs *jobs = ig_kernel_jobs_start(c->o->platform, &c->plan, c->name, &c->schedule, c->variants, c->n_variants, ig_jobs_of(c->o) - 1, dump);
  bool ok = ig_kernel_jobs_join(jobs, c->arena, &members, &n, NULL, c->o->stage_text, c->diags);
  ig_kernel_jobs_destroy(jobs);
  return ok;
}

/* ---- the way ---------------------------------------------------------------------------------------------------------- */

static const struct {
  const char *stage;
  ig_dump dump;
} code_stages[] = {{"kernels", IG_DUMP_MLIR}, {"llvm", IG_DUMP_LLVM}, {"asm", IG_DUMP_ASM}};
enum { CODE_STAGES = sizeof code_stages / sizeof *code_stages };

static bool known_stage(const char *stage) {
  if (!stage || !strcmp(stage, "graph") || !strcmp(stage, "plan") || ig_pass_find(stage)) return true;
  for (int i = 0; i < CODE_STAGES; i++)
    if (!strcmp(stage, code_stages[i].stage)) return true;
  return false;
}

/* Up to the plan, or to the stage that was asked for. */
static bool plan_target(ig_compilation *c) {
  if (!ig_stamp_file(&c->model.file, &c->stamp, c->diags) || !make_plan(c)) return false;
  if (c->ended) return true;
  if (c->o->explain && c->target == c->o->platform->target) explain(c);
  for (int i = 0; i < CODE_STAGES; i++)
    if (at_stage(c, code_stages[i].stage)) return c->ended = true, dump_kernels(c, code_stages[i].dump);
  const ig_model *m = &c->model;
  c->facts = (ig_plan_facts){.name = c->name,
                             .architecture = m->architecture,
                             .target = c->target->name,
                             .layout = c->target->layout,
                             .source = m->source,
                             .n_vocab = m->n_vocab,
                             .n_embd = m->n_embd,
                             .n_layer = m->n_layer,
                             .chat_template = &m->chat_template};
  return true;
}

/* All choices of the caller judged, the model open; nothing is open after false. */
static bool begin(ig_compilation *c) {
  static pthread_once_t once = PTHREAD_ONCE_INIT; /* LLVM's registries are the process's own */
  if (!choose_name(c) || !choose_variants(c) || !ig_schedule_read(&c->schedule, c->target, c->o->schedule, c->arena, c->diags)) return false;
  pthread_once(&once, ig_codegen_init);
  if (ig_model_open(&c->model, c->o->model, c->diags)) return true;
  ig_model_close(&c->model);
  return false;
}

static bool check_platforms(const ig_compile_options *o, ig_diags *diags) {
  for (uint32_t i = 0; i < o->n_more; i++)
    for (uint32_t k = 0; k <= i; k++)
      if (ig_bundle_platform(o, k) == o->more[i]) return ig_error(diags, o->more[i]->name, "is a platform of the bundle twice");
  return true;
}

/* One compilation for each target among the platforms, the first platform's first. */
static bool compile_all(ig_compilation *c, uint32_t *n, const ig_compile_options *o, ig_prefix *prefix, ig_arena *arena, const char **bundle, ig_diags *diags) {
  for (uint32_t i = 0; i <= o->n_more; i++) {
    const ig_target *target = ig_bundle_platform(o, i)->target;
    bool known = false;
    for (uint32_t k = 0; k < *n; k++) known |= c[k].target == target;
    if (known) continue;
    c[*n] = (ig_compilation){.o = o, .target = target, .arena = arena, .diags = diags, .prefix = prefix};
    if (!begin(&c[*n])) return false;
    ++*n;
    if (!plan_target(&c[*n - 1])) return false;
    if (c[0].ended) return true;
  }
  return ig_write_bundle(c, *n, bundle);
}

bool ig_compile(const ig_compile_options *options, ig_arena *arena, const char **bundle, ig_diags *diags) {
  uint32_t n = 0;
  *bundle = NULL;
  if (!known_stage(options->stage))
    return ig_error(diags, options->stage, "is no stage to stop at: graph, fuse, split, layout (or any pass), plan, kernels, llvm, asm");
  if (!check_platforms(options, diags)) return false;
  ig_compilation *c = ig_alloc_array(arena, options->n_more + 1, sizeof *c);
  ig_prefix prefix = {0};
  bool ok = compile_all(c, &n, options, &prefix, arena, bundle, diags) && !diags->errors;
  for (uint32_t i = 0; i < n; i++) {
    ig_text_finish(&c[i].plan_bytes);
    ig_model_close(&c[i].model);
  }
  ig_text_finish(&prefix.state);
  return ok;
}

bool ig_plan_model(ig_planned *planned, const ig_compile_options *options, ig_arena *arena, ig_diags *diags) {
  ig_compilation c = {.o = options, .target = options->platform->target, .arena = arena, .diags = diags};
  if (!begin(&c)) return false;
  bool ok = make_plan(&c) && !diags->errors;
  if (ok) *planned = (ig_planned){c.model, c.schedule, c.plan};
  else ig_model_close(&c.model);
  return ok;
}
