/* SentencePiece BPE on the toy's vocabulary, there and back. */
#include "tests/runtime/guard.h"
#include "runtime/tokens.h"
#include "tests/runtime/check.h"
#include "tests/runtime/toy.h"

static void check_tokens(const ingot_model *model, const char *text, bool special, const ingot_token *expected, int32_t n, const char *back) {
  ingot_token tokens[64];
  char out[256];
  int32_t got = ingot_tokenize(model, text, strlen(text), special, tokens, 64);
  if (!CHECK_EQUAL(got, n) || memcmp(tokens, expected, (size_t)n * sizeof *tokens)) {
    fprintf(stderr, "  \"%s\" gives", text);
    for (int32_t i = 0; i < got && i < 64; i++) fprintf(stderr, " %d", tokens[i]);
    fprintf(stderr, "\n");
    failures++;
    return;
  }
  int32_t size = ingot_detokenize(model, tokens, (size_t)n, out, sizeof out - 1);
  if (!CHECK(size >= 0 && size < (int32_t)sizeof out)) return;
  out[size] = 0;
  CHECK_TEXT(out, back);
  CHECK_EQUAL(ingot_detokenize(model, tokens, (size_t)n, NULL, 0), size);
}

#define TOKENS(text, special, back, ...) \
  check_tokens(model, text, special, (const ingot_token[]){__VA_ARGS__}, (int32_t)(sizeof((const ingot_token[]){__VA_ARGS__}) / sizeof(ingot_token)), back)

static void test_pieces(const ingot_model *model) {
  TOKENS("hello", false, "hello", W_SPACE, W_HE, W_L, W_LO);          /* "lo" has the best score */
  TOKENS("helle", false, "helle", W_SPACE, W_HELL, W_E);
  TOKENS(" hell", false, " hell", W_SPACE, W_SPACE, W_HELL);
  TOKENS("world", false, "world", W__WORLD);
  TOKENS("world world", false, "world world", W__WORLD, W__WORLD);
  TOKENS("aaa", false, "aaa", W_SPACE, W_AAA);                        /* leftmost of equals, then the longer */
  TOKENS("aaaa", false, "aaaa", W_SPACE, W_AAA, W_A);
  TOKENS("aaaaa", false, "aaaaa", W_SPACE, W_AAA, W_AA);
  TOKENS("\xc3\xa9", false, "\xc3\xa9", W_SPACE, W_EACUTE);
  TOKENS("\xe2\x82\xac", false, "\xe2\x82\xac", W_SPACE, TOY_BYTE + 0xe2, TOY_BYTE + 0x82, TOY_BYTE + 0xac);
  TOKENS("\xc3", false, "\xc3", W_SPACE, TOY_BYTE + 0xc3);
  TOKENS("\xff\x80h", false, "\xff\x80h", W_SPACE, TOY_BYTE + 0xff, TOY_BYTE + 0x80, TOY_BYTE + 0x68);
  CHECK_EQUAL(ingot_tokenize(model, "", 0, true, NULL, 0), 0);
  CHECK_EQUAL(ingot_tokenize(model, "he\0he", 5, true, NULL, 0), 4);
}

static void test_specials(const ingot_model *model) {
  TOKENS("<|end|>", true, "", W_END);
  TOKENS("<|user|>h<|end|>h", true, "<|user|>hh", W_USER, W_SPACE, W_H, W_END, W_SPACE, W_H);
  TOKENS("<|user|> h", true, "<|user|> h", W_USER, W_SPACE, W_SPACE, W_H);
  TOKENS("<|end|>>h", true, "<|end|>>h", W_END2, W_SPACE, W_H);        /* the longest first */
  TOKENS("<|user|><|user|>", false, "<|user|><|user|>", W_USER, W_USER); /* user-defined ones always count */
  TOKENS("<s>h", true, "h", TOY_BOS, W_SPACE, W_H);
  ingot_token tokens[64];
  int32_t n = ingot_tokenize(model, "</s>", 4, false, tokens, 64);
  CHECK_EQUAL(n, 5); /* as text: a space and four bytes, never the token */
  for (int32_t i = 0; i < n; i++) CHECK(tokens[i] != TOY_EOS);
  n = ingot_tokenize(model, "<0x41>", 6, true, tokens, 64);
  CHECK_EQUAL(n, 7);
}

static void test_limits(const ingot_model *model) {
  ingot_token tokens[8];
  memset(tokens, 0x77, sizeof tokens);
  CHECK_EQUAL(ingot_tokenize(model, "hello", 5, false, tokens, 2), 4);
  CHECK(tokens[1] == W_HE && tokens[2] == 0x77777777);
  const ingot_token wrong[] = {W_H, TOY_VOCAB}, beyond[] = {TOY_VOCAB - 1, W_H};
  CHECK_EQUAL(ingot_detokenize(model, wrong, 2, NULL, 0), INGOT_ERROR_ARGUMENT);
  CHECK_EQUAL(ingot_detokenize(model, beyond, 2, NULL, 0), 1); /* logits may have more rows than there are pieces */
  char out[5] = "####";
  CHECK_EQUAL(ingot_detokenize(model, (const ingot_token[]){W_HELLO}, 1, out, 3), 5);
  CHECK(!memcmp(out, "hel#", 4));
}

/* Every byte of any text comes back; memory stays within what tokens.h states, and time within n log n. */
static void test_any_text(const ingot_model *model, const guard *g) {
  enum { MOST = 1 << 20 };
  uint64_t random = 4711;
  char *text = malloc(MOST), *back = malloc(MOST + 8);
  ingot_token *tokens = malloc(sizeof(ingot_token) * 4 * MOST);
  for (int round = 0; round < 300; round++) {
    static const char letters[] = "helowrd aa\xc3\xa9.<|>\xff\xe2\x96\x81";
    size_t size = round < 298 ? random_next(&random) % 200 : MOST;
    for (size_t i = 0; i < size; i++) text[i] = round == 298 ? 'a' : letters[random_next(&random) % (sizeof letters - 1)];
    for (size_t i = 0; i + 3 <= size; i++) /* the mark stands for a space: it cannot come back as itself */
      if (!memcmp(text + i, "\xe2\x96\x81", 3)) text[i] = '.';
    int32_t n = ingot_tokenize(model, text, size, false, tokens, 4 * MOST);
    CHECK(n >= 0 && ingot_detokenize(model, tokens, (size_t)n, back, MOST + 8) == (int32_t)size && !memcmp(text, back, size));
  }
  guard *limit = (guard *)(uintptr_t)g;
  size_t most = limit->most;
  limit->most = limit->held + 55 * MOST + 56;
  CHECK(ingot_tokenize(model, text, MOST, false, NULL, 0) > 0);
  limit->most = limit->held + 1000;
  CHECK_EQUAL(ingot_tokenize(model, text, MOST, false, NULL, 0), INGOT_ERROR_MEMORY);
  limit->most = most;
  free(text);
  free(back);
  free(tokens);
}

int main(void) {
  toy t;
  toy_make(&t);
  guard g = {.most = SIZE_MAX};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ingot_model_options options = toy_options(&t);
  options.allocator = &allocator;
  ingot_model *model = NULL;
  if (!CHECK(ingot_model_open(&t.program, &options, &model, NULL) == INGOT_OK)) return 1;
  test_pieces(model);
  test_specials(model);
  test_limits(model);
  test_any_text(model, &g);
  ingot_model_close(model);
  CHECK_EQUAL(g.blocks, 0);
  toy_finish(&t);
  return finish();
}
