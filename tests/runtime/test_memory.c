/* Memory: every allocation refused in turn ends in MEMORY with nothing lost; append, next and rewind ask for none; what is asked for
 * is what ingot_model_memory says. */
#include "tests/runtime/guard.h"
#include "tests/runtime/check.h"
#include "tests/runtime/toy.h"

/* An app's thread-local variables lie on the stack of each of its threads, the runtime's among them, whatever their size. */
static _Thread_local volatile char large[2 << 20];

static bool ignore(void *user, const ingot_piece *piece) {
  (void)user;
  return piece->text != NULL;
}

/* Everything that allocates, until one refuses; the session is used after a refusal too. */
static ingot_status use(const toy *t, const ingot_model_options *options, guard *g) {
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_error error = {INGOT_OK, ""};
  const ingot_message message = {"user", "hello"};
  ingot_status status = ingot_model_open(&t->program, options, &model, &error);
  if (status == INGOT_OK) {
    int32_t n = ingot_tokenize(model, "hello", 5, true, NULL, 0);
    if (n < 0) status = (ingot_status)n;
  }
  if (status == INGOT_OK) status = ingot_session_open(model, NULL, &session, &error);
  if (status == INGOT_OK) status = ingot_generate(session, "hello", 5, 3, ignore, NULL, &error);
  if (status >= INGOT_OK) status = ingot_chat(session, &message, 1, 3, ignore, NULL, &error);
  if (status < INGOT_OK) CHECK(status == INGOT_ERROR_MEMORY && (error.status == status ? error.message[0] != 0 : true));
  if (session) {
    const uint32_t calls = g->calls, blocks = g->blocks;
    ingot_token tokens[100] = {0};
    ingot_piece piece;
    CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
    CHECK_EQUAL(ingot_append(session, tokens, 100, NULL), INGOT_OK);
    for (int i = 0; i < 20; i++) CHECK(ingot_next(session, &piece, NULL) >= INGOT_OK);
    CHECK_EQUAL(ingot_rewind(session, 7, NULL), INGOT_OK);
    CHECK_EQUAL(ingot_append(session, tokens, 1, NULL), INGOT_OK);
    CHECK(g->calls == calls && g->blocks == blocks);
  }
  ingot_session_close(session);
  ingot_model_close(model);
  CHECK_EQUAL(g->blocks, 0);
  CHECK_EQUAL(g->held, 0);
  return status;
}

static void test_sweep(const toy *t, uint32_t n_threads, bool range) {
  guard g = {.most = SIZE_MAX};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ingot_model_options options = toy_options(t);
  FILE *weights = tmpfile();
  options.n_threads = n_threads;
  options.allocator = &allocator;
  options.verify_weights = true;
  if (range && CHECK(weights != NULL)) { /* weights at an odd place are copied */
    fputc(0, weights);
    fwrite(t->weights, TOY_FILE, 1, weights);
    fflush(weights);
    options.weights = NULL;
    options.weights_fd = fileno(weights);
    options.weights_fd_offset = 1;
    options.weights_fd_size = TOY_FILE;
  }
  uint32_t refused = 0;
  while (g.refuse_at = refused + 1, g.calls = 0, use(t, &options, &g) == INGOT_ERROR_MEMORY) refused++;
  CHECK(refused > 8 && refused < 100);
  if (weights) fclose(weights);
}

static void test_size(const toy *t) {
  guard g = {.most = SIZE_MAX};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ingot_model_options options = toy_options(t);
  ingot_model *model = NULL;
  options.allocator = &allocator;
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, NULL), INGOT_OK);
  for (uint32_t n = 0; n <= TOY_CONTEXT; n += 100) {
    const size_t before = g.held;
    ingot_session *session = NULL;
    const ingot_session_options so = {.size = sizeof so, .n_context = n};
    CHECK_EQUAL(ingot_session_open(model, &so, &session, NULL), INGOT_OK);
    CHECK_EQUAL(g.held - before, ingot_model_memory(model, n));
    ingot_session_close(session);
    g.most = before + (size_t)ingot_model_memory(model, n) - 1;
    CHECK_EQUAL(ingot_session_open(model, &so, &session, NULL), INGOT_ERROR_MEMORY);
    g.most = SIZE_MAX;
  }
  ingot_model_close(model);
}

int main(void) {
  toy t;
  large[0] = 0;
  toy_make(&t);
  test_sweep(&t, 1, false);
  test_sweep(&t, 3, true);
  test_size(&t);
  toy_finish(&t);
  return finish();
}
