/* What merging needs, made once: merges as a hash table, and the pieces that merging their own text gives back. */
#include <string.h>

#include "frontend/tokenizer_job.h"

enum { WHOLE_MOST = 64 }; /* symbols of a piece that is looked at: longer ones are merged when they come */

/* ---- bytes ------------------------------------------------------------------------------------------------------------------ */

/* The byte that a character of the file stands for (GPT-2's table: visible Latin-1 as itself, the rest from U+0100 on), or -1. */
static int byte_of_character(uint32_t c) {
  if ((c >= 0x21 && c <= 0x7e) || (c >= 0xa1 && c <= 0xac) || (c >= 0xae && c <= 0xff)) return (int)c;
  if (c >= 0x100 && c < 0x121) return (int)(c - 0x100);
  if (c >= 0x121 && c < 0x143) return (int)(c - 0x121 + 0x7f);
  return c == 0x143 ? 0xad : -1;
}

/* In place; a character that stands for no byte stays as it is. */
static size_t to_bytes(char *text, size_t size) {
  size_t n = 0;
  for (size_t i = 0; i < size;) {
    uint8_t first = (uint8_t)text[i];
    size_t bytes = first < 0x80 || i + 1 == size || ((uint8_t)text[i + 1] & 0xc0) != 0x80 || first >= 0xe0 ? 1 : 2;
    int byte = bytes == 1 ? byte_of_character(first) : byte_of_character((first & 0x1fu) << 6 | ((uint8_t)text[i + 1] & 0x3fu));
    if (byte >= 0 && (bytes == 2 || first < 0x80)) text[n++] = (char)byte;
    else
      for (size_t k = 0; k < bytes; k++) text[n++] = text[i + k];
    i += bytes;
  }
  return n;
}

void ig_pieces_to_bytes(job *j) {
  ig_tokenizer *t = j->t;
  uint32_t end = 0;
  for (uint32_t id = 0; id < t->n; id++) {
    ig_piece *p = &t->pieces[id];
    memmove(j->text + end, j->text + p->offset, p->size);
    p->offset = end;
    if (p->type == NORMAL) p->size = (uint16_t)to_bytes(j->text + end, p->size);
    end += p->size;
  }
  t->text_size = end;
}

/* ---- symbols: pieces, bytes that are none, and what merges make that is none ------------------------------------------------------ */

typedef struct symbols {
  const ig_tokenizer *t;
  ig_arena *arena;
  ig_str *extra;        /* of symbol n + i */
  uint32_t n_extra, *hash, mask;
} symbols;

static uint32_t find_symbol(const symbols *s, const char *text, size_t size) {
  uint32_t id = ig_find_piece(s->t, text, size);
  if (id != NO_ID) return id;
  for (uint32_t slot = ig_fnv1a(text, size) & s->mask; s->hash[slot]; slot = (slot + 1) & s->mask) {
    ig_str e = s->extra[s->hash[slot] - 1];
    if (e.size == size && memcmp(e.data, text, size) == 0) return s->t->n + s->hash[slot] - 1;
  }
  return NO_ID;
}

static uint32_t add_symbol(symbols *s, const char *text, size_t size) {
  uint32_t id = find_symbol(s, text, size), slot = ig_fnv1a(text, size) & s->mask;
  if (id != NO_ID) return id;
  while (s->hash[slot]) slot = (slot + 1) & s->mask;
  char *copy = ig_alloc(s->arena, size);
  memcpy(copy, text, size);
  s->extra[s->n_extra++] = (ig_str){copy, size};
  s->hash[slot] = s->n_extra;
  return s->t->n + s->n_extra - 1;
}

/* ---- merges ------------------------------------------------------------------------------------------------------------------- */

static ig_merge *slot_of(const ig_tokenizer *t, uint32_t left, uint32_t right) {
  uint32_t hash = (left * 0x9e3779b1u ^ right) * 0x85ebca6bu, mask = t->merges_size - 1;
  hash ^= hash >> 15;
  while (t->merges[hash & mask].rank != NO_ID && (t->merges[hash & mask].left != left || t->merges[hash & mask].right != right)) hash++;
  return &t->merges[hash & mask];
}

static void add_merge(symbols *s, ig_tokenizer *t, ig_str left, ig_str right, uint32_t rank, char *joined) {
  uint32_t l = find_symbol(s, left.data, left.size), r = find_symbol(s, right.data, right.size);
  if (l == NO_ID || r == NO_ID) return; /* nothing ever becomes one of them */
  memcpy(joined, left.data, left.size);
  memcpy(joined + left.size, right.data, right.size);
  ig_merge *m = slot_of(t, l, r);
  if (m->rank == NO_ID) *m = (ig_merge){l, r, rank, find_symbol(s, joined, left.size + right.size)};
}

typedef struct halves {
  ig_str left, right;
} halves;

/* Symbols and the ranks (lower is sooner) or negative scores of neighbours: whether merging leaves one symbol. Both kinds of merging. */
typedef bool join_fn(const ig_tokenizer *t, const char *text, const uint32_t *ids, const uint32_t *ends, uint32_t left, double *key, uint32_t *id);

static bool is_whole(const ig_tokenizer *t, const char *text, uint32_t *ids, uint32_t *ends, uint32_t n, join_fn *join) {
  double key[WHOLE_MOST];
  uint32_t made[WHOLE_MOST];
  bool may[WHOLE_MOST];
  for (uint32_t i = 0; i + 1 < n; i++) may[i] = join(t, text, ids, ends, i, &key[i], &made[i]);
  while (n > 1) {
    uint32_t best = n;
    for (uint32_t i = 0; i + 1 < n; i++)
      if (may[i] && (best == n || key[i] < key[best])) best = i;
    if (best == n) return false;
    ids[best] = made[best];
    ends[best] = ends[best + 1];
    n--;
    for (uint32_t i = best + 1; i < n; i++) {
      ids[i] = ids[i + 1];
      ends[i] = ends[i + 1];
    }
    for (uint32_t i = best + 1; i + 1 < n; i++) {
      may[i] = may[i + 1];
      key[i] = key[i + 1];
      made[i] = made[i + 1];
    }
    if (best + 1 < n) may[best] = join(t, text, ids, ends, best, &key[best], &made[best]);
    if (best) may[best - 1] = join(t, text, ids, ends, best - 1, &key[best - 1], &made[best - 1]);
  }
  return true;
}

static bool join_by_rank(const ig_tokenizer *t, const char *text, const uint32_t *ids, const uint32_t *ends, uint32_t left, double *key, uint32_t *id) {
  const ig_merge *m = slot_of(t, ids[left], ids[left + 1]);
  (void)text, (void)ends;
  *key = m->rank;
  *id = m->id;
  return m->rank != NO_ID;
}

static bool join_by_score(const ig_tokenizer *t, const char *text, const uint32_t *ids, const uint32_t *ends, uint32_t left, double *key, uint32_t *id) {
  uint32_t begin = left ? ends[left - 1] : 0;
  (void)ids;
  *id = ig_find_piece(t, text + begin, ends[left + 1] - begin);
  if (*id != NO_ID) *key = -(double)t->scores[*id];
  return *id != NO_ID;
}

static bool plain(const ig_piece *p) { return p->type != CONTROL && p->type != UNKNOWN && p->type != BYTE && p->size; }

static void mark_whole_bytes(ig_tokenizer *t, bool all) {
  uint32_t ids[WHOLE_MOST], ends[WHOLE_MOST];
  for (uint32_t id = 0; id < t->n; id++) {
    ig_piece *p = &t->pieces[id];
    if (!plain(p) || (!all && p->size > WHOLE_MOST)) continue;
    for (uint32_t i = 0; i < p->size && !all; i++) {
      ids[i] = t->bytes[(uint8_t)piece_text(t, id)[i]];
      ends[i] = i + 1;
    }
    if (all || (is_whole(t, piece_text(t, id), ids, ends, p->size, join_by_rank) && ids[0] == id)) p->flags |= IG_PIECE_WHOLE;
  }
}

bool ig_read_merges(job *j, bool ignore_merges) {
  static const char key[] = "tokenizer.ggml.merges";
  ig_tokenizer *t = j->t;
  const ig_meta *meta = j->model->meta;
  if (!ig_meta_find(meta, key)) return ig_error(j->diags, j->path, "metadata key %s is missing: a byte-level tokenizer cannot do without", key);
  const ig_meta_entry *e = ig_meta_array(meta, key, IG_META_STRING, j->diags);
  if (!e) return false;
  if (e->count > INT32_MAX / 8) return ig_error(j->diags, j->path, "metadata key %s has %llu elements", key, (unsigned long long)e->count);
  ig_arena own = {0};
  uint32_t n = (uint32_t)e->count, rank = 0;
  symbols s = {.t = t, .arena = &own, .extra = ig_alloc_array(&own, (size_t)n + 256, sizeof(ig_str)), .mask = 1023};
  while (s.mask < 2 * (n + 256)) s.mask = 2 * s.mask + 1;
  s.hash = ig_alloc_array(&own, (size_t)s.mask + 1, sizeof *s.hash);
  for (t->merges_size = 16; t->merges_size < n + n / 2;) t->merges_size *= 2;
  t->merges = ig_alloc_array(&j->model->arena, t->merges_size, sizeof *t->merges);
  for (uint32_t i = 0; i < t->merges_size; i++) t->merges[i].rank = NO_ID;
  for (uint32_t b = 0; b < 256; b++) {
    char byte = (char)b;
    t->bytes[b] = add_symbol(&s, &byte, 1);
  }
  halves *merges = ig_alloc_array(&own, n, sizeof *merges);
  char *text = ig_alloc(&own, e->value_size), *joined = ig_alloc(&own, e->value_size);
  size_t at = 0, used = 0;
  bool ok = true;
  ig_str m;
  while (ok && ig_meta_next_string(meta, e, &at, &m)) {
    const char *space = m.size > 1 ? memchr(m.data + 1, ' ', m.size - 1) : NULL;
    if (!space) {
      ok = ig_error(j->diags, j->path, "metadata key %s: merge %u is not two tokens with a space between", key, rank);
      break;
    }
    size_t left = (size_t)(space - m.data), right = m.size - left - 1;
    memcpy(text + used, m.data, left);
    left = to_bytes(text + used, left);
    memcpy(text + used + left, space + 1, right);
    right = to_bytes(text + used + left, right);
    merges[rank++] = (halves){{text + used, left}, {text + used + left, right}};
    add_symbol(&s, text + used, left + right);
    used += left + right;
  }
  for (uint32_t i = 0; ok && i < rank; i++) add_merge(&s, t, merges[i].left, merges[i].right, i, joined);
  if (ok) mark_whole_bytes(t, ignore_merges);
  ig_arena_finish(&own);
  return ok;
}

/* ---- SentencePiece ------------------------------------------------------------------------------------------------------------- */

static bool is_mark(const char *text, size_t left) { return left >= 3 && memcmp(text, "\xe2\x96\x81", 3) == 0; }

void ig_mark_whole(job *j) {
  ig_tokenizer *t = j->t;
  uint32_t ids[WHOLE_MOST], ends[WHOLE_MOST];
  t->whole_words = true;
  for (uint32_t id = 0; id < t->n; id++) {
    ig_piece *p = &t->pieces[id];
    const char *text = piece_text(t, id);
    uint32_t n = 0, at = 0;
    if (!plain(p)) continue;
    for (uint32_t i = 1; i < p->size; i++)
      if (is_mark(text + i, p->size - i) && (i < 3 || !is_mark(text + i - 3, 3))) t->whole_words = false;
    for (; at < p->size && n < WHOLE_MOST; n++) {
      uint8_t first = (uint8_t)text[at];
      at += first < 0x80 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4; /* what is not UTF-8 does not end where the piece does, or is no piece of the text's */
      ids[n] = 0;
      ends[n] = at;
    }
    if (at != p->size) continue;
    if (n == 1) ids[0] = ig_find_piece(t, text, p->size);
    if (is_whole(t, text, ids, ends, n, join_by_score) && ids[0] == id) p->flags |= IG_PIECE_WHOLE;
  }
}
