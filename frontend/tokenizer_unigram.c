/* Unigram: the map of characters as the file has it, and which texts begin a piece. */
#include <string.h>

#include "frontend/tokenizer_job.h"

enum { MAP_MOST = 1 << 24 };

static bool read_map(job *j) {
  static const char key[] = "tokenizer.ggml.precompiled_charsmap";
  const ig_meta *meta = j->model->meta;
  const ig_meta_entry *e = ig_meta_find(meta, key);
  if (!e) return true;
  if (e->type != IG_META_ARRAY || (e->element != IG_META_U8 && e->element != IG_META_I8) || e->count > MAP_MOST)
    return ig_error(j->diags, j->path, "metadata key %s is not an array of at most 16 MiB", key);
  const uint8_t *map = meta->head.base + e->value;
  if (e->count < 4 || ig_load_u32(map) > e->count - 4 || ig_load_u32(map) % 4)
    return ig_error(j->diags, j->path, "metadata key %s does not hold the table that its first word says", key);
  uint8_t *copy = ig_alloc(&j->model->arena, e->count);
  memcpy(copy, map, e->count);
  j->t->charsmap = copy;
  j->t->charsmap_size = (uint32_t)e->count;
  return true;
}

bool ig_read_unigram(job *j) {
  enum { PENALTY = 10 }; /* of what is no piece, below the worst of those that are: SentencePiece's */
  ig_tokenizer *t = j->t;
  if (!read_map(j)) return false;
  if (t->unknown == NO_ID) return ig_error(j->diags, j->path, "metadata key tokenizer.ggml.unknown_token_id is missing: a unigram tokenizer cannot do without");
  float lowest = 0;
  bool any = false;
  for (uint32_t id = 0; id < t->n; id++) {
    if (t->pieces[id].type != NORMAL || (any && t->scores[id] >= lowest)) continue;
    lowest = t->scores[id];
    any = true;
  }
  t->unknown_score = lowest - PENALTY;
  /* One bit for each beginning of a piece, by its hash: where there is none, no longer piece is there. */
  for (t->prefixes_size = 1024; t->prefixes_size < t->text_size && t->prefixes_size < 1u << 24;) t->prefixes_size *= 2;
  t->prefixes = ig_alloc(&j->model->arena, t->prefixes_size);
  for (uint32_t id = 0; id < t->n; id++) {
    const char *text = piece_text(t, id);
    uint32_t hash = ig_fnv1a("", 0);
    for (uint32_t i = 0; i < t->pieces[id].size; i++) {
      hash = (hash ^ (uint8_t)text[i]) * 16777619u;
      uint32_t bit = hash & (t->prefixes_size * 8 - 1);
      t->prefixes[bit >> 3] = (uint8_t)(t->prefixes[bit >> 3] | 1u << (bit & 7));
    }
  }
  return true;
}
