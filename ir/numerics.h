/* The order of every reduction and the polynomials of every function: what a kernel has to compute, bit for bit.
 *
 * "fma" below is one rounding; the variant `base` has none and rounds twice there, so it alone may differ in the last bits.
 *   linear, f32 f16 bf16: four partial sums by k mod 4, s_j = fma(x[k], w[k], s_j) for k = j, j+4, ...; then (s0 + s1) + (s2 + s3).
 *   linear, a32 (blocks of 32): per block b in K order: i = sum(q_w q_x) exact in i32; acc = fma(d_w * scale_x, (float)i, acc); where the format has an
 *       offset m (q4_1, q5_1): acc = fma(m * scale_x, (float)sum(q_x), acc), after the former.
 *   linear, a256 (K-quants): per 256: i = sum_j sc_j * sum(q_w q_x) exact in i32; acc = fma(d * scale_x, (float)i, acc); where the format
 *       has minima: m = sum_j min_j * sum(q_x) exact in i32; acc = fma(-(dmin * scale_x), (float)m, acc), after the former.
 *       q_w is the format's signed value (q6_k: -32 .. 31).  acc starts at 0; epilogue "add": y + acc.
 *   linear with digits = 2 (the head; attention of mixtures), quantised weights: the row x is quantised, then what that left of it, fma(-scale, q, x), is
 *       too; v is the linear of the first row plus that of the second, before bias and epilogue. Twice the arithmetic where decode waits for memory
 *       anyway, and the logits no longer carry the rounding of their own activations.
 *   row sums (mean of squares, softmax): lane i mod 16 holds a partial sum in order of i (squares by fma); then lanes are folded
 *       8, 4, 2, 1: l[i] += l[i + 8], l[i] += l[i + 4], ... (ig_fold16). Maxima need no order.
 *   rms_norm: r = 1 / sqrtf(sum / (float)n + eps); y = (x * r) * gain.
 *   silu(g) * u: ((g / (1 + exp(-g))) * u).   gelu(g) * u: the same with w for -g: w = g * fma(IG_GELU_CUBE, g * g, IG_GELU_LINE), ((g / (1 + exp(-w))) * u).
 *   softcap(x) = cap - (2 cap) / (1 + exp(x * (2 / cap))), which is cap tanh(x / cap); both quotients are true divisions.
 *   rms_norm with a residual: residual + y.   scale: x * factor.
 *   rope: phase = frequency * position mod 2^64, as a signed turn in [-1/2, 1/2); c, s = cos, sin of it (ig_sincos_turns);
 *       (a, b) -> (fma(a, c, -(b * s)), fma(a, s, b * c)) on adjacent pairs; then q is multiplied by `scale`; k and v are rounded to f16
 *       (nearest even; beyond +-65504 clamped to it).
 *   attention, per query and block of 128 positions: s_p = fma chain over channels in order, from 0, then softcap(s_p) where the op has one;
 *       m = max; p = exp(s_p - m); l = row sum of p; o_c = fma chain over positions p in order, from 0. Blocks merge from left to right, the first as it is:
 *       M' = max(M, m); a = exp(M - M'); b = exp(m - M'); L = fma(L, a, l * b); O = fma(O, a, o * b). y = O / L.
 *       A head's sink s is a last block of nothing: m = s, l = 1; L = fma(L, a, b); O = O * a.
 *   experts: scores are ordered by ig_score_key, equal ones by the lower number first; the first `used` are chosen. m = the highest score; with lane i
 *       mod 16 for the i-th chosen from the lowest number up, and minus infinity in the lanes that are left: e_i = exp(s_i - m); weight = e_i / (row sum of e).
 *       From the lowest number up, y = fma(weight, v, y), v being the expert's down product with its bias; y begins as the residual.
 *   glu of experts: g = g < limit ? g : limit; u = u < limit ? u : limit; u = u > -limit ? u : -limit; ((g / (1 + exp(-(alpha * g)))) * (u + shift)).
 *       Plain: alpha = 1, limit infinite, shift = 0.
 */
#ifndef INGOT_IR_NUMERICS_H
#define INGOT_IR_NUMERICS_H

#include <stddef.h>
#include <stdint.h>

/* What follows is the whole recipe; a kernel computes the same steps in vector form (f32 fma, mul, add, i32 add, shift, select).
 * There is no float-to-integer conversion in it: MAGIC = 1.5 * 2^23 added to a float of magnitude below 2^22 leaves the nearest
 * integer (ties to even) in the low bits of the sum.
 *
 * exp(x):
 *   x = x > IG_EXP_LEAST ? x : IG_EXP_LEAST; x = x < IG_EXP_MOST ? x : IG_EXP_MOST      (a NaN becomes IG_EXP_LEAST)
 *   t = fma(x, IG_LOG2_E, MAGIC); n = bits(t) - bits(MAGIC) as i32; nf = t - MAGIC
 *   r = fma(nf, -IG_LN2_HIGH, x); r = fma(nf, -IG_LN2_LOW, r)
 *   p = c[6]; p = fma(p, r, c[i]) for i = 5 .. 0                                        (c = ig_exp_coefficients)
 *   h = n >> 1 (arithmetic); y = (p * float_of_bits((h + 127) << 23)) * float_of_bits((n - h + 127) << 23)
 *   The first scaling is exact, the second rounds once where the result is subnormal. Error below 1.5 ulp for normal results. */
#define IG_MAGIC 0x1.8p23f
#define IG_MAGIC_BITS 0x4b400000
#define IG_EXP_LEAST -104.0f
#define IG_EXP_MOST 88.3f
#define IG_LOG2_E 0x1.715476p+0f
#define IG_LN2_HIGH 0x1.62e43p-1f
#define IG_LN2_LOW -0x1.05c61p-29f
extern const float ig_exp_coefficients[7];
float ig_exp(float x);
/* x / (1 + exp(-x)): one negation (sign bit), exp, one add, one true division. */
float ig_silu(float x);
/* x (1 + tanh(sqrt(2 / pi) (x + 0.044715 x^3))) / 2, the form of GELU that models are trained with, since (1 + tanh(w / 2)) / 2 = 1 / (1 + exp(-w)). */
#define IG_GELU_LINE 1.59576912f   /* 2 sqrt(2 / pi) */
#define IG_GELU_CUBE 0.0713548163f /* 0.044715 of it */
float ig_gelu(float x);
/* cap tanh(x / cap); cap above 0. */
float ig_softcap(float x, float cap);

/* Orders scores whatever they are: the bits as a signed integer, of a negative number all but the sign turned over; a NaN lies below all. */
int32_t ig_score_key(float score);
enum { IG_EXPERTS_MOST = 16 }; /* that a token can choose: a lane each */

/* sin and cos of 2 pi t for a 64-bit turn (two's complement, 2^64 = one turn):
 *   u = turns >> 32 as u32; q = (u + 0x20000000) >> 30 (logical: the quarter, 0 .. 3); i = (i32)(u - (q << 30)), in [-2^29, 2^29]
 *   z = (float)i (nearest even) * 2^-32; w = z * z
 *   a = s[4]; a = fma(a, w, s[i]) for i = 3, 2, 1; a = a * z; sine = fma(z, s[0], a)           (s = ig_sin_coefficients: 2 pi high, low, z^3, z^5, z^7)
 *   b = c[4]; b = fma(b, w, c[i]) for i = 3 .. 0; cosine = b                                   (c = ig_cos_coefficients: 1, z^2, z^4, z^6, z^8)
 *   if q & 1 swap sine and cosine; if q & 2 flip the sign bit of sine; if (q + 1) & 2 flip the sign bit of cosine. */
extern const float ig_sin_coefficients[5];
extern const float ig_cos_coefficients[5];
void ig_sincos_turns(uint64_t turns, float *sine, float *cosine);

/* 2^64 theta^(-2 i / rope_dim) / (2 pi factor) mod 2^64, rounded to nearest; in double-double, so the host's libm does not matter.
 * theta >= 1, factor > 0, i < rope_dim / 2. */
uint64_t ig_rope_frequency(double theta, uint32_t i, uint32_t rope_dim, double factor);

/* l[i] += l[i + 8] for i < 8, then l[i] += l[i + 4], 2, 1; the result is l[0]. */
float ig_fold16(const float lanes[16]);
/* f32 to f16 as the KV cache takes it: nearest even, magnitudes above 65504 clamped to it first (x < 65504 ? x : 65504, then
 * x > -65504 ? x : -65504). */
uint16_t ig_kv_f16(float x);
/* Activations: see kernel_family.h for the blocks. `x` holds n floats, n a multiple of 32 or 256. Per block: amax = max |x|; where amax < 2^-100
 * scale and codes are 0 (127 / amax would overflow); else scale = amax / 127, inverse = 127 / amax (two true divisions), q = round-even(x * inverse)
 * (x * inverse rounded to f32, then + MAGIC and the bits). Codes of non-finite activations are unspecified. */
void ig_quantize_a32(const float *x, size_t n, uint8_t *blocks);
void ig_quantize_a256(const float *x, size_t n, uint8_t *blocks);
/* What quantisation left: rest[i] = fma(-scale, q[i], x[i]), for blocks of 32 (a32) or 256 (a256) values. */
void ig_quantize_rest(const float *x, size_t n, const uint8_t *blocks, size_t block_values, float *rest);

#endif
