/* SentencePiece BPE: characters merged by the scores of the pieces they make. */
#include <string.h>
#include "runtime/tokens_kinds.h"

static const uint8_t space_mark[3] = {0xe2, 0x96, 0x81}; /* U+2581, which stands for a space */

static uint32_t score_key(const ingot__tokenizer *t, uint32_t id) {
  float score = ingot__load_f32(t->scores.data + 4 * (size_t)id) + 0.0f; /* -0 is 0 */
  uint32_t bits;
  memcpy(&bits, &score, sizeof bits);
  return bits >> 31 ? bits : ~bits & 0x7fffffffu; /* higher scores first */
}

static bool join(const ingot__tokenizer *t, const uint8_t *text, const token_symbol *l, const token_symbol *r, token_pair *pair) {
  pair->id = ingot__find_piece(t, text + l->at, l->size + r->size);
  if (pair->id == NO_TOKEN) return false;
  pair->key = score_key(t, pair->id);
  return true;
}

/* A character's size by its first byte, whether those bytes follow or not, as in llama.cpp; but a space's mark stays whole, so that the space
 * comes back. */
static uint32_t symbol_size(const uint8_t *text, uint32_t left) {
  const uint32_t size = text[0] < 0xc0 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : 4;
  for (uint32_t i = 1; i < size; i++)
    if (i == left || (left - i >= sizeof space_mark && memcmp(text + i, space_mark, sizeof space_mark) == 0)) return i;
  return size;
}

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
    uint32_t bytes = symbol_size(job->text + at, n - at);
    int32_t i = (int32_t)job->n_symbols;
    job->symbols[i] = (token_symbol){i - 1, at + bytes < n ? i + 1 : -1, at, bytes, NO_TOKEN};
    at += bytes;
  }
  ingot__merge(job, job->text, join);
}

static void tokenize(token_job *job, const uint8_t *text, size_t size) {
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

const ingot__token_kind ingot__tokens_sentence = {INGOT__TOKENS_SENTENCEPIECE, tokenize};
