/* Text in, text out: prompts and conversations over append and next. */
#include <string.h>
#include "runtime/session.h"
#include "runtime/template_run.h"

/* What a call borrows, and gives back before it generates. */
typedef struct prompt {
  char *text;
  uint64_t text_bytes;
  ingot_token *tokens;
  uint64_t token_bytes;
  size_t n;
} prompt;

static void drop_prompt(const ingot_session *session, prompt *p) {
  ingot__release(&session->model->allocator, p->text, p->text_bytes);
  ingot__release(&session->model->allocator, p->tokens, p->token_bytes);
  *p = (prompt){0};
}

static ingot_status no_memory(ingot_error *error) { return ingot__fail(error, INGOT_ERROR_MEMORY, "no memory to tokenise the prompt"); }

static bool begins_with_bos(const ingot__tokenizer *t, const ingot_token *tokens, size_t n) { return n && (uint32_t)tokens[0] == t->bos; }

/* The text's tokens, with bos in front where `bos` says so and the text does not have it itself. */
static ingot_status tokenize(const ingot_session *session, const char *text, size_t size, bool bos, prompt *p, ingot_error *error) {
  const ingot_model *model = session->model;
  const ingot__tokenizer *t = &model->tokenizer;
  if (!t->present) return ingot__fail(error, INGOT_ERROR_UNSUPPORTED, "the model has no tokenizer: use ingot_append with token ids");
  if (size > INT32_MAX / 4) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%zu bytes of text are too many", size);
  int64_t n = ingot__tokenize(t, &model->allocator, text, size, true, NULL, 0);
  if (n < 0) return no_memory(error);
  p->token_bytes = ((uint64_t)n + 1) * sizeof *p->tokens;
  p->tokens = ingot__allocate(&model->allocator, p->token_bytes, 16);
  if (!p->tokens) return no_memory(error);
  if (ingot__tokenize(t, &model->allocator, text, size, true, p->tokens + 1, (size_t)n) != n) return no_memory(error);
  p->n = (size_t)n;
  if (bos && t->add_bos && t->bos != UINT32_MAX && !begins_with_bos(t, p->tokens + 1, p->n)) {
    p->tokens[0] = (ingot_token)t->bos;
    p->n++;
  } else memmove(p->tokens, p->tokens + 1, p->n * sizeof *p->tokens);
  return INGOT_OK;
}

static ingot_status generate(ingot_session *session, uint32_t max, ingot_stream stream, void *user, ingot_error *error) {
  ingot_piece piece = {"", 0, -1, session->position};
  for (uint32_t i = 0; i < max; i++) {
    ingot_status status = ingot_next(session, &piece, error);
    if (status && status != INGOT_END) return status;
    if (!stream(user, &piece)) return status ? status : ingot__fail(error, INGOT_STOPPED, "stopped");
    if (status) return status;
  }
  ingot__stream_end(&session->stream, &piece); /* what was held back may be shown now */
  if (piece.size && !stream(user, &piece)) return ingot__fail(error, INGOT_STOPPED, "stopped");
  return INGOT_OK;
}

ingot_status ingot_generate(ingot_session *session, const char *text, size_t size, uint32_t max, ingot_stream stream, void *user, ingot_error *error) {
  if (!session || (!text && size) || !stream) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", !session ? "session" : !stream ? "stream" : "text");
  prompt p = {0};
  ingot_status status = tokenize(session, text, size, session->position == 0, &p, error);
  if (!status) status = ingot_append(session, p.tokens, p.n, error);
  drop_prompt(session, &p);
  return status ? status : generate(session, max, stream, user, error);
}

static ingot_status render(const ingot_model *model, ingot__conversation *talk, ingot__rendered *out, ingot_error *error) {
  if (!model->plan.has_template) return ingot__fail(error, INGOT_ERROR_UNSUPPORTED, "the model has no chat template: use ingot_generate");
  talk->now = ingot__os_now();
  ingot_status status = ingot__template_run(model->plan.template_code, model->plan.template_strings, talk, &model->allocator, out, error);
  if (!status && out->size > INT32_MAX / 4) {
    ingot__release(&model->allocator, out->text, out->bytes);
    return ingot__fail(error, INGOT_ERROR_ARGUMENT, "the conversation has %llu bytes, which are too many", (unsigned long long)out->size);
  }
  return status;
}

static int32_t format(const ingot_model *model, ingot__conversation *talk, char *text, int32_t cap, ingot_error *error) {
  ingot__rendered out;
  ingot_status status = render(model, talk, &out, error);
  if (status) return status;
  const uint64_t n = cap < 0 ? 0 : (uint64_t)cap < out.size ? (uint64_t)cap : out.size;
  if (n) memcpy(text, out.text, (size_t)n);
  ingot__release(&model->allocator, out.text, out.bytes);
  return (int32_t)out.size;
}

int32_t ingot_chat_format(const ingot_model *model, const ingot_message *messages, size_t n, bool add_assistant, char *text, int32_t cap) {
  if (!model || (n && !messages) || (!text && cap > 0)) return INGOT_ERROR_ARGUMENT;
  static const ingot_message none = {NULL, NULL};
  return format(model, &(ingot__conversation){.messages = n ? messages : &none, .n = n, .add_assistant = add_assistant}, text, cap, NULL);
}

int32_t ingot_chat_format_json(const ingot_model *model, const char *json, size_t size, bool add_assistant, char *text, int32_t cap, ingot_error *error) {
  if (!model || !json || (!text && cap > 0)) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", !model ? "model" : !json ? "json" : "text");
  return format(model, &(ingot__conversation){.json = json, .json_size = size, .add_assistant = add_assistant}, text, cap, error);
}

/* Keeps what the context and the prompt have in common; appends the rest. At least one token is appended where logits are missing. */
static ingot_status append_changed(ingot_session *session, const prompt *p, ingot_error *error) {
  uint32_t same = 0;
  while (same < p->n && same < session->position && session->history[same] == p->tokens[same]) same++;
  if (p->n > session->memory.n_context) /* before anything is forgotten */
    return ingot__fail(error, INGOT_ERROR_CONTEXT,
                       "the conversation has %zu tokens, the context holds %u: shorten it, or open a session with a larger n_context", p->n,
                       session->memory.n_context);
  if (same && same == p->n && (same < session->position || !session->has_logits)) same--;
  ingot_status status = ingot_rewind(session, same, error);
  return status ? status : ingot_append(session, p->tokens + same, p->n - same, error);
}

static ingot_status chat(ingot_session *session, ingot__conversation *talk, uint32_t max, ingot_stream stream, void *user, ingot_error *error) {
  prompt p = {0};
  ingot__rendered text = {NULL, 0, 0};
  ingot_status status = render(session->model, talk, &text, error);
  p.text = text.text;
  p.text_bytes = text.bytes;
  if (!status) status = tokenize(session, p.text ? p.text : "", (size_t)text.size, true, &p, error);
  if (!status) status = append_changed(session, &p, error);
  drop_prompt(session, &p);
  return status ? status : generate(session, max, stream, user, error);
}

ingot_status ingot_chat(ingot_session *session, const ingot_message *messages, size_t n, uint32_t max, ingot_stream stream, void *user, ingot_error *error) {
  if (!session || (!messages && n) || !stream)
    return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", !session ? "session" : !stream ? "stream" : "messages");
  static const ingot_message none = {NULL, NULL};
  return chat(session, &(ingot__conversation){.messages = n ? messages : &none, .n = n, .add_assistant = true}, max, stream, user, error);
}

ingot_status ingot_chat_json(ingot_session *session, const char *json, size_t size, uint32_t max, ingot_stream stream, void *user, ingot_error *error) {
  if (!session || !json || !stream) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", !session ? "session" : !stream ? "stream" : "json");
  return chat(session, &(ingot__conversation){.json = json, .json_size = size, .add_assistant = true}, max, stream, user, error);
}
