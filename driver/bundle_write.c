/* The bundle of planned models: libraries, header, plans, weights, prefixes, reports. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codegen/archive.h"
#include "codegen/header.h"
#include "codegen/program_object.h"
#include "driver/bundle_folder.h"
#include "driver/compilation.h"
#include "driver/report.h"
#include "driver/token_view.h"
#include "driver/verify.h"
#include "runtime/abi/sha256.h"

uint32_t ig_jobs_of(const ig_compile_options *o) {
  if (o->jobs) return o->jobs < 256 ? o->jobs : 256;
  long cores = sysconf(_SC_NPROCESSORS_ONLN);
  return cores < 1 ? 1 : cores > 64 ? 64 : (uint32_t)cores;
}

static void tell(const ig_compilation *c, const char *what, double fraction) {
  if (c->o->progress) c->o->progress(c->o->user, what, fraction);
}

static void packing(void *user, double fraction) { tell(user, "packing weights", fraction); }

static bool write_in(ig_compilation *c, const char *folder, const char *file, const ig_text *text) {
  return ig_write_file(ig_format(c->arena, "%s/%s", folder, file), text->data, text->size, c->diags);
}

enum { MOST_EMBEDDED = 64 << 20 };

/* What the library carries: with --embed the plan and the weights as they were just written. */
static bool embedded(ig_compilation *c, const ig_text *plan, const char *weights_path, ig_embedded *out) {
  ig_str weights;
  if (!c->o->embed) return true;
  if (!ig_read_small_file(weights_path, MOST_EMBEDDED + 4096, c->arena, &weights, c->diags)) return false;
  *out = (ig_embedded){out->tokens, plan->data, weights.data, plan->size, weights.size};
  return true;
}

static bool library(ig_compilation *c, const ig_platform *platform, ig_kernel_jobs *jobs, const ig_text *plan_bytes, const char *weights_path,
                    ig_text *archive) {
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

static bool unchanged(ig_compilation *c) {
  ig_file_stamp now;
  if (!ig_stamp_file(&c->model.file, &now, c->diags)) return false;
  return ig_same_stamp(&now, &c->stamp) || ig_error(c->diags, c->o->model, "was changed while it was compiled; compile again");
}

/* Whether the library's own run gives the numbers of the bundle's other targets. */
static bool speaks_for_all(const ig_compilation *c) {
  bool fma = !c->o->n_more;
  for (uint32_t i = 0; i < c->n_variants; i++) fma |= c->variants[i]->fma;
  return fma;
}

/* The session is made once, where the first library is that this machine can run. */
static bool prefix(ig_compilation *c, const char *bundle, const ig_platform *platform) {
  if (!c->o->prefix_prompt) return true;
  tell(c, "reading the prefix", 0);
  if (!c->prefix->tokens) {
    const char *prompt = c->o->prefix_prompt, *scratch = ig_format(c->arena, "%s/.here", bundle);
    const ig_compile_options apart = {.model = c->o->model, .name = c->name, .parent = scratch, .n_context = c->model.context, .jobs = c->o->jobs};
    if (!(platform == ig_platform_find("native") && speaks_for_all(c) ? ig_make_prefix(c->prefix, bundle, prompt, ig_jobs_of(c->o), c->arena, c->diags)
                                                                      : ig_make_prefix_apart(c->prefix, &apart, prompt, ig_jobs_of(c->o), c->arena, c->diags)))
      return false;
  }
  return ig_write_prefix(c->prefix, c->target, &c->plan, c->facts.weights_root, ig_format(c->arena, "%s/%s/%s.prefix", bundle, platform->name, c->name),
                         &c->prefix_sha256, c->arena, c->diags);
}

/* Plan and weights of the target, in the folder of its first platform or linked from there. A disk without hard links gets the weights once more. */
static bool shared_files(ig_compilation *c, const char *folder, const char *first) {
  const char *plan = ig_format(c->arena, "%s/%s.plan", folder, c->name), *weights = ig_format(c->arena, "%s/%s.weights", folder, c->name);
  if (first && link(ig_format(c->arena, "%s/%s.weights", first, c->name), weights) == 0 && link(ig_format(c->arena, "%s/%s.plan", first, c->name), plan) == 0)
    return true;
  unlink(weights);
  if (!ig_pack_weights(&c->plan, &c->model.file, weights, &(ig_pack_options){packing, c, ig_jobs_of(c->o) - 1}, c->facts.weights_root, c->diags)) return false;
  if (!c->plan_bytes.size) ig_write_plan(&c->plan, &c->facts, &c->plan_bytes);
  return ig_write_file(plan, c->plan_bytes.data, c->plan_bytes.size, c->diags);
}

static ig_promise promise(const ig_compilation *c) {
  return ig_promise_of(&c->plan, &c->schedule, c->model.n_vocab, c->model.tokenizer.present ? c->model.tokenizer.longest : 0, c->plan_bytes.size);
}

static bool within_limits(const ig_compilation *c, uint64_t library_bytes) {
  const ig_promise p = promise(c);
  return ig_check_limits(&c->o->limits, &p, c->plan.n_context, library_bytes, c->o->model, c->diags);
}

static bool report(ig_compilation *c, const char *folder, const ig_platform *platform, const ig_text *library) {
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
static bool fill(ig_compilation *c, const char *bundle, const ig_platform *platform, const char *first) {
  const char *folder = ig_format(c->arena, "%s/%s", bundle, platform->name);
  const bool leads = platform == c->o->platform;
  if (mkdir(folder, 0777) != 0) return ig_error(c->diags, folder, "cannot make this folder: %s", strerror(errno));
  uint32_t threads = ig_jobs_of(c->o);
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

static bool write_depfile(ig_compilation *c, const char *final) {
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

static bool fill_all(ig_compilation *c, uint32_t n, const char *bundle) {
  const ig_compile_options *o = c->o;
  for (ig_compilation *one = c; one < c + n; one++) {
    const char *first = NULL;
    for (uint32_t i = 0; i <= o->n_more; i++) {
      const ig_platform *platform = ig_bundle_platform(o, i);
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

bool ig_write_bundle(ig_compilation *c, uint32_t n, const char **bundle) {
  ig_bundle_folder folder = {0};
  if (c->o->embed && c->plan.weights_bytes > MOST_EMBEDDED)
    return ig_error(c->diags, c->o->model, "has %llu MiB of weights: --embed takes at most %d; ship the weights file instead",
                    (unsigned long long)(c->plan.weights_bytes >> 20), MOST_EMBEDDED >> 20);
  for (ig_compilation *one = c; one < c + n; one++)
    if (!within_limits(one, 0)) return false; /* as far as is known: better before an hour of packing than after */
  if (!ig_bundle_begin(&folder, c->o->parent ? c->o->parent : ".", c->name, c->arena, c->diags)) return false;
  bool ok = fill_all(c, n, folder.part) && write_depfile(c, folder.final) && ig_bundle_commit(&folder, c->diags);
  if (!ok) ig_bundle_abandon(&folder);
  *bundle = folder.final;
  return ok;
}
