/* Formats with blocks of 256. Memory is read in even steps, in order, so what a step needs of scales lies at its beginning:
 *   q4_k, q5_k     per 64 values a header, then per 32 of them 4 lines of nibbles, in q5_k a line of fifth bits before them. The header has a word for
 *                  each row: bits 0-5 and 16-21 the minima of its two sub-blocks (so that one mask makes a pair of i16), bits 6-11 and 22-27
 *                  their scales, bits 12-15 and 28-31 four bits of d and of dmin, the lowest in the first header
 *   q3_k           per 64 values a header, bits 0-5, 6-11, 16-21, 22-27 the scales + 32, bits 12-15 four bits of d; then per 32 values of q + 4 three
 *                  lines of threes of bits: groups 0, 1, the lower pair of 6 · 2, 3, the lower pair of 7 · 4, 5, the top bits of 6 and 7
 *   q2_k           f16 d[16], f16 dmin[16], then per 64 values a line with four bytes for each row, scale low and minimum high, and four lines
 *                  of pairs: line c has group c of each of the four sub-blocks
 *   q6_k           f16 d[16], 32 bytes of 0, then per 64 values int8 scales[4][16] and per 16 of them 2 lines of nibbles of q + 32 and the
 *                  line of its high pairs of bits
 *   iq4_xs         per 128 values a header, six bits for each scale + 32 and eight of d, and 16 lines of nibbles: the table's index
 *   tq2_0          f16 d[2][16], then 16 lines of pairs of q + 1 for each of two blocks; an odd last block: f16 d[16], 32 bytes of 0, 16 lines
 *   tq1_0          the same with 13 lines: bytes that hold five digits of base 3 as tq1_0's do, groups 5i .. 5i+4 in line i */
#include "codegen/kernels/pack_shapes.h"
#include "ir/formats/unpack.h"

enum { LINE = PACK_LINE };

/* ---- q4_k, q5_k ---- */

static void put_headers(uint8_t *unit, uint32_t r, uint32_t quarter, const ig_block *block) {
  uint32_t d = ig_f32_to_f16(block->d), dmin = ig_f32_to_f16(block->dmin);
  for (uint32_t q = 0; q < 4; q++) {
    const int16_t *scale = block->scale + 2 * q, *min = block->min + 2 * q;
    uint8_t *word = unit + q * quarter + 4 * r;
    pack_u16(word, (uint16_t)((uint32_t)(min[0] | scale[0] << 6) | (d >> 4 * q & 15) << 12));
    pack_u16(word + 2, (uint16_t)((uint32_t)(min[1] | scale[1] << 6) | (dmin >> 4 * q & 15) << 12));
  }
}
static void get_headers(const uint8_t *unit, uint32_t r, uint32_t quarter, ig_block *block) {
  uint32_t half[2] = {0, 0};
  for (uint32_t j = 0; j < 8; j++) {
    uint32_t v = ig_load_u16(unit + j / 2 * quarter + 4 * r + 2 * (j % 2));
    block->min[j] = (int16_t)(v & 63);
    block->scale[j] = (int16_t)(v >> 6 & 63);
    half[j % 2] |= v >> 12 << 4 * (j / 2);
  }
  block->d = ig_f16_to_f32((uint16_t)half[0]);
  block->dmin = ig_f16_to_f32((uint16_t)half[1]);
}

static void put_q4_k(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  put_headers(unit, r, 9 * LINE, block);
  for (uint32_t q = 0; q < 4; q++) pack_nibbles(unit + (9 * q + 1) * LINE, r, block->q + 64 * q, 4, 0);
}
static void get_q4_k(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  get_headers(unit, r, 9 * LINE, block);
  for (uint32_t k = 0; k < 256; k++) block->q[k] = (int8_t)pack_get(unit + (k / 64 * 9 + 1) * LINE, r, k % 64, 4);
}

static void put_q5_k(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  put_headers(unit, r, 11 * LINE, block);
  for (uint32_t j = 0; j < 8; j++) {
    uint8_t *lines = unit + (11 * (j / 2) + 1 + 5 * (j % 2)) * LINE;
    pack_bits(lines, r, block->q + 32 * j, 4, 0);
    pack_nibbles(lines + LINE, r, block->q + 32 * j, 2, 0);
  }
}
static void get_q5_k(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  get_headers(unit, r, 11 * LINE, block);
  for (uint32_t k = 0; k < 256; k++) block->q[k] = (int8_t)pack_get_five(unit + (11 * (k / 64) + 1 + 5 * (k / 32 % 2)) * LINE, r, k % 32);
}

/* ---- q3_k ---- */

static void put_threes(uint8_t *lines, uint32_t r, const int8_t *q) {
  uint32_t g[8];
  for (uint32_t i = 0; i < 8; i++) g[i] = pack_group(q + 4 * i, 4, 7);
  uint32_t low = 0x03030303u, top6 = (g[6] & ~low) << 4, top7 = (g[7] & ~low) << 5;
  pack_put(lines, r, g[0] | g[1] << 3 | (g[6] & low) << 6);
  pack_put(lines + LINE, r, g[2] | g[3] << 3 | (g[7] & low) << 6);
  pack_put(lines + 2 * LINE, r, g[4] | g[5] << 3 | top6 | top7);
}
static int get_three(const uint8_t *lines, uint32_t r, uint32_t k) {
  uint32_t g = k / 4, at = 4 * r + k % 4;
  if (g < 6) return lines[g / 2 * LINE + at] >> 3 * (g % 2) & 7;
  return lines[(g - 6) * LINE + at] >> 6 | (lines[2 * LINE + at] >> g & 1) << 2;
}
static const uint8_t q3_k_at[4] = {0, 6, 16, 22}; /* where a header has its scales */
static void put_q3_k(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  uint32_t d = ig_f32_to_f16(block->d);
  for (uint32_t q = 0; q < 4; q++) {
    uint32_t word = (d >> 4 * q & 15) << 12;
    for (uint32_t j = 0; j < 4; j++) word |= (uint32_t)(block->scale[4 * q + j] + 32) << q3_k_at[j];
    uint8_t *quarter = unit + 7 * q * LINE;
    pack_u16(quarter + 4 * r, (uint16_t)word);
    pack_u16(quarter + 4 * r + 2, (uint16_t)(word >> 16));
    for (uint32_t h = 0; h < 2; h++) put_threes(quarter + (1 + 3 * h) * LINE, r, block->q + 64 * q + 32 * h);
  }
}
static void get_q3_k(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  uint32_t d = 0;
  for (uint32_t q = 0; q < 4; q++) {
    uint32_t word = ig_load_u32(unit + 7 * q * LINE + 4 * r);
    d |= (word >> 12 & 15) << 4 * q;
    for (uint32_t j = 0; j < 4; j++) block->scale[4 * q + j] = (int16_t)((int)(word >> q3_k_at[j] & 63) - 32);
  }
  block->d = ig_f16_to_f32((uint16_t)d);
  for (uint32_t k = 0; k < 256; k++) block->q[k] = (int8_t)(get_three(unit + (7 * (k / 64) + 1 + 3 * (k / 32 % 2)) * LINE, r, k % 32) - 4);
}

/* ---- q2_k ---- */

static void put_q2_k(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  pack_half(unit, r, block->d);
  pack_half(unit + 32, r, block->dmin);
  for (uint32_t q = 0; q < 4; q++) {
    uint8_t *lines = unit + (1 + 5 * q) * LINE;
    for (uint32_t j = 0; j < 4; j++) lines[4 * r + j] = (uint8_t)(block->scale[4 * q + j] | block->min[4 * q + j] << 4);
    for (uint32_t c = 0; c < 4; c++) {
      uint32_t pairs = 0;
      for (uint32_t j = 0; j < 4; j++) pairs |= pack_group(block->q + 64 * q + 16 * j + 4 * c, 0, 3) << 2 * j;
      pack_put(lines + (1 + c) * LINE, r, pairs);
    }
  }
}
static void get_q2_k(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  block->d = pack_get_half(unit, r);
  block->dmin = pack_get_half(unit + 32, r);
  for (uint32_t k = 0; k < 256; k++) {
    const uint8_t *lines = unit + (1 + 5 * (k / 64)) * LINE;
    uint32_t j = k / 16 % 4, c = k / 4 % 4;
    block->scale[k / 16] = lines[4 * r + j] & 15;
    block->min[k / 16] = lines[4 * r + j] >> 4;
    block->q[k] = (int8_t)(lines[(1 + c) * LINE + 4 * r + k % 4] >> 2 * j & 3);
  }
}

/* ---- q6_k ---- */

static void put_q6_k(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  pack_half(unit, r, block->d);
  for (uint32_t j = 0; j < 16; j++) unit[LINE + j / 4 * 13 * LINE + PACK_ROWS * (j % 4) + r] = (uint8_t)block->scale[j];
  for (uint32_t j = 0; j < 16; j++) { /* value + 32: the nibble as it is, the pair above it with its upper bit turned */
    uint8_t *lines = unit + (2 + j / 4 + j * 3) * LINE;
    uint32_t pairs = 0;
    pack_nibbles(lines, r, block->q + 16 * j, 1, 0);
    for (uint32_t c = 0; c < 4; c++) pairs |= (pack_group(block->q + 16 * j + 4 * c, 32, 48) >> 4) << 2 * c;
    pack_put(lines + 2 * LINE, r, pairs);
  }
}
static void get_q6_k(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  block->d = pack_get_half(unit, r);
  for (uint32_t j = 0; j < 16; j++) block->scale[j] = (int8_t)unit[LINE + j / 4 * 13 * LINE + PACK_ROWS * (j % 4) + r];
  for (uint32_t k = 0; k < 256; k++) {
    const uint8_t *lines = unit + (2 + k / 64 + k / 16 * 3) * LINE;
    block->q[k] = (int8_t)((pack_get(lines, r, k % 16, 4) | pack_get(lines + 2 * LINE, r, k % 16, 2) << 4) - 32);
  }
}

/* ---- iq4_xs ---- */

static void put_iq4_xs(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  int8_t indices[256];
  uint32_t d = ig_f32_to_f16(block->d);
  ig_pack_iq4(block->q, 256, indices);
  for (uint32_t h = 0; h < 2; h++) {
    uint32_t word = (d >> 8 * h & 255) << 24;
    for (uint32_t j = 0; j < 4; j++) word |= (uint32_t)(block->scale[4 * h + j] + 32) << 6 * j;
    uint8_t *half = unit + 17 * h * LINE;
    pack_u16(half + 4 * r, (uint16_t)word);
    pack_u16(half + 4 * r + 2, (uint16_t)(word >> 16));
    pack_nibbles(half + LINE, r, indices + 128 * h, 8, 0);
  }
}
static void get_iq4_xs(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  uint32_t d = 0;
  for (uint32_t h = 0; h < 2; h++) {
    uint32_t word = ig_load_u32(unit + 17 * h * LINE + 4 * r);
    d |= word >> 24 << 8 * h;
    for (uint32_t j = 0; j < 4; j++) block->scale[4 * h + j] = (int16_t)((int)(word >> 6 * j & 63) - 32);
  }
  block->d = ig_f16_to_f32((uint16_t)d);
  for (uint32_t k = 0; k < 256; k++) block->q[k] = ig_iq4_values[pack_get(unit + (17 * (k / 128) + 1) * LINE, r, k % 128, 4)];
}

/* ---- tq1_0, tq2_0 ---- */

static void put_tq2_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  uint8_t *lines = unit + (1 + 16 * n) * LINE;
  pack_half(unit + 32 * n, r, block->d);
  for (uint32_t k = 0; k < 256; k++) {
    uint8_t *byte = lines + k / 16 * LINE + 4 * r + k % 4;
    *byte = (uint8_t)(*byte | (block->q[k] + 1) << 2 * (k / 4 % 4));
  }
}
static void get_tq2_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  block->d = pack_get_half(unit + 32 * n, r);
  block->scale[0] = 1;
  for (uint32_t k = 0; k < 256; k++) block->q[k] = (int8_t)(pack_get(unit + (1 + 16 * n) * LINE, r, k, 2) - 1);
}

static void put_tq1_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  uint8_t *lines = unit + (1 + 13 * n) * LINE;
  pack_half(unit + 32 * n, r, block->d);
  for (uint32_t line = 0; line < 13; line++)
    for (uint32_t i = 0; i < 4; i++) {
      uint32_t v = 0;
      for (uint32_t g = 5 * line; g < 5 * line + 5; g++) v = 3 * v + (g < 64 ? (uint32_t)(block->q[4 * g + i] + 1) : 0);
      lines[line * LINE + 4 * r + i] = (uint8_t)((v * 256 + 242) / 243);
    }
}
static void get_tq1_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  block->d = pack_get_half(unit + 32 * n, r);
  block->scale[0] = 1;
  for (uint32_t k = 0; k < 256; k++) {
    uint32_t g = k / 4, v = unit[(1 + 13 * n + g / 5) * LINE + 4 * r + k % 4];
    for (uint32_t digit = 0; digit < g % 5; digit++) v = 3 * v & 255;
    block->q[k] = (int8_t)((int)(3 * v >> 8) - 1);
  }
}

static const ig_pack_shape shapes[] = {
  {"q2_k", put_q2_k, get_q2_k}, {"q3_k", put_q3_k, get_q3_k},       {"q4_k", put_q4_k, get_q4_k},    {"q5_k", put_q5_k, get_q5_k},
  {"q6_k", put_q6_k, get_q6_k}, {"iq4_xs", put_iq4_xs, get_iq4_xs}, {"tq1_0", put_tq1_0, get_tq1_0}, {"tq2_0", put_tq2_0, get_tq2_0},
};

const ig_pack_shape *ig_pack_a256(const char *format) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (!strcmp(shapes[i].format, format)) return &shapes[i];
  return NULL;
}
