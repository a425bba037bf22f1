/* A saved session: this head, the tokens (u32 each), the logits where has_logits (f32, n_vocab), then of every plane of every cache (Plan.caches) the
 * bytes of the first `position` positions, rounded up to whole lines of 16; at last the SHA-256 of all that. Little-endian. The caches' form
 * belongs to the target: a session saved on one variant goes on on any other. */
#ifndef INGOT_ABI_SAVED_H
#define INGOT_ABI_SAVED_H

#include <stdint.h>

#define INGOT_SAVED_MAGIC "ingot session 1" /* with its NUL 16 bytes */

typedef struct ingot_saved {
  char magic[16];
  uint8_t weights_root[32];  /* Plan.weights_root: of which model */
  uint8_t caches[32];        /* SHA-256 of Plan.caches */
  uint64_t bytes;            /* of the whole */
  uint64_t random;           /* state of the generator */
  uint32_t n_vocab, position, has_logits;
  uint32_t leading;          /* 1: the next token begins a stretch of text */
  float temperature, top_p, min_p, repeat_penalty;
  uint32_t top_k, repeat_last;
  uint32_t n_held, n_partial, n_stop;
  uint8_t partial[4];        /* bytes of a character that is not whole yet */
  uint8_t held[64];          /* text held back, since it may begin a stop string */
  uint8_t stop[16][64];      /* NUL-padded */
} ingot_saved;

_Static_assert(sizeof(ingot_saved) == 16 + 32 + 32 + 16 + 16 + 16 + 24 + 64 + 1024, "no padding");

#endif
