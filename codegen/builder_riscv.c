/* The integer dot products of RISC-V's V, of whole vectors of 16 lanes: four registers of 128 bits in one instruction. There is no dot product; vwmul's products
 * of 16 bits are the words, 64 of them as on Arm without sdot, and neighbours are added at a sub-block's end. But for the table all of this is plain vector
 * code, of which LLVM makes vwmul, vwadd and vnsrl. */
#include "codegen/builder_dots.h"

#include <stdio.h>

static val widened(ig_kb *b, val v, const char *type) { return kb_op(b, "arith.extsi", type, 1, &v, NULL); }

/* Every other of 2n elements, from the first or the second on. */
static val every_other(ig_kb *b, val v, int n, const char *element, int from) {
  char mask[256] = "{mask = array<i64: ", type[32];
  size_t at = 19;
  for (int i = 0; i < n; i++) at += (size_t)snprintf(mask + at, sizeof mask - at, "%d%s", 2 * i + from, i + 1 < n ? ", " : ">}");
  return kb_op(b, "vector.shuffle", kb_vector(type, n, element), 2, (val[]){v, v}, mask);
}

static val pairs_added(ig_kb *b, val v32xi32) { return kb_add(b, every_other(b, v32xi32, 16, "i32", 0), every_other(b, v32xi32, 16, "i32", 1)); }

static val load_x(ig_kb *b, val ptr, int64_t offset) {
  val four = kb_splat(b, "vector<16xi32>", kb_load(b, "i32", offset ? kb_ptr(b, ptr, kb_i64(b, offset)) : ptr, 4));
  return kb_op(b, "vector.bitcast", "vector<64xi8>", 1, &four, NULL);
}

static val no_words(ig_kb *b) { return kb_const(b, "vector<64xi16>", "dense<0>"); }

static val dot4_words(ig_kb *b, val acc, val w, val x) {
  val products = kb_mul(b, widened(b, w, "vector<64xi16>"), widened(b, x, "vector<64xi16>"));
  return acc.ptr ? kb_add(b, acc, products) : products;
}

static val scale_form(ig_kb *b, val scale) { return (void)b, scale; }

static val add_words(ig_kb *b, val total, val scale, val words) {
  val half[2];
  for (int i = 0; i < 2; i++) half[i] = widened(b, every_other(b, words, 32, "i16", i), "vector<32xi32>");
  val sums = pairs_added(b, kb_add(b, half[0], half[1]));
  return kb_add(b, total, scale.ptr ? kb_mul(b, sums, scale) : sums);
}

static val dot4(ig_kb *b, val acc, val w, val x) { return add_words(b, acc, (val){NULL}, dot4_words(b, (val){NULL}, w, x)); }

static val dot2(ig_kb *b, val acc, val w, val x) {
  return kb_add(b, acc, pairs_added(b, kb_mul(b, widened(b, w, "vector<32xi32>"), widened(b, x, "vector<32xi32>"))));
}

/* vrgather of 64 bytes: 32 at the least in four registers, whose length LLVM has to be told. */
static val table16(ig_kb *b, const int8_t table[16], val indices) {
  char literal[384] = "dense<[";
  size_t at = 7;
  for (int i = 0; i < 64; i++) at += (size_t)snprintf(literal + at, sizeof literal - at, "%d%s", i < 16 ? table[i] : 0, i < 63 ? "," : "]>");
  val none = kb_op(b, "llvm.mlir.poison", "vector<[32]xi8>", 0, NULL, NULL);
  val values = kb_op(b, "vector.scalable.insert", "vector<[32]xi8>", 2, (val[]){kb_const(b, "vector<64xi8>", literal), none}, "{pos = 0 : i64}");
  val which = kb_op(b, "vector.scalable.insert", "vector<[32]xi8>", 2, (val[]){indices, none}, "{pos = 0 : i64}");
  val found = kb_intrinsic(b, "llvm.riscv.vrgather.vv.nxv32i8.i64", "vector<[32]xi8>", 4, (val[]){none, values, which, kb_i64(b, 64)});
  return kb_op(b, "vector.scalable.extract", "vector<64xi8>", 1, &found, "{pos = 0 : i64}");
}

const kb_dots kb_riscv = {load_x, dot4, dot4, dot2, no_words, dot4_words, scale_form, add_words, table16};
