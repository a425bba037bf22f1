/* What a bundle will ask of a device, to the byte, known when it is compiled; and the limits that a build may set (--max-ram, --max-kv,
 * --max-lib-size). */
#ifndef INGOT_DRIVER_PROMISE_H
#define INGOT_DRIVER_PROMISE_H

#include "codegen/plan_writer.h"
#include "passes/schedule.h"

enum { IG_PROMISE_THREADS = 16 };  /* the most that the runtime starts by itself */

typedef struct ig_promise {
  uint64_t weights;            /* their file, mapped */
  uint64_t model;              /* what ingot_model_open asks for, bar scratch: plan, its table, the model itself */
  uint64_t scratch;            /* of one thread */
  uint64_t kv, arena, session; /* of a session of the whole context: caches, activations, tokens with logits and sampling */
} ig_promise;

ig_promise ig_promise_of(const ig_program_plan *plan, const ig_schedule *schedule, uint32_t n_vocab, uint32_t longest_piece, uint64_t plan_bytes);
/* With one session and `threads` threads. */
uint64_t ig_promise_ram(const ig_promise *promise, uint32_t threads);

typedef struct ig_limits {
  uint64_t ram, kv, library;   /* bytes; 0: no limit */
} ig_limits;

/* Reports each limit that is broken, with a table of what takes the space. `library_bytes` 0: not known yet. */
bool ig_check_limits(const ig_limits *limits, const ig_promise *promise, uint32_t n_context, uint64_t library_bytes, const char *place, ig_diags *diags);

#endif
