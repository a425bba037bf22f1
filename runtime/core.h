/* What the runtime's files share. Nothing here is visible outside the library. */
#ifndef INGOT_RUNTIME_CORE_H
#define INGOT_RUNTIME_CORE_H

#include <pthread.h>
#include <stdatomic.h>
#include "runtime/abi/kernel.h"
#include "runtime/abi/sha256.h"
#include "runtime/ingot.h"

#if defined(__GNUC__)
#define INGOT_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define INGOT_PRINTF(fmt, args)
#endif

/* ---- errors and memory (model.c) ---------------------------------------------------------------------------------------- */

/* Fills `error` (may be NULL) and returns `status`. */
ingot_status ingot__fail(ingot_error *error, ingot_status status, const char *format, ...) INGOT_PRINTF(3, 4);

/* Zeroed memory, or NULL. Release takes NULL. */
void *ingot__allocate(const ingot_allocator *allocator, uint64_t size, size_t align);
void  ingot__release(const ingot_allocator *allocator, void *memory, uint64_t size);

static inline uint64_t ingot__round_up(uint64_t x, uint64_t to) { return (x + to - 1) / to * to; }

/* ---- the operating system (os_*.c) -------------------------------------------------------------------------------------- */

typedef struct ingot__map {
  void *address;          /* what the system mapped */
  size_t length;
  const uint8_t *data;    /* the range asked for */
} ingot__map;

/* Memory of the default allocator; the first is zeroed. */
void *ingot__os_allocate(void *user, size_t size, size_t align);
void  ingot__os_release(void *user, void *memory, size_t size);
/* All of these return 0 or an errno. */
int   ingot__os_open(const char *path, int *descriptor, uint64_t *size); /* regular files only */
void  ingot__os_close(int descriptor);
int   ingot__os_size(int descriptor, uint64_t *size);
int   ingot__os_read(int descriptor, uint64_t offset, void *to, uint64_t size); /* all of it */
/* A file replaced whole. begin: makes `part` empty and locks it (EBUSY: another process writes it). end: `keep` puts it in the place of `path`, to
 * stay there whatever happens next; else, and on errors, it is gone. */
int   ingot__os_replace_begin(const char *part, int *descriptor);
int   ingot__os_write(int descriptor, const void *bytes, uint64_t size);
int   ingot__os_replace_end(int descriptor, const char *part, const char *path, bool keep);
/* Read-only, at an address aligned to 2 MiB where the offset allows, with advice to use huge pages. */
int   ingot__os_map(int descriptor, uint64_t offset, uint64_t size, ingot__map *map);
void  ingot__os_unmap(ingot__map *map);
void  ingot__os_error_text(int code, char text[96]);
uint32_t ingot__os_cores(void);
uint64_t ingot__os_nanoseconds(void);
int64_t ingot__os_now(void); /* seconds since 1970, UTC */
void  ingot__os_pause(void); /* a hint to the core that this is a waiting loop */
void  ingot__os_yield(void); /* to another thread that wants this core */
/* Sleeps while *word == value (may wake early); wakes all sleepers. */
void  ingot__os_wait(_Atomic uint32_t *word, uint32_t value);
void  ingot__os_wake(_Atomic uint32_t *word);
/* A thread with a small stack that takes no signals. 0 or an errno. */
int   ingot__os_thread(pthread_t *thread, void *(*main)(void *), void *context);

/* ---- threads (threads.c) ------------------------------------------------------------------------------------------------ */

enum { INGOT__MAX_THREADS = 64 };

typedef void ingot__work(void *context, uint32_t worker);

typedef struct ingot__pool ingot__pool;
struct ingot__pool {
  uint32_t n_workers;     /* the caller is worker 0 */
  ingot__work *work;
  void *context;
  _Alignas(64) _Atomic uint32_t epoch;   /* counts calls of ingot__pool_run; workers wait for it to change */
  _Atomic uint32_t epoch_sleepers;
  _Alignas(64) _Atomic uint32_t arrived; /* at the meeting */
  _Alignas(64) _Atomic uint32_t meeting; /* counts meetings */
  _Atomic uint32_t meeting_sleepers;
  _Atomic bool quit;
  struct ingot__worker { ingot__pool *pool; uint32_t index; pthread_t thread; } worker[INGOT__MAX_THREADS];
};

/* 0 or an errno. One worker means no threads. */
int  ingot__pool_start(ingot__pool *pool, uint32_t n_workers);
void ingot__pool_stop(ingot__pool *pool);
/* Runs work(context, w) on every worker. Every worker has to call meet equally often, and once at its end. */
void ingot__pool_run(ingot__pool *pool, ingot__work *work, void *context);
/* Returns when all workers have called it. */
void ingot__pool_meet(ingot__pool *pool);

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

enum { INGOT__TOKENS_SENTENCEPIECE, INGOT__TOKENS_BYTES, INGOT__TOKENS_WORDPIECE, INGOT__TOKENS_UNIGRAM }; /* TokenizerKind of tokens.fbs */

typedef struct ingot__tokenizer {
  ingot__vec text, pieces, scores, hash, specials, bytes, end, merges;
  ingot__vec class_pages, class_blocks, transitions, passes, folds, charsmap, prefixes;
  uint32_t kind, bos, eos, unknown, n_classes, longest;
  bool present, add_bos, add_eos, add_space_prefix, whole_words, merges_spaces;
  float unknown_score;
} ingot__tokenizer;

/* Reads the tables of tokens.fbs, for a model of n_vocab tokens and that name. The bytes have to outlive the tokenizer; they may change
 * meanwhile, as mapped ones can: that gives other tokens, and nothing is read outside. */
ingot_status ingot__tokens_open(ingot__tokenizer *tokenizer, const uint8_t *data, uint64_t size, uint32_t n_vocab, const char *name, ingot_error *error);

/* ---- model and session -------------------------------------------------------------------------------------------------- */

typedef struct ingot__weights {
  const uint8_t *data;
  ingot__map map;
  void *copy;              /* where the range of a descriptor was not aligned */
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
  uint8_t *scratch;        /* n_workers x plan.scratch_bytes */
  uint32_t n_workers;
  ingot_parallel_for parallel_for;
  void *parallel_user;
  pthread_mutex_t turn;    /* held while a session's steps run: pool and scratch are the model's */
  bool has_turn, has_pool;
  ingot__pool pool;
  /* How many tiles of each worker's share are taken, for two steps in turn (exec.c). */
  struct ingot__share { _Alignas(64) _Atomic uint64_t taken[2]; } share[INGOT__MAX_THREADS];
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
