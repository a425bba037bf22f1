/* What the files of lowering share: lower.c (ops), lower_tables.c (the plan's tables), lower_parts.c (calls of kernels), lower_experts.c. */
#ifndef INGOT_PASSES_LOWER_STATE_H
#define INGOT_PASSES_LOWER_STATE_H

#include "passes/lower.h"

/* A value of the function being lowered: the buffer it lies in. rope and silu have no kernels of their own: they wait here for
 * the attention or product that takes them. */
typedef struct bound {
  ig_value value;
  uint32_t buffer;
  ig_op pending;
} bound;

/* An activation already made from a buffer in its present state. */
typedef struct derived {
  uint32_t source, version, gain, made;
  ig_activation activation;
} derived;

enum { NONE = UINT32_MAX };

typedef struct lowering {
  ig_program_plan *plan;
  ig_arena *arena;
  ig_diags *diags;
  ig_phase_kind kind;
  uint32_t tokens;                 /* the phase's max_tokens */
  bound *bound;
  size_t n_bound, bound_capacity;
  derived *derived;
  size_t n_derived, derived_capacity;
  uint32_t *version;
  size_t version_capacity; /* of buffers: counts writes in place */
} lowering;

/* How a rope_table says to rotate; handle NULL: not at all. The operand of no pairs has to lie somewhere: at a table that turns nothing. */
typedef struct rope_turns {
  uint32_t table, pairs, halves;
  float magnitude;
} rope_turns;

/* lower_tables.c: entries of the plan's tables, by number. A buffer of rows is of this phase; weights are known by their place in the file. */
uint32_t low_buffer(ig_program_plan *p, const char *name, uint64_t row_bytes, uint64_t bytes, uint32_t phase);
uint32_t low_rows(lowering *l, const char *name, uint64_t row_bytes);
uint32_t low_kernel(ig_program_plan *p, ig_family family, const ig_layout *layout, ig_activation activation);
uint32_t low_cache(ig_program_plan *p, const char *name, uint32_t planes, uint32_t plane_bytes);
uint32_t low_weight(lowering *l, ig_value value, ig_weight_kind kind); /* NONE: it was told why not */
rope_turns low_turns(lowering *l, ig_value table);

/* lower_parts.c: operands, and steps that write to a buffer, which they give. */
ig_plan_operand low_at(const lowering *l, uint32_t buffer);
ig_plan_operand low_packed(uint32_t weight);
ig_plan_operand low_kept(uint32_t cache);
#define OPERANDS(...) \
  (int)(sizeof((ig_plan_operand[]){__VA_ARGS__}) / sizeof(ig_plan_operand)), (ig_plan_operand[]) { __VA_ARGS__ }
#define DIMS(...) \
  (int)(sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)), (uint32_t[]) { __VA_ARGS__ }
/* One step of one part. */
void low_emit(lowering *l, uint32_t kernel, int n_operands, const ig_plan_operand *operands, int n_dims, const uint32_t *dims);
void low_written(lowering *l, uint32_t buffer); /* in place: what was derived from it is no more */
static inline uint32_t low_tiles(const ig_packed_weight *w) { return (uint32_t)ig_ceil_div(w->rows, INGOT_ROWS); }
static inline uint32_t low_width16(const lowering *l, uint32_t buffer) { return (uint32_t)(l->plan->buffer[buffer].row_bytes / 64); }
static inline uint32_t low_blocks(ig_activation a, uint64_t n) { return (uint32_t)ig_ceil_div(n, ig_activation_block(a)); }
uint32_t low_norm(lowering *l, uint32_t x, uint32_t gain, uint32_t pieces, float eps, ig_activation activation);
/* How many digits of x the products of an op take, as ig_kernel_ref has it; weights of floats take floats. */
ig_activation low_digits(ig_op op, const ig_packed_weight *w);
/* `x` as a linear of this layout takes it: normalised where there is a gain, quantised where the layout asks. */
uint32_t low_activation(lowering *l, uint32_t x, uint32_t gain, float eps, const ig_packed_weight *w, ig_activation digits);
/* y (=, +=) w x + bias; `y` NONE makes a buffer, `bias` NONE is none. */
uint32_t low_linear(lowering *l, uint32_t x, uint32_t w_index, ig_activation digits, uint32_t bias, uint32_t y, uint32_t epilogue);
/* y = silu(y) * up, or gelu(y) * up */
void low_gate_product(lowering *l, uint32_t y, uint32_t up, bool gelu);
uint32_t low_gate_up(lowering *l, ig_op op, const uint32_t x[2], uint32_t gate, uint32_t up, bool gelu);
uint32_t low_attention(lowering *l, ig_op op, uint32_t q, uint32_t k, uint32_t v, ig_value table, uint32_t sinks);

/* lower.c */
void low_bind(lowering *l, ig_value value, uint32_t buffer, ig_op pending);
bool low_fail(lowering *l, ig_op op, const char *why);
/* The buffer of an operand that has to be in memory now. */
bool low_use(lowering *l, ig_op op, ig_value value, uint32_t *buffer);
/* Whether an op may add to the residual where it lies: nothing reads it any more. */
bool low_may_add(lowering *l, ig_op op, ig_value residual, bool reads);

/* lower_experts.c */
bool low_experts(lowering *l, ig_op op);

#endif
