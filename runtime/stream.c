#include "runtime/stream.h"

#include <string.h>
#include "runtime/abi/memory.h"
#include "runtime/tokens.h"

enum { REPLACEMENT_BYTES = 3 };
static const uint8_t replacement[REPLACEMENT_BYTES] = {0xef, 0xbf, 0xbd}; /* U+FFFD */

/* Every byte of the longest piece, and of a character before it, may turn into U+FFFD; then the NUL. */
uint64_t ingot__stream_capacity(const ingot__tokenizer *tokenizer) {
  _Static_assert(INGOT__STOP_BYTES == 64 && REPLACEMENT_BYTES == 3, "memory.h has the formula");
  return ingot__text_bytes(tokenizer->longest);
}

void ingot__stream_reset(ingot__stream *s, bool leading) {
  s->n_held = s->n_partial = 0;
  s->leading = leading;
}

static void put(ingot__stream *s, const uint8_t *bytes, uint32_t n) {
  memcpy(s->out + s->size, bytes, n);
  s->size += n;
}

/* Bytes that a character beginning with `first` has; 0 where none begins so. */
static uint32_t character_size(uint8_t first) { return first < 0x80 ? 1 : first < 0xc2 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : first < 0xf5 ? 4 : 0; }

/* Whether `second` may follow: no overlong forms, no surrogates, nothing beyond U+10FFFF (Unicode, table 3-7). */
static bool may_follow(uint8_t first, uint8_t second) {
  uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80, high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
  return second >= low && second <= high;
}

int ingot__utf8_rest(const uint8_t *text, size_t size) {
  for (size_t at = 0; at < size;) {
    const uint32_t n = character_size(text[at]);
    for (uint32_t i = 1; i < n; i++) {
      if (at + i == size) return (int)i;
      if (i == 1 ? !may_follow(text[at], text[at + 1]) : (text[at + i] & 0xc0) != 0x80) return -1;
    }
    if (!n) return -1;
    at += n;
  }
  return 0;
}

static void put_byte(ingot__stream *s, uint8_t byte) {
  if (s->n_partial) {
    bool fits = s->n_partial == 1 ? may_follow(s->partial[0], byte) : (byte & 0xc0) == 0x80;
    if (fits) {
      s->partial[s->n_partial++] = byte;
      if (s->n_partial < character_size(s->partial[0])) return;
      put(s, s->partial, s->n_partial);
      s->n_partial = 0;
      return;
    }
    put(s, replacement, REPLACEMENT_BYTES);
    s->n_partial = 0;
  }
  switch (character_size(byte)) {
  case 0: put(s, replacement, REPLACEMENT_BYTES); break;
  case 1: put(s, &byte, 1); break;
  default: s->partial[s->n_partial++] = byte;
  }
}

static void put_bytes(void *to, const uint8_t *bytes, size_t n) {
  for (size_t i = 0; i < n; i++) put_byte(to, bytes[i]);
}

/* Cuts the text before the first stop string in it. */
static bool cut_at_stop(ingot__stream *s) {
  uint32_t first = s->size;
  for (uint32_t k = 0; k < s->n_stop; k++)
    for (uint32_t at = 0; at < first && at + s->stop_size[k] <= s->size; at++)
      if (!memcmp(s->out + at, s->stop[k], s->stop_size[k])) first = at;
  if (first == s->size) return false;
  s->size = first;
  return true;
}

/* Takes back the longest end of the text that begins a stop string. */
static void hold_back(ingot__stream *s) {
  uint32_t longest = 0;
  for (uint32_t k = 0; k < s->n_stop; k++)
    for (uint32_t n = s->stop_size[k] - 1u < s->size ? s->stop_size[k] - 1u : s->size; n > longest; n--)
      if (!memcmp(s->out + s->size - n, s->stop[k], n)) longest = n;
  s->n_held = longest;
  s->size -= longest;
  memcpy(s->held, s->out + s->size, longest);
}

static void hand_out(ingot__stream *s, ingot_piece *piece) {
  s->out[s->size] = 0;
  piece->text = s->out;
  piece->size = s->size;
}

bool ingot__stream_token(ingot__stream *s, const ingot__tokenizer *tokenizer, uint32_t id, ingot_piece *piece) {
  s->size = 0;
  put(s, s->held, s->n_held);
  s->n_held = 0;
  ingot__token_text(tokenizer, id, &s->leading, put_bytes, s);
  bool stopped = cut_at_stop(s);
  if (stopped) ingot__stream_reset(s, false);
  else hold_back(s);
  hand_out(s, piece);
  return stopped;
}

void ingot__stream_end(ingot__stream *s, ingot_piece *piece) {
  s->size = 0;
  put(s, s->held, s->n_held);
  if (s->n_partial) put(s, replacement, REPLACEMENT_BYTES);
  ingot__stream_reset(s, false);
  hand_out(s, piece);
}
