/* Formats with blocks of 32 and activations a32 (40 bytes: int8 q[32], f32 scale, int32 minus_sum): per block an exact integer dot, then
 * one fma by the product of the scales. Weights are stored unsigned; the sum starts at offset * minus_sum.
 * gemm takes q8_0's layout: two blocks share a line of scales; q4_0 is expanded to it. */
#include "codegen/kernels/linear.h"

#include <assert.h>
#include <string.h>

enum { LINE = 64, X_BLOCK = 40, X_SCALE = 32, X_MINUS_SUM = 36, BYTES_UNIT = LINE + 16 * LINE, BYTES_ODD = LINE + 8 * LINE };

static bool has_nibbles(const ig_linear *l) { return !strcmp(l->layout->format, "q4_0"); }
static val load_line(ig_kb *b, val p, int64_t offset) { return kb_load(b, "vector<16xi32>", kb_at(b, p, offset), 64); }
static val nibbles(ig_kb *b, val line, bool high) { return kb_and(b, high ? kb_shru(b, line, kb_i32x16(b, 4)) : line, kb_i32x16(b, 0x0f0f0f0f)); }

static val start(ig_linear *l, bool four_bits, val x) {
  ig_kb *b = l->b;
  val minus_sum = kb_load_splat_i32(b, x, X_MINUS_SUM);
  return four_bits ? kb_shl(b, minus_sum, kb_i32x16(b, 3)) : kb_dot4_biased_start(b, minus_sum);
}
static val dot(ig_linear *l, bool four_bits, val acc, val w, val x, int group) {
  val bytes = kb_bytes64(l->b, w), q = kb_bytes64(l->b, kb_load_splat_i32(l->b, x, 4 * group));
  return four_bits ? kb_dot4(l->b, acc, bytes, q) : kb_dot4_biased(l->b, acc, bytes, q);
}
static val load_d(ig_kb *b, val p, int64_t offset) { return kb_f16_to_f32(b, kb_load(b, "vector<16xi16>", kb_at(b, p, offset), 32)); }
static val add_block(ig_linear *l, val acc, val d, val x, val sum) {
  return kb_fma(l->b, kb_mul(l->b, d, kb_load_splat_f32(l->b, x, X_SCALE)), kb_to_float(l->b, sum), acc);
}

/* Blocks of one unit (two, or the odd one) times one token. */
static val gemv_unit(ig_linear *l, val w, val x, int blocks, val acc) {
  ig_kb *b = l->b;
  bool four_bits = has_nibbles(l);
  for (int n = 0; n < blocks; n++) {
    val xn = kb_at(b, x, n * X_BLOCK), sum = start(l, four_bits, xn), line = {NULL};
    for (int g = 0; g < 8; g++) {
      if (!four_bits) line = load_line(b, w, LINE + (8 * n + g) * LINE);
      else if (g % 2 == 0) line = load_line(b, w, LINE + (4 * n + g / 2) * LINE);
      sum = dot(l, four_bits, sum, four_bits ? nibbles(b, line, g % 2) : line, xn, g);
    }
    acc = add_block(l, acc, load_d(b, w, 32 * n), xn, sum);
  }
  return acc;
}

static val a32_gemv(ig_linear *l, val w, val x) {
  ig_kb *b = l->b;
  val acc = kb_splat(b, "vector<16xf32>", kb_f32(b, 0)), unit_bytes = kb_i64(b, l->layout->unit_bytes), x_unit = kb_i64(b, 2 * X_BLOCK);
  kb_loop units, odd;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), 1, &acc);
  acc = gemv_unit(l, kb_ptr(b, w, kb_mul(b, units.index, unit_bytes)), kb_ptr(b, x, kb_mul(b, units.index, x_unit)), 2, units.carried[0]);
  kb_end_for(b, &units, &acc);
  kb_for(b, &odd, kb_i64(b, 0), l->odd, kb_i64(b, 1), 1, units.result);
  acc = gemv_unit(l, kb_ptr(b, w, kb_mul(b, l->units, unit_bytes)), kb_ptr(b, x, kb_mul(b, l->units, x_unit)), 1, odd.carried[0]);
  kb_end_for(b, &odd, &acc);
  return odd.result[0];
}

/* q4_0 to bytes, scales as they are: 8 lines of nibbles a unit become 16. */
static void expand_unit(ig_kb *b, val w, val to, int lines) {
  kb_store(b, load_line(b, w, 0), to, 64);
  for (int i = 0; i < lines; i++) {
    val line = load_line(b, w, LINE + i * LINE);
    for (int high = 0; high < 2; high++) kb_store(b, nibbles(b, line, high), kb_at(b, to, LINE + (2 * i + high) * LINE), 64);
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
  bool four_bits = has_nibbles(l);
  int n = rows * tokens;
  for (int i = 0; i < n; i++) acc[i] = kb_splat(b, "vector<16xf32>", kb_f32(b, 0));
  val one = kb_i64(b, 1);
  kb_loop blocks; /* an odd last block lies where the first of its unit would */
  kb_for(b, &blocks, kb_i64(b, 0), kb_add(b, kb_shl(b, l->units, one), l->odd), one, n, acc);
  val half = kb_and(b, blocks.index, one), unit = kb_mul(b, kb_shru(b, blocks.index, one), kb_i64(b, BYTES_UNIT));
  val at = kb_add(b, unit, kb_mul(b, half, kb_i64(b, 8 * LINE))), scales = kb_add(b, unit, kb_mul(b, half, kb_i64(b, 32)));
  val sum[IG_MOST_ROWS * IG_MOST_TOKENS], xt[IG_MOST_TOKENS], w[IG_MOST_ROWS];
  xt[0] = kb_ptr(b, x, kb_mul(b, blocks.index, kb_i64(b, X_BLOCK)));
  for (int t = 1; t < tokens; t++) xt[t] = kb_ptr(b, xt[t - 1], l->x_stride);
  for (int t = 0; t < tokens; t++) {
    val s = start(l, four_bits, xt[t]);
    for (int r = 0; r < rows; r++) sum[r * tokens + t] = s;
  }
  for (int r = 0; r < rows; r++) w[r] = kb_ptr(b, panels[r], at);
  for (int g = 0; g < 8; g++)
    for (int r = 0; r < rows; r++) {
      val line = load_line(b, w[r], LINE + g * LINE);
      for (int t = 0; t < tokens; t++) sum[r * tokens + t] = dot(l, four_bits, sum[r * tokens + t], line, xt[t], g);
    }
  for (int r = 0; r < rows; r++) {
    val d = load_d(b, kb_ptr(b, panels[r], scales), 0);
    for (int t = 0; t < tokens; t++) sum[r * tokens + t] = add_block(l, blocks.carried[r * tokens + t], d, xt[t], sum[r * tokens + t]);
  }
  kb_end_for(b, &blocks, sum);
  for (int i = 0; i < n; i++) acc[i] = blocks.result[i];
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
