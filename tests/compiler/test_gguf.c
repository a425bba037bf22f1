/* Files that must be refused: one row a class, with the whole diagnostic. INGOT_GOLDEN=1 prints what comes out. */
#define _DEFAULT_SOURCE
#include <unistd.h>

#include "frontend/model.h"
#include "gguf_maker.h"

static const char path[] = "test_gguf.gguf";
static bool f32_only(const char *format) { return strcmp(format, "f32") == 0; }

#define HUGE64 "\377\377\377\377\377\377\377\177"
#define MOST64 "\377\377\377\377\377\377\377\377"
#define KEYNAME "llama.extra"

static const struct {
  const char *what;
  gguf_change change;
  const char *expect;
} cases[] = {
#include "test_gguf_cases.inc"
};

/* All errors, one a line, without the path. */
static void read_model(ig_context *context, ig_diags *diags) {
  ig_model model;
  if (ig_model_open(&model, path, diags)) {
    ig_module module = ig_module_create(context);
    if (ig_model_graph(&model, module, f32_only, diags)) ig_verify(module, diags);
    ig_module_destroy(module);
  }
  ig_model_close(&model);
}

/* An error of the file ends with a note; those of a set of files say themselves what is to be done. */
static bool says_what_to_do(const ig_diags *diags) {
  const ig_diagnostic *last = &diags->items[diags->count - 1];
  return last->severity == IG_NOTE ? strstr(last->text, "fetch it again") || strstr(last->text, "docs/MODELS.md") : strstr(last->text, "shard") != NULL;
}

static bool check(ig_context *context, const char *what, const gguf_change *change, const char *expect, bool golden) {
  ig_text file = {0}, got = {0};
  ig_diags diags = {0};
  gguf_make(change, &file);
  gguf_write(path, &file);
  read_model(context, &diags);
  for (size_t i = 0; i < diags.count; i++)
    if (diags.items[i].severity != IG_NOTE) ig_text_printf(&got, "%s%s", i && got.size ? "\n" : "", diags.items[i].text);
  const char *text = got.data ? got.data : "";
  bool same = strcmp(text, expect) == 0 && (diags.errors > 0) == (*expect != 0);
  if (diags.errors && !says_what_to_do(&diags)) same = printf("%s: no error and no note says what to do\n", what) < 0;
  for (size_t i = 0; i < diags.count; i++)
    if (strcmp(diags.items[i].place, path) != 0) same = printf("%s: the place is %s\n", what, diags.items[i].place) < 0;
  if (golden) printf("%s => %s\n", what, text);
  else if (!same) printf("%s\n  expected: %s\n  got:      %s\n", what, expect, text);
  ig_text_finish(&file);
  ig_text_finish(&got);
  ig_diags_finish(&diags);
  return same;
}

/* The only error of a file that is as long as `size` says, where that is not 0. */
static bool check_file(ig_context *context, const gguf_change *change, off_t size, const char *expect) {
  ig_text file = {0};
  ig_diags diags = {0};
  gguf_make(change, &file);
  gguf_write(path, &file);
  if (size && truncate(path, size)) return perror(path), false;
  read_model(context, &diags);
  bool same = diags.errors == 1 && strcmp(diags.items[0].text, expect) == 0;
  if (!same) printf("expected: %s\n  got %zu diagnostics, the first: %s\n", expect, diags.count, diags.count ? diags.items[0].text : "");
  ig_text_finish(&file);
  ig_diags_finish(&diags);
  return same;
}

/* What nothing looks for may matter, and is named; the model compiles. */
static bool check_warning(ig_context *context) {
  static const char expect[] = "metadata keys that ingot does not know are left aside, and answers may suffer: llama.attention.strange";
  ig_text file = {0};
  ig_diags diags = {0};
  gguf_make(&(gguf_change){.key = "llama.attention.strange", .type = MAKER_U32, BYTES("\5\0\0\0")}, &file);
  gguf_write(path, &file);
  read_model(context, &diags);
  bool same = diags.count == 1 && diags.items[0].severity == IG_WARNING && strcmp(diags.items[0].text, expect) == 0;
  if (!same) printf("an unknown key: %zu diagnostics, the first: %s\n", diags.count, diags.count ? diags.items[0].text : "");
  ig_text_finish(&file);
  ig_diags_finish(&diags);
  return same;
}

/* A file of 1 GiB, nearly all of it one string: refused before it is read. */
static bool check_metadata(ig_context *context) {
  static const char expect[] = "metadata key llama.extra: takes 1000000000 bytes at offset 762: more than 256 MiB of metadata are refused";
  return check_file(context, &(gguf_change){.key = KEYNAME, .type = MAKER_STRING, BYTES("\0\312\232\73\0\0\0\0")}, (off_t)1 << 30, expect);
}

/* A vocabulary whose last token is longer than any is. */
static bool check_token(ig_context *context) {
  enum { LONG = 65536, TOKENS = 8 };
  static const char expect[] = "token 7 is 65536 bytes long; at most 65535 are possible";
  ig_text value = {0};
  char *text = calloc(1, LONG + 1);
  if (!text) return false;
  memset(text, 'a', LONG);
  maker_u32(&value, MAKER_STRING), maker_u64(&value, TOKENS);
  static const char *const tokens[TOKENS - 1] = {"<unk>", "<s>", "</s>", "<0x41>", "_", "a", "b"};
  for (int i = 0; i < TOKENS - 1; i++) maker_string(&value, tokens[i]);
  maker_string(&value, text);
  bool ok = check_file(context, &(gguf_change){.key = "tokenizer.ggml.tokens", .type = MAKER_ARRAY, .value = value.data, .value_size = value.size}, 0, expect);
  ig_text_finish(&value);
  free(text);
  return ok;
}

int main(void) {
  ig_diags own = {0};
  ig_context *context = ig_context_create(&own);
  bool golden = getenv("INGOT_GOLDEN") != NULL, ok = true;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) ok = check(context, cases[i].what, &cases[i].change, cases[i].expect, golden) && ok;
  ok = check_warning(context) && check_metadata(context) && check_token(context) && ok;
  ig_context_destroy(context);
  ig_diags_finish(&own);
  remove(path);
  return ok || golden ? 0 : 1;
}
