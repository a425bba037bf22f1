/* Formats with blocks of 32. Scales first, then each block's lines:
 *   q8_0             f16 d[2][16], then 8 lines of bytes q + 128 (or q, where the layout has signed bytes) for each of two blocks; an odd last block: f16 d[16], 32 bytes of 0, 8 lines
 *   q4_0, iq4_nl     the same with 4 lines of nibbles: q + 8, or the table's index
 *   q5_0             the same with q + 16: a line of its fifth bits, 4 lines of nibbles
 *   q4_1, q5_1       one block: f16 d[16], f16 -m[16], then as q4_0, q5_0, without an offset
 *   mxfp4            e[4][16], then 4 lines of the table's index for each of four blocks; odd blocks: e[16], 48 bytes of 0, 4 lines */
#include "codegen/kernels/pack_shapes.h"
#include "ir/formats/unpack.h"

enum { LINE = PACK_LINE };

static void get_32(const uint8_t *unit, uint32_t r, uint32_t n, const uint8_t *lines, uint32_t bits, int bias, ig_block *block) {
  block->d = pack_get_half(unit + 32 * n, r);
  block->scale[0] = 1;
  for (uint32_t k = 0; k < 32; k++) block->q[k] = (int8_t)((bits == 5 ? pack_get_five(lines, r, k) : pack_get(lines, r, k, bits)) - bias);
}

static void put_bytes(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block, uint32_t sign) {
  pack_half(unit + 32 * n, r, block->d);
  for (uint32_t g = 0; g < 8; g++) pack_put(unit + (1 + 8 * n + g) * LINE, r, pack_group(block->q + 4 * g, sign, 255));
}
static void put_q8_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) { put_bytes(unit, r, n, block, 128); }
static void get_q8_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) { get_32(unit, r, n, unit + (1 + 8 * n) * LINE, 8, 128, block); }
static void put_signed_q8_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) { put_bytes(unit, r, n, block, 0); }
static void get_signed_q8_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) { get_32(unit, r, n, unit + (1 + 8 * n) * LINE, 8, 0, block); }

static void put_q4_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  pack_half(unit + 32 * n, r, block->d);
  pack_nibbles(unit + (1 + 4 * n) * LINE, r, block->q, 2, 8);
}
static void get_q4_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) { get_32(unit, r, n, unit + (1 + 4 * n) * LINE, 4, 8, block); }

static void put_q5_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  uint8_t *lines = unit + (1 + 5 * n) * LINE;
  pack_half(unit + 32 * n, r, block->d);
  pack_bits(lines, r, block->q, 4, 16);
  pack_nibbles(lines + LINE, r, block->q, 2, 16);
}
static void get_q5_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) { get_32(unit, r, n, unit + (1 + 5 * n) * LINE, 5, 16, block); }

static void put_offset(uint8_t *unit, uint32_t r, const ig_block *block) {
  pack_half(unit, r, block->d);
  pack_half(unit + 32, r, block->dmin);
}
static void get_offset(const uint8_t *unit, uint32_t r, ig_block *block) {
  block->dmin = pack_get_half(unit + 32, r);
  block->min[0] = 1;
}
static void put_q4_1(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  put_offset(unit, r, block);
  pack_nibbles(unit + LINE, r, block->q, 2, 0);
}
static void get_q4_1(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  get_32(unit, r, n, unit + LINE, 4, 0, block);
  get_offset(unit, r, block);
}
static void put_q5_1(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  put_offset(unit, r, block);
  pack_bits(unit + LINE, r, block->q, 4, 0);
  pack_nibbles(unit + 2 * LINE, r, block->q, 2, 0);
}
static void get_q5_1(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  get_32(unit, r, n, unit + LINE, 5, 0, block);
  get_offset(unit, r, block);
}

const int8_t *ig_pack_iq4(const int8_t *q, uint32_t n, int8_t *indices) {
  static const int8_t index[256] = {[129] = 0, [152] = 1, [173] = 2, [191] = 3, [207] = 4, [221] = 5, [234] = 6, [246] = 7,
                                    [1] = 8,   [13] = 9,  [25] = 10, [38] = 11, [53] = 12, [69] = 13, [89] = 14, [113] = 15};
  for (uint32_t i = 0; i < n; i++) indices[i] = index[(uint8_t)q[i]];
  return indices;
}
static void put_iq4_nl(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  int8_t indices[32];
  pack_half(unit + 32 * n, r, block->d);
  pack_nibbles(unit + (1 + 4 * n) * LINE, r, ig_pack_iq4(block->q, 32, indices), 2, 0);
}
static void get_iq4_nl(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  get_32(unit, r, n, unit + (1 + 4 * n) * LINE, 4, 0, block);
  for (uint32_t k = 0; k < 32; k++) block->q[k] = ig_iq4_values[block->q[k]];
}

static void put_mxfp4(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  static const int8_t of_magnitude[13] = {[1] = 1, [2] = 2, [3] = 3, [4] = 4, [6] = 5, [8] = 6, [12] = 7};
  int8_t indices[32];
  for (uint32_t k = 0; k < 32; k++) {
    int q = block->q[k];
    indices[k] = q < 0 ? (int8_t)(of_magnitude[-q] | 8) : of_magnitude[q];
  }
  unit[16 * n + r] = ig_mxfp4_exponent(block->d);
  pack_nibbles(unit + (1 + 4 * n) * LINE, r, indices, 2, 0);
}
static void get_mxfp4(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  block->d = ig_mxfp4_scale(unit[16 * n + r]);
  block->scale[0] = 1;
  for (uint32_t k = 0; k < 32; k++) block->q[k] = ig_mxfp4_values[pack_get(unit + (1 + 4 * n) * LINE, r, k, 4)];
}

static const ig_pack_shape shapes[] = {
  {"q8_0", put_q8_0, get_q8_0}, {"q4_0", put_q4_0, get_q4_0},    {"q4_1", put_q4_1, get_q4_1},       {"q5_0", put_q5_0, get_q5_0},
  {"q5_1", put_q5_1, get_q5_1}, {"mxfp4", put_mxfp4, get_mxfp4}, {"iq4_nl", put_iq4_nl, get_iq4_nl},
};

const ig_pack_shape *ig_pack_a32(const ig_layout *layout) {
  static const ig_pack_shape signed_q8_0 = {"q8_0", put_signed_q8_0, get_signed_q8_0};
  if (layout->signed_bytes) return &signed_q8_0;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (!strcmp(shapes[i].format, layout->format)) return &shapes[i];
  return NULL;
}
