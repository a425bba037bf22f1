/* WordPiece: characters folded, words between spaces, the longest piece first. */
#include <string.h>
#include "runtime/tokens_kinds.h"

enum { AS_IT_IS, SPACE, DROPPED, ALONE, FOLDED = 4 }; /* classes of characters, tokens.fbs */
static const uint8_t space_mark[3] = {0xe2, 0x96, 0x81};

static uint32_t fold(const ingot__tokenizer *t, uint32_t c) {
  enum { HANGUL = 0xac00, HANGUL_END = 0xd7a3, HANGUL_LEADING = 0x1100, HANGUL_EACH = 588 }; /* Unicode, 3.12 */
  if (c >= HANGUL && c <= HANGUL_END) return HANGUL_LEADING + (c - HANGUL) / HANGUL_EACH;
  uint32_t low = 0, high = t->folds.count;
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    if (ingot__load32(t->folds.data + 8 * (size_t)middle) < c) low = middle + 1;
    else high = middle;
  }
  if (low == t->folds.count || ingot__load32(t->folds.data + 8 * (size_t)low) != c) return c;
  return ingot__load32(t->folds.data + 8 * (size_t)low + 4);
}

static uint32_t write_code_point(uint8_t *to, uint32_t c) {
  if (c < 0x80) return to[0] = (uint8_t)c, 1;
  uint32_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (uint32_t i = n; --i; c >>= 6) to[i] = (uint8_t)(0x80 | (c & 0x3f));
  to[0] = (uint8_t)(0xf00u >> n | (c & 0x3f));
  return n;
}

/* The pieces of a word, or unknown where some of it is in none. The time is linear: a piece is at most t->longest bytes long. */
static void emit_word(token_job *job, const uint8_t *word, uint32_t size) {
  const ingot__tokenizer *t = job->t;
  const size_t before = job->count;
  for (uint32_t at = 0; at < size;) {
    uint32_t hash = ingot__hash_start(), best = NO_TOKEN, best_size = 0, most = size - at < t->longest ? size - at : t->longest;
    for (uint32_t n = 1; n <= most; n++) {
      hash = ingot__hash_byte(hash, word[at + n - 1]);
      if (at + n < size && (word[at + n] & 0xc0) == 0x80) continue; /* within a character */
      uint32_t id = ingot__find_hashed(t, word + at, n, hash);
      if (id != NO_TOKEN) best = id, best_size = n;
    }
    if (best == NO_TOKEN) {
      job->count = before;
      break;
    }
    ingot__emit(job, best);
    at += best_size;
  }
  if (job->count == before && t->unknown != NO_TOKEN) ingot__emit(job, t->unknown);
}

static void tokenize(token_job *job, const uint8_t *text, size_t size) {
  const ingot__tokenizer *t = job->t;
  uint32_t n = 0; /* of the word so far, with its mark */
  const uint32_t mark = (uint32_t)sizeof space_mark;
  if (!ingot__make_room(job, size)) return;
  memcpy(job->text, space_mark, mark);
  for (size_t at = 0; at < size;) {
    uint32_t bytes = ingot__character_size(text + at, size - at), c = ingot__code_point(text + at, bytes), class = ingot__class(t, c);
    at += bytes;
    if (class & FOLDED) c = fold(t, c);
    class &= FOLDED - 1u;
    if (class == DROPPED || c > 0x10ffff || (bytes == 1 && c > 0xffff)) continue; /* a fold of damaged tables has no room */
    if (class != AS_IT_IS && n) {
      emit_word(job, job->text, mark + n);
      n = 0;
    }
    if (class == SPACE) continue;
    n += write_code_point(job->text + mark + n, c);
    if (class != ALONE) continue;
    emit_word(job, job->text, mark + n);
    n = 0;
  }
  if (n) emit_word(job, job->text, mark + n);
}

const ingot__token_kind ingot__tokens_words = {INGOT__TOKENS_WORDPIECE, tokenize};
