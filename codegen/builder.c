#include "codegen/builder.h"

#include <assert.h>
#include <mlir-c/BuiltinAttributes.h>
#include <mlir-c/BuiltinTypes.h>
#include <stdio.h>
#include <string.h>

#include "ir/base/base.h"

static MlirStringRef ref(const char *s) { return mlirStringRefCreateFromCString(s); }

static MlirType type_of(ig_kb *b, const char *text) {
  MlirType t = mlirTypeParseGet(b->context, ref(text));
  assert(!mlirTypeIsNull(t));
  return t;
}

static MlirType element_of(val v) {
  MlirType t = mlirValueGetType(v);
  return mlirTypeIsAVector(t) ? mlirShapedTypeGetElementType(t) : t;
}

static bool is_float(val v) { return mlirTypeIsAFloat(element_of(v)); }

/* Appends an op to the block; attributes as the text of a dictionary. Returns a null op, reported, where MLIR refuses. */
static MlirOperation append(ig_kb *b, const char *name, int n_types, const MlirType *types, int n, const val *operands, const char *attributes, int n_regions,
                            MlirRegion *regions) {
  MlirOperationState s = mlirOperationStateGet(ref(name), b->location);
  mlirOperationStateAddOperands(&s, n, operands);
  mlirOperationStateAddResults(&s, n_types, types);
  if (n_regions) mlirOperationStateAddOwnedRegions(&s, n_regions, regions);
  if (attributes) {
    MlirAttribute dictionary = mlirAttributeParseGet(b->context, ref(attributes));
    assert(!mlirAttributeIsNull(dictionary) && mlirAttributeIsADictionary(dictionary));
    for (intptr_t i = 0; i < mlirDictionaryAttrGetNumElements(dictionary); i++) {
      MlirNamedAttribute a = mlirDictionaryAttrGetElement(dictionary, i);
      mlirOperationStateAddAttributes(&s, 1, &a);
    }
  }
  MlirOperation op = mlirOperationCreate(&s);
  assert(!mlirOperationIsNull(op));
  mlirBlockAppendOwnedOperation(b->block, op);
  return op;
}

static val one(ig_kb *b, const char *name, MlirType type, int n, const val *operands, const char *attributes) {
  return mlirOperationGetResult(append(b, name, 1, &type, n, operands, attributes, 0, NULL), 0);
}

val kb_op(ig_kb *b, const char *name, const char *type, int n, const val *operands, const char *attributes) {
  if (!type) {
    append(b, name, 0, NULL, n, operands, attributes, 0, NULL);
    return (val){NULL};
  }
  return one(b, name, type_of(b, type), n, operands, attributes);
}

val kb_as(ig_kb *b, const char *name, val like, int n, const val *operands, const char *attributes) {
  return one(b, name, mlirValueGetType(like), n, operands, attributes);
}

/* Where ingot_kernel_args has its dims: behind addresses of the target. */
static size_t dims_at(const ig_kb *b) { return (size_t)INGOT_MAX_OPERANDS * b->target->pointer; }

ig_kernel_values kb_kernel(ig_kb *b, const char *symbol) {
  MlirType in[4] = {type_of(b, "!llvm.ptr"), type_of(b, "!llvm.ptr"), type_of(b, "i32"), type_of(b, "i32")};
  MlirLocation where[4] = {b->location, b->location, b->location, b->location};
  MlirBlock body = mlirBlockCreate(4, in, where);
  MlirRegion region = mlirRegionCreate();
  mlirRegionAppendOwnedBlock(region, body);
  char attributes[640], length[64] = "";
  if (b->variant->form_of) { /* vectors of exactly so many times 128 bits: least and most in one number, as LLVM has it */
    uint64_t times = b->variant->lanes / 4;
    snprintf(length, sizeof length, ", [\"vscale_range\", \"%llu\"]", (unsigned long long)(times << 32 | times));
  }
  snprintf(
      attributes, sizeof attributes,
      "{sym_name = \"%s\", function_type = (!llvm.ptr, !llvm.ptr, i32, i32) -> (), passthrough = [\"nounwind\", \"norecurse\"%s], arg_attrs = ["
      "{llvm.noalias, llvm.readonly, llvm.nonnull, llvm.align = %u : i64, llvm.dereferenceable = %zu : i64}, {llvm.noalias, llvm.align = 64 : i64}, {}, {}]}",
      symbol, length, b->target->pointer, dims_at(b) + sizeof((ingot_kernel_args *)0)->dim);
  b->block = mlirModuleGetBody(b->module);
  append(b, "func.func", 0, NULL, 0, NULL, attributes, 1, &region);
  b->block = body;
  return (ig_kernel_values){mlirBlockGetArgument(body, 0), mlirBlockGetArgument(body, 1), mlirBlockGetArgument(body, 2), mlirBlockGetArgument(body, 3)};
}

void kb_function(ig_kb *b, const char *symbol, const char *type, int n, const char *const *types, val *arguments) {
  MlirType in[8] = {{NULL}};
  MlirLocation where[8] = {{NULL}};
  assert(n <= 8);
  for (int i = 0; i < n; i++) in[i] = type_of(b, types[i]), where[i] = b->location;
  MlirBlock body = mlirBlockCreate(n, in, where);
  MlirRegion region = mlirRegionCreate();
  mlirRegionAppendOwnedBlock(region, body);
  char attributes[512];
  snprintf(attributes, sizeof attributes, "{sym_name = \"%s\", function_type = %s, passthrough = [\"nounwind\", \"norecurse\"]}", symbol, type);
  b->block = mlirModuleGetBody(b->module);
  append(b, "func.func", 0, NULL, 0, NULL, attributes, 1, &region);
  b->block = body;
  for (int i = 0; i < n; i++) arguments[i] = mlirBlockGetArgument(body, i);
}

static bool knows(ig_kb *b, const char *symbol) {
  MlirOperation op = mlirBlockGetFirstOperation(mlirModuleGetBody(b->module));
  for (; !mlirOperationIsNull(op); op = mlirOperationGetNextInBlock(op)) {
    MlirAttribute name = mlirOperationGetAttributeByName(op, ref("sym_name"));
    if (!mlirAttributeIsNull(name) && mlirStringRefEqual(mlirStringAttrGetValue(name), ref(symbol))) return true;
  }
  return false;
}

val kb_call(ig_kb *b, const char *symbol, const char *type, const char *result, int n, const val *arguments) {
  char attributes[512];
  if (!knows(b, symbol)) {
    MlirBlock here = b->block;
    MlirRegion region = mlirRegionCreate();
    snprintf(attributes, sizeof attributes, "{sym_name = \"%s\", sym_visibility = \"private\", function_type = %s}", symbol, type);
    b->block = mlirModuleGetBody(b->module);
    append(b, "func.func", 0, NULL, 0, NULL, attributes, 1, &region);
    b->block = here;
  }
  snprintf(attributes, sizeof attributes, "{callee = @\"%s\"}", symbol);
  return kb_op(b, "func.call", result, n, arguments, attributes);
}

void kb_return_value(ig_kb *b, val value) { append(b, "func.return", 0, NULL, 1, &value, NULL, 0, NULL); }
void kb_return(ig_kb *b) { append(b, "func.return", 0, NULL, 0, NULL, NULL, 0, NULL); }

/* ---- constants ---- */

val kb_const(ig_kb *b, const char *type, const char *literal) {
  char attributes[8192];
  int n = snprintf(attributes, sizeof attributes, "{value = %s : %s}", literal, type);
  assert(n > 0 && (size_t)n < sizeof attributes);
  (void)n;
  return kb_op(b, "arith.constant", type, 0, NULL, attributes);
}

static val integer(ig_kb *b, const char *type, int64_t v) {
  char literal[32];
  snprintf(literal, sizeof literal, "%lld", (long long)v);
  return kb_const(b, type, literal);
}
val kb_i32(ig_kb *b, int64_t v) { return integer(b, "i32", (int32_t)v); }
val kb_i64(ig_kb *b, int64_t v) { return integer(b, "i64", v); }

val kb_f32(ig_kb *b, float v) {
  char literal[32];
  snprintf(literal, sizeof literal, "0x%08X", ig_f32_bits(v));
  return kb_const(b, "f32", literal);
}

val kb_splat(ig_kb *b, const char *vector_type, val scalar) { return kb_op(b, "vector.broadcast", vector_type, 1, &scalar, NULL); }

/* ---- arithmetic ---- */

static val binary(ig_kb *b, const char *integer_op, const char *float_op, val x, val y) {
  val operands[2] = {x, y};
  return one(b, is_float(x) ? float_op : integer_op, mlirValueGetType(x), 2, operands, NULL);
}
val kb_add(ig_kb *b, val x, val y) { return binary(b, "arith.addi", "arith.addf", x, y); }
val kb_sub(ig_kb *b, val x, val y) { return binary(b, "arith.subi", "arith.subf", x, y); }
val kb_mul(ig_kb *b, val x, val y) { return binary(b, "arith.muli", "arith.mulf", x, y); }
val kb_and(ig_kb *b, val x, val y) { return binary(b, "arith.andi", "arith.andi", x, y); }
val kb_or(ig_kb *b, val x, val y) { return binary(b, "arith.ori", "arith.ori", x, y); }
val kb_xor(ig_kb *b, val x, val y) { return binary(b, "arith.xori", "arith.xori", x, y); }
val kb_shl(ig_kb *b, val x, val y) { return binary(b, "arith.shli", "arith.shli", x, y); }
val kb_shru(ig_kb *b, val x, val y) { return binary(b, "arith.shrui", "arith.shrui", x, y); }

val kb_fma(ig_kb *b, val x, val y, val z) {
  if (!b->variant->fma) return kb_add(b, kb_mul(b, x, y), z);
  val operands[3] = {x, y, z};
  return one(b, "math.fma", mlirValueGetType(x), 3, operands, NULL);
}

/* ---- memory ---- */

val kb_ptr(ig_kb *b, val base, val offset) {
  val operands[2] = {base, offset};
  return kb_op(b, "llvm.getelementptr", "!llvm.ptr", 2, operands, "{elem_type = i8, rawConstantIndices = array<i32: -2147483648>}");
}

val kb_load(ig_kb *b, const char *type, val ptr, int align) {
  char attributes[64];
  snprintf(attributes, sizeof attributes, "{alignment = %d : i64}", align);
  return kb_op(b, "llvm.load", type, 1, &ptr, attributes);
}

void kb_store(ig_kb *b, val value, val ptr, int align) {
  char attributes[64];
  snprintf(attributes, sizeof attributes, "{alignment = %d : i64}", align);
  val operands[2] = {value, ptr};
  append(b, "llvm.store", 0, NULL, 2, operands, attributes, 0, NULL);
}

val kb_operand(ig_kb *b, ig_kernel_values k, int index) {
  int pointer = (int)b->target->pointer;
  return kb_load(b, "!llvm.ptr", kb_ptr(b, k.args, kb_i64(b, (int64_t)pointer * index)), pointer);
}
val kb_dim(ig_kb *b, ig_kernel_values k, int index) { return kb_load(b, "i32", kb_ptr(b, k.args, kb_i64(b, (int64_t)dims_at(b) + 4 * index)), 4); }
val kb_dim_f32(ig_kb *b, ig_kernel_values k, int index) { return kb_load(b, "f32", kb_ptr(b, k.args, kb_i64(b, (int64_t)dims_at(b) + 4 * index)), 4); }

/* ---- control flow ---- */

void kb_for(ig_kb *b, kb_loop *loop, val lo, val hi, val step, int n, const val *init) {
  assert(n <= (int)(sizeof loop->carried / sizeof *loop->carried));
  MlirType types[65];
  MlirLocation where[65];
  val operands[67] = {lo, hi, step};
  types[0] = mlirValueGetType(lo);
  where[0] = b->location;
  for (int i = 0; i < n; i++) types[i + 1] = mlirValueGetType(init[i]), where[i + 1] = b->location, operands[i + 3] = init[i];
  loop->outer = b->block;
  loop->body = mlirBlockCreate(n + 1, types, where);
  loop->n = n;
  MlirRegion region = mlirRegionCreate();
  mlirRegionAppendOwnedBlock(region, loop->body);
  loop->op = append(b, "scf.for", n, types + 1, n + 3, operands, NULL, 1, &region);
  loop->index = mlirBlockGetArgument(loop->body, 0);
  for (int i = 0; i < n; i++) loop->carried[i] = mlirBlockGetArgument(loop->body, i + 1);
  b->block = loop->body;
}

void kb_end_for(ig_kb *b, kb_loop *loop, const val *yielded) {
  append(b, "scf.yield", 0, NULL, loop->n, yielded, NULL, 0, NULL);
  for (int i = 0; i < loop->n; i++) loop->result[i] = mlirOperationGetResult(loop->op, i);
  b->block = loop->outer;
}

void kb_if(ig_kb *b, kb_branch *branch, val condition, bool has_else) {
  MlirRegion regions[2] = {mlirRegionCreate(), mlirRegionCreate()};
  MlirBlock then = mlirBlockCreate(0, NULL, NULL);
  mlirRegionAppendOwnedBlock(regions[0], then);
  if (has_else) mlirRegionAppendOwnedBlock(regions[1], mlirBlockCreate(0, NULL, NULL));
  branch->outer = b->block;
  branch->op = append(b, "scf.if", 0, NULL, 1, &condition, NULL, 2, regions);
  b->block = then;
}

void kb_else(ig_kb *b, kb_branch *branch) {
  append(b, "scf.yield", 0, NULL, 0, NULL, NULL, 0, NULL);
  b->block = mlirRegionGetFirstBlock(mlirOperationGetRegion(branch->op, 1));
}

void kb_end_if(ig_kb *b, kb_branch *branch) {
  append(b, "scf.yield", 0, NULL, 0, NULL, NULL, 0, NULL);
  b->block = branch->outer;
}
