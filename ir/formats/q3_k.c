#include "ir/formats/unpack.h"

#include <string.h>

/* 32 bytes of high bits, 64 bytes of low 2-bit values (arranged as in q2_k), 12 bytes of sixteen six-bit scales less 32, d f16:
 * value = d sc (low - (high bit ? 0 : 4)). Bit 4 half + shift of high byte l belongs to value 128 half + 32 shift + l. */
void ig_unpack_q3_k(const uint8_t *bytes, ig_block *block) {
  const uint8_t *high = bytes, *low = bytes + 32, *scales = bytes + 96;
  block->d = ig_half(bytes + 108);
  block->dmin = 0;
  memset(block->min, 0, sizeof block->min);
  for (int j = 0; j < 16; j++) {
    int four = j < 8 ? scales[j] & 15 : scales[j - 8] >> 4, two = scales[8 + j % 4] >> j / 4 * 2 & 3;
    block->scale[j] = (int16_t)((four | two << 4) - 32);
  }
  for (int i = 0; i < 256; i++) {
    int l = i % 32, shift = i % 128 / 32, half = i / 128;
    block->q[i] = (int8_t)((low[half * 32 + l] >> shift * 2 & 3) - (high[l] >> (half * 4 + shift) & 1 ? 0 : 4));
  }
}
