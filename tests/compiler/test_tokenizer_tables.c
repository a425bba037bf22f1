/* Tokenizer tables: of the bundled model, of small made ones, and of the vocabularies in INGOT_DATA. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/model.h"
#include "frontend/tokenizer.h"
#include "gguf_maker.h"

#define NO_ID 0xffffffffu

static uint32_t failures;

static void expect(bool ok, const char *path, const char *what, uint32_t where) {
  if (ok) return;
  printf("%s: %s (%u)\n", path, what, where);
  failures++;
}

/* As the runtime looks a piece up. */
static uint32_t look_up(const ig_tokenizer *t, const char *text, size_t size) {
  uint32_t slot = ig_fnv1a(text, size) & (t->hash_size - 1);
  for (; t->hash[slot]; slot = (slot + 1) & (t->hash_size - 1)) {
    const ig_piece *p = &t->pieces[t->hash[slot] - 1];
    if (p->size == size && memcmp(t->text + p->offset, text, size) == 0) return t->hash[slot] - 1;
  }
  return NO_ID;
}

/* What holds for every table. */
static void check_tables(const ig_tokenizer *t, const char *path) {
  expect((t->hash_size & (t->hash_size - 1)) == 0 && t->hash_size >= 2 * t->n, path, "size of the hash table", t->hash_size);
  uint32_t end = 0, specials = 0;
  for (uint32_t id = 0; id < t->n; id++) {
    const ig_piece *p = &t->pieces[id];
    expect(p->offset == end, path, "pieces lie one after the other", id);
    end = p->offset + p->size;
    if (!p->size) continue;
    uint32_t found = look_up(t, t->text + p->offset, p->size);
    expect(found <= id, path, "a piece is not found", id);
    if (found < id)
      expect(t->pieces[found].size == p->size && memcmp(t->text + t->pieces[found].offset, t->text + p->offset, p->size) == 0, path, "another piece is found",
             id);
    specials += p->type >= 2 && p->type <= 4;
  }
  expect(end == t->text_size, path, "text is left over", t->text_size);
  expect(specials == t->n_specials, path, "special tokens", t->n_specials);
  for (uint32_t i = 1; i < t->n_specials; i++) {
    const ig_piece *a = &t->pieces[t->specials[i - 1]], *b = &t->pieces[t->specials[i]];
    int order = memcmp(t->text + a->offset, t->text + b->offset, a->size < b->size ? a->size : b->size);
    expect(order < 0 || (order == 0 && a->size <= b->size), path, "order of special tokens", i);
  }
  expect(look_up(t, "no such piece", 13) == NO_ID, path, "a piece that is none is found", 0);
}

static bool open_model(ig_model *m, const char *path) {
  ig_diags diags = {0};
  bool ok = ig_model_open(m, path, &diags);
  for (size_t i = 0; i < diags.count && !ok; i++) printf("%s\n", diags.items[i].text);
  expect(ok && m->tokenizer.present, path, "no tokenizer", 0);
  ig_diags_finish(&diags);
  return ok && m->tokenizer.present;
}

static void test_fable(void) {
  char path[600];
  ig_model m;
  snprintf(path, sizeof path, "%s/models/fable/fable-f16.gguf", getenv("INGOT_SOURCE") ? getenv("INGOT_SOURCE") : ".");
  if (open_model(&m, path)) {
    const ig_tokenizer *t = &m.tokenizer;
    check_tables(t, path);
    expect(t->n == 1024 && t->bos == 1 && t->unknown == 0, path, "bos and unknown", t->bos);
    expect(t->n_end == 2 && t->end[0] == 2 && t->end[1] == 5, path, "ends", t->n_end);
    expect(t->add_bos && !t->add_eos && t->add_space_prefix, path, "flags", 0);
    for (uint32_t b = 0; b < 256; b++) {
      char text[8];
      snprintf(text, sizeof text, "<0x%02X>", b);
      expect(t->bytes[b] != NO_ID && t->bytes[b] == look_up(t, text, 6), path, "a byte token", b);
    }
    expect(look_up(t, "<|assistant|>", 13) == 4 && t->pieces[4].type == 3, path, "a control token", 4);
    expect(look_up(t, "\xe2\x96\x81", 3) != NO_ID, path, "the space's piece", 0);
  }
  ig_model_close(&m);
}

/* A made vocabulary: two equal pieces, an empty one, a control token that ends by its text, a user-defined one. */
static void test_made(void) {
  static const char path[] = "test_tokenizer_tables.gguf";
  ig_text file = {0};
  ig_model m;
  gguf_make(&(gguf_change){.key = "tokenizer.ggml.tokens",
                           .type = MAKER_ARRAY,
                           BYTES("\10\0\0\0\10\0\0\0\0\0\0\0"
                                 "\1\0\0\0\0\0\0\0u"
                                 "\1\0\0\0\0\0\0\0b"
                                 "\10\0\0\0\0\0\0\0<|eot|>x"
                                 "\6\0\0\0\0\0\0\0<0xfe>"
                                 "\0\0\0\0\0\0\0\0"
                                 "\1\0\0\0\0\0\0\0a"
                                 "\1\0\0\0\0\0\0\0a"
                                 "\2\0\0\0\0\0\0\0ab")},
            &file);
  gguf_write(path, &file);
  if (open_model(&m, path)) {
    const ig_tokenizer *t = &m.tokenizer;
    check_tables(t, path);
    expect(look_up(t, "a", 1) == 5, path, "the first of two equal pieces", look_up(t, "a", 1));
    expect(t->bytes[0xfe] == 3 && t->bytes[0x41] == NO_ID, path, "bytes", t->bytes[0xfe]);
    expect(t->n_specials == 3 && t->specials[0] == 2 && t->specials[1] == 1 && t->specials[2] == 0, path, "specials, by their bytes", t->n_specials);
    expect(t->bos == 1 && t->unknown == 0 && t->n_end == 1 && t->end[0] == 2, path, "ids where the file names none", t->bos);
    expect(t->add_bos && !t->add_eos && t->add_space_prefix, path, "flags where the file has none", 0);
    expect(t->scores[4] == -1 && t->scores[7] == -4, path, "scores", 0);
  }
  ig_model_close(&m);
  ig_text_finish(&file);

  file = (ig_text){0};
  gguf_make(&(gguf_change){.key = "tokenizer.ggml.tokens",
                           .type = MAKER_ARRAY,
                           BYTES("\10\0\0\0\10\0\0\0\0\0\0\0"
                                 "\5\0\0\0\0\0\0\0<unk>"
                                 "\3\0\0\0\0\0\0\0<s>"
                                 "\15\0\0\0\0\0\0\0<end_of_turn>"
                                 "\6\0\0\0\0\0\0\0<0x41>"
                                 "\1\0\0\0\0\0\0\0c"
                                 "\1\0\0\0\0\0\0\0a"
                                 "\1\0\0\0\0\0\0\0b"
                                 "\2\0\0\0\0\0\0\0ab")},
            &file);
  gguf_write(path, &file);
  if (open_model(&m, path))
    expect(m.tokenizer.n_end == 1 && m.tokenizer.end[0] == 2, path, "eos that is also an end by its text is listed once", m.tokenizer.n_end);
  ig_model_close(&m);
  ig_text_finish(&file);
  remove(path);
}

/* A token of 65536 bytes does not fit a piece. */
static void test_long_token(void) {
  static const char path[] = "test_tokenizer_tables.gguf";
  char *value = calloc(1, 70000);
  if (!value) exit(1);
  memcpy(value,
         "\10\0\0\0\10\0\0\0\0\0\0\0"
         "\0\0\1\0\0\0\0\0",
         20);
  memset(value + 20, 'x', 65536); /* then seven empty tokens */
  gguf_change change = {.key = "tokenizer.ggml.tokens", .type = MAKER_ARRAY, .value = value, .value_size = 20 + 65536 + 7 * 8};
  ig_text file = {0};
  ig_diags diags = {0};
  ig_model m;
  gguf_make(&change, &file);
  gguf_write(path, &file);
  bool taken = ig_model_open(&m, path, &diags);
  expect(!taken && diags.count && strcmp(diags.items[0].text, "token 0 is 65536 bytes long; at most 65535 are possible") == 0, path, "a long token",
         (uint32_t)diags.count);
  ig_model_close(&m);
  ig_diags_finish(&diags);
  ig_text_finish(&file);
  free(value);
  remove(path);
}

static void test_data(const char *folder, const char *file, uint32_t n, uint32_t bos, uint32_t end) {
  char path[600];
  ig_model m;
  snprintf(path, sizeof path, "%s/%s", folder, file);
  FILE *probe = fopen(path, "rb");
  if (!probe) {
    printf("%s is not there: not checked\n", path);
    return;
  }
  fclose(probe);
  if (open_model(&m, path)) {
    check_tables(&m.tokenizer, path);
    expect(m.tokenizer.n == n && m.tokenizer.bos == bos && m.tokenizer.n_end && m.tokenizer.end[0] == end, path, "ids", m.tokenizer.bos);
  }
  ig_model_close(&m);
}

int main(void) {
  test_fable();
  test_made();
  test_long_token();
  const char *data = getenv("INGOT_DATA");
  if (data) {
    test_data(data, "gguf/stories260K-f32.gguf", 512, 1, 2);
    test_data(data, "tokenizers/ggml-vocab-phi-3.gguf", 32064, 1, 32000);
  }
  expect(ig_fnv1a("", 0) == 2166136261u && ig_fnv1a("a", 1) == 0xe40c292cu && ig_fnv1a("foobar", 6) == 0xbf9cf968u, "fnv1a", "published values", 0);
  return failures ? 1 : 0;
}
