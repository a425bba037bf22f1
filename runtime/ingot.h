/* Ingot's runtime: runs a language model that was compiled into the app.
 *
 *   extern const ingot_program chat_program;          // from the library's header chat.h
 *   ingot_model *model; ingot_session *session;
 *   ingot_model_open(&chat_program, &(ingot_model_options){.size = sizeof(ingot_model_options), .weights_path = "chat.weights",
 *                    .plan_path = "chat.plan"}, &model, &error);
 *   ingot_session_open(model, NULL, &session, &error);
 *   ingot_chat(session, &(ingot_message){"user", "Tell me a story."}, 1, 256, print, NULL, &error);
 *
 * Threads: an ingot_model may be used from any thread; an ingot_session by one thread at a time (bar ingot_cancel). Sessions of
 * one model take turns on its worker threads. Memory: everything is asked for at open, through the caller's allocator; append,
 * next and rewind allocate nothing. Nothing here prints, exits or reads the environment.
 */
#ifndef INGOT_H
#define INGOT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* The API is all that a library built with the runtime may export; everything else is hidden. */
#if defined(__GNUC__)
#define INGOT_API __attribute__((visibility("default")))
#else
#define INGOT_API
#endif

typedef struct ingot_program ingot_program;
typedef struct ingot_model ingot_model;
typedef struct ingot_session ingot_session;
typedef int32_t ingot_token;

typedef enum ingot_status {
  INGOT_OK = 0,
  INGOT_END = 1,              /* not an error: the model ended its answer, or a stop string was met */
  INGOT_STOPPED = 2,          /* not an error: the stream callback returned false */
  INGOT_CANCELLED = 3,        /* ingot_cancel was called; the session stays usable */
  INGOT_ERROR_ARGUMENT = -1,  /* an argument is out of its range */
  INGOT_ERROR_MEMORY = -2,    /* the allocator refused */
  INGOT_ERROR_IO = -3,        /* a file cannot be opened, read or mapped */
  INGOT_ERROR_PLAN = -4,      /* the plan is damaged, or of another library or version */
  INGOT_ERROR_WEIGHTS = -5,   /* the weights are damaged, or of another model */
  INGOT_ERROR_CPU = -6,       /* this CPU lacks every variant, or the one asked for */
  INGOT_ERROR_CONTEXT = -7,   /* the context is full */
  INGOT_ERROR_UNSUPPORTED = -8, /* the model has no chat template, no tokenizer, ... */
  INGOT_ERROR_SESSION = -9    /* a saved session is damaged, or of another model, target or version */
} ingot_status;

/* Caller-owned; the message is one line that says what is wrong and what to do. NULL wherever it is taken: no message. */
typedef struct ingot_error {
  ingot_status status;
  char message[252];
} ingot_error;

/* realloc-like: size 0 frees, old NULL allocates; memory 64-byte aligned when `align` says so (16 or 64, or 2 MiB). NULL = refused. */
typedef struct ingot_allocator {
  void *(*allocate)(void *user, size_t size, size_t align);
  void (*release)(void *user, void *memory, size_t size);
  void *user;
} ingot_allocator;

/* Runs work(context, i) for every i in [0, n), each exactly once, on any threads, and returns when all are done. */
typedef void (*ingot_parallel_for)(void *user, uint32_t n, void (*work)(void *context, uint32_t i), void *context);

typedef struct ingot_model_options {
  size_t size;                /* sizeof(ingot_model_options): lets the struct grow */
  const char *plan_path;      /* NULL: `plan` below, or the one embedded in the library */
  const void *plan;           /* copied */
  size_t plan_size;
  const char *weights_path;   /* NULL: `weights_fd`, `weights`, or those embedded */
  int weights_fd;             /* used when weights_fd_size > 0: the range [offset, offset + size) of a descriptor, which stays the caller's;
                                 mapped where the offset is a multiple of 64, else copied into memory */
  uint64_t weights_fd_offset, weights_fd_size;
  const void *weights;        /* 64-byte aligned memory that outlives the model */
  size_t weights_size;
  const char *variant;        /* NULL: the best this CPU has; else by name, refused where the CPU lacks it */
  uint32_t n_threads;         /* 0: one per core that this process may use, at most 16; where cores differ (phones), one less: it stays the app's */
  ingot_parallel_for parallel_for; /* the app's own threads instead of ours; called with n = n_threads, for single tokens n_decode_threads */
  void *parallel_user;
  bool verify_weights;        /* hash all weights against the plan before use */
  const ingot_allocator *allocator; /* NULL: the C library's aligned memory, pages of the system for what is large */
  bool read_weights;          /* read weights_path or weights_fd into memory instead of mapping it. A mapped file has to stay as it is while the model
                                 is open: pages that are cut off, or that the device cannot read, end the process (SIGBUS) when they are touched */
  uint32_t n_decode_threads;  /* of n_threads those that work on single tokens. 0: all; where cores differ and n_threads is 0, one per fast core (of
                                 at least half the capacity of the fastest), bar one of them where there are more than two */
  const uint32_t *cores;      /* numbers of the cores that our threads may run on (the caller's thread stays where it is). NULL: all that this process
                                 may use; where cores differ, threads of decode keep to the fast ones */
  uint32_t n_cores;
} ingot_model_options;

typedef struct ingot_model_info {
  size_t size;                /* set by the caller to sizeof(ingot_model_info) */
  const char *name, *architecture, *variant, *source;
  uint32_t n_vocab, n_embd, n_layer, n_context, n_threads, chunk;
  uint64_t weights_bytes;
  bool has_tokenizer, has_chat_template;
  ingot_token bos;            /* -1 where there is none */
  uint32_t n_decode_threads;
} ingot_model_info;

INGOT_API ingot_status ingot_model_open(const ingot_program *program, const ingot_model_options *options, ingot_model **model, ingot_error *error);
INGOT_API void ingot_model_close(ingot_model *model); /* after its sessions; NULL is fine */
INGOT_API ingot_status ingot_model_get_info(const ingot_model *model, ingot_model_info *info);
/* Compares the weights from `offset` on (size 0: to their end) with the hashes that the plan vouches for, by whole MiBs, on the model's threads and
 * in turn with its sessions: an app may check all before use (verify_weights), or piece by piece while it runs. INGOT_ERROR_WEIGHTS names
 * the place. Allocates nothing. */
INGOT_API ingot_status ingot_model_verify(ingot_model *model, uint64_t offset, uint64_t size, ingot_error *error);
/* Bytes that a session of n_context positions (0 = the most) asks for. */
INGOT_API uint64_t ingot_model_memory(const ingot_model *model, uint32_t n_context);
/* Names of the library's variants, best first; NULL beyond the last. `supported`: whether this CPU runs it (may be NULL). */
INGOT_API const char *ingot_program_variant(const ingot_program *program, uint32_t index, bool *supported);

/* Text to tokens. `special`: control tokens in the text are taken as such (user-defined ones always are). Borrows 51 bytes of memory
 * for each byte of the longest stretch between special tokens. Returns the count, also when it exceeds `cap` (then
 * only `cap` are written), or a negative status. Adds no bos; see ingot_generate. */
INGOT_API int32_t ingot_tokenize(const ingot_model *model, const char *text, size_t size, bool special, ingot_token *tokens, int32_t cap);
/* Tokens to text; control tokens give nothing, and the space that tokenising put in front of a stretch is dropped. Returns the bytes needed, or a negative status. */
INGOT_API int32_t ingot_detokenize(const ingot_model *model, const ingot_token *tokens, size_t n, char *text, int32_t cap);

typedef struct ingot_message {
  const char *role, *content;
} ingot_message;
/* The conversation as the model's chat template writes it. Returns the bytes needed, or a negative status: INGOT_ERROR_ARGUMENT where the
 * template refuses it (say, roles that do not alternate). Borrows a few times the text, at least 64 KiB and at most 256 MiB. */
INGOT_API int32_t ingot_chat_format(const ingot_model *model, const ingot_message *messages, size_t n, bool add_assistant, char *text, int32_t cap);
/* The same for all that a template may read: `json` is an object whose members are the template's variables, so {"messages": [...],
 * "tools": [...], "enable_thinking": false}. Numbers with a fraction are written as they stand there. */
INGOT_API int32_t ingot_chat_format_json(const ingot_model *model, const char *json, size_t size, bool add_assistant, char *text, int32_t cap,
                                         ingot_error *error);

typedef struct ingot_sampling {
  size_t size; /* sizeof(ingot_sampling) */
  float temperature; /* 0 = greedy: the highest logit, the lowest id among equals */
  uint32_t top_k; /* 0 = all */
  float top_p; /* 1 = all */
  float min_p; /* 0 = all */
  float repeat_penalty; /* 1 = none: logits of the last repeat_last tokens are divided (positive) or multiplied (negative) by it */
  uint32_t repeat_last;
  uint64_t seed;
  const char *const *stop; /* strings that end generation, copied; at most 16 of at most 64 bytes */
  uint32_t n_stop;
} ingot_sampling;
/* Greedy, no stop strings, seed 0. */
INGOT_API void ingot_sampling_default(ingot_sampling *sampling);

typedef struct ingot_session_options {
  size_t size; /* sizeof(ingot_session_options) */
  uint32_t n_context; /* 0: the plan's most; rounded up to a multiple of 128 */
  const ingot_sampling *sampling; /* NULL: the default */
} ingot_session_options;

INGOT_API ingot_status ingot_session_open(ingot_model *model, const ingot_session_options *options, ingot_session **session, ingot_error *error);
INGOT_API void ingot_session_close(ingot_session *session);
INGOT_API ingot_status ingot_session_set(ingot_session *session, const ingot_sampling *sampling, ingot_error *error);

/* Prefill: the tokens go into the context; ingot_logits then holds those after the last. On CANCELLED nothing was added. */
INGOT_API ingot_status ingot_append(ingot_session *session, const ingot_token *tokens, size_t n, ingot_error *error);

typedef struct ingot_piece {
  const char *text; /* whole UTF-8 characters, NUL-terminated, valid until the next call; may be empty */
  size_t size;
  ingot_token token;
  uint32_t position; /* of the token */
} ingot_piece;
/* Samples one token from the logits, appends it, and computes the logits after it. INGOT_END: the token ends the answer (it is
 * in the piece but not in the context), or a stop string was met (its token is in the context, its text in no piece). The piece then
 * has the text that was held back. On CANCELLED and errors nothing has changed, the sampler included. */
INGOT_API ingot_status ingot_next(ingot_session *session, ingot_piece *piece, ingot_error *error);

/* false stops. */
typedef bool (*ingot_stream)(void *user, const ingot_piece *piece);
/* Tokenises `text` (special tokens as such; bos first where the model wants it and the context is empty), appends it and streams
 * at most `max` tokens. INGOT_OK when max was reached, INGOT_END when the model ended. */
INGOT_API ingot_status ingot_generate(ingot_session *session, const char *text, size_t size, uint32_t max, ingot_stream stream, void *user, ingot_error *error);
/* The conversation through the chat template, then as ingot_generate: what an earlier call left in the context is kept where the
 * tokens agree, and rewound where not. */
INGOT_API ingot_status ingot_chat(ingot_session *session, const ingot_message *messages, size_t n, uint32_t max, ingot_stream stream, void *user,
                                  ingot_error *error);
/* The same, the conversation given as to ingot_chat_format_json. */
INGOT_API ingot_status ingot_chat_json(ingot_session *session, const char *json, size_t size, uint32_t max, ingot_stream stream, void *user,
                                       ingot_error *error);

/* Logits after the last token: n floats (n_vocab), or NULL before the first token. Valid until the next call. */
INGOT_API const float *ingot_logits(const ingot_session *session, uint32_t *n);
/* As ingot_append, and logits of every one of the n positions, handed row by row to `row` (false stops: INGOT_STOPPED, the tokens
 * up to that row stay). */
INGOT_API ingot_status ingot_append_logits(ingot_session *session, const ingot_token *tokens, size_t n,
                                           bool (*row)(void *user, uint32_t position, const float *logits, uint32_t n_vocab), void *user, ingot_error *error);

INGOT_API uint32_t ingot_position(const ingot_session *session); /* tokens in the context */
/* Forgets all but the first `position` tokens. Where that is fewer than there were, the logits are gone (ingot_logits is NULL) until at
 * least one token is appended. */
INGOT_API ingot_status ingot_rewind(ingot_session *session, uint32_t position, ingot_error *error);
/* What a session is at this moment, to go on from later: tokens, caches, logits, sampler with its random state, text held back. The bytes come in
 * order, the hash of all of them last; false from `write` ends it (INGOT_ERROR_IO). Allocates nothing. */
typedef bool (*ingot_write)(void *user, const void *bytes, size_t size);
INGOT_API ingot_status ingot_session_save(const ingot_session *session, ingot_write write, void *user, ingot_error *error);
/* The session becomes what was saved, by a session of any n_context that holds its tokens, on any variant of the target. `read` fills all of `size`
 * bytes, or returns false. Whatever bytes it gives: all is checked before anything is changed, and on any error the session is left as it
 * was. Borrows as many bytes as there are tokens, logits and caches in it. */
typedef bool (*ingot_read)(void *user, void *bytes, size_t size);
INGOT_API ingot_status ingot_session_load(ingot_session *session, ingot_read read, void *user, ingot_error *error);
/* The same in a file, readable by its owner alone. Saving writes beside it (PATH.part) and renames: killed at any moment, the old file or the new
 * one is whole; what a killed process leaves is taken by the next save. INGOT_ERROR_IO while another process saves to it, and where something other
 * than a regular file is in its place. */
INGOT_API ingot_status ingot_session_save_file(const ingot_session *session, const char *path, ingot_error *error);
INGOT_API ingot_status ingot_session_load_file(ingot_session *session, const char *path, ingot_error *error);
/* A second session, with memory of its own, that goes on from where the first is. Its random state is the same: for another answer give it another
 * seed by ingot_session_set. */
INGOT_API ingot_status ingot_session_fork(const ingot_session *session, ingot_session **fork, ingot_error *error);
/* Any thread, and signal handlers: the running append, next or generate returns INGOT_CANCELLED soon; where none runs, the next one
 * does, so that nothing is lost between two calls of ingot_next. */
INGOT_API void ingot_cancel(ingot_session *session);

INGOT_API const char *ingot_version(void); /* "0.1.0" */

#ifdef __cplusplus
}
#endif
#endif
