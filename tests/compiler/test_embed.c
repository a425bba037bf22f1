/* Embedding rows come out as the format decodes them, to the bit, on every variant. */
#include "tests/compiler/kernel_harness.h"

static int failures;

static void run_case(harness *h, const ig_layout *layout, uint32_t tiles, uint64_t k, uint64_t *state) {
  const ig_block_format *f = ig_format_find(layout->format);
  enum { TOKENS = 9 };
  uint64_t blocks = k / f->block_values, row_bytes = blocks * f->block_bytes, padded = (k + 15) / 16 * 16;
  ingot_kernel_args args = {.dim = {[INGOT_DIM_TOKENS] = TOKENS}};
  ig_units(layout, k, &args.dim[IG_D0], &args.dim[IG_D0 + 1]);
  args.dim[IG_D0 + 2] = tiles;
  ig_kernel_ref ref = {IG_EMBED, layout, IG_ACT_F32};
  ingot_kernel_info info;
  ig_kernel_info(&info, IG_EMBED, layout, IG_ACT_F32);
  uint64_t w_bytes = harness_extent(&info.operand[1].bytes, args.dim), y_bytes = harness_extent(&info.operand[2].bytes, args.dim);
  if (y_bytes != padded * 4 * TOKENS) failures++, printf("%s: y is not as large as its row says\n", info.name);
  uint32_t rows = 16 * tiles - 3, *tokens = harness_buffer(h, TOKENS * 4);
  uint8_t *source = malloc(rows * row_bytes), *w = harness_buffer(h, w_bytes);
  float *y = harness_buffer(h, y_bytes), *want = calloc(padded, 4);
  harness_weights(f, source, rows * blocks, state, -1);
  for (uint32_t t = 0; t < tiles; t++)
    if (!ig_pack_tile(layout, source + row_bytes * 16 * t, t + 1 < tiles ? 16 : 13, k, w + w_bytes / tiles * t)) abort();
  for (int t = 0; t < TOKENS; t++) tokens[t] = harness_random(state) % rows;
  tokens[0] = rows - 1;
  tokens[3] = UINT32_MAX; /* clamped to the last row of the last tile, which is missing: zeros */
  args.operand[0] = tokens, args.operand[1] = w, args.operand[2] = y;
  harness_call(h, &ref, &args, NULL, 0, 2);
  harness_call(h, &ref, &args, NULL, 2, TOKENS);
  for (int t = 0; t < TOKENS; t++) {
    memset(want, 0, padded * 4);
    if (tokens[t] < rows) f->decode(f, source + tokens[t] * row_bytes, want, k);
    for (uint64_t i = 0; i < padded; i++) {
      float got = y[(uint64_t)t * padded + i];
      if (ig_f32_bits(got) == ig_f32_bits(want[i]) || (got == 0 && want[i] == 0)) continue; /* the zero of a zero quant has either sign */
      printf("%s %s: k %llu, token %d value %llu is %a, not %a\n", h->variant->name, info.name, (unsigned long long)k, t, (unsigned long long)i, (double)got,
             (double)want[i]);
      failures++;
      break;
    }
  }
  free(source), free(want);
  harness_free(h);
}

int main(int argc, char **argv) {
  ig_codegen_init();
  harness_machine machines[HARNESS_MOST_MACHINES];
  int n_machines = harness_machines(argc, argv, machines);
  for (int m = 0; m < n_machines; m++) {
    const char *layouts = machines[m].target->layout;
    ig_kernel_ref refs[32];
    uint32_t n = 0;
    uint64_t state = 3;
    for (int i = 0; ig_layout_at(i); i++) refs[n++] = (ig_kernel_ref){IG_EMBED, ig_layout_in(layouts, ig_layout_at(i)->format), IG_ACT_F32};
    harness h;
    if (!harness_open(&h, machines[m], refs, n)) return 1;
    for (uint32_t i = 0; i < n; i++) {
      const ig_layout *layout = refs[i].layout;
      for (uint32_t units = 1; units <= 3; units++) {
        run_case(&h, layout, units, layout->unit_values * units, &state);
        for (uint64_t odd = layout->odd_values; odd && odd < layout->unit_values; odd += layout->odd_values)
          run_case(&h, layout, units, layout->unit_values * units - odd, &state);
        if (layout->activation == IG_ACT_F32) run_case(&h, layout, units, 16 * units - 7, &state);
      }
    }
    harness_close(&h);
  }
  printf("%d failures\n", failures);
  return n_machines ? failures != 0 : HARNESS_SKIPPED;
}
