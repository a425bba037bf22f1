/* Pre-tokenizers: the tables' automata, one pass after the other. */
#include "runtime/tokens_kinds.h"

enum { COMPLETE = 0x8000, DEAD = 0, START = 1, THREES = 1 << 30 }; /* tokens.fbs, Tokenizer.transitions and passes */

static uint32_t transition(const ingot__tokenizer *t, uint32_t start, uint32_t state, uint32_t class) {
  uint64_t at = start + (uint64_t)state * (t->n_classes + 1) + class;
  return at < t->transitions.count ? ingot__load16(t->transitions.data + 2 * at) : DEAD;
}

/* Bytes of the match that begins with the text, 0 where none does: where the automaton last said that it is complete. */
static size_t match(const ingot__tokenizer *t, uint32_t start, const uint8_t *text, size_t size) {
  size_t end = 0;
  uint32_t state = START;
  for (size_t at = 0;;) {
    uint32_t bytes = 0, class = t->n_classes; /* the end of the text */
    if (at < size) {
      bytes = text[at] < 0x80 ? 1 : ingot__character_size(text + at, size - at);
      class = ingot__class(t, bytes == 1 && text[at] < 0x80 ? text[at] : ingot__code_point(text + at, bytes));
    }
    uint32_t next = transition(t, start, state, class);
    if (next & COMPLETE) end = at;
    state = next & (COMPLETE - 1);
    if (state == DEAD || !bytes) return end;
    at += bytes;
  }
}

/* Where the first part of a match ends that is cut into threes of characters from its end, and then the next. */
static size_t end_of_three(const uint8_t *text, size_t size, size_t at, size_t *left) {
  for (size_t n = *left % 3 ? *left % 3 : 3; n; n--, --*left) at += ingot__character_size(text + at, size - at);
  return at;
}

void ingot__split(const ingot__tokenizer *t, uint32_t pass, const uint8_t *text, size_t size, ingot__part_fn *part, void *to) {
  if (pass >= t->passes.count) {
    part(to, text, size);
    return;
  }
  const uint32_t entry = ingot__id_at(t->passes, pass), start = entry & (THREES - 1u);
  size_t done = 0; /* what lies between two matches is a part as well */
  for (size_t at = 0; at < size;) {
    size_t end = at + match(t, start, text + at, size - at), left = 0;
    if (end == at) {
      at += ingot__character_size(text + at, size - at);
      continue;
    }
    if (entry & THREES)
      for (size_t i = at; i < end; i += ingot__character_size(text + i, end - i)) left++;
    else if (at > done) ingot__split(t, pass + 1, text + done, at - done, part, to), done = at;
    for (; at < end; done = at) {
      at = left ? end_of_three(text, end, at, &left) : end;
      ingot__split(t, pass + 1, text + done, at - done, part, to);
    }
  }
  if (size > done) ingot__split(t, pass + 1, text + done, size - done, part, to);
}
