/* Streaming: whole characters out of bytes, stop strings across pieces, nothing lost and nothing early. */
#include "runtime/stream.h"
#include "runtime/tokens.h"
#include "tests/runtime/check.h"
#include "tests/runtime/toy.h"

typedef struct bench {
  ingot__stream stream;
  const ingot__tokenizer *tokenizer;
  char text[1000];
  size_t size;
} bench;

static bool feed(bench *b, uint32_t id) {
  ingot_piece piece;
  bool stopped = ingot__stream_token(&b->stream, b->tokenizer, id, &piece);
  CHECK_EQUAL(strlen(piece.text), piece.size);
  memcpy(b->text + b->size, piece.text, piece.size + 1);
  b->size += piece.size;
  return stopped;
}

static bool feed_bytes(bench *b, const char *bytes) {
  for (; *bytes; bytes++)
    if (feed(b, TOY_BYTE + (uint8_t)*bytes)) return true;
  return false;
}

static void end(bench *b) {
  ingot_piece piece;
  ingot__stream_end(&b->stream, &piece);
  memcpy(b->text + b->size, piece.text, piece.size + 1);
  b->size += piece.size;
}

static void start(bench *b, bool leading) {
  ingot__stream_reset(&b->stream, leading);
  b->size = 0;
  b->text[0] = 0;
}

static void stops(bench *b, uint32_t n, const char *const *strings) {
  b->stream.n_stop = n;
  for (uint32_t i = 0; i < n; i++) {
    b->stream.stop_size[i] = (uint8_t)strlen(strings[i]);
    memcpy(b->stream.stop[i], strings[i], strlen(strings[i]));
  }
}

static void test_characters(bench *b) {
#define BAD "\xef\xbf\xbd"
  static const struct {
    const char *in, *out;
  } cases[] = {{"abc", "abc"},
               {"\xc3\xa9", "\xc3\xa9"},
               {"\xe2\x82\xac.", "\xe2\x82\xac."},
               {"\xf0\x9f\x98\x80", "\xf0\x9f\x98\x80"},
               {"\x80"
                "a",
                BAD "a"},
               {"\xc3"
                "a",
                BAD "a"},
               {"\xe2\x82"
                "a",
                BAD "a"},
               {"\xc3\xc3\xa9", BAD "\xc3\xa9"},
               {"\xc0\x80", BAD BAD},
               {"\xc1\xbf", BAD BAD},
               {"\xe0\x80\x80", BAD BAD BAD},
               {"\xed\xa0\x80", BAD BAD BAD},
               {"\xf4\x90\x80\x80", BAD BAD BAD BAD},
               {"\xf5", BAD},
               {"\xff\xfe", BAD BAD},
               {"\xf0\x9f\x98", BAD},
               {"\xed\x9f\xbf", "\xed\x9f\xbf"},
               {"\xf4\x8f\xbf\xbf", "\xf4\x8f\xbf\xbf"},
               {"a\xe2", "a" BAD}};
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
    start(b, false);
    CHECK(!feed_bytes(b, cases[i].in));
    end(b);
    CHECK_TEXT(b->text, cases[i].out);
  }
  start(b, false);
  feed_bytes(b, "\xf0\x9f\x98");
  CHECK_TEXT(b->text, "");
  feed(b, TOY_BYTE + 0x80);
  CHECK_TEXT(b->text, "\xf0\x9f\x98\x80");
}

static void test_spaces(bench *b) {
  start(b, true);
  feed(b, W__HELLO), feed(b, W__WORLD);
  CHECK_TEXT(b->text, "hello world");
  start(b, false);
  feed(b, W__HELLO);
  CHECK_TEXT(b->text, " hello");
  start(b, true);
  feed(b, W_END), feed(b, W__HELLO), feed(b, W_END), feed(b, W__HELLO), feed(b, W_SPACE), feed(b, W_USER), feed(b, W_SPACE), feed(b, W_SPACE);
  CHECK_TEXT(b->text, "hellohello <|user|> ");
}

static void test_stops(bench *b) {
  const char *const two[] = {"lo wo", "orld."}, *const nested[] = {"aab", "b"}, *const wide[] = {"\xa9"};
  stops(b, 2, two);
  start(b, true);
  CHECK(!feed(b, W__HELLO));
  CHECK_TEXT(b->text, "hel");
  CHECK(feed(b, W__WORLD));
  CHECK_TEXT(b->text, "hel");
  start(b, true);
  CHECK(!feed(b, W__HELLO) && !feed(b, W_DOT));
  CHECK_TEXT(b->text, "hello.");
  CHECK(!feed(b, W_WORLD) && feed(b, W_DOT));
  CHECK_TEXT(b->text, "hello.w");
  start(b, true);
  CHECK(!feed(b, W__HELLO) && !feed(b, W_SPACE));
  end(b);
  CHECK_TEXT(b->text, "hello ");
  stops(b, 2, nested);
  start(b, false);
  CHECK(!feed_bytes(b, "aaa"));
  CHECK_TEXT(b->text, "a");
  CHECK(feed_bytes(b, "b"));
  CHECK_TEXT(b->text, "a");
  stops(b, 1, wide); /* the tail of a character: matches only where it stands alone, and then it is U+FFFD */
  start(b, false);
  CHECK(!feed_bytes(b, "\xa9"));
  CHECK_TEXT(b->text, BAD);
  stops(b, 0, NULL);
}

/* Any bytes, any stops: the pieces together are the reference's text, cut at its first stop. */
static void test_random(bench *b) {
  uint64_t random = 31337;
  for (int round = 0; round < 3000; round++) {
    char text[200], strings[3][5];
    uint32_t size = (uint32_t)(random_next(&random) % 60), n = (uint32_t)(random_next(&random) % 4);
    const char *list[3] = {strings[0], strings[1], strings[2]}, *first = NULL;
    for (uint32_t i = 0; i < size; i++) text[i] = "abc"[random_next(&random) % 3];
    text[size] = 0;
    for (uint32_t k = 0; k < n; k++) {
      uint32_t length = 1 + (uint32_t)(random_next(&random) % 4);
      for (uint32_t i = 0; i < length; i++) strings[k][i] = "abc"[random_next(&random) % 3];
      strings[k][length] = 0;
    }
    /* the stop that is complete first; of those that end together the one that begins first */
    const char *complete = NULL;
    for (uint32_t k = 0; k < n; k++) {
      const char *at = strstr(text, list[k]), *done = at ? at + strlen(list[k]) : NULL;
      if (at && (!complete || done < complete || (done == complete && at < first))) first = at, complete = done;
    }
    stops(b, n, list);
    start(b, false);
    bool stopped = feed_bytes(b, text);
    if (!stopped) end(b);
    CHECK(stopped == (first != NULL));
    if (first) text[first - text] = 0;
    CHECK_TEXT(b->text, text);
  }
  stops(b, 0, NULL);
}

int main(void) {
  toy t;
  toy_make(&t);
  ingot_model_options options = toy_options(&t);
  ingot_model *model = NULL;
  if (!CHECK(ingot_model_open(&t.program, &options, &model, NULL) == INGOT_OK)) return 1;
  bench b = {.tokenizer = &model->tokenizer};
  b.stream.out = malloc((size_t)ingot__stream_capacity(b.tokenizer));
  test_characters(&b);
  test_spaces(&b);
  test_stops(&b);
  test_random(&b);
  free(b.stream.out);
  ingot_model_close(model);
  toy_finish(&t);
  return finish();
}
