#include "ir/formats/unpack.h"

const int8_t ig_iq4_values[16] = {-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113};

/* d f16, 16 bytes of nibbles: value = d table[q]. */
void ig_unpack_iq4_nl(const uint8_t *bytes, ig_block *block) {
  block->d = ig_half(bytes);
  block->dmin = 0;
  block->scale[0] = 1;
  block->min[0] = 0;
  for (int i = 0; i < 32; i++) block->q[i] = ig_iq4_values[ig_nibble(bytes + 2, i)];
}
