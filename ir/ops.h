/* The graph: typed access to MLIR modules of the dialect `ig` (ir/ingot.irdl.mlir). Passes and frontends use this, never MLIR.
 *
 * Handles are small values, valid as long as their module and op live. A context and all in it belong to one thread at a time.
 *
 * Ops of `forward` (made by frontends; T = ? tokens):
 *   ig.weight     {name, file offset, bytes, [parts]}          -> tensor<rows x cols x i8, {format = "q4_k"}> or 1-D tensor<n x f32, {format = "f32"}>;
 *                  of experts tensor<experts x rows x cols x i8>, where parts = array<i64> says where in the file each of them lies, if not one after another
 *   ig.rope_table {frequencies = array<i64>, [halves], [magnitude]} -> tensor<pairs x i64> turns per position, 0.64 fixed point (numerics.h);
 *                  pair i is the channels 2i, 2i + 1 of a head, or with halves = 1 i, i + pairs; sines and cosines times the magnitude
 *   ig.embed      (tokens, w)                                  -> tensor<?x cols x f32>
 *   ig.rms_norm   (x, gain, [residual]) {eps}                  a gain shorter than the row: each piece of its length (a head) by itself;
 *                  fuse gives it the residual that its result is added to
 *   ig.linear     (x, w, [bias]) {[digits]}                    digits = 2: activations keep a second int8 digit where weights are quantised
 *   ig.rope       (x, pos, table) {heads, head_dim}            the first 2 * pairs channels of each head
 *   ig.attention  (q, k, v, pos, [sinks]) {layer, heads, kv_heads, head_dim, scale, [window], [softcap]}   causal, over the layer's cache, which it extends;
 *                  window: only the last so many positions, the token's own among them; softcap: of the scores, as the op has it;
 *                  sinks: a score for each head, to which no value belongs
 *   ig.experts    (residual, x, scores, gate, up, down, [gain], [gate_bias], [up_bias], [down_bias]) {used, [eps], [alpha, limit]}
 *                  the residual, and added to it from the lowest number up, of the `used` experts with the highest scores, weight * down(silu(gate x) * (up x)), weights being the softmax
 *                  of their scores; with alpha and limit the clamped product of numerics.h with up + 1; x is normalised first where there is a gain
 *   ig.silu (x) · ig.gelu (x), by tanh · ig.mul (a, b) · ig.add (a, b) · ig.scale (x) {factor} · ig.softcap (x) {cap}: cap tanh(x / cap)
 * Ops made by the pass fuse:
 *   ig.fused_linear   (x, [gain], w0, [w1], [w2], [residual], [b0], [b1], [b2]) {[eps], [digits], epilogue = "none" | "add" | "glu" | "geglu"} -> y0, [y1], [y2]
 *   ig.rope_attention (q, k, v, pos, table, [sinks]) {layer, heads, kv_heads, head_dim, scale, [window], [softcap]}
 * A module holds func.func @forward(%tokens: tensor<?xi32>, %pos: i32) -> logits; after the pass split: @prefill, @decode
 * (tokens, pos -> hidden), @head and @head_rows (hidden -> logits).
 */
#ifndef INGOT_IR_OPS_H
#define INGOT_IR_OPS_H

#include "ir/base/base.h"

typedef struct ig_context ig_context; /* an MLIR context with the dialect loaded */
typedef struct ig_module {
  void *handle;
  ig_context *context;
} ig_module;
typedef struct ig_op {
  void *handle;
} ig_op;           /* handle NULL: none */
typedef struct ig_value {
  const void *handle;
} ig_value;

typedef enum ig_op_kind {
#define IG_OP(name) IG_OP_##name,
#include "ir/ops.def"
#undef IG_OP
  IG_OP_COUNT
} ig_op_kind;

ig_context *ig_context_create(ig_diags *diags); /* diagnostics of MLIR land in `diags` */
void ig_context_destroy(ig_context *context);

/* ---- modules ---------------------------------------------------------------------------------------------------------- */
ig_module ig_module_create(ig_context *context);
void ig_module_destroy(ig_module module);
bool ig_module_parse(ig_context *context, ig_str text, const char *path, ig_module *module, ig_diags *diags);
void ig_module_print(ig_module module, ig_text *out);  /* locations left out; parses back and prints the same */
/* The table of verify.c (unknown or missing attributes, shapes, formats; all problems are reported), then MLIR's own verifier. */
bool ig_verify(ig_module module, ig_diags *diags);

/* ---- functions -------------------------------------------------------------------------------------------------------- */
ig_op ig_function_create(ig_module module, const char *name); /* @name(tokens, pos); body empty, insertion by `ig_build_*` at its end */
ig_op ig_function_find(ig_module module, const char *name);   /* handle NULL where there is none */
ig_op ig_function_clone(ig_module module, ig_op function, const char *name);
ig_value ig_function_argument(ig_op function, int index);     /* 0 tokens or hidden, 1 pos */
void ig_function_return(ig_op function, ig_value value);      /* makes or replaces the terminator, and the result type */
ig_value ig_function_result(ig_op function);
const char *ig_function_name(ig_op function, ig_arena *arena);
ig_op ig_function_next(ig_module module, ig_op function);     /* iteration: start with {NULL} */
/* Makes `value` the function's only argument: what only served to compute it is erased, tokens and pos too. */
void ig_function_begin_at(ig_op function, ig_value value);

/* ---- ops -------------------------------------------------------------------------------------------------------------- */
ig_op ig_first_op(ig_op function);
ig_op ig_next_op(ig_op op);                     /* NULL after the last; the terminator is not shown */
ig_op_kind ig_kind(ig_op op);
const char *ig_op_name(ig_op_kind kind);        /* "rms_norm" */
int ig_operand_count(ig_op op);
ig_value ig_operand(ig_op op, int index);
/* Of a fused_linear: the operand by its role, or handle NULL. */
typedef enum ig_role { IG_ROLE_X, IG_ROLE_GAIN, IG_ROLE_W0, IG_ROLE_W1, IG_ROLE_W2, IG_ROLE_RESIDUAL, IG_ROLE_B0, IG_ROLE_B1, IG_ROLE_B2, IG_ROLES } ig_role;
/* The same of an experts op. */
typedef enum ig_experts_role {
  IG_EXPERTS_RESIDUAL,
  IG_EXPERTS_X,
  IG_EXPERTS_SCORES,
  IG_EXPERTS_GATE,
  IG_EXPERTS_UP,
  IG_EXPERTS_DOWN,
  IG_EXPERTS_GAIN,
  IG_EXPERTS_GATE_BIAS,
  IG_EXPERTS_UP_BIAS,
  IG_EXPERTS_DOWN_BIAS,
  IG_EXPERTS_ROLES
} ig_experts_role;
ig_value ig_operand_role(ig_op op, int role);
int ig_result_count(ig_op op);
ig_value ig_result(ig_op op, int index);
ig_op ig_defining_op(ig_value value);           /* NULL for function arguments */
int ig_use_count(ig_value value);
void ig_replace_uses(ig_value old, ig_value with);
void ig_erase(ig_op op);
bool ig_same(ig_value a, ig_value b);
bool ig_same_op(ig_op a, ig_op b);              /* equal kind, operands, attributes and result types; locations do not count */
bool ig_has_effect(ig_op_kind kind);            /* extends the KV cache: neither dead code nor a common subexpression */
bool ig_is_before(ig_op a, ig_op b);            /* in the same function */
void ig_move_before(ig_op op, ig_op before);    /* the caller knows that operands and uses allow it */
void ig_swap_operands(ig_op op);                /* of a binary op */

int64_t ig_attr_int(ig_op op, const char *name);           /* asserts presence: the verifier has run */
double ig_attr_float(ig_op op, const char *name);
const char *ig_attr_string(ig_op op, const char *name, ig_arena *arena); /* NULL where absent */
size_t ig_attr_ints(ig_op op, const char *name, ig_arena *arena, int64_t **values);
bool ig_has_attr(ig_op op, const char *name);
void ig_set_attr_int(ig_op op, const char *name, int64_t value);
void ig_set_attr_float(ig_op op, const char *name, double value); /* an f32 */
void ig_set_attr_string(ig_op op, const char *name, const char *value);
const char *ig_location(ig_op op, ig_arena *arena);        /* the tensor's or node's name for diagnostics */

int ig_rank(ig_value value);
int64_t ig_dim(ig_value value, int index);                 /* -1 for ? */
const char *ig_weight_format(ig_value weight, ig_arena *arena);
const char *ig_weight_layout(ig_value weight, ig_arena *arena); /* NULL before the pass layout */
void ig_weight_set_layout(ig_op weight, const char *layout);

/* ---- building (appended to the function's end, or before `ig_insert_before`) ------------------------------------------- */
typedef struct ig_builder {
  ig_module module;
  ig_op function;
  ig_op before;               /* handle NULL: at the end */
  const char *location;       /* name put on the ops that follow, may be NULL */
} ig_builder;
ig_value ig_build_weight(ig_builder *b, const char *name, const char *format, uint64_t rows, uint64_t cols, uint64_t offset,
                         uint64_t bytes); /* rows 0: 1-D of cols */
/* The matrices of experts; `parts` (or NULL): where each lies. */
ig_value ig_build_expert_weights(ig_builder *b, const char *name, const char *format, uint64_t experts, uint64_t rows, uint64_t cols, uint64_t offset,
                                 uint64_t bytes, const int64_t *parts);
ig_value ig_build_rope_table(ig_builder *b, const uint64_t *frequencies, size_t pairs);
ig_value ig_build_embed(ig_builder *b, ig_value tokens, ig_value weight);
ig_value ig_build_rms_norm(ig_builder *b, ig_value x, ig_value gain, float eps);
ig_value ig_build_norm_add(ig_builder *b, ig_value x, ig_value gain, ig_value residual, float eps); /* a norm with its residual; handle NULL: none */
ig_value ig_build_linear(ig_builder *b, ig_value x, ig_value weight);
ig_value ig_build_biased(ig_builder *b, ig_value x, ig_value weight, ig_value bias); /* a linear with its bias; handle NULL: none */
ig_value ig_build_rope(ig_builder *b, ig_value x, ig_value pos, ig_value table, uint32_t heads, uint32_t head_dim);
ig_value ig_build_attention(ig_builder *b, ig_value q, ig_value k, ig_value v, ig_value pos, uint32_t layer, uint32_t heads, uint32_t kv_heads,
                            uint32_t head_dim, float scale, ig_value sinks /* handle NULL: none */);
ig_value ig_build_silu(ig_builder *b, ig_value x);
ig_value ig_build_gelu(ig_builder *b, ig_value x);
ig_value ig_build_mul(ig_builder *b, ig_value a, ig_value c);
ig_value ig_build_add(ig_builder *b, ig_value a, ig_value c);
ig_value ig_build_scale(ig_builder *b, ig_value x, float factor);
ig_value ig_build_softcap(ig_builder *b, ig_value x, float cap);
/* NULL handles where an operand is absent (`bias` NULL: no biases); results as weights are given (one for "glu" and "geglu"); eps is written where there is a gain. */
ig_op ig_build_fused_linear(ig_builder *b, ig_value x, ig_value gain, const ig_value w[3], const ig_value bias[3], ig_value residual, float eps,
                            const char *epilogue);
/* By role, handle NULL where absent; alpha 0: plain silu, else with `limit`. */
ig_op ig_build_experts(ig_builder *b, const ig_value operands[IG_EXPERTS_ROLES], uint32_t used, float eps, float alpha, float limit);
ig_value ig_build_rope_attention(ig_builder *b, ig_value q, ig_value k, ig_value v, ig_value pos, ig_value table, ig_op attention /* attributes copied */);

#endif
