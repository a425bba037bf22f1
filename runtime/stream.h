/* Tokens to whole UTF-8 characters, with what may yet become a stop string held back. */
#ifndef INGOT_RUNTIME_STREAM_H
#define INGOT_RUNTIME_STREAM_H

#include "runtime/core.h"

enum { INGOT__STOPS = 16, INGOT__STOP_BYTES = 64 };

typedef struct ingot__stream {
  char *out;                          /* ingot__stream_capacity bytes: the text of the last piece */
  uint32_t size;
  uint8_t held[INGOT__STOP_BYTES];    /* the end of the text so far, which may begin a stop string */
  uint32_t n_held;
  uint8_t partial[4];                 /* of a character that is not whole yet */
  uint32_t n_partial;
  bool leading;                       /* the next token begins a stretch of text */
  uint8_t stop[INGOT__STOPS][INGOT__STOP_BYTES], stop_size[INGOT__STOPS];
  uint32_t n_stop;
} ingot__stream;

uint64_t ingot__stream_capacity(const ingot__tokenizer *tokenizer);
/* Forgets what it holds. `leading`: text that comes next begins a stretch. */
void ingot__stream_reset(ingot__stream *stream, bool leading);
/* How many bytes at the end of the text begin a character that is not whole, 0 to 3; -1: the text is not UTF-8. */
int ingot__utf8_rest(const uint8_t *text, size_t size);
/* Fills piece->text and size with what the token makes certain. True: a stop string was met; the text ends before it. */
bool ingot__stream_token(ingot__stream *stream, const ingot__tokenizer *tokenizer, uint32_t id, ingot_piece *piece);
/* Fills the piece with all that was held; bytes of a broken character become U+FFFD. */
void ingot__stream_end(ingot__stream *stream, ingot_piece *piece);

#endif
