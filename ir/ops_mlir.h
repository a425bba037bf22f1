/* What the files of ir/ that see MLIR share: the context and the bridges between our handles and MLIR's. */
#ifndef INGOT_IR_OPS_MLIR_H
#define INGOT_IR_OPS_MLIR_H

#include <mlir-c/BuiltinAttributes.h>
#include <mlir-c/BuiltinTypes.h>
#include <mlir-c/Diagnostics.h>
#include <mlir-c/IR.h>
#include <mlir-c/Support.h>

#include "ir/ops.h"

struct ig_context {
  MlirContext mlir;
  ig_diags *diags; /* where diagnostics go now */
};

static inline MlirOperation ig_to_op(ig_op op) { return (MlirOperation){op.handle}; }
static inline ig_op ig_of_op(MlirOperation op) { return (ig_op){op.ptr}; }
static inline MlirValue ig_to_value(ig_value value) { return (MlirValue){value.handle}; }
static inline ig_value ig_of_value(MlirValue value) { return (ig_value){value.ptr}; }
static inline MlirModule ig_to_module(ig_module module) { return (MlirModule){module.handle}; }
static inline MlirStringRef ig_ref(const char *text) { return mlirStringRefCreateFromCString(text); }
static inline bool ig_ref_is(MlirStringRef ref, const char *text) { return mlirStringRefEqual(ref, ig_ref(text)); }
static inline MlirStringRef ig_full_name(MlirOperation op) { return mlirIdentifierStr(mlirOperationGetName(op)); }
static inline MlirBlock ig_body(ig_op function) { return mlirRegionGetFirstBlock(mlirOperationGetRegion(ig_to_op(function), 0)); }
static inline MlirAttribute ig_attr(ig_op op, const char *name) { return mlirOperationGetAttributeByName(ig_to_op(op), ig_ref(name)); }

/* The name a location carries, else "file:line:column", else NULL. */
const char *ig_location_text(MlirLocation location, ig_arena *arena);
/* The string under `key` in a tensor type's encoding, or NULL. */
const char *ig_encoding(MlirType type, const char *key, ig_arena *arena);

/* Whether a text may be given to MLIR; false: reported. */
bool ig_check_text(ig_str text, const char *path, ig_diags *diags);

#endif
