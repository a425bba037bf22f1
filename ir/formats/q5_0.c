#include "ir/formats/unpack.h"

/* d f16, 32 fifth bits, 16 bytes of nibbles: value = (q - 16) d. */
void ig_unpack_q5_0(const uint8_t *bytes, ig_block *block) {
  uint32_t high = ig_load_u32(bytes + 2);
  block->d = ig_half(bytes);
  block->dmin = 0;
  block->scale[0] = 1;
  block->min[0] = 0;
  for (int i = 0; i < 32; i++) block->q[i] = (int8_t)((ig_nibble(bytes + 6, i) | (int)(high >> i & 1) << 4) - 16);
}
