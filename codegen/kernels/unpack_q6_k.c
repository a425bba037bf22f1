/* q2_k, q3_k, q6_k: quarters of four sub-blocks of 16. */
#include "codegen/kernels/linear.h"

enum { LINE = 64 };

static val bits(ig_kb *b, val v, int by, int64_t mask) { return kb_and(b, by ? kb_shru(b, v, kb_i32x16(b, by)) : v, kb_i32x16(b, mask)); }
static val left(ig_kb *b, val v, int by, int64_t mask) { return kb_and(b, by ? kb_shl(b, v, kb_i32x16(b, by)) : v, kb_i32x16(b, mask)); }

static val q2_k_scale(const ig_reader *r, val part, int j) { return bits(r->b, ig_read_line(r, part, 0), 8 * j, 15); }
static val q2_k_minimum(const ig_reader *r, val part, int j) { return bits(r->b, ig_read_line(r, part, 0), 8 * j + 4, 15); }
static void q2_k_bytes(const ig_reader *r, val part, int j, val *bytes) {
  for (int c = 0; c < 4; c++) bytes[c] = bits(r->b, ig_read_line(r, part, (1 + c) * LINE), 2 * j, 0x03030303);
}

/* The pairs where they lie: 4^j times the dot of sub-block j. Dots fit 16 bits, so shifts make pairs of them, and one instruction multiplies and
 * adds a pair: sub-blocks 0 and 2, then 1 and 3, for which the header needs no more than a mask. Minima likewise. */
static void q2_k_multiply(ig_kb *b, val part, int n, const val *x, const val *minus_sums, val *total, val *minima) {
  val header = kb_load_line(b, part, 0), line[4], upper = kb_i32x16(b, (int32_t)0xffff0000);
  for (int c = 0; c < 4; c++) line[c] = kb_load_line(b, part, (1 + c) * LINE);
  for (int t = 0; t < n; t++) {
    val dot[4];
    for (int j = 0; j < 4; j++) {
      dot[j] = kb_i32x16(b, 0);
      for (int c = 0; c < 4; c++)
        dot[j] = kb_dot4(b, dot[j], kb_bytes64(b, kb_and(b, line[c], kb_i32x16(b, (int32_t)(0x03030303u << 2 * j)))), kb_load_x(b, x[t], 16 * j + 4 * c));
    }
    for (int j = 0; j < 2; j++) {
      val low = kb_and(b, j ? kb_shru(b, dot[1], kb_i32x16(b, 2)) : dot[0], kb_i32x16(b, 0xffff)),
          high = kb_and(b, kb_shl(b, dot[2 + j], kb_i32x16(b, 12 - 2 * j)), upper);
      total[t] = kb_dot2(b, total[t], kb_words32(b, bits(b, header, 8 * j, 0x000f000f)), kb_words32(b, kb_or(b, low, high)));
      val first = kb_load(b, "i32", kb_at(b, minus_sums[t], 4 * j), 4), third = kb_load(b, "i32", kb_at(b, minus_sums[t], 4 * (j + 2)), 4);
      val sums = kb_or(b, kb_and(b, first, kb_i32(b, 0xffff)), kb_shl(b, third, kb_i32(b, 16)));
      minima[t] = kb_dot2(b, minima[t], kb_words32(b, bits(b, header, 8 * j + 4, 0x000f000f)), kb_words32(b, kb_splat(b, "vector<16xi32>", sums)));
    }
  }
}

/* Products with the scale of four bytes at a time: none is above 45, so nothing is carried from byte to byte. */
static void q2_k_products(const ig_reader *r, val part, int j, val *bytes) {
  q2_k_bytes(r, part, j, bytes);
  for (int c = 0; c < 4; c++) bytes[c] = kb_mul(r->b, bytes[c], q2_k_scale(r, part, j));
}

static val q3_k_scale(const ig_reader *r, val part, int j) {
  static const int at[4] = {0, 6, 16, 22};
  return kb_sub(r->b, bits(r->b, ig_read_line(r, part, 0), at[j], 63), kb_i32x16(r->b, 32));
}
/* Groups 0 .. 7 of two sub-blocks in three lines: six threes as they are, two in pieces. */
static void q3_k_bytes(const ig_reader *r, val part, int j, val *bytes) {
  val line[3];
  for (int i = 0; i < 3; i++) line[i] = ig_read_line(r, part, (1 + 3 * (j / 2) + i) * LINE);
  for (int c = 0; c < 4; c++) {
    int g = 4 * (j % 2) + c;
    bytes[c] = g < 6 ? bits(r->b, line[g / 2], 3 * (g % 2), 0x07070707)
                     : kb_or(r->b, bits(r->b, line[g - 6], 6, 0x03030303), bits(r->b, line[2], g - 2, 0x04040404));
  }
}

/* (t - 4) * scale + 124 for t = 0 .. 7, scale = -32 .. 31: 0 .. 252, so the carries from byte to byte of the one term take back those of the other. */
enum { Q3_K_OFFSET = 124 };
static void q3_k_products(const ig_reader *r, val part, int j, val *bytes) {
  ig_kb *b = r->b;
  val scale = q3_k_scale(r, part, j), rest = kb_sub(b, kb_i32x16(b, Q3_K_OFFSET), kb_shl(b, scale, kb_i32x16(b, 2)));
  rest = kb_mul(b, rest, kb_i32x16(b, 0x01010101));
  q3_k_bytes(r, part, j, bytes);
  for (int c = 0; c < 4; c++) bytes[c] = kb_add(b, kb_mul(b, bytes[c], scale), rest);
}

static val q6_k_scale(const ig_reader *r, val part, int j) {
  val bytes = ig_read_bytes(r, part, 16 * j);
  return kb_op(r->b, "arith.extsi", "vector<16xi32>", 1, &bytes, NULL);
}
static void q6_k_bytes(const ig_reader *r, val part, int j, val *bytes) {
  val low[2] = {ig_read_line(r, part, (1 + 3 * j) * LINE), ig_read_line(r, part, (2 + 3 * j) * LINE)}, high = ig_read_line(r, part, (3 + 3 * j) * LINE);
  for (int c = 0; c < 4; c++)
    bytes[c] = kb_or(r->b, kb_nibbles(r->b, low[c / 2], c % 2), c < 2 ? left(r->b, high, 4 - 2 * c, 0x30303030) : bits(r->b, high, 2 * c - 4, 0x30303030));
}

static const ig_k_format q2_k_as_products = {.format = "q2_k",
                                             .subs = 16,
                                             .parts = 4,
                                             .part = 5 * LINE,
                                             .head = LINE,
                                             .extra = IG_K_MINIMA_16,
                                             .minima = q2_k_minimum,
                                             .bytes = q2_k_products,
                                             .linear = {.panel_unit = LINE * (2 + 16 + 64)}};
static const ig_k_format q3_k_as_products = {.format = "q3_k",
                                             .subs = 16,
                                             .parts = 4,
                                             .part = 7 * LINE,
                                             .extra = IG_K_OFFSET_ALL,
                                             .offset_all = Q3_K_OFFSET,
                                             .negated = true,
                                             .d_bits = 4,
                                             .d_mask = 0x0000f000,
                                             .bytes = q3_k_products,
                                             .linear = {.panel_unit = LINE * (1 + 64)}};
const ig_k_format ig_k_q2_k = {.format = "q2_k",
                               .subs = 16,
                               .parts = 4,
                               .part = 5 * LINE,
                               .head = LINE,
                               .words = 4,
                               .extra = IG_K_MINIMA_16,
                               .scale = q2_k_scale,
                               .minima = q2_k_minimum,
                               .bytes = q2_k_bytes,
                               .linear = IG_K_LINEAR("q2_k", 2 + 16 + 16 + 64),
                               .multiply = q2_k_multiply,
                               .products = &q2_k_as_products};
const ig_k_format ig_k_q3_k = {.format = "q3_k",
                               .subs = 16,
                               .parts = 4,
                               .part = 7 * LINE,
                               .offset_shift = 2,
                               .words = 4,
                               .d_bits = 4,
                               .d_mask = 0x0000f000,
                               .scale = q3_k_scale,
                               .bytes = q3_k_bytes,
                               .linear = IG_K_LINEAR("q3_k", 1 + 16 + 64),
                               .products = &q3_k_as_products};
const ig_k_format ig_k_q6_k = {.format = "q6_k",
                               .subs = 16,
                               .parts = 4,
                               .part = 13 * LINE,
                               .head = LINE,
                               .offset_shift = 5,
                               .words = 2,
                               .scale = q6_k_scale,
                               .bytes = q6_k_bytes,
                               .linear = IG_K_LINEAR("q6_k", 1 + 16 + 64)};
