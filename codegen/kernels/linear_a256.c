/* K-quants with activations a256 (352 bytes: int8 q[256], int32 minus_sum16[16], int16 sum32[8], f32 scale). Per 256 values: the dots of
 * the sub-blocks times their integer scales, all exact in i32, then one fma; minima likewise from the sums of 32 activations.
 *
 * gemm's panel, per unit of 256 and tile: f32 d[16], f32 dmin[16] (where there are minima), i32 scale[subs][16], i16 pairs of minima [4][16],
 * then 64 lines of bytes. Whatever a format's bits are, it is expanded to this and shares one inner loop. */
#include "codegen/kernels/linear.h"

#include <assert.h>
#include <string.h>

enum { LINE = 64, X_UNIT = 352, X_MINUS_SUM16 = 256, X_SUM32 = 320, X_SCALE = 336 };

typedef struct k_format {
  int subs;          /* sub-blocks of a unit: 8 or 16 */
  int offset_shift;  /* q_w = stored - (1 << shift); 0: stored as it is */
  bool minima;
  int d, dmin, scale, min, lines, panel; /* offsets in a panel's unit, and its size */
} k_format;

static const k_format q4_k = {8, 0, true, 0, 64, 128, 128 + 8 * LINE, 128 + 12 * LINE, 128 + 76 * LINE};
static const k_format q6_k = {16, 5, false, 0, 0, 64, 0, 64 + 16 * LINE, 64 + 80 * LINE};

static const k_format *k_of(const ig_layout *layout) { return !strcmp(layout->format, "q4_k") ? &q4_k : &q6_k; }

static val load_line(ig_kb *b, val p, int64_t offset) { return kb_load(b, "vector<16xi32>", kb_at(b, p, offset), 64); }
static val zeros(ig_kb *b) { return kb_i32x16(b, 0); }
static val masked(ig_kb *b, val v, int64_t mask) { return kb_and(b, v, kb_i32x16(b, mask)); }
static val right(ig_kb *b, val v, int by) { return by ? kb_shru(b, v, kb_i32x16(b, by)) : v; }
static val left(ig_kb *b, val v, int by) { return by ? kb_shl(b, v, kb_i32x16(b, by)) : v; }
static val words(ig_kb *b, val ints) { return kb_op(b, "vector.bitcast", "vector<32xi16>", 1, &ints, NULL); }
static val nibbles(ig_kb *b, val line, bool high) { return masked(b, right(b, line, high ? 4 : 0), 0x0f0f0f0f); }
static val load_d(ig_kb *b, val p, int64_t offset) { return kb_f16_to_f32(b, kb_load(b, "vector<16xi16>", kb_at(b, p, offset), 32)); }

/* ---- what a packed unit holds (the layout is told in pack_tile.c) ---- */

/* The header of a quarter of a q4_k unit: two scales, the pair of their minima, eight bits of d and dmin. */
static void q4_k_header(ig_kb *b, val line, val sc[2], val *min) {
  sc[0] = masked(b, right(b, line, 6), 63);
  sc[1] = masked(b, right(b, line, 22), 63);
  *min = masked(b, line, 0x003f003f);
}

/* i16 halves of all lanes: d low, dmin high. */
static val half_of(ig_kb *b, val pairs, bool high) {
  val v = right(b, pairs, high ? 16 : 0);
  return kb_f16_to_f32(b, kb_op(b, "arith.trunci", "vector<16xi16>", 1, &v, NULL));
}

static val q4_k_quarter(ig_kb *b, val base, val index) { return kb_ptr(b, base, kb_mul(b, index, kb_i64(b, 9 * LINE))); }

static val q6_k_scale(ig_kb *b, val w, int j) {
  val bytes = kb_load(b, "vector<16xi8>", kb_at(b, w, LINE + 16 * j), 16);
  return kb_op(b, "arith.extsi", "vector<16xi32>", 1, &bytes, NULL);
}

/* Groups 4h .. 4h + 3 of a unit as bytes. */
static void q6_k_bytes(ig_kb *b, val low0, val low1, val high, val *bytes) {
  for (int c = 0; c < 4; c++) {
    val two = c < 2 ? left(b, high, 4 - 2 * c) : right(b, high, 2 * c - 4);
    bytes[c] = kb_or(b, nibbles(b, c < 2 ? low0 : low1, c % 2), masked(b, two, 0x30303030));
  }
}

/* ---- gemv ---- */

static val dot(ig_kb *b, val sum, val w, val x, int group) {
  return kb_dot4(b, sum, kb_bytes64(b, w), kb_bytes64(b, kb_load_splat_i32(b, x, 4 * group)));
}

static val add_scaled(ig_kb *b, val acc, val d, val x, val total) {
  return kb_fma(b, kb_mul(b, d, kb_load_splat_f32(b, x, X_SCALE)), kb_to_float(b, total), acc);
}

static val add_minima(ig_kb *b, val acc, val dmin, val x, val m) {
  val product = kb_mul(b, dmin, kb_load_splat_f32(b, x, X_SCALE));
  return kb_fma(b, kb_neg(b, product), kb_to_float(b, m), acc);
}

/* Quarters are loops, and all is read in the order of memory: the hardware's prefetchers follow few loads that step through memory evenly.
 * A unit unrolled as a whole, or scales read before their turn, cost a fifth of the bandwidth; prefetch instructions cost more. */
static val q4_k_unit(ig_kb *b, val w, val x, val acc) {
  kb_loop quarters; /* carried: the dot, the minima's dot, d and dmin as they come in from above, four bits of each a quarter */
  kb_for(b, &quarters, kb_i64(b, 0), kb_i64(b, 4), kb_i64(b, 1), 3, (val[]){zeros(b), zeros(b), zeros(b)});
  val lines = q4_k_quarter(b, w, quarters.index), xq = kb_ptr(b, x, kb_mul(b, quarters.index, kb_i64(b, 64)));
  val header = load_line(b, lines, 0), sc[2], min, total = quarters.carried[0];
  q4_k_header(b, header, sc, &min);
  for (int j = 0; j < 2; j++) {
    val sum = zeros(b);
    for (int i = 0; i < 4; i++) {
      val line = load_line(b, lines, (1 + 4 * j + i) * LINE);
      for (int high = 0; high < 2; high++) sum = dot(b, sum, nibbles(b, line, high), xq, 8 * j + 2 * i + high);
    }
    total = kb_add(b, total, kb_mul(b, sum, sc[j]));
  }
  val sums = kb_load_splat_i32(b, kb_ptr(b, x, kb_mul(b, quarters.index, kb_i64(b, 4))), X_SUM32);
  val m = kb_dot2(b, quarters.carried[1], words(b, min), words(b, sums));
  val halves = kb_or(b, right(b, quarters.carried[2], 4), masked(b, header, (int32_t)0xf000f000));
  kb_end_for(b, &quarters, (val[]){total, m, halves});
  acc = add_scaled(b, acc, half_of(b, quarters.result[2], false), x, quarters.result[0]);
  return add_minima(b, acc, half_of(b, quarters.result[2], true), x, quarters.result[1]);
}

static val q6_k_unit(ig_kb *b, val w, val x, val acc) {
  val total = zeros(b), d = load_d(b, w, 0);
  kb_loop quarters;
  kb_for(b, &quarters, kb_i64(b, 0), kb_i64(b, 4), kb_i64(b, 1), 1, &total);
  val lines = kb_ptr(b, w, kb_mul(b, quarters.index, kb_i64(b, 13 * LINE))), xq = kb_ptr(b, x, kb_mul(b, quarters.index, kb_i64(b, 64)));
  val minus_sums = kb_ptr(b, x, kb_mul(b, quarters.index, kb_i64(b, 16)));
  total = quarters.carried[0];
  for (int j = 0; j < 4; j++) {
    val bytes[4], sum = left(b, kb_load_splat_i32(b, minus_sums, X_MINUS_SUM16 + 4 * j), 5), scale = q6_k_scale(b, lines, j);
    q6_k_bytes(b, load_line(b, lines, (2 + 3 * j) * LINE), load_line(b, lines, (3 + 3 * j) * LINE), load_line(b, lines, (4 + 3 * j) * LINE), bytes);
    for (int c = 0; c < 4; c++) sum = dot(b, sum, bytes[c], xq, 4 * j + c);
    total = kb_add(b, total, kb_mul(b, sum, scale));
  }
  kb_end_for(b, &quarters, &total);
  return add_scaled(b, acc, d, x, quarters.result[0]);
}

static val a256_gemv(ig_linear *l, val w, val x) {
  ig_kb *b = l->b;
  val acc = kb_splat(b, "vector<16xf32>", kb_f32(b, 0));
  kb_loop units;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), 1, &acc);
  val wu = kb_ptr(b, w, kb_mul(b, units.index, kb_i64(b, l->layout->unit_bytes))), xu = kb_ptr(b, x, kb_mul(b, units.index, kb_i64(b, X_UNIT)));
  acc = (k_of(l->layout) == &q4_k ? q4_k_unit : q6_k_unit)(b, wu, xu, units.carried[0]);
  kb_end_for(b, &units, &acc);
  return units.result[0];
}

/* ---- gemm ---- */

static void q4_k_expand_unit(ig_kb *b, val w, val to) {
  kb_loop quarters;
  val none = zeros(b);
  kb_for(b, &quarters, kb_i64(b, 0), kb_i64(b, 4), kb_i64(b, 1), 1, &none);
  val lines = q4_k_quarter(b, w, quarters.index), put = kb_ptr(b, to, kb_mul(b, quarters.index, kb_i64(b, 16 * LINE)));
  val line_to = kb_ptr(b, to, kb_mul(b, quarters.index, kb_i64(b, LINE))), scales_to = kb_ptr(b, to, kb_mul(b, quarters.index, kb_i64(b, 2 * LINE)));
  val header = load_line(b, lines, 0), sc[2], min;
  q4_k_header(b, header, sc, &min);
  for (int j = 0; j < 2; j++) kb_store(b, sc[j], kb_at(b, scales_to, q4_k.scale + j * LINE), 64);
  kb_store(b, min, kb_at(b, line_to, q4_k.min), 64);
  for (int i = 0; i < 8; i++) {
    val line = load_line(b, lines, (1 + i) * LINE);
    for (int high = 0; high < 2; high++) kb_store(b, nibbles(b, line, high), kb_at(b, put, q4_k.lines + (2 * i + high) * LINE), 64);
  }
  val halves = kb_or(b, right(b, quarters.carried[0], 4), masked(b, header, (int32_t)0xf000f000));
  kb_end_for(b, &quarters, &halves);
  kb_store(b, half_of(b, quarters.result[0], false), kb_at(b, to, q4_k.d), 64);
  kb_store(b, half_of(b, quarters.result[0], true), kb_at(b, to, q4_k.dmin), 64);
}

static void q6_k_expand_unit(ig_kb *b, val w, val to) {
  kb_store(b, load_d(b, w, 0), kb_at(b, to, q6_k.d), 64);
  kb_loop quarters;
  kb_for(b, &quarters, kb_i64(b, 0), kb_i64(b, 4), kb_i64(b, 1), 0, NULL);
  val lines = kb_ptr(b, w, kb_mul(b, quarters.index, kb_i64(b, 13 * LINE))), put = kb_ptr(b, to, kb_mul(b, quarters.index, kb_i64(b, 16 * LINE)));
  val scales = kb_ptr(b, to, kb_mul(b, quarters.index, kb_i64(b, 4 * LINE)));
  for (int j = 0; j < 4; j++) {
    val bytes[4];
    kb_store(b, q6_k_scale(b, lines, j), kb_at(b, scales, q6_k.scale + j * LINE), 64);
    q6_k_bytes(b, load_line(b, lines, (2 + 3 * j) * LINE), load_line(b, lines, (3 + 3 * j) * LINE), load_line(b, lines, (4 + 3 * j) * LINE), bytes);
    for (int c = 0; c < 4; c++) kb_store(b, bytes[c], kb_at(b, put, q6_k.lines + (4 * j + c) * LINE), 64);
  }
  kb_end_for(b, &quarters, NULL);
}

static void a256_expand(ig_linear *l, val w, val panel) {
  ig_kb *b = l->b;
  const k_format *f = k_of(l->layout);
  kb_loop units;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), 0, NULL);
  val from = kb_ptr(b, w, kb_mul(b, units.index, kb_i64(b, l->layout->unit_bytes))), to = kb_ptr(b, panel, kb_mul(b, units.index, kb_i64(b, f->panel)));
  (f == &q4_k ? q4_k_expand_unit : q6_k_expand_unit)(b, from, to);
  kb_end_for(b, &units, NULL);
}

/* One sub-block for all of the register tile: total += scale * dot. */
static void sub_block(ig_kb *b, const k_format *f, int rows, const val *wu, int tokens, const val *xu, val j, const val *total, val *out) {
  int groups = 64 / f->subs;
  val sum[IG_MOST_ROWS * IG_MOST_TOKENS], w[IG_MOST_ROWS], xj[IG_MOST_TOKENS];
  val x_offset = kb_mul(b, j, kb_i64(b, 4 * groups)), line_offset = kb_mul(b, j, kb_i64(b, LINE * groups));
  for (int t = 0; t < tokens; t++) {
    xj[t] = kb_ptr(b, xu[t], x_offset);
    val start = zeros(b);
    if (f->offset_shift) start = left(b, kb_load_splat_i32(b, kb_ptr(b, xu[t], kb_mul(b, j, kb_i64(b, 4))), X_MINUS_SUM16), f->offset_shift);
    for (int r = 0; r < rows; r++) sum[r * tokens + t] = start;
  }
  for (int r = 0; r < rows; r++) w[r] = kb_ptr(b, wu[r], line_offset);
  for (int g = 0; g < groups; g++)
    for (int r = 0; r < rows; r++) {
      val line = load_line(b, w[r], f->lines + g * LINE);
      for (int t = 0; t < tokens; t++) sum[r * tokens + t] = dot(b, sum[r * tokens + t], line, xj[t], g);
    }
  for (int r = 0; r < rows; r++) {
    val scale = load_line(b, kb_ptr(b, wu[r], kb_mul(b, j, kb_i64(b, LINE))), f->scale);
    for (int t = 0; t < tokens; t++) out[r * tokens + t] = kb_add(b, total[r * tokens + t], kb_mul(b, sum[r * tokens + t], scale));
  }
}

static void a256_gemm(ig_linear *l, int rows, const val *panels, int tokens, val x, val *acc) {
  ig_kb *b = l->b;
  const k_format *f = k_of(l->layout);
  int n = rows * tokens;
  val total[IG_MOST_ROWS * IG_MOST_TOKENS], wu[IG_MOST_ROWS], xu[IG_MOST_TOKENS];
  for (int i = 0; i < n; i++) acc[i] = kb_splat(b, "vector<16xf32>", kb_f32(b, 0));
  kb_loop units, subs;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), n, acc);
  for (int r = 0; r < rows; r++) wu[r] = kb_ptr(b, panels[r], kb_mul(b, units.index, kb_i64(b, f->panel)));
  xu[0] = kb_ptr(b, x, kb_mul(b, units.index, kb_i64(b, X_UNIT)));
  for (int t = 1; t < tokens; t++) xu[t] = kb_ptr(b, xu[t - 1], l->x_stride);
  for (int i = 0; i < n; i++) total[i] = zeros(b);
  kb_for(b, &subs, kb_i64(b, 0), kb_i64(b, f->subs), kb_i64(b, 1), n, total);
  sub_block(b, f, rows, wu, tokens, xu, subs.index, subs.carried, total);
  kb_end_for(b, &subs, total);
  for (int r = 0; r < rows; r++) {
    val d = kb_load(b, "vector<16xf32>", kb_at(b, wu[r], f->d), 64);
    for (int t = 0; t < tokens; t++) acc[r * tokens + t] = add_scaled(b, units.carried[r * tokens + t], d, xu[t], subs.result[r * tokens + t]);
    if (!f->minima) continue;
    val dmin = kb_load(b, "vector<16xf32>", kb_at(b, wu[r], f->dmin), 64), min[4];
    for (int p = 0; p < 4; p++) min[p] = load_line(b, wu[r], f->min + p * LINE);
    for (int t = 0; t < tokens; t++) {
      val m = zeros(b);
      for (int p = 0; p < 4; p++) m = kb_dot2(b, m, words(b, min[p]), words(b, kb_load_splat_i32(b, xu[t], X_SUM32 + 4 * p)));
      acc[r * tokens + t] = add_minima(b, acc[r * tokens + t], dmin, xu[t], m);
    }
  }
  kb_end_for(b, &units, acc);
  for (int i = 0; i < n; i++) acc[i] = units.result[i];
}

static const ig_linear_format formats[] = {
  {"q4_k", a256_gemv, a256_expand, a256_gemm, 128 + 76 * LINE, 0, 0},
  {"q6_k", a256_gemv, a256_expand, a256_gemm, 64 + 80 * LINE, 0, 0},
};

const ig_linear_format *ig_linear_a256(const char *format) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (!strcmp(formats[i].format, format)) return &formats[i];
  assert(!"a format without kernels");
  return NULL;
}
