#include "ir/formats/unpack.h"

/* d f16, m f16, 16 bytes of nibbles: value = q d + m. */
void ig_unpack_q4_1(const uint8_t *bytes, ig_block *block) {
  block->d = ig_half(bytes);
  block->dmin = -ig_half(bytes + 2);
  block->scale[0] = 1;
  block->min[0] = 1;
  for (int i = 0; i < 32; i++) block->q[i] = (int8_t)ig_nibble(bytes + 4, i);
}
