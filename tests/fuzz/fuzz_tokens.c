/* Tokenizer tables, which are not checked entry by entry when they are opened: whatever they say, text becomes ids of the model or an error, ids
 * become text, within the memory that there is. The first byte chooses what is tokenised besides the last bytes of the tables themselves. */
#include "tests/runtime/guard.h"
#include "fuzz.h"

#include "codegen/tokens_writer.h"
#include "frontend/model.h"
#include "runtime/tokens.h"
#include "tests/runtime/toy.h"

static void put(void *user, const uint8_t *bytes, size_t n) {
  uint64_t *sum = user;
  for (size_t i = 0; i < n; i++) *sum += bytes[i];
}

static void use(const ingot__tokenizer *t, const ingot_allocator *allocator, const char *text, size_t size, bool special) {
  ingot_token tokens[256];
  const int64_t n = ingot__tokenize(t, allocator, text, size, special, tokens, 256);
  uint64_t sum = 0;
  bool leading = true;
  for (int64_t i = 0; i < n && i < 256; i++) {
    FUZZ_CHECK(tokens[i] >= 0 && (uint32_t)tokens[i] < t->pieces.count);
    ingot__token_text(t, (uint32_t)tokens[i], &leading, put, &sum);
    (void)ingot__token_ends(t, (uint32_t)tokens[i]);
  }
}

void fuzz_one(const uint8_t *data, size_t size) {
  static const char text[] = "hello world <|user|>\xc3\xa9<|end|>aaa <s>\xff 123 It's\n\n\tfin\xe2\x82\xac \xf0\x9f\x98\x80";
  guard g = {.most = 1 << 22};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ingot__tokenizer t;
  ingot_error error = {INGOT_OK, ""};
  if (!size || size > 1 << 20) return;
  uint8_t *copy = aligned_alloc(64, (size + 63) / 64 * 64), *end = copy + (size + 63) / 64 * 64 - size; /* a sanitizer sees reads beyond its end */
  if (!copy) abort();
  end = (size % 8) ? copy : end;
  memcpy(end, data, size);
  const ingot__token_kind *const kinds[] = {&ingot__tokens_sentence, &ingot__tokens_bytes, &ingot__tokens_words, &ingot__tokens_unigram};
  size_t kind = 0;
  while (kind < 4 && ingot__tokens_open(&t, end, size, 1 << 20, kinds[kind], "fuzz", &error) != INGOT_OK) kind++;
  if (kind < 4) {
    const size_t n = size < 40 ? size : 40;
    use(&t, &allocator, text, sizeof text - 1, true);
    use(&t, &allocator, text, data[0] % sizeof text, false);
    use(&t, &allocator, (const char *)end + size - n, n, true);
  } else FUZZ_CHECK(error.message[0]);
  free(copy);
  FUZZ_CHECK(g.blocks == 0);
}

void fuzz_seeds(fuzz_add *add, void *user) {
  maker made = toy_tokens();
  add(user, made.data, made.size);
  free(made.data);
  char path[4096];
  ig_diags diags = {0};
  ig_model model;
  ig_text tables = {0};
  const char *source = getenv("INGOT_SOURCE");
  snprintf(path, sizeof path, "%s/models/fable/fable-f16.gguf", source ? source : ".");
  FUZZ_CHECK(ig_model_open(&model, path, &diags));
  ig_write_tokens(&model.tokenizer, &tables);
  add(user, tables.data, tables.size);
  ig_text_finish(&tables);
  ig_model_close(&model);
  ig_diags_finish(&diags);
}
