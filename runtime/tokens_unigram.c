/* Unigram: text normalised by the model's map of characters, then the pieces whose scores add up to the most (Viterbi). */
#include <string.h>
#include "runtime/tokens_kinds.h"

static const uint8_t space_mark[3] = {0xe2, 0x96, 0x81};
static const uint8_t replacement[3] = {0xef, 0xbf, 0xbd}; /* U+FFFD */
enum { EXPANSION = 32 };                                  /* bytes that a byte may become, far beyond what Unicode's normal forms do */

/* ---- the map: a double array over prefixes of the text, whose leaves are offsets into the texts behind it (SentencePiece's charsmap) --- */

typedef struct characters {
  const uint8_t *nodes, *texts;
  uint32_t n_nodes, n_texts;
} characters;

static characters open_map(ingot__vec map) {
  characters none = {NULL, NULL, 0, 0};
  if (map.count < 4) return none;
  uint32_t bytes = ingot__load32(map.data);
  if (bytes > map.count - 4) return none;
  return (characters){map.data + 4, map.data + 4 + bytes, bytes / 4, map.count - 4 - bytes};
}

static uint32_t node_at(const characters *m, uint32_t index) { return index < m->n_nodes ? ingot__load32(m->nodes + 4 * (size_t)index) : 0; }
static uint32_t base_of(uint32_t node) { return (node >> 10) << ((node & 1u << 9) >> 6); }

/* What the longest prefix of the text that the map knows becomes; else its first character. Returns how many bytes were taken. */
static size_t normalise_prefix(const characters *m, const uint8_t *text, size_t size, const uint8_t **to, size_t *to_size) {
  size_t longest = 0;
  uint32_t value = 0, at = base_of(node_at(m, 0));
  for (size_t i = 0; m->n_nodes && i < size && text[i]; i++) {
    at ^= text[i];
    uint32_t node = node_at(m, at);
    if ((node & 0x800000ffu) != text[i]) break;
    at ^= base_of(node);
    if (!(node >> 8 & 1)) continue;
    longest = i + 1;
    value = node_at(m, at) & 0x7fffffffu;
  }
  if (longest && value < m->n_texts) {
    *to = m->texts + value;
    for (*to_size = 0; value + *to_size < m->n_texts && (*to)[*to_size]; ++*to_size) {}
    return longest;
  }
  size_t bytes = ingot__character_size(text, size);
  bool broken = bytes == 1 && text[0] >= 0x80;
  *to = broken ? replacement : text;
  *to_size = broken ? sizeof replacement : bytes;
  return bytes;
}

/* Writes the normalised text where `to` is not NULL; returns its size, or SIZE_MAX where it is beyond `most`. */
static size_t normalise(const ingot__tokenizer *t, const uint8_t *text, size_t size, uint8_t *to, size_t most) {
  const characters map = open_map(t->charsmap);
  bool prefixed = false, word = false;
  size_t n = 0, part_size, taken;
  const uint8_t *part;
  for (size_t at = 0; at < size; at += taken) {
    taken = normalise_prefix(&map, text + at, size - at, &part, &part_size);
    for (size_t i = 0; i < part_size; i++) {
      bool space = part[i] == ' ', mark = space ? !t->merges_spaces : !word && ((t->add_space_prefix && !prefixed) || t->merges_spaces);
      if (n + sizeof space_mark + 1 > most) return SIZE_MAX;
      if (mark) {
        if (to) memcpy(to + n, space_mark, sizeof space_mark);
        n += sizeof space_mark;
        prefixed = prefixed || !space;
      }
      word = !space;
      if (space) continue;
      if (to) to[n] = part[i];
      n++;
    }
  }
  return n;
}

/* ---- the best way to every place --------------------------------------------------------------------------------------------------- */

typedef struct place {
  double score;       /* of the best pieces from the beginning to here */
  uint32_t id, from;  /* the last of them, and where it begins */
} place;

static void offer(place *to, double score, uint32_t id, uint32_t from) {
  if (score > to->score) *to = (place){score, id, from};
}

static bool may_go_on(const ingot__tokenizer *t, uint32_t hash) {
  uint32_t bit = hash & (t->prefixes.count * 8 - 1);
  return t->prefixes.data[bit >> 3] >> (bit & 7) & 1;
}

static void find_best(const ingot__tokenizer *t, const uint8_t *text, uint32_t size, place *best) {
  for (uint32_t i = 0; i <= size; i++) best[i] = (place){i ? -1e300 : 0, t->unknown, 0};
  for (uint32_t at = 0, bytes; at < size; at += bytes) {
    uint32_t hash = ingot__hash_start(), most = size - at < t->longest ? size - at : t->longest;
    bool alone = false; /* a piece is this character */
    bytes = ingot__character_size(text + at, size - at);
    for (uint32_t n = 1; n <= most; n++) {
      hash = ingot__hash_byte(hash, text[at + n - 1]);
      if (!may_go_on(t, hash)) break;
      uint32_t id = ingot__find_hashed(t, text + at, n, hash);
      if (id == NO_TOKEN) continue;
      if (n == bytes) alone = true;
      float score = ingot__piece(t, id).type == USER_DEFINED ? 0 : ingot__load_f32(t->scores.data + 4 * (size_t)id);
      offer(&best[at + n], best[at].score + (double)score, id, at);
    }
    if (!alone) offer(&best[at + bytes], best[at].score + (double)t->unknown_score, t->unknown, at);
  }
}

static void tokenize(token_job *job, const uint8_t *text, size_t size) {
  const ingot__tokenizer *t = job->t;
  size_t n = normalise(t, text, size, NULL, EXPANSION * size + 16);
  if (n == SIZE_MAX || n > INT32_MAX) {
    job->failed = true;
    return;
  }
  const size_t place_bytes = (n + 1) * sizeof(place);
  uint8_t *memory = ingot__allocate(job->allocator, place_bytes + n + 1, 16);
  if (!memory) {
    job->failed = true;
    return;
  }
  place *best = (place *)(void *)memory;
  normalise(t, text, size, memory + place_bytes, n + sizeof space_mark + 1);
  find_best(t, memory + place_bytes, (uint32_t)n, best);
  for (int write = 0; write < 2; write++) { /* counts, then writes from the end; neighbours that are unknown are one */
    bool unknown_after = false;
    size_t count = 0, total = job->count;
    for (uint32_t at = (uint32_t)n; at; at = best[at].from < at ? best[at].from : 0) {
      bool unknown = best[at].id == t->unknown;
      if (!(unknown && unknown_after) && best[at].id != NO_TOKEN) {
        count++;
        if (write && total - count < job->cap) job->tokens[total - count] = (ingot_token)best[at].id;
      }
      unknown_after = unknown;
    }
    if (!write) job->count += count;
  }
  ingot__release(job->allocator, memory, place_bytes + n + 1);
}

const ingot__token_kind ingot__tokens_unigram = {INGOT__TOKENS_UNIGRAM, tokenize};
