/* The functions of ir/numerics.h against long double. */
#include "ir/numerics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/base/base.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

static double ulps(float got, long double want) {
  float near = (float)want;
  long double unit = nextafterf(fabsf(near), INFINITY) - fabsf(near);
  return (double)(fabsl((long double)got - want) / unit);
}

static void test_exp(void) {
  double worst = 0;
  for (float x = -87.0f; x < 88.3f; x += 0.00037f) {
    double e = ulps(ig_exp(x), expl((long double)x));
    worst = e > worst ? e : worst;
  }
  printf("exp: %.3f ulp\n", worst);
  CHECK(worst < 1.5, "exp is %f ulp off", worst);
  for (float x = -103.9f; x < -87.0f; x += 0.01f) /* subnormal: within one step of 2^-149 and a half */
    CHECK(fabsl((long double)ig_exp(x) - expl((long double)x)) <= 0x1.8p-149L, "exp(%f)", (double)x);
  CHECK(ig_exp(0) == 1, "exp(0)");
  CHECK(ig_exp(-INFINITY) <= 0x1p-149f && ig_exp(INFINITY) == ig_exp(88.3f) && isfinite(ig_exp(1000)), "exp at the ends");
  CHECK(ig_exp(NAN) == ig_exp(-104), "exp of a NaN");
  for (float x = -30; x < 30; x += 0.013f) {
    long double want = (long double)x / (1 + expl(-(long double)x));
    CHECK(fabsl(ig_silu(x) - want) <= 4e-7L * fabsl(want), "silu(%f)", (double)x);
  }
  CHECK(ig_silu(0) == 0, "silu(0)");
}

static void test_gelu(void) {
  for (float x = -6; x < 30; x += 0.0013f) { /* by tanh; far left nothing is left of a sum near 0 */
    long double t = tanhl(0.79788456080286535588L * ((long double)x + 0.044715L * powl((long double)x, 3)));
    long double want = 0.5L * (long double)x * (1 + t);
    CHECK(fabsl(ig_gelu(x) - want) <= 1e-6L * fabsl(want) + 1e-9L, "gelu(%f) is %g, not %Lg", (double)x, (double)ig_gelu(x), want);
  }
  CHECK(ig_gelu(0) == 0 && ig_gelu(1e30f) == 1e30f && fabsf(ig_gelu(-1e4f)) < 1e-30f, "gelu at the ends");
  static const float caps[] = {50, 30, 1, 0.01f};
  for (size_t i = 0; i < 4; i++)
    for (float x = -4; x < 4; x += 0.0007f) {
      long double cap = (long double)caps[i], want = cap * tanhl((long double)x);
      CHECK(fabsl(ig_softcap(x * caps[i], caps[i]) - want) <= 3e-7L * cap, "softcap(%f, %f)", (double)(x * caps[i]), (double)caps[i]);
    }
  CHECK(ig_softcap(0, 30) == 0 && ig_softcap(1e30f, 30) == 30 && ig_softcap(-INFINITY, 30) == -30, "softcap at the ends");
}

static const long double two_pi = 6.283185307179586476925286766559L;

static void test_sincos(void) {
  double worst_sine = 0, worst_cosine = 0;
  uint64_t turns = 0x123456789abcdefu;
  for (int i = 0; i < 300000; i++) {
    turns = turns * 6364136223846793005u + 1442695040888963407u;
    float s, c;
    ig_sincos_turns(turns, &s, &c);
    long double angle = (long double)(int64_t)(turns & ~UINT64_C(0xffffffff)) * 0x1p-64L * two_pi;
    double es = (double)fabsl(s - sinl(angle)), ec = (double)fabsl(c - cosl(angle));
    worst_sine = es > worst_sine ? es : worst_sine;
    worst_cosine = ec > worst_cosine ? ec : worst_cosine;
  }
  printf("sin, cos: %.3g %.3g\n", worst_sine, worst_cosine);
  CHECK(worst_sine < 0x1p-23 && worst_cosine < 0x1p-23, "sin or cos is off");
  static const struct {
    uint64_t turns;
    float s, c;
  } exact[] = {{0, 0, 1}, {UINT64_C(1) << 62, 1, 0}, {UINT64_C(1) << 63, 0, -1}, {UINT64_C(3) << 62, -1, 0}};
  for (int i = 0; i < 4; i++) {
    float s, c;
    ig_sincos_turns(exact[i].turns, &s, &c);
    CHECK(s == exact[i].s && c == exact[i].c, "quarter %d: %g %g", i, (double)s, (double)c);
  }
}

static void test_rope(void) {
  static const struct {
    double theta, factor;
    uint32_t dim;
  } cases[] = {{10000, 1, 64}, {500000, 1, 128}, {1000000, 1, 128}, {10000, 8, 8}, {10000, 0.1, 8}};
  for (size_t k = 0; k < sizeof cases / sizeof *cases; k++)
    for (uint32_t i = 0; i < cases[k].dim / 2; i++) {
      uint64_t f = ig_rope_frequency(cases[k].theta, i, cases[k].dim, cases[k].factor);
      long double turns = powl((long double)cases[k].theta, -2.0L * i / cases[k].dim) / (two_pi * cases[k].factor);
      turns -= floorl(turns);
      CHECK(fabsl((long double)f * 0x1p-64L - turns) <= 0x1p-60L * turns + 0x1p-64L, "frequency %zu %u", k, i);
      /* Far out in a long context the angle is still right to f32. */
      uint32_t position = 131072;
      float s, c;
      ig_sincos_turns(f * position, &s, &c);
      long double phase = fmodl(turns * position, 1) * two_pi;
      CHECK(fabsl(s - sinl(phase)) < 2e-7L && fabsl(c - cosl(phase)) < 2e-7L, "position %u pair %u: %g %g", position, i, (double)s, (double)c);
    }
  /* i = 0: 2^64 / (2 pi), from the digits of 1 / pi. */
  CHECK(ig_rope_frequency(10000, 0, 64, 1) == UINT64_C(0x28be60db9391054a), "2^64 / 2 pi");
}

static void test_rows(void) {
  float lanes[16], x[256];
  for (int i = 0; i < 16; i++) lanes[i] = i ? 0x1p-24f : 1;
  CHECK(ig_fold16(lanes) > 1, "fold loses small lanes");
  for (int i = 0; i < 256; i++) x[i] = (float)((i * 37) % 255 - 127) * 0.01f;
  uint8_t a32[8 * 40], a256[352];
  ig_quantize_a32(x, 256, a32);
  ig_quantize_a256(x, 256, a256);
  float scale = ig_load_f32(a256 + 336);
  CHECK(scale == 1.27f / 127, "scale %g", (double)scale);
  for (int i = 0; i < 256; i++) CHECK((int8_t)a256[i] == (i * 37) % 255 - 127, "a256 code %d", i);
  for (int j = 0; j < 16; j++) {
    int32_t total = 0;
    for (int i = 0; i < 16; i++) total -= (int8_t)a256[16 * j + i];
    CHECK((int32_t)ig_load_u32(a256 + 256 + 4 * j) == total, "a256 sum %d", j);
  }
  for (int b = 0; b < 8; b++) {
    int32_t total = 0, sixteens = 0;
    float block = ig_load_f32(a32 + 40 * b + 32), most = 0;
    for (int i = 0; i < 32; i++) {
      float v = x[32 * b + i], back = (float)(int8_t)a32[40 * b + i] * block;
      most = fabsf(v) > most ? fabsf(v) : most;
      total += (int8_t)a32[40 * b + i], sixteens += (int8_t)a256[32 * b + i];
      CHECK(fabsf(back - v) <= block * 0.5001f, "a32 value %d of block %d", i, b);
    }
    CHECK(block == most / 127, "a32 scale %d", b);
    CHECK((int32_t)ig_load_u32(a32 + 40 * b + 36) == -total, "a32 sum %d", b);
    CHECK((int16_t)ig_load_u16(a256 + 320 + 2 * b) == sixteens, "a256 sum of 32 %d", b);
  }
  memset(x, 0, sizeof x);
  x[3] = 0x1p-140f;
  ig_quantize_a32(x, 32, a32);
  static const uint8_t zeros[40];
  CHECK(!memcmp(a32, zeros, 40), "a tiny block is not zero");
  x[4] = NAN, x[5] = INFINITY;
  ig_quantize_a32(x, 32, a32); /* any codes, but no undefined behaviour */
  CHECK(ig_kv_f16(1e9f) == 0x7bff && ig_kv_f16(-1e9f) == 0xfbff && ig_kv_f16(1) == 0x3c00, "KV rounding");
}

int main(void) {
  test_exp();
  test_gelu();
  test_sincos();
  test_rope();
  test_rows();
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
