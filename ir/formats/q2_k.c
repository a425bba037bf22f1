#include "ir/formats/unpack.h"

/* 16 bytes of (scale low, min high), 64 bytes of 2-bit values, d f16, dmin f16: value = d sc q - dmin m, per 16 values.
 * Each half of 128 values lies in 32 bytes, 32 values to a shift. */
void ig_unpack_q2_k(const uint8_t *bytes, ig_block *block) {
  const uint8_t *q = bytes + 16;
  block->d = ig_half(bytes + 80);
  block->dmin = ig_half(bytes + 82);
  for (int j = 0; j < 16; j++) block->scale[j] = bytes[j] & 15, block->min[j] = bytes[j] >> 4;
  for (int i = 0; i < 256; i++) block->q[i] = (int8_t)(q[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3);
}
