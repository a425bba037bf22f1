#include "ir/formats/unpack.h"

#include <string.h>

/* d f16, u16 of high scale pairs, 4 bytes of low scale nibbles, 16 bytes of nibbles for each 32 values: value = d (sc - 32) table[q]. */
void ig_unpack_iq4_xs(const uint8_t *bytes, ig_block *block) {
  const uint8_t *low = bytes + 4, *q = bytes + 8;
  uint32_t high = ig_load_u16(bytes + 2);
  block->d = ig_half(bytes);
  block->dmin = 0;
  memset(block->min, 0, sizeof block->min);
  for (int j = 0; j < 8; j++) block->scale[j] = (int16_t)(((low[j / 2] >> j % 2 * 4 & 15) | (int)(high >> 2 * j & 3) << 4) - 32);
  for (int i = 0; i < 256; i++) block->q[i] = ig_iq4_values[ig_nibble(q + i / 32 * 16, i % 32)];
}
