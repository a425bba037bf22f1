/* The matrix products of every format on every variant that this CPU runs, bit for bit against the order of ir/numerics.h. */
#include "tests/compiler/kernel_harness.h"

#include <math.h>

#include "ir/numerics.h"

static int failures;

static const ig_family families[] = {IG_LINEAR_GEMM, IG_GLU_GEMM, IG_LINEAR_GEMV, IG_GLU_GEMV, IG_GEGLU_GEMM, IG_GEGLU_GEMV};
enum { SCHEDULED = 2, FAMILIES = sizeof families / sizeof *families }; /* the first two take numbers of the schedule */

/* ---- the reference ---- */

static bool one_rounding; /* of the variant under test */
static float fma_of(float a, float b, float c) { return one_rounding ? fmaf(a, b, c) : a * b + c; }

static float dot_float(const ig_block_format *f, const uint8_t *w, const float *x, uint64_t k) {
  float s[4] = {0, 0, 0, 0}, value;
  for (uint64_t i = 0; i < k; i++) {
    f->decode(f, w + i * f->block_bytes, &value, 1);
    s[i % 4] = fma_of(x[i], value, s[i % 4]);
  }
  return (s[0] + s[1]) + (s[2] + s[3]);
}

static float dot_blocks(const ig_block_format *f, const uint8_t *w, const uint8_t *x, uint64_t k) {
  float acc = 0;
  uint32_t n = f->block_values, x_bytes = n == 256 ? 352 : 40, scale_at = n == 256 ? 336 : 32;
  for (uint64_t b = 0; b < k / n; b++, w += f->block_bytes, x += x_bytes) {
    ig_block block;
    f->unpack(w, &block);
    int32_t i = 0, m = 0;
    for (uint32_t v = 0; v < n; v++) {
      uint32_t j = v / f->sub_values;
      i += block.scale[j] * block.q[v] * (int8_t)x[v];
      m += block.min[j] * (int8_t)x[v];
    }
    float scale = ig_load_f32(x + scale_at);
    acc = fma_of(block.d * scale, (float)i, acc);
    acc = fma_of(-(block.dmin * scale), (float)m, acc); /* changes nothing where the format has no minima */
  }
  return acc;
}

/* ---- one case ---- */

typedef struct shape {
  uint32_t tiles, tokens;
  uint64_t k;
  int fill;
  float x;
} shape; /* x: 0 random, else every x */

typedef struct problem {
  const ig_layout *layout;
  const ig_block_format *format;
  shape s;
  uint64_t row_bytes, x_row, tile_bytes;
  uint8_t *rows[2], *packed[2], *x;
  float *dots[2]; /* [tokens][16 tiles] */
} problem;

static void finish(problem *p) {
  for (int i = 0; i < 2; i++) free(p->rows[i]), free(p->dots[i]);
}

static void prepare(problem *p, harness *h, const ig_layout *layout, shape s, uint64_t *state) {
  const ig_block_format *f = ig_format_find(layout->format);
  uint32_t units, odd, n_rows = 16 * s.tiles;
  if (!ig_units(layout, s.k, &units, &odd)) abort();
  *p = (problem){.layout = layout, .format = f, .s = s, .row_bytes = s.k / f->block_values * f->block_bytes};
  p->tile_bytes = (uint64_t)layout->unit_bytes * units + (uint64_t)layout->odd_bytes * odd;
  p->x_row = ig_activation_bytes(layout->activation, s.k);
  uint64_t padded = (s.k + 15) / 16 * 16;
  float *x = calloc(padded, sizeof *x);
  p->x = harness_buffer(h, p->x_row * s.tokens);
  for (uint32_t t = 0; t < s.tokens; t++) {
    for (uint64_t i = 0; i < s.k; i++) x[i] = s.x != 0 ? s.x : harness_float(state);
    uint8_t *to = p->x + t * p->x_row;
    if (layout->activation == IG_ACT_F32) memcpy(to, x, padded * 4);
    else (layout->activation == IG_ACT_A32 ? ig_quantize_a32 : ig_quantize_a256)(x, s.k, to);
  }
  free(x);
  for (int i = 0; i < 2; i++) {
    p->rows[i] = malloc(p->row_bytes * n_rows);
    p->packed[i] = harness_buffer(h, p->tile_bytes * s.tiles);
    p->dots[i] = malloc(sizeof(float) * n_rows * s.tokens);
    harness_weights(f, p->rows[i], s.k / f->block_values * n_rows, state, s.fill);
    for (uint32_t t = 0; t < s.tiles; t++)
      if (!ig_pack_tile(layout, p->rows[i] + p->row_bytes * 16 * t, 16, s.k, p->packed[i] + p->tile_bytes * t)) abort();
    for (uint32_t t = 0; t < s.tokens; t++)
      for (uint32_t r = 0; r < n_rows; r++) {
        const uint8_t *w = p->rows[i] + p->row_bytes * r, *xt = p->x + p->x_row * t;
        p->dots[i][(size_t)t * n_rows + r] = f->unpack ? dot_blocks(f, w, xt, s.k) : dot_float(f, w, (const float *)(const void *)xt, s.k);
      }
  }
}

/* Value `i` of the product with weight `which`, of a token of one digit or two, which are two rows of x. */
static float product_at(const problem *p, int which, uint32_t i, uint32_t digits) {
  const uint32_t n = 16 * p->s.tiles, first = i / n * digits * n + i % n;
  return digits == 2 ? p->dots[which][first] + p->dots[which][first + n] : p->dots[which][first];
}

static void check(const problem *p, harness *h, const char *kernel, const float *y, const float *before, const float *bias, bool glu, bool gelu, bool add,
                  uint32_t digits) {
  uint32_t n = 16 * p->s.tiles;
  for (uint32_t i = 0; i < n * (p->s.tokens / digits); i++) {
    float product = product_at(p, 0, i, digits), want = product;
    if (glu) want = (gelu ? ig_gelu(want) : ig_silu(want)) * product_at(p, 1, i, digits);
    if (bias) want += bias[i % n];
    if (add) want = before[i] + want;
    bool same = ig_f32_bits(y[i]) == ig_f32_bits(want);
    float power = fabsf(product) * (gelu ? IG_GELU_LINE + IG_GELU_CUBE * product * product : 1);
    if (glu && !h->variant->fma) same = fabsf(y[i] - want) <= (1e-6f + 2e-7f * power) * fabsf(want); /* exp, and its argument, round twice there */
    if (same) continue;
    printf("%s %s: %u tiles, %u tokens, k %llu, fill %d: row %u token %u is %a, not %a\n", h->variant->name, kernel, p->s.tiles, p->s.tokens,
           (unsigned long long)p->s.k, p->s.fill, i % n, i / n, (double)y[i], (double)want);
    failures++;
    return;
  }
}

/* Formats of which each differs in how it goes through the skeletons: schedules and gated products with these, the other products with all. */
static bool goes_its_own_way(const ig_layout *layout) {
  static const char *const formats[] = {"f32", "q8_0", "q5_1", "mxfp4", "q2_k", "iq4_xs", "tq2_0"};
  for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
    if (!strcmp(formats[i], layout->format)) return true;
  return false;
}

static bool is_geglu(ig_family family) { return family == IG_GEGLU_GEMV || family == IG_GEGLU_GEMM; }
static bool is_glu(ig_family family) { return family == IG_GLU_GEMV || family == IG_GLU_GEMM || is_geglu(family); }

static void run_case(harness *h, const ig_layout *layout, size_t n_families, shape s, uint64_t *state) {
  problem p;
  prepare(&p, h, layout, s, state);
  uint64_t y_bytes = 64ull * s.tiles * s.tokens;
  float *y = harness_buffer(h, y_bytes), *bias = harness_buffer(h, 64ull * s.tiles), *before = malloc(y_bytes);
  for (uint32_t i = 0; i < 16 * s.tiles; i++) bias[i] = harness_float(state);
  for (uint64_t i = 0; i < y_bytes / 4; i++) before[i] = harness_float(state);
  for (size_t n = 0; n < 2 * n_families; n++) {
    ig_family family = families[n / 2];
    if (is_glu(family) && !goes_its_own_way(layout)) continue;
    bool glu = is_glu(family);
    ig_kernel_ref ref = {family, layout, n % 2 ? ig_two_digits(layout->activation) : IG_ACT_F32};
    const uint32_t digits = (uint32_t)ig_digits(&ref), tokens = s.tokens / digits;
    if (n % 2 && digits == 1) continue; /* floats */
    if (digits == 2 && h->remote.process && !goes_its_own_way(layout)) continue; /* emulated: some */
    if (s.tokens % digits || (tokens > 1 && (family == IG_LINEAR_GEMV || family == IG_GLU_GEMV || family == IG_GEGLU_GEMV))) continue;
    ingot_kernel_info info;
    ig_kernel_info(&info, family, layout, ref.activation);
    ingot_kernel_args args = {.operand = {p.x, p.packed[0], y, NULL}};
    if (glu) args.operand[2] = p.packed[1], args.operand[3] = y;
    uint32_t *dim = args.dim;
    dim[INGOT_DIM_TOKENS] = tokens;
    ig_units(layout, s.k, &dim[IG_LIN_UNITS], &dim[IG_LIN_ODD]);
    dim[IG_LIN_TILES] = s.tiles;
    uint64_t y_size = 64ull * s.tiles * tokens, sizes[4] = {p.x_row * s.tokens, p.tile_bytes * s.tiles, glu ? p.tile_bytes * s.tiles : y_size, y_size};
    for (int i = 0; i < (glu ? 4 : 3); i++)
      if (harness_extent(&info.operand[i].bytes, dim) != sizes[i]) printf("%s: operand %d is not as large as its row says\n", info.name, i), failures++;
    ingot_extent scratch_extent = ig_kernel_scratch(&ref, &h->schedule);
    void *scratch = harness_buffer(h, harness_extent(&scratch_extent, dim));
    for (uint32_t epilogue = 0; epilogue < (glu ? 1 : 4); epilogue++)
      for (uint32_t cut = 0; cut < 2; cut++) { /* whole, and cut after the first tile */
        bool add = epilogue & 1, biased = epilogue & 2;
        if (!glu) dim[IG_LIN_EPILOGUE] = add, dim[IG_LIN_BIASED] = biased, args.operand[3] = biased ? bias : NULL;
        memcpy(y, before, y_bytes);
        if (cut) harness_call(h, &ref, &args, scratch, 0, 1);
        harness_call(h, &ref, &args, scratch, cut, s.tiles);
        check(&p, h, info.name, y, before, biased ? bias : NULL, glu, is_geglu(family), add, digits);
      }
  }
  free(before);
  finish(&p);
  harness_free(h);
}

static void run_format(harness *h, const ig_layout *layout) {
  uint64_t state = 1, unit = layout->unit_values;
  static const uint32_t tokens[] = {1, 2, 3, 5, 6, 7, 17}, tiles[] = {1, 2, 3, 5};
  for (size_t i = 0; i < sizeof tokens / sizeof *tokens; i++)
    for (size_t j = 0; j < sizeof tiles / sizeof *tiles; j++) {
      if (h->remote.process && (i + j) % 3) continue; /* emulated: some */
      uint64_t k = unit * (1 + (i + j) % 3);
      if (layout->odd_values && (i + j) % 2) k -= layout->odd_values * (1 + (i + j) / 2 % (unit / layout->odd_values - 1));
      if (layout->activation == IG_ACT_F32) k -= (3 * i + j) % 16;
      run_case(h, layout, FAMILIES, (shape){tiles[j], tokens[i], k, -1, 0}, &state);
    }
  /* the ends of what blocks and activations hold */
  static const int fills[] = {0, 255, 128, 127, 0x0f, 0xf0};
  for (size_t i = 0; layout->activation != IG_ACT_F32 && i < sizeof fills / sizeof *fills; i++)
    for (int sign = -1; sign <= 1 && (!h->remote.process || i % 2 == 0); sign += 2)
      run_case(h, layout, FAMILIES, (shape){1, 1 + (uint32_t)i, unit, fills[i], (float)sign}, &state);
}

/* Whatever a schedule says, the same bits: tiles that fit nothing evenly, high panels, blocks of K that end before and with it. */
static const char *const schedules[] = {
  "for _, v in ipairs(target.variants) do kernel {op = {'linear', 'glu'}, phase = 'prefill', variant = v.name, rows = 1, tokens = 1, panel = 3} end",
  "kernel {op = {'linear', 'glu'}, phase = 'prefill', format = quants, k_block = 256, panel = 2}",
  "kernel {op = {'linear', 'glu'}, phase = 'prefill', format = quants, k_block = 512}\n"
  "kernel {op = {'linear', 'glu'}, phase = 'prefill', variant = 'avx512vnni', rows = 1, tokens = 7}",
  "kernel {op = {'linear', 'glu'}, phase = 'prefill', format = quants, variant = 'avx512vnni', rows = 2, tokens = 12, panel = 2, k_block = 256}\n"
  "kernel {op = {'linear', 'glu'}, phase = 'prefill', format = quants, variant = variants_where(function(v) return v.lanes == 8 end), rows = 2, tokens = 3, "
  "k_block = 256}",
};

static const ig_layout *layout_at(harness_machine m, int i) { return ig_layout_in(m.target->layout, ig_layout_at(i)->format); }

/* The kernels of one digit and, where x is quantised, of two. */
static uint32_t with_digits(ig_kernel_ref *refs, uint32_t n, ig_family family, const ig_layout *layout) {
  refs[n++] = (ig_kernel_ref){family, layout, IG_ACT_F32};
  if (layout->activation != IG_ACT_F32) refs[n++] = (ig_kernel_ref){family, layout, ig_two_digits(layout->activation)};
  return n;
}

static void run_schedule(harness_machine m, const char *rules, ig_brevity brevity) {
  static const struct {
    uint32_t tiles, tokens, k;
  } sizes[] = {{1, 1, 256}, {2, 13, 512}, {3, 5, 768}, {5, 7, 1280}, {4, 12, 1536}, {7, 3, 256}};
  ig_kernel_ref refs[64];
  uint32_t n = 0;
  for (int i = 0; ig_layout_at(i) && brevity == IG_SMALL; i++)
    if (goes_its_own_way(ig_layout_at(i))) refs[n++] = (ig_kernel_ref){IG_PRODUCT, layout_at(m, i), IG_ACT_F32};
  for (int i = 0; ig_layout_at(i); i++)
    for (int f = 0; f < SCHEDULED && goes_its_own_way(ig_layout_at(i)); f++) n = with_digits(refs, n, families[f], layout_at(m, i));
  harness h;
  uint64_t state = 3;
  if (!harness_open_as(&h, m, rules, brevity, refs, n)) {
    failures++;
    return;
  }
  for (int i = 0; ig_layout_at(i); i++)
    for (size_t s = 0; s < sizeof sizes / sizeof *sizes && goes_its_own_way(ig_layout_at(i)); s++) {
      const ig_layout *layout = layout_at(m, i);
      uint64_t unit = layout->unit_values, k = (sizes[s].k + unit - 1) / unit * unit + (s % 2 ? layout->odd_values : 0);
      run_case(&h, layout, SCHEDULED, (shape){sizes[s].tiles, sizes[s].tokens, k, -1, 0}, &state);
    }
  harness_close(&h);
}

int main(int argc, char **argv) {
  ig_codegen_init();
  harness_machine machines[HARNESS_MOST_MACHINES];
  int n_machines = harness_machines(argc, argv, machines);
  for (int v = 0; v < n_machines; v++) {
    harness_machine m = machines[v];
    one_rounding = m.variant->fma;
    ig_kernel_ref refs[160];
    uint32_t n = 0;
    for (int i = 0; ig_layout_at(i); i++)
      for (size_t f = 0; f < FAMILIES; f++)
        if (!is_glu(families[f]) || goes_its_own_way(ig_layout_at(i))) n = with_digits(refs, n, families[f], layout_at(m, i));
    harness h;
    if (!harness_open(&h, m, refs, n)) return 1;
    for (int i = 0; ig_layout_at(i); i++) run_format(&h, layout_at(m, i));
    harness_close(&h);
    for (size_t i = 0; i < sizeof schedules / sizeof *schedules; i++)
      if (!m.cpu || i == 1) run_schedule(m, schedules[i], IG_FAST);
    run_schedule(m, NULL, IG_SMALL);
  }
  printf("%d failures\n", failures);
  return n_machines ? failures != 0 : HARNESS_SKIPPED;
}
