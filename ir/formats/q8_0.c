#include "ir/formats/unpack.h"

#include <string.h>

/* d f16, 32 int8: value = q d. */
void ig_unpack_q8_0(const uint8_t *bytes, ig_block *block) {
  block->d = ig_half(bytes);
  block->dmin = 0;
  block->scale[0] = 1;
  block->min[0] = 0;
  memcpy(block->q, bytes + 2, 32);
}
