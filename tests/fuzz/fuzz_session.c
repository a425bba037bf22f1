/* A saved session of the toy model, sealed again and padded to the length that its head asks for: refused, and the running session is as it was, or
 * taken, and it goes on within its memory. */
#include "tests/runtime/guard.h"
#include "fuzz.h"
#include "runtime/abi/saved.h"
#include "runtime/session.h"
#include "tests/runtime/memory_file.h"
#include "tests/runtime/toy.h"

static ingot_session *open_session(const toy *t, guard *g, ingot_allocator *allocator, ingot_model **model) {
  static const char *const stops[] = {"hello worst", "zz"};
  static const ingot_sampling sampling = {sizeof sampling, 0.9f, 40, 0.95f, 0.01f, 1.1f, 64, 7, stops, 2};
  ingot_model_options options = toy_options(t);
  ingot_session *session = NULL;
  ingot_token tokens[60];
  *g = (guard){.most = 1 << 21, .pages = true};
  *allocator = (ingot_allocator){guard_allocate, guard_release, g};
  options.allocator = allocator;
  for (int i = 0; i < 60; i++) tokens[i] = i * 7 % TOY_VOCAB;
  FUZZ_CHECK(ingot_model_open(&t->program, &options, model, NULL) == INGOT_OK);
  FUZZ_CHECK(ingot_session_open(*model, &(ingot_session_options){sizeof(ingot_session_options), 128, &sampling}, &session, NULL) == INGOT_OK);
  FUZZ_CHECK(ingot_append(session, tokens, 60, NULL) == INGOT_OK);
  return session;
}

static uint64_t length(const ingot_saved *h) {
  if (h->position > TOY_CONTEXT) return 0;
  return sizeof *h + 4 * (uint64_t)h->position + (h->has_logits ? 4 * TOY_VOCAB : 0) + ((uint64_t)h->position + 15) / 16 * 16 * 64 + INGOT_SHA256_SIZE;
}

void fuzz_one(const uint8_t *data, size_t size) {
  toy t;
  guard g;
  ingot_allocator allocator;
  ingot_model *model;
  memory_file b = {0}, before = {0}, after = {0};
  toy_make(&t);
  ingot_session *session = open_session(&t, &g, &allocator, &model);
  to_bytes(&b, data, size);
  if (size >= sizeof(ingot_saved)) {
    ingot_saved head;
    memcpy(&head, data, sizeof head);
    const uint64_t wanted = head.bytes % 2 ? 0 : length(&head); /* an odd length is left wrong */
    if (wanted) {
      if (!(b.data = realloc(b.data, wanted))) abort();
      if (wanted > size) memset(b.data + size, 0, wanted - size);
      b.size = head.bytes = wanted;
      memcpy(b.data, &head, sizeof head);
      ingot__sha256_of(b.data, wanted - INGOT_SHA256_SIZE, b.data + wanted - INGOT_SHA256_SIZE);
    }
  }
  FUZZ_CHECK(ingot_session_save(session, to_bytes, &before, NULL) == INGOT_OK);
  ingot_error error = {INGOT_OK, ""};
  ingot_piece piece;
  if (ingot_session_load(session, from_bytes, &b, &error) < 0) {
    FUZZ_CHECK(error.message[0] && ingot_session_save(session, to_bytes, &after, NULL) == INGOT_OK);
    FUZZ_CHECK(before.size == after.size && !memcmp(before.data, after.data, before.size));
  } else {
    for (int k = 0; k < 3; k++) {
      FUZZ_CHECK(ingot_next(session, &piece, NULL) >= INGOT_OK || !ingot_logits(session, NULL) || ingot_position(session) == 128);
      FUZZ_CHECK(ingot__utf8_rest((const uint8_t *)piece.text, piece.size) == 0);
    }
  }
  free(b.data);
  free(before.data);
  free(after.data);
  ingot_session_close(session);
  ingot_model_close(model);
  FUZZ_CHECK(g.blocks == 0);
  toy_finish(&t);
}

void fuzz_seeds(fuzz_add *add, void *user) {
  toy t;
  guard g;
  ingot_allocator allocator;
  ingot_model *model;
  toy_make(&t);
  ingot_session *session = open_session(&t, &g, &allocator, &model);
  for (int i = 0; i < 3; i++) {
    memory_file b = {0};
    FUZZ_CHECK(ingot_session_save(session, to_bytes, &b, NULL) == INGOT_OK);
    add(user, b.data, b.size);
    free(b.data);
    ingot_rewind(session, i ? 0 : 10, NULL);
  }
  ingot_session_close(session);
  ingot_model_close(model);
  toy_finish(&t);
}
