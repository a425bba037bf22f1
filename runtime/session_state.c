/* A session's state as bytes: saved, loaded, copied. */
#include "runtime/session_state.h"

#include <string.h>
#include "runtime/abi/saved.h"

/* ---- lines of the caches ------------------------------------------------------------------------------------------------ */

/* Calls put(user, bytes, size) for what the first `position` positions have of every plane of every cache, in order; false: it did. */
typedef bool put_lines(void *user, uint8_t *bytes, size_t size);

static bool each_plane(const ingot_session *session, uint32_t position, put_lines *put, void *user) {
  const ingot__vec caches = session->model->plan.caches;
  const uint64_t context = session->memory.n_context, lines = ingot__round_up(position, INGOT_KV_LINE);
  uint8_t *cache = session->memory.kv;
  for (uint32_t i = 0; lines && i < caches.count; i++) {
    const uint32_t planes = ingot__load32(caches.data + 8 * (size_t)i), bytes = ingot__load32(caches.data + 8 * (size_t)i + 4);
    for (uint32_t p = 0; bytes && p < planes; p++)
      if (!put(user, cache + p * context * bytes, (size_t)(lines * bytes))) return false;
    cache += ingot__round_up((uint64_t)planes * bytes, INGOT_ALIGN) * context;
  }
  return true;
}

static uint64_t lines_bytes(const ingot__plan *plan, uint32_t position) {
  uint64_t sum = 0;
  for (uint32_t i = 0; i < plan->caches.count; i++)
    sum += (uint64_t)ingot__load32(plan->caches.data + 8 * (size_t)i) * ingot__load32(plan->caches.data + 8 * (size_t)i + 4);
  return sum * ingot__round_up(position, INGOT_KV_LINE);
}

static bool take_lines(void *user, uint8_t *to, size_t size) {
  const uint8_t **from = user;
  memcpy(to, *from, size);
  *from += size;
  return true;
}

/* ---- save --------------------------------------------------------------------------------------------------------------- */

typedef struct saver {
  ingot_write write;
  void *user;
  ingot__sha256 hash;
} saver;

static bool put(void *user, uint8_t *bytes, size_t size) {
  saver *s = user;
  ingot__sha256_add(&s->hash, bytes, size);
  return !size || s->write(s->user, bytes, size);
}

static ingot_saved head_of(const ingot_session *session) {
  const ingot__plan *plan = &session->model->plan;
  const ingot__sampler *sampler = &session->sampler;
  const ingot__stream *stream = &session->stream;
  ingot_saved h = {.magic = INGOT_SAVED_MAGIC,
                   .n_vocab = plan->n_vocab,
                   .position = session->position,
                   .has_logits = session->has_logits,
                   .leading = stream->leading,
                   .temperature = sampler->temperature,
                   .top_p = sampler->top_p,
                   .min_p = sampler->min_p,
                   .repeat_penalty = sampler->repeat_penalty,
                   .top_k = sampler->top_k,
                   .repeat_last = sampler->repeat_last,
                   .random = sampler->random,
                   .n_held = stream->n_held,
                   .n_partial = stream->n_partial,
                   .n_stop = stream->n_stop};
  memcpy(h.weights_root, plan->weights_root.data, sizeof h.weights_root);
  ingot__sha256_of(plan->caches.data, 8 * (size_t)plan->caches.count, h.caches);
  memcpy(h.held, stream->held, stream->n_held);
  memcpy(h.partial, stream->partial, stream->n_partial);
  for (uint32_t i = 0; i < stream->n_stop; i++) memcpy(h.stop[i], stream->stop[i], stream->stop_size[i]);
  h.bytes = sizeof h + ingot__saved_body(plan, &h) + INGOT_SHA256_SIZE;
  return h;
}

uint64_t ingot__saved_body(const ingot__plan *plan, const ingot_saved *h) {
  return (uint64_t)h->position * sizeof(ingot_token) + (h->has_logits ? (uint64_t)plan->n_vocab * sizeof(float) : 0) + lines_bytes(plan, h->position);
}

ingot_status ingot_session_save(const ingot_session *session, ingot_write write, void *user, ingot_error *error) {
  if (!session || !write) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", session ? "write" : "session");
  saver s = {write, user, {{0}, 0, {0}}};
  ingot_saved head = head_of(session);
  uint8_t digest[INGOT_SHA256_SIZE];
  ingot__sha256_init(&s.hash);
  bool ok = put(&s, (uint8_t *)&head, sizeof head) && put(&s, (uint8_t *)session->history, head.position * sizeof *session->history) &&
      put(&s, (uint8_t *)session->logits, head.has_logits ? head.n_vocab * sizeof(float) : 0) && each_plane(session, head.position, put, &s);
  if (ok) ingot__sha256_finish(&s.hash, digest);
  if (ok && write(user, digest, sizeof digest)) return INGOT_OK;
  return ingot__fail(error, INGOT_ERROR_IO, "the session could not be saved: what takes its bytes refused some");
}

/* ---- load --------------------------------------------------------------------------------------------------------------- */

static ingot_status damaged(ingot_error *error, const char *field) {
  return ingot__fail(error, INGOT_ERROR_SESSION, "the saved session is damaged: %s; begin a new one", field);
}

/* All that can be said before the body is read; afterwards the body is known to be no larger than this session's own memory. */
static ingot_status check_head(const ingot_session *session, const ingot_saved *h, uint64_t have, ingot_error *error) {
  const ingot__plan *plan = &session->model->plan;
  uint8_t caches[INGOT_SHA256_SIZE];
  if (memcmp(h->magic, INGOT_SAVED_MAGIC, sizeof h->magic))
    return ingot__fail(error, INGOT_ERROR_SESSION, "not a saved session, or one of another version of ingot: begin a new one");
  ingot__sha256_of(plan->caches.data, 8 * (size_t)plan->caches.count, caches);
  if (memcmp(h->weights_root, plan->weights_root.data, sizeof h->weights_root) || h->n_vocab != plan->n_vocab)
    return ingot__fail(error, INGOT_ERROR_SESSION, "the saved session is of another model, or of this one compiled for another target: begin a new one");
  if (memcmp(h->caches, caches, sizeof caches)) return ingot__fail(error, INGOT_ERROR_SESSION, "the saved session has caches of another form: begin a new one");
  if (h->position > session->memory.n_context)
    return ingot__fail(error, INGOT_ERROR_CONTEXT, "the saved session has %u tokens, this one's context holds %u: open one with a larger n_context",
                       h->position, session->memory.n_context);
  if (h->has_logits > 1 || h->leading > 1 || (h->has_logits && !h->position)) return damaged(error, "flags");
  if (h->bytes != sizeof *h + ingot__saved_body(plan, h) + INGOT_SHA256_SIZE || (have && have != h->bytes)) return damaged(error, "its length");
  if (h->n_held > sizeof h->held || ingot__utf8_rest(h->held, h->n_held) != 0) return damaged(error, "text held back");
  if (h->n_partial >= sizeof h->partial || ingot__utf8_rest(h->partial, h->n_partial) != (int)h->n_partial) return damaged(error, "bytes of a character");
  return INGOT_OK;
}

/* The sampling options, judged as ingot_session_set judges them; the last thing that can fail. */
static bool set_sampling(ingot_session *session, const ingot_saved *h) {
  char stop[INGOT__STOPS][INGOT__STOP_BYTES + 1] = {{0}};
  const char *stops[INGOT__STOPS];
  for (uint32_t i = 0; i < INGOT__STOPS; i++) {
    memcpy(stop[i], h->stop[i], sizeof h->stop[i]);
    stops[i] = stop[i];
  }
  return ingot_session_set(session,
                           &(ingot_sampling){sizeof(ingot_sampling), h->temperature, h->top_k, h->top_p, h->min_p, h->repeat_penalty, h->repeat_last, h->random,
                                             stops, h->n_stop},
                           NULL) == INGOT_OK;
}

/* `body` was read whole: checks it, then takes it. */
static ingot_status take(ingot_session *session, const ingot_saved *h, const uint8_t *body, uint64_t size, ingot_error *error) {
  uint8_t digest[INGOT_SHA256_SIZE];
  ingot__sha256 hash;
  ingot__sha256_init(&hash);
  ingot__sha256_add(&hash, h, sizeof *h);
  ingot__sha256_add(&hash, body, (size_t)size);
  ingot__sha256_finish(&hash, digest);
  if (memcmp(digest, body + size, sizeof digest)) return damaged(error, "its checksum");
  for (uint32_t i = 0; i < h->position; i++)
    if (ingot__load32(body + 4 * (size_t)i) >= h->n_vocab) return damaged(error, "a token");
  if (!set_sampling(session, h)) return damaged(error, "sampling");
  ingot__stream_reset(&session->stream, h->leading);
  memcpy(session->stream.held, h->held, session->stream.n_held = h->n_held);
  memcpy(session->stream.partial, h->partial, session->stream.n_partial = h->n_partial);
  memcpy(session->history, body, h->position * sizeof *session->history);
  body += h->position * sizeof *session->history;
  if (h->has_logits) memcpy(session->logits, body, h->n_vocab * sizeof(float));
  body += h->has_logits ? h->n_vocab * sizeof(float) : 0;
  session->position = h->position;
  session->has_logits = h->has_logits;
  each_plane(session, h->position, take_lines, &body);
  return INGOT_OK;
}

ingot_status ingot__session_load(ingot_session *session, ingot_read read, void *user, uint64_t have, ingot_error *error) {
  ingot_saved head;
  if (!read(user, &head, sizeof head)) return ingot__fail(error, INGOT_ERROR_IO, "the saved session ends early or cannot be read");
  ingot_status status = check_head(session, &head, have, error);
  if (status) return status;
  const ingot_allocator *allocator = &session->model->allocator;
  const uint64_t size = ingot__saved_body(&session->model->plan, &head), room = size + INGOT_SHA256_SIZE;
  uint8_t *body = ingot__allocate(allocator, room, 16);
  if (!body) return ingot__fail(error, INGOT_ERROR_MEMORY, "no memory for the saved session's %llu bytes", (unsigned long long)room);
  if (read(user, body, (size_t)room)) status = take(session, &head, body, size, error);
  else status = ingot__fail(error, INGOT_ERROR_IO, "the saved session ends early or cannot be read");
  ingot__release(allocator, body, room);
  return status;
}

ingot_status ingot_session_load(ingot_session *session, ingot_read read, void *user, ingot_error *error) {
  if (!session || !read) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", session ? "read" : "session");
  return ingot__session_load(session, read, user, 0, error);
}

/* ---- fork --------------------------------------------------------------------------------------------------------------- */

typedef struct twin {
  const uint8_t *from;
  uint8_t *to;
} twin;

static bool copy_lines(void *user, uint8_t *bytes, size_t size) {
  const twin *t = user;
  memcpy(t->to + (bytes - t->from), bytes, size);
  return true;
}

ingot_status ingot_session_fork(const ingot_session *session, ingot_session **fork, ingot_error *error) {
  if (!session || !fork) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", session ? "fork" : "session");
  ingot_status status = ingot_session_open(session->model, &(ingot_session_options){sizeof(ingot_session_options), session->memory.n_context, NULL}, fork,
                                           error);
  if (status) return status;
  ingot_session *new = *fork;
  const ingot__sampler own = new->sampler;
  char *out = new->stream.out;
  new->sampler = session->sampler;
  new->sampler.candidates = own.candidates;
  new->sampler.seen = own.seen;
  new->stream = session->stream;
  new->stream.out = out;
  new->position = session->position;
  new->has_logits = session->has_logits;
  memcpy(new->history, session->history, session->position * sizeof *new->history);
  memcpy(new->logits, session->logits, session->has_logits ? session->sampler.n_vocab * sizeof(float) : 0);
  each_plane(session, session->position, copy_lines, &(twin){session->memory.kv, new->memory.kv});
  return INGOT_OK;
}
