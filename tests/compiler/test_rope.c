/* rope_kv on every variant, bit for bit against the reference; what was in the caches before must not matter. */
#include "tests/compiler/kernel_case.h"

#include "ir/numerics.h"

static const ig_kernel_ref ref = {IG_ROPE_KV, NULL, IG_ACT_F32};

typedef struct shape {
  uint32_t head_dim, pairs, kv_heads, group, tokens, position;
  float magnitude;
  bool halves;
} shape;

static int run(harness *h, const ig_target *target, const shape *s, uint64_t *state) {
  uint32_t d = s->head_dim, q = d * s->kv_heads * s->group, k = d * s->kv_heads, q16 = (q + 15) / 16, k16 = (k + 15) / 16;
  uint32_t end = s->position + s->tokens, context = (end + 127) / 128 * 128;
  uint32_t dim[INGOT_MAX_DIMS] = {s->tokens,
                                  s->position,
                                  context,
                                  (end + 127) / 128,
                                  (s->tokens + 15) / 16,
                                  s->kv_heads,
                                  s->group,
                                  d,
                                  (d + 15) / 16,
                                  case_bits(0.125f),
                                  s->pairs,
                                  q16,
                                  k16,
                                  k16,
                                  q16,
                                  s->halves,
                                  case_bits(s->halves ? 1.1902380714238083f : 1)};
  kernel_case c;
  case_open(&c, h, ref, target, dim, NULL);
  case_fill(&c, 0, q, 16 * q16, s->magnitude, state);
  case_fill(&c, 1, k, 16 * k16, s->magnitude, state);
  case_fill(&c, 2, k, 16 * k16, s->magnitude, state);
  for (uint32_t i = 0; i < s->pairs; i++) ((uint64_t *)c.args.operand[5])[i] = ig_rope_frequency(10000, i, 2 * s->pairs, 1);
  bool same = case_run(&c);
  if (!same) printf("  head_dim %u, %u pairs, %u x %u heads, %u tokens at %u\n", d, s->pairs, s->kv_heads, s->group, s->tokens, s->position);
  harness_free(h);
  return !same;
}

static int test(harness *h, const ig_target *target) {
  static const shape shapes[] = {
    {8, 4, 1, 1, 1, 0, 1, false},         {8, 4, 4, 2, 17, 3, 1, false},    {20, 10, 3, 1, 2, 127, 1, false},    {20, 6, 3, 7, 2, 300, 1, false},
    {32, 16, 2, 1, 16, 120, 1, false},    {48, 24, 2, 4, 3, 128, 1, false}, {64, 32, 2, 4, 33, 300, 1, false},   {80, 16, 1, 2, 2, 1000, 1, false},
    {128, 64, 2, 2, 5, 100000, 1, false}, {64, 0, 1, 1, 2, 5, 1, false},    {64, 32, 2, 4, 2, 300, 1e6f, false}, {64, 32, 2, 4, 2, 300, 1e-6f, false},
    {7, 3, 3, 2, 4, 60, 1, false},        {8, 4, 4, 2, 17, 3, 1, true},     {20, 6, 3, 7, 2, 300, 1, true},      {64, 32, 2, 4, 5, 300, 1, true},
    {128, 48, 2, 2, 3, 131072, 1, true},  {80, 40, 1, 2, 2, 1000, 1, true}, {7, 3, 3, 2, 4, 60, 1, true},        {48, 17, 2, 1, 3, 100, 1, true},
  };
  int failures = 0;
  uint64_t state = 2;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) failures += run(h, target, &shapes[i], &state);
  return failures;
}

int main(int argc, char **argv) { return case_each_machine(argc, argv, &ref, 1, test); }
