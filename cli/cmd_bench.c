/* ingot bench: tokens per second of prefill (pp) and decode (tg), as llama-bench measures and prints them; beside them the latency of tokens,
 * the first token, memory, and what share that is of what the machine can do at the time. */
#include "bench.h"
#include "driver/report.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

typedef struct bench {
  cli *c;
  cli_model_options open;
  cli_list prompts, gens, depths, threads;
  uint32_t reps;
  bool no_first, no_roofline;
  bench_form form;
  bench_model model;
  const char *cpu;
  cli_model m;
  ingot_token *tokens;           /* as many as the deepest run needs */
  ig_roofline roofline;
  bench_mapping weights;
  double warm_ms, warm_start_ms, cold_ms, cold_start_ms, base_rss, peak_rss; /* of this number of threads */
  bool first_row;
} bench;

/* Any ids do: the work is the same for all. A fixed sequence, so that runs can be compared. */
static void fill(ingot_token *tokens, size_t n, uint32_t n_vocab) {
  uint32_t state = 12345;
  for (size_t i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    tokens[i] = (ingot_token)((state >> 8) % n_vocab);
  }
}

/* ---- one test ----------------------------------------------------------------------------------------------------------- */

typedef struct samples {
  double *seconds, *int8, *f32, *read, *share, *bound; /* one a repetition */
  double *latency;               /* of each decoded token of all repetitions, milliseconds */
  size_t n_latency;
} samples;

/* What the machine can do at this moment; 0: not asked for. */
typedef struct probed {
  double int8, f32, read;
} probed;

static ingot_status once(const bench *b, const bench_row *k, double *seconds, samples *s, ingot_error *error) {
  ingot_session *session = b->m.session;
  ingot_status status = ingot_rewind(session, k->depth, error);
  double from = cli_now();
  if (status == INGOT_OK && k->prompt) status = ingot_append(session, b->tokens + k->depth, k->prompt, error);
  double before = from;
  for (uint32_t i = 0; i < k->gen && status == INGOT_OK; i++) {
    status = ingot_append(session, b->tokens + k->depth + i, 1, error);
    double now = cli_now();
    if (s) s->latency[s->n_latency++] = 1e3 * (now - before);
    before = now;
  }
  *seconds = cli_now() - from;
  if (*seconds <= 0.0) *seconds = 1e-9;
  return status;
}

static probed probe(const bench *b, const bench_row *k) {
  const bench_model *m = &b->model;
  probed p = {0.0, 0.0, 0.0};
  if (!b->roofline.jit) return p;
  if (k->prompt && m->macs_int8) p.int8 = bench_probe_ops(&b->roofline, IG_PROBE_INT8, k->threads);
  if (k->prompt && m->macs_f32) p.f32 = bench_probe_ops(&b->roofline, IG_PROBE_F32, k->threads);
  uint64_t read = m->decode_bytes < m->decode_tensor_bytes ? m->decode_bytes : m->decode_tensor_bytes; /* of experts no more than a token reads */
  if (k->gen && b->weights.address) p.read = bench_probe_read(&b->roofline, (const uint8_t *)b->weights.address + m->decode_offset, read, k->threads);
  return p;
}

/* Tokens a second that these figures allow: prefill by its multiplications with weights, decode by the bytes of weights and KV cache. NAN: not known. */
static double bound(const bench *b, const bench_row *k, probed p) {
  const bench_model *m = &b->model;
  double seconds = 0.0;
  if (k->prompt) {
    if (m->macs_int8) seconds += p.int8 > 0.0 ? 2.0 * (double)m->macs_int8 / p.int8 : NAN;
    if (m->macs_f32) seconds += p.f32 > 0.0 ? 2.0 * (double)m->macs_f32 / p.f32 : NAN;
  } else if (m->decode_tensor_bytes) {
    seconds = p.read > 0.0 ? ((double)m->decode_tensor_bytes + (double)m->kv_position_bytes * k->depth) / p.read : NAN;
  }
  return seconds > 0.0 ? 1.0 / seconds : NAN;
}

static samples new_samples(bench *b, uint32_t gen) {
  ig_arena *a = &b->c->arena;
  samples s = {.latency = ig_alloc_array(a, (size_t)b->reps * gen, sizeof *s.latency)};
  double **lists[] = {&s.seconds, &s.int8, &s.f32, &s.read, &s.share, &s.bound};
  for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) *lists[i] = ig_alloc_array(a, b->reps, sizeof(double));
  return s;
}

/* The context is filled to the depth once, each repetition rewinds to it. Probes run before the first repetition and after each. */
static bool run(bench *b, bench_row *k) {
  ingot_error error = {INGOT_OK, ""};
  uint32_t n = k->prompt + k->gen;
  samples s = new_samples(b, k->gen);
  bench_row warm = *k;           /* as llama-bench: one run of the same kind beforehand, at most 16 tokens of decode */
  if (warm.gen > 16) warm.gen = 16;
  double ignored;
  ingot_status status = ingot_rewind(b->m.session, 0, &error);
  if (status == INGOT_OK && k->depth) status = ingot_append(b->m.session, b->tokens, k->depth, &error);
  if (status == INGOT_OK) status = once(b, &warm, &ignored, NULL, &error);
  probed before = probe(b, k);
  for (uint32_t r = 0; r < b->reps && status == INGOT_OK; r++) {
    cli_progress(b->c, k->prompt ? "prefill" : "decode", (double)r / b->reps);
    status = once(b, k, &s.seconds[r], &s, &error);
    probed after = probe(b, k), mean = {(before.int8 + after.int8) / 2, (before.f32 + after.f32) / 2, (before.read + after.read) / 2};
    s.int8[r] = mean.int8, s.f32[r] = mean.f32, s.read[r] = mean.read;
    s.bound[r] = bound(b, k, mean);
    s.share[r] = n / s.seconds[r] / s.bound[r];
    before = after;
  }
  cli_progress_end(b->c);
  if (status != INGOT_OK) {
    cli_fail(b->c, "%s: %s", b->model.path, error.message);
    return false;
  }
  k->seconds = s.seconds;
  double *shares[] = {&k->p50, &k->p90, &k->p95, &k->p99};
  static const double at[] = {0.50, 0.90, 0.95, 0.99};
  for (int i = 0; i < 4; i++) *shares[i] = bench_percentile(s.latency, s.n_latency, at[i]);
  bool known = !isnan(s.bound[0]);
  k->bound = known ? bench_percentile(s.bound, b->reps, 0.5) : NAN;
  k->of_bound = known ? bench_percentile(s.share, b->reps, 0.5) : NAN;
  double *probes[] = {s.int8, s.f32, s.read}, *results[] = {&k->int8_ops, &k->f32_ops, &k->read_bytes};
  for (int i = 0; i < 3; i++) *results[i] = probes[i][0] > 0.0 ? bench_percentile(probes[i], b->reps, 0.5) : NAN;
  if (b->weights.address) k->weights = bench_weights(b->c, b->m.loaded.weights_path);
  return true;
}

/* ---- all tests of one number of threads --------------------------------------------------------------------------------- */

static uint32_t highest(const cli_list *list) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < list->n; i++) most = list->v[i] > most ? list->v[i] : most;
  return most;
}

/* The report is in the plan's folder, or (of the bundle's first platform) in the one above. A bundle that has none of the figures is measured without a roofline. */
static void read_report(bench *b) {
  cli *c = b->c;
  char *folder = ig_copy_string(&c->arena, b->m.loaded.plan_path);
  ig_str report;
  ig_diags unread = {0};
  bool found = false;
  for (int i = 0; i < 2 && !found && strrchr(folder, '/'); i++) {
    *strrchr(folder, '/') = 0;
    found = ig_read_small_file(ig_format(&c->arena, "%s/report.json", folder), 1 << 24, &c->arena, &report, &unread);
  }
  bench_model *m = &b->model;
  m->weights_bytes = b->m.info.weights_bytes;
  m->chunk = b->m.info.chunk;
  const char *format = NULL;
  if (found) {
    const struct {
      const char *name;
      uint64_t *to;
    } numbers[] = {{"parameters", &m->parameters},
                   {"tensor_bytes", &m->tensor_bytes},
                   {"decode_tensor_bytes", &m->decode_tensor_bytes},
                   {"decode_offset", &m->decode_offset},
                   {"decode_bytes", &m->decode_bytes},
                   {"prefill_macs_int8", &m->macs_int8},
                   {"prefill_macs_f32", &m->macs_f32},
                   {"kv_bytes_per_position", &m->kv_position_bytes}};
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) ig_report_number(report.data, numbers[i].name, numbers[i].to);
    format = ig_report_word(report.data, "main_format", &c->arena);
  }
  ig_diags_finish(&unread);
  if (m->decode_offset > m->weights_bytes || m->decode_bytes > m->weights_bytes - m->decode_offset) m->decode_offset = m->decode_bytes = 0;
  double n = (double)m->parameters;
  m->type = !m->parameters ? b->m.info.architecture
      : n >= 1e9           ? ig_format(&c->arena, "%s %.1fB %s", b->m.info.architecture, n * 1e-9, format)
                           : ig_format(&c->arena, "%s %.1fM %s", b->m.info.architecture, n * 1e-6, format);
  m->type = ig_copy_string(&c->arena, m->type);
}

/* In processes of their own: the first token with the weights out of the page cache and in it (the best of three), and the memory of one
 * prefill and one decode of the longest lengths. Nothing of this process may map the weights meanwhile. */
static void run_apart(bench *b, const char *weights_path, uint32_t threads) {
  bench_apart what = {
    .path = b->model.path, .variant = b->open.variant, .cache = b->open.cache, .schedule = b->open.schedule, .threads = threads, .context = b->open.context};
  bench_once once;
  b->warm_ms = b->warm_start_ms = b->cold_ms = b->cold_start_ms = b->base_rss = b->peak_rss = NAN;
  if (b->no_first) return;
  bench_drop_cache(weights_path);
  if (bench_run_apart(b->c, &what, &once) && once.read_bytes > b->model.decode_tensor_bytes / 2 && once.read_bytes)
    b->cold_ms = once.first_ms, b->cold_start_ms = once.start_ms;
  for (int i = 0; i < 3; i++)
    if (bench_run_apart(b->c, &what, &once) && !(once.first_ms >= b->warm_ms)) b->warm_ms = once.first_ms, b->warm_start_ms = once.start_ms;
  what.prompt = highest(&b->prompts);
  what.gen = highest(&b->gens);
  if (bench_run_apart(b->c, &what, &once) && once.base_rss) b->base_rss = (double)once.base_rss, b->peak_rss = (double)once.peak_rss;
}

static void open_roofline(bench *b) {
  const ig_target *target = ig_target_find("native");
  ig_codegen_init();
  ig_roofline_open(&b->roofline, ig_platform_find("native"), ig_variant_find(target, b->m.info.variant), &b->c->diags);
}

static bool run_all(bench *b, bench_row *last) {
  for (uint32_t d = 0; d < b->depths.n; d++) {
    for (uint32_t i = 0; i < b->prompts.n + b->gens.n; i++) {
      bool pp = i < b->prompts.n;
      bench_row k = {.model = &b->model,
                     .cpu = b->cpu,
                     .variant = b->m.info.variant,
                     .threads = b->m.info.n_threads,
                     .depth = b->depths.v[d],
                     .reps = b->reps,
                     .prompt = pp ? b->prompts.v[i] : 0,
                     .gen = pp ? 0 : b->gens.v[i - b->prompts.n],
                     .warm_ms = b->warm_ms,
                     .warm_start_ms = b->warm_start_ms,
                     .cold_ms = b->cold_ms,
                     .cold_start_ms = b->cold_start_ms,
                     .base_rss = b->base_rss,
                     .peak_rss = b->peak_rss};
      if (!k.prompt && !k.gen) continue;
      if (!run(b, &k)) return false;
      bench_print(b->c, &k, b->form, b->first_row);
      b->first_row = false;
      if (!last->model) last->model = k.model, last->int8_ops = last->f32_ops = last->read_bytes = NAN;
      bench_row sum = k; /* the line below the table says what any of the tests has seen */
      if (isnan(sum.int8_ops)) sum.int8_ops = last->int8_ops;
      if (isnan(sum.f32_ops)) sum.f32_ops = last->f32_ops;
      if (isnan(sum.read_bytes)) sum.read_bytes = last->read_bytes;
      *last = sum;
    }
  }
  return true;
}

static bool run_threads(bench *b, uint32_t threads, bench_row *last) {
  b->open.threads = threads;
  if (!cli_open(b->c, &b->m, b->model.path, &b->open, NULL)) return false; /* compiles a model file, if need be */
  read_report(b);
  const char *weights_path = b->m.loaded.weights_path;
  if (!b->no_first) {
    cli_close(&b->m);
    run_apart(b, weights_path, threads);
    if (!cli_open(b->c, &b->m, b->model.path, &b->open, NULL)) return false;
  }
  fill(b->tokens, b->open.context, b->m.info.n_vocab);
  b->weights = bench_weights(b->c, b->m.loaded.weights_path);
  if (!b->no_roofline && !b->roofline.jit && b->model.decode_bytes) open_roofline(b);
  bool ok = cli_report(b->c) == CLI_DONE && run_all(b, last);
  cli_close(&b->m);
  return ok;
}

static int run_bench(bench *b) {
  bench_row last[16] = {{.model = NULL}};
  int status = CLI_DONE;
  b->cpu = bench_cpu(b->c);
  b->first_row = true;
  b->warm_ms = b->warm_start_ms = b->cold_ms = b->cold_start_ms = b->base_rss = b->peak_rss = NAN;
  b->tokens = ig_alloc_array(&b->c->arena, (size_t)b->open.context + 1, sizeof *b->tokens);
  for (uint32_t t = 0; t < b->threads.n && status == CLI_DONE; t++)
    if (!run_threads(b, b->threads.v[t], &last[t])) status = CLI_FAILED;
  ig_roofline_close(&b->roofline);
  for (uint32_t t = 0; t < b->threads.n; t++)
    if (last[t].model) bench_print_threads(b->c, &last[t], b->form, t == 0);
  if (b->form == BENCH_JSON) printf("%s]\n", b->first_row ? "[" : "\n");
  return status;
}

int cmd_bench(cli *c, int argc, char **argv) {
  double began = cli_now();
  bench b = {.c = c, .reps = 5, .prompts = {{512}, 1}, .gens = {{128}, 1}, .depths = {{0}, 1}, .threads = {{0}, 1}};
  const char *form = "md";
  bool once_only = false;
  const cli_option options[] = {
    {"-m", "--model", CLI_TEXT, &b.model.path, "PATH", "a bundle (NAME.ingot) or a model file"},
    {"-p", "--n-prompt", CLI_LIST, &b.prompts, "N,...", "tokens of prefill (default: 512; 0: none)"},
    {"-n", "--n-gen", CLI_LIST, &b.gens, "N,...", "tokens of decode (default: 128; 0: none)"},
    {"-d", "--n-depth", CLI_LIST, &b.depths, "N,...", "tokens in the context before (default: 0)"},
    {"-t", "--threads", CLI_LIST, &b.threads, "N,...", "threads (default: one per core)"},
    {"-r", "--repetitions", CLI_U32, &b.reps, "N", "of each test (default: 5)"},
    {"-o", "--output", CLI_TEXT, &form, "md|csv|json", "form of the table (default: md)"},
    {"--no-first", NULL, CLI_FLAG, &b.no_first, NULL, "leave out the first token and peak memory (five runs in processes of their own)"},
    {"--no-roofline", NULL, CLI_FLAG, &b.no_roofline, NULL, "leave out what the machine can do (probes between repetitions)"},
    {"--once", NULL, CLI_FLAG, &once_only, NULL, "one first token, then -p and -n once; one line: clock at start and token, bytes read, RSS at start, peak"},
    {"--variant", NULL, CLI_TEXT, &b.open.variant, "NAME", "variant to run (default: INGOT_VARIANT, else the best)"},
    {"--schedule", NULL, CLI_TEXT, &b.open.schedule, "FILE.lua", "what to compile a model file with (docs/SCHEDULES.md)"},
    {"--cache", NULL, CLI_TEXT, &b.open.cache, "FOLDER", "where a model file is compiled to"},
  };
  if (!CLI_PARSE(c, argc, argv, "", 0, 0, options)) return c->status;
  b.form = strcmp(form, "md") == 0 ? BENCH_MARKDOWN : strcmp(form, "csv") == 0 ? BENCH_CSV : BENCH_JSON;
  if (b.form == BENCH_JSON && strcmp(form, "json") != 0) return cli_usage(c, "-o %s: expected md, csv or json", form);
  if (!b.model.path) return cli_usage(c, "-m is missing: the bundle or model file to measure");
  if (!b.reps || b.reps > 10000) return cli_usage(c, "-r %u: at least one repetition, at most 10000", b.reps);
  uint32_t run_most = highest(&b.prompts) > highest(&b.gens) ? highest(&b.prompts) : highest(&b.gens);
  if (run_most > 1u << 24 || highest(&b.depths) > 1u << 24) return cli_usage(c, "more tokens than a context can hold");
  b.open.context = run_most + highest(&b.depths);
  if (!once_only) return run_bench(&b);
  uint32_t prompt = highest(&b.prompts), gen = highest(&b.gens), context = prompt + gen > highest(&b.depths) ? prompt + gen : highest(&b.depths);
  bench_apart what = {b.model.path, b.open.variant, b.open.cache, b.open.schedule, b.threads.v[0], prompt, gen, context ? context : 1};
  return bench_once_here(c, &what, began);
}
