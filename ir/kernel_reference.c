#include "ir/kernel_reference.h"

#include <math.h>
#include <string.h>

#include "ir/base/base.h"
#include "ir/numerics.h"

enum { BLOCK = INGOT_KV_BLOCK, BLOCK_VALUES = 256, WIDEST = 1024 }; /* floats of a head with padding, maximum and sum */

static float fused(float x, float y, float z, bool one_rounding) { return one_rounding ? fmaf(x, y, z) : x * y + z; }

/* The recipe of ig_exp with either kind of fma. */
static float expo(float x, bool f) {
  if (f) return ig_exp(x);
  x = x > IG_EXP_LEAST ? x : IG_EXP_LEAST;
  x = x < IG_EXP_MOST ? x : IG_EXP_MOST;
  float t = x * IG_LOG2_E + IG_MAGIC, nf = t - IG_MAGIC;
  int32_t n = (int32_t)(ig_f32_bits(t) - IG_MAGIC_BITS), half = (n - (n & 1)) / 2;
  float r = nf * -IG_LN2_HIGH + x;
  r = nf * -IG_LN2_LOW + r;
  float p = ig_exp_coefficients[6];
  for (int i = 5; i >= 0; i--) p = p * r + ig_exp_coefficients[i];
  return p * ig_f32_of_bits((uint32_t)(half + 127) << 23) * ig_f32_of_bits((uint32_t)(n - half + 127) << 23);
}

static void sine_cosine(uint64_t turns, float *sine, float *cosine, bool f) {
  if (f) {
    ig_sincos_turns(turns, sine, cosine);
    return;
  }
  uint32_t u = (uint32_t)(turns >> 32), q = (u + 0x20000000u) >> 30, rest = u - (q << 30);
  int32_t i = rest > 0x7fffffffu ? -(int32_t)(0u - rest) : (int32_t)rest;
  float z = (float)i * 0x1p-32f, w = z * z, a = ig_sin_coefficients[4], b = ig_cos_coefficients[4];
  for (int k = 3; k >= 1; k--) a = a * w + ig_sin_coefficients[k];
  for (int k = 3; k >= 0; k--) b = b * w + ig_cos_coefficients[k];
  a = z * ig_sin_coefficients[0] + a * z;
  float s = q & 1 ? b : a, c = q & 1 ? a : b;
  *sine = q & 2 ? -s : s;
  *cosine = (q + 1) & 2 ? -c : c;
}

/* The activation of one digit. */
static ig_activation digit_of(ig_activation a) { return a == IG_ACT_A32X2 ? IG_ACT_A32 : a == IG_ACT_A256X2 ? IG_ACT_A256 : a; }

/* Values [at, at + n) of a row of `whole` values, at multiples of a block; `y` is the row's. */
static void write_row(const float *row, size_t at, size_t n, size_t whole, ig_activation activation, uint8_t *y, bool f) {
  ig_activation digit = digit_of(activation);
  uint8_t *to = y + ig_activation_bytes(digit, at);
  if (digit == IG_ACT_F32) {
    memcpy(to, row, n * 4);
    return;
  }
  void (*quantize)(const float *, size_t, uint8_t *) = digit == IG_ACT_A32 ? ig_quantize_a32 : ig_quantize_a256;
  size_t block = digit == IG_ACT_A32 ? 32 : 256;
  quantize(row, n, to);
  if (activation == digit) return;
  uint8_t *second = to + ig_activation_bytes(digit, whole);
  for (size_t i = 0; i < n; i += block, to += ig_activation_bytes(digit, block), second += ig_activation_bytes(digit, block)) {
    float rest[BLOCK_VALUES];
    if (f) ig_quantize_rest(row + i, block, to, block, rest);
    for (size_t k = 0; k < block && !f; k++) rest[k] = -ig_load_f32(to + (block == 32 ? 32 : 336)) * (float)(int8_t)to[k] + row[i + k];
    quantize(rest, block, second);
  }
}

/* silu, or gelu. */
static float gate_of(float x, bool gelu, bool f) {
  float w = gelu ? x * fused(IG_GELU_CUBE, x * x, IG_GELU_LINE, f) : x;
  return x / (1.0f + expo(-w, f));
}

static float capped(float x, float cap, bool f) { return cap - (cap + cap) / (1.0f + expo(x * (2.0f / cap), f)); }

static void norm(const ig_kernel_ref *ref, const ingot_kernel_args *a, uint32_t t, bool f) {
  size_t n = ig_activation_block(ref->activation) * (size_t)a->dim[IG_NORM_BLOCKS];
  const float *x = (const float *)a->operand[0] + t * n, *gain = a->operand[1];
  uint8_t *y = (uint8_t *)a->operand[2] + t * ig_activation_bytes(ref->activation, n);
  float lanes[16] = {0};
  for (size_t i = 0; i < n; i++) lanes[i % 16] = fused(x[i], x[i], lanes[i % 16], f);
  float r = 1.0f / sqrtf(ig_fold16(lanes) / (float)a->dim[IG_NORM_N] + ig_f32_of_bits(a->dim[IG_NORM_EPS]));
  for (size_t at = 0; at < n; at += BLOCK_VALUES) {
    float row[BLOCK_VALUES];
    size_t m = n - at < BLOCK_VALUES ? n - at : BLOCK_VALUES;
    for (size_t i = 0; i < m; i++) row[i] = (x[at + i] * r) * gain[at + i];
    for (size_t i = 0; i < m && ref->family == IG_NORM_ADD; i++) row[i] = ((const float *)(const void *)y)[at + i] + row[i];
    write_row(row, at, m, n, ref->activation, y, f);
  }
}

static void glu(const ig_kernel_ref *ref, const ingot_kernel_args *a, uint32_t t, bool f) {
  size_t n = 16 * (size_t)a->dim[IG_D0];
  float *y = (float *)a->operand[0] + t * n;
  const float *up = (const float *)a->operand[1] + t * n;
  for (size_t i = 0; i < n; i++) y[i] = gate_of(y[i], ref->family == IG_GEGLU, f) * up[i];
}

static void point(const ig_kernel_ref *ref, const ingot_kernel_args *a, uint32_t tile, bool f) {
  float *y = (float *)a->operand[0] + 16 * (size_t)tile, number = ig_f32_of_bits(a->dim[IG_POINT_NUMBER]);
  for (size_t i = 0; i < 16; i++) y[i] = ref->family == IG_SCALE ? y[i] * number : capped(y[i], number, f);
}

/* ---- experts ---------------------------------------------------------------------------------------------------------- */

static void route(const ingot_kernel_args *a, uint32_t t, bool f) {
  uint32_t experts = a->dim[IG_D0], used = a->dim[IG_D0 + 1], chosen[IG_EXPERTS_MOST] = {0}, n = 0;
  const float *scores = (const float *)a->operand[0] + t * 16 * (size_t)a->dim[IG_D0 + 2];
  float score[IG_EXPERTS_MOST], most = 0;
  for (uint32_t i = 0; i < experts; i++) {
    uint32_t rank = 0;
    int32_t key = ig_score_key(scores[i]);
    for (uint32_t k = 0; k < experts; k++) rank += ig_score_key(scores[k]) > key || (ig_score_key(scores[k]) == key && k < i);
    if (rank == 0) most = scores[i];
    if (rank < used) chosen[n] = i, score[n++] = scores[i];
  }
  for (uint32_t i = 0; i < IG_EXPERTS_MOST; i++) score[i] = expo((i < n ? score[i] : -INFINITY) - most, f);
  float sum = ig_fold16(score);
  uint8_t *y = (uint8_t *)a->operand[1] + t * 128;
  memcpy(y, chosen, 64);
  for (uint32_t i = 0; i < IG_EXPERTS_MOST; i++) score[i] /= sum;
  memcpy(y + 64, score, 64);
}

static void group(const ingot_kernel_args *a) {
  uint32_t experts = a->dim[IG_D0], used = a->dim[IG_D0 + 1], tokens = a->dim[INGOT_DIM_TOKENS], n = 0;
  uint32_t *starts = a->operand[1], *slots = a->operand[3];
  for (uint32_t e = 0; e < experts; e++) {
    starts[e] = n;
    for (uint32_t t = 0; t < tokens; t++)
      for (uint32_t i = 0; i < used; i++) {
        const uint8_t *choice = (const uint8_t *)a->operand[0] + t * 128 + 4 * i;
        uint32_t id;
        memcpy(&id, choice, 4);
        if ((id < experts ? id : experts - 1) != e) continue;
        uint8_t *row = (uint8_t *)a->operand[2] + 8 * (size_t)n;
        memcpy(row, &t, 4), memcpy(row + 4, choice + 64, 4);
        slots[t * used + i] = n++;
      }
  }
  starts[experts] = n;
}

static void gather(const ingot_kernel_args *a, uint32_t t) {
  uint32_t used = a->dim[IG_D0];
  size_t bytes = 8 * (size_t)a->dim[IG_D0 + 1];
  for (uint32_t i = 0; i < used; i++) {
    uint32_t slot = ((const uint32_t *)a->operand[1])[t * used + i], last = a->dim[INGOT_DIM_TOKENS] * used - 1;
    memcpy((uint8_t *)a->operand[2] + (slot < last ? slot : last) * bytes, (const uint8_t *)a->operand[0] + t * bytes, bytes);
  }
}

static void experts_glu(const ingot_kernel_args *a, uint32_t t, bool f) {
  size_t n = 16 * (size_t)a->dim[IG_D0];
  float alpha = ig_f32_of_bits(a->dim[IG_D0 + 1]), limit = ig_f32_of_bits(a->dim[IG_D0 + 2]), shift = ig_f32_of_bits(a->dim[IG_D0 + 3]);
  const float *gate = (const float *)a->operand[1] + t * n, *up = (const float *)a->operand[2] + t * n;
  float *y = (float *)a->operand[0] + t * n;
  for (size_t i = 0; i < n; i++) {
    float g = gate[i] < limit ? gate[i] : limit, u = up[i] < limit ? up[i] : limit;
    u = u > -limit ? u : -limit;
    y[i] = g / (1.0f + expo(-(alpha * g), f)) * (u + shift);
  }
}

/* ---- attention -------------------------------------------------------------------------------------------------------- */

typedef struct shape {
  size_t context, kv_heads, group, head_dim, v16, pairs, q16, k16, v_row16, y16, heads, partial;
  size_t window;
  float scale, magnitude, cap;
  bool halves, sinks;
} shape;

static shape shape_of(const ig_kernel_ref *ref, const ingot_kernel_args *a) {
  bool softcap = ref->family == IG_ATTENTION_CAPPED || ref->family == IG_ATTENTION_DECODE_CAPPED;
  const uint32_t *d = a->dim;
  shape s = {
    .context = d[INGOT_DIM_CONTEXT],
    .kv_heads = d[IG_ATTN_KV_HEADS],
    .group = d[IG_ATTN_GROUP],
    .head_dim = d[IG_ATTN_HEAD_DIM],
    .v16 = d[IG_ATTN_V16],
    .pairs = d[IG_ATTN_PAIRS],
    .q16 = d[IG_ATTN_Q16],
    .k16 = d[IG_ATTN_K16],
    .v_row16 = d[IG_ATTN_V_ROW16],
    .y16 = d[IG_ATTN_Y16],
    .heads = (size_t)d[IG_ATTN_KV_HEADS] * d[IG_ATTN_GROUP],
    .partial = 16 * (size_t)d[IG_ATTN_V16] + 16,
    .scale = ig_f32_of_bits(d[IG_ATTN_SCALE]),
    .magnitude = ig_f32_of_bits(d[IG_ATTN_MAGNITUDE]),
    .halves = d[IG_ATTN_HALVES] != 0,
    .sinks = d[IG_ATTN_SINKS] != 0,
    .window = d[IG_ATTN_WINDOW],
    .cap = softcap ? ig_f32_of_bits(d[IG_ATTN_CAP]) : 0,
  };
  return s;
}

static void rotate(const shape *s, const uint64_t *frequencies, uint64_t position, const float *from, float *to, float scale, bool f) {
  for (size_t i = 0; i < s->head_dim; i++) to[i] = from[i];
  for (size_t i = 0; i < s->pairs; i++) {
    size_t first = s->halves ? i : 2 * i, second = first + (s->halves ? s->pairs : 1);
    float sine, cosine, x = from[first], y = from[second];
    sine_cosine(frequencies[i] * position, &sine, &cosine, f);
    sine *= s->magnitude, cosine *= s->magnitude;
    to[first] = fused(x, cosine, -(y * sine), f);
    to[second] = fused(x, sine, y * cosine, f);
  }
  for (size_t i = 0; i < s->head_dim; i++) to[i] *= scale;
}

static uint16_t *k_at(const shape *s, void *cache, size_t head, size_t position, size_t channel) {
  return (uint16_t *)cache + ((head * s->context / 16 + position / 16) * s->head_dim + channel) * 16 + position % 16;
}
static uint16_t *v_at(const shape *s, void *cache, size_t head, size_t position, size_t channel) {
  return (uint16_t *)cache + (head * s->context + position) * 16 * s->v16 + channel;
}

static void write_kv(const shape *s, const uint64_t *frequencies, size_t head, size_t position, const float *k, const float *v, void *k_cache, void *v_cache,
                     bool f) {
  float row[WIDEST];
  rotate(s, frequencies, position, k + head * s->head_dim, row, 1, f);
  for (size_t c = 0; c < s->head_dim; c++) *k_at(s, k_cache, head, position, c) = ig_kv_f16(row[c]);
  for (size_t c = 0; c < 16 * s->v16; c++) *v_at(s, v_cache, head, position, c) = c < s->head_dim ? ig_kv_f16(v[head * s->head_dim + c]) : 0;
}

/* The first position that a query sees. */
static size_t lowest(const shape *s, size_t position) { return s->window && position + 1 > s->window ? position + 1 - s->window : 0; }

/* row = {16 v16 sums, maximum, sum} of the positions [low, n) of a block. */
static void attend(const shape *s, const float *q, void *k_cache, void *v_cache, size_t head, size_t block, size_t low, size_t n, float *row, bool f) {
  float p[BLOCK], lanes[16] = {0}, m = -INFINITY;
  for (size_t i = low; i < n; i++) {
    p[i] = 0;
    for (size_t c = 0; c < s->head_dim; c++) p[i] = fused(ig_f16_to_f32(*k_at(s, k_cache, head, block * BLOCK + i, c)), q[c], p[i], f);
    if (s->cap > 0) p[i] = capped(p[i], s->cap, f);
    m = p[i] > m ? p[i] : m;
  }
  for (size_t i = low; i < n; i++) {
    p[i] = expo(p[i] - m, f);
    lanes[i % 16] += p[i];
  }
  for (size_t c = 0; c < 16 * s->v16; c++) {
    row[c] = 0;
    for (size_t i = low; i < n; i++) row[c] = fused(p[i], ig_f16_to_f32(*v_at(s, v_cache, head, block * BLOCK + i, c)), row[c], f);
  }
  row[16 * s->v16] = m;
  row[16 * s->v16 + 1] = ig_fold16(lanes);
}

static void merge(const shape *s, float *row, const float *next, bool f) {
  size_t n = 16 * s->v16;
  float m = row[n] > next[n] ? row[n] : next[n], a = expo(row[n] - m, f), b = expo(next[n] - m, f);
  for (size_t c = 0; c < n; c++) row[c] = fused(row[c], a, next[c] * b, f);
  row[n + 1] = fused(row[n + 1], a, next[n + 1] * b, f);
  row[n] = m;
}

static void finish(const shape *s, float *row, const float *sink, float *y, bool f) {
  if (s->sinks) {
    size_t n = 16 * s->v16;
    float m = *sink > row[n] ? *sink : row[n], a = expo(row[n] - m, f);
    row[n + 1] = fused(row[n + 1], a, expo(*sink - m, f), f);
    for (size_t c = 0; c < n; c++) row[c] *= a;
  }
  for (size_t c = 0; c < s->head_dim; c++) y[c] = row[c] / row[16 * s->v16 + 1];
}

static void zero_padding(const shape *s, float *y) {
  for (size_t i = s->heads * s->head_dim; i < 16 * s->y16; i++) y[i] = 0;
}

static void rope_kv(const ig_kernel_ref *ref, const ingot_kernel_args *a, uint32_t t, bool f) {
  shape s = shape_of(ref, a);
  size_t position = a->dim[INGOT_DIM_POSITION] + t;
  float *q = (float *)a->operand[0] + t * 16 * s.q16;
  const float *k = (const float *)a->operand[1] + t * 16 * s.k16, *v = (const float *)a->operand[2] + t * 16 * s.v_row16;
  for (size_t h = 0; h < s.heads; h++) {
    float row[WIDEST];
    rotate(&s, a->operand[5], position, q + h * s.head_dim, row, s.scale, f);
    memcpy(q + h * s.head_dim, row, s.head_dim * 4);
  }
  for (size_t h = 0; h < s.kv_heads; h++) write_kv(&s, a->operand[5], h, position, k, v, a->operand[3], a->operand[4], f);
}

static void prefill(const ig_kernel_ref *ref, const ingot_kernel_args *a, uint32_t tile, bool f) {
  shape s = shape_of(ref, a);
  size_t head = tile / a->dim[INGOT_DIM_QUERY_TILES], first = tile % a->dim[INGOT_DIM_QUERY_TILES] * INGOT_QUERY_TILE;
  for (size_t t = first; t < first + INGOT_QUERY_TILE && t < a->dim[INGOT_DIM_TOKENS]; t++) {
    size_t positions = a->dim[INGOT_DIM_POSITION] + t + 1, low = lowest(&s, positions - 1), begin = low / BLOCK;
    float *y = (float *)a->operand[3] + t * 16 * s.y16;
    for (size_t g = head * s.group; g < (head + 1) * s.group; g++) {
      const float *q = (const float *)a->operand[0] + t * 16 * s.q16 + g * s.head_dim;
      float row[WIDEST], next[WIDEST];
      for (size_t b = begin; b * BLOCK < positions; b++) {
        size_t n = positions - b * BLOCK < BLOCK ? positions - b * BLOCK : BLOCK;
        attend(&s, q, a->operand[1], a->operand[2], head, b, b > begin ? 0 : low % BLOCK, n, b > begin ? next : row, f);
        if (b > begin) merge(&s, row, next, f);
      }
      finish(&s, row, (const float *)a->operand[4] + g, y + g * s.head_dim, f);
    }
    if (head + 1 == s.kv_heads) zero_padding(&s, y);
  }
}

static void decode(const ig_kernel_ref *ref, const ingot_kernel_args *a, uint32_t tile, bool f) {
  shape s = shape_of(ref, a);
  size_t head = tile / a->dim[INGOT_DIM_BLOCKS], block = tile % a->dim[INGOT_DIM_BLOCKS], position = a->dim[INGOT_DIM_POSITION];
  if (block == position / BLOCK) write_kv(&s, a->operand[5], head, position, a->operand[1], a->operand[2], a->operand[3], a->operand[4], f);
  size_t low = lowest(&s, position);
  if ((block + 1) * BLOCK <= low) return; /* beyond the window */
  low = low > block * BLOCK ? low - block * BLOCK : 0;
  size_t n = position + 1 - block * BLOCK < BLOCK ? position + 1 - block * BLOCK : BLOCK;
  for (size_t g = head * s.group; g < (head + 1) * s.group; g++) {
    float q[WIDEST];
    rotate(&s, a->operand[5], position, (const float *)a->operand[0] + g * s.head_dim, q, s.scale, f);
    attend(&s, q, a->operand[3], a->operand[4], head, block, low, n, (float *)a->operand[6] + (block * s.heads + g) * s.partial, f);
  }
}

static void merge_all(const ig_kernel_ref *ref, const ingot_kernel_args *a, bool f) {
  shape s = shape_of(ref, a);
  size_t begin = lowest(&s, a->dim[INGOT_DIM_POSITION]) / BLOCK;
  for (size_t g = 0; g < s.heads; g++) {
    float row[WIDEST];
    const float *first = (const float *)a->operand[0] + g * s.partial;
    memcpy(row, first + begin * s.heads * s.partial, s.partial * 4);
    for (size_t b = begin + 1; b < a->dim[INGOT_DIM_BLOCKS]; b++) merge(&s, row, first + b * s.heads * s.partial, f);
    finish(&s, row, (const float *)a->operand[2] + g, (float *)a->operand[1] + g * s.head_dim, f);
  }
  zero_padding(&s, a->operand[1]);
}

static void quantised(const ig_kernel_ref *ref, const ingot_kernel_args *a, uint32_t t, bool f) {
  size_t n = ig_activation_block(ref->activation) * (size_t)a->dim[IG_D0];
  write_row((const float *)a->operand[0] + t * n, 0, n, n, ref->activation, (uint8_t *)a->operand[1] + t * ig_activation_bytes(ref->activation, n), f);
}

bool ig_reference(const ig_kernel_ref *ref, const ingot_kernel_args *a, uint32_t begin, uint32_t end, bool f) {
  for (uint32_t t = begin; t < end; t++) {
    switch (ref->family) {
    case IG_NORM:
    case IG_NORM_ADD:
      for (uint32_t p = 0; p < a->dim[IG_NORM_PIECES]; p++) norm(ref, a, t * a->dim[IG_NORM_PIECES] + p, f);
      break;
    case IG_QUANT: quantised(ref, a, t, f); break;
    case IG_GLU:
    case IG_GEGLU: glu(ref, a, t, f); break;
    case IG_SCALE:
    case IG_SOFTCAP: point(ref, a, t, f); break;
    case IG_ROUTE: route(a, t, f); break;
    case IG_GROUP: group(a); break;
    case IG_GATHER: gather(a, t); break;
    case IG_EXPERTS_GLU: experts_glu(a, t, f); break;
    case IG_ROPE_KV: rope_kv(ref, a, t, f); break;
    case IG_ATTENTION:
    case IG_ATTENTION_CAPPED: prefill(ref, a, t, f); break;
    case IG_ATTENTION_DECODE:
    case IG_ATTENTION_DECODE_CAPPED: decode(ref, a, t, f); break;
    case IG_ATTENTION_MERGE: merge_all(ref, a, f); break;
    default: return false;
    }
  }
  return true;
}
