#include "ir/formats/unpack.h"

void ig_decode_f32(const ig_block_format *format, const uint8_t *bytes, float *values, size_t n) {
  (void)format;
  for (size_t i = 0; i < n; i++) values[i] = ig_load_f32(bytes + 4 * i);
}
