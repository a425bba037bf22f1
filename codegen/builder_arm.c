/* The integer dot products of Arm, by registers of the variant: 128 bits, or SVE's. Both sides are signed. x is a register with the four activations in each lane: of sdot,
 * a lane of sixteen activations that are loaded once, which the instruction takes as it is.
 *
 * Words are the products themselves, 64 of them: smlal adds to them, and nothing is added across before a sub-block's end. */
#include "codegen/builder_dots.h"

#include <assert.h>
#include <mlir-c/BuiltinTypes.h>
#include <stdio.h>
#include <string.h>

enum { PARTS = 4, TIED_MOST = 28 }; /* of 128 bits; values that a pointer waits for */

/* A register of SVE as the type that its instructions take, and back. Where the vectors' length is known this is nothing but a name. */
static val to_scalable(ig_kb *b, val v, const char *element, int n) {
  char type[32];
  snprintf(type, sizeof type, "vector<[%d]x%s>", n, element);
  return kb_op(b, "vector.scalable.insert", type, 2, (val[]){v, kb_op(b, "llvm.mlir.poison", type, 0, NULL, NULL)}, "{pos = 0 : i64}");
}
static val from_scalable(ig_kb *b, val v, const char *element, int n) {
  char type[32];
  return kb_op(b, "vector.scalable.extract", kb_vector(type, n, element), 1, &v, "{pos = 0 : i64}");
}

/* ---- registers ---- */

static val by_lane(ig_kb *b, val sixteen, int64_t lane) {
  char mask[64];
  snprintf(mask, sizeof mask, "{mask = array<i64: %d, %d, %d, %d>}", (int)lane, (int)lane, (int)lane, (int)lane);
  return kb_op(b, "vector.shuffle", "vector<4xi32>", 2, (val[]){sixteen, sixteen}, mask);
}

val kb_after(ig_kb *b, val value, int n, const val *values) {
  val operands[1 + TIED_MOST] = {value};
  char attributes[128];
  assert(n <= TIED_MOST);
  if (b->variant->sve) return value; /* registers of its length are no operands of such */
  snprintf(attributes, sizeof attributes, "{asm_string = \"\", constraints = \"=%s,0", mlirTypeIsAVector(mlirValueGetType(value)) ? "w" : "r");
  for (int i = 0; i < n; i++) operands[1 + i] = values[i], strcat(attributes, ",w");
  strcat(attributes, "\"}");
  return kb_as(b, "llvm.inline_asm", value, 1 + n, operands, attributes);
}

void kb_pin(ig_kb *b, int first, int n, val *values) {
  char attributes[128] = "{asm_string = \"\", constraints = \"", type[128] = "!llvm.struct<(", text[48];
  for (int i = 0; i < n; i++) {
    snprintf(text, sizeof text, "={v%d},", first + i), strcat(attributes, text);
    strcat(type, i ? ", vector<16xi8>" : "vector<16xi8>");
  }
  for (int i = 0; i < n; i++) snprintf(text, sizeof text, i ? ",%d" : "%d", i), strcat(attributes, text);
  strcat(attributes, "\"}"), strcat(type, ")>");
  val all = kb_op(b, "llvm.inline_asm", n == 1 ? "vector<16xi8>" : type, n, values, attributes);
  for (int i = 0; i < n; i++) {
    snprintf(text, sizeof text, "{position = array<i64: %d>}", i);
    values[i] = n == 1 ? all : kb_op(b, "llvm.extractvalue", "vector<16xi8>", 1, &all, text);
  }
}

/* `n` (1 .. 4) registers by one instruction that moves the pointer too: by kb_after LLVM does not add up the moves of several. */
static void load_in_row(ig_kb *b, val *ptr, int n, val move, val *out) {
  char name[64], type[128] = "!llvm.struct<(", at[48];
  if (n == 1) {
    out[0] = kb_load(b, "vector<16xi8>", *ptr, 16);
  } else {
    for (int i = 0; i < n; i++) strcat(type, i ? ", vector<16xi8>" : "vector<16xi8>");
    strcat(type, ")>");
    snprintf(name, sizeof name, "llvm.aarch64.neon.ld1x%d.v16i8.p0", n);
    val all = kb_intrinsic(b, name, type, 1, ptr);
    for (int i = 0; i < n; i++) {
      snprintf(at, sizeof at, "{position = array<i64: %d>}", i);
      out[i] = kb_op(b, "llvm.extractvalue", "vector<16xi8>", 1, &all, at);
    }
  }
  *ptr = kb_after(b, kb_ptr(b, *ptr, move.ptr ? move : kb_i64(b, 16 * n)), 0, NULL);
}

void kb_load_registers(ig_kb *b, val *ptr, int n, val move, val *bytes) {
  char type[32];
  int lanes = (int)b->variant->lanes;
  if (!b->variant->sve) {
    for (int i = 0; i < n; i += 4) load_in_row(b, ptr, n - i < 4 ? n - i : 4, n - i > 4 ? (val){NULL} : move, bytes + i);
    return;
  }
  for (int i = 0; i < n; i++) bytes[i] = kb_load(b, kb_vector(type, 4 * lanes, "i8"), i ? kb_ptr(b, *ptr, kb_i64(b, (int64_t)4 * lanes * i)) : *ptr, 16);
  *ptr = kb_ptr(b, *ptr, move.ptr ? move : kb_i64(b, (int64_t)4 * lanes * n));
}

void kb_load_zeros(ig_kb *b, val *zeros, int n, val *bytes) {
  for (int i = 0; i < n; i += 4) {
    val from = *zeros;
    load_in_row(b, &from, n - i < 4 ? n - i : 4, (val){NULL}, bytes + i);
    *zeros = kb_after(b, *zeros, 0, NULL);
  }
}

void kb_load_x16(ig_kb *b, val *ptr, int n, val *x16) {
  if (!b->variant->sve) {
    kb_load_registers(b, ptr, n, (val){NULL}, x16);
    return;
  }
  val all = kb_const(b, "vector<[16]xi1>", "dense<true>");
  for (int i = 0; i < n; i++)
    x16[i] = kb_intrinsic(b, "llvm.aarch64.sve.ld1rq.nxv16i8", "vector<[16]xi8>", 2, (val[]){all, i ? kb_ptr(b, *ptr, kb_i64(b, (int64_t)16 * i)) : *ptr});
  *ptr = kb_ptr(b, *ptr, kb_i64(b, (int64_t)16 * n));
}

val kb_numbers_of(ig_kb *b, val x16, const char *type) {
  if (b->variant->sve) x16 = from_scalable(b, x16, "i8", 4 * (int)b->variant->lanes);
  return kb_op(b, "vector.bitcast", type, 1, &x16, NULL);
}

val kb_dot_register(ig_kb *b, val acc, val w, val x16, int lane) {
  bool mm = b->variant->dot == IG_DOT_SMMLA;
  if (!b->variant->sve) {
    val four = mm ? x16 : by_lane(b, kb_op(b, "vector.bitcast", "vector<4xi32>", 1, &x16, NULL), lane);
    if (!mm) four = kb_op(b, "vector.bitcast", "vector<16xi8>", 1, &four, NULL);
    return kb_intrinsic(b, mm ? "llvm.aarch64.neon.smmla.v4i32.v16i8" : "llvm.aarch64.neon.sdot.v4i32.v16i8", "vector<4xi32>", 3, (val[]){acc, w, four});
  }
  val operands[4] = {to_scalable(b, acc, "i32", 4), to_scalable(b, w, "i8", 16), x16, kb_i32(b, lane)};
  acc = kb_intrinsic(b, mm ? "llvm.aarch64.sve.smmla.nxv4i32" : "llvm.aarch64.sve.sdot.lane.nxv4i32", "vector<[4]xi32>", mm ? 3 : 4, operands);
  return from_scalable(b, acc, "i32", (int)b->variant->lanes);
}

/* ---- vectors of 16 ---- */

static val load_x(ig_kb *b, val ptr, int64_t offset) {
  val four;
  if (b->variant->dot == IG_DOT_SMULL || b->variant->sve) {
    char ints[32], bytes[32];
    int lanes = (int)b->variant->lanes;
    four = kb_splat(b, kb_vector(ints, lanes, "i32"), kb_load(b, "i32", offset ? kb_ptr(b, ptr, kb_i64(b, offset)) : ptr, 4));
    return kb_op(b, "vector.bitcast", kb_vector(bytes, 4 * lanes, "i8"), 1, &four, NULL);
  } else {
    int64_t from = offset / 16 * 16;
    four = by_lane(b, kb_load(b, "vector<4xi32>", from ? kb_ptr(b, ptr, kb_i64(b, from)) : ptr, 4), offset % 16 / 4);
  }
  return kb_op(b, "vector.bitcast", "vector<16xi8>", 1, &four, NULL);
}

static val no_words(ig_kb *b) { return kb_const(b, "vector<64xi16>", "dense<0>"); }

static val dot4_words(ig_kb *b, val acc, val w, val x) {
  val part[2 * PARTS];
  for (int i = 0; i < 2 * PARTS; i++)
    part[i] = kb_intrinsic(b, "llvm.aarch64.neon.smull.v8i16", "vector<8xi16>", 2,
                           (val[]){kb_cut(b, w, 64, "i8", i, 2 * PARTS), kb_cut(b, x, 16, "i8", i % 2, 2)});
  if (acc.ptr)
    for (int i = 0; i < 2 * PARTS; i++) part[i] = kb_add(b, kb_cut(b, acc, 64, "i16", i, 2 * PARTS), part[i]);
  return kb_join(b, part, 2 * PARTS, 64, "i16");
}

static val scale_form(ig_kb *b, val scale) { return (void)b, scale; }

static val add_words(ig_kb *b, val total, val scale, val words) {
  val part[PARTS];
  for (int i = 0; i < PARTS; i++) {
    val pairs = kb_intrinsic(b, "llvm.aarch64.neon.addp.v8i16", "vector<8xi16>", 2,
                             (val[]){kb_cut(b, words, 64, "i16", 2 * i, 2 * PARTS), kb_cut(b, words, 64, "i16", 2 * i + 1, 2 * PARTS)});
    part[i] = kb_intrinsic(b, "llvm.aarch64.neon.saddlp.v4i32.v8i16", "vector<4xi32>", 1, &pairs);
    if (scale.ptr) part[i] = kb_mul(b, part[i], kb_cut(b, scale, 16, "i32", i, PARTS));
    part[i] = kb_add(b, kb_cut(b, total, 16, "i32", i, PARTS), part[i]);
  }
  return kb_join(b, part, PARTS, 16, "i32");
}

static val sve_dot4(ig_kb *b, val acc, val w, val x) {
  int lanes = (int)b->variant->lanes, parts = 16 / lanes;
  val part[PARTS], xs = to_scalable(b, x, "i8", 16);
  for (int i = 0; i < parts; i++) {
    val operands[3] = {to_scalable(b, kb_cut(b, acc, 16, "i32", i, parts), "i32", 4), to_scalable(b, kb_cut(b, w, 64, "i8", i, parts), "i8", 16), xs};
    part[i] = from_scalable(b, kb_intrinsic(b, "llvm.aarch64.sve.sdot.nxv4i32", "vector<[4]xi32>", 3, operands), "i32", lanes);
  }
  return kb_join(b, part, parts, 16, "i32");
}

static val dot4(ig_kb *b, val acc, val w, val x) {
  if (b->variant->sve) return sve_dot4(b, acc, w, x);
  if (b->variant->dot == IG_DOT_SMULL) return add_words(b, acc, (val){NULL}, dot4_words(b, (val){NULL}, w, x));
  val part[PARTS];
  for (int i = 0; i < PARTS; i++)
    part[i] = kb_intrinsic(b, "llvm.aarch64.neon.sdot.v4i32.v16i8", "vector<4xi32>", 3,
                           (val[]){kb_cut(b, acc, 16, "i32", i, PARTS), kb_cut(b, w, 64, "i8", i, PARTS), x});
  return kb_join(b, part, PARTS, 16, "i32");
}

/* Half of each pair, widened, in whatever registers there are. */
static val half_of_pairs(ig_kb *b, val pairs, bool upper) {
  val v = kb_op(b, "vector.bitcast", "vector<16xi32>", 1, &pairs, NULL), sixteen = kb_const(b, "vector<16xi32>", "dense<16>");
  if (!upper) v = kb_shl(b, v, sixteen);
  return kb_as(b, "arith.shrsi", v, 2, (val[]){v, sixteen}, NULL);
}

static val dot2(ig_kb *b, val acc, val w, val x) {
  for (int upper = 0; upper < 2 && b->variant->lanes > 4; upper++) acc = kb_add(b, acc, kb_mul(b, half_of_pairs(b, w, upper), half_of_pairs(b, x, upper)));
  if (b->variant->lanes > 4) return acc;
  val part[PARTS];
  for (int i = 0; i < PARTS; i++) {
    val product[2];
    for (int half = 0; half < 2; half++)
      product[half] = kb_intrinsic(b, "llvm.aarch64.neon.smull.v4i32", "vector<4xi32>", 2,
                                   (val[]){kb_cut(b, w, 32, "i16", 2 * i + half, 2 * PARTS), kb_cut(b, x, 32, "i16", 2 * i + half, 2 * PARTS)});
    part[i] = kb_add(b, kb_cut(b, acc, 16, "i32", i, PARTS), kb_intrinsic(b, "llvm.aarch64.neon.addp.v4i32", "vector<4xi32>", 2, product));
  }
  return kb_join(b, part, PARTS, 16, "i32");
}

static val table16(ig_kb *b, const int8_t table[16], val indices) {
  int lanes = (int)b->variant->lanes, parts = 16 / lanes;
  char literal[512] = "dense<[", type[32];
  size_t at = 7;
  for (int i = 0; i < 4 * lanes; i++) at += (size_t)snprintf(literal + at, sizeof literal - at, "%d%s", i < 16 ? table[i] : 0, i + 1 < 4 * lanes ? "," : "]>");
  val values = kb_const(b, kb_vector(type, 4 * lanes, "i8"), literal), part[PARTS];
  for (int i = 0; i < parts; i++) {
    val index = kb_cut(b, indices, 64, "i8", i, parts);
    if (lanes == 4) part[i] = kb_intrinsic(b, "llvm.aarch64.neon.tbl1.v16i8", type, 2, (val[]){values, index});
    else
      part[i] = from_scalable(
          b, kb_intrinsic(b, "llvm.aarch64.sve.tbl.nxv16i8", "vector<[16]xi8>", 2, (val[]){to_scalable(b, values, "i8", 16), to_scalable(b, index, "i8", 16)}),
          "i8", 4 * lanes);
  }
  return kb_join(b, part, parts, 64, "i8");
}

const kb_dots kb_arm = {load_x, dot4, dot4, dot2, no_words, dot4_words, scale_form, add_words, table16};
