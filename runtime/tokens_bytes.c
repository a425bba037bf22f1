/* Byte-level BPE: the parts that the pre-tokenizer leaves, their bytes merged by the ranks of pairs. */
#include "runtime/tokens_kinds.h"

static bool join(const ingot__tokenizer *t, const uint8_t *text, const token_symbol *l, const token_symbol *r, token_pair *pair) {
  (void)text;
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
  ingot__merge(job, text, join);
}

static void tokenize(token_job *job, const uint8_t *text, size_t size) { ingot__split(job->t, 0, text, size, merge_part, job); }

const ingot__token_kind ingot__tokens_bytes = {INGOT__TOKENS_BYTES, tokenize};
