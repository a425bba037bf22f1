/* The special tokens in a text, and the stretches of plain text between them. */
#ifndef INGOT_RUNTIME_TOKENS_SPECIAL_H
#define INGOT_RUNTIME_TOKENS_SPECIAL_H

#include "runtime/tokens_kinds.h"

/* One special token where the text has it, taken or not. */
typedef struct token_match {
  size_t at, end;
  size_t blank;  /* where the space before it begins that belongs to it; `at` where none does */
  uint32_t id, flags;
} token_match;

enum { MATCHES_MOST = 32 }; /* kept at a time; what is forgotten is found again */

typedef struct token_specials {
  const ingot__tokenizer *t;
  const uint8_t *text;
  size_t size;
  bool control;          /* control and unknown tokens count too */
  bool first[256];       /* bytes that special tokens begin with */
  size_t at, from;       /* the end of the last token; nothing valid begins before `from` */
  size_t blank_end;      /* space after `at` that belongs to the last token, but for tokens that come before it in the order */
  token_match last;
  token_match waiting[MATCHES_MOST], taken[MATCHES_MOST]; /* taken: the leftmost is the last */
  uint32_t n_waiting, n_taken;
  size_t clear_from, clear_to; /* where no token that takes space before it begins, of those that come before `clear_of` in the order */
  token_match clear_of;
} token_specials;

void ingot__specials_start(token_specials *s, const ingot__tokenizer *tokenizer, const char *text, size_t size, bool control);
/* The next special token, NO_TOKEN at the end, and the stretch before it. */
uint32_t ingot__specials_next(token_specials *s, size_t *begin, size_t *end);

#endif
