#include "runtime/session.h"

#include <string.h>
#include "runtime/abi/memory.h"

_Static_assert(sizeof(ingot_session) <= INGOT_SESSION_BYTES && sizeof(ingot__candidate) == 8, "memory.h promises the room");

static ingot__session_layout lay_out(const ingot_model *model, uint32_t n_context) {
  return ingot__lay_out_session(model->plan.n_vocab, n_context, model->tokenizer.longest);
}

/* 0 where the model has no such context. */
static uint32_t context_of(const ingot_model *model, uint32_t wanted) {
  uint32_t most = model->plan.n_context;
  if (!wanted) return most;
  return wanted > most ? 0 : (wanted + INGOT_KV_BLOCK - 1) / INGOT_KV_BLOCK * INGOT_KV_BLOCK;
}

uint64_t ingot_model_memory(const ingot_model *model, uint32_t n_context) {
  n_context = model ? context_of(model, n_context) : 0;
  return n_context ? lay_out(model, n_context).total + model->plan.arena_bytes + model->plan.kv_bytes * n_context : 0;
}

ingot_status ingot_session_open(ingot_model *model, const ingot_session_options *given, ingot_session **out, ingot_error *error) {
  ingot_session_options options = {0};
  if (!out || !model) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", out ? "model" : "session");
  *out = NULL;
  if (given) {
    if (!given->size) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "options->size is 0: set it to sizeof(ingot_session_options)");
    memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
  }
  uint32_t n_context = context_of(model, options.n_context);
  if (!n_context)
    return ingot__fail(error, INGOT_ERROR_ARGUMENT, "n_context is %u, the model was compiled for at most %u", options.n_context, model->plan.n_context);
  const ingot_allocator *allocator = &model->allocator;
  const ingot__session_layout l = lay_out(model, n_context);
  uint64_t kv_bytes = model->plan.kv_bytes * n_context;
  uint8_t *block = ingot__allocate(allocator, l.total, INGOT_ALIGN);
  ingot_session *session = (ingot_session *)(void *)block;
  if (block) {
    session->model = model;
    session->block_bytes = l.total;
    session->memory.n_context = n_context;
    session->memory.arena = ingot__allocate(allocator, model->plan.arena_bytes, INGOT_ALIGN);
    session->memory.kv = ingot__allocate(allocator, kv_bytes, INGOT_ALIGN);
  }
  if (!block || !session->memory.arena || (kv_bytes && !session->memory.kv)) {
    ingot_session_close(session);
    return ingot__fail(error, INGOT_ERROR_MEMORY, "no memory for a session's %llu bytes: ask for a smaller n_context than %u",
                       (unsigned long long)ingot_model_memory(model, n_context), n_context);
  }
  session->logits = (float *)(void *)(block + l.logits);
  session->history = (ingot_token *)(void *)(block + l.history);
  session->sampler.n_vocab = model->plan.n_vocab;
  session->sampler.candidates = (ingot__candidate *)(void *)(block + l.candidates);
  session->sampler.seen = block + l.seen;
  session->stream.out = (char *)block + l.text;
  ingot_sampling sampling = {.size = sizeof sampling};
  ingot_sampling_default(&sampling);
  ingot_status status = ingot_session_set(session, options.sampling ? options.sampling : &sampling, error);
  if (status) {
    ingot_session_close(session);
    return status;
  }
  *out = session;
  return INGOT_OK;
}

void ingot_session_close(ingot_session *session) {
  if (!session) return;
  const ingot_model *model = session->model;
  ingot__release(&model->allocator, session->memory.kv, model->plan.kv_bytes * session->memory.n_context);
  ingot__release(&model->allocator, session->memory.arena, model->plan.arena_bytes);
  ingot__release(&model->allocator, session, session->block_bytes);
}

void ingot_sampling_default(ingot_sampling *sampling) {
  if (sampling) *sampling = (ingot_sampling){.size = sizeof *sampling, .top_p = 1, .repeat_penalty = 1};
}

ingot_status ingot_session_set(ingot_session *session, const ingot_sampling *given, ingot_error *error) {
  ingot_sampling s;
  ingot_sampling_default(&s);
  if (!session || !given || !given->size) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "sampling->size is 0: set it to sizeof(ingot_sampling)");
  memcpy(&s, given, given->size < sizeof s ? given->size : sizeof s);
  if (!(s.temperature >= 0 && s.temperature <= 1e6f))
    return ingot__fail(error, INGOT_ERROR_ARGUMENT, "temperature is %g, it has to be 0 or more", (double)s.temperature);
  if (!(s.top_p >= 0 && s.top_p <= 1)) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "top_p is %g, it has to be between 0 and 1", (double)s.top_p);
  if (!(s.min_p >= 0 && s.min_p <= 1)) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "min_p is %g, it has to be between 0 and 1", (double)s.min_p);
  if (!(s.repeat_penalty > 0 && s.repeat_penalty <= 1e6f))
    return ingot__fail(error, INGOT_ERROR_ARGUMENT, "repeat_penalty is %g, it has to be above 0", (double)s.repeat_penalty);
  if (s.n_stop > INGOT__STOPS) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%u stop strings, the most is %d", s.n_stop, INGOT__STOPS);
  for (uint32_t i = 0; i < s.n_stop; i++) {
    size_t size = s.stop && s.stop[i] ? strlen(s.stop[i]) : 0;
    if (!size || size > INGOT__STOP_BYTES)
      return ingot__fail(error, INGOT_ERROR_ARGUMENT, "stop string %u has %zu bytes, it has to have 1 to %d", i, size, INGOT__STOP_BYTES);
    if (ingot__utf8_rest((const uint8_t *)s.stop[i], size) != 0) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "stop string %u is not UTF-8", i);
  }
  ingot__sampler *sampler = &session->sampler;
  sampler->temperature = s.temperature;
  sampler->top_k = s.top_k;
  sampler->top_p = s.top_p;
  sampler->min_p = s.min_p;
  sampler->repeat_penalty = s.repeat_penalty;
  sampler->repeat_last = s.repeat_last;
  sampler->random = s.seed;
  session->stream.n_stop = s.n_stop;
  for (uint32_t i = 0; i < s.n_stop; i++) {
    session->stream.stop_size[i] = (uint8_t)strlen(s.stop[i]);
    memcpy(session->stream.stop[i], s.stop[i], session->stream.stop_size[i]);
  }
  return INGOT_OK;
}

uint32_t ingot_position(const ingot_session *session) { return session ? session->position : 0; }

void ingot_cancel(ingot_session *session) {
  if (session) atomic_store_explicit(&session->cancel, true, memory_order_relaxed);
}

const float *ingot_logits(const ingot_session *session, uint32_t *n) {
  if (n) *n = session && session->has_logits ? session->model->plan.n_vocab : 0;
  return session && session->has_logits ? session->logits : NULL;
}

/* A new stretch of the context begins: what the stream still held belongs to the old one. */
static void reset_stream(ingot_session *session) {
  const ingot__tokenizer *tokenizer = &session->model->tokenizer;
  uint32_t n = session->position;
  ingot__stream_reset(&session->stream, n == 0 || ingot__token_is_special(tokenizer, (uint32_t)session->history[n - 1]));
}

ingot_status ingot_rewind(ingot_session *session, uint32_t position, ingot_error *error) {
  if (!session || position > ingot_position(session))
    return ingot__fail(error, INGOT_ERROR_ARGUMENT, "cannot rewind to %u: the context has %u tokens", position, ingot_position(session));
  if (position == session->position) return INGOT_OK;
  session->position = position;
  session->has_logits = false;
  reset_stream(session);
  return INGOT_OK;
}

static ingot_status cancelled(ingot_session *session, ingot_error *error) {
  atomic_store(&session->cancel, false);
  return ingot__fail(error, INGOT_CANCELLED, "cancelled");
}

static ingot_status check_tokens(const ingot_session *session, const ingot_token *tokens, size_t n, ingot_error *error) {
  if (!session || (n && !tokens)) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", session ? "tokens" : "session");
  uint32_t n_vocab = session->model->plan.n_vocab, room = session->memory.n_context - session->position;
  if (n > room)
    return ingot__fail(error, INGOT_ERROR_CONTEXT,
                       "%zu tokens do not fit: the context has room for %u of %u; rewind, or open a session with a larger n_context", n, room,
                       session->memory.n_context);
  for (size_t i = 0; i < n; i++)
    if (tokens[i] < 0 || (uint32_t)tokens[i] >= n_vocab)
      return ingot__fail(error, INGOT_ERROR_ARGUMENT, "token %zu is %d, the model has 0 to %u", i, (int)tokens[i], n_vocab - 1);
  return INGOT_OK;
}

/* Puts the tokens of one call where the first step reads them, and describes the call. A single token is decoded. */
static ingot__call place_tokens(ingot_session *session, const ingot_token *tokens, uint32_t n, uint32_t position) {
  memcpy(session->memory.arena + session->model->plan.tokens_offset, tokens, n * sizeof *tokens);
  memcpy(session->history + position, tokens, n * sizeof *tokens);
  return (ingot__call){n == 1 ? INGOT__DECODE : INGOT__PREFILL, n, position, 0};
}

static const float *arena_logits(const ingot_session *session, uint32_t row) {
  const ingot__plan *plan = &session->model->plan;
  return (const float *)(const void *)(session->memory.arena + plan->logits_offset + (uint64_t)row * plan->logits_row_bytes);
}

/* The arena's logits are overwritten by the next call, also by one that is cancelled: the session keeps its own. */
static void keep_logits(ingot_session *session, uint32_t row) {
  memcpy(session->logits, arena_logits(session, row), session->model->plan.n_vocab * sizeof(float));
  session->has_logits = true;
}

ingot_status ingot_append(ingot_session *session, const ingot_token *tokens, size_t n, ingot_error *error) {
  ingot_status status = check_tokens(session, tokens, n, error);
  if (status || !n) return status;
  if (atomic_load(&session->cancel)) return cancelled(session, error);
  const uint32_t chunk = session->model->plan.phase[INGOT__PREFILL].max_tokens, count = (uint32_t)n;
  for (uint32_t done = 0, now; done < count; done += now) {
    now = count - done < chunk ? count - done : chunk;
    uint32_t position = session->position + done;
    ingot__call calls[2] = {place_tokens(session, tokens + done, now, position), {INGOT__HEAD, 1, position + now - 1, now - 1}};
    if (!ingot__run(session->model, &session->memory, calls, done + now == count ? 2 : 1, &session->cancel)) return cancelled(session, error);
  }
  session->position += count;
  keep_logits(session, 0);
  reset_stream(session);
  return INGOT_OK;
}

ingot_status ingot_append_logits(ingot_session *session, const ingot_token *tokens, size_t n,
                                 bool (*row)(void *user, uint32_t position, const float *logits, uint32_t n_vocab), void *user, ingot_error *error) {
  ingot_status status = check_tokens(session, tokens, n, error);
  if (status || !n) return status;
  if (!row) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "row is NULL");
  if (atomic_load(&session->cancel)) return cancelled(session, error);
  const ingot__phase *phase = session->model->plan.phase;
  const uint32_t chunk = phase[INGOT__PREFILL].max_tokens, slice = phase[INGOT__HEAD_ROWS].max_tokens, count = (uint32_t)n;
  for (uint32_t done = 0, now; done < count; done += now) {
    now = count - done < chunk ? count - done : chunk;
    uint32_t position = session->position + done;
    ingot__call body = place_tokens(session, tokens + done, now, position);
    if (!ingot__run(session->model, &session->memory, &body, 1, &session->cancel)) return cancelled(session, error);
    for (uint32_t at = 0, rows; at < now; at += rows) {
      rows = now - at < slice ? now - at : slice;
      ingot__call head = {rows == 1 ? INGOT__HEAD : INGOT__HEAD_ROWS, rows, position + at, at};
      if (!ingot__run(session->model, &session->memory, &head, 1, &session->cancel)) return cancelled(session, error);
      for (uint32_t r = 0; r < rows; r++) {
        bool goes_on = row(user, position + at + r, arena_logits(session, r), session->model->plan.n_vocab);
        bool last = done + at + r + 1 == count;
        if (goes_on && !last) continue;
        session->position = position + at + r + 1;
        keep_logits(session, r);
        reset_stream(session);
        return goes_on ? INGOT_OK : ingot__fail(error, INGOT_STOPPED, "stopped");
      }
    }
  }
  return INGOT_OK;
}

ingot_status ingot_next(ingot_session *session, ingot_piece *piece, ingot_error *error) {
  if (!session || !piece) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", session ? "piece" : "session");
  *piece = (ingot_piece){"", 0, -1, session->position};
  if (!session->has_logits) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "nothing to go on from: append at least one token first");
  if (atomic_load(&session->cancel)) return cancelled(session, error);
  const ingot__tokenizer *tokenizer = &session->model->tokenizer;
  const uint64_t random = session->sampler.random;
  const uint32_t id = ingot__sample(&session->sampler, session->logits, session->history, session->position);
  piece->token = (ingot_token)id;
  if (ingot__token_ends(tokenizer, id)) {
    ingot__stream_end(&session->stream, piece);
    return INGOT_END;
  }
  if (session->position == session->memory.n_context) {
    session->sampler.random = random;
    return ingot__fail(error, INGOT_ERROR_CONTEXT, "the context is full: all its %u positions are taken; rewind, or open a session with a larger n_context",
                       session->memory.n_context);
  }
  ingot__call calls[2] = {place_tokens(session, &piece->token, 1, session->position), {INGOT__HEAD, 1, session->position, 0}};
  if (!ingot__run(session->model, &session->memory, calls, 2, &session->cancel)) {
    session->sampler.random = random;
    piece->token = -1;
    return cancelled(session, error);
  }
  session->position++;
  keep_logits(session, 0);
  return ingot__stream_token(&session->stream, tokenizer, id, piece) ? INGOT_END : INGOT_OK;
}
