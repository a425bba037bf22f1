/* How blocks lie in packed tiles, for the packer (pack_tile.c) and the files of the formats (pack_a32.c, pack_a256.c). Layouts x86_64.r16 and aarch64.r16: 16 rows
 * of a weight interleaved, so that lane = row. All of a tile's bytes lie in the order in which they are used.
 *
 * A line is 64 bytes, four for each of the 16 rows: values 4g .. 4g+3 of group g as bytes; or nibbles, group 2g low and 2g+1 high; or pairs
 * of bits; or single bits, bit g of group g. Rows that are missing have scales of zero. */
#ifndef INGOT_CODEGEN_PACK_SHAPES_H
#define INGOT_CODEGEN_PACK_SHAPES_H

#include <string.h>

#include "codegen/library.h"
#include "ir/format.h"

enum { PACK_ROWS = INGOT_ROWS, PACK_LINE = 64 };

/* Block `n` of a unit (0 for an odd one) of row r. */
typedef struct ig_pack_shape {
  const char *format;
  void (*put)(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block); /* unit is all zeros before */
  void (*get)(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block); /* block is all zeros before */
} ig_pack_shape;

const ig_pack_shape *ig_pack_a32(const ig_layout *layout);
const ig_pack_shape *ig_pack_a256(const char *format);
/* The indices of values of iq4's table. */
const int8_t *ig_pack_iq4(const int8_t *q, uint32_t n, int8_t *indices);

static inline void pack_u16(uint8_t *to, uint16_t v) { to[0] = (uint8_t)v, to[1] = (uint8_t)(v >> 8); }
static inline void pack_half(uint8_t *to, uint32_t r, float v) { pack_u16(to + 2 * r, ig_f32_to_f16(v)); }
static inline float pack_get_half(const uint8_t *from, uint32_t r) { return ig_f16_to_f32(ig_load_u16(from + 2 * r)); }

/* Four values of a group, the sign bit turned so that value + bias comes out unsigned: all bytes at once, in either byte order. */
static inline uint32_t pack_group(const int8_t *q, uint32_t sign, uint32_t mask) {
  uint32_t four;
  memcpy(&four, q, 4);
  return (four ^ sign * 0x01010101u) & mask * 0x01010101u;
}
static inline void pack_put(uint8_t *line, uint32_t r, uint32_t four) { memcpy(line + 4 * r, &four, 4); }

/* 16 n values as 2 n lines of nibbles. */
static inline void pack_nibbles(uint8_t *lines, uint32_t r, const int8_t *q, uint32_t n, uint32_t sign) {
  for (uint32_t i = 0; i < 2 * n; i++, q += 8) pack_put(lines + i * PACK_LINE, r, pack_group(q, sign, 15) | pack_group(q + 4, sign, 15) << 4);
}
/* Bit `bit` of 32 values as a line of bits; `sign` as above. */
static inline void pack_bits(uint8_t *line, uint32_t r, const int8_t *q, uint32_t bit, uint32_t sign) {
  uint32_t bits = 0;
  for (uint32_t g = 0; g < 8; g++) bits |= pack_group(q + 4 * g, sign, 1u << bit) >> bit << g;
  pack_put(line, r, bits);
}

/* The value for index k of row r in lines that hold 8 / bits groups of four. */
static inline int pack_get(const uint8_t *lines, uint32_t r, uint32_t k, uint32_t bits) {
  uint32_t per_line = 8 / bits, group = k / 4;
  return lines[group / per_line * PACK_LINE + 4 * r + k % 4] >> group % per_line * bits & ((1 << bits) - 1);
}
/* A line of fifth bits and four lines of nibbles. */
static inline int pack_get_five(const uint8_t *lines, uint32_t r, uint32_t k) { return pack_get(lines + PACK_LINE, r, k, 4) | pack_get(lines, r, k, 1) << 4; }

#endif
