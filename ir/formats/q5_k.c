#include "ir/formats/unpack.h"

/* As q4_k, with 32 bytes of fifth bits before the nibbles: bit j of byte l belongs to value 32 j + l. */
void ig_unpack_q5_k(const uint8_t *bytes, ig_block *block) {
  const uint8_t *high = bytes + 16, *q = bytes + 48;
  block->d = ig_half(bytes);
  block->dmin = ig_half(bytes + 2);
  ig_unpack_pairs(bytes + 4, block->scale, block->min);
  for (int i = 0; i < 256; i++) block->q[i] = (int8_t)((q[i / 64 * 32 + i % 32] >> i / 32 % 2 * 4 & 15) | (high[i % 32] >> i / 32 & 1) << 4);
}
