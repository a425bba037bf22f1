/* The integer dot products of WebAssembly's simd128, by its registers of 128 bits. i32x4.dot_i16x8_s adds two products of 16-bit numbers; of four rows' four bytes each
 * two such instructions take the even and the odd ones, each a number of 16 bits where it lies, so that a lane of the sum is a row. */
#include "codegen/builder_dots.h"

#include <stdio.h>

enum { PARTS = 4 }; /* registers of all rows */

static val words(ig_kb *b, val v) { return kb_op(b, "vector.bitcast", "vector<8xi16>", 1, &v, NULL); }
static val eight(ig_kb *b) { return kb_const(b, "vector<8xi16>", "dense<8>"); }
static val signed_right(ig_kb *b, val v) { return kb_op(b, "arith.shrsi", "vector<8xi16>", 2, (val[]){v, eight(b)}, NULL); }
static val dot(ig_kb *b, val x, val y) { return kb_intrinsic(b, "llvm.wasm.dot", "vector<4xi32>", 2, (val[]){x, y}); }

typedef struct halves {
  val even, odd;
} halves;
static halves of_signed(ig_kb *b, val v) { return (halves){signed_right(b, kb_shl(b, v, eight(b))), signed_right(b, v)}; }
static halves of_unsigned(ig_kb *b, val v) { return (halves){kb_and(b, v, kb_const(b, "vector<8xi16>", "dense<255>")), kb_shru(b, v, eight(b))}; }

/* The even activations for each row, then the odd ones. */
static val load_x(ig_kb *b, val ptr, int64_t offset) {
  halves x = of_signed(b, words(b, kb_splat(b, "vector<4xi32>", kb_load(b, "i32", offset ? kb_ptr(b, ptr, kb_i64(b, offset)) : ptr, 4))));
  return kb_join(b, (val[]){x.even, x.odd}, 2, 16, "i16");
}

static val dots(ig_kb *b, val acc, val w, val x, halves of(ig_kb *, val)) {
  val part[PARTS];
  for (int i = 0; i < PARTS; i++) {
    halves h = of(b, words(b, kb_cut(b, w, 64, "i8", i, PARTS)));
    part[i] = kb_add(b, kb_cut(b, acc, 16, "i32", i, PARTS), dot(b, h.even, kb_cut(b, x, 16, "i16", 0, 2)));
    part[i] = kb_add(b, part[i], dot(b, h.odd, kb_cut(b, x, 16, "i16", 1, 2)));
  }
  return kb_join(b, part, PARTS, 16, "i32");
}
static val dot4(ig_kb *b, val acc, val w, val x) { return dots(b, acc, w, x, of_unsigned); }
static val dot4_signed(ig_kb *b, val acc, val w, val x) { return dots(b, acc, w, x, of_signed); }

static val dot2(ig_kb *b, val acc, val w, val x) {
  val part[PARTS];
  for (int i = 0; i < PARTS; i++) part[i] = dot(b, kb_cut(b, w, 32, "i16", i, PARTS), kb_cut(b, x, 32, "i16", i, PARTS));
  return kb_add(b, acc, kb_join(b, part, PARTS, 16, "i32"));
}

static val table16(ig_kb *b, const int8_t table[16], val indices) {
  char literal[128] = "dense<[";
  size_t at = 7;
  val part[PARTS];
  for (int i = 0; i < 16; i++) at += (size_t)snprintf(literal + at, sizeof literal - at, "%d%s", table[i], i < 15 ? "," : "]>");
  val values = kb_const(b, "vector<16xi8>", literal);
  for (int i = 0; i < PARTS; i++) part[i] = kb_intrinsic(b, "llvm.wasm.swizzle", "vector<16xi8>", 2, (val[]){values, kb_cut(b, indices, 64, "i8", i, PARTS)});
  return kb_join(b, part, PARTS, 64, "i8");
}

const kb_dots kb_wasm = {.load_x = load_x, .dot4 = dot4, .dot4_biased = dot4_signed, .dot2 = dot2, .table16 = table16};
