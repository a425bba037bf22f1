/* Formats with blocks of 32 and activations a32 (40 bytes: int8 q[32], f32 scale, int32 minus_sum): per block an exact integer dot, then
 * one fma by the product of the scales. Weights are stored unsigned; the sum starts at offset * minus_sum.
 * gemm takes q8_0's layout: two blocks share a line of scales; q4_0 is expanded to it. */
#include "codegen/kernels/linear.h"

#include <assert.h>
#include <string.h>

enum { LINE = 64, X_BLOCK = 40, X_SCALE = 32, X_MINUS_SUM = 36, BYTES_UNIT = LINE + 16 * LINE, BYTES_ODD = LINE + 8 * LINE, LOOPED = 2 };

static bool has_nibbles(const ig_linear *l) { return !strcmp(l->layout->format, "q4_0"); }

/* A group of four of a block's 32, for the register tile: sum[rows * tokens] += dot. q4_0 without VNNI sums in 16 bits: eight pairs of
 * 15 * 127 fit. */
typedef struct sums {
  ig_linear *l;
  bool four_bits, words;
  int rows, tokens;
  const val *x;     /* at the block, per token */
  val sum[IG_MOST_TILE], start[IG_MOST_TOKENS];
} sums;

static void begin(sums *s, ig_linear *l, int rows, int tokens, const val *x) {
  ig_kb *b = l->b;
  *s = (sums){.l = l, .four_bits = has_nibbles(l), .rows = rows, .tokens = tokens, .x = x};
  s->words = s->four_bits && !b->variant->vnni;
  for (int t = 0; t < tokens; t++) {
    val minus_sum = kb_load_splat_i32(b, x[t], X_MINUS_SUM);
    s->start[t] = s->four_bits ? kb_shl(b, minus_sum, kb_i32x16(b, 3)) : kb_dot4_biased_start(b, minus_sum);
    for (int r = 0; r < rows; r++)
      if (!s->words) s->sum[r * tokens + t] = s->start[t];
  }
}

static void add_group(sums *s, int r, int group, val line) {
  ig_kb *b = s->l->b;
  val w = kb_bytes64(b, line);
  for (int t = 0; t < s->tokens; t++) {
    val q = kb_bytes64(b, kb_load_splat_i32(b, s->x[t], 4 * group)), *sum = &s->sum[r * s->tokens + t];
    *sum = s->words ? kb_dot4_words(b, *sum, w, q) : s->four_bits ? kb_dot4(b, *sum, w, q) : kb_dot4_biased(b, *sum, w, q);
  }
}

static void end(sums *s, int r, val d, const val *before, val *acc) {
  ig_kb *b = s->l->b;
  for (int t = 0; t < s->tokens; t++) {
    val sum = s->sum[r * s->tokens + t];
    if (s->words) sum = kb_dot2(b, s->start[t], sum, kb_const(b, "vector<32xi16>", "dense<1>"));
    acc[t] = kb_fma(b, kb_mul(b, d, kb_load_splat_f32(b, s->x[t], X_SCALE)), kb_to_float(b, sum), before[t]);
  }
}

static val load_d(ig_kb *b, val p, int64_t offset) { return kb_f16_to_f32(b, kb_load(b, "vector<16xi16>", kb_at(b, p, offset), 32)); }

/* Blocks of one unit (two, or the odd one) times n rows. */
static void gemv_unit(ig_linear *l, val w, int blocks, int n, const val *x, val *acc) {
  ig_kb *b = l->b;
  val d[2];
  for (int i = 0; i < blocks; i++) d[i] = load_d(b, w, 32 * i);
  for (int i = 0; i < blocks; i++) {
    val xi[IG_MOST_TOKENS], line = {NULL};
    for (int t = 0; t < n; t++) xi[t] = kb_at(b, x[t], i * X_BLOCK);
    sums s;
    begin(&s, l, 1, n, xi);
    for (int g = 0; g < 8; g++) {
      if (!s.four_bits) line = kb_load_line(b, w, LINE + (8 * i + g) * LINE);
      else if (g % 2 == 0) line = kb_load_line(b, w, LINE + (4 * i + g / 2) * LINE);
      add_group(&s, 0, g, s.four_bits ? kb_nibbles(b, line, g % 2) : line);
    }
    end(&s, 0, d[i], acc, acc);
  }
}

static void offset_all(ig_kb *b, int n, const val *x, val bytes, val *out) {
  for (int t = 0; t < n; t++) out[t] = kb_ptr(b, x[t], bytes);
}

static void a32_gemv(ig_linear *l, val w, int n, const val *x, val *acc) {
  ig_kb *b = l->b;
  val unit_bytes = kb_i64(b, l->layout->unit_bytes), x_unit = kb_i64(b, 2 * X_BLOCK), xu[IG_MOST_TOKENS] = {{NULL}};
  for (int t = 0; t < n; t++) acc[t] = kb_splat(b, "vector<16xf32>", kb_f32(b, 0));
  kb_loop units, odd;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), n, acc);
  offset_all(b, n, x, kb_mul(b, units.index, x_unit), xu);
  gemv_unit(l, kb_ptr(b, w, kb_mul(b, units.index, unit_bytes)), 2, n, xu, memcpy(acc, units.carried, (size_t)n * sizeof *acc));
  kb_end_for(b, &units, acc);
  kb_for(b, &odd, kb_i64(b, 0), l->odd, kb_i64(b, 1), n, units.result);
  offset_all(b, n, x, kb_mul(b, l->units, x_unit), xu);
  gemv_unit(l, kb_ptr(b, w, kb_mul(b, l->units, unit_bytes)), 1, n, xu, memcpy(acc, odd.carried, (size_t)n * sizeof *acc));
  kb_end_for(b, &odd, acc);
  memcpy(acc, odd.result, (size_t)n * sizeof *acc);
}

/* q4_0 to bytes, scales as they are: 8 lines of nibbles a unit become 16. */
static void expand_unit(ig_kb *b, val w, val to, int lines) {
  kb_store(b, kb_load_line(b, w, 0), to, 64);
  for (int i = 0; i < lines; i++) {
    val line = kb_load_line(b, w, LINE + i * LINE);
    for (int high = 0; high < 2; high++) kb_store(b, kb_nibbles(b, line, high), kb_at(b, to, LINE + (2 * i + high) * LINE), 64);
  }
}

static void q4_0_expand(ig_linear *l, val w, val panel) {
  ig_kb *b = l->b;
  val unit_bytes = kb_i64(b, l->layout->unit_bytes), panel_unit = kb_i64(b, BYTES_UNIT);
  kb_loop units, odd;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), 0, NULL);
  expand_unit(b, kb_ptr(b, w, kb_mul(b, units.index, unit_bytes)), kb_ptr(b, panel, kb_mul(b, units.index, panel_unit)), 8);
  kb_end_for(b, &units, NULL);
  kb_for(b, &odd, kb_i64(b, 0), l->odd, kb_i64(b, 1), 0, NULL);
  expand_unit(b, kb_ptr(b, w, kb_mul(b, l->units, unit_bytes)), kb_ptr(b, panel, kb_mul(b, l->units, panel_unit)), 4);
  kb_end_for(b, &odd, NULL);
}

static void a32_gemm(ig_linear *l, int rows, const val *panels, int tokens, val x, val *acc) {
  ig_kb *b = l->b;
  int n = rows * tokens;
  val one = kb_i64(b, 1);
  kb_loop blocks; /* an odd last block lies where the first of its unit would */
  kb_for(b, &blocks, kb_i64(b, 0), kb_add(b, kb_shl(b, l->units, one), l->odd), one, n, acc);
  val half = kb_and(b, blocks.index, one), unit = kb_mul(b, kb_shru(b, blocks.index, one), kb_i64(b, BYTES_UNIT));
  val at = kb_add(b, unit, kb_mul(b, half, kb_i64(b, 8 * LINE))), scales = kb_add(b, unit, kb_mul(b, half, kb_i64(b, 32)));
  val xt[IG_MOST_TOKENS], w[IG_MOST_ROWS];
  xt[0] = kb_ptr(b, x, kb_mul(b, blocks.index, kb_i64(b, X_BLOCK)));
  for (int t = 1; t < tokens; t++) xt[t] = kb_ptr(b, xt[t - 1], l->x_stride);
  sums s;
  begin(&s, l, rows, tokens, xt);
  for (int r = 0; r < rows; r++) w[r] = kb_ptr(b, panels[r], at);
  if (b->variant->vnni) {
    for (int g = 0; g < 8; g++)
      for (int r = 0; r < rows; r++) add_group(&s, r, g, kb_load_line(b, w[r], LINE + g * LINE));
  } else { /* a loop: as one block LLVM would work token by token and spill what it loaded */
    kb_loop groups;
    if (s.words)
      for (int i = 0; i < n; i++) s.sum[i] = kb_const(b, "vector<32xi16>", "dense<0>");
    kb_for(b, &groups, kb_i64(b, 0), kb_i64(b, 8), kb_i64(b, LOOPED), n, s.sum);
    memcpy(s.sum, groups.carried, (size_t)n * sizeof *s.sum);
    val xg[IG_MOST_TOKENS];
    offset_all(b, tokens, xt, kb_mul(b, groups.index, kb_i64(b, 4)), xg);
    s.x = xg;
    for (int g = 0; g < LOOPED; g++)
      for (int r = 0; r < rows; r++) add_group(&s, r, g, kb_load_line(b, kb_ptr(b, w[r], kb_mul(b, groups.index, kb_i64(b, LINE))), LINE + g * LINE));
    kb_end_for(b, &groups, s.sum);
    memcpy(s.sum, groups.result, (size_t)n * sizeof *s.sum);
    s.x = xt;
  }
  for (int r = 0; r < rows; r++) end(&s, r, load_d(b, kb_ptr(b, panels[r], scales), 0), blocks.carried + r * tokens, acc + r * tokens);
  kb_end_for(b, &blocks, acc);
  memcpy(acc, blocks.result, (size_t)n * sizeof *acc);
}

static const ig_linear_format formats[] = {
  {"q8_0", a32_gemv, NULL, a32_gemm, 0, 0, 0},
  {"q4_0", a32_gemv, q4_0_expand, a32_gemm, BYTES_UNIT, BYTES_ODD, 0},
};

const ig_linear_format *ig_linear_a32(const char *format) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (!strcmp(formats[i].format, format)) return &formats[i];
  assert(!"a format without kernels");
  return NULL;
}
