/* Building ops. Nothing is checked here: ig_verify does that, with names. */
#include <assert.h>

#include "ir/ops_mlir.h"

/* An op in the making. */
typedef struct recipe {
  MlirContext mlir;
  const char *name;
  MlirValue operands[IG_EXPERTS_ROLES];
  MlirNamedAttribute attributes[8];
  MlirType results[3];
  intptr_t n_operands, n_attributes, n_results;
} recipe;

static recipe start(const ig_builder *b, const char *name) { return (recipe){.mlir = b->module.context->mlir, .name = name}; }

static void operand(recipe *r, ig_value value) {
  assert(value.handle);
  r->operands[r->n_operands++] = ig_to_value(value);
}

static void attribute(recipe *r, const char *name, MlirAttribute value) {
  r->attributes[r->n_attributes++] = (MlirNamedAttribute){mlirIdentifierGet(r->mlir, ig_ref(name)), value};
}
static void number(recipe *r, const char *name, uint64_t value) { attribute(r, name, mlirIntegerAttrGet(mlirIntegerTypeGet(r->mlir, 64), (int64_t)value)); }
static void real(recipe *r, const char *name, float value) { attribute(r, name, mlirFloatAttrDoubleGet(r->mlir, mlirF32TypeGet(r->mlir), (double)value)); }
static void string(recipe *r, const char *name, const char *value) { attribute(r, name, mlirStringAttrGet(r->mlir, ig_ref(value))); }

static MlirType type_of(ig_value value) { return mlirValueGetType(ig_to_value(value)); }
static MlirType rows(recipe *r, int64_t cols) {
  int64_t dims[] = {mlirShapedTypeGetDynamicSize(), cols};
  return mlirRankedTensorTypeGet(2, dims, mlirF32TypeGet(r->mlir), mlirAttributeGetNull());
}

static MlirOperation finish(ig_builder *b, recipe *r) {
  MlirLocation location = mlirLocationUnknownGet(r->mlir);
  if (b->location) location = mlirLocationNameGet(r->mlir, ig_ref(b->location), location);
  MlirOperationState state = mlirOperationStateGet(ig_ref(r->name), location);
  mlirOperationStateAddOperands(&state, r->n_operands, r->operands);
  mlirOperationStateAddAttributes(&state, r->n_attributes, r->attributes);
  mlirOperationStateAddResults(&state, r->n_results, r->results);
  MlirOperation op = mlirOperationCreate(&state);
  MlirBlock block = ig_body(b->function);
  MlirOperation before = b->before.handle ? ig_to_op(b->before) : mlirBlockGetTerminator(block);
  if (mlirOperationIsNull(before)) mlirBlockAppendOwnedOperation(block, op);
  else mlirBlockInsertOwnedOperationBefore(block, before, op);
  return op;
}

static ig_value one(ig_builder *b, recipe *r, MlirType result) {
  r->results[r->n_results++] = result;
  return ig_of_value(mlirOperationGetResult(finish(b, r), 0));
}

static ig_value weight(ig_builder *b, const char *name, const char *format, int rank, const int64_t *dims, uint64_t offset, uint64_t bytes,
                       const int64_t *parts) {
  recipe r = start(b, "ig.weight");
  string(&r, "name", name);
  number(&r, "offset", offset);
  number(&r, "bytes", bytes);
  MlirNamedAttribute key = {mlirIdentifierGet(r.mlir, ig_ref("format")), mlirStringAttrGet(r.mlir, ig_ref(format))};
  MlirAttribute encoding = mlirDictionaryAttrGet(r.mlir, 1, &key);
  if (parts) attribute(&r, "parts", mlirDenseI64ArrayGet(r.mlir, (intptr_t)dims[0], parts));
  return one(b, &r, mlirRankedTensorTypeGet(rank, dims, rank > 1 ? mlirIntegerTypeGet(r.mlir, 8) : mlirF32TypeGet(r.mlir), encoding));
}

ig_value ig_build_weight(ig_builder *b, const char *name, const char *format, uint64_t n_rows, uint64_t cols, uint64_t offset, uint64_t bytes) {
  int64_t dims[] = {(int64_t)n_rows, (int64_t)cols};
  return weight(b, name, format, n_rows ? 2 : 1, n_rows ? dims : dims + 1, offset, bytes, NULL);
}

ig_value ig_build_expert_weights(ig_builder *b, const char *name, const char *format, uint64_t experts, uint64_t n_rows, uint64_t cols, uint64_t offset,
                                 uint64_t bytes, const int64_t *parts) {
  return weight(b, name, format, 3, (int64_t[]){(int64_t)experts, (int64_t)n_rows, (int64_t)cols}, offset, bytes, parts);
}

ig_value ig_build_rope_table(ig_builder *b, const uint64_t *frequencies, size_t pairs) {
  recipe r = start(b, "ig.rope_table");
  attribute(&r, "frequencies", mlirDenseI64ArrayGet(r.mlir, (intptr_t)pairs, (const int64_t *)frequencies)); /* the bits, as signed turns */
  int64_t dim = (int64_t)pairs;
  return one(b, &r, mlirRankedTensorTypeGet(1, &dim, mlirIntegerTypeGet(r.mlir, 64), mlirAttributeGetNull()));
}

ig_value ig_build_embed(ig_builder *b, ig_value tokens, ig_value weight) {
  recipe r = start(b, "ig.embed");
  operand(&r, tokens);
  operand(&r, weight);
  return one(b, &r, rows(&r, ig_dim(weight, 1)));
}

ig_value ig_build_rms_norm(ig_builder *b, ig_value x, ig_value gain, float eps) { return ig_build_norm_add(b, x, gain, (ig_value){0}, eps); }

ig_value ig_build_norm_add(ig_builder *b, ig_value x, ig_value gain, ig_value residual, float eps) {
  recipe r = start(b, "ig.rms_norm");
  operand(&r, x);
  operand(&r, gain);
  if (residual.handle) operand(&r, residual);
  real(&r, "eps", eps);
  return one(b, &r, type_of(x));
}

ig_value ig_build_linear(ig_builder *b, ig_value x, ig_value weight) { return ig_build_biased(b, x, weight, (ig_value){0}); }

ig_value ig_build_biased(ig_builder *b, ig_value x, ig_value weight, ig_value bias) {
  recipe r = start(b, "ig.linear");
  operand(&r, x);
  operand(&r, weight);
  if (bias.handle) operand(&r, bias);
  return one(b, &r, rows(&r, ig_dim(weight, 0)));
}

ig_value ig_build_rope(ig_builder *b, ig_value x, ig_value pos, ig_value table, uint32_t heads, uint32_t head_dim) {
  recipe r = start(b, "ig.rope");
  operand(&r, x);
  operand(&r, pos);
  operand(&r, table);
  number(&r, "heads", heads);
  number(&r, "head_dim", head_dim);
  return one(b, &r, type_of(x));
}

ig_value ig_build_attention(ig_builder *b, ig_value q, ig_value k, ig_value v, ig_value pos, uint32_t layer, uint32_t heads, uint32_t kv_heads,
                            uint32_t head_dim, float scale, ig_value sinks) {
  recipe r = start(b, "ig.attention");
  operand(&r, q);
  operand(&r, k);
  operand(&r, v);
  operand(&r, pos);
  if (sinks.handle) operand(&r, sinks);
  number(&r, "layer", layer);
  number(&r, "heads", heads);
  number(&r, "kv_heads", kv_heads);
  number(&r, "head_dim", head_dim);
  real(&r, "scale", scale);
  return one(b, &r, type_of(q));
}

static ig_value plain(ig_builder *b, const char *name, ig_value a, ig_value c) {
  recipe r = start(b, name);
  operand(&r, a);
  if (c.handle) operand(&r, c);
  return one(b, &r, type_of(a));
}
ig_value ig_build_silu(ig_builder *b, ig_value x) { return plain(b, "ig.silu", x, (ig_value){0}); }
ig_value ig_build_gelu(ig_builder *b, ig_value x) { return plain(b, "ig.gelu", x, (ig_value){0}); }
ig_value ig_build_mul(ig_builder *b, ig_value a, ig_value c) { return plain(b, "ig.mul", a, c); }
ig_value ig_build_add(ig_builder *b, ig_value a, ig_value c) { return plain(b, "ig.add", a, c); }

static ig_value by_number(ig_builder *b, const char *name, ig_value x, const char *key, float value) {
  recipe r = start(b, name);
  operand(&r, x);
  real(&r, key, value);
  return one(b, &r, type_of(x));
}
ig_value ig_build_scale(ig_builder *b, ig_value x, float factor) { return by_number(b, "ig.scale", x, "factor", factor); }
ig_value ig_build_softcap(ig_builder *b, ig_value x, float cap) { return by_number(b, "ig.softcap", x, "cap", cap); }

ig_op ig_build_fused_linear(ig_builder *b, ig_value x, ig_value gain, const ig_value w[3], const ig_value bias[3], ig_value residual, float eps,
                            const char *epilogue) {
  recipe r = start(b, "ig.fused_linear");
  const ig_value none[3] = {{0}}, *b0 = bias ? bias : none;
  const ig_value all[IG_ROLES] = {x, gain, w[0], w[1], w[2], residual, b0[0], b0[1], b0[2]};
  int32_t operands[IG_ROLES], results[3] = {1, 0, 0};
  for (int i = 0; i < IG_ROLES; i++) {
    operands[i] = all[i].handle != NULL;
    if (all[i].handle) operand(&r, all[i]);
  }
  bool glu = epilogue[0] == 'g'; /* or geglu */
  for (int i = 0; i < (glu ? 1 : 3); i++) {
    results[i] = w[i].handle != NULL;
    if (w[i].handle) r.results[r.n_results++] = rows(&r, ig_dim(w[i], 0));
  }
  if (gain.handle) real(&r, "eps", eps);
  string(&r, "epilogue", epilogue);
  attribute(&r, "operandSegmentSizes", mlirDenseI32ArrayGet(r.mlir, IG_ROLES, operands));
  attribute(&r, "resultSegmentSizes", mlirDenseI32ArrayGet(r.mlir, 3, results));
  return ig_of_op(finish(b, &r));
}

ig_op ig_build_experts(ig_builder *b, const ig_value operands[IG_EXPERTS_ROLES], uint32_t used, float eps, float alpha, float limit) {
  recipe r = start(b, "ig.experts");
  int32_t sizes[IG_EXPERTS_ROLES];
  for (int i = 0; i < IG_EXPERTS_ROLES; i++) {
    sizes[i] = operands[i].handle != NULL;
    if (operands[i].handle) operand(&r, operands[i]);
  }
  number(&r, "used", used);
  if (operands[IG_EXPERTS_GAIN].handle) real(&r, "eps", eps);
  if (alpha != 0) real(&r, "alpha", alpha), real(&r, "limit", limit);
  attribute(&r, "operandSegmentSizes", mlirDenseI32ArrayGet(r.mlir, IG_EXPERTS_ROLES, sizes));
  r.results[r.n_results++] = type_of(operands[IG_EXPERTS_RESIDUAL]);
  return ig_of_op(finish(b, &r));
}

ig_value ig_build_rope_attention(ig_builder *b, ig_value q, ig_value k, ig_value v, ig_value pos, ig_value table, ig_op attention) {
  static const char *const copied[] = {"layer", "heads", "kv_heads", "head_dim", "scale", "window", "softcap"};
  recipe r = start(b, "ig.rope_attention");
  operand(&r, q);
  operand(&r, k);
  operand(&r, v);
  operand(&r, pos);
  operand(&r, table);
  if (ig_operand_count(attention) > 4) operand(&r, ig_operand(attention, 4)); /* sinks */
  for (size_t i = 0; i < sizeof copied / sizeof *copied; i++)
    if (ig_has_attr(attention, copied[i])) attribute(&r, copied[i], ig_attr(attention, copied[i]));
  return one(b, &r, type_of(q));
}
