/* A whole model beside the evaluator: compiled, loaded and run in batches and token by token, on each variant this machine runs and several
 * threads; logits bit for bit. The variant base has no fma and is held to a tolerance. What the tests of whole models share. */
#ifndef INGOT_TESTS_WHOLE_MODEL_H
#define INGOT_TESTS_WHOLE_MODEL_H

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "driver/driver.h"
#include "frontend/model.h"
#include "ir/eval.h"
#include "runtime/abi/cpu.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

static ig_arena arena;

static uint64_t random_state;
static inline uint32_t random_u32(void) {
  random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(random_state >> 32);
}

static inline void show(const ig_diags *diags) {
  for (size_t i = 0; i < diags->count; i++) printf("  %s: %s\n", diags->items[i].place, diags->items[i].text);
}

/* ---- what the evaluator says ------------------------------------------------------------------------------------------ */

static bool any_format(const char *format) { return format != NULL; }

static bool read_weight(void *user, const char *name, uint64_t offset, size_t bytes, void *to) {
  ig_diags diags = {0};
  (void)name;
  return ig_file_read(user, offset, to, bytes, &diags);
}

/* Logits after each of n tokens, `exact` or as kernels round; NULL where the model has no graph. */
static inline const float *evaluate(const char *path, const uint32_t *tokens, uint32_t n, uint32_t vocab, bool exact) {
  ig_diags diags = {0};
  ig_model model;
  float *y = NULL;
  ig_context *context = ig_context_create(&diags);
  ig_module module = ig_module_create(context);
  if (ig_model_open(&model, path, &diags) && ig_model_graph(&model, module, any_format, &diags) && ig_verify(module, &diags)) {
    ig_eval *eval = ig_eval_create(module, "forward", &(ig_eval_source){read_weight, &model.file}, n + 1, &diags);
    if (eval && exact) ig_eval_exact(eval);
    y = ig_alloc_array(&arena, (size_t)n * vocab, sizeof *y);
    if (!eval || ig_eval_columns(eval) != vocab || !ig_eval_run(eval, tokens, n, y, &diags)) y = NULL;
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
static inline bool run(const ig_loaded *loaded, const char *variant, uint32_t threads, const ingot_token *tokens, uint32_t n, size_t step, float *y,
                       uint32_t vocab) {
  ingot_error error = {INGOT_OK, ""};
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_model_options options = {.size = sizeof options,
                                 .plan_path = loaded->plan_path,
                                 .weights_path = loaded->weights_path,
                                 .variant = variant,
                                 .n_threads = threads,
                                 .verify_weights = true};
  bool ok = ingot_model_open(loaded->program, &options, &model, &error) == INGOT_OK && ingot_session_open(model, NULL, &session, &error) == INGOT_OK;
  if (ok && !step) ok = ingot_append_logits(session, tokens, n, keep_row, y, &error) == INGOT_OK;
  for (size_t i = 0; ok && step && i < n; i += step) {
    size_t some = n - i < step ? n - i : step;
    ok = ingot_append(session, tokens + i, some, &error) == INGOT_OK;
    if (ok) keep_row(y, (uint32_t)(i + some - 1), ingot_logits(session, NULL), vocab);
  }
  CHECK(ok, "%s, %u threads: %s", variant, threads, error.message);
  ingot_session_close(session);
  ingot_model_close(model);
  return ok;
}

static double rounded_tolerance = 0.02; /* of variants without fma, relative rms */

/* Rows that were filled have a finite first logit; the others are NaN. */
static inline void compare(const char *what, const float *got, const float *want, uint32_t n, uint32_t vocab, bool exact) {
  double error = 0, size = 0;
  int rows = 0;
  for (uint32_t t = 0; t < n; t++) {
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
  CHECK(rows > 0 && size > 0 && sqrt(error / size) <= (exact ? 0 : rounded_tolerance), "%s: %d rows, relative rms %.3g", what, rows, sqrt(error / size));
}

/* The model at `path` on n random tokens. */
static inline void test_model(const char *name, const char *path, const char *folder, uint32_t n, uint32_t vocab) {
  ig_diags diags = {0};
  ig_loaded loaded;
  const char *bundle;
  const ig_target *target = ig_target_find("native");
  uint32_t *ids = ig_alloc_array(&arena, n, sizeof *ids);
  ingot_token *tokens = ig_alloc_array(&arena, n, sizeof *tokens);
  for (uint32_t i = 0; i < n; i++) ids[i] = random_u32() % vocab, tokens[i] = (ingot_token)ids[i];
  const float *want = evaluate(path, ids, n, vocab, false);
  const char **runs = ig_alloc_array(&arena, target->n_variants, sizeof *runs); /* the variants of this machine */
  uint32_t n_runs = 0;
  for (uint32_t v = 0; v < target->n_variants; v++)
    if (!(target->variants[v].features & ~ingot__cpu_features())) runs[n_runs++] = target->variants[v].name;
  ig_compile_options o = {.model = path, .parent = folder, .platform = ig_platform_find("native"), .chunk = 37, .variants = runs, .n_variants = n_runs};
  bool ok = ig_compile(&o, &arena, &bundle, &diags) && ig_load_bundle(&loaded, bundle, &arena, &diags);
  CHECK(ok && want, "%s: does not compile or evaluate", name);
  show(&diags);
  size_t bytes = (size_t)n * vocab * sizeof(float);
  float *got = ig_alloc(&arena, bytes);
  for (uint32_t v = 0; ok && want && v < n_runs; v++) {
    const ig_variant *variant = ig_variant_find(target, runs[v]);
    static const struct {
      size_t step;
      uint32_t threads;
    } ways[] = {{0, 1}, {1, 2}, {5, 3}};
    for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
      memset(got, 0xff, bytes);
      if (run(&loaded, variant->name, ways[i].threads, tokens, n, ways[i].step, got, vocab))
        compare(ig_format(&arena, "%s on %s, step %zu", name, variant->name, ways[i].step), got, want, n, vocab, variant->fma);
    }
  }
  if (ok) ig_unload(&loaded);
  ig_diags_finish(&diags);
}

#endif
