/* Formats with blocks of 32 and activations a32 (40 bytes: int8 q[32], f32 scale, int32 minus_sum): per block an exact integer dot, then
 * one fma by the product of the scales, and one more where the format has an offset m. Weights are unsigned here; the sum starts at
 * offset * minus_sum.
 *
 * gemm's panel, per block: f32 d[16], f32 -m[16] (where there is one), 8 lines of bytes (unpack_a32.c). q8_0 needs no panel: two blocks share a line of f16 scales. */
#include "codegen/kernels/linear.h"

#include <string.h>

enum { LINE = 64, X_BLOCK = 40, X_SCALE = 32, X_MINUS_SUM = 36, LOOPED = 2 };

/* ---- a block for a register tile ---- */

/* sum[rows * tokens] += dot, group by group. Some variants sum in 16 bits as long as they hold it. */
typedef struct sums {
  ig_kb *b;
  const ig_b_format *f;
  bool words;
  int rows, tokens;
  const val *x;     /* at the block, per token */
  val minus_sum[IG_MOST_TOKENS];
  val sum[IG_MOST_TILE], word[IG_MOST_TILE];
} sums;

static void begin(sums *s, ig_kb *b, const ig_b_format *f, int rows, int tokens, const val *x) {
  *s = (sums){.b = b, .f = f, .words = f->words && kb_in_words(b), .rows = rows, .tokens = tokens, .x = x};
  for (int t = 0; t < tokens; t++) {
    s->minus_sum[t] = kb_load_splat_i32(b, x[t], X_MINUS_SUM);
    val start = f->offset_shift == 7 ? kb_dot4_biased_start(b, s->minus_sum[t])
        : f->offset_shift            ? kb_shl(b, s->minus_sum[t], kb_i32x16(b, f->offset_shift))
                                     : kb_i32x16(b, 0);
    for (int r = 0; r < rows; r++) s->sum[r * tokens + t] = start;
  }
}

static void widen(sums *s) {
  for (int i = 0; i < s->rows * s->tokens; i++) s->sum[i] = kb_add_words(s->b, s->sum[i], (val){NULL}, s->word[i]), s->word[i] = (val){NULL};
}

static void add_group(sums *s, int r, int group, val line) {
  ig_kb *b = s->b;
  val w = kb_bytes64(b, line);
  for (int t = 0; t < s->tokens; t++) {
    int i = r * s->tokens + t;
    val q = kb_load_x(b, s->x[t], 4 * group);
    if (s->words) s->word[i] = kb_dot4_words(b, s->word[i], w, q);
    else s->sum[i] = s->f->offset_shift == 7 ? kb_dot4_biased(b, s->sum[i], w, q) : kb_dot4(b, s->sum[i], w, q);
  }
}

static void end(sums *s, int r, val d, val minus_m, const val *before, val *acc) {
  ig_kb *b = s->b;
  for (int t = 0; t < s->tokens; t++) {
    val scale = kb_load_splat_f32(b, s->x[t], X_SCALE);
    acc[t] = kb_fma(b, kb_mul(b, d, scale), kb_to_float(b, s->sum[r * s->tokens + t]), before[t]);
    if (s->f->has_m) acc[t] = kb_fma(b, kb_mul(b, minus_m, scale), kb_to_float(b, s->minus_sum[t]), acc[t]);
  }
}

/* ---- gemv ---- */

/* The blocks of a unit, or an odd one, times n rows. */
static void gemv_unit(ig_kb *b, const ig_b_format *f, val w, int blocks, int n, const val *x, val *acc) {
  const ig_reader all_rows = {b, {NULL}};
  val d[4], minus_m = {NULL};
  for (int i = 0; i < blocks; i++) d[i] = f->scale(&all_rows, w, i);
  if (f->has_m) minus_m = ig_read_halves(&all_rows, w, 32);
  for (int i = 0; i < blocks; i++) {
    val xi[IG_MOST_TOKENS], bytes[8];
    for (int t = 0; t < n; t++) xi[t] = kb_at(b, x[t], i * X_BLOCK);
    sums s;
    begin(&s, b, f, 1, n, xi);
    f->bytes(&all_rows, kb_at(b, w, LINE + i * f->lines * LINE), bytes);
    for (int g = 0; g < 8; g++) {
      add_group(&s, 0, g, bytes[g]);
      if (s.words && (g + 1) % f->words == 0) widen(&s);
    }
    end(&s, 0, d[i], minus_m, acc, acc);
  }
}

static void offset_all(ig_kb *b, int n, const val *x, val bytes, val *out) {
  for (int t = 0; t < n; t++) out[t] = kb_ptr(b, x[t], bytes);
}

val ig_odd_at(ig_linear *l, val base, val index, int64_t unit, int64_t odd) {
  ig_kb *b = l->b;
  return kb_ptr(b, base, kb_add(b, kb_mul(b, l->units, kb_i64(b, unit)), kb_mul(b, index, kb_i64(b, odd))));
}

void ig_a32_gemv(ig_linear *l, val w, int n, const val *x, val *acc) {
  ig_kb *b = l->b;
  const ig_b_format *f = ig_b_of(l->layout->format);
  val unit_bytes = kb_i64(b, l->layout->unit_bytes), xu[IG_MOST_TOKENS] = {{NULL}};
  for (int t = 0; t < n; t++) acc[t] = kb_splat(b, "vector<16xf32>", kb_f32(b, 0));
  kb_loop units, odd;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), n, acc);
  offset_all(b, n, x, kb_mul(b, units.index, kb_i64(b, f->blocks * X_BLOCK)), xu);
  gemv_unit(b, f, kb_ptr(b, w, kb_mul(b, units.index, unit_bytes)), f->blocks, n, xu, memcpy(acc, units.carried, (size_t)n * sizeof *acc));
  kb_end_for(b, &units, acc);
  memcpy(acc, units.result, (size_t)n * sizeof *acc);
  if (f->blocks == 1) return;
  kb_for(b, &odd, kb_i64(b, 0), l->odd, kb_i64(b, 1), n, acc);
  for (int t = 0; t < n; t++) xu[t] = ig_odd_at(l, x[t], odd.index, f->blocks * X_BLOCK, X_BLOCK);
  gemv_unit(b, f, ig_odd_at(l, w, odd.index, l->layout->unit_bytes, l->layout->odd_bytes), 1, n, xu, memcpy(acc, odd.carried, (size_t)n * sizeof *acc));
  kb_end_for(b, &odd, acc);
  memcpy(acc, odd.result, (size_t)n * sizeof *acc);
}

/* ---- gemm ---- */

static int panel_head(const ig_b_format *f) { return f->has_m ? 2 * LINE : LINE; }
static int panel_block(const ig_b_format *f) { return panel_head(f) + 8 * LINE; }

static void expand_unit(ig_kb *b, const ig_b_format *f, val w, val to, int blocks) {
  const ig_reader all_rows = {b, {NULL}};
  for (int i = 0; i < blocks; i++) {
    val put = kb_at(b, to, i * panel_block(f)), bytes[8];
    kb_store(b, f->scale(&all_rows, w, i), put, 64);
    if (f->has_m) kb_store(b, ig_read_halves(&all_rows, w, 32), kb_at(b, put, LINE), 64);
    f->bytes(&all_rows, kb_at(b, w, LINE + i * f->lines * LINE), bytes);
    for (int g = 0; g < 8; g++) kb_store(b, bytes[g], kb_at(b, put, panel_head(f) + g * LINE), 64);
  }
}

void ig_a32_expand(ig_linear *l, val w, val panel) {
  ig_kb *b = l->b;
  const ig_b_format *f = ig_b_of(l->layout->format);
  val unit_bytes = kb_i64(b, l->layout->unit_bytes), panel_unit = kb_i64(b, f->blocks * panel_block(f));
  kb_loop units, odd;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), 0, NULL);
  expand_unit(b, f, kb_ptr(b, w, kb_mul(b, units.index, unit_bytes)), kb_ptr(b, panel, kb_mul(b, units.index, panel_unit)), f->blocks);
  kb_end_for(b, &units, NULL);
  if (f->blocks == 1) return;
  kb_for(b, &odd, kb_i64(b, 0), l->odd, kb_i64(b, 1), 0, NULL);
  expand_unit(b, f, ig_odd_at(l, w, odd.index, l->layout->unit_bytes, l->layout->odd_bytes),
              ig_odd_at(l, panel, odd.index, f->blocks * panel_block(f), panel_block(f)), 1);
  kb_end_for(b, &odd, NULL);
}

/* Where block `index` has its scales and its lines, as an offset in a panel, or in q8_0's tile, where an odd last block lies as if it were the
 * first of a unit. */
static void offsets(ig_linear *l, const ig_b_format *f, val index, val *scales, val *lines) {
  ig_kb *b = l->b;
  if (f->linear.expand) {
    *scales = kb_mul(b, index, kb_i64(b, panel_block(f)));
    *lines = kb_add(b, *scales, kb_i64(b, panel_head(f)));
    return;
  }
  val one = kb_i64(b, 1), half = kb_and(b, index, one), unit = kb_mul(b, kb_shru(b, index, one), kb_i64(b, l->layout->unit_bytes));
  *scales = kb_add(b, unit, kb_mul(b, half, kb_i64(b, 32)));
  *lines = kb_add(b, kb_add(b, unit, kb_mul(b, half, kb_i64(b, 8 * LINE))), kb_i64(b, LINE));
}

/* The block's eight groups. Of variants that sum in 16 bits a loop: as one block LLVM would work token by token and spill what it loaded. */
static void add_groups(sums *s, const val *w) {
  ig_kb *b = s->b;
  if (!kb_in_words(b)) {
    for (int g = 0; g < 8; g++)
      for (int r = 0; r < s->rows; r++) add_group(s, r, g, kb_load_line(b, w[r], g * LINE));
    return;
  }
  int n = s->rows * s->tokens, span = s->words ? s->f->words : 8;
  const val *x = s->x;
  for (int from = 0; from < 8; from += span) {
    kb_loop groups;
    val *sum = s->words ? s->word : s->sum, xg[IG_MOST_TOKENS];
    if (s->words)
      for (int i = 0; i < n; i++) s->word[i] = kb_no_words(b);
    kb_for(b, &groups, kb_i64(b, from), kb_i64(b, from + span), kb_i64(b, LOOPED), n, sum);
    memcpy(sum, groups.carried, (size_t)n * sizeof *sum);
    offset_all(b, s->tokens, x, kb_mul(b, groups.index, kb_i64(b, 4)), xg);
    s->x = xg;
    for (int g = 0; g < LOOPED; g++)
      for (int r = 0; r < s->rows; r++) add_group(s, r, g, kb_load_line(b, kb_ptr(b, w[r], kb_mul(b, groups.index, kb_i64(b, LINE))), g * LINE));
    kb_end_for(b, &groups, sum);
    memcpy(sum, groups.result, (size_t)n * sizeof *sum);
    s->x = x;
    if (s->words) widen(s);
  }
}

void ig_a32_gemm(ig_linear *l, int rows, const val *panels, int tokens, val x, val *acc) {
  ig_kb *b = l->b;
  const ig_b_format *f = ig_b_of(l->layout->format);
  int n = rows * tokens;
  kb_loop blocks;
  kb_for(b, &blocks, kb_i64(b, 0), kb_add(b, kb_mul(b, l->units, kb_i64(b, f->blocks)), l->odd), kb_i64(b, 1), n, acc);
  val scales, lines, xt[IG_MOST_TOKENS], w[IG_MOST_ROWS];
  offsets(l, f, blocks.index, &scales, &lines);
  xt[0] = kb_ptr(b, x, kb_mul(b, blocks.index, kb_i64(b, X_BLOCK)));
  for (int t = 1; t < tokens; t++) xt[t] = kb_ptr(b, xt[t - 1], l->x_stride);
  for (int r = 0; r < rows; r++) w[r] = kb_ptr(b, panels[r], lines);
  sums s;
  begin(&s, b, f, rows, tokens, xt);
  add_groups(&s, w);
  for (int r = 0; r < rows; r++) {
    val at = kb_ptr(b, panels[r], scales), minus_m = {NULL};
    val d = f->linear.expand ? kb_load(b, "vector<16xf32>", at, 64) : ig_read_halves(&(ig_reader){b, {NULL}}, at, 0);
    if (f->has_m) minus_m = kb_load(b, "vector<16xf32>", kb_at(b, at, LINE), 64);
    end(&s, r, d, minus_m, blocks.carried + r * tokens, acc + r * tokens);
  }
  kb_end_for(b, &blocks, acc);
  memcpy(acc, blocks.result, (size_t)n * sizeof *acc);
}
