/* Every op as a plain scalar function in the order of numerics.h: what a kernel is compared with. Rows are f32 without padding. */
#ifndef INGOT_IR_REFERENCE_H
#define INGOT_IR_REFERENCE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "ir/format.h"

/* y = x / sqrt(mean(x^2) + eps) * gain, n values; y may be x. */
void ig_ref_rms_norm(const float *x, const float *gain, size_t n, float eps, float *y);

/* y[t][r] = sum_k x[t][k] w[r][k] (+ bias[r] where there is one), or y[t][r] + that: `n_rows` rows of a weight of k values each, as they lie in the model file, against `tokens`
 * rows of x. Quantised weights take quantised activations, of one digit or two; 0 digits: none, x as it is. y's rows are y_stride floats apart. k is a multiple of the format's block. */
void ig_ref_linear(const ig_block_format *format, const uint8_t *rows, size_t n_rows, size_t k, const float *x, size_t tokens, float *y, size_t y_stride,
                   const float *bias, bool add, int digits);

/* y = silu(gate) * up, or gelu(gate) * up. */
void ig_ref_glu(const float *gate, const float *up, size_t n, bool gelu, float *y);

/* The `used` of n experts with the highest scores, from the lowest number up, and their weights. used <= n, used <= IG_EXPERTS_MOST. */
void ig_ref_route(const float *scores, size_t n, size_t used, uint32_t *ids, float *weights);
/* The gated product of experts: y = silu(gate) * up with alpha, limit and shift (numerics.h). */
typedef struct ig_ref_gate {
  float alpha, limit, shift;
} ig_ref_gate;
void ig_ref_experts_glu(const float *gate, const float *up, size_t n, const ig_ref_gate *how, float *y);

/* Turns the first 2 * pairs channels of each head, in place: pair i is the channels 2i and 2i + 1, or where `halves` i and i + pairs. */
typedef struct ig_ref_turns {
  const uint64_t *frequencies;
  size_t pairs;
  bool halves;
  float magnitude;
} ig_ref_turns;
void ig_ref_rope(float *x, size_t heads, size_t head_dim, const ig_ref_turns *turns, uint64_t position);

/* One query token at `position` over the cache's positions 0 .. position. k and v: [position][kv_heads * head_dim], the values that the cache holds
 * (ig_kv_f16). q is not yet scaled. */
typedef struct ig_ref_heads {
  size_t heads, kv_heads, head_dim;
  float scale;
  float softcap; /* of the scores; 0: none */
  size_t window; /* the last positions that it sees, its own among them; 0: all */
  const float *sinks; /* a score for each head that takes part in the softmax and adds nothing; NULL: none */
} ig_ref_heads;
void ig_ref_attention(const ig_ref_heads *shape, const float *q, const float *k, const float *v, size_t position, float *y);

#endif
