/* From the graph to tables: what the runtime does, step by step. This is the last stage that knows the model as a graph; the plan
 * writer and the packer only copy these tables out.
 *
 *   ig_lower         ops of @prefill, @decode, @head, @head_rows -> one step per kernel call, over named buffers
 *   ig_order_steps   steps joined and made private where legal, so that the workers meet as rarely as they can
 *   ig_plan_memory   lifetimes -> offsets in one arena, in the workers' private memory, in the weights file and in the KV cache
 *   ig_check_plan    every part against its kernel's row: places, bytes, limits (what the runtime's verifier asks too)
 */
#ifndef INGOT_PASSES_LOWER_H
#define INGOT_PASSES_LOWER_H

#include "ir/kernel_family.h"
#include "ir/ops.h"

/* Numbers of PhaseKind in runtime/abi/plan.fbs. */
typedef enum ig_phase_kind { IG_PHASE_PREFILL, IG_PHASE_DECODE, IG_PHASE_HEAD, IG_PHASE_HEAD_ROWS, IG_PHASES } ig_phase_kind;

/* Rows of activations. `phase` IG_PHASES: lives across phases (tokens, hidden, logits). */
typedef struct ig_buffer {
  const char *name;              /* the weight or op that makes it, for people */
  uint64_t row_bytes, bytes;
  uint32_t phase;
  bool worker;                   /* one copy per worker, in its private memory */
  uint64_t offset;               /* set by ig_plan_memory, a multiple of INGOT_ALIGN */
} ig_buffer;

typedef enum ig_weight_kind { IG_WEIGHT_TILES, IG_WEIGHT_VECTOR, IG_WEIGHT_TURNS, IG_WEIGHT_TOKENS } ig_weight_kind;

/* A tensor of the weights file. TILES: packed by `layout`, of experts one matrix after another. VECTOR: rows of f32, each padded with zeros to 16.
 * TURNS: u64 of a rope table. TOKENS: the tokenizer's tables (tokens.fbs), which no step reads. */
typedef struct ig_packed_weight {
  ig_weight_kind kind;
  const char *name, *format;
  const ig_layout *layout;       /* TILES */
  uint64_t rows, cols;           /* of one matrix; VECTOR: a row for each expert or 1; TURNS, TOKENS: 1 x n */
  uint64_t experts;              /* matrices, of which a token reads some; 0: one, not theirs */
  uint64_t file_offset, file_bytes; /* where the source lies in the model file; 0 bytes for TURNS and TOKENS */
  const int64_t *parts;          /* where in the model file each matrix lies; NULL: one after another from file_offset on */
  const int64_t *turns;
  const void *tokens;
  uint64_t offset, bytes;        /* in the weights file, set by ig_plan_memory; multiples of INGOT_ALIGN */
} ig_packed_weight;
static inline uint64_t ig_matrices(const ig_packed_weight *w) { return w->experts ? w->experts : 1; }

/* One layer's k or v cache. */
typedef struct ig_cache {
  const char *name;
  uint32_t planes, plane_bytes;  /* one a head; bytes per position of each */
  uint64_t position_bytes;       /* of all, rounded up to a multiple of INGOT_ALIGN */
  uint64_t offset;               /* bytes per position before this cache, set by ig_plan_memory */
} ig_cache;

typedef struct ig_plan_operand {
  ingot_place place;
  uint32_t index;                /* ARENA, SCRATCH: a buffer; WEIGHTS: a weight; KV: a cache */
  bool from_row;                 /* begins at the first row the phase is asked for (the head's input) */
} ig_plan_operand;

typedef struct ig_plan_part {
  uint32_t kernel, n_operands, n_dims;
  ig_plan_operand operand[INGOT_MAX_OPERANDS];
  uint32_t dim[INGOT_MAX_DIMS - INGOT_DIM_STATIC];
} ig_plan_part;

/* Parts in one array: private ones first. */
typedef struct ig_plan_step {
  ig_plan_part *part;
  uint32_t n_private, n_parts;   /* n_parts counts both */
  uint64_t scratch_bytes;        /* of worker buffers */
} ig_plan_step;

typedef struct ig_plan_phase {
  uint32_t max_tokens;
  ig_plan_step *step;
  size_t n_steps, capacity;
} ig_plan_phase;

typedef struct ig_plan_kernel {
  ig_kernel_ref ref;
  ingot_kernel_info info;
} ig_plan_kernel; /* info without scratch */

typedef struct ig_program_plan {
  ig_arena *arena;
  uint32_t n_context, chunk;
  ig_plan_phase phase[IG_PHASES];
  ig_plan_kernel *kernel;
  size_t n_kernels, kernel_capacity;
  ig_buffer *buffer;
  size_t n_buffers, buffer_capacity;
  ig_packed_weight *weight;
  size_t n_weights, weight_capacity;
  ig_cache *cache;
  size_t n_caches, cache_capacity;
  uint32_t tokens, hidden, logits; /* buffers */
  uint64_t arena_bytes, private_bytes, weights_bytes, kv_position_bytes;
} ig_program_plan;

typedef struct ig_lower_options {
  uint32_t n_context;            /* a multiple of INGOT_KV_BLOCK */
  uint32_t chunk;                /* tokens of a prefill call */
} ig_lower_options;

/* `plan` zeroed by the caller; lives in `arena`. Reports every op it has no kernel for, by name. */
bool ig_lower(ig_module module, const ig_lower_options *options, ig_arena *arena, ig_program_plan *plan, ig_diags *diags);
void ig_order_steps(ig_program_plan *plan);
bool ig_plan_memory(ig_program_plan *plan, ig_diags *diags);
bool ig_check_plan(const ig_program_plan *plan, ig_diags *diags);
/* All of them in order. */
bool ig_make_plan(ig_module module, const ig_lower_options *options, ig_arena *arena, ig_program_plan *plan, ig_diags *diags);
/* Adds the tokenizer's tables, `size` bytes that outlive the plan, to the weights of a plan that is made. */
bool ig_add_tokens(ig_program_plan *plan, const void *tokens, uint64_t size, ig_diags *diags);
/* As text, for `--compile-to=plan` and goldens. */
void ig_plan_print(const ig_program_plan *plan, ig_text *out);

/* The largest value of an extent in a phase: T tokens, the whole context. false: overflow. */
bool ig_extent_most(const ingot_extent *extent, const ig_program_plan *plan, ig_phase_kind phase, const ig_plan_part *part, uint64_t *value);

#endif
