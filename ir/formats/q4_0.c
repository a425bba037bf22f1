#include "ir/formats/unpack.h"

/* d f16, 16 bytes of nibbles: value = (q - 8) d. */
void ig_unpack_q4_0(const uint8_t *bytes, ig_block *block) {
  block->d = ig_half(bytes);
  block->dmin = 0;
  block->scale[0] = 1;
  block->min[0] = 0;
  for (int i = 0; i < 32; i++) block->q[i] = (int8_t)(ig_nibble(bytes + 2, i) - 8);
}
