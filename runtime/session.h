/* A session: its memory, the tokens in its context, the sampler, and the text that the stream still holds. */
#ifndef INGOT_RUNTIME_SESSION_H
#define INGOT_RUNTIME_SESSION_H

#include "runtime/core.h"
#include "runtime/sample.h"
#include "runtime/stream.h"
#include "runtime/tokens.h"

struct ingot_session {
  ingot_model *model;
  uint64_t block_bytes;
  ingot__memory memory;
  float *logits;            /* n_vocab */
  ingot_token *history;     /* n_context; the first `position` are in the context */
  uint32_t position;
  bool has_logits;
  _Atomic bool cancel;
  ingot__sampler sampler;
  ingot__stream stream;
};

#endif
