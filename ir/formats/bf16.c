#include "ir/formats/unpack.h"

/* A bf16 is the top half of an f32. */
void ig_decode_bf16(const ig_block_format *format, const uint8_t *bytes, float *values, size_t n) {
  (void)format;
  for (size_t i = 0; i < n; i++) values[i] = ig_f32_of_bits((uint32_t)ig_load_u16(bytes + 2 * i) << 16);
}
