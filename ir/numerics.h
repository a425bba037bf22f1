/* The order of every reduction and the polynomials of every function: what a kernel has to compute, bit for bit.
 *
 * "fma" below is one rounding; the variant `base` has none and rounds twice there, so it alone may differ in the last bits.
 *   linear, f32 f16 bf16: four partial sums by k mod 4, s_j = fma(x[k], w[k], s_j) for k = j, j+4, ...; then (s0 + s1) + (s2 + s3).
 *   linear, a32 (blocks of 32): per block b in K order: i = sum(q_w q_x) exact in i32; acc = fma(d_w * scale_x, (float)i, acc).
 *   linear, a256 (K-quants): per 256: i = sum_j sc_j * sum(q_w q_x) exact in i32; acc = fma(d * scale_x, (float)i, acc); where the format
 *       has minima: m = sum_j min_j * sum(q_x) exact in i32; acc = fma(-(dmin * scale_x), (float)m, acc), after the former.
 *       q_w is the format's signed value (q6_k: -32 .. 31).  acc starts at 0; epilogue "add": y + acc.
 *   row sums (mean of squares, softmax): lane i mod 16 holds a partial sum in order of i (squares by fma); then lanes are folded
 *       8, 4, 2, 1: l[i] += l[i + 8], l[i] += l[i + 4], ... (ig_fold16). Maxima need no order.
 *   rms_norm: r = 1 / sqrtf(sum / (float)n + eps); y = (x * r) * gain.
 *   silu(g) * u: ((g / (1 + exp(-g))) * u).
 *   rope: phase = frequency * position mod 2^64, as a signed turn in [-1/2, 1/2); c, s = cos, sin of it (ig_sincos_turns);
 *       (a, b) -> (fma(a, c, -(b * s)), fma(a, s, b * c)) on adjacent pairs; then q is multiplied by `scale`; k and v are rounded to f16
 *       (nearest even; beyond +-65504 clamped to it).
 *   attention, per query and block of 128 positions: s_p = fma chain over channels in order, from 0; m = max; p = exp(s_p - m); l = row sum of
 *       p; o_c = fma chain over positions p in order, from 0. Blocks merge from left to right, the first as it is:
 *       M' = max(M, m); a = exp(M - M'); b = exp(m - M'); L = fma(L, a, l * b); O = fma(O, a, o * b). y = O / L.
 */
#ifndef INGOT_IR_NUMERICS_H
#define INGOT_IR_NUMERICS_H

#include <stddef.h>
#include <stdint.h>

/* exp: x clamped to [-104, 88.3]; n = round-even(x * log2e); r = fma(n, -ln2_hi, x), r = fma(n, -ln2_lo, r); a polynomial of degree 6 in r
 * (coefficients in numerics.c, Horner by fma) times 2^n in two exact steps (2^(n/2) twice) so that subnormals come out right. */
float ig_exp(float x);
float ig_silu(float x);                       /* x / (1 + exp(-x)) */
/* sin and cos of 2 pi t for a 64-bit turn (two's complement, 2^64 = one turn). */
void ig_sincos_turns(uint64_t turns, float *sine, float *cosine);
/* 2^64 theta^(-2 i / rope_dim) / (2 pi factor), rounded, computed so that the low bits are right to about 2^-60 relative. */
uint64_t ig_rope_frequency(double theta, uint32_t i, uint32_t rope_dim, double factor);
float ig_fold16(const float lanes[16]);
/* Activations: see kernel_family.h for the blocks. `x` holds n floats, n a multiple of 32 or 256. */
void ig_quantize_a32(const float *x, size_t n, uint8_t *blocks);
void ig_quantize_a256(const float *x, size_t n, uint8_t *blocks);

#endif
