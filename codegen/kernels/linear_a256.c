/* K-quants with activations a256 (352 bytes: int8 q[256], int32 minus_sum16[16], int16 sum32[8], f32 scale). Per 256 values: the dots of
 * the sub-blocks times their integer scales, all exact in i32, then one fma; minima likewise from the sums of 32 activations.
 *
 * gemm's panel, per unit of 256 and tile: f32 d[16], f32 dmin[16] (where there are minima), a line for each sub-block's scales, i16 pairs of
 * minima [4][16], then 64 lines of bytes. Whatever a format's bits are, it is expanded to this and shares one inner loop. */
#include "codegen/kernels/linear.h"

#include <assert.h>
#include <string.h>

enum { LINE = 64, X_UNIT = 352, X_MINUS_SUM16 = 256, X_SUM32 = 320, X_SCALE = 336 };

typedef struct k_format {
  int subs;          /* sub-blocks of a unit: 8 or 16 */
  int offset_shift;  /* q_w = stored - (1 << shift); 0: stored as it is */
  int words;         /* groups whose products 16 bits hold: stored values are 15 or 63 at most */
  bool minima;
  int d, dmin, scale, min, lines, panel; /* offsets in a panel's unit, and its size */
} k_format;

static const k_format q4_k = {8, 0, 8, true, 0, 64, 128, 128 + 8 * LINE, 128 + 12 * LINE, 128 + 76 * LINE};
static const k_format q6_k = {16, 5, 2, false, 0, 0, 64, 0, 64 + 16 * LINE, 64 + 80 * LINE};

static const k_format *k_of(const ig_layout *layout) { return !strcmp(layout->format, "q4_k") ? &q4_k : &q6_k; }

static val zeros(ig_kb *b) { return kb_i32x16(b, 0); }
static val masked(ig_kb *b, val v, int64_t mask) { return kb_and(b, v, kb_i32x16(b, mask)); }
static val right(ig_kb *b, val v, int by) { return by ? kb_shru(b, v, kb_i32x16(b, by)) : v; }
static val left(ig_kb *b, val v, int by) { return by ? kb_shl(b, v, kb_i32x16(b, by)) : v; }
static val step(ig_kb *b, val p, val index, int64_t bytes) { return kb_ptr(b, p, kb_mul(b, index, kb_i64(b, bytes))); }
static val load_d(ig_kb *b, val p, int64_t offset) { return kb_f16_to_f32(b, kb_load(b, "vector<16xi16>", kb_at(b, p, offset), 32)); }

/* ---- what a packed unit holds (the layout is told in pack_tile.c) ---- */

/* The header of a quarter of a q4_k unit: two scales, the pair of their minima, eight bits of d and dmin. */
static void q4_k_header(ig_kb *b, val line, val sc[2], val *min) {
  sc[0] = masked(b, right(b, line, 6), 63);
  sc[1] = masked(b, right(b, line, 22), 63);
  *min = masked(b, line, 0x003f003f);
}

/* d and dmin come in from above, four bits of each with every header. */
static val q4_k_shift_in(ig_kb *b, val halves, val header) { return kb_or(b, right(b, halves, 4), masked(b, header, (int32_t)0xf000f000)); }
static val half_of(ig_kb *b, val pairs, bool high) {
  val v = right(b, pairs, high ? 16 : 0);
  return kb_f16_to_f32(b, kb_op(b, "arith.trunci", "vector<16xi16>", 1, &v, NULL));
}

/* Scale j of a quarter of a q6_k unit and the bytes of its 16 values. */
static val q6_k_scale(ig_kb *b, val quarter, int j) {
  val bytes = kb_load(b, "vector<16xi8>", kb_at(b, quarter, LINE + 16 * j), 16);
  return kb_op(b, "arith.extsi", "vector<16xi32>", 1, &bytes, NULL);
}
static void q6_k_bytes(ig_kb *b, val quarter, int j, val *bytes) {
  val low[2] = {kb_load_line(b, quarter, (2 + 3 * j) * LINE), kb_load_line(b, quarter, (3 + 3 * j) * LINE)}, high = kb_load_line(b, quarter, (4 + 3 * j) * LINE);
  for (int c = 0; c < 4; c++) {
    val two = c < 2 ? left(b, high, 4 - 2 * c) : right(b, high, 2 * c - 4);
    bytes[c] = kb_or(b, kb_nibbles(b, low[c / 2], c % 2), masked(b, two, 0x30303030));
  }
}

/* ---- a sub-block ---- */

/* total += scale * dot, for rows x tokens. With VNNI the dot is summed in i32, from the offset's share on, and multiplied; without, in 16 bits
 * as long as they hold it, and pmaddwd multiplies by a pair of the scale and widens. */
typedef struct sub_block {
  ig_kb *b;
  const k_format *f;
  int rows, tokens;
  const val *x;             /* per token: q at the sub-block */
  const val *minus_sum;     /* per token: where minus the sum of the sub-block's q lies, where there is an offset */
  const val *scale;         /* per row, as scale_form gives it */
  val sum[IG_MOST_TILE];
  val *total;
} sub_block;

static val scale_form(ig_kb *b, val sc) { return b->variant->vnni ? sc : kb_or(b, masked(b, sc, 0xffff), left(b, sc, 16)); }

static val offset_of(sub_block *s, int t, int shift) { return left(s->b, kb_load_splat_i32(s->b, s->minus_sum[t], 0), shift); }

static void begin(sub_block *s) {
  for (int t = 0; t < s->tokens; t++) {
    val start = {NULL};
    if (s->b->variant->vnni) start = s->f->offset_shift ? offset_of(s, t, s->f->offset_shift) : zeros(s->b);
    for (int r = 0; r < s->rows; r++) s->sum[r * s->tokens + t] = start;
  }
}

static void add_group(sub_block *s, int r, int group, val line) {
  ig_kb *b = s->b;
  val w = kb_bytes64(b, line);
  bool widen = !b->variant->vnni && (group + 1) % s->f->words == 0;
  for (int t = 0; t < s->tokens; t++) {
    val q = kb_bytes64(b, kb_load_splat_i32(b, s->x[t], 4 * group)), *sum = &s->sum[r * s->tokens + t], *total = &s->total[r * s->tokens + t];
    *sum = b->variant->vnni ? kb_dot4(b, *sum, w, q) : kb_dot4_words(b, *sum, w, q);
    if (widen) *total = kb_dot2(b, *total, kb_words32(b, s->scale[r]), *sum), *sum = (val){NULL};
  }
}

static void end(sub_block *s) {
  ig_kb *b = s->b;
  for (int r = 0; r < s->rows; r++) {
    val low = {NULL}; /* the scale times the offset in the lower half: minus_sum is an i16 and its sign */
    if (!b->variant->vnni && s->f->offset_shift) low = kb_words32(b, masked(b, left(b, s->scale[r], s->f->offset_shift), 0xffff));
    for (int t = 0; t < s->tokens; t++) {
      val *total = &s->total[r * s->tokens + t];
      if (b->variant->vnni) *total = kb_add(b, *total, kb_mul(b, s->sum[r * s->tokens + t], s->scale[r]));
      else if (low.ptr) *total = kb_dot2(b, *total, low, kb_words32(b, offset_of(s, t, 0)));
    }
  }
}

static val add_scaled(ig_kb *b, val acc, val d, val x, val total) {
  return kb_fma(b, kb_mul(b, d, kb_load_splat_f32(b, x, X_SCALE)), kb_to_float(b, total), acc);
}
static val add_minima(ig_kb *b, val acc, val dmin, val x, val m) {
  val product = kb_mul(b, dmin, kb_load_splat_f32(b, x, X_SCALE));
  return kb_fma(b, kb_neg(b, product), kb_to_float(b, m), acc);
}
static val add_pair(ig_kb *b, val m, val min, val x, int64_t offset) {
  return kb_dot2(b, m, kb_words32(b, min), kb_words32(b, kb_load_splat_i32(b, x, offset)));
}

/* ---- gemv ----
 * Quarters are loops, and all is read in the order of memory: the hardware's prefetchers follow few loads that step through memory evenly.
 * A unit unrolled as a whole, or scales read before their turn, cost a fifth of the bandwidth; prefetch instructions cost more. */

static void at_quarter(ig_kb *b, int n, const val *x, val quarter, int64_t bytes, val *out) {
  for (int t = 0; t < n; t++) out[t] = step(b, x[t], quarter, bytes);
}

static void q4_k_unit(ig_kb *b, val w, int n, const val *x, val *acc) {
  val carried[2 * IG_MOST_TOKENS + 1]; /* totals, the minima's totals, d and dmin */
  for (int i = 0; i < 2 * n + 1; i++) carried[i] = zeros(b);
  kb_loop quarters;
  kb_for(b, &quarters, kb_i64(b, 0), kb_i64(b, 4), kb_i64(b, 1), 2 * n + 1, carried);
  memcpy(carried, quarters.carried, sizeof carried);
  val lines = step(b, w, quarters.index, 9 * LINE), header = kb_load_line(b, lines, 0), sc[2], min, xq[IG_MOST_TOKENS], xs[IG_MOST_TOKENS];
  q4_k_header(b, header, sc, &min);
  for (int j = 0; j < 2; j++) {
    val scale = scale_form(b, sc[j]);
    at_quarter(b, n, x, quarters.index, 64, xq);
    for (int t = 0; t < n; t++) xq[t] = kb_at(b, xq[t], 32 * j);
    sub_block s = {.b = b, .f = &q4_k, .rows = 1, .tokens = n, .x = xq, .scale = &scale, .total = carried};
    begin(&s);
    for (int i = 0; i < 4; i++) {
      val line = kb_load_line(b, lines, (1 + 4 * j + i) * LINE);
      for (int high = 0; high < 2; high++) add_group(&s, 0, 2 * i + high, kb_nibbles(b, line, high));
    }
    end(&s);
  }
  at_quarter(b, n, x, quarters.index, 4, xs);
  for (int t = 0; t < n; t++) carried[n + t] = add_pair(b, carried[n + t], min, xs[t], X_SUM32);
  carried[2 * n] = q4_k_shift_in(b, carried[2 * n], header);
  kb_end_for(b, &quarters, carried);
  val d = half_of(b, quarters.result[2 * n], false), dmin = half_of(b, quarters.result[2 * n], true);
  for (int t = 0; t < n; t++) acc[t] = add_minima(b, add_scaled(b, acc[t], d, x[t], quarters.result[t]), dmin, x[t], quarters.result[n + t]);
}

static void q6_k_unit(ig_kb *b, val w, int n, const val *x, val *acc) {
  val d = load_d(b, w, 0), total[IG_MOST_TOKENS];
  for (int t = 0; t < n; t++) total[t] = zeros(b);
  kb_loop quarters;
  kb_for(b, &quarters, kb_i64(b, 0), kb_i64(b, 4), kb_i64(b, 1), n, total);
  memcpy(total, quarters.carried, (size_t)n * sizeof *total);
  val lines = step(b, w, quarters.index, 13 * LINE), xq[IG_MOST_TOKENS], minus[IG_MOST_TOKENS];
  for (int j = 0; j < 4; j++) {
    val bytes[4], scale = scale_form(b, q6_k_scale(b, lines, j));
    at_quarter(b, n, x, quarters.index, 64, xq);
    at_quarter(b, n, x, quarters.index, 16, minus);
    for (int t = 0; t < n; t++) xq[t] = kb_at(b, xq[t], 16 * j), minus[t] = kb_at(b, minus[t], X_MINUS_SUM16 + 4 * j);
    sub_block s = {.b = b, .f = &q6_k, .rows = 1, .tokens = n, .x = xq, .minus_sum = minus, .scale = &scale, .total = total};
    q6_k_bytes(b, lines, j, bytes);
    begin(&s);
    for (int c = 0; c < 4; c++) add_group(&s, 0, c, bytes[c]);
    end(&s);
  }
  kb_end_for(b, &quarters, total);
  for (int t = 0; t < n; t++) acc[t] = add_scaled(b, acc[t], d, x[t], quarters.result[t]);
}

static void a256_gemv(ig_linear *l, val w, int n, const val *x, val *acc) {
  ig_kb *b = l->b;
  val xu[IG_MOST_TOKENS];
  for (int t = 0; t < n; t++) acc[t] = kb_splat(b, "vector<16xf32>", kb_f32(b, 0));
  kb_loop units;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), n, acc);
  memcpy(acc, units.carried, (size_t)n * sizeof *acc);
  at_quarter(b, n, x, units.index, X_UNIT, xu);
  (k_of(l->layout) == &q4_k ? q4_k_unit : q6_k_unit)(b, step(b, w, units.index, l->layout->unit_bytes), n, xu, acc);
  kb_end_for(b, &units, acc);
  memcpy(acc, units.result, (size_t)n * sizeof *acc);
}

/* ---- gemm ---- */

static void q4_k_expand_unit(ig_kb *b, val w, val to) {
  kb_loop quarters;
  val halves = zeros(b), sc[2], min;
  kb_for(b, &quarters, kb_i64(b, 0), kb_i64(b, 4), kb_i64(b, 1), 1, &halves);
  val lines = step(b, w, quarters.index, 9 * LINE), put = step(b, to, quarters.index, 16 * LINE), header = kb_load_line(b, lines, 0);
  q4_k_header(b, header, sc, &min);
  for (int j = 0; j < 2; j++) kb_store(b, scale_form(b, sc[j]), kb_at(b, step(b, to, quarters.index, 2 * LINE), q4_k.scale + j * LINE), 64);
  kb_store(b, min, kb_at(b, step(b, to, quarters.index, LINE), q4_k.min), 64);
  for (int i = 0; i < 8; i++) {
    val line = kb_load_line(b, lines, (1 + i) * LINE);
    for (int high = 0; high < 2; high++) kb_store(b, kb_nibbles(b, line, high), kb_at(b, put, q4_k.lines + (2 * i + high) * LINE), 64);
  }
  halves = q4_k_shift_in(b, quarters.carried[0], header);
  kb_end_for(b, &quarters, &halves);
  kb_store(b, half_of(b, quarters.result[0], false), kb_at(b, to, q4_k.d), 64);
  kb_store(b, half_of(b, quarters.result[0], true), kb_at(b, to, q4_k.dmin), 64);
}

static void q6_k_expand_unit(ig_kb *b, val w, val to) {
  kb_store(b, load_d(b, w, 0), kb_at(b, to, q6_k.d), 64);
  kb_loop quarters;
  kb_for(b, &quarters, kb_i64(b, 0), kb_i64(b, 4), kb_i64(b, 1), 0, NULL);
  val lines = step(b, w, quarters.index, 13 * LINE), put = step(b, to, quarters.index, 16 * LINE), scales = step(b, to, quarters.index, 4 * LINE);
  for (int j = 0; j < 4; j++) {
    val bytes[4];
    kb_store(b, scale_form(b, q6_k_scale(b, lines, j)), kb_at(b, scales, q6_k.scale + j * LINE), 64);
    q6_k_bytes(b, lines, j, bytes);
    for (int c = 0; c < 4; c++) kb_store(b, bytes[c], kb_at(b, put, q6_k.lines + (4 * j + c) * LINE), 64);
  }
  kb_end_for(b, &quarters, NULL);
}

static void a256_expand(ig_linear *l, val w, val panel) {
  ig_kb *b = l->b;
  const k_format *f = k_of(l->layout);
  kb_loop units;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), 0, NULL);
  (f == &q4_k ? q4_k_expand_unit : q6_k_expand_unit)(b, step(b, w, units.index, l->layout->unit_bytes), step(b, panel, units.index, f->panel));
  kb_end_for(b, &units, NULL);
}

static void a256_gemm(ig_linear *l, int rows, const val *panels, int tokens, val x, val *acc) {
  ig_kb *b = l->b;
  const k_format *f = k_of(l->layout);
  int n = rows * tokens, groups = 64 / f->subs;
  val total[IG_MOST_TILE], wu[IG_MOST_ROWS], xu[IG_MOST_TOKENS];
  kb_loop units, subs;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), n, acc);
  for (int r = 0; r < rows; r++) wu[r] = step(b, panels[r], units.index, f->panel);
  xu[0] = step(b, x, units.index, X_UNIT);
  for (int t = 1; t < tokens; t++) xu[t] = kb_ptr(b, xu[t - 1], l->x_stride);

  for (int i = 0; i < n; i++) total[i] = zeros(b);
  kb_for(b, &subs, kb_i64(b, 0), kb_i64(b, f->subs), kb_i64(b, 1), n, total);
  memcpy(total, subs.carried, (size_t)n * sizeof *total);
  val w[IG_MOST_ROWS], scale[IG_MOST_ROWS], xj[IG_MOST_TOKENS], minus[IG_MOST_TOKENS];
  for (int r = 0; r < rows; r++) w[r] = step(b, wu[r], subs.index, LINE * groups), scale[r] = kb_load_line(b, step(b, wu[r], subs.index, LINE), f->scale);
  for (int t = 0; t < tokens; t++) xj[t] = step(b, xu[t], subs.index, 4 * groups), minus[t] = kb_at(b, step(b, xu[t], subs.index, 4), X_MINUS_SUM16);
  sub_block s = {.b = b, .f = f, .rows = rows, .tokens = tokens, .x = xj, .minus_sum = minus, .scale = scale, .total = total};
  begin(&s);
  for (int g = 0; g < groups; g++)
    for (int r = 0; r < rows; r++) add_group(&s, r, g, kb_load_line(b, w[r], f->lines + g * LINE));
  end(&s);
  kb_end_for(b, &subs, total);

  for (int r = 0; r < rows; r++) {
    val d = kb_load(b, "vector<16xf32>", kb_at(b, wu[r], f->d), 64);
    for (int t = 0; t < tokens; t++) acc[r * tokens + t] = add_scaled(b, units.carried[r * tokens + t], d, xu[t], subs.result[r * tokens + t]);
    if (!f->minima) continue;
    val dmin = kb_load(b, "vector<16xf32>", kb_at(b, wu[r], f->dmin), 64), min[4];
    for (int p = 0; p < 4; p++) min[p] = kb_load_line(b, wu[r], f->min + p * LINE);
    for (int t = 0; t < tokens; t++) {
      val m = zeros(b);
      for (int p = 0; p < 4; p++) m = add_pair(b, m, min[p], xu[t], X_SUM32 + 4 * p);
      acc[r * tokens + t] = add_minima(b, acc[r * tokens + t], dmin, xu[t], m);
    }
  }
  kb_end_for(b, &units, acc);
  memcpy(acc, units.result, (size_t)n * sizeof *acc);
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
