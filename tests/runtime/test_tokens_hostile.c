/* Hostile tokenizer tables, which are used as they lie in a mapped file. Every truncation and 20,000 random changes are refused or used;
 * the last byte of the tables is the last before a forbidden page. Then changes under the feet of an open tokenizer, which checks counts
 * once and entries at every use. */
#include "tests/runtime/guard.h"
#include "runtime/stream.h"
#include "runtime/tokens.h"
#include "tests/runtime/check.h"
#include "tests/runtime/toy.h"

enum { CHANGES = 20000 };

static const ingot_allocator *allocator;
static uint32_t opened;

static void put_nothing(void *to, const uint8_t *bytes, size_t n) {
  uint64_t *sum = to;
  for (size_t i = 0; i < n; i++) *sum += bytes[i];
}

/* Text to tokens, tokens to text, and a stream between guard pages. */
static void use(const ingot__tokenizer *t) {
  static const char text[] = "hello world <|user|>\xc3\xa9<|end|>aaa <s>\xff rld \xe2\x96\x81";
  ingot_token tokens[100];
  uint64_t sum = 0;
  bool leading = true;
  int64_t n = ingot__tokenize(t, allocator, text, sizeof text - 1, true, tokens, 100);
  ingot__stream stream = {.n_stop = 0};
  uint64_t room = ingot__stream_capacity(t);
  stream.out = ingot__allocate(allocator, room, 16);
  if (!CHECK(stream.out != NULL)) return;
  for (int64_t i = 0; i < (n < 100 ? n : 100) + 20; i++) {
    ingot_piece piece;
    uint32_t id = i < n && i < 100 ? (uint32_t)tokens[i] : (uint32_t)i * 7;
    ingot__token_text(t, id, &leading, put_nothing, &sum);
    ingot__stream_token(&stream, t, id, &piece);
    CHECK(piece.size < room && piece.text[piece.size] == 0);
    ingot__token_ends(t, id);
  }
  ingot__release(allocator, stream.out, room);
}

static void try_tables(const uint8_t *bytes, uint32_t size) {
  ingot__tokenizer t;
  ingot_error error = {INGOT_OK, ""};
  ingot_status status = ingot__tokens_open(&t, bytes, size, TOY_VOCAB, &ingot__tokens_sentence, "toy", &error);
  if (status != INGOT_OK) CHECK(status == INGOT_ERROR_WEIGHTS && strstr(error.message, "weights of 'toy': tokenizer: ") == error.message);
  else opened++, use(&t);
}

static void change(uint8_t *bytes, uint32_t size, uint64_t *random) {
  for (uint64_t n = 1 + random_next(random) % 4; n; n--) {
    uint32_t within = random_next(random) & 1 ? size : 200, at = (uint32_t)(random_next(random) % within); /* the fields come first */
    switch (random_next(random) % 3) {
    case 0: bytes[at] ^= (uint8_t)(1u << random_next(random) % 8); break;
    case 1: bytes[at] = (uint8_t)random_next(random); break;
    default: memset(bytes + at / 4 * 4, random_next(random) & 1 ? 0xff : 0, at / 4 * 4 + 4 <= size ? 4 : 0);
    }
  }
}

/* One change with a known meaning each: the message has to name it. */
static void refused(const maker *good, uint32_t at, uint32_t value, const char *words) {
  ingot__tokenizer t;
  ingot_error error = {INGOT_OK, ""};
  maker m = {malloc(good->size), good->size, good->size};
  memcpy(m.data, good->data, good->size);
  mk_put(&m, at, value, 4);
  if (!CHECK(ingot__tokens_open(&t, m.data, m.size, TOY_VOCAB, &ingot__tokens_sentence, "toy", &error) == INGOT_ERROR_WEIGHTS) ||
      !CHECK(strstr(error.message, words) != NULL))
    fprintf(stderr, "  expected '%s', found '%s'\n", words, error.message);
  free(m.data);
}

static uint32_t follow(const maker *m, uint32_t at) { return at + ingot__load32(m->data + at); }

static void test_messages(const maker *m) {
  uint32_t t = follow(m, 0);
  refused(m, 4, 0x50474e49, "field 'identifier' is damaged"); /* a plan */
  refused(m, follow(m, mk_slot(m, t, 0)), 1u << 30, "field 'text' is damaged");
  refused(m, follow(m, mk_slot(m, t, 1)), 5, "5 pieces");
  refused(m, follow(m, mk_slot(m, t, 2)), 5, "5 scores");
  refused(m, follow(m, mk_slot(m, t, 3)), 1000, "hash is no power of two");
  refused(m, follow(m, mk_slot(m, t, 5)), 255, "bytes has 255 entries");
  refused(m, mk_slot(m, t, 6), TOY_VOCAB, "bos, eos or unknown is not a token");
  refused(m, mk_slot(m, t, 22), 65536, "longest is 65536");
  ingot__tokenizer other;
  ingot_error error;
  CHECK(ingot__tokens_open(&other, m->data, m->size, TOY_VOCAB, &ingot__tokens_bytes, "toy", &error) == INGOT_ERROR_WEIGHTS &&
        strstr(error.message, "kind is 0, and the library is for another"));
  CHECK(ingot__tokens_open(&other, m->data, m->size, TOY_VOCAB, NULL, "toy", &error) == INGOT_ERROR_WEIGHTS &&
        strstr(error.message, "kind is 0, and the library is for none"));
}

int main(void) {
  uint64_t random = 88172645463325252u;
  guard g = {.most = 1 << 21, .pages = true};
  const ingot_allocator guarded = {guard_allocate, guard_release, &g};
  allocator = &guarded;
  maker tables = toy_tokens();
  const uint32_t size = tables.size, room = (size + 63) / 64 * 64;
  test_messages(&tables);
  uint8_t *bytes = guard_map(size), *at = bytes + room - size;
  memcpy(at, tables.data, size);
  try_tables(at, size);
  CHECK_EQUAL(opened, 1);
  for (uint32_t n = 0; n < size; n++) {
    memcpy(bytes + room - n, tables.data, n);
    try_tables(bytes + room - n, n);
  }
  CHECK(opened < 40); /* what the last vector is padded with may be gone */
  opened = 0;
  for (uint32_t i = 0; i < CHANGES; i++) {
    memcpy(at, tables.data, size);
    change(at, size, &random);
    try_tables(at, size);
  }
  printf("%d changes of %u bytes: %u opened\n", CHANGES, size, opened);
  CHECK(opened > CHANGES / 20 && opened < CHANGES);

  ingot__tokenizer t;
  memcpy(at, tables.data, size);
  CHECK(ingot__tokens_open(&t, at, size, TOY_VOCAB, &ingot__tokens_sentence, "toy", NULL) == INGOT_OK);
  for (uint32_t i = 0; i < CHANGES / 10; i++) {
    for (uint32_t k = 0; k < 50; k++) change(at, size, &random);
    use(&t);
    if (i % 100 == 0) memcpy(at, tables.data, size);
  }
  CHECK_EQUAL(g.blocks, 0);
  guard_unmap(bytes, size);
  free(tables.data);
  return finish();
}
