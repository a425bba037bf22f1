/* The integer dot products of x86, cut to the variant's register width. Without VNNI the byte product may stop half way: pairs of products summed in
 * 16 bits. Adding these up and widening them once, times the scale, saves two thirds of the instructions of kb_dot4. */
#include "codegen/builder_dots.h"

#include <stdio.h>
#include <string.h>

/* Instructions by lanes: 4, 8, 16. */
static const struct width {
  const char *dot4, *dot2;                 /* VNNI */
  const char *madd_bytes, *madd_words, *sign, *shuffle;
} widths[3] = {
  {NULL, NULL, "llvm.x86.ssse3.pmadd.ub.sw.128", "llvm.x86.sse2.pmadd.wd", "llvm.x86.ssse3.psign.b.128", "llvm.x86.ssse3.pshuf.b.128"},
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
  kb_vector(bytes, lanes * 4, "i8"), kb_vector(words, lanes * 2, "i16"), kb_vector(ints, lanes, "i32");
  val part[4];
  for (int i = 0; i < parts; i++) {
    val wi = kb_cut(b, w, 64, "i8", i, parts), xi = kb_cut(b, x, 64, "i8", i, parts), ai = kb_cut(b, acc, 16, "i32", i, parts);
    if (b->variant->dot == IG_DOT_VNNI) {
      part[i] = kb_intrinsic(b, width->dot4, ints, 3, (val[]){ai, wi, xi});
      continue;
    }
    if (is_signed) { /* |w| * sign(w) x: at most 128 * 127 * 2, which the 16-bit sums hold */
      xi = kb_intrinsic(b, width->sign, bytes, 2, (val[]){xi, wi});
      wi = kb_op(b, "math.absi", bytes, 1, &wi, NULL);
    }
    val pairs = kb_intrinsic(b, width->madd_bytes, words, 2, (val[]){wi, xi});
    val sums = kb_intrinsic(b, width->madd_words, ints, 2, (val[]){pairs, kb_const(b, words, "dense<1>")});
    part[i] = kb_add(b, ai, sums);
  }
  return kb_join(b, part, parts, 16, "i32");
}

static val dot4_unsigned(ig_kb *b, val acc, val w, val x) { return dot4(b, acc, w, x, false); }

static val dot4_biased(ig_kb *b, val acc, val w, val x) {
  if (b->variant->dot == IG_DOT_VNNI) return dot4(b, acc, w, x, false);
  return dot4(b, acc, kb_xor(b, w, kb_const(b, "vector<64xi8>", "dense<-128>")), x, true);
}

static val dot2(ig_kb *b, val acc, val w, val x) {
  const struct width *width = width_of(b->variant);
  int lanes = (int)b->variant->lanes, parts = 16 / lanes;
  char ints[32];
  kb_vector(ints, lanes, "i32");
  val part[4];
  for (int i = 0; i < parts; i++) {
    val wi = kb_cut(b, w, 32, "i16", i, parts), xi = kb_cut(b, x, 32, "i16", i, parts), ai = kb_cut(b, acc, 16, "i32", i, parts);
    part[i] = b->variant->dot == IG_DOT_VNNI ? kb_intrinsic(b, width->dot2, ints, 3, (val[]){ai, wi, xi})
                                             : kb_add(b, ai, kb_intrinsic(b, width->madd_words, ints, 2, (val[]){wi, xi}));
  }
  return kb_join(b, part, parts, 16, "i32");
}

static val no_words(ig_kb *b) { return kb_const(b, "vector<32xi16>", "dense<0>"); }

static val dot4_words(ig_kb *b, val acc, val w, val x) {
  int lanes = (int)b->variant->lanes, parts = 16 / lanes;
  char words[32];
  val part[4];
  kb_vector(words, 2 * lanes, "i16");
  for (int i = 0; i < parts; i++)
    part[i] = kb_intrinsic(b, width_of(b->variant)->madd_bytes, words, 2, (val[]){kb_cut(b, w, 64, "i8", i, parts), kb_cut(b, x, 64, "i8", i, parts)});
  val whole = kb_join(b, part, parts, 32, "i16");
  return acc.ptr ? kb_add(b, acc, whole) : whole;
}

/* A lane's two words have one scale: a pair of it. */
static val scale_form(ig_kb *b, val scale) {
  return kb_or(b, kb_and(b, scale, kb_splat(b, "vector<16xi32>", kb_i32(b, 0xffff))), kb_shl(b, scale, kb_splat(b, "vector<16xi32>", kb_i32(b, 16))));
}
static val add_words(ig_kb *b, val total, val scale, val words) {
  if (!scale.ptr) return dot2(b, total, words, kb_const(b, "vector<32xi16>", "dense<1>"));
  return dot2(b, total, kb_op(b, "vector.bitcast", "vector<32xi16>", 1, &scale, NULL), words);
}

static val load_x(ig_kb *b, val ptr, int64_t offset) {
  val four = kb_splat(b, "vector<16xi32>", kb_load(b, "i32", offset ? kb_ptr(b, ptr, kb_i64(b, offset)) : ptr, 4));
  return kb_op(b, "vector.bitcast", "vector<64xi8>", 1, &four, NULL);
}

static val table16(ig_kb *b, const int8_t table[16], val indices) {
  int lanes = (int)b->variant->lanes, parts = 16 / lanes;
  char literal[512] = "dense<[", type[32];
  for (size_t i = 0, at = strlen(literal); i < (size_t)lanes * 4; i++) /* each 16 bytes look up their own copy */
    at += (size_t)snprintf(literal + at, sizeof literal - at, "%d%s", table[i % 16], i + 1 < (size_t)lanes * 4 ? "," : "]>");
  val values = kb_const(b, kb_vector(type, lanes * 4, "i8"), literal), part[4];
  for (int i = 0; i < parts; i++) part[i] = kb_intrinsic(b, width_of(b->variant)->shuffle, type, 2, (val[]){values, kb_cut(b, indices, 64, "i8", i, parts)});
  return kb_join(b, part, parts, 64, "i8");
}

const kb_dots kb_x86 = {load_x, dot4_unsigned, dot4_biased, dot2, no_words, dot4_words, scale_form, add_words, table16};
