/* The evaluator: runs a function of a graph as it stands, op by op, with the scalar functions of reference.h. It is the oracle that kernels, plans and
 * runtime are compared with, before and after every pass; it is not fast. */
#ifndef INGOT_IR_EVAL_H
#define INGOT_IR_EVAL_H

#include "ir/ops.h"

/* Where weights come from: `bytes` bytes at `offset` (of the model file) of the named tensor. */
typedef struct ig_eval_source {
  bool (*read)(void *user, const char *name, uint64_t offset, size_t bytes, void *to);
  void *user;
} ig_eval_source;

typedef struct ig_eval ig_eval;

/* For a function of a verified module, which must outlive it; the KV cache holds `context` positions. NULL after an error. */
ig_eval *ig_eval_create(ig_module module, const char *function, const ig_eval_source *source, uint32_t context, ig_diags *diags);
void ig_eval_destroy(ig_eval *eval);
/* Rounds only as f32 does: k and v are kept as they are where the cache of a plan rounds them to f16, and linears take activations that are not quantised.
 * What others are measured against. Before the first run. */
void ig_eval_exact(ig_eval *eval);
/* Floats in a row of the result. */
size_t ig_eval_columns(const ig_eval *eval);
/* Runs n rows from the current position: `input` holds n token ids (u32, clamped to the table) or n rows of hidden floats, as the function takes; y gets
 * n rows. The position moves on by n. False, with a diagnostic, where the context is full or a weight cannot be read. */
bool ig_eval_run(ig_eval *eval, const void *input, size_t n, float *y, ig_diags *diags);
/* Back to an earlier position: what lies behind it is forgotten. */
void ig_eval_rewind(ig_eval *eval, uint32_t position);

#endif
