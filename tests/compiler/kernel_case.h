/* One call of a kernel that holds no weights, beside its scalar reference: operands of exactly the stated extents between guard pages. */
#ifndef INGOT_TESTS_KERNEL_CASE_H
#define INGOT_TESTS_KERNEL_CASE_H

#include "tests/compiler/kernel_harness.h"

#include <math.h>

#include "ir/kernel_reference.h"

typedef struct kernel_case {
  harness *h;
  ig_kernel_ref ref;
  ingot_kernel_info info;
  ingot_kernel_args args;
  uint64_t size[INGOT_MAX_OPERANDS];
  uint32_t tiles;
  void *scratch;
} kernel_case;

static inline uint32_t case_bits(float x) { return ig_f32_bits(x); }

/* All operands are allocated and hold 0xff: NaN as f32 and f16. A NULL in `operands` (or NULL) asks for a buffer of our own. */
static inline void case_open(kernel_case *c, harness *h, ig_kernel_ref ref, const ig_target *target, const uint32_t dim[INGOT_MAX_DIMS],
                             void *const *operands) {
  if (h->schedule.target != target) abort();
  memset(c, 0, sizeof *c);
  c->h = h;
  c->ref = ref;
  ig_kernel_info(&c->info, ref.family, ref.layout, ref.activation);
  memcpy(c->args.dim, dim, sizeof c->args.dim);
  for (int i = 0; i < INGOT_MAX_OPERANDS && c->info.operand[i].access; i++) {
    c->size[i] = harness_extent(&c->info.operand[i].bytes, dim);
    if (operands && operands[i]) {
      c->args.operand[i] = operands[i];
      continue;
    }
    c->args.operand[i] = harness_buffer(h, c->size[i]);
    memset(c->args.operand[i], 0xff, c->size[i]);
  }
  c->tiles = (uint32_t)harness_extent(&c->info.tiles, dim);
  ingot_extent scratch = ig_kernel_scratch(&ref, &h->schedule);
  uint64_t bytes = harness_extent(&scratch, dim);
  if (bytes) c->scratch = harness_buffer(h, ig_round_up(bytes, 64));
}

/* Floats in [-magnitude, magnitude] in rows of `width` floats, of which the first n are used and the others zero. */
static inline void case_fill(kernel_case *c, int operand, size_t n, size_t width, float magnitude, uint64_t *state) {
  float *x = c->args.operand[operand];
  for (size_t i = 0; i < c->size[operand] / 4; i++) x[i] = i % width < n ? magnitude * harness_float(state) : 0;
}

static inline void case_run_kernel(kernel_case *c) {
  uint32_t middle = c->tiles / 3; /* as if by two workers, the later one first */
  harness_call(c->h, &c->ref, &c->args, c->scratch, middle, c->tiles);
  harness_call(c->h, &c->ref, &c->args, c->scratch, 0, middle);
}

/* Runs both; true where every byte of every operand is the same. */
static inline bool case_run(kernel_case *c) {
  ingot_kernel_args expected = c->args;
  for (int i = 0; i < INGOT_MAX_OPERANDS; i++)
    if (c->args.operand[i]) {
      expected.operand[i] = malloc(c->size[i] ? c->size[i] : 1);
      if (!expected.operand[i]) abort();
      memcpy(expected.operand[i], c->args.operand[i], c->size[i]);
    }
  case_run_kernel(c);
  bool same = ig_reference(&c->ref, &expected, 0, c->tiles, c->h->variant->fma);
  for (int i = 0; i < INGOT_MAX_OPERANDS; i++) {
    if (!c->args.operand[i]) continue;
    const uint8_t *got = c->args.operand[i], *want = expected.operand[i];
    for (uint64_t at = 0; at < c->size[i]; at++)
      if (got[at] != want[at]) {
        uint32_t g, w;
        memcpy(&g, got + at / 4 * 4, 4), memcpy(&w, want + at / 4 * 4, 4);
        if (c->h->remote.process && isnan(ig_f32_of_bits(g)) && isnan(ig_f32_of_bits(w))) continue; /* machines make NaNs of either sign */
        printf("FAIL %s of %s: operand %d differs at byte %llu of %llu: %08x (%g), not %08x (%g)\n", c->info.name, c->h->variant->name, i,
               (unsigned long long)at, (unsigned long long)c->size[i], g, (double)ig_f32_of_bits(g), w, (double)ig_f32_of_bits(w));
        same = false;
        break;
      }
    free(expected.operand[i]);
  }
  return same;
}

/* Calls `test` for each machine (harness_machines); a test's exit status. */
static inline int case_each_machine(int argc, char **argv, const ig_kernel_ref *refs, uint32_t n, int test(harness *, const ig_target *)) {
  ig_codegen_init();
  harness_machine machines[HARNESS_MOST_MACHINES];
  int failures = 0, n_machines = harness_machines(argc, argv, machines);
  for (int i = 0; i < n_machines; i++) {
    harness h;
    if (!harness_open(&h, machines[i], refs, n)) return 1;
    failures += test(&h, machines[i].target);
    harness_close(&h);
  }
  printf("%d machines, %d failures\n", n_machines, failures);
  return n_machines ? failures != 0 : HARNESS_SKIPPED;
}

#endif
