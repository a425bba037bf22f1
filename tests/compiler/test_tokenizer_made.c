/* Made vocabularies of every kind, without data: ids against a naive tokenizer that follows the definition, texts there and back, and
 * tables with random damage, which may give any ids but must not reach outside. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/token_view.h"
#include "runtime/tokens.h"
#include "vocabulary_maker.h"

enum { MOST = 4096 };

static uint32_t failures;
static const ingot_allocator allocator = {ingot__os_allocate, ingot__os_release, NULL};
static const char path[] = "test_tokenizer_made.gguf";

/* ---- the definition: merge the best pair, the leftmost of equals, until there is none ------------------------------------------------ */

typedef struct parts {
  char text[64][24];
  uint32_t n;
} parts;

static double rank_of(const vocabulary *v, bool by_score, const char *left, const char *right) {
  char both[64];
  snprintf(both, sizeof both, "%s%s", left, right);
  if (by_score) {
    uint32_t id = find(v, both);
    return id == UINT32_MAX ? 1e9 : -(double)v->score[id];
  }
  for (uint32_t i = 0; i < v->n_merges; i++)
    if (!strcmp(v->merge[i][0], left) && !strcmp(v->merge[i][1], right)) return i;
  return 1e9;
}

static void merge_naively(const vocabulary *v, bool by_score, parts *p) {
  for (;;) {
    uint32_t best = p->n;
    double lowest = 1e9;
    for (uint32_t i = 0; i + 1 < p->n; i++) {
      double rank = rank_of(v, by_score, p->text[i], p->text[i + 1]);
      if (rank < lowest) lowest = rank, best = i;
    }
    if (best == p->n) return;
    char joined[64];
    snprintf(joined, sizeof joined, "%s%s", p->text[best], p->text[best + 1]);
    snprintf(p->text[best], sizeof p->text[best], "%.23s", joined);
    p->n--;
    for (uint32_t i = best + 1; i < p->n; i++) memcpy(p->text[i], p->text[i + 1], sizeof p->text[i]);
  }
}

/* ---- checks ------------------------------------------------------------------------------------------------------------------ */

typedef struct back {
  char text[MOST];
  size_t size;
} back;

static void put(void *to, const uint8_t *from, size_t n) {
  back *b = to;
  for (size_t i = 0; i < n && b->size < MOST; i++) b->text[b->size++] = (char)from[i];
}

static void check_word(const vocabulary *v, const ingot__tokenizer *t, bool by_score, const char *word) {
  ingot_token got[MOST], want[MOST];
  parts p = {.n = 0};
  uint32_t n = 0;
  if (by_score) strcpy(p.text[p.n++], "\xe2\x96\x81");
  for (const char *c = word; *c; c++) snprintf(p.text[p.n++], sizeof p.text[0], "%c", *c);
  merge_naively(v, by_score, &p);
  for (uint32_t i = 0; i < p.n; i++) {
    uint32_t id = find(v, p.text[i]);
    if (id != UINT32_MAX) want[n++] = (ingot_token)id;
    else
      for (const char *c = p.text[i]; *c && !by_score; c++) {
        const char one[2] = {*c, 0};
        if ((id = find(v, one)) != UINT32_MAX) want[n++] = (ingot_token)id;
      }
  }
  int64_t m = ingot__tokenize(t, &allocator, word, strlen(word), false, got, MOST);
  back b = {.size = 0};
  bool leading = true;
  for (int64_t i = 0; i < m; i++) ingot__token_text(t, (uint32_t)got[i], &leading, put, &b);
  if (m == n && !memcmp(got, want, n * sizeof *got) && b.size == strlen(word) && !memcmp(b.text, word, b.size)) return;
  printf("%s \"%s\": ", by_score ? "scores" : "ranks", word);
  for (int64_t i = 0; i < m; i++) printf(" %d", got[i]);
  printf(", expected");
  for (uint32_t i = 0; i < n; i++) printf(" %d", want[i]);
  printf("\n");
  failures++;
}

/* Unigram: the pieces are the text, and no other way has a higher sum of scores. */
static void check_sum(const vocabulary *v, const ingot__tokenizer *t, const char *word) {
  ingot_token got[MOST];
  double best[64] = {0}, sum = 0;
  const uint32_t size = (uint32_t)strlen(word);
  for (uint32_t end = 1; end <= size; end++) {
    best[end] = -1e9;
    for (uint32_t i = 0; i < v->n; i++) {
      uint32_t n = (uint32_t)strlen(v->text[i]);
      if (v->type[i] == 1 && n && n <= end && !memcmp(word + end - n, v->text[i], n) && best[end - n] + (double)v->score[i] > best[end])
        best[end] = best[end - n] + (double)v->score[i];
    }
  }
  int64_t n = ingot__tokenize(t, &allocator, word, size, false, got, MOST);
  char text[MOST] = "";
  for (int64_t i = 0; i < n; i++) strcat(text, v->text[got[i]]), sum += (double)v->score[got[i]];
  if (n >= 0 && !strcmp(text, word) && sum > best[size] - 1e-6) return;
  printf("unigram \"%s\": \"%s\" of %g, where %g is possible\n", word, text, sum, best[size]);
  failures++;
}

static ingot__vec damaged(ingot__vec v, size_t element) {
  size_t bytes = v.count * element;
  uint8_t *copy = malloc(bytes ? bytes : 1); /* exactly as large: a sanitizer sees every step beyond */
  if (!copy) exit(1);
  if (bytes) memcpy(copy, v.data, bytes);
  for (uint32_t i = below(4); bytes && i; i--) copy[below((uint32_t)bytes)] = (uint8_t)(below(3) ? below(256) : 255u);
  return (ingot__vec){copy, v.count};
}

/* The checks of tokens_open.c hold (sizes that are powers of two, counts that agree); everything else may be anything. */
static void check_damage(const ingot__tokenizer *whole, const char *text, size_t size) {
  ingot__tokenizer t = *whole;
  ingot_token ids[MOST];
  back b = {.size = 0};
  struct {
    ingot__vec *v;
    size_t element;
  } tables[] = {{&t.text, 1},        {&t.pieces, 8}, {&t.scores, 4},  {&t.hash, 4},        {&t.specials, 4},
                {&t.bytes, 4},       {&t.end, 4},    {&t.merges, 16}, {&t.class_pages, 2}, {&t.class_blocks, 1},
                {&t.transitions, 2}, {&t.passes, 4}, {&t.folds, 8},   {&t.charsmap, 1},    {&t.prefixes, 1}};
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) *tables[i].v = damaged(*tables[i].v, tables[i].element);
  if (!below(4)) t.n_classes = below(256);
  if (!below(4)) t.longest = below(3) ? below(20) : UINT16_MAX;
  if (!below(4)) t.whole_words = !t.whole_words;
  int64_t n = ingot__tokenize(&t, &allocator, text, size, below(2), ids, MOST);
  bool leading = true;
  for (int64_t i = 0; i < n && i < MOST; i++) ingot__token_text(&t, (uint32_t)ids[i], &leading, put, &b);
  for (size_t i = 0; i < sizeof tables / sizeof *tables; i++) free((void *)(uintptr_t)tables[i].v->data);
}

static void run(const vocabulary *v, const char *model, const char *pre, bool check, bool by_score) {
  ig_model m = {0};
  ig_diags diags = {0};
  if (!write_vocabulary(v, path, model, pre) || !ig_model_open(&m, path, &diags) || !m.tokenizer.present) {
    printf("%s: %s\n", model, diags.count ? diags.items[0].text : m.tokenizer.missing ? m.tokenizer.missing : "not opened");
    failures++;
  } else {
    ingot__tokenizer t = ig_token_view(&m.tokenizer);
    for (int round = 0; check && round < 400; round++) {
      char word[48] = {0};
      uint32_t size = 1 + below(40);
      for (uint32_t i = 0; i < size; i++) word[i] = "abcde"[below(5)];
      if (t.kind == INGOT__TOKENS_UNIGRAM) check_sum(v, &t, word);
      else check_word(v, &t, by_score, word);
    }
    for (int round = 0; round < 600; round++) {
      char text[200];
      size_t size = below(sizeof text);
      for (size_t i = 0; i < size; i++) text[i] = below(4) ? "abcde <|x>\n\xc3\xa9"[below(13)] : (char)(uint8_t)below(256);
      check_damage(&t, text, size);
    }
  }
  ig_model_close(&m);
  ig_diags_finish(&diags);
  remove(path);
}

static void make(vocabulary *v, bool by_score, bool words) {
  *v = (vocabulary){.n = 0};
  add_token(v, "<unk>", 2);
  add_token(v, "<s>", 3);
  add_token(v, "<|x|>", 4);
  for (int c = 'a'; c <= 'e'; c++) add_token(v, (const char[]){(char)c, 0}, 1);
  if (by_score || words) add_token(v, "\xe2\x96\x81", 1);
  if (by_score)
    for (int i = 0; i < 256; i++) {
      char byte[8];
      snprintf(byte, sizeof byte, "<0x%02X>", (unsigned)i);
      add_token(v, byte, 6);
    }
  for (int i = 0; i < 60; i++) { /* longer and longer pieces, of two earlier ones */
    uint32_t l = below(v->n), r = below(v->n);
    char both[64];
    if (v->type[l] != 1 || v->type[r] != 1) continue;
    snprintf(both, sizeof both, "%s%s", v->text[l], v->text[r]);
    if (strlen(both) > 12 || (by_score && strstr(both + 1, "\xe2\x96\x81"))) continue;
    strcpy(v->merge[v->n_merges][0], v->text[l]);
    strcpy(v->merge[v->n_merges++][1], v->text[r]);
    if (find(v, both) == UINT32_MAX && (by_score || below(8))) add_token(v, both, 1); /* a merge may make what is no token */
  }
}

int main(void) {
  static vocabulary v;
  for (int round = 0; round < 6; round++) {
    make(&v, false, false);
    run(&v, "gpt2", round % 2 ? "gpt-2" : "deepseek-llm", true, false);
    make(&v, true, false);
    run(&v, "llama", "default", true, true);
    make(&v, false, true);
    run(&v, "bert", "default", false, false);
    run(&v, "t5", "default", true, true);
  }
  return failures ? 1 : 0;
}
