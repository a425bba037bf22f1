#include "ir/formats/unpack.h"

/* 64 bytes of 2-bit values (each half of 128 values in 32 bytes, 32 values to a shift), d f16: value = d (q - 1). */
void ig_unpack_tq2_0(const uint8_t *bytes, ig_block *block) {
  block->d = ig_half(bytes + 64);
  block->dmin = 0;
  block->scale[0] = 1;
  block->min[0] = 0;
  for (int i = 0; i < 256; i++) block->q[i] = (int8_t)((bytes[i / 128 * 32 + i % 32] >> i % 128 / 32 * 2 & 3) - 1);
}
