/* Packs tiles of 16 rows, and takes them apart for tests and `inspect`: rows by blocks here, blocks in pack_a32.c and pack_a256.c.
 *   f32, f16, bf16   per k: the 16 rows' values; k padded with zeros to a multiple of 16 */
#include <assert.h>

#include "codegen/kernels/pack_shapes.h"

enum { ROWS = PACK_ROWS };

static const ig_pack_shape *shape_of(const ig_layout *layout) {
  return layout->activation == IG_ACT_A32 ? ig_pack_a32(layout) : layout->activation == IG_ACT_A256 ? ig_pack_a256(layout->format) : NULL;
}

static uint64_t tile_bytes(const ig_layout *layout, uint32_t units, uint32_t odd) {
  return (uint64_t)layout->unit_bytes * units + (uint64_t)layout->odd_bytes * odd;
}

/* Where block i's unit begins, and which of its blocks it is: units, then odd blocks that are units of their own. */
typedef struct place {
  uint64_t at;
  uint32_t n;
} place;
static place place_of(const ig_layout *layout, uint64_t units, uint64_t i, uint32_t blocks_a_unit) {
  if (i < units * blocks_a_unit) return (place){i / blocks_a_unit * layout->unit_bytes, (uint32_t)(i % blocks_a_unit)};
  return (place){units * layout->unit_bytes + (i - units * blocks_a_unit) * layout->odd_bytes, 0};
}

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
  const ig_pack_shape *s = shape_of(layout);
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
      place p = place_of(layout, units, i, blocks_a_unit);
      s->put(out + p.at, r, p.n, r < n_rows ? &block : &none);
    }
  return true;
}

void ig_unpack_row(const ig_layout *layout, const uint8_t *tile, uint32_t row, uint64_t k, float *values) {
  const ig_block_format *format = ig_format_find(layout->format);
  assert(format && row < ROWS);
  const ig_pack_shape *s = shape_of(layout);
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
    place p = place_of(layout, units, i, blocks_a_unit);
    s->get(tile + p.at, row, p.n, &block);
    for (uint32_t v = 0; v < format->block_values; v++, values++) {
      uint32_t j = v / format->sub_values;
      *values = (block.d * (float)block.scale[j]) * (float)block.q[v];
      if (block.min[j]) *values -= block.dmin * (float)block.min[j];
    }
  }
}
