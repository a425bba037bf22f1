/* Layout x86_64.r16: 16 rows of a weight interleaved, so that lane = row. All of a tile's bytes lie in the order in which they are used.
 *
 * A line is 64 bytes, four for each of the 16 rows: values 4g .. 4g+3 of group g as bytes; or nibbles, group 2g low and 2g+1 high;
 * or pairs of bits, groups 4g .. 4g+3 from low to high. Rows that are missing are zeros, with quants of zero.
 *   f32, f16, bf16   per k: the 16 rows' values; k padded with zeros to a multiple of 16
 *   q8_0             f16 d[2][16], then 16 lines of bytes q + 128; an odd last block: f16 d[16], 32 bytes of 0, 8 lines
 *   q4_0             the same with nibbles q + 8: 8 lines, 4 in the odd block
 *   q4_k             f16 d[16], f16 dmin[16], 3 lines of six-bit scales, 32 lines of nibbles. Scales: the low six bits of line i hold in each
 *                    row's four bytes scale 0-3, scale 4-7, min 0 2 1 3; the top two bits of line i are bits 2i, 2i+1 of min 4 6 5 7
 *                    (two masks make two i16 of a pair of minima)
 *   q6_k             f16 d[16], 32 bytes of 0, int8 scales[16][16], 32 lines of the nibbles of q + 32, 16 lines of its high pairs of bits
 */
#include <assert.h>
#include <string.h>

#include "codegen/library.h"
#include "ir/format.h"

enum { ROWS = INGOT_ROWS, LINE = 64 };

static void store_u16(uint8_t *to, uint16_t v) { to[0] = (uint8_t)v, to[1] = (uint8_t)(v >> 8); }

/* Puts `value` (of `bits` bits) for index k of row r into lines that hold 8 / bits groups of four. */
static void put(uint8_t *lines, uint32_t r, uint32_t k, uint32_t bits, uint32_t value) {
  uint32_t per_line = 8 / bits, group = k / 4;
  lines[group / per_line * LINE + 4 * r + k % 4] |= (uint8_t)(value << group % per_line * bits);
}

static uint32_t get(const uint8_t *lines, uint32_t r, uint32_t k, uint32_t bits) {
  uint32_t per_line = 8 / bits, group = k / 4;
  return lines[group / per_line * LINE + 4 * r + k % 4] >> group % per_line * bits & ((1u << bits) - 1);
}

/* ---- six-bit scales of q4_k ---- */

static const uint8_t min_byte[4] = {0, 2, 1, 3}; /* where min j % 4 lies */

static void put_scales(uint8_t *lines, uint32_t r, const ig_block *block) {
  for (uint32_t j = 0; j < 8; j++) lines[j / 4 * LINE + 4 * r + j % 4] |= (uint8_t)block->scale[j];
  for (uint32_t j = 0; j < 4; j++) {
    uint32_t at = 4 * r + min_byte[j], high = (uint32_t)block->min[j + 4];
    lines[2 * LINE + at] |= (uint8_t)block->min[j];
    for (uint32_t i = 0; i < 3; i++) lines[i * LINE + at] |= (uint8_t)((high >> 2 * i & 3) << 6);
  }
}

static void get_scales(const uint8_t *lines, uint32_t r, ig_block *block) {
  for (uint32_t j = 0; j < 8; j++) block->scale[j] = lines[j / 4 * LINE + 4 * r + j % 4] & 63;
  for (uint32_t j = 0; j < 4; j++) {
    uint32_t at = 4 * r + min_byte[j], high = 0;
    block->min[j] = lines[2 * LINE + at] & 63;
    for (uint32_t i = 0; i < 3; i++) high |= (uint32_t)(lines[i * LINE + at] >> 6) << 2 * i;
    block->min[j + 4] = (int16_t)high;
  }
}

/* ---- one format each: block `n` of a unit, or the odd block ---- */

typedef struct shape {
  const char *format;
  void (*put)(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block); /* unit is all zeros before */
  void (*get)(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block);
} shape;

static void put_32(uint8_t *unit, uint32_t r, uint32_t n, uint32_t bits, int bias, const ig_block *block) {
  store_u16(unit + 32 * n + 2 * r, ig_f32_to_f16(block->d));
  for (uint32_t k = 0; k < 32; k++) put(unit + LINE, r, 32 * n + k, bits, (uint32_t)(block->q[k] + bias));
}
static void get_32(const uint8_t *unit, uint32_t r, uint32_t n, uint32_t bits, int bias, ig_block *block) {
  block->d = ig_f16_to_f32(ig_load_u16(unit + 32 * n + 2 * r));
  block->scale[0] = 1;
  for (uint32_t k = 0; k < 32; k++) block->q[k] = (int8_t)((int)get(unit + LINE, r, 32 * n + k, bits) - bias);
}

static void put_q8_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) { put_32(unit, r, n, 8, 128, block); }
static void get_q8_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) { get_32(unit, r, n, 8, 128, block); }
static void put_q4_0(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) { put_32(unit, r, n, 4, 8, block); }
static void get_q4_0(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) { get_32(unit, r, n, 4, 8, block); }

static void put_q4_k(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  store_u16(unit + 2 * r, ig_f32_to_f16(block->d));
  store_u16(unit + 32 + 2 * r, ig_f32_to_f16(block->dmin));
  put_scales(unit + LINE, r, block);
  for (uint32_t k = 0; k < 256; k++) put(unit + 4 * LINE, r, k, 4, (uint32_t)block->q[k]);
}
static void get_q4_k(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  block->d = ig_f16_to_f32(ig_load_u16(unit + 2 * r));
  block->dmin = ig_f16_to_f32(ig_load_u16(unit + 32 + 2 * r));
  get_scales(unit + LINE, r, block);
  for (uint32_t k = 0; k < 256; k++) block->q[k] = (int8_t)get(unit + 4 * LINE, r, k, 4);
}

static void put_q6_k(uint8_t *unit, uint32_t r, uint32_t n, const ig_block *block) {
  (void)n;
  store_u16(unit + 2 * r, ig_f32_to_f16(block->d));
  for (uint32_t j = 0; j < 16; j++) unit[LINE + ROWS * j + r] = (uint8_t)block->scale[j];
  for (uint32_t k = 0; k < 256; k++) {
    uint32_t q = (uint32_t)(block->q[k] + 32);
    put(unit + 5 * LINE, r, k, 4, q & 15);
    put(unit + 37 * LINE, r, k, 2, q >> 4);
  }
}
static void get_q6_k(const uint8_t *unit, uint32_t r, uint32_t n, ig_block *block) {
  (void)n;
  block->d = ig_f16_to_f32(ig_load_u16(unit + 2 * r));
  for (uint32_t j = 0; j < 16; j++) block->scale[j] = (int8_t)unit[LINE + ROWS * j + r];
  for (uint32_t k = 0; k < 256; k++) block->q[k] = (int8_t)((int)(get(unit + 5 * LINE, r, k, 4) | get(unit + 37 * LINE, r, k, 2) << 4) - 32);
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

bool ig_pack_tile(const ig_layout *layout, const uint8_t *rows, uint32_t n_rows, uint64_t k, uint8_t *out) {
  const ig_block_format *format = ig_format_find(layout->format);
  uint32_t units, odd;
  if (!format || n_rows > ROWS || !ig_units(layout, k, &units, &odd)) return false;
  memset(out, 0, tile_bytes(layout, units, odd));
  const shape *s = shape_of(layout);
  if (!s) { /* plain numbers */
    uint32_t size = format->block_bytes;
    for (uint64_t i = 0; i < k; i++)
      for (uint32_t r = 0; r < n_rows; r++) memcpy(out + (i * ROWS + r) * size, rows + (r * k + i) * size, size);
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
