#include "ir/formats/unpack.h"

#include <string.h>

/* 128 bytes of low nibbles, 64 of high bit pairs, 16 int8 scales, d f16: value = d sc (q - 32), per 16 values.
 * In each half of 128, lane l, l + 32, l + 64, l + 96: nibbles low l, low l + 32, high l, high l + 32; pairs of byte l from low to high. */
void ig_unpack_q6_k(const uint8_t *bytes, ig_block *block) {
  const uint8_t *low = bytes, *high = bytes + 128, *scales = bytes + 192;
  block->d = ig_half(bytes + 208);
  block->dmin = 0;
  memset(block->min, 0, sizeof block->min);
  for (int j = 0; j < 16; j++) block->scale[j] = (int16_t)(int8_t)scales[j];
  for (int i = 0; i < 256; i++) {
    int half = i / 128, lane = i % 128 / 32;
    int four = low[half * 64 + i % 64] >> lane / 2 * 4 & 15, two = high[half * 32 + i % 32] >> lane * 2 & 3;
    block->q[i] = (int8_t)((four | two << 4) - 32);
  }
}
