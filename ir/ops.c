/* Contexts, modules and functions; ops are in ops_access.c, building in ops_build.c. */
#include "ir/ops.h"

#include <assert.h>
#include <mlir-c/Dialect/Func.h>
#include <mlir-c/Dialect/IRDL.h>
#include <stdlib.h>
#include <string.h>

#include "ir/ops_mlir.h"

static const unsigned char dialect_text[] = {
#include "ingot_irdl.inc"
};

static void append(MlirStringRef piece, void *text) { ig_text_add(text, piece.data, piece.length); }

const char *ig_location_text(MlirLocation location, ig_arena *arena) {
  if (mlirLocationIsAName(location)) {
    MlirStringRef name = mlirIdentifierStr(mlirLocationNameGetName(location));
    return ig_str_printable(arena, (ig_str){name.data, name.length});
  }
  if (mlirLocationIsAFileLineColRange(location)) {
    MlirStringRef file = mlirIdentifierStr(mlirLocationFileLineColRangeGetFilename(location));
    return ig_format(arena, "%s:%d:%d", ig_str_printable(arena, (ig_str){file.data, file.length}), mlirLocationFileLineColRangeGetStartLine(location),
                     mlirLocationFileLineColRangeGetStartColumn(location));
  }
  return NULL;
}

static MlirLogicalResult on_diagnostic(MlirDiagnostic diagnostic, void *user) {
  ig_context *context = user;
  ig_arena arena = {0};
  ig_text text = {0};
  mlirDiagnosticPrint(diagnostic, append, &text);
  const char *place = ig_location_text(mlirDiagnosticGetLocation(diagnostic), &arena);
  enum MlirDiagnosticSeverity severity = mlirDiagnosticGetSeverity(diagnostic);
  ig_report(context->diags,
            severity == MlirDiagnosticError         ? IG_ERROR
                : severity == MlirDiagnosticWarning ? IG_WARNING
                                                    : IG_NOTE,
            place ? place : "graph", "%s", text.data ? text.data : "");
  ig_text_finish(&text);
  ig_arena_finish(&arena);
  return mlirLogicalResultSuccess();
}

/* ---- contexts --------------------------------------------------------------------------------------------------------- */

ig_context *ig_context_create(ig_diags *diags) {
  ig_context *context = ig_heap_zeroed(1, sizeof *context);
  context->diags = diags;
  context->mlir = mlirContextCreateWithThreading(false);
  mlirContextAttachDiagnosticHandler(context->mlir, on_diagnostic, context, NULL);
  mlirDialectHandleLoadDialect(mlirGetDialectHandle__func__(), context->mlir);
  mlirDialectHandleLoadDialect(mlirGetDialectHandle__irdl__(), context->mlir);
  /* Loading a dialect twice kills the process; a context is the one place that loads. The array ends with a 0 that is not text. */
  MlirModule dialect = mlirModuleCreateParse(context->mlir, mlirStringRefCreate((const char *)dialect_text, sizeof dialect_text - 1));
  bool loaded = !mlirModuleIsNull(dialect) && mlirLogicalResultIsSuccess(mlirLoadIRDLDialects(dialect));
  assert(loaded);
  (void)loaded;
  mlirModuleDestroy(dialect);
  return context;
}

void ig_context_destroy(ig_context *context) {
  if (!context) return;
  mlirContextDestroy(context->mlir);
  free(context);
}

/* ---- modules ---------------------------------------------------------------------------------------------------------- */

static ig_module wrap(ig_context *context, MlirModule module) { return (ig_module){(void *)module.ptr, context}; }

ig_module ig_module_create(ig_context *context) { return wrap(context, mlirModuleCreateEmpty(mlirLocationUnknownGet(context->mlir))); }

void ig_module_destroy(ig_module module) {
  if (module.handle) mlirModuleDestroy(ig_to_module(module));
}

bool ig_module_parse(ig_context *context, ig_str text, const char *path, ig_module *module, ig_diags *diags) {
  if (!ig_check_text(text, path, diags)) return false;
  ig_diags *before = context->diags;
  context->diags = diags;
  ig_arena arena = {0};
  char *copy = ig_alloc(&arena, text.size + 1); /* MLIR's lexer wants a NUL behind the text */
  if (text.size) memcpy(copy, text.data, text.size);
  size_t errors = diags->errors;
  MlirOperation op = mlirOperationCreateParse(context->mlir, mlirStringRefCreate(copy, text.size), ig_ref(path));
  ig_arena_finish(&arena);
  context->diags = before;
  if (mlirOperationIsNull(op)) return diags->errors > errors ? false : ig_error(diags, path, "not a module");
  if (!ig_ref_is(ig_full_name(op), "builtin.module")) {
    mlirOperationDestroy(op);
    return ig_error(diags, path, "expected a module at the top; write `module { ... }` around the functions");
  }
  *module = wrap(context, mlirModuleFromOperation(op));
  return true;
}

void ig_module_print(ig_module module, ig_text *out) {
  MlirOpPrintingFlags flags = mlirOpPrintingFlagsCreate();
  mlirOpPrintingFlagsUseLocalScope(flags); /* no aliases: a line says all by itself */
  mlirOperationPrintWithFlags(mlirModuleGetOperation(ig_to_module(module)), flags, append, out);
  mlirOpPrintingFlagsDestroy(flags);
  if (out->size && out->data[out->size - 1] != '\n') ig_text_add(out, "\n", 1);
}

/* ---- functions -------------------------------------------------------------------------------------------------------- */

static void set_type(ig_op function) {
  MlirBlock block = ig_body(function);
  MlirContext mlir = mlirOperationGetContext(ig_to_op(function));
  MlirType inputs[2];
  intptr_t n = mlirBlockGetNumArguments(block);
  assert(n <= 2);
  for (intptr_t i = 0; i < n; i++) inputs[i] = mlirValueGetType(mlirBlockGetArgument(block, i));
  MlirOperation end = mlirBlockGetTerminator(block);
  MlirType result = {0};
  if (!mlirOperationIsNull(end)) result = mlirValueGetType(mlirOperationGetOperand(end, 0));
  MlirType type = mlirFunctionTypeGet(mlir, n, inputs, mlirOperationIsNull(end) ? 0 : 1, &result);
  mlirOperationSetAttributeByName(ig_to_op(function), ig_ref("function_type"), mlirTypeAttrGet(type));
}

ig_op ig_function_create(ig_module module, const char *name) {
  MlirContext mlir = module.context->mlir;
  MlirLocation location = mlirLocationUnknownGet(mlir), locations[] = {location, location};
  int64_t any = mlirShapedTypeGetDynamicSize();
  MlirType i32 = mlirIntegerTypeGet(mlir, 32);
  MlirType inputs[] = {mlirRankedTensorTypeGet(1, &any, i32, mlirAttributeGetNull()), i32};
  MlirNamedAttribute attributes[] = {
    {mlirIdentifierGet(mlir, ig_ref("sym_name")), mlirStringAttrGet(mlir, ig_ref(name))},
    {mlirIdentifierGet(mlir, ig_ref("function_type")), mlirTypeAttrGet(mlirFunctionTypeGet(mlir, 2, inputs, 0, NULL))},
  };
  MlirRegion region = mlirRegionCreate();
  mlirRegionAppendOwnedBlock(region, mlirBlockCreate(2, inputs, locations));
  MlirOperationState state = mlirOperationStateGet(ig_ref("func.func"), location);
  mlirOperationStateAddAttributes(&state, 2, attributes);
  mlirOperationStateAddOwnedRegions(&state, 1, &region);
  MlirOperation function = mlirOperationCreate(&state);
  mlirBlockAppendOwnedOperation(mlirModuleGetBody(ig_to_module(module)), function);
  return ig_of_op(function);
}

ig_op ig_function_next(ig_module module, ig_op function) {
  if (function.handle) return ig_of_op(mlirOperationGetNextInBlock(ig_to_op(function)));
  return ig_of_op(mlirBlockGetFirstOperation(mlirModuleGetBody(ig_to_module(module))));
}

static MlirStringRef name_of(ig_op function) {
  MlirAttribute name = ig_attr(function, "sym_name");
  return mlirAttributeIsNull(name) || !mlirAttributeIsAString(name) ? ig_ref("") : mlirStringAttrGetValue(name);
}

const char *ig_function_name(ig_op function, ig_arena *arena) {
  MlirStringRef name = name_of(function);
  return ig_str_printable(arena, (ig_str){name.data, name.length});
}

ig_op ig_function_find(ig_module module, const char *name) {
  for (ig_op f = ig_function_next(module, (ig_op){0}); f.handle; f = ig_function_next(module, f))
    if (ig_ref_is(name_of(f), name)) return f;
  return (ig_op){0};
}

ig_op ig_function_clone(ig_module module, ig_op function, const char *name) {
  MlirOperation copy = mlirOperationClone(ig_to_op(function));
  mlirOperationSetAttributeByName(copy, ig_ref("sym_name"), mlirStringAttrGet(module.context->mlir, ig_ref(name)));
  mlirBlockAppendOwnedOperation(mlirModuleGetBody(ig_to_module(module)), copy);
  return ig_of_op(copy);
}

ig_value ig_function_argument(ig_op function, int index) {
  assert(index >= 0 && index < mlirBlockGetNumArguments(ig_body(function)));
  return ig_of_value(mlirBlockGetArgument(ig_body(function), index));
}

void ig_function_return(ig_op function, ig_value value) {
  MlirBlock block = ig_body(function);
  MlirOperation end = mlirBlockGetTerminator(block);
  if (mlirOperationIsNull(end)) {
    MlirOperationState state = mlirOperationStateGet(ig_ref("func.return"), mlirOperationGetLocation(ig_to_op(function)));
    MlirValue operand = ig_to_value(value);
    mlirOperationStateAddOperands(&state, 1, &operand);
    mlirBlockAppendOwnedOperation(block, mlirOperationCreate(&state));
  } else {
    mlirOperationSetOperand(end, 0, ig_to_value(value));
  }
  set_type(function);
}

ig_value ig_function_result(ig_op function) {
  MlirOperation end = mlirBlockGetTerminator(ig_body(function));
  return mlirOperationIsNull(end) ? (ig_value){0} : ig_of_value(mlirOperationGetOperand(end, 0));
}

void ig_function_begin_at(ig_op function, ig_value value) {
  MlirBlock block = ig_body(function);
  MlirValue argument = mlirBlockInsertArgument(block, 0, mlirValueGetType(ig_to_value(value)), mlirOperationGetLocation(ig_to_op(function)));
  mlirValueReplaceAllUsesOfWith(ig_to_value(value), argument);
  ig_arena arena = {0};
  size_t n = 0, capacity = 0;
  ig_op *ops = NULL;
  for (ig_op op = ig_first_op(function); op.handle; op = ig_next_op(op)) {
    ops = ig_grow(&arena, ops, n, &capacity, sizeof *ops);
    ops[n++] = op;
  }
  while (n-- > 0) { /* backwards: users go before what they use */
    int uses = 0;
    for (int i = 0; i < ig_result_count(ops[n]); i++) uses += ig_use_count(ig_result(ops[n], i));
    if (!uses) ig_erase(ops[n]);
  }
  ig_arena_finish(&arena);
  while (mlirBlockGetNumArguments(block) > 1) {
    assert(ig_use_count(ig_of_value(mlirBlockGetArgument(block, 1))) == 0);
    mlirBlockEraseArgument(block, 1);
  }
  set_type(function);
}
