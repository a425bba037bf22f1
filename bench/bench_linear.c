/* bench_linear FORMAT ROWS K TOKENS [VARIANT]: one core, one linear kernel (gemv for one token, the head's of two digits for 0), against what
 * the core can do at that moment.
 * Without arguments: the table of docs. GB/s count the bytes of the source format. Weights above 64 MB measure the memory. */
#include "tests/compiler/kernel_harness.h"

#include "bench/probe.h"
#include "ir/numerics.h"

enum { MOST = 300 };

static void *aligned(size_t bytes) {
  void *p = aligned_alloc(64, (bytes + 63) / 64 * 64);
  if (!p) abort();
  memset(p, 0, (bytes + 63) / 64 * 64);
  return p;
}

static int bench(const ig_target *target, const ig_variant *variant, const char *format, uint32_t rows, uint64_t k, uint32_t tokens) {
  const ig_layout *layout = ig_layout_find(format);
  ingot_kernel_args args = {.dim = {[INGOT_DIM_TOKENS] = tokens}};
  if (!layout || !ig_units(layout, k, &args.dim[IG_LIN_UNITS], &args.dim[IG_LIN_ODD]))
    return fprintf(stderr, "no kernels for %s with k = %llu\n", format, (unsigned long long)k), 2;
  bool head = tokens == 0;
  if (head) args.dim[INGOT_DIM_TOKENS] = tokens = 1;
  ig_kernel_ref ref = {tokens == 1 ? IG_LINEAR_GEMV : IG_LINEAR_GEMM, layout, head ? ig_two_digits(layout->activation) : IG_ACT_F32};
  harness h;
  ig_roofline roofline;
  ig_diags diags = {0};
  if (!harness_open(&h, (harness_machine){target, variant, NULL}, &ref, 1) || !ig_roofline_open(&roofline, ig_platform_find("native"), variant, &diags))
    return 1;
  ingot_kernel_fn *kernel = harness_kernel(&h, &ref);
  ingot_kernel_info info;
  ig_kernel_info(&info, ref.family, layout, ref.activation);

  const ig_block_format *f = ig_format_find(format);
  uint32_t tiles = (rows + 15) / 16;
  args.dim[IG_LIN_TILES] = tiles;
  uint64_t w_bytes = harness_extent(&info.operand[1].bytes, args.dim), tile_bytes = w_bytes / tiles, state = 5;
  size_t source_bytes = 16 * k / f->block_values * f->block_bytes;
  uint8_t *source = malloc(source_bytes), *w = bench_memory(w_bytes);
  harness_weights(f, source, 16 * k / f->block_values, &state, -1);
  ig_pack_tile(layout, source, 16, k, w);
  for (uint32_t t = 1; t < tiles; t++) memcpy(w + t * tile_bytes, w, tile_bytes);
  uint64_t x_row = ig_activation_bytes(layout->activation, k);
  uint8_t *x = bench_memory(x_row * (head ? 2 : tokens));
  float *values = aligned(k * 4);
  for (uint32_t t = 0; t < (head ? 2 : tokens); t++) {
    for (uint64_t i = 0; i < k; i++) values[i] = harness_float(&state);
    if (layout->activation == IG_ACT_F32) memcpy(x + t * x_row, values, k * 4);
    else (layout->activation == IG_ACT_A32 ? ig_quantize_a32 : ig_quantize_a256)(values, k, x + t * x_row);
  }
  ingot_extent extent = ig_kernel_scratch(&ref, &h.schedule);
  void *scratch = bench_memory(harness_extent(&extent, args.dim) + 64);
  args.operand[0] = x, args.operand[1] = w, args.operand[2] = bench_memory((size_t)64 * tiles * tokens);

  double rates[MOST], shares[MOST], peaks[MOST];
  double ops = 2.0 * tiles * 16 * (double)k * tokens, bytes = (double)source_bytes * tiles;
  bool floats = layout->activation == IG_ACT_F32, one = tokens == 1;
  kernel(&args, scratch, 0, tiles);
  /* A piece of the weights at a time, so that the probe is never far in time; gemv's reads another piece, cold as well. */
  uint32_t pieces = one ? w_bytes > ((uint64_t)64 << 20) ? (uint32_t)(w_bytes >> 23) : 1 : tiles % 4 ? 1 : tiles / 4, n = one && pieces > 1 ? 3 * pieces : 101;
  if (n > MOST) n = MOST;
  double before = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t from = (uint32_t)((uint64_t)tiles * (i % pieces) / pieces), to = (uint32_t)((uint64_t)tiles * (i % pieces + 1) / pieces);
    const uint8_t *other = w + (uint64_t)tiles * ((i + pieces / 2) % pieces) / pieces * tile_bytes;
    double start = bench_now();
    int runs = 0;
    do kernel(&args, scratch, from, to), runs++;
    while (!one && bench_now() - start < 0.0005);
    double seconds = (bench_now() - start) / runs * (double)tiles / (to - from);
    double after = one ? bench_read(&roofline, other, (to - from) * tile_bytes) : bench_peak(&roofline, floats ? IG_PROBE_F32 : IG_PROBE_INT8);
    rates[i] = (one ? bytes : ops) / seconds;
    peaks[i] = i ? (before + after) / 2 : after;
    shares[i] = rates[i] / peaks[i];
    before = after;
  }
  double rate = bench_median(rates, (int)n), peak = bench_median(peaks, (int)n), share = bench_median(shares, (int)n);
  if (one)
    printf("%-10s %-5s %s %7u x %-5llu            %7.2f GB/s  of %6.2f  %5.1f %%\n", variant->name, format, head ? "head" : "gemv", rows, (unsigned long long)k,
           1e-9 * rate, 1e-9 * peak, 100 * share);
  else
    printf("%-10s %-5s gemm %7u x %-5llu x %-4u    %7.1f GOP/s of %6.1f  %5.1f %%\n", variant->name, format, rows, (unsigned long long)k, tokens, 1e-9 * rate,
           1e-9 * peak, 100 * share);
  fflush(stdout);
  ig_roofline_close(&roofline);
  harness_close(&h);
  return 0;
}

int main(int argc, char **argv) {
  ig_codegen_init();
  const ig_target *target = ig_target_find("native");
  const ig_variant *best = &target->variants[0];
  while (!harness_runs(best)) best++;
  if (argc == 5 || argc == 6) {
    const ig_variant *variant = argc == 6 ? ig_variant_find(target, argv[5]) : best;
    if (!variant || !harness_runs(variant)) return fprintf(stderr, "this CPU does not run %s\n", argv[5]), 2;
    return bench(target, variant, argv[1], (uint32_t)strtoul(argv[2], NULL, 10), strtoull(argv[3], NULL, 10), (uint32_t)strtoul(argv[4], NULL, 10));
  }
  if (argc != 1) return fputs("usage: bench_linear [FORMAT ROWS K TOKENS [VARIANT]]\n", stderr), 2;
  for (int i = 0; ig_layout_at(i); i++) {
    const ig_layout *l = ig_layout_at(i);
    uint32_t rows = (uint32_t)(((uint64_t)160 << 20) / (l->unit_bytes / 16 * 4096 / l->unit_values));
    bench(target, best, l->format, rows, 4096, 1);
    for (uint64_t k = 2048; k <= 8192; k *= 2) bench(target, best, l->format, 256, k, 240);
  }
  return 0;
}
