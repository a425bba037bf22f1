/* y[t] = row tokens[t] of a packed weight, decoded to f32 exactly as the format's definition has it: sixteen values at a time, gathered from
 * the row's four bytes of every line (the layout is told in pack_tile.c). */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codegen/kernels/kernels.h"

enum { LINE = 64 };

typedef struct row {
  ig_kb *b;
  val unit;      /* this unit of the tile */
  val number;    /* i64, 0 .. 15 */
} row;

static val at(row *e, val offset_i64, int64_t constant, int64_t bytes_a_row) {
  ig_kb *b = e->b;
  val p = kb_ptr(b, e->unit, kb_add(b, offset_i64, kb_i64(b, constant)));
  return kb_ptr(b, p, kb_mul(b, e->number, kb_i64(b, bytes_a_row)));
}
static val insert(ig_kb *b, const char *type, val element, val vector, int i) {
  char position[64];
  snprintf(position, sizeof position, "{static_position = array<i64: %d>}", i);
  return kb_op(b, "vector.insert", type, 2, (val[]){element, vector}, position);
}
static val none(row *e) { return kb_i64(e->b, 0); }

static val to_f32(ig_kb *b, val half_bits) {
  val lanes = kb_f16_to_f32(b, kb_splat(b, "vector<16xi16>", half_bits));
  return kb_op(b, "vector.extract", "f32", 1, &lanes, "{static_position = array<i64: 0>}");
}
static val half(row *e, val offset, int64_t constant) { return to_f32(e->b, kb_load(e->b, "i16", at(e, offset, constant, 2), 2)); }
static val word(row *e, val offset, int64_t constant) { return kb_load(e->b, "i32", at(e, offset, constant, 4), 4); }
static val to_float(ig_kb *b, const char *type, val v) { return kb_op(b, "arith.sitofp", type, 1, &v, NULL); }

/* Four words of bytes to sixteen floats of value - bias. */
static val values_of(ig_kb *b, const val word[4], int64_t bias) {
  val v = kb_const(b, "vector<4xi32>", "dense<0>");
  for (int i = 0; i < 4; i++) v = insert(b, "vector<4xi32>", word[i], v, i);
  val bytes = kb_op(b, "vector.bitcast", "vector<16xi8>", 1, &v, NULL), wide = kb_op(b, "arith.extui", "vector<16xi32>", 1, &bytes, NULL);
  return to_float(b, "vector<16xf32>", kb_sub(b, wide, kb_splat(b, "vector<16xi32>", kb_i32(b, bias))));
}
static val masked(ig_kb *b, val w, val shift, int64_t mask) { return kb_and(b, kb_shru(b, w, shift), kb_i32(b, mask)); }
static val narrow(ig_kb *b, val v) { return kb_op(b, "arith.trunci", "i32", 1, &v, NULL); }
static void nibbles(row *e, val offset, int64_t constant, val out[4]) { /* two lines */
  for (int i = 0; i < 4; i++) out[i] = masked(e->b, word(e, offset, constant + i / 2 * LINE), kb_i32(e->b, i % 2 * 4), 0x0f0f0f0f);
}
static val times(ig_kb *b, val scalar, val v) { return kb_mul(b, kb_splat(b, "vector<16xf32>", scalar), v); }
static val mul64(ig_kb *b, val v, int64_t c) { return kb_mul(b, v, kb_i64(b, c)); }
static val shr64(ig_kb *b, val v, int64_t c) { return kb_shru(b, v, kb_i64(b, c)); }
static val and64(ig_kb *b, val v, int64_t c) { return kb_and(b, v, kb_i64(b, c)); }

/* ---- values 16c .. 16c + 15 of a unit; c is an i64 ---- */

static val plain(row *e, const char *element, const char *type, int64_t size) {
  val v = kb_splat(e->b, type, kb_const(e->b, element, *element == 'f' ? "0.0" : "0"));
  for (int k = 0; k < 16; k++) v = insert(e->b, type, kb_load(e->b, element, at(e, none(e), 16 * size * k, size), (int)size), v, k);
  return v;
}
static val f32_values(row *e, val c) { return (void)c, plain(e, "f32", "vector<16xf32>", 4); }
static val f16_values(row *e, val c) { return (void)c, kb_f16_to_f32(e->b, plain(e, "i16", "vector<16xi16>", 2)); }
static val bf16_values(row *e, val c) {
  (void)c;
  val h = plain(e, "i16", "vector<16xi16>", 2), bits = kb_op(e->b, "arith.extui", "vector<16xi32>", 1, &h, NULL);
  bits = kb_shl(e->b, bits, kb_splat(e->b, "vector<16xi32>", kb_i32(e->b, 16)));
  return kb_op(e->b, "vector.bitcast", "vector<16xf32>", 1, &bits, NULL);
}

static val q8_0_values(row *e, val c) {
  val w[4];
  for (int i = 0; i < 4; i++) w[i] = word(e, mul64(e->b, c, 4 * LINE), (1 + i) * LINE);
  return times(e->b, half(e, mul64(e->b, shr64(e->b, c, 1), 32), 0), values_of(e->b, w, 128));
}
static val q4_0_values(row *e, val c) {
  val w[4];
  nibbles(e, mul64(e->b, c, 2 * LINE), LINE, w);
  return times(e->b, half(e, mul64(e->b, shr64(e->b, c, 1), 32), 0), values_of(e->b, w, 8));
}

static val q4_k_values(row *e, val c) {
  ig_kb *b = e->b;
  val w[4], quarter = mul64(b, shr64(b, c, 2), 9 * LINE), shift = narrow(b, mul64(b, and64(b, shr64(b, c, 1), 1), 16));
  nibbles(e, kb_add(b, quarter, mul64(b, and64(b, c, 3), 2 * LINE)), LINE, w);
  val header = word(e, quarter, 0), min = masked(b, header, shift, 63), scale = masked(b, header, kb_add(b, shift, kb_i32(b, 6)), 63), halves = kb_i32(b, 0);
  for (int q = 0; q < 4; q++) halves = kb_or(b, kb_shru(b, halves, kb_i32(b, 4)), kb_and(b, word(e, none(e), 9 * q * LINE), kb_i32(b, (int32_t)0xf000f000)));
  val pair = kb_op(b, "vector.bitcast", "vector<2xi16>", 1, (val[]){kb_splat(b, "vector<1xi32>", halves)}, NULL), d[2];
  for (int i = 0; i < 2; i++) {
    val bits = kb_op(b, "vector.extract", "i16", 1, &pair, i ? "{static_position = array<i64: 1>}" : "{static_position = array<i64: 0>}");
    d[i] = to_f32(b, bits);
  }
  val product = kb_mul(b, d[1], to_float(b, "f32", min));
  product = kb_select(b, kb_compare(b, KB_EQUAL, min, kb_i32(b, 0)), kb_f32(b, 0), product); /* an infinite dmin times no minimum is none */
  val v = times(b, kb_mul(b, d[0], to_float(b, "f32", scale)), values_of(b, w, 0));
  return kb_sub(b, v, kb_splat(b, "vector<16xf32>", product));
}

static val q6_k_values(row *e, val c) {
  ig_kb *b = e->b;
  val w[4], quarter = mul64(b, shr64(b, c, 2), 13 * LINE);
  val three = kb_add(b, quarter, mul64(b, and64(b, c, 3), 3 * LINE)), high = word(e, three, 4 * LINE);
  nibbles(e, three, 2 * LINE, w);
  for (int i = 0; i < 4; i++) w[i] = kb_or(b, w[i], kb_shl(b, masked(b, high, kb_i32(b, 2 * i), 0x03030303), kb_i32(b, 4)));
  val byte = kb_load(b, "i8", at(e, kb_add(b, quarter, mul64(b, and64(b, c, 3), 16)), LINE, 1), 1), scale = kb_op(b, "arith.extsi", "i32", 1, &byte, NULL);
  return times(b, kb_mul(b, half(e, none(e), 0), to_float(b, "f32", scale)), values_of(b, w, 32));
}

static const struct { const char *format; val (*values)(row *, val); } formats[] = {
  {"f32", f32_values}, {"f16", f16_values}, {"bf16", bf16_values}, {"q8_0", q8_0_values}, {"q4_0", q4_0_values}, {"q4_k", q4_k_values}, {"q6_k", q6_k_values},
};

void ig_gen_embed(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  const ig_layout *layout = ref->layout;
  val (*values)(row *, val) = NULL;
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (!strcmp(formats[i].format, layout->format)) values = formats[i].values;
  assert(values);
  ig_kernel_values k = kb_kernel(b, symbol);
  val dim[3];
  for (int i = 0; i < 3; i++) {
    val d = kb_dim(b, k, IG_D0 + i);
    dim[i] = kb_op(b, "arith.extui", "i64", 1, &d, NULL);
  }
  val tokens = kb_operand(b, k, 0), w = kb_operand(b, k, 1), y = kb_operand(b, k, 2), zero = kb_i64(b, 0), one = kb_i64(b, 1);
  val tile_bytes = kb_add(b, mul64(b, dim[0], layout->unit_bytes), mul64(b, dim[1], layout->odd_bytes));
  int64_t chunks_a_unit = layout->unit_values / 16, chunks_odd = layout->odd_values / 16;
  val chunks = kb_add(b, mul64(b, dim[0], chunks_a_unit), mul64(b, dim[1], chunks_odd)), last = kb_sub(b, mul64(b, dim[2], INGOT_ROWS), one);
  val begin = kb_op(b, "arith.extui", "i64", 1, &k.begin, NULL), end = kb_op(b, "arith.extui", "i64", 1, &k.end, NULL);
  kb_loop token, chunk;
  kb_for(b, &token, begin, end, one, 0, NULL);
  val id32 = kb_load(b, "i32", kb_ptr(b, tokens, mul64(b, token.index, 4)), 4), id = kb_op(b, "arith.extui", "i64", 1, &id32, NULL);
  id = kb_op(b, "arith.minui", "i64", 2, (val[]){id, last}, NULL);
  val tile = kb_ptr(b, w, kb_mul(b, shr64(b, id, 4), tile_bytes)), to = kb_ptr(b, y, kb_mul(b, token.index, mul64(b, chunks, 64)));
  kb_for(b, &chunk, zero, chunks, one, 0, NULL);
  val unit = kb_op(b, "arith.divui", "i64", 2, (val[]){chunk.index, kb_i64(b, chunks_a_unit)}, NULL);
  row e = {b, kb_ptr(b, tile, mul64(b, unit, layout->unit_bytes)), and64(b, id, INGOT_ROWS - 1)};
  kb_store(b, values(&e, and64(b, chunk.index, chunks_a_unit - 1)), kb_ptr(b, to, mul64(b, chunk.index, 64)), 64);
  kb_end_for(b, &chunk, NULL);
  kb_end_for(b, &token, NULL);
  kb_return(b);
}
