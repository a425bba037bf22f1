/* ingot tune: measures which numbers make a model's kernels fast on this machine, and writes them as a schedule. Where any kernel gains, the
 * model is run with the file beside the default before it stays: the logits have to be the same bits. */
#include "cli.h"
#include "driver/bundle_folder.h"
#include "driver/tune.h"
#include "runtime/abi/cpu.h"

#include <ctype.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

enum { PROMPT = 128, STEPS = 16, ROUNDS = 9, ROUNDS_LEAST = 3, SECONDS_ENOUGH = 40 };

typedef struct speeds {
  double prefill[2], decode[2];
  uint32_t tokens;
  int rounds;
} speeds; /* tokens a second: default, tuned */

/* "AMD EPYC 9R14 96-Core Processor", as the system says it. */
static const char *cpu_name(cli *c) {
  FILE *from = fopen("/proc/cpuinfo", "r");
  char line[256];
  const char *name = "unknown";
  while (from && fgets(line, sizeof line, from)) {
    char *value = strchr(line, ':');
    if (strncmp(line, "model name", 10) || !value) continue;
    value += strspn(value, ": \t");
    value[strcspn(value, "\n")] = 0;
    name = ig_str_printable(&c->arena, ig_str_of(value));
    break;
  }
  if (from) fclose(from);
  return name;
}

/* As a file's name: small letters, digits, one underscore between words. */
static const char *file_name(cli *c, const char *cpu) {
  char *name = ig_alloc(&c->arena, strlen(cpu) + 2), *to = name;
  for (; *cpu; cpu++) {
    if (isalnum((unsigned char)*cpu)) *to++ = (char)tolower((unsigned char)*cpu);
    else if (to > name && to[-1] != '_') *to++ = '_';
  }
  while (to > name && to[-1] == '_') to--;
  *to = 0;
  return *name ? name : "unknown";
}

static const ig_variant *choose_variant(cli *c, const ig_target *target, const char *name) {
  uint64_t has = ingot__cpu_features();
  for (uint32_t i = 0; i < target->n_variants; i++) {
    const ig_variant *v = &target->variants[i];
    if (name ? strcmp(v->name, name) != 0 : (v->features & ~has) != 0) continue;
    if (!(v->features & ~has)) return v;
    cli_fail(c, "this CPU does not run %s", name);
    return NULL;
  }
  cli_fail(c, "%s has no variant `%s` that this CPU runs", target->name, name ? name : "");
  return NULL;
}

/* ---- the whole model, both ways --------------------------------------------------------------------------------------- */

typedef struct rows {
  float *kept;
  size_t at;
  bool same, second;
} rows;

static bool take_row(void *user, uint32_t position, const float *logits, uint32_t n_vocab) {
  (void)position;
  rows *r = user;
  if (r->second) r->same &= !memcmp(r->kept + r->at, logits, n_vocab * sizeof *logits);
  else memcpy(r->kept + r->at, logits, n_vocab * sizeof *logits);
  r->at += n_vocab;
  return true;
}

/* Seconds of this process alone: a model of one thread takes no more, whatever else the machine does. */
static double cpu_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static ingot_status once(cli_model *m, const ingot_token *ids, uint32_t prompt, rows *r, double seconds[2], ingot_error *error) {
  r->at = 0;
  double from = cpu_now();
  ingot_status status = ingot_rewind(m->session, 0, error);
  if (status == INGOT_OK) status = ingot_append(m->session, ids, prompt, error);
  seconds[0] = cpu_now() - from;
  uint32_t n = 0;
  if (status == INGOT_OK) take_row(r, 0, ingot_logits(m->session, &n), m->info.n_vocab);
  from = cpu_now();
  for (uint32_t i = 0; i < STEPS && status == INGOT_OK; i++) {
    status = ingot_append(m->session, ids + prompt + i, 1, error);
    if (status == INGOT_OK) take_row(r, 0, ingot_logits(m->session, &n), m->info.n_vocab);
  }
  seconds[1] = cpu_now() - from;
  return status;
}

static double middle(double *x, int n) {
  for (int i = 1; i < n; i++)
    for (int j = i; j > 0 && x[j] < x[j - 1]; j--) {
      double swap = x[j];
      x[j] = x[j - 1], x[j - 1] = swap;
    }
  return x[n / 2];
}

/* Rows of a whole prompt, then the last row and decoded ones again and again, default and tuned in turns. */
static bool compare(cli *c, cli_model m[2], speeds *s) {
  uint32_t n_vocab = m[0].info.n_vocab, context = m[0].info.n_context, prompt = context > PROMPT + STEPS ? PROMPT : context / 2,
           few = prompt < 32 ? prompt : 32;
  ingot_error error = {INGOT_OK, ""};
  ingot_status status = INGOT_OK;
  ingot_token ids[PROMPT + STEPS];
  uint32_t state = 12345;
  for (uint32_t i = 0; i < prompt + STEPS; i++) {
    state = state * 1664525u + 1013904223u;
    ids[i] = (ingot_token)((state >> 8) % n_vocab);
  }
  size_t most = few > STEPS + 1 ? few : STEPS + 1;
  rows r = {.kept = ig_alloc_array(&c->arena, most * n_vocab, sizeof(float)), .same = true};
  for (int i = 0; i < 2 && status == INGOT_OK; i++) {
    r.second = i, r.at = 0;
    status = ingot_append_logits(m[i].session, ids, few, take_row, &r, &error);
  }
  double seconds[2][2][ROUNDS], began = cli_now();
  int rounds = 0;
  for (int round = 0; round < ROUNDS && status == INGOT_OK && (round < ROUNDS_LEAST || cli_now() - began < SECONDS_ENOUGH); round++) {
    for (int turn = 0; turn < 2 && status == INGOT_OK; turn++) {
      int i = (round + turn) % 2;
      double took[2] = {0, 0};
      r.second = round || turn; /* the first of all is kept, the others are held to it */
      status = once(&m[i], ids, prompt, &r, took, &error);
      seconds[i][0][round] = took[0], seconds[i][1][round] = took[1];
    }
    rounds++;
    cli_progress(c, "the whole model", (double)rounds / ROUNDS);
  }
  if (status != INGOT_OK) {
    cli_fail(c, "%s", error.message);
    return false;
  }
  if (!r.same) {
    cli_fail(c, "the tuned model gives other logits than the default: a defect of the compiler, please report it");
    return false;
  }
  for (int i = 0; i < 2; i++) s->prefill[i] = prompt / middle(seconds[i][0], rounds), s->decode[i] = STEPS / middle(seconds[i][1], rounds);
  s->tokens = prompt, s->rounds = rounds;
  return true;
}

static bool verify(cli *c, const char *model, const cli_model_options *o, const char *schedule, speeds *s) {
  cli_model m[2];
  cli_model_options tuned = *o;
  tuned.schedule = schedule;
  if (!cli_open(c, &m[0], model, o, NULL)) return false;
  bool ok = cli_open(c, &m[1], model, &tuned, NULL);
  if (ok) {
    ok = compare(c, m, s);
    cli_close(&m[1]);
  }
  cli_close(&m[0]);
  return ok;
}

/* ---- the file --------------------------------------------------------------------------------------------------------- */

static bool write_text(cli *c, const char *path, const ig_text *text) {
  return ig_write_file(path, text->data, text->size, &c->diags) || (cli_report(c), false);
}

typedef struct job {
  const char *model, *only, *cpu, *path, *part; /* the schedule's path, and where it is until it is proved */
  const ig_variant *variant;
  const cli_model_options *o;
} job;

static bool finish_file(cli *c, const job *j, const ig_text *rules, bool gains) {
  const char *path = j->path, *slash = strrchr(path, '/'), *name = strrchr(j->model, '/') ? strrchr(j->model, '/') + 1 : j->model;
  if (slash && slash > path && !ig_make_folders(ig_format(&c->arena, "%.*s", (int)(slash - path), path), &c->arena, &c->diags)) return cli_report(c), false;
  speeds s = {.tokens = 0};
  ig_text text = {.size = 0};
  bool ok = !gains || (write_text(c, j->part, rules) && verify(c, j->model, j->o, j->part, &s));
  if (ok) {
    ig_text_printf(&text, "-- Numbers of kernels for %s, variant %s, as measured by ingot %s with\n--   ingot tune %s\n", j->cpu, j->variant->name,
                   ingot_version(), ig_str_printable(&c->arena, ig_str_of(name)));
    ig_text_printf(
        &text,
        "-- Each candidate ran beside the default on one thread, in turns, over operands of the model's sizes; +- is three standard errors. Rules hold where\n"
        "-- the gain is larger.\n");
    if (gains)
      ig_text_printf(
          &text,
          "-- The logits of the whole model are the same bits with this file and without it. The whole model on one thread (default -> this, medians of %d):\n"
          "--   prefill of %u tokens %.1f -> %.1f tokens/s, decode %.2f -> %.2f tokens/s\n",
          s.rounds, s.tokens, s.prefill[0], s.prefill[1], s.decode[0], s.decode[1]);
    ig_text_add(&text, rules->data, rules->size);
    ok = write_text(c, path, &text);
  }
  unlink(j->part);
  ig_text_finish(&text);
  return ok;
}

static int tune(cli *c, void *user) {
  const job *j = user;
  ig_compile_options like = {.model = j->model, .name = "tune", .platform = ig_platform_find("native"), .progress = cli_progress, .user = c};
  ig_text rules = {.size = 0};
  ig_tune_counts counts;
  bool ok = ig_tune(&like, j->variant, j->only, &rules, &counts, &c->arena, &c->diags);
  if (cli_report(c) == CLI_FAILED) ok = false;
  if (ok && !rules.size) ig_text_printf(&rules, "\n-- no kernel of this model has numbers\n");
  ok = ok && finish_file(c, j, &rules, counts.taken > 0);
  ig_text_finish(&rules);
  cli_progress_end(c);
  if (!ok) return CLI_FAILED;
  cli_say("%s: %u of %u kernels gain, %u candidates measured; use it with --schedule", j->path, counts.taken, counts.kernels, counts.candidates);
  return CLI_DONE;
}

int cmd_tune(cli *c, int argc, char **argv) {
  cli_model_options o = {.threads = 1};
  const char *path = NULL, *only = NULL;
  const cli_option options[] = {
    {"-o", "--output", CLI_TEXT, &path, "FILE.lua", "what to write (default: schedules/tuned/CPU.lua)"},
    {"--kernels", NULL, CLI_TEXT, &only, "LIST", "names with commas: only these (default: all that have numbers; see `ingot compile --explain`)"},
    {"--variant", NULL, CLI_TEXT, &o.variant, "NAME", "variant to tune (default: INGOT_VARIANT, else the best that this CPU runs)"},
    {"--cache", NULL, CLI_TEXT, &o.cache, "FOLDER", "where the model is compiled to, both ways (default: XDG_CACHE_HOME/ingot)"},
  };
  if (!CLI_PARSE(c, argc, argv, "MODEL.gguf", 1, 1, options)) return c->status;
  const ig_target *target = ig_target_find("native");
  const ig_variant *variant = choose_variant(c, target, o.variant ? o.variant : c->variant);
  if (!variant) return CLI_FAILED;
  o.variant = variant->name;
  const char *cpu = cpu_name(c);
  if (!path) path = ig_format(&c->arena, "schedules/tuned/%s.lua", file_name(c, cpu));
  job j = {c->args[0], only, cpu, path, ig_format(&c->arena, "%s.part", path), variant, &o};
  int status = cli_apart(c, c->command, NULL, tune, &j);
  if (status != CLI_DONE) unlink(j.part);
  return status;
}
