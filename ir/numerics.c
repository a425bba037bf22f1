#include "ir/numerics.h"

#include <math.h>
#include <string.h>

#include "ir/base/base.h"

/* Minimax for relative error on |r| <= ln 2 / 2 with the first two fixed to 1 (3.1e-9 before rounding). */
const float ig_exp_coefficients[7] = {1.0f, 1.0f, 0x1.fffffcp-2f, 0x1.55549p-3f, 0x1.5558f4p-5f, 0x1.123a6cp-7f, 0x1.6a2352p-10f};
/* Minimax on |z| <= 1/8 turn: sine for relative error (3.6e-9), cosine for absolute error (5.4e-11). */
const float ig_sin_coefficients[5] = {0x1.921fb6p+2f, -0x1.777a5cp-23f, -0x1.4abbcp+5f, 0x1.46602ep+6f, -0x1.2dcfa4p+6f};
const float ig_cos_coefficients[5] = {1.0f, -0x1.3bd3ccp+4f, 0x1.03c1dep+6f, -0x1.55c66p+6f, 0x1.d9f6b8p+5f};

/* The integer nearest to x, |x| < 2^22, with *rounded the same as a float. */
static int32_t nearest(float sum, float *rounded) {
  *rounded = sum - IG_MAGIC;
  return (int32_t)(ig_f32_bits(sum) - IG_MAGIC_BITS);
}

static float power_of_two(int32_t n) { return ig_f32_of_bits((uint32_t)(n + 127) << 23); }

float ig_exp(float x) {
  x = x > IG_EXP_LEAST ? x : IG_EXP_LEAST;
  x = x < IG_EXP_MOST ? x : IG_EXP_MOST;
  float nf;
  int32_t n = nearest(fmaf(x, IG_LOG2_E, IG_MAGIC), &nf);
  float r = fmaf(nf, -IG_LN2_HIGH, x);
  r = fmaf(nf, -IG_LN2_LOW, r);
  float p = ig_exp_coefficients[6];
  for (int i = 5; i >= 0; i--) p = fmaf(p, r, ig_exp_coefficients[i]);
  int32_t half = n >= 0 ? n / 2 : -((1 - n) / 2); /* n >> 1 */
  return p * power_of_two(half) * power_of_two(n - half);
}

int32_t ig_score_key(float score) {
  uint32_t bits = ig_f32_bits(score);
  if (score != score) return INT32_MIN;
  return bits >> 31 ? (int32_t)(bits ^ 0x7fffffffu) : (int32_t)bits;
}

float ig_silu(float x) { return x / (1.0f + ig_exp(-x)); }
float ig_gelu(float x) { return x / (1.0f + ig_exp(-(x * fmaf(IG_GELU_CUBE, x * x, IG_GELU_LINE)))); }
float ig_softcap(float x, float cap) { return cap - (cap + cap) / (1.0f + ig_exp(x * (2.0f / cap))); }

void ig_sincos_turns(uint64_t turns, float *sine, float *cosine) {
  uint32_t u = (uint32_t)(turns >> 32), q = (u + 0x20000000u) >> 30, rest = u - (q << 30);
  int32_t i = rest > 0x7fffffffu ? -(int32_t)(0u - rest) : (int32_t)rest;
  float z = (float)i * 0x1p-32f, w = z * z;
  float a = ig_sin_coefficients[4], b = ig_cos_coefficients[4];
  for (int k = 3; k >= 1; k--) a = fmaf(a, w, ig_sin_coefficients[k]);
  for (int k = 3; k >= 0; k--) b = fmaf(b, w, ig_cos_coefficients[k]);
  a = fmaf(z, ig_sin_coefficients[0], a * z);
  float s = q & 1 ? b : a, c = q & 1 ? a : b;
  *sine = q & 2 ? -s : s;
  *cosine = (q + 1) & 2 ? -c : c;
}

/* ---- double-double: an unevaluated sum of two doubles, about 104 bits ------------------------------------------------- */
typedef struct dd {
  double hi, lo;
} dd;

static dd quick_sum(double a, double b) {
  double s = a + b;
  return (dd){s, b - (s - a)};
}
static dd add(dd a, dd b) {
  double s = a.hi + b.hi, v = s - a.hi, e = (a.hi - (s - v)) + (b.hi - v);
  return quick_sum(s, e + a.lo + b.lo);
}
static dd mul(dd a, dd b) {
  double p = a.hi * b.hi, e = fma(a.hi, b.hi, -p);
  return quick_sum(p, e + (a.hi * b.lo + a.lo * b.hi));
}
static dd divide(dd a, dd b) {
  double q = a.hi / b.hi;
  dd r = add(a, mul(b, (dd){-q, 0}));
  double q2 = r.hi / b.hi;
  r = add(r, mul(b, (dd){-q2, 0}));
  return add(quick_sum(q, q2), (dd){r.hi / b.hi, 0});
}

static const dd ln2 = {0x1.62e42fefa39efp-1, 0x1.abc9e3b39803fp-56}, two_pi = {0x1.921fb54442d18p+2, 0x1.1a62633145c07p-52};

/* exp by k ln 2, a factor of 2^-9, Taylor and nine squarings of e^r - 1 (which keep its low bits). */
static dd dd_exp(dd x) {
  double k = floor(x.hi / ln2.hi + 0.5);
  dd r = add(x, mul(ln2, (dd){-k, 0})), m = {0, 0};
  r.hi *= 0x1p-9, r.lo *= 0x1p-9;
  for (int n = 14; n >= 1; n--) m = divide(mul(r, add((dd){1, 0}, m)), (dd){n, 0}); /* r/n (1 + r/(n+1) (1 + ...)) */
  for (int i = 0; i < 9; i++) m = add(add(m, m), mul(m, m));                          /* (1 + m)^2 - 1 */
  m = add((dd){1, 0}, m);
  return (dd){ldexp(m.hi, (int)k), ldexp(m.lo, (int)k)};
}

/* One Newton step from libm's value squares its error away: y + (x e^-y - 1), good to about 2^-100. */
static dd dd_log(double x) {
  dd y = {log(x), 0};
  for (int i = 0; i < 2; i++) y = add(y, add(mul((dd){x, 0}, dd_exp((dd){-y.hi, -y.lo})), (dd){-1, 0}));
  return y;
}

uint64_t ig_rope_frequency(double theta, uint32_t i, uint32_t rope_dim, double factor) {
  dd power = divide((dd){-2.0 * i, 0}, (dd){rope_dim, 0});
  dd turns = divide(dd_exp(mul(dd_log(theta), power)), mul(two_pi, (dd){factor, 0}));
  turns = add(turns, (dd){-floor(turns.hi), 0}); /* whole turns do not matter */
  double hi = ldexp(turns.hi, 64), lo = ldexp(turns.lo, 64), whole = floor(hi), rest = floor((hi - whole) + lo + 0.5);
  uint64_t high = whole >= 0x1p64 ? 0 : whole < 0 ? 0 - (uint64_t)-whole : (uint64_t)whole;
  return rest < 0 ? high - (uint64_t)-rest : high + (uint64_t)rest;
}

/* ---- rows --------------------------------------------------------------------------------------------------------------- */

float ig_fold16(const float lanes[16]) {
  float l[16];
  memcpy(l, lanes, sizeof l);
  for (int half = 8; half; half /= 2)
    for (int i = 0; i < half; i++) l[i] += l[i + half];
  return l[0];
}

uint16_t ig_kv_f16(float x) {
  x = x < 65504.0f ? x : 65504.0f;
  x = x > -65504.0f ? x : -65504.0f;
  return ig_f32_to_f16(x);
}

/* Quantises n values by their largest magnitude; returns the scale. */
static float quantize(const float *x, size_t n, int8_t *q) {
  float amax = 0;
  for (size_t i = 0; i < n; i++) amax = fabsf(x[i]) > amax ? fabsf(x[i]) : amax;
  memset(q, 0, n);
  if (amax < 0x1p-100f) return 0;
  float inverse = 127.0f / amax, rounded;
  for (size_t i = 0; i < n; i++) {
    float v = x[i] * inverse;
    if (fabsf(v) < 128.0f) q[i] = (int8_t)nearest(v + IG_MAGIC, &rounded); /* false for what is not finite */
  }
  return amax / 127.0f;
}

static int32_t sum(const int8_t *q, size_t n) {
  int32_t total = 0;
  for (size_t i = 0; i < n; i++) total += q[i];
  return total;
}

/* Little endian, as every target is. */
static void put(uint8_t *at, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) at[i] = (uint8_t)(value >> 8 * i);
}

void ig_quantize_a32(const float *x, size_t n, uint8_t *blocks) {
  for (size_t b = 0; b < n / 32; b++, x += 32, blocks += 40) {
    int8_t q[32];
    float scale = quantize(x, 32, q);
    memcpy(blocks, q, 32);
    put(blocks + 32, ig_f32_bits(scale), 4);
    put(blocks + 36, (uint32_t)-sum(q, 32), 4);
  }
}

void ig_quantize_a256(const float *x, size_t n, uint8_t *blocks) {
  for (size_t b = 0; b < n / 256; b++, x += 256, blocks += 352) {
    int8_t q[256];
    float scale = quantize(x, 256, q);
    memset(blocks, 0, 352);
    memcpy(blocks, q, 256);
    for (int j = 0; j < 16; j++) put(blocks + 256 + 4 * j, (uint32_t)-sum(q + 16 * j, 16), 4);
    for (int j = 0; j < 8; j++) put(blocks + 320 + 2 * j, (uint32_t)sum(q + 32 * j, 32), 2);
    put(blocks + 336, ig_f32_bits(scale), 4);
  }
}

void ig_quantize_rest(const float *x, size_t n, const uint8_t *blocks, size_t block_values, float *rest) {
  size_t block_bytes = block_values == 32 ? 40 : 352, scale_at = block_values == 32 ? 32 : 336;
  for (size_t i = 0; i < n; i++) {
    const uint8_t *block = blocks + i / block_values * block_bytes;
    float scale;
    memcpy(&scale, block + scale_at, sizeof scale);
    rest[i] = fmaf(-scale, (float)(int8_t)block[i % block_values], x[i]);
  }
}
