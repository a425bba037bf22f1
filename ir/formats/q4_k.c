#include "ir/formats/unpack.h"

/* For j < 4 the pair is six bits each of b[j], b[j + 4]; the last four take their low nibbles from b[j + 4] and their top bits from what
 * the first four left over. */
void ig_unpack_pairs(const uint8_t b[12], int16_t scale[16], int16_t min[16]) {
  for (int j = 0; j < 4; j++) {
    scale[j] = b[j] & 63;
    min[j] = b[j + 4] & 63;
    scale[j + 4] = (int16_t)((b[j + 8] & 15) | (b[j] >> 6) << 4);
    min[j + 4] = (int16_t)((b[j + 8] >> 4) | (b[j + 4] >> 6) << 4);
  }
}

/* d f16, dmin f16, 12 bytes of scales, 128 bytes: each 32 hold 32 values in the low nibbles and the next 32 in the high ones.
 * value = d sc q - dmin m, per 32 values. */
void ig_unpack_q4_k(const uint8_t *bytes, ig_block *block) {
  const uint8_t *q = bytes + 16;
  block->d = ig_half(bytes);
  block->dmin = ig_half(bytes + 2);
  ig_unpack_pairs(bytes + 4, block->scale, block->min);
  for (int i = 0; i < 256; i++) block->q[i] = (int8_t)(q[i / 64 * 32 + i % 32] >> i / 32 % 2 * 4 & 15);
}
