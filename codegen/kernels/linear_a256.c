/* K-quants and other formats with blocks of 256, with activations a256 (352 bytes: int8 q[256], int32 minus_sum16[16], int16 sum32[8], f32 scale).
 * Per 256 values: the dots of the sub-blocks times their integer scales, all exact in i32, then one fma; minima likewise from the sums of
 * the activations. What a packed block holds is told in pack_a256.c and read by unpack_*.c.
 *
 * gemm's panel, per block of 256 and tile: f32 d[16], f32 dmin[16] (where there are minima), a line for each sub-block's scale, minima or
 * offsets (lines of i16 pairs), then 64 lines of bytes. Where scale times value fits a byte, VNNI takes these products as bytes and no scales. Whatever a format's bits are, it is expanded to this and shares one inner loop. */
#include "codegen/kernels/linear.h"

#include <assert.h>
#include <string.h>

enum { LINE = 64, X_BLOCK = 352, X_MINUS_SUM16 = 256, X_SUM32 = 320, X_SCALE = 336 };

static const ig_k_format *const formats[] = {&ig_k_q2_k, &ig_k_q3_k, &ig_k_q4_k, &ig_k_q5_k, &ig_k_q6_k, &ig_k_iq4_xs, &ig_k_tq1_0, &ig_k_tq2_0};

const ig_k_format *ig_k_of(const char *format) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (!strcmp(formats[i]->format, format)) return formats[i];
  assert(!"a format without kernels");
  return NULL;
}
const ig_linear_format *ig_linear_a256(const char *format) { return &ig_k_of(format)->linear; }

static val zeros(ig_kb *b) { return kb_i32x16(b, 0); }
static val masked(ig_kb *b, val v, int64_t mask) { return kb_and(b, v, kb_i32x16(b, mask)); }
static val right(ig_kb *b, val v, int by) { return by ? kb_shru(b, v, kb_i32x16(b, by)) : v; }
static val left(ig_kb *b, val v, int by) { return by ? kb_shl(b, v, kb_i32x16(b, by)) : v; }
static val step(ig_kb *b, val p, val index, int64_t bytes) { return kb_ptr(b, p, kb_mul(b, index, kb_i64(b, bytes))); }

/* ---- a sub-block ---- */

/* total += scale * dot, for rows x tokens. With VNNI the dot is summed in i32, from the offset's share on, and multiplied; without, in 16 bits
 * as long as they hold it, and pmaddwd multiplies by a pair of the scale and widens. */
typedef struct sub_block {
  ig_kb *b;
  const ig_k_format *f;
  int rows, tokens;
  const val *x;             /* per token: q at the sub-block */
  const val *minus_sum;     /* per token: where minus the sum of the sub-block's q lies */
  const val *scale;         /* per row, as scale_form gives it */
  bool goes_on;             /* without scales: from the total on, where there are sums enough that none waits for its last product */
  val sum[IG_MOST_TILE];
  val *total;
} sub_block;

static bool in_words(const ig_kb *b, const ig_k_format *f) { return kb_in_words(b) && f->words; }
static bool offset_at_start(const ig_k_format *f) { return f->offset_shift && f->extra == IG_K_NONE; }

static val scale_form(ig_kb *b, const ig_k_format *f, val sc) { return in_words(b, f) ? kb_scale_form(b, sc) : sc; }

static val offset_of(sub_block *s, int t, int shift) { return left(s->b, kb_load_splat_i32(s->b, s->minus_sum[t], 0), shift); }

static void begin(sub_block *s) {
  for (int t = 0; t < s->tokens; t++) {
    val start = {NULL};
    if (!in_words(s->b, s->f)) start = offset_at_start(s->f) ? offset_of(s, t, s->f->offset_shift) : zeros(s->b);
    for (int r = 0; r < s->rows; r++) {
      int i = r * s->tokens + t;
      s->sum[i] = s->goes_on ? s->total[i] : start;
    }
  }
}

static void add_group(sub_block *s, int r, int group, val line) {
  ig_kb *b = s->b;
  val w = kb_bytes64(b, line);
  bool words = in_words(b, s->f), widen = words && (group + 1) % s->f->words == 0;
  for (int t = 0; t < s->tokens; t++) {
    val q = kb_load_x(b, s->x[t], 4 * group), *sum = &s->sum[r * s->tokens + t], *total = &s->total[r * s->tokens + t];
    *sum = words ? kb_dot4_words(b, *sum, w, q) : s->f->offset_shift == 7 ? kb_dot4_biased(b, *sum, w, q) : kb_dot4(b, *sum, w, q);
    if (!widen) continue;
    *total = kb_add_words(b, *total, s->f->scale ? s->scale[r] : (val){NULL}, *sum);
    *sum = (val){NULL};
  }
}

static void end(sub_block *s) {
  ig_kb *b = s->b;
  bool words = in_words(b, s->f);
  for (int r = 0; r < s->rows; r++) {
    val low = {NULL}; /* the scale times the offset in the lower half: minus_sum is an i16 and its sign */
    if (words && offset_at_start(s->f)) low = kb_words32(b, masked(b, left(b, s->scale[r], s->f->offset_shift), 0xffff));
    for (int t = 0; t < s->tokens; t++) {
      val *total = &s->total[r * s->tokens + t], sum = s->sum[r * s->tokens + t];
      if (!words) *total = s->goes_on ? sum : kb_add(b, *total, s->f->scale ? kb_mul(b, sum, s->scale[r]) : sum);
      else if (low.ptr) *total = kb_dot2(b, *total, low, kb_words32(b, offset_of(s, t, 0)));
    }
  }
}

/* ---- a block's ends ---- */

static val add_scaled(ig_kb *b, val acc, val d, val x, val total) {
  return kb_fma(b, kb_mul(b, d, kb_load_splat_f32(b, x, X_SCALE)), kb_to_float(b, total), acc);
}
/* m: the minima times the sums of 32, or times minus the sums of 16. */
static val add_minima(ig_kb *b, const ig_k_format *f, val acc, val dmin, val x, val m) {
  val product = kb_mul(b, dmin, kb_load_splat_f32(b, x, X_SCALE));
  return kb_fma(b, f->extra == IG_K_MINIMA_16 ? product : kb_neg(b, product), kb_to_float(b, m), acc);
}
static val add_pairs(ig_kb *b, val sum, val pairs, val x, int64_t offset) {
  return kb_dot2(b, sum, kb_words32(b, pairs), kb_words32(b, kb_load_splat_i32(b, x, offset)));
}

static bool has_minima(const ig_k_format *f) { return f->extra == IG_K_MINIMA_32 || f->extra == IG_K_MINIMA_16; }
/* Whether the total takes minus the offsets times the sums of 32 at its end. kb_dot4_biased has an offset with VNNI only. */
static bool offset_at_end(const ig_kb *b, const ig_k_format *f) {
  return f->extra == IG_K_OFFSET_ALL || (f->extra == IG_K_OFFSET_SCALED && b->variant->dot == IG_DOT_VNNI);
}

/* Minus the offset 128 times two scales, as a pair. */
static val offset_pair(ig_kb *b, val first, val second) {
  val pair = kb_words32(b, kb_or(b, masked(b, first, 0xffff), left(b, second, 16))), zero = kb_const(b, "vector<32xi16>", "dense<0>");
  val product = kb_sub(b, zero, kb_mul(b, pair, kb_const(b, "vector<32xi16>", "dense<128>")));
  return kb_op(b, "vector.bitcast", "vector<16xi32>", 1, &product, NULL);
}

static val minus_offset(ig_kb *b, const ig_k_format *f) { return kb_i32x16(b, -(f->offset_all << 16 | f->offset_all) + (1 << 16)); }

/* d and dmin come in from above with the headers. */
val ig_k_shift_in(ig_kb *b, const ig_k_format *f, val halves, val header) {
  return kb_or(b, right(b, halves, f->d_bits), masked(b, header, (int32_t)f->d_mask));
}
val ig_k_half(ig_kb *b, val pairs, bool upper) {
  val v = right(b, pairs, upper ? 16 : 0);
  return kb_f16_to_f32(b, kb_op(b, "arith.trunci", "vector<16xi16>", 1, &v, NULL));
}

/* ---- where blocks lie ---- */

static int blocks_of(const ig_linear *l) { return (int)l->layout->unit_values / 256; }
val ig_k_blocks(ig_linear *l) { return blocks_of(l) == 1 ? l->units : kb_add(l->b, kb_shl(l->b, l->units, kb_i64(l->b, 1)), l->odd); }
/* Units of two blocks have the scales of both before them; an odd last block lies as if it were the first of a unit. */
ig_k_place ig_k_block(ig_linear *l, const ig_k_format *f, val w, val index) {
  ig_kb *b = l->b;
  if (blocks_of(l) == 1) {
    val at = step(b, w, index, l->layout->unit_bytes);
    return (ig_k_place){at, kb_at(b, at, f->head)};
  }
  val one = kb_i64(b, 1), half = kb_and(b, index, one), unit = step(b, w, kb_shru(b, index, one), l->layout->unit_bytes);
  return (ig_k_place){step(b, unit, half, 32), kb_at(b, step(b, unit, half, f->parts * f->part), f->head)};
}

/* ---- gemv ----
 * Parts are loops, and all is read in the order of memory: the hardware's prefetchers follow few loads that step through memory evenly.
 * A unit unrolled as a whole, or scales read before their turn, cost a fifth of the bandwidth; prefetch instructions cost more. */

static void at_part(ig_kb *b, int n, const val *x, val part, int64_t bytes, int64_t offset, val *out) {
  for (int t = 0; t < n; t++) out[t] = kb_at(b, step(b, x[t], part, bytes), offset);
}

static void gemv_part(ig_kb *b, const ig_k_format *f, val part, val index, int n, const val *x, val *total, val *minima) {
  const ig_reader all_rows = {b, {NULL}};
  int per = f->subs / f->parts, values = 256 / f->subs;
  val sc[8], xs[IG_MOST_TOKENS], minus[IG_MOST_TOKENS], bytes[8];
  bool multiplies = f->multiply && b->variant->dot == IG_DOT_VNNI;
  if (multiplies) {
    at_part(b, n, x, index, 256 / f->parts, 0, xs);
    at_part(b, n, x, index, 64 / f->parts, X_MINUS_SUM16, minus);
    f->multiply(b, part, n, xs, minus, total, minima);
  }
  for (int j = 0; j < per && !multiplies; j++) {
    val scale = {NULL};
    if (f->scale) sc[j] = f->scale(&all_rows, part, j), scale = scale_form(b, f, sc[j]);
    at_part(b, n, x, index, 256 / f->parts, values * j, xs);
    at_part(b, n, x, index, 64 / f->parts, X_MINUS_SUM16 + 4 * j, minus);
    sub_block s = {.b = b, .f = f, .rows = 1, .tokens = n, .x = xs, .minus_sum = minus, .scale = &scale, .total = total};
    f->bytes(&all_rows, part, j, bytes);
    begin(&s);
    for (int g = 0; g < values / 4; g++) add_group(&s, 0, g, bytes[g]);
    end(&s);
    if (f->extra == IG_K_MINIMA_16)
      for (int t = 0; t < n; t++) minima[t] = add_pairs(b, minima[t], f->minima(&all_rows, part, j), minus[t], 0);
  }
  for (int p = 0; p < per / 2; p++) {
    val pair = {NULL}, *sums = f->extra == IG_K_MINIMA_32 ? minima : total;
    if (f->extra == IG_K_MINIMA_32) pair = f->minima(&all_rows, part, p);
    else if (f->extra == IG_K_OFFSET_ALL) pair = minus_offset(b, f);
    else if (offset_at_end(b, f)) pair = offset_pair(b, sc[2 * p], sc[2 * p + 1]);
    if (!pair.ptr) continue;
    at_part(b, n, x, index, 16 / f->parts, X_SUM32 + 4 * p, xs);
    for (int t = 0; t < n; t++) sums[t] = add_pairs(b, sums[t], pair, xs[t], 0);
  }
}

static void gemv_block(ig_kb *b, const ig_k_format *f, ig_k_place w, int n, const val *x, val *acc) {
  const ig_reader all_rows = {b, {NULL}};
  val carried[2 * IG_MOST_TOKENS + 1], d = {NULL}, dmin = {NULL}; /* totals, the minima's totals, d and dmin */
  int minima = has_minima(f) ? n : 0, all = n + minima + (f->d_bits != 0);
  for (int i = 0; i < all; i++) carried[i] = zeros(b);
  if (!f->d_bits) d = ig_read_halves(&all_rows, w.d, 0);
  if (!f->d_bits && minima) dmin = ig_read_halves(&all_rows, w.d, 32);
  if (f->parts == 1) {
    gemv_part(b, f, w.parts, kb_i64(b, 0), n, x, carried, carried + n);
  } else {
    kb_loop parts;
    kb_for(b, &parts, kb_i64(b, 0), kb_i64(b, f->parts), kb_i64(b, 1), all, carried);
    memcpy(carried, parts.carried, (size_t)all * sizeof *carried);
    val part = step(b, w.parts, parts.index, f->part);
    gemv_part(b, f, part, parts.index, n, x, carried, carried + n);
    if (f->d_bits) carried[all - 1] = ig_k_shift_in(b, f, carried[all - 1], kb_load_line(b, part, 0));
    kb_end_for(b, &parts, carried);
    memcpy(carried, parts.result, (size_t)all * sizeof *carried);
  }
  if (f->d_bits) d = ig_k_half(b, carried[all - 1], f->d_upper);
  if (f->d_bits && minima) dmin = ig_k_half(b, carried[all - 1], true);
  for (int t = 0; t < n; t++) {
    acc[t] = add_scaled(b, acc[t], d, x[t], carried[t]);
    if (minima) acc[t] = add_minima(b, f, acc[t], dmin, x[t], carried[n + t]);
  }
}

void ig_a256_gemv(ig_linear *l, val w, int n, const val *x, val *acc) {
  ig_kb *b = l->b;
  const ig_k_format *f = ig_k_of(l->layout->format);
  val xu[IG_MOST_TOKENS];
  for (int t = 0; t < n; t++) acc[t] = kb_splat(b, "vector<16xf32>", kb_f32(b, 0));
  kb_loop blocks;
  kb_for(b, &blocks, kb_i64(b, 0), ig_k_blocks(l), kb_i64(b, 1), n, acc);
  memcpy(acc, blocks.carried, (size_t)n * sizeof *acc);
  at_part(b, n, x, blocks.index, X_BLOCK, 0, xu);
  gemv_block(b, f, ig_k_block(l, f, w, blocks.index), n, xu, acc);
  kb_end_for(b, &blocks, acc);
  memcpy(acc, blocks.result, (size_t)n * sizeof *acc);
}

/* ---- gemm ---- */

static const ig_k_format *gemm_form(const ig_linear *l) {
  const ig_k_format *f = ig_k_of(l->layout->format);
  return l->b->variant->dot == IG_DOT_VNNI && f->products ? f->products : f;
}

/* Lines of a panel's block. */
typedef struct panel {
  int dmin, scale, extra, extras, bytes, block;
} panel;

static panel panel_of(const ig_k_format *f) {
  panel p = {.dmin = 1, .scale = has_minima(f) ? 2 : 1};
  p.extra = p.scale + (f->scale ? f->subs : 0);
  p.extras = f->extra == IG_K_MINIMA_16 ? 16 : f->extra == IG_K_MINIMA_32 || f->extra == IG_K_OFFSET_SCALED ? 4 : 0;
  p.bytes = p.extra + p.extras;
  p.block = p.bytes + 64;
  return p;
}

static void expand_part(ig_kb *b, const ig_k_format *f, val part, val index, val to) {
  const ig_reader all_rows = {b, {NULL}};
  panel p = panel_of(f);
  int per = f->subs / f->parts, groups = 64 / f->subs;
  val sc[8], put = step(b, to, index, 64 / f->parts * LINE), scales = step(b, to, index, per * LINE), extras = step(b, to, index, p.extras / f->parts * LINE);
  for (int j = 0; j < per; j++) {
    val bytes[8];
    if (f->scale) sc[j] = f->scale(&all_rows, part, j), kb_store(b, scale_form(b, f, sc[j]), kb_at(b, scales, (p.scale + j) * LINE), 64);
    if (f->extra == IG_K_MINIMA_16) kb_store(b, f->minima(&all_rows, part, j), kb_at(b, extras, (p.extra + j) * LINE), 64);
    f->bytes(&all_rows, part, j, bytes);
    for (int g = 0; g < groups; g++) kb_store(b, bytes[g], kb_at(b, put, (p.bytes + j * groups + g) * LINE), 64);
  }
  for (int i = 0; i < per / 2 && (f->extra == IG_K_MINIMA_32 || f->extra == IG_K_OFFSET_SCALED); i++) {
    val pair = f->extra == IG_K_MINIMA_32 ? f->minima(&all_rows, part, i) : offset_pair(b, sc[2 * i], sc[2 * i + 1]);
    kb_store(b, pair, kb_at(b, extras, (p.extra + i) * LINE), 64);
  }
}

void ig_a256_expand(ig_linear *l, val w, val panels) {
  ig_kb *b = l->b;
  const ig_k_format *f = gemm_form(l);
  const ig_reader all_rows = {b, {NULL}};
  panel p = panel_of(f);
  kb_loop blocks, parts;
  kb_for(b, &blocks, kb_i64(b, 0), ig_k_blocks(l), kb_i64(b, 1), 0, NULL);
  ig_k_place at = ig_k_block(l, f, w, blocks.index);
  val to = step(b, panels, blocks.index, p.block * LINE), halves = zeros(b);
  int carries = f->d_bits != 0;
  kb_for(b, &parts, kb_i64(b, 0), kb_i64(b, f->parts), kb_i64(b, 1), carries, &halves);
  val part = step(b, at.parts, parts.index, f->part);
  if (carries) halves = ig_k_shift_in(b, f, parts.carried[0], kb_load_line(b, part, 0));
  expand_part(b, f, part, parts.index, to);
  kb_end_for(b, &parts, &halves);
  kb_store(b, carries ? ig_k_half(b, parts.result[0], f->d_upper) : ig_read_halves(&all_rows, at.d, 0), to, 64);
  if (has_minima(f)) kb_store(b, carries ? ig_k_half(b, parts.result[0], true) : ig_read_halves(&all_rows, at.d, 32), kb_at(b, to, p.dmin * LINE), 64);
  kb_end_for(b, &blocks, NULL);
}

/* The sum of lines `from` .. of pairs times the activations' sums. */
static val add_extras(ig_kb *b, const ig_k_format *f, const val *lines, int n, val x, val sum) {
  for (int i = 0; i < n; i++) sum = add_pairs(b, sum, lines[i], x, (f->extra == IG_K_MINIMA_16 ? X_MINUS_SUM16 : X_SUM32) + 4 * i);
  return sum;
}

void ig_a256_gemm(ig_linear *l, int rows, const val *panels, int tokens, val x, val *acc) {
  ig_kb *b = l->b;
  const ig_k_format *f = gemm_form(l);
  panel p = panel_of(f);
  int n = rows * tokens, groups = 64 / f->subs;
  bool minima_beside = f->extra == IG_K_MINIMA_16 &&
      !f->scale; /* summed sub-block by sub-block: there are registers for it, and sixteen lines held would be none */
  int all = minima_beside ? 2 * n : n;
  assert(f->linear.panel_unit == (uint32_t)(blocks_of(l) * p.block * LINE));
  val total[2 * IG_MOST_TILE], wu[IG_MOST_ROWS], xu[IG_MOST_TOKENS];
  kb_loop blocks, subs;
  kb_for(b, &blocks, kb_i64(b, 0), ig_k_blocks(l), kb_i64(b, 1), n, acc);
  for (int r = 0; r < rows; r++) wu[r] = step(b, panels[r], blocks.index, p.block * LINE);
  xu[0] = step(b, x, blocks.index, X_BLOCK);
  for (int t = 1; t < tokens; t++) xu[t] = kb_ptr(b, xu[t - 1], l->x_stride);

  for (int i = 0; i < all; i++) total[i] = zeros(b);
  kb_for(b, &subs, kb_i64(b, 0), kb_i64(b, f->subs), kb_i64(b, 1), all, total);
  memcpy(total, subs.carried, (size_t)all * sizeof *total);
  val w[IG_MOST_ROWS], scale[IG_MOST_ROWS] = {{NULL}}, xj[IG_MOST_TOKENS], minus[IG_MOST_TOKENS];
  for (int r = 0; r < rows; r++) {
    w[r] = step(b, wu[r], subs.index, LINE * groups);
    if (f->scale) scale[r] = kb_load_line(b, step(b, wu[r], subs.index, LINE), p.scale * LINE);
  }
  for (int t = 0; t < tokens; t++) xj[t] = step(b, xu[t], subs.index, 4 * groups), minus[t] = kb_at(b, step(b, xu[t], subs.index, 4), X_MINUS_SUM16);
  sub_block s = {
    .b = b, .f = f, .rows = rows, .tokens = tokens, .x = xj, .minus_sum = minus, .scale = scale, .total = total, .goes_on = !f->scale && !in_words(b, f)};
  begin(&s);
  for (int g = 0; g < groups; g++)
    for (int r = 0; r < rows; r++) add_group(&s, r, g, kb_load_line(b, w[r], (p.bytes + g) * LINE));
  end(&s);
  for (int r = 0; r < rows && minima_beside; r++) {
    val m = kb_load_line(b, step(b, wu[r], subs.index, LINE), p.extra * LINE);
    for (int t = 0; t < tokens; t++) total[n + r * tokens + t] = add_pairs(b, total[n + r * tokens + t], m, minus[t], 0);
  }
  kb_end_for(b, &subs, total);
  memcpy(total, subs.result, (size_t)all * sizeof *total);

  for (int r = 0; r < rows; r++) {
    val d = kb_load(b, "vector<16xf32>", wu[r], 64), dmin = {NULL}, extra[16];
    if (has_minima(f)) dmin = kb_load(b, "vector<16xf32>", kb_at(b, wu[r], p.dmin * LINE), 64);
    for (int i = 0; i < p.extras && !minima_beside; i++) extra[i] = kb_load_line(b, wu[r], (p.extra + i) * LINE);
    for (int i = 0; i < 4 && f->extra == IG_K_OFFSET_ALL; i++) extra[i] = minus_offset(b, f);
    for (int t = 0; t < tokens; t++) {
      int i = r * tokens + t;
      if (offset_at_end(b, f)) total[i] = add_extras(b, f, extra, 4, xu[t], total[i]);
      acc[i] = add_scaled(b, blocks.carried[i], d, xu[t], total[i]);
      if (has_minima(f)) acc[i] = add_minima(b, f, acc[i], dmin, xu[t], minima_beside ? total[n + i] : add_extras(b, f, extra, p.extras, xu[t], zeros(b)));
    }
  }
  kb_end_for(b, &blocks, acc);
  memcpy(acc, blocks.result, (size_t)n * sizeof *acc);
}
