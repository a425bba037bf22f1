#include "ir/kernel_family.h"

#include <stdio.h>
#include <string.h>

#include "ir/numerics.h"

/* Layouts x86_64.r16, aarch64.r16, riscv64.r16 and wasm32.r16: lane = row. Unit bytes are those of 16 rows. Units are so long that scales fill a line and quants stay aligned to 64;
 * blocks that fill none end a row one by one, their scales padded to a line. q6_k pads 32 bytes a unit (1 %), q3_k too (1.8 %). */
static const ig_layout layouts[] = {
  {"f32", IG_ACT_F32, 16, 16 * 64, 0, 0, false},
  {"f16", IG_ACT_F32, 16, 16 * 32, 0, 0, false},
  {"bf16", IG_ACT_F32, 16, 16 * 32, 0, 0, false},
  {"q8_0", IG_ACT_A32, 64, 64 + 64 * 16, 32, 64 + 32 * 16, false},
  {"q4_0", IG_ACT_A32, 64, 64 + 64 * 8, 32, 64 + 32 * 8, false},
  {"q4_1", IG_ACT_A32, 32, 64 + 32 * 8, 0, 0, false},
  {"q5_0", IG_ACT_A32, 64, 64 + 64 * 10, 32, 64 + 32 * 10, false},
  {"q5_1", IG_ACT_A32, 32, 64 + 32 * 10, 0, 0, false},
  {"iq4_nl", IG_ACT_A32, 64, 64 + 64 * 8, 32, 64 + 32 * 8, false},
  {"mxfp4", IG_ACT_A32, 128, 64 + 128 * 8, 32, 64 + 32 * 8, false},
  {"q2_k", IG_ACT_A256, 256, 16 * 84, 0, 0, false},
  {"q3_k", IG_ACT_A256, 256, 16 * 110 + 32, 0, 0, false},
  {"q4_k", IG_ACT_A256, 256, 16 * 144, 0, 0, false},
  {"q5_k", IG_ACT_A256, 256, 16 * 176, 0, 0, false},
  {"q6_k", IG_ACT_A256, 256, 16 * 210 + 32, 0, 0, false},
  {"iq4_xs", IG_ACT_A256, 256, 16 * 136, 0, 0, false},
  {"tq1_0", IG_ACT_A256, 512, 64 + 2 * 13 * 64, 256, 64 + 13 * 64, false},
  {"tq2_0", IG_ACT_A256, 512, 64 + 2 * 16 * 64, 256, 64 + 16 * 64, false},
};

const ig_layout *ig_layout_at(int index) { return index >= 0 && index < (int)(sizeof layouts / sizeof *layouts) ? &layouts[index] : NULL; }

const ig_layout *ig_layout_find(const char *format) {
  for (int i = 0; ig_layout_at(i); i++)
    if (!strcmp(layouts[i].format, format)) return &layouts[i];
  return NULL;
}

const ig_layout *ig_layout_in(const char *layout, const char *format) {
  static const ig_layout q8_0 = {"q8_0", IG_ACT_A32, 64, 64 + 64 * 16, 32, 64 + 32 * 16, true};
  return strcmp(layout, "x86_64.r16") != 0 && !strcmp(format, q8_0.format) ? &q8_0 : ig_layout_find(format);
}

bool ig_units(const ig_layout *layout, uint64_t k, uint32_t *k_units, uint32_t *k_odd) {
  uint64_t units = k / layout->unit_values, rest = k % layout->unit_values;
  if (layout->activation == IG_ACT_F32) units += rest != 0, rest = 0;
  if (k == 0 || units > UINT32_MAX || (rest && (!layout->odd_values || rest % layout->odd_values))) return false;
  *k_units = (uint32_t)units;
  *k_odd = rest ? (uint32_t)(rest / layout->odd_values) : 0;
  return true;
}

const char *ig_activation_name(ig_activation activation) {
  static const char *const names[] = {"f32", "a32", "a256", "a32x2", "a256x2"};
  return names[activation];
}

uint32_t ig_activation_block(ig_activation activation) {
  return activation == IG_ACT_F32 ? 16 : activation == IG_ACT_A32 || activation == IG_ACT_A32X2 ? 32 : 256;
}

ig_activation ig_two_digits(ig_activation activation) {
  return activation == IG_ACT_A32 ? IG_ACT_A32X2 : activation == IG_ACT_A256 ? IG_ACT_A256X2 : activation;
}

uint64_t ig_activation_bytes(ig_activation activation, uint64_t k) {
  switch (activation) {
  case IG_ACT_F32: return (k + 15) / 16 * 64;
  case IG_ACT_A32: return k / 32 * 40;
  case IG_ACT_A256: return k / 256 * 352;
  case IG_ACT_A32X2: return 2 * ig_activation_bytes(IG_ACT_A32, k);
  case IG_ACT_A256X2: return 2 * ig_activation_bytes(IG_ACT_A256, k);
  }
  return 0;
}

enum { PLAIN_DIMS = IG_ATTN_SINKS + 1 - IG_D0 }; /* of attention */
static const struct {
  const char *name; /* %s: the format or the activation */
  uint32_t n_static, max_tokens;
  bool per_format, per_activation;
} families[IG_FAMILY_COUNT + 1] = {
  [IG_EMBED] = {"embed_%s", 3, 0, true, false},
  [IG_NORM] = {"rms_norm_%s", 4, 0, false, true},
  [IG_QUANT] = {"quant_%s", 1, 0, false, true},
  [IG_LINEAR_GEMV] = {"linear_%s_gemv", 5, 1, true, false},
  [IG_LINEAR_GEMM] = {"linear_%s_gemm", 5, 0, true, false},
  [IG_GLU_GEMV] = {"glu_%s_gemv", 3, 1, true, false},
  [IG_GLU_GEMM] = {"glu_%s_gemm", 3, 0, true, false},
  [IG_GEGLU_GEMV] = {"geglu_%s_gemv", 3, 1, true, false},
  [IG_GEGLU_GEMM] = {"geglu_%s_gemm", 3, 0, true, false},
  [IG_GLU] = {"glu", 1, 0, false, false},
  [IG_ROUTE] = {"route", 3, 0, false, false},
  [IG_GROUP] = {"group", 2, 0, false, false},
  [IG_GATHER] = {"gather", 2, 0, false, false},
  [IG_EXPERTS_GLU] = {"experts_glu", 4, 0, false, false},
  [IG_EXPERTS_GEMV] = {"experts_%s_gemv", 6, 1, true, false},
  [IG_EXPERTS_GEMM] = {"experts_%s_gemm", 6, 0, true, false},
  [IG_EXPERTS_SUM_GEMV] = {"experts_sum_%s_gemv", 6, 1, true, false},
  [IG_EXPERTS_SUM_GEMM] = {"experts_sum_%s_gemm", 6, 0, true, false},
  [IG_GEGLU] = {"geglu", 1, 0, false, false},
  [IG_NORM_ADD] = {"rms_norm_add", 4, 0, false, false},
  [IG_SCALE] = {"scale", 2, 0, false, false},
  [IG_SOFTCAP] = {"softcap", 2, 0, false, false},
  [IG_ROPE_KV] = {"rope_kv", PLAIN_DIMS, 0, false, false},
  [IG_ATTENTION] = {"attention", PLAIN_DIMS, 0, false, false},
  [IG_ATTENTION_DECODE] = {"attention_decode", PLAIN_DIMS, 1, false, false},
  [IG_ATTENTION_CAPPED] = {"attention_capped", PLAIN_DIMS + 1, 0, false, false},
  [IG_ATTENTION_DECODE_CAPPED] = {"attention_decode_capped", PLAIN_DIMS + 1, 1, false, false},
  [IG_ATTENTION_MERGE] = {"attention_merge", PLAIN_DIMS, 1, false, false},
  [IG_PRODUCT] = {"product_%s", 0, 0, true, false},
};

void ig_kernel_name(char name[48], ig_family family, const ig_layout *layout, ig_activation activation) {
  char what[24];
  const char *first = families[family].per_format ? layout->format : families[family].per_activation ? ig_activation_name(activation) : "";
  snprintf(what, sizeof what, "%s%s", first, families[family].per_format && activation != IG_ACT_F32 ? "_x2" : "");
  snprintf(name, 48, families[family].name, what);
}

enum { T = 1u << INGOT_DIM_TOKENS, CONTEXT = 1u << INGOT_DIM_CONTEXT, BLOCKS = 1u << INGOT_DIM_BLOCKS, QTILES = 1u << INGOT_DIM_QUERY_TILES };
#define D(n) (1u << (IG_D0 + (n)))

static ingot_extent sum2(uint32_t a, uint32_t dims_a, uint32_t b, uint32_t dims_b) {
  ingot_extent e = {{{a, dims_a}, {b, dims_b}}};
  return e;
}
static ingot_extent one(uint32_t scale, uint32_t dims) { return sum2(scale, dims, 0, 0); }

/* A row of a product's x, by K units and the odd blocks. */
static ingot_extent row_of(ig_activation digits, const ig_layout *l) {
  const ig_activation a = digits == IG_ACT_F32 ? l->activation : digits;
  if (a == IG_ACT_F32) return one(64, T | D(0));
  return sum2((uint32_t)ig_activation_bytes(a, l->unit_values), T | D(0), (uint32_t)ig_activation_bytes(a, l->odd_values), T | D(1));
}

/* The same extent with one more factor. */
static ingot_extent by(ingot_extent e, uint32_t dims) {
  for (int i = 0; i < INGOT_MAX_TERMS; i++) e.term[i].dims |= e.term[i].scale ? dims : 0;
  return e;
}

/* Rows counted in blocks of `block` values: whole blocks only, so that no row can end within one. */
static ingot_extent row_of_blocks(ig_activation a, uint32_t block) { return one((uint32_t)ig_activation_bytes(a, block), T | D(0)); }

void ig_kernel_info(ingot_kernel_info *info, ig_family family, const ig_layout *l, ig_activation activation) {
  memset(info, 0, sizeof *info);
  ig_kernel_name(info->name, family, l, activation);
  info->n_dims = INGOT_DIM_STATIC + families[family].n_static;
  info->max_tokens = families[family].max_tokens;
  ingot_operand_info *o = info->operand;
  const uint32_t R = INGOT_READ, W = INGOT_WRITE, RW = R | W;
#define OPERAND(acc, where, extent) *o++ = (ingot_operand_info){acc, where, extent}
#define BUFFER(acc, extent) OPERAND(acc, INGOT_PLACE_ANY_BUFFER, extent)
#define WEIGHT(extent) OPERAND(INGOT_READ, INGOT_PLACE_WEIGHTS, extent)
#define CACHE(acc, extent) OPERAND(acc, INGOT_PLACE_KV, extent)
  ingot_extent weight = l ? sum2(l->unit_bytes, D(0) | D(2), l->odd_bytes, D(1) | D(2)) : one(0, 0);
  ingot_extent heads_q = one(64, T | D(6)), heads_k = one(64, T | D(7)), heads_v = one(64, T | D(8)), heads_y = one(64, T | D(9));
  ingot_extent k_cache = one(2, D(0) | D(2) | CONTEXT), v_cache = one(32, D(0) | D(3) | CONTEXT), turns = one(8, D(5)), sinks = one(4, D(0) | D(1) | D(13)),
               choices = one(128, T);
  ingot_extent partials = sum2(64, BLOCKS | D(0) | D(1) | D(3), 64, BLOCKS | D(0) | D(1));
  const uint32_t block = ig_activation_block(activation);
  switch (family) {
  case IG_EMBED:
    info->tiles = one(1, T);
    BUFFER(R, one(4, T));
    WEIGHT(weight);
    BUFFER(W, sum2(l->unit_values * 4, T | D(0), l->odd_values * 4, T | D(1)));
    break;
  case IG_NORM:
    info->tiles = one(1, T);
    BUFFER(R, one((uint32_t)ig_activation_bytes(IG_ACT_F32, block), T | D(0) | D(3)));
    WEIGHT(one(4 * block, D(0)));
    BUFFER(W, one((uint32_t)ig_activation_bytes(activation, block), T | D(0) | D(3)));
    break;
  case IG_NORM_ADD:
    info->tiles = one(1, T);
    BUFFER(R, one(64, T | D(0) | D(3)));
    WEIGHT(one(64, D(0)));
    BUFFER(RW, one(64, T | D(0) | D(3)));
    break;
  case IG_SCALE:
  case IG_SOFTCAP:
    info->tiles = one(1, T | D(0));
    BUFFER(RW, row_of_blocks(IG_ACT_F32, 16));
    break;
  case IG_QUANT:
    info->tiles = one(1, T);
    BUFFER(R, row_of_blocks(IG_ACT_F32, block));
    BUFFER(W, row_of_blocks(activation, block));
    break;
  case IG_LINEAR_GEMV:
  case IG_LINEAR_GEMM:
    info->tiles = one(1, D(2));
    BUFFER(R, row_of(activation, l));
    WEIGHT(weight);
    BUFFER(RW, one(64, T | D(2)));
    WEIGHT(one(64, D(2) | D(4)));
    break;
  case IG_GLU_GEMV:
  case IG_GLU_GEMM:
  case IG_GEGLU_GEMV:
  case IG_GEGLU_GEMM:
    info->tiles = one(1, D(2));
    BUFFER(R, row_of(activation, l));
    WEIGHT(weight);
    WEIGHT(weight);
    BUFFER(W, one(64, T | D(2)));
    break;
  case IG_GLU:
  case IG_GEGLU:
    info->tiles = one(1, T);
    BUFFER(RW, row_of_blocks(IG_ACT_F32, 16));
    BUFFER(R, row_of_blocks(IG_ACT_F32, 16));
    break;
  case IG_ROUTE:
    info->tiles = one(1, T);
    BUFFER(R, one(64, T | D(2)));
    BUFFER(W, choices);
    break;
  case IG_GROUP:
    info->tiles = one(1, 0);
    BUFFER(R, choices);
    BUFFER(W, sum2(4, D(0), 4, 0));
    BUFFER(W, one(8, T | D(1)));
    BUFFER(W, one(4, T | D(1)));
    break;
  case IG_GATHER:
    info->tiles = one(1, T);
    BUFFER(R, one(8, T | D(1)));
    BUFFER(R, one(4, T | D(0)));
    BUFFER(W, one(8, T | D(0) | D(1)));
    break;
  case IG_EXPERTS_GLU:
    info->tiles = one(1, T);
    BUFFER(W, row_of_blocks(IG_ACT_F32, 16));
    BUFFER(R, row_of_blocks(IG_ACT_F32, 16));
    BUFFER(R, row_of_blocks(IG_ACT_F32, 16));
    break;
  case IG_EXPERTS_GEMV:
  case IG_EXPERTS_GEMM:
  case IG_EXPERTS_SUM_GEMV:
  case IG_EXPERTS_SUM_GEMM: {
    bool many = family == IG_EXPERTS_GEMM || family == IG_EXPERTS_SUM_GEMM, sums = family >= IG_EXPERTS_SUM_GEMV;
    info->tiles = one(1, sums ? D(2) : many ? D(2) | D(3) : D(2) | D(5));
    BUFFER(R, by(row_of(activation, l), many || sums ? D(5) : 0));
    BUFFER(R, many ? sum2(4, D(3), 4, 0) : choices);
    WEIGHT(by(weight, D(3)));
    BUFFER(sums ? RW : W, one(64, sums ? T | D(2) : T | D(2) | D(5)));
    WEIGHT(one(64, D(2) | D(3) | D(4)));
    if (many && sums) BUFFER(R, one(8, T | D(5)));
    break;
  }
  case IG_ROPE_KV:
    info->tiles = one(1, T);
    BUFFER(RW, heads_q);
    BUFFER(R, heads_k);
    BUFFER(R, heads_v);
    CACHE(W, k_cache);
    CACHE(W, v_cache);
    WEIGHT(turns);
    break;
  case IG_ATTENTION:
  case IG_ATTENTION_CAPPED:
    info->tiles = one(1, D(0) | QTILES);
    BUFFER(R, heads_q);
    CACHE(R, k_cache);
    CACHE(R, v_cache);
    BUFFER(W, heads_y);
    WEIGHT(sinks);
    break;
  case IG_ATTENTION_DECODE:
  case IG_ATTENTION_DECODE_CAPPED:
    info->tiles = one(1, D(0) | BLOCKS);
    BUFFER(R, heads_q);
    BUFFER(R, heads_k);
    BUFFER(R, heads_v);
    CACHE(RW, k_cache);
    CACHE(RW, v_cache);
    WEIGHT(turns);
    BUFFER(W, partials);
    break;
  case IG_ATTENTION_MERGE:
    info->tiles = one(1, 0);
    BUFFER(R, partials);
    BUFFER(W, heads_y);
    WEIGHT(sinks);
    break;
  case IG_FAMILY_COUNT: break;
  }
  if (family == IG_NORM || family == IG_NORM_ADD) info->limit[0] = (ingot_limit){{1, D(1)}, {block, D(0)}};
  if (family == IG_EMBED) info->limit[0] = (ingot_limit){{1, 0}, {1, D(2)}}; /* ids are clamped to a table that has rows */
  if (family == IG_ROUTE || family == IG_GROUP) { /* one of some is chosen, and as many as there is room for */
    info->limit[0] = (ingot_limit){{1, D(1)}, {IG_EXPERTS_MOST, 0}};
    info->limit[1] = (ingot_limit){{1, 0}, {1, D(0) | D(1)}};
    if (family == IG_ROUTE) info->limit[2] = (ingot_limit){{1, D(0)}, {16, D(2)}}, info->limit[3] = (ingot_limit){{1, D(1)}, {1, D(0)}};
  }
  if (family >= IG_EXPERTS_GEMV && family <= IG_EXPERTS_SUM_GEMM) {
    info->limit[0] = (ingot_limit){{1, D(5)}, {IG_EXPERTS_MOST, 0}};
    info->limit[1] = (ingot_limit){{1, 0}, {1, D(3) | D(5)}};
  }
  if (family >= IG_ROPE_KV) { /* heads have channels and fit their rows, channels their padding, pairs the head */
    ingot_term heads = {1, D(0) | D(1) | D(2)}, kv = {1, D(0) | D(2)};
    bool merge = family == IG_ATTENTION_MERGE, prefill = family == IG_ATTENTION || family == IG_ATTENTION_CAPPED, y = merge || prefill;
    info->limit[0] = (ingot_limit){heads, {16, y ? D(9) : D(6)}};
    info->limit[1] = (ingot_limit){{1, D(2)}, {16, D(3)}};
    info->limit[2] = (ingot_limit){{1, 0}, {1, D(1) | D(2)}};
    if (prefill) info->limit[3] = (ingot_limit){heads, {16, D(6)}};
    if (!y) {
      info->limit[3] = (ingot_limit){kv, {16, D(7)}};
      info->limit[4] = (ingot_limit){kv, {16, D(8)}};
      info->limit[5] = (ingot_limit){{2, D(5)}, {1, D(2)}};
    }
  }
}
