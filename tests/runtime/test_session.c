/* Sessions on the toy model: every way to feed a prompt gives the same bits, on every number of threads; cancel, rewind, chat. */
#include <pthread.h>
#include "runtime/core.h"
#include "tests/runtime/check.h"
#include "tests/runtime/toy.h"

enum { LONG = 300 };

static ingot_model *open_model(const toy *t, uint32_t n_threads, ingot_parallel_for hook) {
  ingot_model *model = NULL;
  ingot_error error = {INGOT_OK, ""};
  ingot_model_options options = toy_options(t);
  options.n_threads = n_threads;
  options.parallel_for = hook;
  options.verify_weights = true;
  if (!CHECK(ingot_model_open(&t->program, &options, &model, &error) == INGOT_OK)) {
    fprintf(stderr, "%s\n", error.message);
    exit(1);
  }
  return model;
}

static ingot_session *open_session(ingot_model *model) {
  ingot_session *session = NULL;
  if (!CHECK(ingot_session_open(model, NULL, &session, NULL) == INGOT_OK)) exit(1);
  return session;
}

static void fill(ingot_token *tokens, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) tokens[i] = (ingot_token)((i * 7919 + i * i) % TOY_VOCAB);
}

static void logits_of(ingot_session *session, float *to) {
  uint32_t n = 0;
  const float *logits = ingot_logits(session, &n);
  CHECK_EQUAL(n, TOY_VOCAB);
  if (logits) memcpy(to, logits, n * sizeof *to);
}

static bool same(const float *a, const float *b) { return !memcmp(a, b, TOY_VOCAB * sizeof *a); }

typedef struct rows {
  float *at;
  uint32_t count, stop;
} rows;
static bool keep_row(void *user, uint32_t position, const float *logits, uint32_t n) {
  rows *r = user;
  CHECK_EQUAL(position, r->count);
  CHECK_EQUAL(n, TOY_VOCAB);
  memcpy(r->at + (size_t)r->count * TOY_VOCAB, logits, n * sizeof *logits);
  return ++r->count != r->stop;
}

/* One by one, in uneven chunks, at once, and with the logits of every position. */
static void test_feeding(const toy *t, ingot_model *model, float *expected) {
  ingot_token tokens[LONG];
  float logits[TOY_VOCAB], *every = malloc(sizeof(float) * TOY_VOCAB * LONG);
  (void)t;
  fill(tokens, LONG);
  ingot_session *session = open_session(model);
  CHECK(ingot_logits(session, NULL) == NULL);
  for (uint32_t i = 0; i < LONG; i++) CHECK_EQUAL(ingot_append(session, tokens + i, 1, NULL), INGOT_OK);
  logits_of(session, logits);
  if (expected[0] == 0) memcpy(expected, logits, sizeof logits); /* the first to come here */
  CHECK(same(logits, expected));
  CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
  CHECK(ingot_logits(session, NULL) == NULL);
  for (uint32_t i = 0, n = 1; i < LONG; i += n, n = n % 61 + 7) {
    if (n > LONG - i) n = LONG - i;
    CHECK_EQUAL(ingot_append(session, tokens + i, n, NULL), INGOT_OK);
  }
  logits_of(session, logits);
  CHECK(same(logits, expected));
  CHECK_EQUAL(ingot_rewind(session, 17, NULL), INGOT_OK);
  CHECK_EQUAL(ingot_append(session, tokens + 17, LONG - 17, NULL), INGOT_OK);
  logits_of(session, logits);
  CHECK(same(logits, expected));
  CHECK_EQUAL(ingot_position(session), LONG);
  ingot_session_close(session);
  session = open_session(model);
  rows r = {every, 0, 0};
  CHECK_EQUAL(ingot_append_logits(session, tokens, LONG, keep_row, &r, NULL), INGOT_OK);
  CHECK_EQUAL(r.count, LONG);
  logits_of(session, logits);
  CHECK(same(logits, expected) && same(every + (LONG - 1) * TOY_VOCAB, expected));
  CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
  for (uint32_t i = 0; i < LONG; i += 50) {
    CHECK_EQUAL(ingot_append(session, tokens + ingot_position(session), i + 1 - ingot_position(session), NULL), INGOT_OK);
    logits_of(session, logits);
    CHECK(same(logits, every + i * TOY_VOCAB));
  }
  CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
  r = (rows){every, 0, 31};
  CHECK_EQUAL(ingot_append_logits(session, tokens, LONG, keep_row, &r, NULL), INGOT_STOPPED);
  CHECK_EQUAL(ingot_position(session), 31);
  logits_of(session, logits);
  CHECK(same(logits, every + 30 * TOY_VOCAB));
  ingot_session_close(session);
  free(every);
}

static void test_arguments(ingot_model *model) {
  ingot_token tokens[TOY_CONTEXT + 1];
  ingot_error error = {INGOT_OK, ""};
  ingot_piece piece;
  ingot_session *session = NULL;
  fill(tokens, TOY_CONTEXT + 1);
  CHECK_EQUAL(ingot_session_open(model, &(ingot_session_options){.size = sizeof(ingot_session_options), .n_context = TOY_CONTEXT + 1}, &session, &error),
              INGOT_ERROR_ARGUMENT);
  CHECK(session == NULL && strstr(error.message, "513"));
  CHECK_EQUAL(ingot_session_open(model, &(ingot_session_options){.size = sizeof(ingot_session_options), .n_context = 100}, &session, &error), INGOT_OK);
  CHECK_EQUAL(ingot_append(session, tokens, 129, &error), INGOT_ERROR_CONTEXT);
  CHECK(strstr(error.message, "128") != NULL);
  CHECK_EQUAL(ingot_next(session, &piece, &error), INGOT_ERROR_ARGUMENT);
  tokens[5] = TOY_VOCAB;
  CHECK_EQUAL(ingot_append(session, tokens, 10, &error), INGOT_ERROR_ARGUMENT);
  CHECK(strstr(error.message, "token 5 is 320") != NULL);
  tokens[5] = -1;
  CHECK_EQUAL(ingot_append(session, tokens, 10, &error), INGOT_ERROR_ARGUMENT);
  tokens[5] = 0;
  CHECK_EQUAL(ingot_position(session), 0);
  CHECK_EQUAL(ingot_append(session, tokens, 0, &error), INGOT_OK);
  CHECK_EQUAL(ingot_append(session, tokens, 128, &error), INGOT_OK);
  CHECK_EQUAL(ingot_next(session, &piece, &error), INGOT_ERROR_CONTEXT);
  CHECK(ingot_logits(session, NULL) != NULL);
  CHECK_EQUAL(ingot_rewind(session, 129, &error), INGOT_ERROR_ARGUMENT);
  CHECK_EQUAL(ingot_rewind(session, 128, &error), INGOT_OK);
  ingot_sampling sampling;
  ingot_sampling_default(&sampling);
  sampling.temperature = NAN;
  CHECK_EQUAL(ingot_session_set(session, &sampling, &error), INGOT_ERROR_ARGUMENT);
  sampling.temperature = 0;
  const char *stops[] = {""};
  sampling.stop = stops;
  sampling.n_stop = 1;
  CHECK_EQUAL(ingot_session_set(session, &sampling, &error), INGOT_ERROR_ARGUMENT);
  ingot_session_close(session);
  CHECK(ingot_model_memory(model, 128) < ingot_model_memory(model, 0));
  CHECK_EQUAL(ingot_model_memory(model, TOY_CONTEXT + 1), 0);
}

static void test_open(const toy *t) {
  ingot_model *model = NULL;
  ingot_error error = {INGOT_OK, ""};
  ingot_model_options options = toy_options(t);
  bool supported = true;
  CHECK_TEXT(ingot_program_variant(&t->program, 0, &supported), "future");
  CHECK(!supported);
  CHECK(ingot_program_variant(&t->program, 3, NULL) == NULL);
  options.variant = "future";
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_CPU);
  options.variant = "futur";
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_CPU);
  CHECK(strstr(error.message, "plain spare") != NULL);
  options.variant = "spare";
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_OK);
  ingot_model_info info = {.size = sizeof info};
  CHECK_EQUAL(ingot_model_get_info(model, &info), INGOT_OK);
  CHECK_TEXT(info.variant, "spare");
  CHECK_TEXT(info.name, "toy");
  CHECK_TEXT(info.source, "made by hand");
  CHECK(info.has_tokenizer && info.has_chat_template && info.bos == TOY_BOS && info.n_vocab == TOY_VOCAB && info.chunk == TOY_CHUNK);
  ingot_model_close(model);
  options.variant = NULL;
  options.weights_size--;
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_WEIGHTS);
  options.weights_size++;
  uint8_t *root = (uint8_t *)t->weights + TOY_WEIGHTS + offsetof(ingot_seal, root); /* names the weights: looked at by every open */
  *root ^= 1;
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_WEIGHTS);
  *root ^= 1;
  float kept = t->weights[16]; /* any other byte: by the full check */
  t->weights[16] += 1;
  options.verify_weights = true;
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_WEIGHTS);
  options.verify_weights = false; /* or by a check later */
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_OK);
  CHECK_EQUAL(ingot_model_verify(model, 0, 0, &error), INGOT_ERROR_WEIGHTS);
  CHECK_TEXT(error.message, "the weights are damaged in the MiB from byte 0 on: take them again from where they came");
  t->weights[16] = kept;
  CHECK_EQUAL(ingot_model_verify(model, TOY_WEIGHTS - 1, 1, &error), INGOT_OK);
  CHECK_EQUAL(ingot_model_verify(model, TOY_WEIGHTS - 1, 2, &error), INGOT_ERROR_ARGUMENT);
  root[sizeof(ingot_seal) - offsetof(ingot_seal, root)] ^= 1;
  CHECK_EQUAL(ingot_model_verify(model, 0, 0, &error), INGOT_ERROR_WEIGHTS);
  CHECK_TEXT(error.message, "the weights are damaged where their hashes are: take them again from where they came");
  root[sizeof(ingot_seal) - offsetof(ingot_seal, root)] ^= 1;
  root[sizeof(ingot_seal) - offsetof(ingot_seal, root) + 63] ^= 1;
  CHECK_EQUAL(ingot_model_verify(model, 0, 0, &error), INGOT_ERROR_WEIGHTS);
  root[sizeof(ingot_seal) - offsetof(ingot_seal, root) + 63] ^= 1;
  ingot_model_close(model);
  options.plan_size--;
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_PLAN);
  options.plan = NULL;
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_ARGUMENT);
  options.plan_path = "/nonexistent/toy.plan";
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_IO);
  CHECK(strstr(error.message, "/nonexistent/toy.plan: No such file") != NULL);
  options.plan_path = "/";
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_IO);
  options.size = 0;
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_ARGUMENT);
  ingot_program old = t->program;
  old.abi_version = 0;
  CHECK_EQUAL(ingot_model_open(&old, NULL, &model, &error), INGOT_ERROR_PLAN);
  CHECK(model == NULL);
}

/* From files, by path and by ranges of a descriptor that begin anywhere. */
static void test_files(const toy *t) {
  char path[] = "toy.XXXXXX.tmp";
  const long at[] = {0, 4096, 64, 5};
  float expected[TOY_VOCAB], logits[TOY_VOCAB];
  ingot_token tokens[40];
  fill(tokens, 40);
  for (size_t i = 0; i < 6; i++) { /* the last is read into memory, and may be cut off afterwards */
    FILE *f = fopen(path, "wb+");
    if (!CHECK(f != NULL)) return;
    fseek(f, i < 4 ? at[i] : 0, SEEK_SET);
    const bool read = i == 5;
    fwrite(t->weights, TOY_FILE, 1, f);
    fflush(f);
    int fd = 0;
    uint64_t size;
    CHECK_EQUAL(ingot__os_open(path, &fd, &size), 0);
    ingot_model_options options = toy_options(t);
    ingot_model *model = NULL;
    ingot_error error = {INGOT_OK, ""};
    options.weights = NULL;
    options.verify_weights = true;
    options.read_weights = read;
    if (i >= 4) options.weights_path = path;
    else options.weights_fd = fd, options.weights_fd_offset = (uint64_t)at[i], options.weights_fd_size = TOY_FILE;
    if (!CHECK(ingot_model_open(&t->program, &options, &model, &error) == INGOT_OK)) fprintf(stderr, "%s\n", error.message);
    CHECK(((uintptr_t)model->weights.data & ((2 << 20) - 1)) == (i == 2 ? 64 : 0) || i == 3 || read);
    if (read) {
      CHECK(model->weights.copy != NULL);
      fclose(fopen(path, "wb"));
    }
    ingot_session *session = open_session(model);
    CHECK_EQUAL(ingot_append(session, tokens, 40, NULL), INGOT_OK);
    logits_of(session, i ? logits : expected);
    if (i) CHECK(same(logits, expected));
    ingot_session_close(session);
    ingot_model_close(model);
    options.weights_fd_offset++;
    if (i < 4) CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_WEIGHTS);
    fputc(0, f);
    fflush(f);
    if (i == 4) CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, &error), INGOT_ERROR_WEIGHTS);
    ingot__os_close(fd);
    fclose(f);
  }
  remove(path);
}

typedef struct heard {
  char text[4096];
  size_t size;
  uint32_t pieces, stop;
  ingot_token last;
} heard;
static bool hear(void *user, const ingot_piece *piece) {
  heard *h = user;
  CHECK_EQUAL(strlen(piece->text), piece->size);
  memcpy(h->text + h->size, piece->text, piece->size + 1);
  h->size += piece->size;
  h->last = piece->token;
  return ++h->pieces != h->stop;
}

static void test_generation(ingot_model *model) {
  ingot_session *session = open_session(model);
  heard h = {.size = 0};
  CHECK_EQUAL(ingot_generate(session, "a", 1, 40, hear, &h, NULL), INGOT_END);
  CHECK_TEXT(h.text, " hello world.");
  CHECK_EQUAL(h.last, TOY_EOS);
  CHECK_EQUAL(ingot_position(session), 3 + 3); /* bos, space, a */
  ingot_session_close(session);
  session = open_session(model);
  h = (heard){.size = 0};
  CHECK_EQUAL(ingot_generate(session, "a", 1, 2, hear, &h, NULL), INGOT_OK);
  CHECK_TEXT(h.text, " hello world");
  ingot_sampling sampling;
  ingot_sampling_default(&sampling);
  const char *stops[] = {"zz", "lo wor", "lo worse"};
  sampling.stop = stops;
  sampling.n_stop = 3;
  CHECK_EQUAL(ingot_session_set(session, &sampling, NULL), INGOT_OK);
  CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
  h = (heard){.size = 0};
  CHECK_EQUAL(ingot_generate(session, "a", 1, 40, hear, &h, NULL), INGOT_END);
  CHECK_TEXT(h.text, " hel");
  stops[1] = "lo worst";
  CHECK_EQUAL(ingot_session_set(session, &sampling, NULL), INGOT_OK);
  CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
  h = (heard){.size = 0};
  CHECK_EQUAL(ingot_generate(session, "a", 1, 40, hear, &h, NULL), INGOT_END);
  CHECK_TEXT(h.text, " hello world.");
  CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
  h = (heard){.size = 0};
  CHECK_EQUAL(ingot_generate(session, "a", 1, 1, hear, &h, NULL), INGOT_OK); /* what is held back comes at the end */
  CHECK_TEXT(h.text, " hello");
  CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
  h = (heard){.stop = 1};
  CHECK_EQUAL(ingot_generate(session, "a", 1, 40, hear, &h, NULL), INGOT_STOPPED);
  CHECK_EQUAL(h.pieces, 1);
  ingot_session_close(session);
}

/* What a conversation and the context have in common is kept. */
static void test_chat(ingot_model *model) {
  ingot_session *session = open_session(model);
  heard h = {.size = 0};
  const ingot_message talk[] = {{"user", "hello"}, {"user", "hello world."}, {"user", "a"}};
  char text[200];
  CHECK_EQUAL(ingot_chat_format(model, talk, 2, true, text, sizeof text), 55);
  text[55] = 0;
  CHECK_TEXT(text, "<|user|>hello<|end|><|user|>hello world.<|end|><|user|>");
  memset(text, '#', sizeof text);
  CHECK_EQUAL(ingot_chat_format(model, talk, 1, false, text, 3), 20);
  CHECK(!memcmp(text, "<|u#", 4));
  CHECK_EQUAL(ingot_chat(session, talk, 1, 20, hear, &h, NULL), INGOT_END);
  CHECK_TEXT(h.text, "hello world."); /* the space after a special token is its own */
  uint32_t position = ingot_position(session);
  CHECK_EQUAL(position, 3 + 4 + 1 + 3); /* bos and the marks, he l lo after a space, the answer */
  h = (heard){.size = 0};
  CHECK_EQUAL(ingot_chat(session, talk, 1, 20, hear, &h, NULL), INGOT_END); /* again: all but one token kept */
  CHECK_TEXT(h.text, "hello world.");
  CHECK_EQUAL(ingot_position(session), position);
  h = (heard){.size = 0};
  CHECK_EQUAL(ingot_chat(session, talk, 3, 20, hear, &h, NULL), INGOT_END);
  CHECK_TEXT(h.text, "hello world.");
  ingot_session_close(session);
}

/* Cancelled in the n-th call of a kernel. */
typedef struct canceller {
  ingot_session *session;
  int countdown;
} canceller;
static void cancel_in_kernel(void *user) {
  canceller *c = user;
  if (--c->countdown == 0) ingot_cancel(c->session);
}

static void test_cancel(ingot_model *model) {
  ingot_token tokens[LONG];
  float before[TOY_VOCAB], after[TOY_VOCAB];
  ingot_piece piece;
  fill(tokens, LONG);
  ingot_session *session = open_session(model);
  canceller c = {session, 0};
  CHECK_EQUAL(ingot_append(session, tokens, 50, NULL), INGOT_OK);
  logits_of(session, before);
  toy_hook_user = &c;
  toy_hook = cancel_in_kernel;
  for (int n = 1; n < 5; n++) {
    c.countdown = n;
    CHECK_EQUAL(ingot_append(session, tokens + 50, LONG - 50, NULL), INGOT_CANCELLED);
    CHECK_EQUAL(ingot_position(session), 50);
    c.countdown = 1;
    CHECK_EQUAL(ingot_next(session, &piece, NULL), INGOT_CANCELLED);
    CHECK_EQUAL(ingot_position(session), 50);
    logits_of(session, after);
    CHECK(same(before, after));
  }
  toy_hook = NULL;
  ingot_cancel(session); /* where nothing runs: the next call */
  CHECK_EQUAL(ingot_append(session, tokens + 50, 1, NULL), INGOT_CANCELLED);
  CHECK_EQUAL(ingot_append(session, tokens + 50, LONG - 50, NULL), INGOT_OK);
  logits_of(session, after);
  CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
  CHECK_EQUAL(ingot_append(session, tokens, LONG, NULL), INGOT_OK);
  logits_of(session, before);
  CHECK(same(before, after));
  ingot_session_close(session);
}

/* Cancelled once in every token, sampled text is what it is without. */
static void test_cancel_each(ingot_model *model) {
  enum { MORE = 40 };
  const ingot_sampling sampling = {sizeof sampling, 0.8f, 50, 0.95f, 0, 1.1f, 32, 11, NULL, 0};
  ingot_token prompt[LONG], expected[MORE];
  ingot_piece piece;
  fill(prompt, LONG);
  for (int cancels = 0; cancels < 2; cancels++) {
    ingot_session *session = open_session(model);
    canceller c = {session, 0};
    CHECK_EQUAL(ingot_session_set(session, &sampling, NULL), INGOT_OK);
    CHECK_EQUAL(ingot_append(session, prompt, 20, NULL), INGOT_OK);
    toy_hook_user = &c;
    toy_hook = cancels ? cancel_in_kernel : NULL;
    for (int i = 0; i < MORE; i++) {
      c.countdown = 1;
      if (cancels) CHECK(ingot_next(session, &piece, NULL) != INGOT_OK);
      CHECK(ingot_next(session, &piece, NULL) >= INGOT_OK);
      if (cancels) CHECK_EQUAL(piece.token, expected[i]);
      expected[i] = piece.token;
    }
    toy_hook = NULL;
    ingot_session_close(session);
  }
}

/* Two sessions of one model, each on a thread of the app. */
typedef struct talker {
  ingot_model *model;
  const float *expected;
} talker;
static void *talk(void *context) {
  const talker *k = context;
  ingot_token tokens[LONG];
  float logits[TOY_VOCAB];
  fill(tokens, LONG);
  ingot_session *session = open_session(k->model);
  for (int round = 0; round < 3; round++) {
    CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
    CHECK_EQUAL(ingot_append(session, tokens, LONG - 4, NULL), INGOT_OK);
    for (uint32_t i = LONG - 4; i < LONG; i++) CHECK_EQUAL(ingot_append(session, tokens + i, 1, NULL), INGOT_OK);
    logits_of(session, logits);
    CHECK(same(logits, k->expected));
  }
  ingot_session_close(session);
  return NULL;
}

static void test_two_sessions(ingot_model *model, const float *expected) {
  pthread_t thread[2];
  talker k = {model, expected};
  for (int i = 0; i < 2; i++) CHECK_EQUAL(pthread_create(&thread[i], NULL, talk, &k), 0);
  for (int i = 0; i < 2; i++) pthread_join(thread[i], NULL);
}

/* The app's own threads: one for every index, in no order. */
typedef struct hooked {
  void (*work)(void *, uint32_t);
  void *context;
  uint32_t i;
} hooked;
static void *run_hooked(void *context) {
  const hooked *h = context;
  h->work(h->context, h->i);
  return NULL;
}
static void on_own_threads(void *user, uint32_t n, void (*work)(void *, uint32_t), void *context) {
  pthread_t thread[4];
  hooked h[4];
  (void)user;
  for (uint32_t i = 0; i < n; i++) h[i] = (hooked){work, context, i};
  for (uint32_t i = 1; i < n; i++) pthread_create(&thread[i], NULL, run_hooked, &h[i]);
  run_hooked(&h[0]);
  for (uint32_t i = 1; i < n; i++) pthread_join(thread[i], NULL);
}
static void backwards(void *user, uint32_t n, void (*work)(void *, uint32_t), void *context) {
  (void)user;
  while (n) work(context, --n);
}

int main(void) {
  toy t;
  toy_after[W_A] = W__HELLO;
  toy_after[W_USER] = W__HELLO;
  toy_after[W__HELLO] = W__WORLD;
  toy_after[W__WORLD] = W_DOT;
  toy_after[W_DOT] = TOY_EOS;
  toy_make(&t);
  const struct {
    uint32_t n_threads;
    ingot_parallel_for hook;
  } ways[] = {{1, NULL}, {2, NULL}, {4, NULL}, {1, backwards}, {3, backwards}, {2, on_own_threads}};
  float expected[TOY_VOCAB] = {0};
  test_open(&t);
  test_files(&t);
  for (size_t i = 0; i < sizeof ways / sizeof *ways; i++) {
    ingot_model *model = open_model(&t, ways[i].n_threads, ways[i].hook);
    test_feeding(&t, model, expected);
    test_arguments(model);
    test_generation(model);
    test_chat(model);
    test_cancel(model);
    test_cancel_each(model);
    test_two_sessions(model, expected);
    ingot_model_close(model);
  }
  toy_finish(&t);
  return finish();
}
