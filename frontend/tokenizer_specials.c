/* Special tokens: their order, the space beside them that is theirs, and which of them others may overlap that are taken before them. */
#include <stdlib.h>
#include <string.h>

#include "frontend/tokenizer_job.h"

typedef struct special {
  ig_str text;
  uint32_t id;
} special;

static int by_text(const void *a, const void *b) {
  const special *x = a, *y = b;
  int order = memcmp(x->text.data, y->text.data, x->text.size < y->text.size ? x->text.size : y->text.size);
  if (order) return order;
  if (x->text.size != y->text.size) return x->text.size < y->text.size ? -1 : 1;
  return (x->id > y->id) - (x->id < y->id);
}

/* ---- space ------------------------------------------------------------------------------------------------------------------- */

static bool has(ig_str text, const char *part) {
  const size_t n = strlen(part);
  for (size_t i = 0; i + n <= text.size; i++) {
    size_t k = 0;
    while (k < n && (text.data[i + k] >= 'A' && text.data[i + k] <= 'Z' ? text.data[i + k] | 32 : text.data[i + k]) == part[k]) k++;
    if (k == n) return true;
  }
  return false;
}

static void set_flag(ig_tokenizer *t, const char *text, uint8_t flag, bool on) {
  for (uint32_t i = 0; i < t->n_specials; i++) {
    ig_piece *p = &t->pieces[t->specials[i]];
    if (!ig_str_equal((ig_str){piece_text(t, t->specials[i]), p->size}, text)) continue;
    p->flags = (uint8_t)(on ? p->flags | flag : p->flags & ~flag);
    return;
  }
}

/* Files do not say it, so the models are known by name, as elsewhere. */
static bool mark_stripping(job *j) {
  ig_tokenizer *t = j->t;
  ig_str name = {0}, pre = {0}, architecture = {0};
  if (!ig_meta_string(j->model->meta, "general.name", &name, j->diags) || !ig_meta_string(j->model->meta, "tokenizer.ggml.pre", &pre, j->diags) ||
      !ig_meta_string(j->model->meta, "general.architecture", &architecture, j->diags))
    return false;
  if (has(pre, "jina-v2-de") || has(pre, "jina-v2-es") || has(pre, "jina-v2-code") || has(architecture, "nomic-bert-moe") ||
      has(architecture, "jina-bert-v3")) {
    set_flag(t, "<mask>", IG_PIECE_STRIPS_LEFT, true);
  } else if (has(name, "phi-3") || has(name, "phi3")) {
    for (uint32_t i = 0; i < t->n_specials; i++) t->pieces[t->specials[i]].flags |= IG_PIECE_STRIPS_RIGHT;
    set_flag(t, "<unk>", IG_PIECE_STRIPS_RIGHT, false);
    set_flag(t, "<s>", IG_PIECE_STRIPS_RIGHT, false);
    set_flag(t, "<|endoftext|>", IG_PIECE_STRIPS_RIGHT, false);
  } else if (has(name, "modern-bert")) {
    set_flag(t, "[MASK]", IG_PIECE_STRIPS_LEFT, true);
  }
  return true;
}

/* ---- overlaps ---------------------------------------------------------------------------------------------------------------- */

enum { STEPS_MOST = 1 << 24 }; /* looked at; where that is not enough, tokens are marked that may not have to be */

static bool sooner(const ig_tokenizer *t, uint32_t a, uint32_t b) {
  return t->pieces[a].size > t->pieces[b].size || (t->pieces[a].size == t->pieces[b].size && a < b);
}

static bool is_space(char c) { return c == ' ' || (c >= 9 && c <= 13); }

/* Whether one that is sooner begins with that end of the token's text. */
static bool is_overlapped(const ig_tokenizer *t, uint32_t id, const char *end, uint32_t size, uint32_t *steps) {
  uint32_t low = 0, high = t->n_specials;
  while (low < high) { /* the first that is not before `end` */
    uint32_t middle = low + (high - low) / 2;
    const ig_piece *p = &t->pieces[t->specials[middle]];
    int order = memcmp(t->text + p->offset, end, p->size < size ? p->size : size);
    if (order < 0 || (order == 0 && p->size < size)) low = middle + 1;
    else high = middle;
  }
  for (; low < t->n_specials; low++) {
    const ig_piece *p = &t->pieces[t->specials[low]];
    *steps += 1 + size / 8;
    if (p->size < size || memcmp(t->text + p->offset, end, size) != 0) return false;
    if (sooner(t, t->specials[low], id) || *steps > STEPS_MOST) return true;
  }
  return false;
}

void ig_mark_contested(ig_tokenizer *t) {
  uint32_t first[256], strips = NO_ID, steps = 0; /* the soonest that begin with a byte, that take space before them */
  memset(first, 0xff, sizeof first);
  for (uint32_t i = 0; i < t->n_specials; i++) {
    const uint32_t id = t->specials[i];
    const uint8_t byte = (uint8_t)piece_text(t, id)[0];
    if (first[byte] == NO_ID || sooner(t, id, first[byte])) first[byte] = id;
    if (t->pieces[id].flags & IG_PIECE_STRIPS_LEFT && (strips == NO_ID || sooner(t, id, strips))) strips = id;
  }
  for (uint32_t i = 0; i < t->n_specials; i++) {
    const uint32_t id = t->specials[i];
    ig_piece *p = &t->pieces[id];
    const char *text = piece_text(t, id);
    bool contested = strips != NO_ID && is_space(text[p->size - 1]) && sooner(t, strips, id);
    for (uint32_t at = 1; at < p->size && !contested; at++, steps++) {
      const uint32_t soonest = first[(uint8_t)text[at]];
      contested = steps > STEPS_MOST || (soonest != NO_ID && sooner(t, soonest, id) && is_overlapped(t, id, text + at, p->size - at, &steps));
    }
    p->flags = (uint8_t)(contested ? p->flags | IG_PIECE_CONTESTED : p->flags & ~IG_PIECE_CONTESTED);
  }
}

bool ig_list_specials(job *j) {
  ig_tokenizer *t = j->t;
  special *found = ig_alloc_array(&j->model->arena, t->n, sizeof *found);
  for (uint32_t id = 0; id < t->n; id++) {
    const ig_piece *p = &t->pieces[id];
    if ((p->type == CONTROL || p->type == USER_DEFINED || p->type == UNKNOWN) && p->size) found[t->n_specials++] = (special){{piece_text(t, id), p->size}, id};
  }
  if (t->n_specials) qsort(found, t->n_specials, sizeof *found, by_text);
  t->specials = ig_alloc_array(&j->model->arena, t->n_specials, sizeof *t->specials);
  for (uint32_t i = 0; i < t->n_specials; i++) t->specials[i] = found[i].id;
  if (!mark_stripping(j)) return false;
  ig_mark_contested(t);
  return true;
}
