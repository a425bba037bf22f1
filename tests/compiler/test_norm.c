/* rms_norm, quantisation, glu and functions of each value on every variant, bit for bit against the reference. */
#include "tests/compiler/kernel_case.h"

static const ig_kernel_ref refs[] = {
  {IG_NORM, NULL, IG_ACT_F32},     {IG_NORM, NULL, IG_ACT_A32},    {IG_NORM, NULL, IG_ACT_A256},  {IG_NORM, NULL, IG_ACT_A32X2},
  {IG_NORM, NULL, IG_ACT_A256X2},  {IG_QUANT, NULL, IG_ACT_A32},   {IG_QUANT, NULL, IG_ACT_A256}, {IG_QUANT, NULL, IG_ACT_A32X2},
  {IG_QUANT, NULL, IG_ACT_A256X2}, {IG_GLU, NULL, IG_ACT_F32},     {IG_GEGLU, NULL, IG_ACT_F32},  {IG_NORM_ADD, NULL, IG_ACT_F32},
  {IG_SCALE, NULL, IG_ACT_F32},    {IG_SOFTCAP, NULL, IG_ACT_F32},
};

static bool is_norm(const ig_kernel_ref *ref) { return ref->family == IG_NORM || ref->family == IG_NORM_ADD; }
static bool is_glu(const ig_kernel_ref *ref) { return ref->family == IG_GLU || ref->family == IG_GEGLU; }

static int run(harness *h, const ig_target *target, const ig_kernel_ref *ref, uint32_t rows, uint32_t pieces, uint32_t n, float magnitude, uint64_t *state) {
  const uint32_t tokens = rows / pieces;
  uint32_t n16 = (n + 15) / 16, block = ig_activation_block(ref->activation), blocks = (n + block - 1) / block;
  if (n % block && ref->activation != IG_ACT_F32) return 0;
  uint32_t dim[INGOT_MAX_DIMS] = {[INGOT_DIM_TOKENS] = tokens, [IG_D0] = blocks, [IG_NORM_N] = n, [IG_NORM_EPS] = case_bits(1e-5f), [IG_NORM_PIECES] = pieces};
  if (!is_norm(ref)) dim[IG_POINT_NUMBER] = case_bits(30), dim[IG_NORM_EPS] = dim[IG_NORM_PIECES] = 0;
  kernel_case c;
  case_open(&c, h, *ref, target, dim, NULL);
  case_fill(&c, 0, n, 16 * n16, magnitude, state);
  if (is_norm(ref)) case_fill(&c, 1, n, 16 * n16, 1, state);
  if (is_glu(ref)) case_fill(&c, 1, n, 16 * n16, magnitude, state);
  if (ref->family == IG_NORM_ADD) case_fill(&c, 2, n, 16 * n16, magnitude, state);
  float *x = c.args.operand[0];
  if (rows > 1) memset(x + 16 * n16, 0, 64 * n16); /* a row of zeros */
  if (n >= 64) memset(x, 0, 128), x[40] = -0.0f;       /* a block of zeros */
  bool same = case_run(&c);
  const float *y = c.args.operand[is_norm(ref) ? 2 : ref->family == IG_QUANT ? 1 : 0];
  if (ref->activation == IG_ACT_F32)
    for (uint32_t i = n; i < 16 * n16; i++) same &= y[i] == 0; /* padding */
  if (!same) printf("  n %u, %u tokens of %u pieces, magnitude %g\n", n, tokens, pieces, (double)magnitude);
  harness_free(h);
  return !same;
}

static int test(harness *h, const ig_target *target) {
  static const uint32_t sizes[] = {1, 8, 16, 20, 32, 64, 96, 256, 512, 2048}, tokens[] = {1, 2, 15, 16, 17};
  static const float magnitudes[] = {1, 1e4f, 1e-20f, 1e-38f, 1e30f};
  int failures = 0;
  uint64_t state = 1;
  for (size_t r = 0; r < sizeof refs / sizeof *refs; r++)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes; s++)
      for (size_t i = 0; i < 5; i++) {
        if (is_norm(&refs[r]) && magnitudes[(i + s) % 5] > 1e29f) continue; /* the sum of squares overflows */
        failures += run(h, target, &refs[r], tokens[i], is_norm(&refs[r]) && tokens[i] % 5 == 0 ? 5 : 1, sizes[s], magnitudes[(i + s) % 5], &state);
      }
  return failures;
}

int main(int argc, char **argv) { return case_each_machine(argc, argv, refs, sizeof refs / sizeof *refs, test); }
