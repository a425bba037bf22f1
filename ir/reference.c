#include "ir/reference.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/base/base.h"
#include "ir/numerics.h"

void ig_ref_rms_norm(const float *x, const float *gain, size_t n, float eps, float *y) {
  float lanes[16] = {0};
  for (size_t i = 0; i < n; i++) lanes[i % 16] = fmaf(x[i], x[i], lanes[i % 16]);
  float r = 1.0f / sqrtf(ig_fold16(lanes) / (float)n + eps);
  for (size_t i = 0; i < n; i++) y[i] = x[i] * r * gain[i];
}

void ig_ref_glu(const float *gate, const float *up, size_t n, bool gelu, float *y) {
  for (size_t i = 0; i < n; i++) y[i] = (gelu ? ig_gelu(gate[i]) : ig_silu(gate[i])) * up[i];
}

/* ---- experts ------------------------------------------------------------------------------------------------------------ */

static bool is_before(const float *scores, size_t a, size_t b) {
  int32_t x = ig_score_key(scores[a]), y = ig_score_key(scores[b]);
  return x != y ? x > y : a < b;
}

void ig_ref_route(const float *scores, size_t n, size_t used, uint32_t *ids, float *weights) {
  float score[IG_EXPERTS_MOST], most = 0;
  size_t chosen = 0;
  assert(used <= n && used <= IG_EXPERTS_MOST);
  for (size_t i = 0; i < n; i++) {
    size_t rank = 0;
    for (size_t k = 0; k < n; k++) rank += is_before(scores, k, i);
    if (rank == 0) most = scores[i];
    if (rank < used) ids[chosen] = (uint32_t)i, score[chosen++] = scores[i];
  }
  for (size_t i = 0; i < IG_EXPERTS_MOST; i++) score[i] = ig_exp((i < chosen ? score[i] : -INFINITY) - most);
  float sum = ig_fold16(score);
  for (size_t i = 0; i < used; i++) weights[i] = score[i] / sum;
}

void ig_ref_experts_glu(const float *gate, const float *up, size_t n, const ig_ref_gate *how, float *y) {
  for (size_t i = 0; i < n; i++) {
    float g = gate[i] < how->limit ? gate[i] : how->limit, u = up[i] < how->limit ? up[i] : how->limit;
    u = u > -how->limit ? u : -how->limit;
    y[i] = g / (1.0f + ig_exp(-(how->alpha * g))) * (u + how->shift);
  }
}

/* ---- linear ------------------------------------------------------------------------------------------------------------- */

static float dot_float(const float *w, const float *x, size_t k) {
  float s[4] = {0};
  for (size_t i = 0; i < k; i++) s[i % 4] = fmaf(x[i], w[i], s[i % 4]);
  return (s[0] + s[1]) + (s[2] + s[3]);
}

/* One row of blocks against one row of quantised activations, blocks of `bytes` bytes whose scale lies at `scale_at`. */
static float dot_blocks(const ig_block *w, size_t blocks, size_t block_values, size_t sub_values, const uint8_t *x, size_t bytes, size_t scale_at) {
  float acc = 0;
  for (size_t b = 0; b < blocks; b++, x += bytes) {
    int32_t products = 0, minima = 0;
    for (size_t j = 0; j < block_values / sub_values; j++) {
      int32_t product = 0, sum = 0;
      for (size_t i = j * sub_values; i < (j + 1) * sub_values; i++) {
        product += w[b].q[i] * (int8_t)x[i];
        sum += (int8_t)x[i];
      }
      products += w[b].scale[j] * product;
      minima += w[b].min[j] * sum;
    }
    float scale = ig_load_f32(x + scale_at);
    acc = fmaf(w[b].d * scale, (float)products, acc);
    acc = fmaf(-(w[b].dmin * scale), (float)minima, acc); /* changes nothing where the format has no minima */
  }
  return acc;
}

void ig_ref_linear(const ig_block_format *format, const uint8_t *rows, size_t n_rows, size_t k, const float *x, size_t tokens, float *y, size_t y_stride,
                   const float *bias, bool add, int digits) {
  ig_arena arena = {0};
  size_t n_blocks = k / format->block_values, row_bytes = n_blocks * format->block_bytes;
  bool wide = format->block_values == 256;
  size_t x_block = wide ? 352 : 40, x_row = n_blocks * x_block;
  assert(k % format->block_values == 0);
  bool plain = !format->unpack || !digits;
  float *w = plain ? ig_alloc_array(&arena, k, sizeof *w) : NULL;
  ig_block *blocks = plain ? NULL : ig_alloc_array(&arena, n_blocks, sizeof *blocks);
  uint8_t *quantised = !plain ? ig_alloc_array(&arena, 2 * tokens, x_row) : NULL;
  float *rest = ig_alloc_array(&arena, k, sizeof *rest);
  for (size_t t = 0; t < tokens && quantised; t++) {
    uint8_t *first = quantised + 2 * t * x_row, *second = first + x_row;
    wide ? ig_quantize_a256(x + t * k, k, first) : ig_quantize_a32(x + t * k, k, first);
    ig_quantize_rest(x + t * k, k, first, format->block_values, rest);
    wide ? ig_quantize_a256(rest, k, second) : ig_quantize_a32(rest, k, second);
  }
  for (size_t r = 0; r < n_rows; r++, rows += row_bytes) {
    if (w) format->decode(format, rows, w, k);
    for (size_t b = 0; b < n_blocks && blocks; b++) format->unpack(rows + b * format->block_bytes, &blocks[b]);
    for (size_t t = 0; t < tokens; t++) {
      float v = w ? dot_float(w, x + t * k, k) : 0;
      for (int d = 0; d < digits && blocks; d++) {
        float dot = dot_blocks(blocks, n_blocks, format->block_values, format->sub_values, quantised + (2 * t + (size_t)d) * x_row, x_block, wide ? 336 : 32);
        v = d ? v + dot : dot;
      }
      if (bias) v += bias[r];
      float *to = &y[t * y_stride + r];
      *to = add ? *to + v : v;
    }
  }
  ig_arena_finish(&arena);
}

/* ---- rope, attention ---------------------------------------------------------------------------------------------------- */

void ig_ref_rope(float *x, size_t heads, size_t head_dim, const ig_ref_turns *turns, uint64_t position) {
  for (size_t p = 0; p < turns->pairs; p++) {
    float s, c;
    ig_sincos_turns(turns->frequencies[p] * position, &s, &c);
    s *= turns->magnitude, c *= turns->magnitude;
    for (size_t h = 0; h < heads; h++) {
      float *first = x + h * head_dim + (turns->halves ? p : 2 * p), *second = first + (turns->halves ? turns->pairs : 1), a = *first, b = *second;
      *first = fmaf(a, c, -(b * s));
      *second = fmaf(a, s, b * c);
    }
  }
}

enum { BLOCK = 128 };

/* A block's maximum, sum and weighted values, of the positions [low, positions). */
static void attend_block(const ig_ref_heads *shape, const float *q, const float *k, const float *v, size_t low, size_t positions, float *most, float *sum,
                         float *out) {
  size_t stride = shape->kv_heads * shape->head_dim;
  float score[BLOCK], lanes[16] = {0};
  *most = -INFINITY;
  for (size_t p = low; p < positions; p++) {
    score[p] = 0;
    for (size_t i = 0; i < shape->head_dim; i++) score[p] = fmaf(q[i] * shape->scale, k[p * stride + i], score[p]);
    if (shape->softcap > 0) score[p] = ig_softcap(score[p], shape->softcap);
    *most = score[p] > *most ? score[p] : *most;
  }
  for (size_t p = low; p < positions; p++) {
    score[p] = ig_exp(score[p] - *most);
    lanes[p % 16] += score[p];
  }
  *sum = ig_fold16(lanes);
  for (size_t i = 0; i < shape->head_dim; i++) {
    out[i] = 0;
    for (size_t p = low; p < positions; p++) out[i] = fmaf(score[p], v[p * stride + i], out[i]);
  }
}

void ig_ref_attention(const ig_ref_heads *shape, const float *q, const float *k, const float *v, size_t position, float *y) {
  size_t head_dim = shape->head_dim, stride = shape->kv_heads * head_dim;
  size_t lowest = shape->window && position + 1 > shape->window ? position + 1 - shape->window : 0, begin = lowest / BLOCK * BLOCK;
  float *out = ig_heap_zeroed(head_dim, sizeof *out);
  for (size_t h = 0; h < shape->heads; h++) {
    size_t channel = h / (shape->heads / shape->kv_heads) * head_dim;
    float *o = y + h * head_dim, most = 0, sum = 0;
    for (size_t start = begin; start <= position; start += BLOCK) {
      size_t positions = position + 1 - start < BLOCK ? position + 1 - start : BLOCK;
      float m, l;
      attend_block(shape, q + h * head_dim, k + start * stride + channel, v + start * stride + channel, start == begin ? lowest - begin : 0, positions, &m, &l,
                   out);
      if (start == begin) {
        most = m, sum = l;
        memcpy(o, out, head_dim * sizeof *o);
        continue;
      }
      float both = m > most ? m : most, a = ig_exp(most - both), b = ig_exp(m - both);
      sum = fmaf(sum, a, l * b);
      for (size_t i = 0; i < head_dim; i++) o[i] = fmaf(o[i], a, out[i] * b);
      most = both;
    }
    if (shape->sinks) {
      float sink = shape->sinks[h], both = sink > most ? sink : most, a = ig_exp(most - both);
      sum = fmaf(sum, a, ig_exp(sink - both));
      for (size_t i = 0; i < head_dim; i++) o[i] *= a;
    }
    for (size_t i = 0; i < head_dim; i++) o[i] /= sum;
  }
  free(out);
}
