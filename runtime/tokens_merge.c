/* Byte pair encoding, of characters by the scores of the pieces they make (SentencePiece) or of bytes by the ranks of merges. */
#include <string.h>
#include "runtime/tokens_kinds.h"

static const uint8_t space_mark[3] = {0xe2, 0x96, 0x81}; /* U+2581, which stands for a space */

static uint32_t score_key(const ingot__tokenizer *t, uint32_t id) {
  float score = ingot__load_f32(t->scores.data + 4 * (size_t)id) + 0.0f; /* -0 is 0 */
  uint32_t bits;
  memcpy(&bits, &score, sizeof bits);
  return bits >> 31 ? bits : ~bits & 0x7fffffffu; /* higher scores first */
}

/* What two neighbours merge into. */
static bool join(const token_job *job, const uint8_t *text, const token_symbol *l, const token_symbol *r, token_pair *pair) {
  const ingot__tokenizer *t = job->t;
  if (t->kind != INGOT__TOKENS_BYTES) {
    pair->id = ingot__find_piece(t, text + l->at, l->size + r->size);
    if (pair->id == NO_TOKEN) return false;
    pair->key = score_key(t, pair->id);
    return true;
  }
  uint32_t mask = t->merges.count - 1, hash = (l->id * 0x9e3779b1u ^ r->id) * 0x85ebca6bu;
  hash ^= hash >> 15;
  for (uint32_t probes = 0; probes <= mask; probes++) {
    const uint8_t *entry = t->merges.data + 16 * (size_t)((hash + probes) & mask);
    uint32_t rank = ingot__load32(entry + 8);
    if (rank == NO_TOKEN) return false;
    if (ingot__load32(entry) != l->id || ingot__load32(entry + 4) != r->id) continue;
    pair->key = rank;
    pair->id = ingot__load32(entry + 12);
    return true;
  }
  return false;
}

static bool sooner(token_pair a, token_pair b) { return a.key < b.key || (a.key == b.key && a.left < b.left); }

static void push_pair(token_job *job, const uint8_t *text, int32_t left) {
  token_pair p;
  if (left < 0 || job->symbols[left].after < 0) return;
  const token_symbol *l = &job->symbols[left], *r = &job->symbols[l->after];
  if (!join(job, text, l, r, &p)) return;
  p.left = (uint32_t)left;
  p.size = l->size + r->size;
  uint32_t at = job->n_heap++;
  for (; at && sooner(p, job->heap[(at - 1) / 2]); at = (at - 1) / 2) job->heap[at] = job->heap[(at - 1) / 2];
  job->heap[at] = p;
}

static token_pair pop_pair(token_job *job) {
  token_pair *heap = job->heap, top = heap[0], last = heap[--job->n_heap];
  uint32_t at = 0;
  for (uint32_t child; (child = 2 * at + 1) < job->n_heap; at = child) {
    if (child + 1 < job->n_heap && sooner(heap[child + 1], heap[child])) child++;
    if (!sooner(heap[child], last)) break;
    heap[at] = heap[child];
  }
  heap[at] = last;
  return top;
}

void ingot__merge(token_job *job, const uint8_t *text) {
  job->n_heap = 0;
  for (uint32_t i = 0; i + 1 < job->n_symbols; i++) push_pair(job, text, (int32_t)i);
  while (job->n_heap) {
    token_pair p = pop_pair(job);
    token_symbol *l = &job->symbols[p.left];
    if (!l->size || l->after < 0) continue;
    token_symbol *r = &job->symbols[l->after];
    if (l->size + r->size != p.size) continue;
    l->size = p.size;
    l->id = p.id;
    r->size = 0;
    l->after = r->after;
    if (r->after >= 0) job->symbols[r->after].before = (int32_t)p.left;
    push_pair(job, text, l->before);
    push_pair(job, text, (int32_t)p.left);
  }
  for (int32_t i = 0; i >= 0 && job->n_symbols; i = job->symbols[i].after) {
    const token_symbol *s = &job->symbols[i];
    uint32_t id = s->id;
    if (id == NO_TOKEN && job->t->kind != INGOT__TOKENS_BYTES) id = ingot__find_piece(job->t, text + s->at, s->size);
    if (id < job->t->pieces.count) ingot__emit(job, id);
    else ingot__emit_bytes(job, text + s->at, s->size);
  }
}

/* ---- bytes -------------------------------------------------------------------------------------------------------------------- */

static void merge_part(void *to, const uint8_t *text, size_t size) {
  token_job *job = to;
  const ingot__tokenizer *t = job->t;
  if (size <= UINT16_MAX) { /* most words are pieces */
    uint32_t id = ingot__find_piece(t, text, (uint32_t)size);
    if (id != NO_TOKEN && ingot__piece(t, id).flags & PIECE_WHOLE) {
      ingot__emit(job, id);
      return;
    }
  }
  if (!ingot__make_room(job, size)) return;
  job->n_symbols = (uint32_t)size;
  for (uint32_t i = 0; i < size; i++)
    job->symbols[i] = (token_symbol){(int32_t)i - 1, i + 1 < size ? (int32_t)i + 1 : -1, i, 1, ingot__id_at(t->bytes, text[i])};
  ingot__merge(job, text);
}

void ingot__tokenize_bytes(token_job *job, const uint8_t *text, size_t size) { ingot__split(job->t, 0, text, size, merge_part, job); }

/* ---- SentencePiece ------------------------------------------------------------------------------------------------------------ */

/* A word, or all of the text where pieces may reach over words. */
static void merge_word(token_job *job, const uint8_t *text, size_t size, bool prefix) {
  uint32_t n = 0;
  if (!ingot__make_room(job, size)) return;
  for (size_t i = prefix ? SIZE_MAX : 0; i == SIZE_MAX || i < size; i++) {
    if (i == SIZE_MAX || text[i] == ' ') {
      memcpy(job->text + n, space_mark, sizeof space_mark);
      n += (uint32_t)sizeof space_mark;
    } else job->text[n++] = text[i];
  }
  if (n <= UINT16_MAX) {
    uint32_t id = ingot__find_piece(job->t, job->text, n);
    if (id != NO_TOKEN && ingot__piece(job->t, id).flags & PIECE_WHOLE) {
      ingot__emit(job, id);
      return;
    }
  }
  job->n_symbols = 0;
  for (uint32_t at = 0; at < n; job->n_symbols++) {
    uint32_t bytes = ingot__character_size(job->text + at, n - at);
    int32_t i = (int32_t)job->n_symbols;
    job->symbols[i] = (token_symbol){i - 1, at + bytes < n ? i + 1 : -1, at, bytes, NO_TOKEN};
    at += bytes;
  }
  ingot__merge(job, job->text);
}

void ingot__tokenize_sentence(token_job *job, const uint8_t *text, size_t size) {
  bool prefix = job->t->add_space_prefix;
  for (size_t at = 0; at < size && !job->failed;) {
    size_t end = size;
    if (job->t->whole_words) /* a word begins where a space follows something else */
      for (end = at + 1; end < size && !(text[end] == ' ' && text[end - 1] != ' '); end++) {}
    merge_word(job, text + at, end - at, prefix);
    prefix = false;
    at = end;
  }
}
