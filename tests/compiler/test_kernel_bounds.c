/* Kernels keep to the bytes that their rows state, whatever dims a plan gives them: random dims of which a row's limits are the only check,
 * random bytes as operands, each operand of exactly its stated extent between pages that fault. Numbers do not matter here. */
#include "tests/compiler/kernel_harness.h"

#include <signal.h>

enum { ROUNDS = 60, TRIES = 400, MOST_BYTES = 4 << 20, MOST_REFS = 256 };

static char running[256]; /* what the signal handler says */

static void faulted(int number) {
  (void)number;
  static const char end[] = ": touched a byte beyond what its row states\n";
  ssize_t ignored = write(2, running, strlen(running));
  ignored += write(2, end, sizeof end - 1);
  _exit(1 + (ignored < 0));
}

static uint64_t product(ingot_term t, const uint32_t *dim) {
  uint64_t value = t.scale;
  for (int d = 0; d < INGOT_MAX_DIMS; d++)
    if (t.dims >> d & 1) value *= dim[d];
  return value;
}

static bool within_limits(const ingot_kernel_info *info, const uint32_t *dim) {
  for (int i = 0; i < INGOT_MAX_LIMITS && info->limit[i].small.scale; i++)
    if (product(info->limit[i].small, dim) > product(info->limit[i].large, dim)) return false;
  return true;
}

/* Small numbers, zero among them, and now and then one that is large. */
static uint32_t any(uint64_t *state) {
  static const uint32_t some[] = {0, 1, 1, 1, 2, 2, 3, 4, 5, 6, 8, 9, 16, 17, 20, 40};
  uint32_t r = harness_random(state);
  return r % 97 == 0 ? r : some[r / 97 % (sizeof some / sizeof *some)];
}

static void draw(const ingot_kernel_info *info, uint32_t *dim, uint64_t *state) {
  uint32_t tokens = info->max_tokens ? info->max_tokens : 1 + harness_random(state) % 40, context = INGOT_KV_BLOCK * (1 + harness_random(state) % 2);
  memset(dim, 0, INGOT_MAX_DIMS * sizeof *dim);
  dim[INGOT_DIM_TOKENS] = tokens;
  dim[INGOT_DIM_CONTEXT] = context;
  dim[INGOT_DIM_POSITION] = harness_random(state) % (context - tokens + 1);
  dim[INGOT_DIM_BLOCKS] = (dim[INGOT_DIM_POSITION] + tokens + INGOT_KV_BLOCK - 1) / INGOT_KV_BLOCK;
  dim[INGOT_DIM_QUERY_TILES] = (tokens + INGOT_QUERY_TILE - 1) / INGOT_QUERY_TILE;
  for (uint32_t d = INGOT_DIM_STATIC; d < info->n_dims; d++) dim[d] = any(state);
}

static uint64_t bytes_of(const ingot_kernel_info *info, const ingot_extent *scratch, const uint32_t *dim) {
  uint64_t most = harness_extent(scratch, dim), tiles = harness_extent(&info->tiles, dim);
  for (int i = 0; i < INGOT_MAX_OPERANDS; i++) {
    uint64_t bytes = harness_extent(&info->operand[i].bytes, dim);
    if (bytes > most) most = bytes;
  }
  return tiles > 4096 ? UINT64_MAX : most;
}

static void *random_buffer(harness *h, uint64_t size, uint64_t *state) {
  uint8_t *p = harness_buffer(h, size);
  for (uint64_t i = 0; i < size; i++) p[i] = (uint8_t)(harness_random(state) >> 8);
  return p;
}

/* harness_buffer fills what lies between the operand and the page behind it. */
static bool tail_is_whole(const void *buffer, uint64_t size) {
  const uint8_t *p = buffer;
  for (uint64_t i = size; i % 64; i++)
    if (p[i] != 0xa5) return false;
  return true;
}

static int test(harness *h, const ig_kernel_ref *ref, uint64_t *state, int *ran) {
  ingot_kernel_info info;
  ig_kernel_info(&info, ref->family, ref->layout, ref->activation);
  const ingot_extent scratch = ig_kernel_scratch(ref, &h->schedule);
  ingot_kernel_fn *kernel = harness_kernel(h, ref);
  int failures = 0, rounds = 0;
  for (int i = 0; i < TRIES * ROUNDS && rounds < ROUNDS; i++) {
    ingot_kernel_args args = {0};
    uint64_t size[INGOT_MAX_OPERANDS + 1];
    draw(&info, args.dim, state);
    if (!within_limits(&info, args.dim) || bytes_of(&info, &scratch, args.dim) > MOST_BYTES) continue;
    rounds++;
    int used = snprintf(running, sizeof running, "%s of %s with dims", info.name, h->variant->name);
    for (uint32_t d = 0; d < info.n_dims && used < (int)sizeof running - 12; d++) used += snprintf(running + used, 12, " %u", args.dim[d]);
    for (int o = 0; o < INGOT_MAX_OPERANDS && info.operand[o].access; o++)
      args.operand[o] = random_buffer(h, size[o] = harness_extent(&info.operand[o].bytes, args.dim), state);
    size[INGOT_MAX_OPERANDS] = harness_extent(&scratch, args.dim);
    void *own = harness_buffer(h, size[INGOT_MAX_OPERANDS]);
    uint32_t tiles = (uint32_t)harness_extent(&info.tiles, args.dim);
    if (tiles) kernel(&args, own, 0, tiles);
    bool whole = tail_is_whole(own, size[INGOT_MAX_OPERANDS]);
    for (int o = 0; o < INGOT_MAX_OPERANDS && info.operand[o].access; o++) whole &= tail_is_whole(args.operand[o], size[o]);
    if (!whole) failures++, printf("%s: wrote beyond what its row states\n", running);
    harness_free(h);
  }
  *ran += rounds;
  if (!rounds) failures++, printf("%s: no dims keep its limits\n", info.name);
  return failures;
}

static uint32_t all_kernels(ig_kernel_ref *refs) {
  static const ig_family per_format[] = {IG_EMBED,        IG_LINEAR_GEMV,  IG_LINEAR_GEMM,      IG_GLU_GEMV,        IG_GLU_GEMM,
                                         IG_EXPERTS_GEMV, IG_EXPERTS_GEMM, IG_EXPERTS_SUM_GEMV, IG_EXPERTS_SUM_GEMM};
  static const ig_family once[] = {IG_GLU,
                                   IG_GEGLU,
                                   IG_NORM_ADD,
                                   IG_SCALE,
                                   IG_SOFTCAP,
                                   IG_ROUTE,
                                   IG_GROUP,
                                   IG_GATHER,
                                   IG_EXPERTS_GLU,
                                   IG_ROPE_KV,
                                   IG_ATTENTION,
                                   IG_ATTENTION_DECODE,
                                   IG_ATTENTION_CAPPED,
                                   IG_ATTENTION_DECODE_CAPPED,
                                   IG_ATTENTION_MERGE};
  uint32_t n = 0;
  for (int i = 0; ig_layout_at(i); i++)
    for (size_t f = 0; f < sizeof per_format / sizeof *per_format; f++)
      if (per_format[f] < IG_EXPERTS_GEMV || i % 4 == 0) {
        const ig_layout *layout = ig_layout_at(i);
        refs[n++] = (ig_kernel_ref){per_format[f], layout, IG_ACT_F32};
        if (layout->activation != IG_ACT_F32 && per_format[f] != IG_EMBED)
          refs[n++] = (ig_kernel_ref){per_format[f], layout, ig_two_digits(layout->activation)};
      }
  for (int a = IG_ACT_F32; a <= IG_ACT_A256X2; a++) refs[n++] = (ig_kernel_ref){IG_NORM, NULL, (ig_activation)a};
  for (int a = IG_ACT_A32; a <= IG_ACT_A256X2; a++) refs[n++] = (ig_kernel_ref){IG_QUANT, NULL, (ig_activation)a};
  for (size_t f = 0; f < sizeof once / sizeof *once; f++) refs[n++] = (ig_kernel_ref){once[f], NULL, IG_ACT_F32};
  return n;
}

int main(void) {
  ig_kernel_ref refs[MOST_REFS];
  uint32_t n = all_kernels(refs);
  ig_codegen_init();
  const ig_target *target = ig_target_find("x86_64");
  uint64_t state = 7;
  int failures = 0, ran = 0, variants = 0;
  signal(SIGSEGV, faulted), signal(SIGBUS, faulted), signal(SIGFPE, faulted);
  for (uint32_t v = 0; v < target->n_variants; v++) {
    harness h;
    if (!harness_runs(&target->variants[v])) continue;
    if (!harness_open(&h, (harness_machine){target, &target->variants[v], NULL}, refs, n)) return 1;
    for (uint32_t r = 0; r < n; r++) failures += test(&h, &refs[r], &state, &ran);
    harness_close(&h);
    variants++;
  }
  printf("%u kernels on %d variants, %d calls, %d failures\n", n, variants, ran, failures);
  return failures || !variants;
}
