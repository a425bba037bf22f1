#include "ir/base/base.h"

#include <string.h>

bool ig_mul_u64(uint64_t a, uint64_t b, uint64_t *out) {
  if (b && a > UINT64_MAX / b) return false;
  *out = a * b;
  return true;
}

bool ig_add_u64(uint64_t a, uint64_t b, uint64_t *out) {
  if (a > UINT64_MAX - b) return false;
  *out = a + b;
  return true;
}

uint16_t ig_load_u16(const void *p) {
  const uint8_t *b = p;
  return (uint16_t)(b[0] | b[1] << 8);
}

uint32_t ig_load_u32(const void *p) {
  const uint8_t *b = p;
  return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

uint64_t ig_load_u64(const void *p) { return ig_load_u32(p) | (uint64_t)ig_load_u32((const uint8_t *)p + 4) << 32; }

float ig_load_f32(const void *p) { return ig_f32_of_bits(ig_load_u32(p)); }

uint32_t ig_f32_bits(float f) {
  uint32_t bits;
  memcpy(&bits, &f, sizeof bits);
  return bits;
}

float ig_f32_of_bits(uint32_t bits) {
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

float ig_f16_to_f32(uint16_t h) {
  uint32_t sign = (uint32_t)(h & 0x8000) << 16, exponent = (h >> 10) & 31, mantissa = h & 1023;
  if (exponent == 31) return ig_f32_of_bits(sign | 0x7f800000 | mantissa << 13);
  if (exponent) return ig_f32_of_bits(sign | (exponent + 112) << 23 | mantissa << 13);
  float tiny = (float)mantissa * 0x1p-24f; /* zero and subnormals are exact in f32 */
  return sign ? -tiny : tiny;
}

uint16_t ig_f32_to_f16(float f) {
  uint32_t bits = ig_f32_bits(f), sign = bits >> 16 & 0x8000, magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return (uint16_t)(sign | 0x7e00 | (magnitude >> 13 & 0x3ff));
  if (magnitude >= 0x477ff000) return (uint16_t)(sign | 0x7c00); /* 65520 and above round to infinity */
  if (magnitude < 0x38800000) {                                  /* subnormal: let f32 addition round at bit 2^-24 */
    float shifted = ig_f32_of_bits(magnitude) + 0.5f;
    return (uint16_t)(sign | (ig_f32_bits(shifted) - 0x3f000000));
  }
  uint32_t odd = magnitude >> 13 & 1;
  return (uint16_t)(sign | ((magnitude - 0x38000000 + 0xfff + odd) >> 13));
}
