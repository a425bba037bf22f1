/* What a variant lends to kernels: its byte dot products, by the tables of builder_x86.c, builder_arm.c, builder_riscv.c and builder_wasm.c, and half
 * conversions. */
#include "codegen/builder_dots.h"

#include <assert.h>
#include <mlir-c/BuiltinTypes.h>
#include <stdio.h>

static const kb_dots *dots(const ig_kb *b) {
  static const kb_dots *const by_dot[] = {[IG_DOT_MADD] = &kb_x86,  [IG_DOT_VNNI] = &kb_x86, [IG_DOT_VWMUL] = &kb_riscv, [IG_DOT_I16X8] = &kb_wasm,
                                          [IG_DOT_SMULL] = &kb_arm, [IG_DOT_SDOT] = &kb_arm, [IG_DOT_SMMLA] = &kb_arm};
  return by_dot[b->variant->dot];
}

bool kb_in_words(const ig_kb *b) { return b->variant->dot == IG_DOT_MADD || b->variant->dot == IG_DOT_VWMUL || b->variant->dot == IG_DOT_SMULL; }
bool kb_signed(const ig_kb *b) { return b->variant->dot >= IG_DOT_VWMUL; }
val kb_load_x(ig_kb *b, val ptr, int64_t offset) { return dots(b)->load_x(b, ptr, offset); }
val kb_dot4(ig_kb *b, val acc, val w, val x) { return dots(b)->dot4(b, acc, w, x); }
val kb_dot4_biased(ig_kb *b, val acc, val w_biased, val x) { return dots(b)->dot4_biased(b, acc, w_biased, x); }
val kb_dot2(ig_kb *b, val acc, val w, val x) { return dots(b)->dot2(b, acc, w, x); }
val kb_no_words(ig_kb *b) { return dots(b)->no_words(b); }
val kb_dot4_words(ig_kb *b, val acc, val w, val x) { return dots(b)->dot4_words(b, acc, w, x); }
val kb_scale_form(ig_kb *b, val scale) { return dots(b)->scale_form(b, scale); }
val kb_add_words(ig_kb *b, val total, val scale, val words) { return dots(b)->add_words(b, total, scale, words); }
val kb_table16(ig_kb *b, const int8_t table[16], val indices) { return dots(b)->table16(b, table, indices); }

val kb_dot4_biased_start(ig_kb *b, val minus_sum) {
  return b->variant->dot == IG_DOT_VNNI ? kb_shl(b, minus_sum, kb_const(b, "vector<16xi32>", "dense<7>")) : kb_const(b, "vector<16xi32>", "dense<0>");
}

/* ---- pieces of vectors ---- */

val kb_intrinsic(ig_kb *b, const char *name, const char *type, int n, const val *operands) {
  char attributes[256];
  snprintf(attributes, sizeof attributes, "{intrin = \"%s\", operandSegmentSizes = array<i32: %d, 0>, op_bundle_sizes = array<i32>}", name, n);
  return kb_op(b, "llvm.call_intrinsic", type, n, operands, attributes);
}

const char *kb_vector(char text[32], int n, const char *element) {
  snprintf(text, 32, "vector<%dx%s>", n, element);
  return text;
}

val kb_cut(ig_kb *b, val v, int n, const char *element, int part, int parts) {
  if (parts == 1) return v;
  char attributes[128], type[32];
  snprintf(attributes, sizeof attributes, "{offsets = [%d], sizes = [%d], strides = [1]}", part * n / parts, n / parts);
  return kb_op(b, "vector.extract_strided_slice", kb_vector(type, n / parts, element), 1, &v, attributes);
}

val kb_join(ig_kb *b, const val *part, int parts, int n, const char *element) {
  if (parts == 1) return part[0];
  char type[32];
  val whole = kb_const(b, kb_vector(type, n, element), *element == 'f' ? "dense<0.0>" : "dense<0>");
  for (int i = 0; i < parts; i++) {
    char attributes[128];
    snprintf(attributes, sizeof attributes, "{offsets = [%d], strides = [1]}", i * n / parts);
    val operands[2] = {part[i], whole};
    whole = kb_op(b, "vector.insert_strided_slice", type, 2, operands, attributes);
  }
  return whole;
}

/* ---- half precision ---- */

static val i32x16(ig_kb *b, int64_t v) {
  char literal[32];
  snprintf(literal, sizeof literal, "dense<%d>", (int)v);
  return kb_const(b, "vector<16xi32>", literal);
}
static val bitcast(ig_kb *b, const char *type, val v) { return kb_op(b, "vector.bitcast", type, 1, &v, NULL); }
static val below(ig_kb *b, val x, val y) { return kb_op(b, "arith.cmpi", "vector<16xi1>", 2, (val[]){x, y}, "{predicate = 6 : i64}"); /* ult */ }
static val select(ig_kb *b, const char *type, val c, val x, val y) { return kb_op(b, "arith.select", type, 3, (val[]){c, x, y}, NULL); }

val kb_f16_to_f32(ig_kb *b, val h) {
  if (b->variant->f16c) {
    val half = bitcast(b, "vector<16xf16>", h);
    return kb_op(b, "arith.extf", "vector<16xf32>", 1, &half, NULL);
  }
  val wide = kb_op(b, "arith.extui", "vector<16xi32>", 1, &h, NULL);
  val magnitude = kb_and(b, wide, i32x16(b, 0x7fff)), sign = kb_shl(b, kb_and(b, wide, i32x16(b, 0x8000)), i32x16(b, 16));
  val shifted = bitcast(b, "vector<16xf32>", kb_shl(b, magnitude, i32x16(b, 13)));
  val scaled = kb_mul(b, shifted, kb_const(b, "vector<16xf32>", "dense<0x77800000>")); /* 2^112 moves the exponent, subnormals too */
  val bits = bitcast(b, "vector<16xi32>", scaled);
  val special = kb_or(b, kb_shl(b, magnitude, i32x16(b, 13)), i32x16(b, 0x7f800000));
  bits = select(b, "vector<16xi32>", below(b, magnitude, i32x16(b, 0x7c00)), bits, special);
  return bitcast(b, "vector<16xf32>", kb_or(b, bits, sign));
}

val kb_f32_to_f16(ig_kb *b, val f) {
  if (b->variant->f16c) {
    val half = kb_op(b, "arith.truncf", "vector<16xf16>", 1, &f, NULL);
    return bitcast(b, "vector<16xi16>", half);
  }
  val bits = bitcast(b, "vector<16xi32>", f), magnitude = kb_and(b, bits, i32x16(b, 0x7fffffff));
  val sign = kb_and(b, kb_shru(b, bits, i32x16(b, 16)), i32x16(b, 0x8000));
  val odd = kb_and(b, kb_shru(b, magnitude, i32x16(b, 13)), i32x16(b, 1));
  val normal = kb_shru(b, kb_add(b, kb_sub(b, magnitude, i32x16(b, 0x38000000 - 0xfff)), odd), i32x16(b, 13));
  val lifted = kb_add(b, bitcast(b, "vector<16xf32>", magnitude), kb_const(b, "vector<16xf32>", "dense<5.0e-01>")); /* rounds at bit 2^-24 */
  val subnormal = kb_sub(b, bitcast(b, "vector<16xi32>", lifted), i32x16(b, 0x3f000000));
  val chosen = kb_or(b, select(b, "vector<16xi32>", below(b, magnitude, i32x16(b, 0x38800000)), subnormal, normal), sign);
  return kb_op(b, "arith.trunci", "vector<16xi16>", 1, &chosen, NULL);
}
