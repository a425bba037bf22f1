/* Published ids: every pair of texts (.inp) and ids (.out) in INGOT_DATA/tokenizers; large texts of several kinds there and back, in
 * linear time. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "driver/token_view.h"
#include "frontend/model.h"
#include "runtime/tokens.h"

static uint32_t failures;
static const ingot_allocator allocator = {ingot__os_allocate, ingot__os_release, NULL};

typedef struct bytes {
  char *data;
  size_t size;
} bytes;

static bytes read_all(const char *path) {
  bytes b = {0};
  FILE *f = fopen(path, "rb");
  if (!f) return b;
  fseek(f, 0, SEEK_END);
  b.size = (size_t)ftell(f);
  b.data = malloc(b.size + 1);
  if (!b.data || fseek(f, 0, SEEK_SET) || fread(b.data, 1, b.size, f) != b.size) exit(1);
  b.data[b.size] = 0;
  fclose(f);
  return b;
}

typedef struct back {
  char *data;
  size_t size, cap;
} back;

static void put(void *to, const uint8_t *from, size_t n) {
  back *b = to;
  if (b->size + n <= b->cap) memcpy(b->data + b->size, from, n);
  b->size += n;
}

static void show(const char *name, const char *text, size_t size, const ingot_token *got, int64_t n, const char *want, size_t want_size) {
  printf("%s: \"%.*s\"\n  want %.*s\n  got ", name, (int)size, text, (int)want_size, want);
  for (int64_t i = 0; i < n; i++) printf(" %d", got[i]);
  printf("\n");
  failures++;
}

static void check_pairs(const ingot__tokenizer *t, const char *name, const bytes *texts, const bytes *ids) {
  static const char between[] = "\n__ggml_vocab_test__\n";
  enum { MOST = 4096 };
  ingot_token got[MOST];
  const char *text = texts->data, *line = ids->data;
  uint32_t count = 0;
  while (text && line && *line) {
    const char *end = strstr(text, between), *line_end = strchr(line, '\n');
    if (!line_end) line_end = line + strlen(line);
    size_t size = end ? (size_t)(end - text) : (size_t)(texts->data + texts->size - text);
    int64_t n = ingot__tokenize(t, &allocator, text, size, false, got, MOST);
    bool ok = n >= 0 && n <= MOST;
    const char *at = line;
    for (int64_t i = 0; ok && i < n; i++) {
      char *next;
      long id = strtol(at, &next, 10);
      ok = next != at && next <= line_end && id == got[i];
      at = next;
    }
    while (*at == ' ') at++;
    if (!ok || at != line_end) show(name, text, size, got, n < MOST ? n : 0, line, (size_t)(line_end - line));
    count++;
    text = end ? end + sizeof between - 1 : NULL;
    line = *line_end ? line_end + 1 : line_end;
  }
  if (count < 40) {
    printf("%s: only %u texts\n", name, count);
    failures++;
  }
}

static double seconds(void) { return (double)clock() / CLOCKS_PER_SEC; }

/* There and back; `rate` in MB/s that must be met even on a busy machine built without optimisation. */
static void check_large(const ingot__tokenizer *t, const char *name, const char *what, const char *text, size_t size) {
  ingot_token *ids = malloc((size + 1) * 4 * sizeof *ids);
  back b = {.data = malloc(size + 64), .cap = size + 64};
  double start = seconds();
  int64_t n = ingot__tokenize(t, &allocator, text, size, false, ids, (size + 1) * 4);
  double taken = seconds() - start;
  bool leading = true;
  for (int64_t i = 0; i < n; i++) ingot__token_text(t, (uint32_t)ids[i], &leading, put, &b);
  bool same = t->kind == INGOT__TOKENS_WORDPIECE || (b.size == size && memcmp(b.data, text, size) == 0); /* WordPiece forgets accents and capitals */
  printf("%-10s %-24s %8.1f MB/s, %lld tokens\n", name, what, (double)size / 1e6 / (taken + 1e-9), (long long)n);
  if (n < 0 || !same || taken > 5) {
    printf("%s: %s: %s\n", name, what, taken > 5 ? "slow" : "not the same text back");
    failures++;
  }
  free(ids);
  free(b.data);
}

static void check_worst(const ingot__tokenizer *t, const char *name, const char *data) {
  static const char *const units[] = {"a", " ", "\n", "7", "'", "aB", " \n", "\xe4\xb8\xad", "\xcc\x81", "a'", "\t ", "\xff", "\xc3"};
  enum { SIZE = 1 << 20 };
  char *text = malloc(SIZE + 1), what[64];
  for (size_t k = 0; k < sizeof units / sizeof *units; k++) {
    size_t unit = strlen(units[k]);
    for (size_t i = 0; i < SIZE; i++) text[i] = units[k][i % unit];
    text[SIZE - 1] = 'x'; /* so that look-ahead fails at the very end */
    snprintf(what, sizeof what, "1 MB of unit %zu", k);
    check_large(t, name, what, text, SIZE);
  }
  uint64_t random = 7;
  for (size_t i = 0; i < SIZE; i++) text[i] = (char)((random = random * 6364136223846793005u + 1442695040888963407u) >> 56);
  check_large(t, name, "random bytes", text, SIZE);
  for (size_t i = 0; i < SIZE; i++) text[i] = (char)('a' + ((random = random * 6364136223846793005u + 1442695040888963407u) >> 56) % 26);
  check_large(t, name, "random letters", text, SIZE);
  static const char *const files[] = {"botchan-en.txt", "tinyshakespeare.txt", "wagahai-ja-head.txt"};
  for (size_t k = 0; k < sizeof files / sizeof *files; k++) {
    char path[600];
    snprintf(path, sizeof path, "%s/text/%s", data, files[k]);
    bytes b = read_all(path);
    if (b.data) check_large(t, name, files[k], b.data, b.size);
    free(b.data);
  }
  free(text);
}

int main(void) {
  static const char *const names[] = {"gpt-2", "qwen2", "phi-3", "bert-bge", "llama-bpe"};
  const char *data = getenv("INGOT_DATA");
  uint32_t checked = 0;
  for (size_t k = 0; data && k < sizeof names / sizeof *names; k++) {
    char path[3][600];
    for (int i = 0; i < 3; i++) snprintf(path[i], sizeof path[i], "%s/tokenizers/ggml-vocab-%s.gguf%s", data, names[k], i == 0 ? "" : i == 1 ? ".inp" : ".out");
    bytes texts = read_all(path[1]), ids = read_all(path[2]);
    FILE *probe = fopen(path[0], "rb");
    if (probe) fclose(probe);
    if (probe && texts.data && ids.data) {
      ig_model m;
      ig_diags diags = {0};
      if (ig_model_open(&m, path[0], &diags) && m.tokenizer.present) {
        ingot__tokenizer t = ig_token_view(&m.tokenizer);
        check_pairs(&t, names[k], &texts, &ids);
        check_worst(&t, names[k], data);
        checked++;
      } else {
        printf("%s: %s\n", names[k], diags.count ? diags.items[0].text : m.tokenizer.missing);
        failures++;
      }
      ig_model_close(&m);
      ig_diags_finish(&diags);
    }
    free(texts.data);
    free(ids.data);
  }
  if (!checked && !failures) {
    printf("no vocabularies in INGOT_DATA/tokenizers: skipped\n");
    return 77;
  }
  return failures ? 1 : 0;
}
