/* ig_compile: the way from a model file to a bundle, told once. */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codegen/archive.h"
#include "codegen/header.h"
#include "codegen/pack_file.h"
#include "codegen/plan_writer.h"
#include "codegen/program_object.h"
#include "codegen/tokens_writer.h"
#include "driver/bundle_folder.h"
#include "driver/driver.h"
#include "driver/kernel_jobs.h"
#include "driver/planned.h"
#include "driver/prefix.h"
#include "driver/report.h"
#include "driver/token_view.h"
#include "driver/verify.h"
#include "frontend/model.h"
#include "passes/lower.h"
#include "passes/pipeline.h"
#include "passes/schedule.h"
#include "runtime/abi/sha256.h"

enum { CONTEXT_BY_DEFAULT = 4096, CONTEXT_MOST = 1 << 24, CHUNK_MOST = 1 << 14, NAME_MOST = 48 };

/* A model on its way to the platforms of one target. */
typedef struct compilation {
  const ig_compile_options *o;
  const ig_target *target;
  ig_arena *arena;
  ig_diags *diags;
  const char *name;
  ig_model model;
  ig_file_stamp stamp;              /* of the model file as its header was read */
  const ig_variant **variants;
  ig_code_facts *code;              /* of each, in the platform at hand */
  uint32_t n_variants;
  ig_schedule schedule;
  ig_program_plan plan;
  ig_plan_facts facts;
  ig_text plan_bytes;               /* as written */
  ig_prefix *prefix;                /* of all targets */
  const char *prefix_sha256;        /* of its file */
  bool ended;                       /* at the stage that was asked for */
  uint32_t dumped;
} compilation;

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

static bool choose_name(compilation *c) {
  c->name = c->o->name ? c->o->name : name_from_path(c->o->model, c->arena);
  if (!strcmp(c->name, taken)) return ig_error(c->diags, c->name, "is no name for a bundle: the runtime's header has it; give another by --name");
  if (strlen(c->name) <= NAME_MOST && ig_is_bundle_name(c->name)) return true;
  return ig_error(c->diags, c->name, "is no name for a bundle: letters, digits and _ only, a letter first, at most %d of them", NAME_MOST);
}

/* A platform of the bundle: the first, or one of the others. */
static const ig_platform *platform_at(const ig_compile_options *o, uint32_t i) { return i == 0 ? o->platform : o->more[i - 1]; }

static bool choose_variants(compilation *c) {
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
    for (uint32_t i = 0; i <= c->o->n_more; i++) known |= ig_variant_find(platform_at(c->o, i)->target, c->o->variants[j]) != NULL;
    if (!known) ok = ig_error(c->diags, c->o->variants[j], "is not a variant of %s", target->name);
  }
  return ok || (c->diags->errors ? false : ig_error(c->diags, target->name, "no variant is chosen"));
}

static bool choose_sizes(compilation *c, ig_lower_options *sizes) {
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
  compilation *c = user;
  if (!c->o->dump_phases || c->target != c->o->platform->target) return;
  ig_write_file(ig_format(c->arena, "%s/%02u-%s.txt", c->o->dump_phases, c->dumped++, pass), text, strlen(text), c->diags);
}

static bool at_stage(const compilation *c, const char *stage) { return c->o->stage && !strcmp(c->o->stage, stage); }

static void end_with_graph(compilation *c, ig_module module) {
  ig_module_print(module, c->o->stage_text);
  c->ended = true;
}

static uint32_t apart(const ig_schedule *schedule) {
  ig_program_choice program = ig_schedule_program(schedule);
  uint32_t bits = 0;
  for (int p = 0; p < IG_PATTERNS; p++) bits |= program.fused[p] ? 0 : 1u << p;
  return bits;
}

static bool plan_from_graph(compilation *c, ig_module module) {
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

static bool add_tokens(compilation *c) {
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
static bool make_plan(compilation *c) {
  if (c->o->dump_phases && !ig_make_folders(c->o->dump_phases, c->arena, c->diags)) return false;
  ig_context *context = ig_context_create(c->diags);
  if (!context) return false;
  ig_module module = ig_module_create(context);
  bool ok = plan_from_graph(c, module);
  ig_module_destroy(module);
  ig_context_destroy(context);
  return ok && !c->diags->errors && (c->ended || add_tokens(c));
}

/* ---- code, weights, files --------------------------------------------------------------------------------------------- */

static void tell(const compilation *c, const char *what, double fraction) {
  if (c->o->progress) c->o->progress(c->o->user, what, fraction);
}

static void packing(void *user, double fraction) { tell(user, "packing weights", fraction); }

static bool write_in(compilation *c, const char *folder, const char *file, const ig_text *text) {
  return ig_write_file(ig_format(c->arena, "%s/%s", folder, file), text->data, text->size, c->diags);
}

static uint32_t n_jobs(const compilation *c) {
  if (c->o->jobs) return c->o->jobs < 256 ? c->o->jobs : 256;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores < 1 ? 1 : cores > 64 ? 64 : (uint32_t)cores;
}

enum { MOST_EMBEDDED = 64 << 20 };

/* What the library carries: with --embed the plan and the weights as they were just written. */
static bool embedded(compilation *c, const ig_text *plan, const char *weights_path, ig_embedded *out) {
  ig_str weights;
  if (!c->o->embed) return true;
  if (!ig_read_small_file(weights_path, MOST_EMBEDDED + 4096, c->arena, &weights, c->diags)) return false;
  *out = (ig_embedded){out->tokens, plan->data, weights.data, plan->size, weights.size};
  return true;
}

static bool library(compilation *c, const ig_platform *platform, ig_kernel_jobs *jobs, const ig_text *plan_bytes, const char *weights_path, ig_text *archive) {
  ig_archive_member *kernels, *members;
  size_t n;
  tell(c, "compiling kernels", ig_kernel_jobs_done(jobs));
  if (!ig_kernel_jobs_join(jobs, c->arena, &kernels, &n, c->code, NULL, c->diags)) return false;
  uint8_t plan_hash[INGOT_SHA256_SIZE];
  ingot__sha256_of(plan_bytes->data, plan_bytes->size, plan_hash);
  ig_object program;
  ig_embedded inner = {.tokens = c->model.tokenizer.present ? ig_token_codes[c->model.tokenizer.kind].symbol : NULL};
  if (!embedded(c, plan_bytes, weights_path, &inner)) return false;
  if (!ig_program_object(platform, &c->plan, c->name, &c->schedule, c->variants, c->n_variants, plan_hash, &inner, &program, c->diags)) return false;
  members = ig_alloc_array(c->arena, n + 1, sizeof *members);
  const char *symbol = ig_program_symbol(c->arena, c->name);
  members[0] = (ig_archive_member){"program.o", program.data, program.size, &symbol, 1};
  memcpy(members + 1, kernels, n * sizeof *members);
  ig_write_archive(platform->format, members, n + 1, archive);
  free(program.data);
  return true;
}

static bool unchanged(compilation *c) {
  ig_file_stamp now;
  if (!ig_stamp_file(&c->model.file, &now, c->diags)) return false;
  return ig_same_stamp(&now, &c->stamp) || ig_error(c->diags, c->o->model, "was changed while it was compiled; compile again");
}

/* Whether the library's own run gives the numbers of the bundle's other targets. */
static bool speaks_for_all(const compilation *c) {
  bool fma = !c->o->n_more;
  for (uint32_t i = 0; i < c->n_variants; i++) fma |= c->variants[i]->fma;
  return fma;
}

/* The session is made once, where the first library is that this machine can run. */
static bool prefix(compilation *c, const char *bundle, const ig_platform *platform) {
  if (!c->o->prefix_prompt) return true;
  tell(c, "reading the prefix", 0);
  if (!c->prefix->tokens) {
    const char *prompt = c->o->prefix_prompt, *scratch = ig_format(c->arena, "%s/.here", bundle);
    const ig_compile_options apart = {.model = c->o->model, .name = c->name, .parent = scratch, .n_context = c->model.context, .jobs = c->o->jobs};
    if (!(platform == ig_platform_find("native") && speaks_for_all(c) ? ig_make_prefix(c->prefix, bundle, prompt, n_jobs(c), c->arena, c->diags)
                                                                      : ig_make_prefix_apart(c->prefix, &apart, prompt, n_jobs(c), c->arena, c->diags)))
      return false;
  }
  return ig_write_prefix(c->prefix, c->target, &c->plan, c->facts.weights_root, ig_format(c->arena, "%s/%s/%s.prefix", bundle, platform->name, c->name),
                         &c->prefix_sha256, c->arena, c->diags);
}

/* Plan and weights of the target, in the folder of its first platform or linked from there. A disk without hard links gets the weights once more. */
static bool shared_files(compilation *c, const char *folder, const char *first) {
  const char *plan = ig_format(c->arena, "%s/%s.plan", folder, c->name), *weights = ig_format(c->arena, "%s/%s.weights", folder, c->name);
  if (first && link(ig_format(c->arena, "%s/%s.weights", first, c->name), weights) == 0 && link(ig_format(c->arena, "%s/%s.plan", first, c->name), plan) == 0)
    return true;
  unlink(weights);
  if (!ig_pack_weights(&c->plan, &c->model.file, weights, &(ig_pack_options){packing, c, n_jobs(c) - 1}, c->facts.weights_root, c->diags)) return false;
  if (!c->plan_bytes.size) ig_write_plan(&c->plan, &c->facts, &c->plan_bytes);
  return ig_write_file(plan, c->plan_bytes.data, c->plan_bytes.size, c->diags);
}

static ig_promise promise(const compilation *c) {
  return ig_promise_of(&c->plan, &c->schedule, c->model.n_vocab, c->model.tokenizer.present ? c->model.tokenizer.longest : 0, c->plan_bytes.size);
}

static bool within_limits(const compilation *c, uint64_t library_bytes) {
  const ig_promise p = promise(c);
  return ig_check_limits(&c->o->limits, &p, c->plan.n_context, library_bytes, c->o->model, c->diags);
}

static bool report(compilation *c, const char *folder, const ig_platform *platform, const ig_text *library) {
  ig_text text = {0}, header = {0};
  ig_write_header(c->name, &header);
  ig_report_facts facts = {.plan = &c->facts,
                           .platform = platform,
                           .leading = c->o->platform,
                           .more = c->o->more,
                           .n_more = c->o->n_more,
                           .variants = c->variants,
                           .code = c->code,
                           .n_variants = c->n_variants,
                           .prefix_tokens = c->prefix->tokens,
                           .library_bytes = library->size,
                           .plan_bytes = c->plan_bytes.size,
                           .source_bytes = c->model.file.size,
                           .header_sha256 = ig_sha256_text(header.data, header.size, c->arena),
                           .library_sha256 = ig_sha256_text(library->data, library->size, c->arena),
                           .plan_sha256 = ig_sha256_text(c->plan_bytes.data, c->plan_bytes.size, c->arena),
                           .prefix_sha256 = c->prefix_sha256,
                           .weights_root = ig_digest_text(c->facts.weights_root, c->arena),
                           .promise = promise(c)};
  ig_write_report(&c->plan, &facts, &text);
  ig_text_finish(&header);
  bool ok = write_in(c, folder, "report.json", &text);
  ig_text_finish(&text);
  return ok;
}

/* `first`: the folder of an earlier platform of the target, or NULL. The first platform of the bundle has its report in the bundle's folder. */
static bool fill(compilation *c, const char *bundle, const ig_platform *platform, const char *first) {
  const char *folder = ig_format(c->arena, "%s/%s", bundle, platform->name);
  const bool leads = platform == c->o->platform;
  if (mkdir(folder, 0777) != 0) return ig_error(c->diags, folder, "cannot make this folder: %s", strerror(errno));
  uint32_t threads = n_jobs(c);
  ig_kernel_jobs *jobs = ig_kernel_jobs_start(platform, &c->plan, c->name, &c->schedule, c->variants, c->n_variants, threads > 1 ? threads - 1 : 0,
                                              IG_DUMP_NONE);
  ig_text archive = {0};
  bool ok = shared_files(c, folder, first) && library(c, platform, jobs, &c->plan_bytes, ig_format(c->arena, "%s/%s.weights", folder, c->name), &archive) &&
      within_limits(c, archive.size) && write_in(c, folder, ig_format(c->arena, "lib%s.a", c->name), &archive) && prefix(c, bundle, platform) &&
      report(c, leads ? bundle : folder, platform, &archive);
  ig_kernel_jobs_destroy(jobs);
  ig_text_finish(&archive);
  return ok;
}

/* Make's escapes: a space or # by a backslash, $ twice. */
static void depfile_path(ig_text *out, const char *path) {
  for (; *path; path++) ig_text_printf(out, "%s%c", *path == ' ' || *path == '#' ? "\\" : *path == '$' ? "$" : "", *path);
}

static bool write_depfile(compilation *c, const char *final) {
  if (!c->o->depfile) return true;
  ig_text text = {0};
  depfile_path(&text, ig_format(c->arena, "%s/%s/lib%s.a", final, c->o->platform->name, c->name));
  ig_text_printf(&text, ": ");
  for (const ig_file *file = &c->model.file; file; file = file->next) {
    depfile_path(&text, file->path);
    if (file->next) ig_text_printf(&text, " ");
  }
  if (c->o->schedule) ig_text_printf(&text, " "), depfile_path(&text, c->o->schedule);
  if (c->o->prefix_prompt) ig_text_printf(&text, " "), depfile_path(&text, c->o->prefix_prompt);
  ig_text_printf(&text, "\n");
  bool ok = ig_write_file(c->o->depfile, text.data, text.size, c->diags);
  ig_text_finish(&text);
  return ok;
}

static bool fill_all(compilation *c, uint32_t n, const char *bundle) {
  const ig_compile_options *o = c->o;
  for (compilation *one = c; one < c + n; one++) {
    const char *first = NULL;
    for (uint32_t i = 0; i <= o->n_more; i++) {
      const ig_platform *platform = platform_at(o, i);
      if (platform->target != one->target) continue;
      if (!fill(one, bundle, platform, first)) return false;
      if (!first) first = ig_format(c->arena, "%s/%s", bundle, platform->name);
    }
    if (!unchanged(one)) return false;
  }
  ig_text header = {0};
  ig_write_header(c->name, &header);
  bool ok = write_in(c, bundle, ig_format(c->arena, "%s.h", c->name), &header);
  ig_text_finish(&header);
  return ok;
}

static bool make_bundle(compilation *c, uint32_t n, const char **bundle) {
  ig_bundle_folder folder = {0};
  if (c->o->embed && c->plan.weights_bytes > MOST_EMBEDDED)
    return ig_error(c->diags, c->o->model, "has %llu MiB of weights: --embed takes at most %d; ship the weights file instead",
                    (unsigned long long)(c->plan.weights_bytes >> 20), MOST_EMBEDDED >> 20);
  for (compilation *one = c; one < c + n; one++)
    if (!within_limits(one, 0)) return false; /* as far as is known: better before an hour of packing than after */
  if (!ig_bundle_begin(&folder, c->o->parent ? c->o->parent : ".", c->name, c->arena, c->diags)) return false;
  bool ok = fill_all(c, n, folder.part) && write_depfile(c, folder.final) && ig_bundle_commit(&folder, c->diags);
  if (!ok) ig_bundle_abandon(&folder);
  *bundle = folder.final;
  return ok;
}

static void explain(compilation *c) {
  ig_kernel_ref *refs = ig_alloc_array(c->arena, c->plan.n_kernels, sizeof *refs);
  for (size_t i = 0; i < c->plan.n_kernels; i++) refs[i] = c->plan.kernel[i].ref;
  if (c->o->chunk) ig_text_printf(c->o->explain, "%-24s %-10s  --batch: chunk = %u\n", "program", "all", c->plan.chunk);
  ig_schedule_explain(&c->schedule, refs, c->plan.n_kernels, c->variants, c->n_variants, c->o->explain);
}

static bool dump_kernels(compilation *c, ig_dump dump) {
  ig_archive_member *members;
  size_t n;
  ig_kernel_jobs *jobs = ig_kernel_jobs_start(c->o->platform, &c->plan, c->name, &c->schedule, c->variants, c->n_variants, n_jobs(c) - 1, dump);
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
static bool plan_target(compilation *c) {
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
static bool begin(compilation *c) {
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
      if (platform_at(o, k) == o->more[i]) return ig_error(diags, o->more[i]->name, "is a platform of the bundle twice");
  return true;
}

/* One compilation for each target among the platforms, the first platform's first. */
static bool compile_all(compilation *c, uint32_t *n, const ig_compile_options *o, ig_prefix *prefix, ig_arena *arena, const char **bundle, ig_diags *diags) {
  for (uint32_t i = 0; i <= o->n_more; i++) {
    const ig_target *target = platform_at(o, i)->target;
    bool known = false;
    for (uint32_t k = 0; k < *n; k++) known |= c[k].target == target;
    if (known) continue;
    c[*n] = (compilation){.o = o, .target = target, .arena = arena, .diags = diags, .prefix = prefix};
    if (!begin(&c[*n])) return false;
    ++*n;
    if (!plan_target(&c[*n - 1])) return false;
    if (c[0].ended) return true;
  }
  return make_bundle(c, *n, bundle);
}

bool ig_compile(const ig_compile_options *options, ig_arena *arena, const char **bundle, ig_diags *diags) {
  uint32_t n = 0;
  *bundle = NULL;
  if (!known_stage(options->stage))
    return ig_error(diags, options->stage, "is no stage to stop at: graph, fuse, split, layout (or any pass), plan, kernels, llvm, asm");
  if (!check_platforms(options, diags)) return false;
  compilation *c = ig_alloc_array(arena, options->n_more + 1, sizeof *c);
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
  compilation c = {.o = options, .target = options->platform->target, .arena = arena, .diags = diags};
  if (!begin(&c)) return false;
  bool ok = make_plan(&c) && !diags->errors;
  if (ok) *planned = (ig_planned){c.model, c.schedule, c.plan};
  else ig_model_close(&c.model);
  return ok;
}
