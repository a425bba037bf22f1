/* Layout x86_64.r16: 16 rows of a weight interleaved, so that lane = row. All of a tile's bytes lie in the order in which they are used.
 *
 * A line is 64 bytes, four for each of the 16 rows: values 4g .. 4g+3 of group g as bytes; or nibbles, group 2g low and 2g+1 high;
 * or pairs of bits, groups 4g .. 4g+3 from low to high. Rows that are missing are zeros, with quants of zero.
 *   f32, f16, bf16   per k: the 16 rows' values; k padded with zeros to a multiple of 16
 *   q8_0             f16 d[2][16], then 16 lines of bytes q + 128; an odd last block: f16 d[16], 32 bytes of 0, 8 lines
 *   q4_0             the same with nibbles q + 8: 8 lines, 4 in the odd block
 *   q4_k             per 64 values a header and 8 lines of nibbles. The header has a word for each row: bits 0-5 and 16-21 the minima of
 *                    its two sub-blocks (so that one mask makes a pair of i16), bits 6-11 and 22-27 their scales, bits 12-15 and 28-31
 *                    four bits of d and of dmin, the lowest in the first header. So memory is read in even steps, in order.
 *   q6_k             f16 d[16], 32 bytes of 0, then per 64 values int8 scales[4][16] and per 16 of them 2 lines of nibbles of q + 32 and the
 *                    line of its high pairs of bits
 */
#include <assert.h>
#include <string.h>

#include "codegen/library.h"
#include "ir/format.h"

enum { ROWS = INGOT_ROWS, LINE = 64 };

static void store_u16(uint8_t *to, uint16_t v) { to[0] = (uint8_t)v, to[1] = (uint8_t)(v >> 8); }

/* Four values of a group, the sign bit turned so that value + bias comes out unsigned: all bytes at once, in either byte order. */
static uint32_t group_of(const ig_block *block, uint32_t k, uint32_t sign, uint32_t mask) {
  uint32_t four;
  memcpy(&four, block->q + k, 4);
  return (four ^ sign * 0x01010101u) & mask * 0x01010101u;
}
static void put_group(uint8_t *line, uint32_t r, uint32_t four) { memcpy(line + 4 * r, &four, 4); }

/* Values k .. k + 16 n of a block as 2 n lines of nibbles. */
static void put_nibbles(uint8_t *lines, uint32_t r, const ig_block *block, uint32_t k, uint32_t n, uint32_t sign) {
  for (uint32_t i = 0; i < 2 * n; i++, k += 8) put_group(lines + i * LINE, r, group_of(block, k, sign, 15) | group_of(block, k + 4, sign, 15) << 4);
}

/* The value for index k of row r in lines that hold 8 / bits groups of four. */
static uint32_t get(const uint8_t *lines, uint32_t r, uint32_t k, uint32_t bits) {
  uint32_t per_line = 8 / bits, group = k / 4;
  return lines[group / per_line * LINE + 4 * r + k % 4] >> group % per_line * bits & ((1u << bits) - 1);
}

/* ---- one format each: block `n` of a unit, or the odd block ---- */

typedef struct shape {
  const char *format;
  void (*put)(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block); /* unit is all zeros before */
  void (*get)(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block);
} shape;

static void get_32(const uint8_t *unit, uint32_t r, uint32_t n, uint32_t bits, int bias, ig_block *block) {
  block->d = ig_f16_to_f32(ig_load_u16(unit + 32 * n + 2 * r));
  block->scale[0] = 1;
  for (uint32_t k = 0; k < 32; k++) block->q[k] = (int8_t)((int)get(unit + LINE, r, 32 * n + k, bits) - bias);
}

static void put_q8_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  store_u16(unit + 32 * n + 2 * r, ig_f32_to_f16(block->d));
  for (uint32_t g = 0; g < 8; g++) put_group(unit + (1 + 8 * n + g) * LINE, r, group_of(block, 4 * g, 128, 255));
}
static void get_q8_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) { get_32(unit, r, n, 8, 128, block); }
static void put_q4_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  store_u16(unit + 32 * n + 2 * r, ig_f32_to_f16(block->d));
  put_nibbles(unit + (1 + 4 * n) * LINE, r, block, 0, 2, 8);
}
static void get_q4_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) { get_32(unit, r, n, 4, 8, block); }

enum { QUARTER = 9 * LINE }; /* of a unit of q4_k */

static void put_q4_k(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  uint32_t d = ig_f32_to_f16(block->d), dmin = ig_f32_to_f16(block->dmin);
  for (uint32_t q = 0; q < 4; q++) {
    const int16_t *scale = block->scale + 2 * q, *min = block->min + 2 * q;
    uint8_t *word = unit + q * QUARTER + 4 * r;
    store_u16(word, (uint16_t)((uint32_t)(min[0] | scale[0] << 6) | (d >> 4 * q & 15) << 12));
    store_u16(word + 2, (uint16_t)((uint32_t)(min[1] | scale[1] << 6) | (dmin >> 4 * q & 15) << 12));
  }
  for (uint32_t q = 0; q < 4; q++) put_nibbles(unit + q * QUARTER + LINE, r, block, 64 * q, 4, 0);
}
static void get_q4_k(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  uint32_t half[2] = {0, 0};
  for (uint32_t j = 0; j < 8; j++) {
    uint32_t v = ig_load_u16(unit + j / 2 * QUARTER + 4 * r + 2 * (j % 2));
    block->min[j] = (int16_t)(v & 63);
    block->scale[j] = (int16_t)(v >> 6 & 63);
    half[j % 2] |= v >> 12 << 4 * (j / 2);
  }
  block->d = ig_f16_to_f32((uint16_t)half[0]);
  block->dmin = ig_f16_to_f32((uint16_t)half[1]);
  for (uint32_t k = 0; k < 256; k++) block->q[k] = (int8_t)get(unit + (k / 64 * 9 + 1) * LINE, r, k % 64, 4);
}

static void put_q6_k(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  store_u16(unit + 2 * r, ig_f32_to_f16(block->d));
  for (uint32_t j = 0; j < 16; j++) unit[LINE + j / 4 * 13 * LINE + ROWS * (j % 4) + r] = (uint8_t)block->scale[j];
  for (uint32_t j = 0; j < 16; j++) { /* value + 32: the nibble as it is, the pair above it with its upper bit turned */
    uint8_t *lines = unit + (2 + j / 4 + j * 3) * LINE;
    uint32_t pairs = 0;
    put_nibbles(lines, r, block, 16 * j, 1, 0);
    for (uint32_t c = 0; c < 4; c++) pairs |= (group_of(block, 16 * j + 4 * c, 32, 48) >> 4) << 2 * c;
    put_group(lines + 2 * LINE, r, pairs);
  }
}
static void get_q6_k(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  block->d = ig_f16_to_f32(ig_load_u16(unit + 2 * r));
  for (uint32_t j = 0; j < 16; j++) block->scale[j] = (int8_t)unit[LINE + j / 4 * 13 * LINE + ROWS * (j % 4) + r];
  for (uint32_t k = 0; k < 256; k++) {
    const uint8_t *lines = unit + (2 + k / 64 + k / 16 * 3) * LINE;
    block->q[k] = (int8_t)((int)(get(lines, r, k % 16, 4) | get(lines + 2 * LINE, r, k % 16, 2) << 4) - 32);
  }
}

static const shape shapes[] = {
  {"q8_0", put_q8_0, get_q8_0},
  {"q4_0", put_q4_0, get_q4_0},
  {"q4_k", put_q4_k, get_q4_k},
  {"q6_k", put_q6_k, get_q6_k},
};

static const shape *shape_of(const ig_layout *layout) {
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
    if (!strcmp(shapes[i].format, layout->format)) return &shapes[i];
  return NULL;
}

static uint64_t tile_bytes(const ig_layout *layout, uint32_t units, uint32_t odd) { return (uint64_t)layout->unit_bytes * units + (uint64_t)layout->odd_bytes * odd; }

static void put_halves(uint8_t *out, uint32_t r, const uint8_t *row, uint64_t k) {
  for (uint64_t i = 0; i < k; i++) memcpy(out + (i * ROWS + r) * 2, row + i * 2, 2);
}
static void put_floats(uint8_t *out, uint32_t r, const uint8_t *row, uint64_t k) {
  for (uint64_t i = 0; i < k; i++) memcpy(out + (i * ROWS + r) * 4, row + i * 4, 4);
}

bool ig_pack_tile(const ig_layout *layout, const uint8_t *rows, uint32_t n_rows, uint64_t k, uint8_t *out) {
  const ig_block_format *format = ig_format_find(layout->format);
  uint32_t units, odd;
  if (!format || n_rows > ROWS || !ig_units(layout, k, &units, &odd)) return false;
  memset(out, 0, tile_bytes(layout, units, odd));
  const shape *s = shape_of(layout);
  if (!s) { /* plain numbers */
    for (uint32_t r = 0; r < n_rows; r++) (format->block_bytes == 2 ? put_halves : put_floats)(out, r, rows + r * k * format->block_bytes, k);
    return true;
  }
  uint32_t blocks_a_unit = layout->unit_values / format->block_values;
  uint64_t blocks = k / format->block_values;
  ig_block none = {0}; /* of a missing row: every value is 0 */
  for (uint32_t r = 0; r < ROWS; r++)
    for (uint64_t i = 0; i < blocks; i++) {
      ig_block block;
      if (r < n_rows) format->unpack(rows + (r * blocks + i) * format->block_bytes, &block);
      s->put(out + i / blocks_a_unit * layout->unit_bytes, r, (uint32_t)(i % blocks_a_unit), r < n_rows ? &block : &none);
    }
  return true;
}

void ig_unpack_row(const ig_layout *layout, const uint8_t *tile, uint32_t row, uint64_t k, float *values) {
  const ig_block_format *format = ig_format_find(layout->format);
  assert(format && row < ROWS);
  const shape *s = shape_of(layout);
  if (!s) {
    uint8_t value[4];
    for (uint64_t i = 0; i < k; i++) {
      memcpy(value, tile + (i * ROWS + row) * format->block_bytes, format->block_bytes);
      format->decode(format, value, &values[i], 1);
    }
    return;
  }
  uint32_t units, odd, blocks_a_unit = layout->unit_values / format->block_values;
  if (!ig_units(layout, k, &units, &odd)) return;
  for (uint64_t i = 0; i < k / format->block_values; i++) {
    ig_block block = {0};
    s->get(tile + i / blocks_a_unit * layout->unit_bytes, row, (uint32_t)(i % blocks_a_unit), &block);
    for (uint32_t v = 0; v < format->block_values; v++, values++) {
      uint32_t j = v / format->sub_values;
      *values = (block.d * (float)block.scale[j]) * (float)block.q[v];
      if (block.min[j]) *values -= block.dmin * (float)block.min[j];
    }
  }
}
