/* The functions of ir/numerics.h as ops, step by step in the same order: what they give is equal to the C versions bit for bit on variants
 * with fma. Each takes a scalar or a vector of 16. */
#include "codegen/builder.h"

#include <mlir-c/BuiltinTypes.h>
#include <stdio.h>

#include "ir/numerics.h"

static bool is_vector(val v) { return mlirTypeIsAVector(mlirValueGetType(v)); }

static val floats(ig_kb *b, bool vector, float x) {
  char literal[40];
  if (!vector) return kb_f32(b, x);
  snprintf(literal, sizeof literal, "dense<0x%08X>", ig_f32_bits(x));
  return kb_const(b, "vector<16xf32>", literal);
}

static val ints(ig_kb *b, bool vector, int32_t x) {
  char literal[40];
  if (!vector) return kb_i32(b, x);
  snprintf(literal, sizeof literal, "dense<%d>", (int)x);
  return kb_const(b, "vector<16xi32>", literal);
}

static val as_float(ig_kb *b, val bits) {
  return is_vector(bits) ? kb_op(b, "vector.bitcast", "vector<16xf32>", 1, &bits, NULL) : kb_op(b, "arith.bitcast", "f32", 1, &bits, NULL);
}
static val as_int(ig_kb *b, val x) {
  return is_vector(x) ? kb_op(b, "vector.bitcast", "vector<16xi32>", 1, &x, NULL) : kb_op(b, "arith.bitcast", "i32", 1, &x, NULL);
}

val kb_compare(ig_kb *b, ig_compare how, val x, val y) {
  static const int of_ints[] = {0, 2, 6}, of_floats[] = {1, 4, 4}; /* eq; slt, olt; ult */
  char attributes[40], type[32] = "i1";
  val operands[2] = {x, y};
  MlirType t = mlirValueGetType(x);
  if (mlirTypeIsAVector(t)) snprintf(type, sizeof type, "vector<%lldxi1>", (long long)mlirShapedTypeGetDimSize(t, 0));
  bool is_float = mlirTypeIsAFloat(mlirTypeIsAVector(t) ? mlirShapedTypeGetElementType(t) : t);
  snprintf(attributes, sizeof attributes, "{predicate = %d : i64}", is_float ? of_floats[how] : of_ints[how]);
  return kb_op(b, is_float ? "arith.cmpf" : "arith.cmpi", type, 2, operands, attributes);
}

val kb_select(ig_kb *b, val condition, val x, val y) {
  val operands[3] = {condition, x, y};
  return kb_as(b, "arith.select", x, 3, operands, NULL);
}

val kb_max(ig_kb *b, val x, val y) { return kb_select(b, kb_compare(b, KB_LESS, y, x), x, y); }
val kb_min(ig_kb *b, val x, val y) { return kb_select(b, kb_compare(b, KB_LESS, x, y), x, y); }

val kb_div(ig_kb *b, val x, val y) {
  val operands[2] = {x, y};
  return kb_as(b, "arith.divf", x, 2, operands, NULL);
}

val kb_neg(ig_kb *b, val x) { return kb_as(b, "arith.negf", x, 1, &x, NULL); }

val kb_exp(ig_kb *b, val x) {
  bool v = is_vector(x);
  x = kb_max(b, x, floats(b, v, IG_EXP_LEAST));
  x = kb_min(b, x, floats(b, v, IG_EXP_MOST));
  val t = kb_fma(b, x, floats(b, v, IG_LOG2_E), floats(b, v, IG_MAGIC));
  val n = kb_sub(b, as_int(b, t), ints(b, v, IG_MAGIC_BITS)), nf = kb_sub(b, t, floats(b, v, IG_MAGIC));
  val r = kb_fma(b, nf, floats(b, v, -IG_LN2_HIGH), x);
  r = kb_fma(b, nf, floats(b, v, -IG_LN2_LOW), r);
  val p = floats(b, v, ig_exp_coefficients[6]);
  for (int i = 5; i >= 0; i--) p = kb_fma(b, p, r, floats(b, v, ig_exp_coefficients[i]));
  val shift[2] = {n, ints(b, v, 1)};
  val half = kb_as(b, "arith.shrsi", n, 2, shift, NULL), rest = kb_sub(b, n, half), bias = ints(b, v, 127), place = ints(b, v, 23);
  p = kb_mul(b, p, as_float(b, kb_shl(b, kb_add(b, half, bias), place)));
  return kb_mul(b, p, as_float(b, kb_shl(b, kb_add(b, rest, bias), place)));
}

val kb_silu(ig_kb *b, val x) { return kb_div(b, x, kb_add(b, floats(b, is_vector(x), 1.0f), kb_exp(b, kb_neg(b, x)))); }

val kb_gelu(ig_kb *b, val x) {
  bool v = is_vector(x);
  val w = kb_mul(b, x, kb_fma(b, floats(b, v, IG_GELU_CUBE), kb_mul(b, x, x), floats(b, v, IG_GELU_LINE)));
  return kb_div(b, x, kb_add(b, floats(b, v, 1.0f), kb_exp(b, kb_neg(b, w))));
}

val kb_softcap(ig_kb *b, val x, val cap) {
  val twice = kb_splat(b, "vector<16xf32>", kb_add(b, cap, cap)), slope = kb_splat(b, "vector<16xf32>", kb_div(b, kb_f32(b, 2), cap));
  val part = kb_div(b, twice, kb_add(b, floats(b, true, 1.0f), kb_exp(b, kb_mul(b, x, slope))));
  return kb_sub(b, kb_splat(b, "vector<16xf32>", cap), part);
}

void kb_sincos_turns(ig_kb *b, val high, val *sine, val *cosine) {
  bool v = is_vector(high);
  val q = kb_shru(b, kb_add(b, high, ints(b, v, 0x20000000)), ints(b, v, 30));
  val i = kb_sub(b, high, kb_shl(b, q, ints(b, v, 30)));
  val z = kb_mul(b, kb_op(b, "arith.sitofp", v ? "vector<16xf32>" : "f32", 1, &i, NULL), floats(b, v, 0x1p-32f)), w = kb_mul(b, z, z);
  val s = floats(b, v, ig_sin_coefficients[4]), c = floats(b, v, ig_cos_coefficients[4]);
  for (int k = 3; k >= 1; k--) s = kb_fma(b, s, w, floats(b, v, ig_sin_coefficients[k]));
  for (int k = 3; k >= 0; k--) c = kb_fma(b, c, w, floats(b, v, ig_cos_coefficients[k]));
  s = kb_fma(b, z, floats(b, v, ig_sin_coefficients[0]), kb_mul(b, s, z));
  val one = ints(b, v, 1), thirty = ints(b, v, 30), sign = ints(b, v, INT32_MIN);
  val odd = kb_compare(b, KB_EQUAL, kb_and(b, q, one), one);
  val si = as_int(b, kb_select(b, odd, c, s)), ci = as_int(b, kb_select(b, odd, s, c));
  *sine = as_float(b, kb_xor(b, si, kb_and(b, kb_shl(b, q, thirty), sign)));
  *cosine = as_float(b, kb_xor(b, ci, kb_and(b, kb_shl(b, kb_add(b, q, one), thirty), sign)));
}

/* Half of a vector of 2 n elements. */
static val half_of(ig_kb *b, val v, int n, const char *element, int part) {
  char attributes[96], type[32];
  snprintf(attributes, sizeof attributes, "{offsets = [%d], sizes = [%d], strides = [1]}", part * n, n);
  snprintf(type, sizeof type, "vector<%dx%s>", n, element);
  return kb_op(b, "vector.extract_strided_slice", type, 1, &v, attributes);
}

static val first_of(ig_kb *b, val v, const char *element) { return kb_op(b, "vector.extract", element, 1, &v, "{static_position = array<i64: 0>}"); }

static val fold(ig_kb *b, val v, const char *element, val combine(ig_kb *, val, val)) {
  for (int n = 8; n; n /= 2) v = combine(b, half_of(b, v, n, element, 0), half_of(b, v, n, element, 1));
  return first_of(b, v, element);
}

val kb_fold16(ig_kb *b, val v) { return fold(b, v, "f32", kb_add); }
val kb_fold16_i32(ig_kb *b, val v) { return fold(b, v, "i32", kb_add); }
val kb_max16(ig_kb *b, val v) { return fold(b, v, "f32", kb_max); }
