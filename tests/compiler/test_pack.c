/* Packing loses nothing: every row of a packed tile unpacks to the exact values of the file's blocks; missing rows are zeros. */
#include "tests/compiler/kernel_harness.h"

static int failures;

static void round_trip(const ig_layout *layout, uint64_t k, uint32_t n_rows, uint64_t *state) {
  const ig_block_format *f = ig_format_find(layout->format);
  uint64_t blocks = k / f->block_values, row_bytes = blocks * f->block_bytes;
  uint32_t units, odd;
  if (!ig_units(layout, k, &units, &odd)) abort();
  harness h = {0};
  uint8_t *rows = harness_buffer(&h, row_bytes * n_rows);
  uint8_t *tile = harness_buffer(&h, (uint64_t)layout->unit_bytes * units + (uint64_t)layout->odd_bytes * odd);
  float *want = harness_buffer(&h, k * 4), *got = harness_buffer(&h, k * 4);
  harness_weights(f, rows, blocks * n_rows, state, -1);
  if (!ig_pack_tile(layout, rows, n_rows, k, tile)) failures++, printf("%s: refused\n", layout->format);
  for (uint32_t r = 0; r < INGOT_ROWS; r++) {
    memset(want, 0, k * 4);
    if (r < n_rows) f->decode(f, rows + r * row_bytes, want, k);
    ig_unpack_row(layout, tile, r, k, got);
    for (uint64_t i = 0; i < k; i++)
      if (ig_f32_bits(want[i]) << 1 != ig_f32_bits(got[i]) << 1 || (r < n_rows && want[i] != got[i])) { /* zeros of missing rows may be -0 */
        printf("%s: k %llu, %u rows: row %u value %llu is %a, not %a\n", layout->format, (unsigned long long)k, n_rows, r, (unsigned long long)i,
               (double)got[i], (double)want[i]);
        failures++;
        break;
      }
  }
  harness_free(&h);
}

int main(void) {
  uint64_t state = 7;
  for (int i = 0, t = 0; ig_layout_at(i); t = !t, i += !t) { /* each format in each target's layout */
    const ig_layout *layout = ig_layout_in(ig_target_at(t)->layout, ig_layout_at(i)->format);
    for (uint32_t units = 1; units <= 3; units++)
      for (uint32_t rows = 1; rows <= INGOT_ROWS; rows += 5) {
        round_trip(layout, layout->unit_values * units, rows, &state);
        for (uint64_t odd = layout->odd_values; odd && odd < layout->unit_values; odd += layout->odd_values)
          round_trip(layout, layout->unit_values * units - odd, rows, &state);
        if (layout->activation == IG_ACT_F32) round_trip(layout, 16 * units - 5, rows, &state);
      }
    const ig_block_format *f = ig_format_find(layout->format);
    double file_bytes = (double)layout->unit_values / f->block_values * f->block_bytes * INGOT_ROWS;
    if ((double)layout->unit_bytes > 1.03 * file_bytes || layout->unit_bytes % 64 || layout->odd_bytes % 64)
      failures++, printf("%s: %u bytes a unit\n", layout->format, layout->unit_bytes);
    uint8_t byte = 0;
    if (layout->activation != IG_ACT_F32 && ig_pack_tile(layout, &byte, 1, layout->unit_values + 1, &byte))
      failures++, printf("%s: takes any k\n", layout->format);
  }
  printf("%d failures\n", failures);
  return failures != 0;
}
