/* ingot bench: tokens per second of prefill (pp) and decode (tg), as llama-bench measures and prints them. */
#include "cli.h"

#include <math.h>
#include <string.h>

typedef struct measure {
  uint32_t threads, prompt, gen, depth;
  double mean, deviation;        /* tokens per second */
} measure;

typedef enum output { MARKDOWN, CSV, JSON } output;

typedef struct bench {
  cli *c;
  const char *path, *name;       /* the path's last part */
  cli_model m;
  ingot_token *tokens;           /* as many as the deepest run needs */
  uint32_t reps;
} bench;

/* Any ids do: the work is the same for all. A fixed sequence, so that runs can be compared. */
static void fill(ingot_token *tokens, size_t n, uint32_t n_vocab) {
  uint32_t state = 12345;
  for (size_t i = 0; i < n; i++) {
    state = state * 1664525u + 1013904223u;
    tokens[i] = (ingot_token)((state >> 8) % n_vocab);
  }
}

static ingot_status once(const bench *b, const measure *k, double *seconds, ingot_error *error) {
  ingot_session *session = b->m.session;
  ingot_status status = ingot_rewind(session, k->depth, error);
  double from = cli_now();
  if (status == INGOT_OK && k->prompt) status = ingot_append(session, b->tokens + k->depth, k->prompt, error);
  for (uint32_t i = 0; i < k->gen && status == INGOT_OK; i++) status = ingot_append(session, b->tokens + k->depth + i, 1, error);
  *seconds = cli_now() - from;
  return status;
}

/* The context is filled to the depth once, each repetition rewinds to it. */
static bool run(bench *b, measure *k) {
  ingot_error error = {INGOT_OK, ""};
  uint32_t n = k->prompt + k->gen;
  measure warm = *k;             /* as llama-bench: one run of the same kind beforehand, at most 16 tokens of decode */
  if (warm.gen > 16) warm.gen = 16;
  double seconds, sum = 0.0, squares = 0.0;
  ingot_status status = ingot_rewind(b->m.session, 0, &error);
  if (status == INGOT_OK && k->depth) status = ingot_append(b->m.session, b->tokens, k->depth, &error);
  if (status == INGOT_OK) status = once(b, &warm, &seconds, &error);
  for (uint32_t r = 0; r < b->reps && status == INGOT_OK; r++) {
    status = once(b, k, &seconds, &error);
    double speed = n / (seconds > 0.0 ? seconds : 1e-9);
    sum += speed;
    squares += speed * speed;
  }
  if (status != INGOT_OK) { cli_fail(b->c, "%s: %s", b->path, error.message); return false; }
  k->mean = sum / b->reps;
  double variance = b->reps > 1 ? (squares - sum * k->mean) / (b->reps - 1) : 0.0;
  k->deviation = variance > 0.0 ? sqrt(variance) : 0.0;
  return true;
}

static void print(const bench *b, const measure *k, output form, bool first) {
  const ingot_model_info *i = &b->m.info;
  char test[64];
  int n = k->prompt ? snprintf(test, sizeof test, "pp%u", k->prompt) : snprintf(test, sizeof test, "tg%u", k->gen);
  if (k->depth) snprintf(test + n, sizeof test - (size_t)n, " @ d%u", k->depth);
  if (form == MARKDOWN) {
    if (first) printf("| %-24s | %10s | %-10s | %7s | %14s | %20s |\n| ------------------------ | ---------: | ---------- | ------: | -------------: | -------------------: |\n",
                      "model", "size", "variant", "threads", "test", "t/s");
    char speed[48];
    snprintf(speed, sizeof speed, "%.2f ± %.2f", k->mean, k->deviation);
    printf("| %-24.24s | %10s | %-10s | %7u | %14s | %*s |\n", b->name, cli_bytes(b->c, i->weights_bytes), i->variant, k->threads, test, 21, speed);
  } else if (form == CSV) {
    if (first) printf("model,model_size,n_threads,n_prompt,n_gen,n_depth,avg_ts,stddev_ts,variant,reps\n");
    printf("\"%s\",%llu,%u,%u,%u,%u,%.6f,%.6f,%s,%u\n", b->name, (unsigned long long)i->weights_bytes, k->threads, k->prompt, k->gen, k->depth, k->mean, k->deviation,
           i->variant, b->reps);
  } else {
    printf("%s\n  {\"model\": ", first ? "[" : ",");
    cli_json_string(stdout, b->name);
    printf(", \"model_size\": %llu, \"n_threads\": %u, \"n_prompt\": %u, \"n_gen\": %u, \"n_depth\": %u, \"avg_ts\": %.6f, \"stddev_ts\": %.6f, \"variant\": \"%s\", \"reps\": %u}",
           (unsigned long long)i->weights_bytes, k->threads, k->prompt, k->gen, k->depth, k->mean, k->deviation, i->variant, b->reps);
  }
  fflush(stdout);
}

static uint32_t highest(const cli_list *list) {
  uint32_t most = 0;
  for (uint32_t i = 0; i < list->n; i++) most = list->v[i] > most ? list->v[i] : most;
  return most;
}

static bool run_all(bench *b, const cli_list *prompts, const cli_list *gens, const cli_list *depths, uint32_t threads, output form, bool *first) {
  for (uint32_t d = 0; d < depths->n; d++) {
    for (uint32_t i = 0; i < prompts->n + gens->n; i++) {
      bool pp = i < prompts->n;
      measure k = {.threads = threads, .depth = depths->v[d], .prompt = pp ? prompts->v[i] : 0, .gen = pp ? 0 : gens->v[i - prompts->n]};
      if (!k.prompt && !k.gen) continue;
      if (!run(b, &k)) return false;
      print(b, &k, form, *first);
      *first = false;
    }
  }
  return true;
}

int cmd_bench(cli *c, int argc, char **argv) {
  cli_model_options o = {.threads = 0};
  cli_list prompts = {{512}, 1}, gens = {{128}, 1}, depths = {{0}, 1}, threads = {{0}, 1};
  bench b = {.c = c, .reps = 5};
  const char *form_name = "md";
  const cli_option options[] = {
    {"-m", "--model", CLI_TEXT, &b.path, "PATH", "a bundle (NAME.ingot) or a model file"},
    {"-p", "--n-prompt", CLI_LIST, &prompts, "N,...", "tokens of prefill (default: 512; 0: none)"},
    {"-n", "--n-gen", CLI_LIST, &gens, "N,...", "tokens of decode (default: 128; 0: none)"},
    {"-d", "--n-depth", CLI_LIST, &depths, "N,...", "tokens in the context before (default: 0)"},
    {"-t", "--threads", CLI_LIST, &threads, "N,...", "threads (default: one per core)"},
    {"-r", "--repetitions", CLI_U32, &b.reps, "N", "of each test (default: 5)"},
    {"-o", "--output", CLI_TEXT, &form_name, "md|csv|json", "form of the table (default: md)"},
    {"--variant", NULL, CLI_TEXT, &o.variant, "NAME", "variant to run (default: INGOT_VARIANT, else the best)"},
    {"--cache", NULL, CLI_TEXT, &o.cache, "FOLDER", "where a model file is compiled to"},
  };
  if (!CLI_PARSE(c, argc, argv, "", 0, 0, options)) return c->status;
  output form = strcmp(form_name, "md") == 0 ? MARKDOWN : strcmp(form_name, "csv") == 0 ? CSV : JSON;
  if (form == JSON && strcmp(form_name, "json") != 0) return cli_usage(c, "-o %s: expected md, csv or json", form_name);
  if (!b.path) return cli_usage(c, "-m is missing: the bundle or model file to measure");
  if (!b.reps) return cli_usage(c, "-r 0: at least one repetition");
  const char *slash = strrchr(b.path, '/');
  b.name = slash && slash[1] ? slash + 1 : b.path;
  uint32_t run_most = highest(&prompts) > highest(&gens) ? highest(&prompts) : highest(&gens);
  if (run_most > 1u << 24 || highest(&depths) > 1u << 24) return cli_usage(c, "more tokens than a context can hold");
  o.context = run_most + highest(&depths);
  bool first = true;
  int status = CLI_DONE;
  for (uint32_t t = 0; t < threads.n && status == CLI_DONE; t++) {
    o.threads = threads.v[t];
    if (!cli_open(c, &b.m, b.path, &o, NULL)) { status = CLI_FAILED; break; }
    b.tokens = ig_alloc_array(&c->arena, (size_t)o.context + 1, sizeof *b.tokens);
    fill(b.tokens, o.context, b.m.info.n_vocab);
    if (!run_all(&b, &prompts, &gens, &depths, b.m.info.n_threads, form, &first)) status = CLI_FAILED;
    cli_close(&b.m);
  }
  if (form == JSON) printf("%s]\n", first ? "[" : "\n");
  return status;
}
