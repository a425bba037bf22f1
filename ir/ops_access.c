/* Typed access to single ops: kinds, operands, attributes, types. */
#include <assert.h>
#include <string.h>

#include "ir/ops_mlir.h"

static const char *const names[] = {
#define IG_OP(name) "ig." #name,
#include "ir/ops.def"
#undef IG_OP
};

/* ---- iteration, kinds ------------------------------------------------------------------------------------------------- */

static ig_op shown(MlirOperation op) {
  if (!mlirOperationIsNull(op) && ig_ref_is(ig_full_name(op), "func.return")) return (ig_op){0};
  return ig_of_op(op);
}

ig_op ig_first_op(ig_op function) { return shown(mlirBlockGetFirstOperation(ig_body(function))); }
ig_op ig_next_op(ig_op op) { return shown(mlirOperationGetNextInBlock(ig_to_op(op))); }

ig_op_kind ig_kind(ig_op op) {
  MlirStringRef name = ig_full_name(ig_to_op(op));
  for (int i = 0; i < IG_OP_COUNT; i++)
    if (ig_ref_is(name, names[i])) return (ig_op_kind)i;
  return IG_OP_COUNT;
}

const char *ig_op_name(ig_op_kind kind) { return kind < IG_OP_COUNT ? names[kind] + 3 : "unknown"; }

bool ig_has_effect(ig_op_kind kind) { return kind == IG_OP_attention || kind == IG_OP_rope_attention; }

bool ig_is_before(ig_op a, ig_op b) { return mlirOperationIsBeforeInBlock(ig_to_op(a), ig_to_op(b)); }
void ig_move_before(ig_op op, ig_op before) { mlirOperationMoveBefore(ig_to_op(op), ig_to_op(before)); }
void ig_erase(ig_op op) { mlirOperationDestroy(ig_to_op(op)); }

/* ---- operands, results ------------------------------------------------------------------------------------------------ */

int ig_operand_count(ig_op op) { return (int)mlirOperationGetNumOperands(ig_to_op(op)); }

ig_value ig_operand(ig_op op, int index) {
  assert(index >= 0 && index < ig_operand_count(op)); /* MLIR does not check */
  return ig_of_value(mlirOperationGetOperand(ig_to_op(op), index));
}

void ig_swap_operands(ig_op op) {
  ig_value a = ig_operand(op, 0), b = ig_operand(op, 1);
  mlirOperationSetOperand(ig_to_op(op), 0, ig_to_value(b));
  mlirOperationSetOperand(ig_to_op(op), 1, ig_to_value(a));
}

ig_value ig_operand_role(ig_op op, int role) {
  MlirAttribute sizes = ig_attr(op, "operandSegmentSizes");
  assert(mlirDenseArrayGetNumElements(sizes) == (ig_kind(op) == IG_OP_experts ? (int)IG_EXPERTS_ROLES : (int)IG_ROLES));
  int index = 0;
  for (int i = 0; i < role; i++) index += mlirDenseI32ArrayGetElement(sizes, i);
  return mlirDenseI32ArrayGetElement(sizes, role) ? ig_operand(op, index) : (ig_value){0};
}

int ig_result_count(ig_op op) { return (int)mlirOperationGetNumResults(ig_to_op(op)); }

ig_value ig_result(ig_op op, int index) {
  assert(index >= 0 && index < ig_result_count(op));
  return ig_of_value(mlirOperationGetResult(ig_to_op(op), index));
}

ig_op ig_defining_op(ig_value value) {
  MlirValue v = ig_to_value(value);
  return mlirValueIsNull(v) || !mlirValueIsAOpResult(v) ? (ig_op){0} : ig_of_op(mlirOpResultGetOwner(v));
}

int ig_use_count(ig_value value) {
  int n = 0;
  for (MlirOpOperand use = mlirValueGetFirstUse(ig_to_value(value)); !mlirOpOperandIsNull(use); use = mlirOpOperandGetNextUse(use)) n++;
  return n;
}

void ig_replace_uses(ig_value old, ig_value with) { mlirValueReplaceAllUsesOfWith(ig_to_value(old), ig_to_value(with)); }
bool ig_same(ig_value a, ig_value b) { return a.handle == b.handle; }

bool ig_same_op(ig_op a, ig_op b) {
  MlirOperation x = ig_to_op(a), y = ig_to_op(b);
  if (!mlirIdentifierEqual(mlirOperationGetName(x), mlirOperationGetName(y)) || ig_operand_count(a) != ig_operand_count(b) ||
      ig_result_count(a) != ig_result_count(b) || mlirOperationGetNumAttributes(x) != mlirOperationGetNumAttributes(y))
    return false;
  for (int i = 0; i < ig_operand_count(a); i++)
    if (!ig_same(ig_operand(a, i), ig_operand(b, i))) return false;
  for (int i = 0; i < ig_result_count(a); i++)
    if (!mlirTypeEqual(mlirValueGetType(ig_to_value(ig_result(a, i))), mlirValueGetType(ig_to_value(ig_result(b, i))))) return false;
  for (intptr_t i = 0; i < mlirOperationGetNumAttributes(x); i++) {
    MlirNamedAttribute attribute = mlirOperationGetAttribute(x, i);
    if (!mlirAttributeEqual(attribute.attribute, mlirOperationGetAttributeByName(y, mlirIdentifierStr(attribute.name)))) return false;
  }
  return true;
}

/* ---- attributes ------------------------------------------------------------------------------------------------------- */

bool ig_has_attr(ig_op op, const char *name) { return !mlirAttributeIsNull(ig_attr(op, name)); }

int64_t ig_attr_int(ig_op op, const char *name) {
  MlirAttribute a = ig_attr(op, name);
  assert(!mlirAttributeIsNull(a) && mlirAttributeIsAInteger(a));
  return mlirIntegerAttrGetValueInt(a);
}

double ig_attr_float(ig_op op, const char *name) {
  MlirAttribute a = ig_attr(op, name);
  assert(!mlirAttributeIsNull(a) && mlirAttributeIsAFloat(a));
  return mlirFloatAttrGetValueDouble(a);
}

static const char *string_of(MlirAttribute a, ig_arena *arena) {
  if (mlirAttributeIsNull(a) || !mlirAttributeIsAString(a)) return NULL;
  MlirStringRef s = mlirStringAttrGetValue(a);
  char *copy = ig_alloc(arena, s.length + 1);
  if (s.length) memcpy(copy, s.data, s.length); /* an empty string has no data */
  return copy;
}

const char *ig_attr_string(ig_op op, const char *name, ig_arena *arena) { return string_of(ig_attr(op, name), arena); }

size_t ig_attr_ints(ig_op op, const char *name, ig_arena *arena, int64_t **values) {
  MlirAttribute a = ig_attr(op, name);
  assert(!mlirAttributeIsNull(a) && mlirAttributeIsADenseI64Array(a));
  size_t n = (size_t)mlirDenseArrayGetNumElements(a);
  *values = ig_alloc_array(arena, n, sizeof **values);
  for (size_t i = 0; i < n; i++) (*values)[i] = mlirDenseI64ArrayGetElement(a, (intptr_t)i);
  return n;
}

void ig_set_attr_int(ig_op op, const char *name, int64_t value) {
  MlirType i64 = mlirIntegerTypeGet(mlirOperationGetContext(ig_to_op(op)), 64);
  mlirOperationSetAttributeByName(ig_to_op(op), ig_ref(name), mlirIntegerAttrGet(i64, value));
}

void ig_set_attr_float(ig_op op, const char *name, double value) {
  MlirContext mlir = mlirOperationGetContext(ig_to_op(op));
  mlirOperationSetAttributeByName(ig_to_op(op), ig_ref(name), mlirFloatAttrDoubleGet(mlir, mlirF32TypeGet(mlir), value));
}

void ig_set_attr_string(ig_op op, const char *name, const char *value) {
  mlirOperationSetAttributeByName(ig_to_op(op), ig_ref(name), mlirStringAttrGet(mlirOperationGetContext(ig_to_op(op)), ig_ref(value)));
}

const char *ig_location(ig_op op, ig_arena *arena) {
  const char *text = ig_location_text(mlirOperationGetLocation(ig_to_op(op)), arena);
  MlirStringRef name = ig_full_name(ig_to_op(op));
  return text ? text : ig_str_printable(arena, (ig_str){name.data, name.length});
}

/* ---- types ------------------------------------------------------------------------------------------------------------ */

static MlirType type_of(ig_value value) { return mlirValueGetType(ig_to_value(value)); }

int ig_rank(ig_value value) {
  MlirType type = type_of(value);
  return mlirTypeIsARankedTensor(type) ? (int)mlirShapedTypeGetRank(type) : -1;
}

int64_t ig_dim(ig_value value, int index) {
  assert(index >= 0 && index < ig_rank(value));
  return mlirShapedTypeIsDynamicDim(type_of(value), index) ? -1 : mlirShapedTypeGetDimSize(type_of(value), index);
}

const char *ig_encoding(MlirType type, const char *key, ig_arena *arena) {
  if (!mlirTypeIsARankedTensor(type)) return NULL;
  MlirAttribute encoding = mlirRankedTensorTypeGetEncoding(type);
  if (mlirAttributeIsNull(encoding) || !mlirAttributeIsADictionary(encoding)) return NULL;
  return string_of(mlirDictionaryAttrGetElementByName(encoding, ig_ref(key)), arena);
}

const char *ig_weight_format(ig_value weight, ig_arena *arena) { return ig_encoding(type_of(weight), "format", arena); }
const char *ig_weight_layout(ig_value weight, ig_arena *arena) { return ig_encoding(type_of(weight), "layout", arena); }

void ig_weight_set_layout(ig_op weight, const char *layout) {
  MlirValue value = ig_to_value(ig_result(weight, 0));
  MlirType type = mlirValueGetType(value);
  MlirContext mlir = mlirTypeGetContext(type);
  MlirAttribute format = mlirDictionaryAttrGetElementByName(mlirRankedTensorTypeGetEncoding(type), ig_ref("format"));
  MlirNamedAttribute both[] = {{mlirIdentifierGet(mlir, ig_ref("format")), format},
                               {mlirIdentifierGet(mlir, ig_ref("layout")), mlirStringAttrGet(mlir, ig_ref(layout))}};
  int64_t dims[3];
  intptr_t rank = mlirShapedTypeGetRank(type);
  assert(rank <= 3);
  for (intptr_t i = 0; i < rank; i++) dims[i] = mlirShapedTypeGetDimSize(type, i);
  mlirValueSetType(value, mlirRankedTensorTypeGet(rank, dims, mlirShapedTypeGetElementType(type), mlirDictionaryAttrGet(mlir, 2, both)));
}
