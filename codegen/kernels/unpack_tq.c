/* tq1_0 and tq2_0: ternary values without scales of their own; the eight sub-blocks are only a measure of work. */
#include "codegen/kernels/linear.h"

enum { LINE = 64 };

static void tq2_0_bytes(const ig_reader *r, val part, int j, val *bytes) {
  for (int g = 0; g < 8; g++) {
    val line = ig_read_line(r, part, (2 * j + g / 4) * LINE);
    bytes[g] = kb_and(r->b, g % 4 ? kb_shru(r->b, line, kb_i32x16(r->b, g % 4 * 2)) : line, kb_i32x16(r->b, 0x03030303));
  }
}

/* The pairs where they lie: 4^c times the dot of groups c, c + 4, ... */
static void tq2_0_multiply(ig_kb *b, val part, int n, const val *x, const val *minus_sums, val *total, val *minima) {
  (void)minus_sums, (void)minima;
  val line[4];
  for (int i = 0; i < 4; i++) line[i] = kb_load_line(b, part, i * LINE);
  for (int t = 0; t < n; t++)
    for (int c = 0; c < 4; c++) {
      val dot = kb_i32x16(b, 0);
      for (int i = 0; i < 4; i++)
        dot = kb_dot4(b, dot, kb_bytes64(b, kb_and(b, line[i], kb_i32x16(b, (int32_t)(0x03030303u << 2 * c)))), kb_load_x(b, x[t], 16 * i + 4 * c));
      total[t] = kb_add(b, total[t], c ? kb_op(b, "arith.shrsi", "vector<16xi32>", 2, (val[]){dot, kb_i32x16(b, 2 * c)}, NULL) : dot);
    }
}

/* floor(x * factor / 2^16) of 16-bit words. */
static val high_product(ig_kb *b, val x, const char *factor) {
  val wide = kb_op(b, "arith.extui", "vector<32xi32>", 1, &x, NULL);
  wide = kb_shru(b, kb_mul(b, wide, kb_const(b, "vector<32xi32>", factor)), kb_const(b, "vector<32xi32>", "dense<16>"));
  return kb_op(b, "arith.trunci", "vector<32xi16>", 1, &wide, NULL);
}
/* Each byte is a fraction with five digits of base 3, here the upper byte of a word: times 3^n it has n digits before the point, which 16 bits
 * drop, and times 9 (or 3) once more the next two (or one) are all that lies before it. */
static val digits_from(ig_kb *b, val line, int n, bool two) {
  val words = kb_words32(b, line), eight = kb_const(b, "vector<32xi16>", "dense<8>"), digit[2];
  for (int odd = 0; odd < 2; odd++) {
    val x = odd ? kb_and(b, words, kb_const(b, "vector<32xi16>", "dense<-256>")) : kb_shl(b, words, eight);
    if (n) x = kb_mul(b, x, kb_const(b, "vector<32xi16>", n == 2 ? "dense<9>" : "dense<81>"));
    digit[odd] = high_product(b, x, two ? "dense<9>" : "dense<3>");
  }
  val both = kb_or(b, digit[0], kb_shl(b, digit[1], eight));
  return kb_op(b, "vector.bitcast", "vector<16xi32>", 1, &both, NULL);
}
static val digit_of(ig_kb *b, val line, int n) {
  static const int8_t of_two[2][16] = {{0, 0, 0, 1, 1, 1, 2, 2, 2}, {0, 1, 2, 0, 1, 2, 0, 1, 2}};
  if (n == 4) return digits_from(b, line, 4, false);
  return kb_ints(b, kb_table16(b, of_two[n % 2], kb_bytes64(b, digits_from(b, line, n & ~1, true))));
}
static void tq1_0_bytes(const ig_reader *r, val part, int j, val *bytes) {
  for (int g = 0; g < 8; g++) bytes[g] = digit_of(r->b, ig_read_line(r, part, (8 * j + g) / 5 * LINE), (8 * j + g) % 5);
}

/* The dot of digits without the digits. With q_0 the byte and q_{n+1} = 3 q_n mod 256, digit n is (3 q_n - q_{n+1}) / 256, so that
 *     sum of digit n times x_n = (3 * sum of q_n x_n - sum of q_{n+1} x_n) / 256     exactly:
 * two dot products and two additions a digit. Sums of their own for odd lines: none waits for its last product. */
static void tq1_0_multiply(ig_kb *b, val part, int n, const val *x, const val *minus_sums, val *total, val *minima) {
  (void)minus_sums, (void)minima;
  val low[2][IG_MOST_TOKENS], high[2][IG_MOST_TOKENS];
  for (int t = 0; t < n; t++) low[0][t] = low[1][t] = high[0][t] = high[1][t] = kb_i32x16(b, 0);
  for (int i = 0; i < 13; i++) {
    val q = kb_bytes64(b, kb_load_line(b, part, i * LINE));
    for (int g = 5 * i; g < 5 * i + 5 && g < 64; g++) {
      val next = kb_add(b, kb_add(b, q, q), q);
      for (int t = 0; t < n; t++) {
        val four = kb_load_x(b, x[t], 4 * g), *l = &low[i % 2][t], *h = &high[i % 2][t];
        *l = kb_dot4(b, *l, q, four), *h = kb_dot4(b, *h, next, four);
      }
      q = next;
    }
  }
  for (int t = 0; t < n; t++) {
    val l = kb_add(b, low[0][t], low[1][t]), h = kb_add(b, high[0][t], high[1][t]);
    val sum = kb_sub(b, kb_mul(b, l, kb_i32x16(b, 3)), h);
    total[t] = kb_add(b, total[t], kb_op(b, "arith.shrsi", "vector<16xi32>", 2, (val[]){sum, kb_i32x16(b, 8)}, NULL));
  }
}

const ig_k_format ig_k_tq2_0 = {.format = "tq2_0",
                                .subs = 8,
                                .parts = 4,
                                .part = 4 * LINE,
                                .head = LINE,
                                .words = 8,
                                .extra = IG_K_OFFSET_ALL,
                                .offset_all = 1,
                                .bytes = tq2_0_bytes,
                                .linear = {"tq2_0", ig_a256_gemv, ig_a256_expand, ig_a256_gemm, 2 * 65 * LINE, 65 * LINE, 0, NULL, 0, 0, NULL, NULL, 0},
                                .multiply = tq2_0_multiply};
const ig_k_format ig_k_tq1_0 = {.format = "tq1_0",
                                .subs = 8,
                                .parts = 1,
                                .part = 13 * LINE,
                                .head = LINE,
                                .words = 8,
                                .extra = IG_K_OFFSET_ALL,
                                .offset_all = 1,
                                .bytes = tq1_0_bytes,
                                .linear = {"tq1_0", ig_a256_gemv, ig_a256_expand, ig_a256_gemm, 2 * 65 * LINE, 65 * LINE, 0, NULL, 0, 0, NULL, NULL, 0},
                                .multiply = tq1_0_multiply};
