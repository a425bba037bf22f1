#include "runtime/tokens.h"

#include <string.h>

enum { UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, BYTE = 6 }; /* TokenType of plan.fbs */
static const uint8_t space_mark[3] = {0xe2, 0x96, 0x81};       /* U+2581, which stands for a space */
static const uint32_t NO_TOKEN = UINT32_MAX;

float ingot__load_f32(const uint8_t *p) {
  uint32_t bits = ingot__load32(p);
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

/* ---- the tables: entries are checked where they are used -------------------------------------------------------------------- */

typedef struct piece {
  const uint8_t *text;
  uint32_t size, type;
} piece;

static piece piece_of(const ingot__tokenizer *t, uint32_t id) {
  piece none = {NULL, 0, 0};
  if (id >= t->pieces.count) return none;
  const uint8_t *entry = t->pieces.data + 8 * (size_t)id;
  uint64_t offset = ingot__load32(entry);
  uint32_t size = ingot__load16(entry + 4);
  if (offset + size > t->text.count) return none;
  return (piece){t->text.data + offset, size, entry[6]};
}

static uint32_t id_at(ingot__vec ids, uint32_t index) { return ingot__load32(ids.data + 4 * (size_t)index); }

/* The piece of text that merging may make: not control, unknown or byte tokens, whose text means something else. */
static uint32_t find_piece(const ingot__tokenizer *t, const uint8_t *text, uint32_t size) {
  uint32_t hash = 2166136261u, mask = t->hash.count - 1; /* FNV-1a */
  for (uint32_t i = 0; i < size; i++) hash = (hash ^ text[i]) * 16777619u;
  for (uint32_t probes = 0; probes <= mask; probes++) {
    uint32_t entry = id_at(t->hash, (hash + probes) & mask);
    if (!entry) return NO_TOKEN;
    piece p = piece_of(t, entry - 1);
    if (p.size != size || p.type == CONTROL || p.type == UNKNOWN || p.type == BYTE || memcmp(p.text, text, size)) continue;
    return entry - 1;
  }
  return NO_TOKEN;
}

bool ingot__token_ends(const ingot__tokenizer *t, uint32_t id) {
  for (uint32_t i = 0; i < t->end.count; i++)
    if (id_at(t->end, i) == id) return true;
  return false;
}

bool ingot__token_is_special(const ingot__tokenizer *t, uint32_t id) {
  uint32_t type = piece_of(t, id).type;
  return type == CONTROL || type == USER_DEFINED;
}

uint32_t ingot__longest_piece(const ingot__tokenizer *t) {
  uint32_t longest = 0;
  for (uint32_t id = 0; id < t->pieces.count; id++) {
    uint32_t size = piece_of(t, id).size;
    if (size > longest) longest = size;
  }
  return longest;
}

/* ---- text to tokens --------------------------------------------------------------------------------------------------------- */

/* A run of text between two others; merged ones have size 0. */
typedef struct symbol {
  int32_t before, after; /* neighbours, or -1 */
  uint32_t at, size;
} symbol;

/* Two neighbours whose joined text is a piece. Stale once either has changed: then the sizes no longer add up. */
typedef struct pair {
  float score;
  uint32_t left, right, size;
} pair;

typedef struct merger {
  const ingot__tokenizer *t;
  uint8_t *text;
  symbol *symbols;
  pair *heap;
  uint32_t n_symbols, n_heap;
} merger;

typedef struct output {
  ingot_token *tokens;
  size_t cap, count;
} output;

static void emit(output *out, uint32_t id) {
  if (out->count < out->cap) out->tokens[out->count] = (ingot_token)id;
  out->count++;
}

static bool sooner(pair a, pair b) { return a.score > b.score || (a.score == b.score && a.left < b.left); }

static void push_pair(merger *m, int32_t left, int32_t right) {
  if (left < 0 || right < 0) return;
  const symbol *l = &m->symbols[left], *r = &m->symbols[right];
  uint32_t id = find_piece(m->t, m->text + l->at, l->size + r->size);
  if (id == NO_TOKEN) return;
  pair p = {ingot__load_f32(m->t->scores.data + 4 * (size_t)id), (uint32_t)left, (uint32_t)right, l->size + r->size};
  uint32_t at = m->n_heap++;
  for (; at && sooner(p, m->heap[(at - 1) / 2]); at = (at - 1) / 2) m->heap[at] = m->heap[(at - 1) / 2];
  m->heap[at] = p;
}

static pair pop_pair(merger *m) {
  pair top = m->heap[0], last = m->heap[--m->n_heap];
  uint32_t at = 0;
  for (uint32_t child; (child = 2 * at + 1) < m->n_heap; at = child) {
    if (child + 1 < m->n_heap && sooner(m->heap[child + 1], m->heap[child])) child++;
    if (!sooner(m->heap[child], last)) break;
    m->heap[at] = m->heap[child];
  }
  m->heap[at] = last;
  return top;
}

static void merge_all(merger *m) {
  for (uint32_t i = 0; i + 1 < m->n_symbols; i++) push_pair(m, (int32_t)i, (int32_t)i + 1);
  while (m->n_heap) {
    pair p = pop_pair(m);
    symbol *l = &m->symbols[p.left], *r = &m->symbols[p.right];
    if (!l->size || !r->size || l->size + r->size != p.size) continue;
    l->size = p.size;
    r->size = 0;
    l->after = r->after;
    if (r->after >= 0) m->symbols[r->after].before = (int32_t)p.left;
    push_pair(m, l->before, (int32_t)p.left);
    push_pair(m, (int32_t)p.left, l->after);
  }
}

static void emit_symbol(const merger *m, const symbol *s, output *out) {
  uint32_t id = find_piece(m->t, m->text + s->at, s->size);
  if (id != NO_TOKEN) {
    emit(out, id);
    return;
  }
  for (uint32_t i = 0; i < s->size; i++) {
    id = id_at(m->t->bytes, m->text[s->at + i]);
    if (id >= m->t->pieces.count) id = m->t->unknown;
    if (id != NO_TOKEN) emit(out, id);
  }
}

/* Bytes from the first of a character to the next; what is not UTF-8 goes byte by byte. */
static uint32_t character_size(const uint8_t *text, uint32_t left) {
  uint32_t size = text[0] < 0xc0 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : text[0] < 0xf8 ? 4 : 1;
  if (size > left) return 1;
  for (uint32_t i = 1; i < size; i++)
    if ((text[i] & 0xc0) != 0x80) return 1;
  return size;
}

/* A stretch of plain text. `m` has room for `size` + 1 characters. */
static void tokenize_stretch(merger *m, const uint8_t *text, uint32_t size, output *out) {
  uint32_t n = 0;
  if (!size) return;
  for (uint32_t i = m->t->add_space_prefix ? UINT32_MAX : 0; i == UINT32_MAX || i < size; i++) {
    if (i == UINT32_MAX || text[i] == ' ') {
      memcpy(m->text + n, space_mark, sizeof space_mark);
      n += (uint32_t)sizeof space_mark;
    } else m->text[n++] = text[i];
  }
  m->n_symbols = m->n_heap = 0;
  for (uint32_t at = 0; at < n; m->n_symbols++) {
    uint32_t bytes = character_size(m->text + at, n - at);
    int32_t i = (int32_t)m->n_symbols;
    m->symbols[i] = (symbol){i - 1, at + bytes < n ? i + 1 : -1, at, bytes};
    at += bytes;
  }
  merge_all(m);
  for (int32_t i = 0; i >= 0; i = m->symbols[i].after) emit_symbol(m, &m->symbols[i], out);
}

/* The special token that the text begins with, the longest first; user-defined ones always count, control ones where asked. */
static uint32_t special_at(const ingot__tokenizer *t, const uint8_t *text, size_t left, bool control, uint32_t *size) {
  for (uint32_t i = 0; i < t->specials.count; i++) {
    uint32_t id = id_at(t->specials, i);
    piece p = piece_of(t, id);
    if (!p.size || p.size > left || memcmp(p.text, text, p.size) || !(p.type == USER_DEFINED || control)) continue;
    *size = p.size;
    return id;
  }
  return NO_TOKEN;
}

static void mark_first_bytes(const ingot__tokenizer *t, bool first[256]) {
  for (uint32_t i = 0; i < t->specials.count; i++) {
    piece p = piece_of(t, id_at(t->specials, i));
    if (p.size) first[p.text[0]] = true;
  }
}

/* From `at` to the next special token or the end; the token in `id`. */
static size_t next_special(const ingot__tokenizer *t, const bool first[256], const uint8_t *text, size_t at, size_t size, bool control, uint32_t *id,
                           uint32_t *id_size) {
  *id = NO_TOKEN;
  *id_size = 0;
  for (; at < size; at++)
    if (first[text[at]] && (*id = special_at(t, text + at, size - at, control, id_size)) != NO_TOKEN) break;
  return at;
}

int64_t ingot__tokenize(const ingot__tokenizer *t, const ingot_allocator *allocator, const char *chars, size_t size, bool special, ingot_token *tokens,
                        size_t cap) {
  const uint8_t *text = (const uint8_t *)chars;
  bool first[256] = {false};
  output out = {tokens, cap, 0};
  if (!t->present) return INGOT_ERROR_UNSUPPORTED;
  if (size > INT32_MAX / 4) return INGOT_ERROR_ARGUMENT;
  mark_first_bytes(t, first);
  uint32_t id, id_size;
  size_t longest = 0;
  for (size_t at = 0; at < size;) {
    size_t end = next_special(t, first, text, at, size, special, &id, &id_size);
    if (end - at > longest) longest = end - at;
    at = end + id_size;
  }
  /* Each merge takes a pair and offers two at most: there are never more than two for each character. */
  size_t room = longest + 1, text_bytes = (room * sizeof space_mark + 15) / 16 * 16, symbol_bytes = room * sizeof(symbol);
  uint64_t bytes = text_bytes + symbol_bytes + 2 * room * sizeof(pair);
  uint8_t *memory = longest ? ingot__allocate(allocator, bytes, 16) : NULL;
  if (longest && !memory) return INGOT_ERROR_MEMORY;
  merger m = {.t = t, .text = memory};
  if (memory) {
    m.symbols = (symbol *)(void *)(memory + text_bytes);
    m.heap = (pair *)(void *)(memory + text_bytes + symbol_bytes);
  }
  for (size_t at = 0; at < size;) {
    size_t end = next_special(t, first, text, at, size, special, &id, &id_size);
    tokenize_stretch(&m, text + at, (uint32_t)(end - at), &out);
    if (id != NO_TOKEN) emit(&out, id);
    at = end + id_size;
  }
  ingot__release(allocator, memory, bytes);
  return (int64_t)out.count;
}

int32_t ingot_tokenize(const ingot_model *model, const char *text, size_t size, bool special, ingot_token *tokens, int32_t cap) {
  if (!model || (!text && size) || (!tokens && cap > 0)) return INGOT_ERROR_ARGUMENT;
  return (int32_t)ingot__tokenize(&model->plan.tokenizer, &model->allocator, text, size, special, tokens, cap > 0 ? (size_t)cap : 0);
}

/* ---- tokens to text --------------------------------------------------------------------------------------------------------- */

void ingot__token_text(const ingot__tokenizer *t, uint32_t id, bool *leading, ingot__put *put, void *to) {
  piece p = piece_of(t, id);
  if (p.type == CONTROL || p.type == USER_DEFINED) {
    *leading = true;
    if (p.type == CONTROL) return;
  }
  if (p.type == BYTE) {
    for (uint32_t b = 0; b < 256; b++) {
      const uint8_t byte = (uint8_t)b;
      if (id_at(t->bytes, b) != id) continue;
      put(to, &byte, 1);
      *leading = false;
      return;
    }
    return;
  }
  bool plain = p.type != USER_DEFINED;
  for (uint32_t i = 0, from = 0; i < p.size;) {
    bool space = p.size - i >= sizeof space_mark && !memcmp(p.text + i, space_mark, sizeof space_mark);
    i += space ? (uint32_t)sizeof space_mark : 1;
    if (!space && i < p.size) continue;
    uint32_t end = space ? i - (uint32_t)sizeof space_mark : i;
    if (end > from) put(to, p.text + from, end - from);
    if (space && !(plain && *leading && end == 0 && t->add_space_prefix)) put(to, (const uint8_t *)" ", 1);
    from = i;
  }
  if (plain && p.size) *leading = false;
}

typedef struct text_output {
  char *text;
  size_t cap, size;
} text_output;

static void append_text(void *to, const uint8_t *bytes, size_t n) {
  text_output *out = to;
  if (out->size < out->cap) memcpy(out->text + out->size, bytes, n < out->cap - out->size ? n : out->cap - out->size);
  out->size += n;
}

int32_t ingot_detokenize(const ingot_model *model, const ingot_token *tokens, size_t n, char *text, int32_t cap) {
  if (!model || (!tokens && n) || (!text && cap > 0)) return INGOT_ERROR_ARGUMENT;
  if (!model->plan.tokenizer.present) return INGOT_ERROR_UNSUPPORTED;
  text_output out = {text, cap > 0 ? (size_t)cap : 0, 0};
  bool leading = true;
  for (size_t i = 0; i < n; i++) {
    if (tokens[i] < 0 || (uint32_t)tokens[i] >= model->plan.n_vocab) return INGOT_ERROR_ARGUMENT;
    ingot__token_text(&model->plan.tokenizer, (uint32_t)tokens[i], &leading, append_text, &out);
    if (out.size > INT32_MAX) return INGOT_ERROR_ARGUMENT;
  }
  return (int32_t)out.size;
}
