/* Saved sessions: what comes after is as if nothing had been between; load takes all or nothing, whatever the bytes are; files are
 * replaced whole. */
#include "tests/runtime/guard.h"
#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "runtime/abi/saved.h"
#include "runtime/session.h"
#include "tests/runtime/bounds.h"
#include "tests/runtime/check.h"
#include "tests/runtime/memory_file.h"
#include "tests/runtime/toy.h"

enum { AT = 300, MORE = 100 };

static ingot_session *open_session(ingot_model *model, uint32_t n_context) {
  ingot_session *session = NULL;
  const ingot_session_options options = {.size = sizeof options, .n_context = n_context};
  if (!CHECK(ingot_session_open(model, &options, &session, NULL) == INGOT_OK)) exit(1);
  return session;
}

static memory_file saved(const ingot_session *session) {
  memory_file b = {NULL, 0, 0, 0, 0};
  ingot_error error = {INGOT_OK, ""};
  if (!CHECK(ingot_session_save(session, to_bytes, &b, &error) == INGOT_OK)) fprintf(stderr, "%s\n", error.message);
  return b;
}

static void fill(ingot_session *session, uint32_t n) {
  ingot_token tokens[TOY_CONTEXT];
  for (uint32_t i = 0; i < n; i++) tokens[i] = (ingot_token)((i * 7919 + i * i) % TOY_VOCAB);
  CHECK_EQUAL(ingot_append(session, tokens, n, NULL), INGOT_OK);
}

/* The next tokens and their text. */
typedef struct course {
  ingot_token token[MORE];
  char text[4096];
} course;
static course go_on(ingot_session *session) {
  course c = {{0}, ""};
  size_t size = 0;
  for (int i = 0; i < MORE; i++) {
    ingot_piece piece;
    CHECK(ingot_next(session, &piece, NULL) >= INGOT_OK);
    c.token[i] = piece.token;
    memcpy(c.text + size, piece.text, piece.size);
    size += piece.size;
  }
  return c;
}
static bool same(course a, course b) { return !memcmp(&a, &b, sizeof a); }

/* Greedy and sampled, in the middle of a character and of what may be a stop string, into contexts of other sizes, on another variant. */
static void test_round(ingot_model *model, ingot_model *other) {
  const char *stops[] = {"hello worst", "zz"};
  const ingot_sampling samplings[] = {{sizeof *samplings, 0, 0, 1, 0, 1, 0, 0, NULL, 0}, {sizeof *samplings, 0.9f, 40, 0.95f, 0.01f, 1.1f, 64, 7, stops, 2}};
  for (int i = 0; i < 4; i++) {
    ingot_session *session = open_session(model, 0), *back = open_session(i & 1 ? other : model, i & 2 ? 512 : 450), *fork = NULL;
    CHECK_EQUAL(ingot_session_set(session, &samplings[i / 2], NULL), INGOT_OK);
    fill(session, AT - 7);
    ingot_piece piece;
    for (int k = 0; k < 7; k++) CHECK(ingot_next(session, &piece, NULL) >= INGOT_OK);
    CHECK_EQUAL(ingot_position(session), AT);
    memcpy(session->stream.partial, "\xe2\x82", session->stream.n_partial = 2); /* as after two tokens of bytes */
    memcpy(session->stream.held, "hello", session->stream.n_held = 5);
    memory_file b = saved(session);
    CHECK_EQUAL(ingot_session_fork(session, &fork, NULL), INGOT_OK);
    const course expected = go_on(session);
    CHECK(i < 2 || strstr(expected.text, "hello") == expected.text);
    fill(back, 40); /* was somewhere else */
    CHECK_EQUAL(ingot_session_load(back, from_bytes, &b, NULL), INGOT_OK);
    CHECK_EQUAL(b.at, b.size);
    CHECK_EQUAL(ingot_position(back), AT);
    memory_file again = saved(back);
    CHECK(again.size == b.size && !memcmp(again.data, b.data, b.size));
    CHECK(same(go_on(back), expected));
    CHECK(same(go_on(fork), expected));
    free(b.data);
    free(again.data);
    ingot_session_close(session);
    ingot_session_close(back);
    ingot_session_close(fork);
  }
}

/* A session with nothing in it, and one without logits, are saved too. */
static void test_empty(ingot_model *model) {
  ingot_session *session = open_session(model, 0);
  memory_file b = saved(session);
  CHECK_EQUAL(b.size, sizeof(ingot_saved) + INGOT_SHA256_SIZE);
  fill(session, 20);
  CHECK_EQUAL(ingot_session_load(session, from_bytes, &b, NULL), INGOT_OK);
  CHECK(ingot_position(session) == 0 && ingot_logits(session, NULL) == NULL);
  free(b.data);
  fill(session, 20);
  CHECK_EQUAL(ingot_rewind(session, 10, NULL), INGOT_OK);
  b = saved(session);
  CHECK_EQUAL(ingot_rewind(session, 0, NULL), INGOT_OK);
  CHECK_EQUAL(ingot_session_load(session, from_bytes, &b, NULL), INGOT_OK);
  CHECK(ingot_position(session) == 10 && ingot_logits(session, NULL) == NULL);
  b.size = 0;
  b.stop = 2000;
  CHECK_EQUAL(ingot_session_save(session, to_bytes, &b, NULL), INGOT_ERROR_IO);
  free(b.data);
  ingot_session_close(session);
}

static void seal(memory_file *b) { ingot__sha256_of(b->data, b->size - INGOT_SHA256_SIZE, b->data + b->size - INGOT_SHA256_SIZE); }

/* Loads changed bytes; what the session was before has to be there afterwards. */
static ingot_status try_load(ingot_session *session, memory_file *b, ingot_error *error) {
  memory_file before = saved(session);
  b->at = 0;
  ingot_status status = ingot_session_load(session, from_bytes, b, error);
  memory_file after = saved(session);
  if (status) CHECK(before.size == after.size && !memcmp(before.data, after.data, before.size));
  free(before.data);
  free(after.data);
  return status;
}

static void test_refusals(const toy *t, ingot_model *model) {
  ingot_session *session = open_session(model, 0), *small = open_session(model, 128);
  const char *stops[] = {"stop"};
  ingot_sampling sampling;
  ingot_sampling_default(&sampling);
  sampling.stop = stops;
  sampling.n_stop = 1;
  CHECK_EQUAL(ingot_session_set(session, &sampling, NULL), INGOT_OK);
  fill(session, 130);
  memory_file good = saved(session), b = {malloc(good.size + 64), 0, good.size + 64, 0, 0};
  (void)t;
#define FIELD(name, value) \
  { offsetof(ingot_saved, name), value }
  const float nan = NAN;
  uint32_t nan_bits;
  memcpy(&nan_bits, &nan, 4);
  const struct {
    struct {
      size_t at;
      uint32_t value;
    } put;
    ingot_status status;
    const char *words;
  } cases[] = {
    {FIELD(magic, 0), INGOT_ERROR_SESSION, "not a saved session"},
    {FIELD(weights_root, 0), INGOT_ERROR_SESSION, "of another model"},
    {FIELD(n_vocab, 1), INGOT_ERROR_SESSION, "of another model"},
    {FIELD(caches, 0), INGOT_ERROR_SESSION, "caches of another form"},
    {FIELD(position, TOY_CONTEXT + 1), INGOT_ERROR_CONTEXT, "513 tokens, this one's context holds 512"},
    {FIELD(position, UINT32_MAX), INGOT_ERROR_CONTEXT, "tokens, this one's context holds 512"},
    {FIELD(position, 131), INGOT_ERROR_SESSION, "its length"},
    {FIELD(bytes, 0), INGOT_ERROR_SESSION, "its length"},
    {FIELD(has_logits, 2), INGOT_ERROR_SESSION, "flags"},
    {FIELD(has_logits, 0), INGOT_ERROR_SESSION, "its length"},
    {FIELD(leading, 7), INGOT_ERROR_SESSION, "flags"},
    {FIELD(n_held, 65), INGOT_ERROR_SESSION, "text held back"},
    {FIELD(n_held, 1), INGOT_OK, ""},
    {FIELD(n_partial, 1), INGOT_ERROR_SESSION, "bytes of a character"},
    {FIELD(n_partial, 4), INGOT_ERROR_SESSION, "bytes of a character"},
    {FIELD(temperature, nan_bits), INGOT_ERROR_SESSION, "sampling"},
    {FIELD(repeat_penalty, 0), INGOT_ERROR_SESSION, "sampling"},
    {FIELD(n_stop, 17), INGOT_ERROR_SESSION, "sampling"},
    {FIELD(n_stop, 2), INGOT_ERROR_SESSION, "sampling"},
    {FIELD(stop, 0xffffffff), INGOT_ERROR_SESSION, "sampling"},
    {{sizeof(ingot_saved), TOY_VOCAB}, INGOT_ERROR_SESSION, "a token"},
  };
#undef FIELD
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    ingot_error error = {INGOT_OK, ""};
    memcpy(b.data, good.data, b.size = good.size);
    memcpy(b.data + cases[i].put.at, &cases[i].put.value, 4);
    seal(&b);
    if (!CHECK(try_load(session, &b, &error) == cases[i].status && strstr(error.message, cases[i].words) != NULL))
      fprintf(stderr, "  case %zu: expected '%s', found '%s'\n", i, cases[i].words, error.message);
  }
  for (size_t n = 0; n < good.size; n += n < sizeof(ingot_saved) + 16 ? 1 : 97) { /* every way to end early */
    memcpy(b.data, good.data, b.size = n);
    CHECK_EQUAL(try_load(session, &b, NULL), INGOT_ERROR_IO);
  }
  for (size_t bit = 0; bit < 8 * good.size; bit += bit < 8 * sizeof(ingot_saved) ? 1 : 1009) { /* not sealed again: no bit may be another */
    memcpy(b.data, good.data, b.size = good.size);
    b.data[bit / 8] ^= (uint8_t)(1u << bit % 8);
    CHECK(try_load(session, &b, NULL) < 0);
  }
  CHECK_EQUAL(try_load(small, &good, NULL), INGOT_ERROR_CONTEXT);
  free(good.data);
  free(b.data);
  ingot_session_close(session);
  ingot_session_close(small);
}

/* Random changes, sealed again: refused, or a session that runs within its memory (guard pages), its text UTF-8. */
static void test_mutations(const toy *t) {
  uint64_t random = 88172645463325252u;
  const uint32_t n = bounds_rounds(20000);
  guard g = {.most = 1 << 21, .pages = true};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ingot_model_options options = toy_options(t);
  options.allocator = &allocator;
  ingot_model *model = NULL;
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, NULL), INGOT_OK);
  const char *stops[] = {"hello worst", "zz"};
  ingot_session *session = open_session(model, 128);
  CHECK_EQUAL(ingot_session_set(session, &(ingot_sampling){sizeof(ingot_sampling), 0.9f, 40, 0.95f, 0.01f, 1.1f, 64, 7, stops, 2}, NULL), INGOT_OK);
  fill(session, 60);
  memory_file good = saved(session), b = {malloc(good.size), good.size, good.size, 0, 0};
  uint32_t taken = 0;
  bounds_begin();
  for (uint32_t i = 0; i < n; i++) {
    bounds_next(i);
    memcpy(b.data, good.data, good.size);
    b.at = 0;
    for (uint64_t k = 1 + random_next(&random) % 3; k; k--) {
      const size_t within = random_next(&random) & 1 ? good.size : sizeof(ingot_saved), at = random_next(&random) % within;
      if (random_next(&random) & 1) b.data[at] ^= (uint8_t)(1u << random_next(&random) % 8);
      else b.data[at] = (uint8_t)random_next(&random);
    }
    seal(&b);
    ingot_error error = {INGOT_OK, ""};
    if (ingot_session_load(session, from_bytes, &b, &error) < 0) {
      CHECK(error.message[0] != 0);
      continue;
    }
    taken++;
    for (int k = 0; k < 3; k++) {
      ingot_piece piece;
      CHECK(ingot_next(session, &piece, NULL) >= INGOT_OK || !ingot_logits(session, NULL));
      CHECK_EQUAL(ingot__utf8_rest((const uint8_t *)piece.text, piece.size), 0);
    }
  }
  CHECK(bounds_end());
  printf("%u changes of %zu bytes: %u taken\n", n, good.size, taken);
  CHECK(taken > n / 20 && taken < n);
  free(good.data);
  free(b.data);
  ingot_session_close(session);
  ingot_model_close(model);
  CHECK_EQUAL(g.blocks, 0);
}

/* Every allocation refused once: the session is left as it was. */
static void test_memory(const toy *t) {
  guard g = {.most = SIZE_MAX};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ingot_model_options options = toy_options(t);
  options.allocator = &allocator;
  ingot_model *model = NULL;
  CHECK_EQUAL(ingot_model_open(&t->program, &options, &model, NULL), INGOT_OK);
  ingot_session *session = open_session(model, 0), *fork = NULL;
  fill(session, 60);
  memory_file b = saved(session);
  uint32_t refused[3] = {0};
  const uint32_t blocks = g.blocks;
  while (g.calls = 0, g.refuse_at = refused[0] + 1, try_load(session, &b, NULL) == INGOT_ERROR_MEMORY) refused[0]++;
  while (g.calls = 0, g.refuse_at = refused[1] + 1, ingot_session_fork(session, &fork, NULL) == INGOT_ERROR_MEMORY) refused[1]++;
  ingot_session_close(fork);
  while (g.calls = 0, g.refuse_at = refused[2] + 1, ingot_session_save_file(session, "memory.session", NULL) == INGOT_ERROR_MEMORY) refused[2]++;
  CHECK(refused[0] == 1 && refused[1] == 3 && refused[2] == 1);
  CHECK_EQUAL(g.blocks, blocks);
  remove("memory.session");
  free(b.data);
  ingot_session_close(session);
  ingot_model_close(model);
}

static void test_files(ingot_model *model) {
  static const char path[] = "toy.session", part[] = "toy.session.part";
  ingot_session *session = open_session(model, 0), *back = open_session(model, 0);
  ingot_error error = {INGOT_OK, ""};
  remove(path);
  remove(part);
  CHECK_EQUAL(ingot_session_load_file(back, path, &error), INGOT_ERROR_IO);
  CHECK_TEXT(error.message, "toy.session: No such file or directory");
  fill(session, 50);
  CHECK_EQUAL(ingot_session_save_file(session, path, &error), INGOT_OK);
  fill(session, 1);
  FILE *left = fopen(part, "wb"); /* as a killed process leaves it */
  if (CHECK(left != NULL)) fputs("half", left), fclose(left);
  CHECK_EQUAL(ingot_session_save_file(session, path, &error), INGOT_OK);
  struct stat st;
  CHECK(stat(path, &st) == 0 && (st.st_mode & 0777) == 0600);
  CHECK(stat(part, &st) != 0);
  CHECK_EQUAL(ingot_session_load_file(back, path, &error), INGOT_OK);
  CHECK_EQUAL(ingot_position(back), 51);
  const course expected = go_on(session);
  CHECK(same(go_on(back), expected));
  left = fopen(path, "ab");
  if (CHECK(left != NULL)) fputc(0, left), fclose(left);
  CHECK_EQUAL(ingot_session_load_file(back, path, &error), INGOT_ERROR_SESSION);
  CHECK_TEXT(error.message, "toy.session: the saved session is damaged: its length; begin a new one");
  CHECK_EQUAL(truncate(path, 100), 0);
  CHECK_EQUAL(ingot_session_load_file(back, path, &error), INGOT_ERROR_SESSION);
  CHECK_TEXT(error.message, "toy.session: not a saved session");
  const int other = open(part, O_WRONLY | O_CREAT, 0600); /* another process saves */
  CHECK(other >= 0 && flock(other, LOCK_EX) == 0);
  CHECK_EQUAL(ingot_session_save_file(session, path, &error), INGOT_ERROR_IO);
  close(other);
  remove(part);
  CHECK_EQUAL(ingot_session_save_file(session, "/nonexistent/toy.session", &error), INGOT_ERROR_IO);
  CHECK_TEXT(error.message, "/nonexistent/toy.session.part: No such file or directory");
  CHECK_EQUAL(ingot_session_save_file(session, "/dev/full/x", &error), INGOT_ERROR_IO);
  remove(path);
  ingot_session_close(session);
  ingot_session_close(back);
}

/* A child saves one of two sessions again and again, killed after a random time: the file is one of the two, whole. */
static void test_kills(ingot_model *model) {
  static const char path[] = "killed.session", part[] = "killed.session.part";
  ingot_session *a = open_session(model, 0), *b = open_session(model, 0), *back = open_session(model, 0);
  fill(a, 200);
  fill(b, 90);
  CHECK_EQUAL(ingot_session_save_file(a, path, NULL), INGOT_OK);
  uint64_t random = 1234567;
  for (int i = 0; i < 200; i++) {
    const pid_t child = fork();
    if (!child) {
      for (;;) {
        ingot_session_save_file(a, path, NULL);
        ingot_session_save_file(b, path, NULL);
      }
    }
    if (!CHECK(child > 0)) break;
    usleep((useconds_t)(random_next(&random) % 3000));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    ingot_error error = {INGOT_OK, ""};
    if (!CHECK(ingot_session_load_file(back, path, &error) == INGOT_OK)) fprintf(stderr, "kill %d: %s\n", i, error.message);
    CHECK(ingot_position(back) == 200 || ingot_position(back) == 90);
  }
  CHECK_EQUAL(ingot_session_save_file(b, path, NULL), INGOT_OK);
  CHECK(access(part, F_OK) != 0);
  remove(path);
  ingot_session_close(a);
  ingot_session_close(b);
  ingot_session_close(back);
}

int main(void) {
  toy t;
  toy_make(&t);
  ingot_model_options options = toy_options(&t);
  ingot_model *model = NULL, *other = NULL;
  CHECK_EQUAL(ingot_model_open(&t.program, &options, &model, NULL), INGOT_OK);
  options.variant = "spare";
  options.n_threads = 2;
  CHECK_EQUAL(ingot_model_open(&t.program, &options, &other, NULL), INGOT_OK);
  test_round(model, other);
  test_empty(model);
  test_refusals(&t, model);
  test_mutations(&t);
  test_memory(&t);
  test_files(model);
  test_kills(model);
  ingot_model_close(model);
  ingot_model_close(other);
  toy_finish(&t);
  return finish();
}
