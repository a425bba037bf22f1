/* How the lines of formats with blocks of 32 (pack_a32.c) become bytes, and their numbers. */
#include "codegen/kernels/linear.h"
#include "ir/formats/unpack.h"

#include <assert.h>
#include <string.h>

enum { LINE = 64 };

static void whole_bytes(const ig_reader *r, val lines, val *bytes) {
  for (int g = 0; g < 8; g++) bytes[g] = ig_read_line(r, lines, g * LINE);
}
static void nibbles(const ig_reader *r, val lines, val *bytes) {
  for (int i = 0; i < 4; i++) {
    val line = ig_read_line(r, lines, i * LINE);
    for (int high = 0; high < 2; high++) bytes[2 * i + high] = kb_nibbles(r->b, line, high);
  }
}
void ig_five_bits(const ig_reader *r, val lines, val *bytes) {
  ig_kb *b = r->b;
  val high = ig_read_line(r, lines, 0);
  nibbles(r, kb_at(b, lines, LINE), bytes);
  for (int g = 0; g < 8; g++) {
    val fifth = g < 4 ? kb_shl(b, high, kb_i32x16(b, 4 - g)) : g > 4 ? kb_shru(b, high, kb_i32x16(b, g - 4)) : high;
    bytes[g] = kb_or(b, bytes[g], kb_and(b, fifth, kb_i32x16(b, 0x10101010)));
  }
}
static void looked_up(const ig_reader *r, val lines, const int8_t *values, int bias, val *bytes) {
  int8_t table[16];
  for (int i = 0; i < 16; i++) table[i] = (int8_t)(values[i] + bias);
  nibbles(r, lines, bytes);
  for (int g = 0; g < 8; g++) bytes[g] = kb_ints(r->b, kb_table16(r->b, table, kb_bytes64(r->b, bytes[g])));
}
void ig_iq4_bytes(const ig_reader *r, val lines, val *bytes) { looked_up(r, lines, ig_iq4_values, kb_signed(r->b) ? 0 : 128, bytes); }
static void mxfp4_bytes(const ig_reader *r, val lines, val *bytes) { looked_up(r, lines, ig_mxfp4_values, 16, bytes); }

static val half_scale(const ig_reader *r, val unit, int block) { return ig_read_halves(r, unit, 32 * block); }
/* Half of the scale: twice the values are whole. */
static val mxfp4_scale(const ig_reader *r, val unit, int block) {
  ig_kb *b = r->b;
  val bytes = ig_read_bytes(r, unit, 16 * block), e = kb_op(b, "arith.extui", "vector<16xi32>", 1, &bytes, NULL);
  val normal = kb_shl(b, kb_sub(b, e, kb_i32x16(b, 1)), kb_i32x16(b, 23));
  val subnormal = kb_select(b, kb_compare(b, KB_EQUAL, e, kb_i32x16(b, 0)), kb_i32x16(b, 0x00200000), kb_i32x16(b, 0x00400000));
  val bits = kb_select(b, kb_compare(b, KB_BELOW, e, kb_i32x16(b, 2)), subnormal, normal);
  return kb_op(b, "vector.bitcast", "vector<16xf32>", 1, &bits, NULL);
}

/* Scratch for a panel of units and odd blocks of so many lines a block. */
#define PANEL(name, unit, odd) {name, ig_a32_gemv, ig_a32_expand, ig_a32_gemm, (unit) * LINE, (odd) * LINE, 0, NULL, 0, 0, NULL, NULL, 0}

static const ig_b_format formats[] = {
  {"q8_0", 2, 8, 7, 0, false, half_scale, whole_bytes, {"q8_0", ig_a32_gemv, NULL, ig_a32_gemm, 0, 0, 0, NULL, 0, 0, NULL, NULL, 0}},
  {"q4_0", 2, 4, 3, 8, false, half_scale, nibbles, PANEL("q4_0", 2 * 9, 9)},
  {"q4_1", 1, 4, 0, 8, true, half_scale, nibbles, PANEL("q4_1", 10, 0)},
  {"q5_0", 2, 5, 4, 4, false, half_scale, ig_five_bits, PANEL("q5_0", 2 * 9, 9)},
  {"q5_1", 1, 5, 0, 4, true, half_scale, ig_five_bits, PANEL("q5_1", 10, 0)},
  {"iq4_nl", 2, 4, 7, 0, false, half_scale, ig_iq4_bytes, PANEL("iq4_nl", 2 * 9, 9)},
  {"mxfp4", 4, 4, 4, 4, false, mxfp4_scale, mxfp4_bytes, PANEL("mxfp4", 4 * 9, 9)},
};

const ig_b_format *ig_b_of(const char *format) {
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (!strcmp(formats[i].format, format)) return &formats[i];
  assert(!"a format without kernels");
  return NULL;
}
const ig_linear_format *ig_linear_a32(const char *format) { return &ig_b_of(format)->linear; }
