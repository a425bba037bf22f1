/* What the runtime asks its allocator for, in formulas that the compiler uses too: it promises the sums (report.json, --max-ram), and the runtime
 * asks for just them. */
#ifndef INGOT_ABI_MEMORY_H
#define INGOT_ABI_MEMORY_H

#include <stdint.h>

/* Room for what a platform's compiler may make larger or smaller; asserted where the structs are. */
enum { INGOT_MODEL_BYTES = 16 << 10, INGOT_SESSION_BYTES = 4 << 10, INGOT_PART_BYTES = 256, INGOT_STEP_BYTES = 16 };

/* Bytes of the text of one piece: 64 held back, each byte of the longest piece and of a character before it perhaps as U+FFFD, a NUL. */
static inline uint64_t ingot__text_bytes(uint64_t longest_piece) { return 64 + 3 * (4 + longest_piece) + 1; }

static inline uint64_t ingot__whole_lines(uint64_t bytes) { return (bytes + 63) / 64 * 64; }

/* A session's one block: itself, then its buffers. */
typedef struct ingot__session_layout {
  uint64_t logits, candidates, seen, history, text, total;
} ingot__session_layout;

static inline ingot__session_layout ingot__lay_out_session(uint64_t n_vocab, uint64_t n_context, uint64_t longest_piece) {
  ingot__session_layout l;
  l.logits = INGOT_SESSION_BYTES;
  l.candidates = ingot__whole_lines(l.logits + 4 * n_vocab);
  l.seen = ingot__whole_lines(l.candidates + 8 * n_vocab);
  l.history = ingot__whole_lines(l.seen + (n_vocab + 7) / 8);
  l.text = l.history + 4 * n_context;
  l.total = ingot__whole_lines(l.text + ingot__text_bytes(longest_piece));
  return l;
}

#endif
