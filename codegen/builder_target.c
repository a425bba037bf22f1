/* What a variant lends to kernels: its integer dot products and half conversions, cut to its register width. */
#include "codegen/builder.h"

#include <assert.h>
#include <mlir-c/BuiltinTypes.h>
#include <stdio.h>
#include <string.h>

static val intrinsic(ig_kb *b, const char *name, const char *type, int n, const val *operands) {
  char attributes[256];
  snprintf(attributes, sizeof attributes, "{intrin = \"%s\", operandSegmentSizes = array<i32: %d, 0>, op_bundle_sizes = array<i32>}", name, n);
  return kb_op(b, "llvm.call_intrinsic", type, n, operands, attributes);
}

static const char *vector(char text[32], int n, const char *element) {
  snprintf(text, 32, "vector<%dx%s>", n, element);
  return text;
}

/* Part `part` of `parts` of a vector of n elements. */
static val cut(ig_kb *b, val v, int n, const char *element, int part, int parts) {
  if (parts == 1) return v;
  char attributes[128], type[32];
  snprintf(attributes, sizeof attributes, "{offsets = [%d], sizes = [%d], strides = [1]}", part * n / parts, n / parts);
  return kb_op(b, "vector.extract_strided_slice", vector(type, n / parts, element), 1, &v, attributes);
}

static val join_of(ig_kb *b, const val *part, int parts, int n, const char *element) {
  if (parts == 1) return part[0];
  char type[32];
  val whole = kb_const(b, vector(type, n, element), "dense<0>");
  for (int i = 0; i < parts; i++) {
    char attributes[128];
    snprintf(attributes, sizeof attributes, "{offsets = [%d], strides = [1]}", i * n / parts);
    val operands[2] = {part[i], whole};
    whole = kb_op(b, "vector.insert_strided_slice", type, 2, operands, attributes);
  }
  return whole;
}
static val join(ig_kb *b, const val *part, int parts) { return join_of(b, part, parts, 16, "i32"); }

/* Instructions by lanes: 4, 8, 16. */
static const struct width {
  const char *dot4, *dot2;                 /* VNNI */
  const char *madd_bytes, *madd_words, *sign, *shuffle;
} widths[3] = {
  {NULL, NULL, "llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.sse2.pmadd.wd", "llvm.x86.ssse3.psign.b.128",
   "llvm.x86.ssse3.pshuf.b.128"},
  {"llvm.x86.avx512.vpdpbusd.256", "llvm.x86.avx512.vpdpwssd.256", "llvm.x86.avx2.pmadd.ub.sw", "llvm.x86.avx2.pmadd.wd", "llvm.x86.avx2.psign.b",
   "llvm.x86.avx2.pshuf.b"},
  {"llvm.x86.avx512.vpdpbusd.512", "llvm.x86.avx512.vpdpwssd.512", "llvm.x86.avx512.pmaddubs.w.512", "llvm.x86.avx512.pmaddw.d.512", NULL,
   "llvm.x86.avx512.pshuf.b.512"},
};

static const struct width *width_of(const ig_variant *v) { return &widths[v->lanes == 4 ? 0 : v->lanes == 8 ? 1 : 2]; }

static val dot4(ig_kb *b, val acc, val w, val x, bool is_signed) {
  const struct width *width = width_of(b->variant);
  int lanes = (int)b->variant->lanes, parts = 16 / lanes;
  char bytes[32], words[32], ints[32];
  vector(bytes, lanes * 4, "i8"), vector(words, lanes * 2, "i16"), vector(ints, lanes, "i32");
  val part[4];
  for (int i = 0; i < parts; i++) {
    val wi = cut(b, w, 64, "i8", i, parts), xi = cut(b, x, 64, "i8", i, parts), ai = cut(b, acc, 16, "i32", i, parts);
    if (b->variant->vnni) {
      part[i] = intrinsic(b, width->dot4, ints, 3, (val[]){ai, wi, xi});
      continue;
    }
    if (is_signed) { /* |w| * sign(w) x: at most 128 * 127 * 2, which the 16-bit sums hold */
      xi = intrinsic(b, width->sign, bytes, 2, (val[]){xi, wi});
      wi = kb_op(b, "math.absi", bytes, 1, &wi, NULL);
    }
    val pairs = intrinsic(b, width->madd_bytes, words, 2, (val[]){wi, xi});
    val sums = intrinsic(b, width->madd_words, ints, 2, (val[]){pairs, kb_const(b, words, "dense<1>")});
    part[i] = kb_add(b, ai, sums);
  }
  return join(b, part, parts);
}

val kb_dot4(ig_kb *b, val acc, val w_u8, val x_s8) { return dot4(b, acc, w_u8, x_s8, false); }

val kb_dot4_biased(ig_kb *b, val acc, val w_biased, val x_s8) {
  if (b->variant->vnni) return dot4(b, acc, w_biased, x_s8, false);
  return dot4(b, acc, kb_xor(b, w_biased, kb_const(b, "vector<64xi8>", "dense<-128>")), x_s8, true);
}

val kb_dot4_biased_start(ig_kb *b, val minus_sum) {
  return b->variant->vnni ? kb_shl(b, minus_sum, kb_const(b, "vector<16xi32>", "dense<7>")) : kb_const(b, "vector<16xi32>", "dense<0>");
}

val kb_dot2(ig_kb *b, val acc, val w, val x) {
  const struct width *width = width_of(b->variant);
  int lanes = (int)b->variant->lanes, parts = 16 / lanes;
  char ints[32];
  vector(ints, lanes, "i32");
  val part[4];
  for (int i = 0; i < parts; i++) {
    val wi = cut(b, w, 32, "i16", i, parts), xi = cut(b, x, 32, "i16", i, parts), ai = cut(b, acc, 16, "i32", i, parts);
    part[i] = b->variant->vnni ? intrinsic(b, width->dot2, ints, 3, (val[]){ai, wi, xi})
                               : kb_add(b, ai, intrinsic(b, width->madd_words, ints, 2, (val[]){wi, xi}));
  }
  return join(b, part, parts);
}

val kb_table16(ig_kb *b, const int8_t table[16], val indices) {
  int lanes = (int)b->variant->lanes, parts = 16 / lanes;
  char literal[512] = "dense<[", type[32];
  for (size_t i = 0, at = strlen(literal); i < (size_t)lanes * 4; i++) /* each 16 bytes look up their own copy */
    at += (size_t)snprintf(literal + at, sizeof literal - at, "%d%s", table[i % 16], i + 1 < (size_t)lanes * 4 ? "," : "]>");
  val values = kb_const(b, vector(type, lanes * 4, "i8"), literal), part[4];
  for (int i = 0; i < parts; i++) part[i] = intrinsic(b, width_of(b->variant)->shuffle, type, 2, (val[]){values, cut(b, indices, 64, "i8", i, parts)});
  return join_of(b, part, parts, 64, "i8");
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
