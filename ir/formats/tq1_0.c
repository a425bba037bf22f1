#include "ir/formats/unpack.h"

/* Digit n of a byte that stands for five digits of base 3 as a fraction of 256: the n-th one after the point. */
static int digit(uint8_t byte, int n) {
  static const uint8_t power[5] = {1, 3, 9, 27, 81};
  return (uint8_t)(byte * power[n]) * 3 >> 8;
}

/* 32 bytes with 5 x 32 values, 16 with 5 x 16, 4 with 4 x 4, in each the first digit of all bytes first; d f16: value = d (digit - 1). */
void ig_unpack_tq1_0(const uint8_t *bytes, ig_block *block) {
  block->d = ig_half(bytes + 52);
  block->dmin = 0;
  block->scale[0] = 1;
  block->min[0] = 0;
  for (int i = 0; i < 160; i++) block->q[i] = (int8_t)(digit(bytes[i % 32], i / 32) - 1);
  for (int i = 0; i < 80; i++) block->q[160 + i] = (int8_t)(digit(bytes[32 + i % 16], i / 16) - 1);
  for (int i = 0; i < 16; i++) block->q[240 + i] = (int8_t)(digit(bytes[48 + i % 4], i / 4) - 1);
}
