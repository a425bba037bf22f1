/* Between builder_target.c and the files of instruction sets: what builder.h says of kb_load_x, kb_dot4, ..., as a table. */
#ifndef INGOT_CODEGEN_BUILDER_DOTS_H
#define INGOT_CODEGEN_BUILDER_DOTS_H

#include "codegen/builder.h"

typedef struct kb_dots {
  val (*load_x)(ig_kb *b, val ptr, int64_t offset);
  val (*dot4)(ig_kb *b, val acc, val w, val x);
  val (*dot4_biased)(ig_kb *b, val acc, val w, val x);
  val (*dot2)(ig_kb *b, val acc, val w, val x);
  /* of variants that sum in words (kb_in_words) */
  val (*no_words)(ig_kb *b);
  val (*dot4_words)(ig_kb *b, val acc, val w, val x);
  val (*scale_form)(ig_kb *b, val scale);
  val (*add_words)(ig_kb *b, val total, val scale, val words);
  /* of all */
  val (*table16)(ig_kb *b, const int8_t table[16], val indices);
} kb_dots;
extern const kb_dots kb_x86, kb_arm, kb_riscv, kb_wasm;

val kb_intrinsic(ig_kb *b, const char *name, const char *type, int n, const val *operands);
const char *kb_vector(char text[32], int n, const char *element); /* "vector<nxelement>" */
/* Part `part` of `parts` of a vector of n elements, and the vector of n elements that the parts make. */
val kb_cut(ig_kb *b, val v, int n, const char *element, int part, int parts);
val kb_join(ig_kb *b, const val *part, int parts, int n, const char *element);

#endif
