#include "ir/formats/unpack.h"

/* Twice 0, 1/2, 1, 3/2, 2, 3, 4, 6, then the same below zero. */
const int8_t ig_mxfp4_values[16] = {0, 1, 2, 3, 4, 6, 8, 12, 0, -1, -2, -3, -4, -6, -8, -12};

float ig_mxfp4_scale(uint8_t exponent) { return ig_f32_of_bits(exponent < 2 ? UINT32_C(0x00200000) << exponent : (uint32_t)(exponent - 1) << 23); }

uint8_t ig_mxfp4_exponent(float half_scale) {
  uint32_t bits = ig_f32_bits(half_scale);
  return (uint8_t)(bits >> 23 ? (bits >> 23) + 1 : bits >> 22);
}

/* An exponent e, 16 bytes of nibbles: value = 2^(e - 127) table[q], which is 2^(e - 128) times a whole number. */
void ig_unpack_mxfp4(const uint8_t *bytes, ig_block *block) {
  block->d = ig_mxfp4_scale(bytes[0]);
  block->dmin = 0;
  block->scale[0] = 1;
  block->min[0] = 0;
  for (int i = 0; i < 32; i++) block->q[i] = ig_mxfp4_values[ig_nibble(bytes + 1, i)];
}
