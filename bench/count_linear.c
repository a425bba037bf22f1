/* count_linear PLUGIN VARIANT [FORMAT [ROWS K TOKENS]]: instructions that Arm kernels take for a product of a weight and an activation, counted by
 * qemu-aarch64 with count_plugin.c: quantising the activations and the product with all that it does (expanding weights, packing tokens), as the
 * difference of two runs with the same operands, of which one does no tile. Without sizes: 2048 x 2048 by 1, 64 and 512 tokens; without a format: all. */
#include "tests/compiler/kernel_harness.h"

#include <inttypes.h>

typedef struct count {
  uint64_t all, dots;
} count;

enum { MOST_KERNELS = 2 };

/* All tiles of the kernels, or none, in a process of their own. */
static bool run(const char *plugin, harness_machine m, const ig_kernel_ref *refs, const uint32_t dim[][INGOT_MAX_DIMS], uint32_t n, bool tiles, count *c) {
  char option[512], path[] = "/tmp/ingot-count.XXXXXX";
  int file = mkstemp(path);
  harness h;
  if (file < 0) return false;
  snprintf(option, sizeof option, "%s,to=%s", plugin, path);
  setenv("QEMU_PLUGIN", option, 1);
  if (!harness_open(&h, m, refs, n)) return false;
  for (uint32_t i = 0; i < n; i++) {
    ingot_kernel_info info;
    ingot_kernel_args args = {{NULL}, {0}};
    ig_kernel_info(&info, refs[i].family, refs[i].layout, refs[i].activation);
    memcpy(args.dim, dim[i], sizeof args.dim);
    for (int o = 0; o < INGOT_MAX_OPERANDS && info.operand[o].access; o++) {
      uint64_t bytes = harness_extent(&info.operand[o].bytes, dim[i]);
      if (bytes) args.operand[o] = memset(harness_buffer(&h, bytes), 0, bytes);
    }
    harness_call(&h, &refs[i], &args, NULL, 0, tiles ? (uint32_t)harness_extent(&info.tiles, dim[i]) : 0);
    harness_free(&h);
  }
  harness_close(&h);
  FILE *f = fdopen(file, "r");
  bool ok = f && fscanf(f, "%" SCNu64 " %" SCNu64, &c->all, &c->dots) == 2;
  if (f) fclose(f);
  unlink(path);
  if (!ok) fprintf(stderr, "%s counted nothing\n", plugin);
  return ok;
}

static bool report(const char *plugin, harness_machine m, const ig_layout *layout, uint32_t rows, uint64_t k, uint32_t tokens) {
  uint32_t dim[MOST_KERNELS][INGOT_MAX_DIMS] = {{[INGOT_DIM_TOKENS] = tokens, [IG_LIN_TILES] = (rows + 15) / 16}, {[INGOT_DIM_TOKENS] = tokens}};
  bool floats = layout->activation == IG_ACT_F32;
  if (!ig_units(layout, k, &dim[0][IG_LIN_UNITS], &dim[0][IG_LIN_ODD])) return false;
  if (!floats) dim[1][IG_D0] = (uint32_t)(k / ig_activation_block(layout->activation));
  const ig_kernel_ref refs[MOST_KERNELS] = {{tokens == 1 ? IG_LINEAR_GEMV : IG_LINEAR_GEMM, layout, IG_ACT_F32}, {IG_QUANT, NULL, layout->activation}};
  count none, all;
  if (!run(plugin, m, refs, dim, floats ? 1 : 2, false, &none) || !run(plugin, m, refs, dim, floats ? 1 : 2, true, &all)) return false;
  double products = 16.0 * dim[0][IG_LIN_TILES] * (double)k * tokens, instructions = (double)(all.all - none.all);
  printf("%-8s %-6s %5u x %-5llu x %-4u %7.4f instructions a product, %4.1f %% of them sdot or smmla\n", m.variant->name, layout->format,
         16 * dim[0][IG_LIN_TILES], (unsigned long long)k, tokens, instructions / products, 100.0 * (double)(all.dots - none.dots) / instructions);
  fflush(stdout);
  return true;
}

int main(int argc, char **argv) {
  static const uint32_t tokens[] = {1, 64, 512};
  harness_machine machines[HARNESS_MOST_MACHINES];
  ig_codegen_init();
  setenv("INGOT_SOURCE", COUNT_SOURCE, 0); /* where the emulated side is compiled from */
  if (argc != 3 && argc != 4 && argc != 7) return fputs("usage: count_linear PLUGIN VARIANT [FORMAT [ROWS K TOKENS]]\n", stderr), 2;
  char *machine[] = {argv[0], "aarch64", argv[2]};
  if (harness_machines(3, machine, machines) < 1) return fprintf(stderr, "no emulated machine for %s\n", argv[2]), 2;
  bool ok = true;
  for (int i = 0; ig_layout_at(i); i++) {
    const ig_layout *layout = ig_layout_in(machines[0].target->layout, ig_layout_at(i)->format);
    if (argc > 3 && strcmp(layout->format, argv[3])) continue;
    if (argc == 7)
      ok = report(argv[1], machines[0], layout, (uint32_t)strtoul(argv[4], NULL, 10), strtoull(argv[5], NULL, 10), (uint32_t)strtoul(argv[6], NULL, 10));
    for (int t = 0; ok && argc < 7 && t < 3; t++) ok = report(argv[1], machines[0], layout, 2048, 2048, tokens[t]);
  }
  return !ok;
}
