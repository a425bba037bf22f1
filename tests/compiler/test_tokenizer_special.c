/* Special tokens that overlap, on made vocabularies: ids against the rule itself, written down as plainly as it can be. The rule: token by
 * token, the longest first and of equals the lower id, is looked for from the left in every stretch of text that is left; where it is
 * found the stretch is parted, and space beside it goes where the token says so. */
#include "driver/token_view.h"
#include "frontend/tokenizer_job.h"
#include "runtime/tokens.h"
#include "vocabulary_maker.h"

enum { TEXT_MOST = 400, PARTS_MOST = 3 * TEXT_MOST };

static uint32_t failures;
static const ingot_allocator allocator = {ingot__os_allocate, ingot__os_release, NULL};
static const char path[] = "test_tokenizer_special.gguf";

typedef struct part {
  size_t at, size;
  uint32_t id; /* NO_ID: text */
} part;
typedef struct parts {
  part list[PARTS_MOST];
  uint32_t n;
} parts;

static bool is_space(char c) { return c == ' ' || (c >= 9 && c <= 13); }

static void add_part(parts *to, size_t at, size_t size, uint32_t id) {
  if (id == NO_ID && !size) return;
  if (to->n == PARTS_MOST) exit(1);
  to->list[to->n++] = (part){at, size, id};
}

/* One stretch, one token. */
static void part_stretch(parts *to, const char *text, part p, const char *token, size_t size, uint8_t flags, uint32_t id) {
  for (size_t at = p.at; p.size && at + size <= p.at + p.size;) {
    if (memcmp(text + at, token, size) != 0) {
      at++;
      continue;
    }
    size_t left = at - p.at, end = p.at + p.size, right = at + size;
    while (flags & IG_PIECE_STRIPS_LEFT && left && is_space(text[p.at + left - 1])) left--;
    while (flags & IG_PIECE_STRIPS_RIGHT && right < end && is_space(text[right])) right++;
    add_part(to, p.at, left, NO_ID);
    add_part(to, at, size, id);
    p = (part){right, end - right, NO_ID};
    at = right;
  }
  add_part(to, p.at, p.size, NO_ID);
}

static const ig_tokenizer *sorted; /* for by_length alone */
static int by_length(const void *a, const void *b) {
  uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
  if (sorted->pieces[x].size != sorted->pieces[y].size) return sorted->pieces[x].size > sorted->pieces[y].size ? -1 : 1;
  return (x > y) - (x < y);
}

static uint32_t tokenize_by_rule(const ig_tokenizer *t, const char *text, size_t size, bool control, ingot_token *ids) {
  static parts now, next;
  static uint32_t order[512];
  uint32_t n = 0;
  for (uint32_t i = 0; i < t->n_specials; i++) order[i] = t->specials[i];
  sorted = t;
  qsort(order, t->n_specials, sizeof *order, by_length);
  now.n = 0;
  add_part(&now, 0, size, NO_ID);
  for (uint32_t k = 0; k < t->n_specials; k++) {
    const ig_piece *p = &t->pieces[order[k]];
    if (p->type != USER_DEFINED && !control) continue;
    next.n = 0;
    for (uint32_t i = 0; i < now.n; i++) {
      if (now.list[i].id == NO_ID) part_stretch(&next, text, now.list[i], piece_text(t, order[k]), p->size, p->flags, order[k]);
      else add_part(&next, now.list[i].at, now.list[i].size, now.list[i].id);
    }
    now = next;
  }
  for (uint32_t i = 0; i < now.n; i++) {
    if (now.list[i].id != NO_ID) ids[n++] = (ingot_token)now.list[i].id;
    for (size_t k = 0; now.list[i].id == NO_ID && k < now.list[i].size; k++) ids[n++] = (ingot_token)t->bytes[(uint8_t)text[now.list[i].at + k]];
  }
  return n;
}

static void show(const ig_tokenizer *t, const char *text, size_t size, bool control, const ingot_token *ids, int64_t n, const ingot_token *want, uint32_t m) {
  printf("text \"");
  for (size_t i = 0; i < size; i++) printf(text[i] == '\n' ? "\\n" : "%c", text[i]);
  printf("\"%s\ngot ", control ? ", control tokens too" : "");
  for (int64_t i = 0; i < n; i++) printf(" %d", ids[i]);
  printf("\nwant");
  for (uint32_t i = 0; i < m; i++) printf(" %d", want[i]);
  printf("\n");
  for (uint32_t i = 0; i < t->n_specials; i++)
    printf("%u \"%.*s\" type %u flags %u\n", t->specials[i], t->pieces[t->specials[i]].size, piece_text(t, t->specials[i]), t->pieces[t->specials[i]].type,
           t->pieces[t->specials[i]].flags);
}

/* Texts over a few letters and of pieces of special tokens one after the other. */
static size_t make_text(const ig_tokenizer *t, const char *alphabet, char *text) {
  const uint32_t letters = (uint32_t)strlen(alphabet);
  size_t size = 0, most = below(4) ? below(40) : below(TEXT_MOST);
  while (size < most) {
    const uint32_t id = t->specials[below(t->n_specials)], n = t->pieces[id].size, from = below(3) ? 0 : below(n),
                   to = below(3) ? n : from + below(n - from + 1);
    if (!below(3)) text[size++] = alphabet[below(letters)];
    for (uint32_t i = from; i < to && size < most; i++) text[size++] = piece_text(t, id)[i];
  }
  return size;
}

static void check_vocabulary(const vocabulary *v, const char *alphabet, bool strips) {
  ig_model m = {0};
  ig_diags diags = {0};
  if (!write_vocabulary(v, path, "gpt2", "gpt-2") || !ig_model_open(&m, path, &diags) || !m.tokenizer.present) {
    printf("%s\n", diags.count ? diags.items[0].text : "not opened");
    exit(1);
  }
  ig_tokenizer *t = &m.tokenizer;
  for (uint32_t i = 0; strips && i < t->n_specials; i++) {
    const uint8_t flags[] = {0, 0, 0, 0, IG_PIECE_STRIPS_LEFT, IG_PIECE_STRIPS_RIGHT, IG_PIECE_STRIPS_LEFT | IG_PIECE_STRIPS_RIGHT};
    t->pieces[t->specials[i]].flags = flags[below(sizeof flags)];
  }
  ig_mark_contested(t);
  const ingot__tokenizer view = ig_token_view(t);
  for (int round = 0; round < 300 && failures < 3; round++) {
    char text[TEXT_MOST];
    static ingot_token got[PARTS_MOST], want[PARTS_MOST];
    const size_t size = make_text(t, alphabet, text);
    const bool control = below(2);
    const uint32_t n = tokenize_by_rule(t, text, size, control, want);
    const int64_t n_got = ingot__tokenize(&view, &allocator, text, size, control, got, PARTS_MOST);
    if (n_got == n && !memcmp(got, want, n * sizeof *got)) continue;
    show(t, text, size, control, got, n_got, want, n);
    failures++;
  }
  ig_model_close(&m);
  ig_diags_finish(&diags);
  remove(path);
}

static void check_random(const char *alphabet, const char *const *letters, uint32_t tokens, uint32_t longest, bool strips) {
  static vocabulary v;
  v.n = v.n_merges = 0;
  for (uint32_t i = 0; alphabet[i]; i++) add_token(&v, letters[i], NORMAL);
  for (uint32_t i = 0; i < tokens; i++) {
    char text[24] = {0};
    const uint32_t n = 1 + below(longest);
    for (uint32_t k = 0; k < n; k++) text[k] = alphabet[below((uint32_t)strlen(alphabet))];
    add_token(&v, text, below(3) ? USER_DEFINED : CONTROL); /* some of them twice */
  }
  check_vocabulary(&v, alphabet, strips);
}

/* A chain as long as there are tokens, each of which is overlapped by the next and comes after it in the order. */
static void check_chain(uint32_t tokens) {
  static vocabulary v;
  v.n = v.n_merges = 0;
  for (int c = 'a'; c <= 'z'; c++) add_token(&v, (const char[]){(char)c, 0}, NORMAL);
  for (uint32_t i = tokens; i--;) {
    const char text[] = {(char)('a' + i / 26), (char)('a' + i % 26), (char)('a' + (i + 1) / 26), (char)('a' + (i + 1) % 26), 0};
    add_token(&v, text, USER_DEFINED);
  }
  check_vocabulary(&v, "abcdefghijklmnopqrstuvwxyz", false);
}

int main(void) {
  const char *text = getenv("INGOT_ROUNDS"); /* of a longer run */
  const int rounds = text ? atoi(text) : 12;
  for (int round = 0; round < rounds && !failures; round++) {
    check_random("ab", (const char *const[]){"a", "b"}, 1 + below(12), 6, false);
    check_random("abc", (const char *const[]){"a", "b", "c"}, 1 + below(120), 5, false);
    check_random("ab \n", (const char *const[]){"a", "b", "\xc4\xa0", "\xc4\x8a"}, 1 + below(16), 5, true);
    check_random("a ", (const char *const[]){"a", "\xc4\xa0"}, 1 + below(10), 7, true);
    check_random("a", (const char *const[]){"a"}, 1 + below(10), 20, false);
    check_chain(2 + below(300));
  }
  return failures ? 1 : 0;
}
