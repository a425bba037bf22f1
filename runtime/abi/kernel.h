/* The contract between the compiler's output and the runtime: kernels, their table, the program a library exports.
 *
 * A kernel is a pure, reentrant function over tiles [begin, end) of one op: no libc, no globals, a small stack, it cannot
 * fail. What it may touch is stated by its table row (`ingot_kernel_info`), operand by operand, as a function of the call's
 * dimensions; the runtime checks every step of a plan against these rows before anything runs.
 */
#ifndef INGOT_ABI_KERNEL_H
#define INGOT_ABI_KERNEL_H

#include <stddef.h>
#include <stdint.h>

enum {
  INGOT_ABI_VERSION = 3,
  INGOT_MAX_OPERANDS = 8,
  INGOT_MAX_DIMS = 24,
  INGOT_MAX_TERMS = 3,
  INGOT_MAX_LIMITS = 6,
  INGOT_ALIGN = 64,        /* of every buffer, weight, cache and scratch */
  INGOT_ROWS = 16,         /* rows of a weight tile; rows of activations are padded to it with zeros */
  INGOT_KV_BLOCK = 128,    /* positions of one attention block; contexts are multiples of it */
  INGOT_QUERY_TILE = 16,   /* query tokens of one tile of prefill attention */
  INGOT_KV_LINE = 16       /* positions of a cache that lie together */
};

/* dim[]: the first five are set by the runtime at each call, the others are constants of the plan (u32, or the bits of an f32). */
enum {
  INGOT_DIM_TOKENS,        /* T: rows in this call, 1 .. the phase's max_tokens */
  INGOT_DIM_POSITION,      /* position of the first row; position + T <= context */
  INGOT_DIM_CONTEXT,       /* positions the KV cache holds, a multiple of INGOT_KV_BLOCK */
  INGOT_DIM_BLOCKS,        /* ceil((position + T) / INGOT_KV_BLOCK) */
  INGOT_DIM_QUERY_TILES,   /* ceil(T / INGOT_QUERY_TILE) */
  INGOT_DIM_STATIC         /* the first constant */
};

typedef struct ingot_kernel_args {
  void *operand[INGOT_MAX_OPERANDS];
  uint32_t dim[INGOT_MAX_DIMS];
} ingot_kernel_args;

/* Does tiles [begin, end). `scratch` is INGOT_ALIGN-aligned, private to the worker, at least as large as the row says. */
typedef void ingot_kernel_fn(const ingot_kernel_args *, void *scratch, uint32_t begin, uint32_t end);

/* scale x the product of the dims whose bit is set in `dims`; scale 0 ends the list. */
typedef struct ingot_term {
  uint32_t scale;
  uint32_t dims;
} ingot_term;

/* The sum of its terms, in bytes or in tiles. */
typedef struct ingot_extent {
  ingot_term term[INGOT_MAX_TERMS];
} ingot_extent;

/* A relation that dims must keep: product(small) <= product(large). */
typedef struct ingot_limit {
  ingot_term small, large;
} ingot_limit;

enum { INGOT_READ = 1, INGOT_WRITE = 2 };

typedef struct ingot_operand_info {
  uint32_t access;         /* INGOT_READ | INGOT_WRITE; 0 = the operand does not exist */
  uint32_t place;          /* an ingot_place: where the operand has to lie */
  ingot_extent bytes;
} ingot_operand_info;

/* One row per kernel, the same for all variants but for the scratch, which is the largest that any variant needs. */
typedef struct ingot_kernel_info {
  char name[48];           /* "linear_q4_k_gemv"; NUL-padded */
  uint32_t n_dims;         /* dims in use, INGOT_DIM_STATIC included */
  uint32_t max_tokens;     /* 0 = any number of tokens; 1 = one only (gemv, decode attention) */
  ingot_extent tiles;
  ingot_extent scratch;
  ingot_operand_info operand[INGOT_MAX_OPERANDS];
  ingot_limit limit[INGOT_MAX_LIMITS];
} ingot_kernel_info;

/* Where an operand lies. ANY_BUFFER (rows only): ARENA or SCRATCH, as the plan chooses. */
typedef enum ingot_place {
  INGOT_PLACE_ARENA,       /* base + offset + first_row * row_bytes */
  INGOT_PLACE_WEIGHTS,     /* read only */
  INGOT_PLACE_KV,          /* base + offset * context: caches are proportional to the context */
  INGOT_PLACE_SCRATCH,     /* private to the worker */
  INGOT_PLACE_ANY_BUFFER
} ingot_place;

typedef struct ingot_variant {
  char name[16];           /* "avx512vnni" */
  uint64_t features;       /* ingot_cpu_features() must hold all of these bits */
  ingot_kernel_fn *const *kernels; /* one per row of `info` */
} ingot_variant;

/* What the library exports as `<name>_program`. Variants are ordered from the best to the least. */
typedef struct ingot_program {
  uint32_t abi_version;    /* INGOT_ABI_VERSION */
  uint32_t size;           /* sizeof(ingot_program) of the compiler */
  char name[64];
  uint8_t plan_hash[32];   /* SHA-256 of the plan's bytes */
  uint32_t n_kernels, n_variants;
  const ingot_kernel_info *info;
  const ingot_variant *variants;
  const void *plan, *weights;       /* embedded, or NULL */
  uint64_t plan_size, weights_size;
  const struct ingot__token_kind *tokens; /* the runtime's code for the tokenizer's kind, so that no other is linked; NULL: the model has none */
} ingot_program;

_Static_assert(sizeof(ingot_kernel_args) == sizeof(void *) * INGOT_MAX_OPERANDS + 4 * INGOT_MAX_DIMS, "kernels address args by offset");
_Static_assert(sizeof(ingot_term) == 8 && sizeof(ingot_extent) == 24 && sizeof(ingot_limit) == 16 && sizeof(ingot_operand_info) == 32,
               "rows are written by the compiler");
_Static_assert(sizeof(ingot_kernel_info) == 48 + 8 + 24 + 24 + 32 * INGOT_MAX_OPERANDS + 16 * INGOT_MAX_LIMITS, "rows are written by the compiler");
_Static_assert(sizeof(ingot_program) == 4 + 4 + 64 + 32 + 8 + 2 * sizeof(void *) + 2 * sizeof(void *) + 16 + 8, "the program is written by the compiler");

#endif
