/* tq1_0 and tq2_0: ternary values without scales of their own; the eight sub-blocks are only a measure of work. */
#include "codegen/kernels/linear.h"

enum { LINE = 64 };

static void tq2_0_bytes(const ig_reader *r, val part, int j, val *bytes) {
  for (int g = 0; g < 8; g++) {
    val line = ig_read_line(r, part, (2 * j + g / 4) * LINE);
    bytes[g] = kb_and(r->b, g % 4 ? kb_shru(r->b, line, kb_i32x16(r->b, g % 4 * 2)) : line, kb_i32x16(r->b, 0x03030303));
  }
}

/* floor(3 x / 2^16) of 16-bit fractions x: the first digit. */
static val first_digit(ig_kb *b, val x) {
  val wide = kb_op(b, "arith.extui", "vector<32xi32>", 1, &x, NULL);
  wide = kb_shru(b, kb_mul(b, wide, kb_const(b, "vector<32xi32>", "dense<3>")), kb_const(b, "vector<32xi32>", "dense<16>"));
  return kb_op(b, "arith.trunci", "vector<32xi16>", 1, &wide, NULL);
}
/* Digit n of each byte: the fraction times 3^n has n digits before the point, which 16 bits drop. */
static val digits(ig_kb *b, val line, int n) {
  static const char *const power[5] = {"dense<1>", "dense<3>", "dense<9>", "dense<27>", "dense<81>"};
  val words = kb_words32(b, line), eight = kb_const(b, "vector<32xi16>", "dense<8>"), digit[2];
  for (int odd = 0; odd < 2; odd++) {
    val x = odd ? kb_and(b, words, kb_const(b, "vector<32xi16>", "dense<-256>")) : kb_shl(b, words, eight);
    digit[odd] = first_digit(b, n ? kb_mul(b, x, kb_const(b, "vector<32xi16>", power[n])) : x);
  }
  val both = kb_or(b, digit[0], kb_shl(b, digit[1], eight));
  return kb_op(b, "vector.bitcast", "vector<16xi32>", 1, &both, NULL);
}
static void tq1_0_bytes(const ig_reader *r, val part, int j, val *bytes) {
  for (int g = 0; g < 8; g++) bytes[g] = digits(r->b, ig_read_line(r, part, (8 * j + g) / 5 * LINE), (8 * j + g) % 5);
}

const ig_k_format ig_k_tq2_0 = {.format = "tq2_0", .subs = 8, .parts = 4, .part = 4 * LINE, .head = LINE, .words = 8, .extra = IG_K_OFFSET_ONE, .bytes = tq2_0_bytes,
                                .linear = {"tq2_0", ig_a256_gemv, ig_a256_expand, ig_a256_gemm, 2 * 65 * LINE, 65 * LINE, 0}};
const ig_k_format ig_k_tq1_0 = {.format = "tq1_0", .subs = 8, .parts = 1, .part = 13 * LINE, .head = LINE, .words = 8, .extra = IG_K_OFFSET_ONE, .bytes = tq1_0_bytes,
                                .linear = {"tq1_0", ig_a256_gemv, ig_a256_expand, ig_a256_gemm, 2 * 65 * LINE, 65 * LINE, 0}};
