/* What the runtime's files share. Nothing here is visible outside the library. */
#ifndef INGOT_RUNTIME_CORE_H
#define INGOT_RUNTIME_CORE_H

#include <stdatomic.h>
#include "runtime/abi/kernel.h"
#include "runtime/abi/sha256.h"
#include "runtime/ingot.h"
#include "runtime/os.h"

#if defined(__MINGW32__) && !defined(__clang__)
#define INGOT_PRINTF(fmt, args) __attribute__((format(gnu_printf, fmt, args))) /* MinGW's own printf, as C11 wants it */
#elif defined(__GNUC__)
#define INGOT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define INGOT_PRINTF(fmt, args)
#endif

/* ---- errors and memory (model.c) ---------------------------------------------------------------------------------------- */

/* Fills `error` (may be NULL) and returns `status`. */
ingot_status ingot__fail(ingot_error *error, ingot_status status, const char *format, ...) INGOT_PRINTF(3, 4);

/* Zeroed memory, or NULL. Release takes NULL. */
void *ingot__allocate(const ingot_allocator *allocator, uint64_t size, size_t align);
void ingot__release(const ingot_allocator *allocator, void *memory, uint64_t size);

static inline uint64_t ingot__round_up(uint64_t x, uint64_t to) { return (x + to - 1) / to * to; }

/* ---- threads (threads.c, crew.c) ---------------------------------------------------------------------------------------- */

enum { INGOT__MAX_THREADS = 64 };

/* Who works on what: workers [0, n_decode) on single tokens, all on many. The caller is worker 0 and stays where the app put it; the others
 * of the first may run on the first n_fast of the cores, the rest on all n. */
typedef struct ingot__crew {
  uint32_t n_workers, n_decode;
  uint32_t n_cores, n_fast;
  bool pinned;
  ingot__core core[INGOT__MAX_CORES]; /* fast ones first */
} ingot__crew;

/* Chooses, from the cores that there are and what the app asks for. Where cores are of different capacity, the fast ones (at least half of the
 * fastest) decode and one of them is left to the app's foreground, where there are more than two. */
ingot_status ingot__choose_crew(ingot__crew *crew, const ingot__core *cores, uint32_t n, const ingot_model_options *options, ingot_error *error);

typedef void ingot__work(void *context, uint32_t worker);

typedef struct ingot__pool ingot__pool;
struct ingot__pool {
  const ingot__crew *crew;
  uint32_t n_workers;     /* that run */
  uint32_t n_active;      /* of this call of ingot__pool_run */
  ingot__work *work;
  void *context;
  ingot__gate epoch[2];   /* for workers below n_decode, and the others: counts the calls that want them */
  ingot__gate meeting;    /* counts meetings */
  _Alignas(64) _Atomic uint32_t arrived;
  _Atomic bool quit;
  uint32_t n_gates;       /* open */
  struct ingot__worker {
    ingot__pool *pool;
    uint32_t index;
    ingot__thread thread;
  } worker[INGOT__MAX_THREADS];
};

/* 0 or a code of the system's. One worker means no threads. The crew outlives the pool. */
int ingot__pool_start(ingot__pool *pool, const ingot__crew *crew);
void ingot__pool_stop(ingot__pool *pool);
/* Runs work(context, w) on the first n workers: all, or those of decode. Each of them has to call meet equally often, and once at its end. */
void ingot__pool_run(ingot__pool *pool, uint32_t n, ingot__work *work, void *context);
/* Returns when all of this run have called it. */
void ingot__pool_meet(ingot__pool *pool);

/* A lock in a gate: sessions take turns. */
void ingot__turn_take(ingot__gate *turn);
void ingot__turn_give(ingot__gate *turn);

/* ---- the plan (plan_read.c, plan_check.c) ------------------------------------------------------------------------------- */

/* Bytes of the plan, or `count` elements there. */
typedef struct ingot__vec {
  const uint8_t *data;
  uint32_t count;
} ingot__vec;

static inline uint32_t ingot__load16(const uint8_t *p) { return p[0] | (uint32_t)p[1] << 8; }
static inline uint32_t ingot__load32(const uint8_t *p) { return ingot__load16(p) | ingot__load16(p + 2) << 16; }
static inline uint64_t ingot__load64(const uint8_t *p) { return ingot__load32(p) | (uint64_t)ingot__load32(p + 4) << 32; }
float ingot__load_f32(const uint8_t *p);

/* A term with the constants multiplied in: scale x the runtime dims in `dims`. */
typedef struct ingot__term {
  uint64_t scale;
  uint32_t dims;
} ingot__term;

typedef struct ingot__part {
  ingot_kernel_fn *kernel;
  uint64_t offset[INGOT_MAX_OPERANDS];     /* Kv: bytes per position before this cache */
  uint32_t row_bytes[INGOT_MAX_OPERANDS];
  uint8_t place[INGOT_MAX_OPERANDS];
  uint32_t n_operands, n_static;
  uint32_t dim[INGOT_MAX_DIMS - INGOT_DIM_STATIC];
  ingot__term tiles[INGOT_MAX_TERMS];
} ingot__part;

/* Parts [first, first + n_private) are private, the next n_parts are shared. */
typedef struct ingot__step {
  uint32_t first, n_private, n_parts;
} ingot__step;

enum { INGOT__PREFILL, INGOT__DECODE, INGOT__HEAD, INGOT__HEAD_ROWS, INGOT__PHASES };

typedef struct ingot__phase {
  uint32_t max_tokens, first_step, n_steps;
} ingot__phase;

typedef struct ingot__plan {
  ingot__vec name, architecture, source;   /* NUL-terminated */
  uint32_t n_vocab, n_embd, n_layer, n_context, chunk;
  uint64_t arena_bytes, private_bytes, kv_bytes, scratch_bytes; /* scratch: the private operands and then the kernels' own */
  uint64_t tokens_offset, hidden_offset, logits_offset;
  uint32_t hidden_row_bytes, logits_row_bytes;
  uint64_t weights_bytes;
  ingot__vec weights_root, caches;
  uint64_t tokenizer_offset, tokenizer_bytes;
  ingot__vec template_code, template_strings;
  bool has_template;
  ingot__phase phase[INGOT__PHASES];
  ingot__step *steps;
  ingot__part *parts;
  void *table;                             /* the one block that holds steps and parts */
  uint64_t table_bytes;
} ingot__plan;

/* Reads and checks a plan against the library's table; kernels are those of `variant`. The bytes have to outlive the plan.
 * After success every step, run with T <= its phase's tokens and any context that ingot_session_open accepts, touches nothing
 * outside arena, caches, scratch and weights. */
ingot_status ingot__plan_open(ingot__plan *plan, const uint8_t *data, uint64_t size, const ingot_program *program, const ingot_variant *variant,
                              const ingot_allocator *allocator, ingot_error *error);
void ingot__plan_close(ingot__plan *plan, const ingot_allocator *allocator);

/* ---- the tokenizer (tokens_open.c) ---------------------------------------------------------------------------------------- */

struct token_job;
enum { INGOT__TOKENS_SENTENCEPIECE, INGOT__TOKENS_BYTES, INGOT__TOKENS_WORDPIECE, INGOT__TOKENS_UNIGRAM }; /* TokenizerKind of tokens.fbs */

/* What differs between kinds of tokenizers. A model's library names the one it needs (ingot_program.tokens), and an app links no other. */
typedef struct ingot__token_kind {
  uint32_t kind;
  void (*tokenize)(struct token_job *job, const uint8_t *text, size_t size); /* a stretch of plain text, without special tokens */
} ingot__token_kind;

extern const ingot__token_kind ingot__tokens_sentence, ingot__tokens_bytes, ingot__tokens_words, ingot__tokens_unigram;

typedef struct ingot__tokenizer {
  const ingot__token_kind *code;
  ingot__vec text, pieces, scores, hash, specials, bytes, end, merges;
  ingot__vec class_pages, class_blocks, transitions, passes, folds, charsmap, prefixes;
  uint32_t kind, bos, eos, unknown, n_classes, longest;
  bool present, add_bos, add_eos, add_space_prefix, whole_words, merges_spaces;
  float unknown_score;
} ingot__tokenizer;

/* Reads the tables of tokens.fbs, for a model of n_vocab tokens and that name, whose tokenizer is of the kind `code` (NULL: of none). The bytes have to outlive the tokenizer; they may change
 * meanwhile, as mapped ones can: that gives other tokens, and nothing is read outside. */
ingot_status ingot__tokens_open(ingot__tokenizer *tokenizer, const uint8_t *data, uint64_t size, uint32_t n_vocab, const ingot__token_kind *code,
                                const char *name, ingot_error *error);

/* ---- model and session -------------------------------------------------------------------------------------------------- */

typedef struct ingot__weights {
  const uint8_t *data;
  ingot__map map;
  void *copy; /* where the range of a descriptor was not aligned */
  uint64_t copy_bytes;
} ingot__weights;

ingot_status ingot__weights_open(ingot__weights *weights, const ingot_model_options *options, const ingot_program *program, uint64_t size,
                                 const ingot_allocator *allocator, ingot_error *error);
void ingot__weights_close(ingot__weights *weights, const ingot_allocator *allocator);

struct ingot_model {
  ingot_allocator allocator;
  const ingot_program *program;
  const ingot_variant *variant;
  void *plan_copy;
  uint64_t plan_copy_bytes;
  ingot__plan plan;
  ingot__weights weights;
  ingot__tokenizer tokenizer;
  uint8_t *scratch; /* crew.n_workers x plan.scratch_bytes */
  ingot__crew crew;
  ingot_parallel_for parallel_for;
  void *parallel_user;
  ingot__gate turn; /* taken while a session's steps run: pool and scratch are the model's */
  bool has_turn, has_pool;
  ingot__pool pool;
  /* How many tiles of each worker's share are taken, for two steps in turn (exec.c). */
  struct ingot__share {
    _Alignas(64) _Atomic uint64_t taken[2];
  } share[INGOT__MAX_THREADS];
};

/* Compares the seal of the weights with the plan: whether these are the weights of this plan, in a moment. */
ingot_status ingot__weights_check(const ingot_model *model, ingot_error *error);
/* Calls work(context, w) for every worker, on the model's threads. No meetings inside. */
void ingot__model_run(ingot_model *model, ingot__work *work, void *context);

/* A phase over `tokens` rows that begin at `position`; head phases read hidden rows from `row` on. */
typedef struct ingot__call {
  uint32_t phase, tokens, position, row;
} ingot__call;

typedef struct ingot__memory {
  uint8_t *arena, *kv;
  uint32_t n_context;
} ingot__memory;

/* Runs the calls one after another. False: `cancel` (may be NULL) was seen between two steps; what the calls write is then undefined. */
bool ingot__run(ingot_model *model, const ingot__memory *memory, const ingot__call *calls, uint32_t n_calls, const _Atomic bool *cancel);

#endif
