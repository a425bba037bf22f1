/* The evaluator over real model files against ids and logits of an independent float64 forward pass, and against itself: fused or not, in one piece or
 * token by token, in phases or whole, the bits are the same. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/model.h"
#include "ir/eval.h"
#include "passes/pipeline.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

enum { VOCAB = 512, MOST = 512 };

static ig_arena arena;
static const char *data;

static void show(const ig_diags *diags) {
  for (size_t i = 0; i < diags->count; i++) printf("  %s: %s\n", diags->items[i].place, diags->items[i].text);
}

/* The n-th "ids" list of the golden file. */
static size_t golden_ids(int n, uint32_t *ids) {
  ig_diags diags = {0};
  ig_str text;
  size_t count = 0;
  if (ig_read_small_file(ig_format(&arena, "%s/golden/stories260K-greedy.json", data), 1 << 20, &arena, &text, &diags)) {
    const char *at = text.data;
    for (int i = 0; i <= n && at; i++) at = strstr(at + 1, "\"ids\": [");
    for (at = at ? strchr(at, '[') + 1 : NULL; at && count < MOST; at++) {
      char *end;
      ids[count++] = (uint32_t)strtoul(at, &end, 10);
      at = end;
      if (*at != ',') break;
    }
  }
  ig_diags_finish(&diags);
  return count;
}

/* A model file, its graph and what reads its weights. */
typedef struct fixture {
  ig_diags diags;
  ig_context *context;
  ig_model model;
  ig_module module;
} fixture;

static bool any_format(const char *format) {
  (void)format;
  return true;
}

static bool open_model(fixture *f, const char *name) {
  *f = (fixture){.context = NULL};
  f->context = ig_context_create(&f->diags);
  f->module = ig_module_create(f->context);
  bool good = ig_model_open(&f->model, ig_format(&arena, "%s/gguf/%s.gguf", data, name), &f->diags) &&
      ig_model_graph(&f->model, f->module, any_format, &f->diags) && ig_verify(f->module, &f->diags);
  CHECK(good, "%s: no graph", name);
  show(&f->diags);
  return good;
}

static void close_model(fixture *f) {
  ig_module_destroy(f->module);
  ig_model_close(&f->model);
  ig_context_destroy(f->context);
  ig_diags_finish(&f->diags);
}

static bool read_weight(void *user, const char *name, uint64_t offset, size_t bytes, void *to) {
  fixture *f = user;
  (void)name;
  return ig_file_read(&f->model.file, offset, to, bytes, &f->diags);
}

/* All rows of a function's result, `step` rows at a time. */
static float *run_with(fixture *f, const char *function, const void *input, size_t input_bytes, size_t n, size_t step, bool exact) {
  ig_eval_source source = {read_weight, f};
  ig_eval *e = ig_eval_create(f->module, function, &source, MOST, &f->diags);
  float *y = NULL;
  if (e) {
    if (exact) ig_eval_exact(e);
    y = ig_alloc_array(&arena, n * ig_eval_columns(e), sizeof *y);
    bool done = true;
    for (size_t i = 0; i < n && done; i += step)
      done = ig_eval_run(e, (const char *)input + i * input_bytes, n - i < step ? n - i : step, y + i * ig_eval_columns(e), &f->diags);
    CHECK(done, "@%s does not run", function);
  }
  ig_eval_destroy(e);
  show(&f->diags);
  CHECK(y, "@%s cannot be evaluated", function);
  return y;
}

static float *run(fixture *f, const char *function, const void *input, size_t input_bytes, size_t n, size_t step) {
  return run_with(f, function, input, input_bytes, n, step, false);
}

static uint32_t best(const float *row) {
  uint32_t b = 0;
  for (uint32_t i = 1; i < VOCAB; i++) b = row[i] > row[b] ? i : b;
  return b;
}

/* Greedy decoding gives the ids exactly if each position's best id is the next one. */
static void test_ids(const char *name, int cases, size_t most) {
  fixture f;
  if (open_model(&f, name))
    for (int c = 0; c < cases; c++) {
      uint32_t ids[MOST];
      size_t n = golden_ids(c, ids), wrong = 0;
      CHECK(n >= 128, "golden case %d has %zu ids", c, n);
      n = n < most ? n : most;
      size_t prompt[] = {1, 5, 8, 5};
      float *y = run(&f, "forward", ids, sizeof *ids, n, n);
      for (size_t i = prompt[c] - 1; y && i + 1 < n; i++) wrong += best(y + i * VOCAB) != ids[i + 1];
      CHECK(!wrong, "%s, case %d: %zu of %zu ids differ", name, c, wrong, n);
    }
  close_model(&f);
}

static void test_logits(void) {
  fixture f;
  if (open_model(&f, "stories260K-f32"))
    for (int c = 0; c < 4; c++) {
      uint32_t ids[MOST];
      golden_ids(c, ids);
      ig_str npy;
      if (!ig_read_small_file(ig_format(&arena, "%s/golden/logits-%d.npy", data, c + 1), 1 << 20, &arena, &npy, &f.diags)) continue;
      const char *want = npy.data + 10 + ig_load_u16(npy.data + 8);
      for (int exact = 0; exact < 2; exact++) { /* rounding k and v to f16 costs some 0.02, all else some 1e-5 */
        float *y = run_with(&f, "forward", ids, sizeof *ids, 128, 128, exact);
        double worst = 0, limit = exact ? 1e-4 : 0.05;
        for (size_t i = 0; y && i < 128 * VOCAB; i++) worst = fmax(worst, fabs((double)y[i] - (double)ig_load_f32(want + 4 * i)));
        printf("logits-%d, %s: %.3g\n", c + 1, exact ? "f32 cache" : "f16 cache", worst);
        CHECK(worst < limit, "logits of case %d are %g off", c, worst);
      }
    }
  close_model(&f);
}

static void test_same_bits(const char *name) {
  fixture f;
  uint32_t ids[MOST];
  size_t n = golden_ids(0, ids), bytes;
  n = n < 150 ? n : 150; /* more than a block of 128 */
  if (open_model(&f, name)) {
    float *whole = run(&f, "forward", ids, sizeof *ids, n, n), *steps = run(&f, "forward", ids, sizeof *ids, n, 1),
          *uneven = run(&f, "forward", ids, sizeof *ids, n, 47);
    bytes = n * VOCAB * sizeof *whole;
    CHECK(whole && steps && !memcmp(whole, steps, bytes), "%s: token by token gives other bits", name);
    CHECK(whole && uneven && !memcmp(whole, uneven, bytes), "%s: chunks give other bits", name);
    ig_pass_options fuse = {.stop_after = "fuse"};
    CHECK(ig_run_passes(f.module, &fuse, &f.diags), "%s: fusion fails", name);
    float *fused = run(&f, "forward", ids, sizeof *ids, n, n);
    CHECK(whole && fused && !memcmp(whole, fused, bytes), "%s: fusion changes bits", name);
    CHECK(ig_pass_split(f.module, &fuse, &f.diags), "%s: no phases", name);
    float *hidden = run(&f, "prefill", ids, sizeof *ids, n, 32), *decoded = run(&f, "decode", ids, sizeof *ids, n, 1);
    size_t row = f.model.n_embd * sizeof *hidden;
    CHECK(hidden && decoded && !memcmp(hidden, decoded, n * row), "%s: prefill and decode differ", name);
    float *logits = hidden ? run(&f, "head_rows", hidden, row, n, n) : NULL;
    CHECK(whole && logits && !memcmp(whole, logits, bytes), "%s: phases change bits", name);
  }
  show(&f.diags);
  close_model(&f);
}

/* Quantised files: close to the exact logits, the closer the more bits. */
static void test_quantised(const char *name, const char *exact, double limit) {
  fixture f, g;
  uint32_t ids[MOST];
  size_t n = golden_ids(1, ids);
  n = n < 64 ? n : 64;
  double error = 0, norm = 0;
  bool both = open_model(&f, name) & open_model(&g, exact);
  if (both) {
    float *y = run(&f, "forward", ids, sizeof *ids, n, n), *z = run(&g, "forward", ids, sizeof *ids, n, n);
    for (size_t i = 0; y && z && i < n * VOCAB; i++) {
      double d = (double)y[i] - (double)z[i];
      error += d * d, norm += (double)z[i] * (double)z[i];
    }
    printf("%s: relative error %.4f\n", name, sqrt(error / norm));
    CHECK(sqrt(error / norm) < limit, "%s is %g off", name, sqrt(error / norm));
  }
  close_model(&f), close_model(&g);
}

static void test_limits(void) {
  fixture f;
  if (open_model(&f, "stories260K-f32")) {
    ig_eval_source source = {read_weight, &f};
    ig_eval *e = ig_eval_create(f.module, "forward", &source, 4, &f.diags);
    uint32_t ids[5] = {1, 403, 99999, 2, 3}; /* an id beyond the table is clamped */
    static float y[5 * VOCAB], again[VOCAB];
    CHECK(e && !ig_eval_run(e, ids, 5, y, &f.diags) && f.diags.errors == 1, "five rows in a context of four");
    CHECK(e && ig_eval_run(e, ids, 4, y, &f.diags), "four rows in a context of four");
    CHECK(e && !ig_eval_run(e, ids, 1, y, &f.diags), "a fifth row");
    ig_eval_rewind(e, 1);
    CHECK(e && ig_eval_run(e, ids + 1, 1, again, &f.diags) && !memcmp(again, y + VOCAB, sizeof again), "after rewinding");
    ig_eval_destroy(e);
    CHECK(!ig_eval_create(f.module, "backward", &source, 4, &f.diags), "a function that is not there");
  }
  close_model(&f);
}

int main(void) {
  data = getenv("INGOT_DATA");
  ig_diags diags = {0};
  ig_file probe;
  if (!data || !ig_file_open(&probe, ig_format(&arena, "%s/gguf/stories260K-f32.gguf", data), &arena, &diags)) {
    puts("skipped: the model files of INGOT_DATA are not here");
    return 77;
  }
  ig_file_close(&probe);
  test_ids("stories260K-f32", 4, 256);
  test_ids("stories260K-f16", 4, 128);
  test_logits();
  test_same_bits("stories260K-f16");
  test_same_bits("stories260K-q8_0");
  test_quantised("stories260K-bf16", "stories260K-f32", 0.02);
  test_quantised("stories260K-q8_0", "stories260K-f32", 0.03);
  test_quantised("stories260K-q4_0", "stories260K-f32", 0.25);
  test_quantised("stories260K-dense256-q6_k", "stories260K-dense256-f16", 0.03);
  test_quantised("stories260K-dense256-q4_k_m", "stories260K-dense256-f16", 0.08);
  test_quantised("stories260K-dense256-q2_k", "stories260K-dense256-f16", 0.3);
  test_limits();
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
