/* The byte dot product of machines without VNNI, stopped half way: pairs of products summed in 16 bits. Adding these up and widening them
 * once, times the scale, saves two thirds of the instructions of kb_dot4; the caller knows how many sums 16 bits hold. */
#include <stdio.h>

#include "codegen/builder.h"

val kb_dot4_words(ig_kb *b, val acc, val w, val x) {
  int lanes = (int)b->variant->lanes, parts = 16 / lanes;
  const char *name = lanes == 4 ? "llvm.x86.ssse3.pmadd.ub.sw.128" : lanes == 8 ? "llvm.x86.avx2.pmadd.ub.sw" : "llvm.x86.avx512.pmaddubs.w.512";
  char bytes[32], words[32], call[192];
  snprintf(bytes, sizeof bytes, "vector<%dxi8>", 4 * lanes);
  snprintf(words, sizeof words, "vector<%dxi16>", 2 * lanes);
  snprintf(call, sizeof call, "{intrin = \"%s\", operandSegmentSizes = array<i32: 2, 0>, op_bundle_sizes = array<i32>}", name);
  val whole = kb_const(b, "vector<32xi16>", "dense<0>");
  for (int i = 0; i < parts; i++) {
    char slice[96], place[64];
    snprintf(slice, sizeof slice, "{offsets = [%d], sizes = [%d], strides = [1]}", i * 4 * lanes, 4 * lanes);
    snprintf(place, sizeof place, "{offsets = [%d], strides = [1]}", i * 2 * lanes);
    val operands[2] = {kb_op(b, "vector.extract_strided_slice", bytes, 1, &w, slice), kb_op(b, "vector.extract_strided_slice", bytes, 1, &x, slice)};
    val part[2] = {kb_op(b, "llvm.call_intrinsic", words, 2, operands, call), whole};
    whole = kb_op(b, "vector.insert_strided_slice", "vector<32xi16>", 2, part, place);
  }
  return acc.ptr ? kb_add(b, acc, whole) : whole;
}
