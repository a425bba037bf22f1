/* Mixtures of experts on every variant: the small kernels bit for bit against their references, whatever the scores are; the products of chosen
 * experts in every format that goes its own way against ig_ref_linear, for one token and for many. */
#include "tests/compiler/kernel_case.h"

#include <math.h>

#include "ir/numerics.h"
#include "ir/reference.h"

static int failures;
enum { USED_MOST = IG_EXPERTS_MOST };

/* ---- route, group, gather, product ------------------------------------------------------------------------------------ */

typedef enum scores { RANDOM, EQUAL, NANS, INFINITE, ZEROS, SCORES } scores;
static float score(scores kind, uint32_t i, uint64_t *state) {
  float x = 8 * harness_float(state);
  switch (kind) {
  case EQUAL: return (float)(i % 3);
  case NANS: return i % 2 ? x : ig_f32_of_bits(i % 4 ? 0x7fc00001u : 0xffffffffu);
  case INFINITE: return i % 5 == 1 ? INFINITY : i % 5 == 2 ? -INFINITY : x;
  case ZEROS: return i % 2 ? 0.0f : -0.0f;
  default: return x;
  }
}

/* What the order of numerics.h says, told another way: as many pairs (key, number) as are used, from the highest. */
static bool chosen_right(const float *s, uint32_t n, uint32_t used, const uint32_t *ids) {
  for (uint32_t i = 0; i < used; i++) {
    if (ids[i] >= n || (i && ids[i] <= ids[i - 1])) return false;
    for (uint32_t other = 0; other < n; other++) {
      bool chosen = false;
      for (uint32_t k = 0; k < used; k++) chosen |= ids[k] == other;
      float a = s[ids[i]], b = s[other];
      if (!chosen && (b > a || (isnan(a) && !isnan(b)))) return false;
    }
  }
  return true;
}

static void run_route(harness *h, const ig_target *target, scores kind, uint32_t experts, uint32_t used, uint32_t tokens, uint64_t *state) {
  uint32_t e16 = (experts + 15) / 16 + experts % 2;
  uint32_t dim[INGOT_MAX_DIMS] = {[INGOT_DIM_TOKENS] = tokens, [IG_D0] = experts, [IG_D0 + 1] = used, [IG_D0 + 2] = e16};
  kernel_case route, group, gather;
  case_open(&route, h, (ig_kernel_ref){IG_ROUTE, NULL, IG_ACT_F32}, target, dim, NULL);
  float *s = route.args.operand[0];
  for (uint32_t i = 0; i < tokens * 16 * e16; i++) s[i] = i % (16 * e16) < experts ? score(kind, i, state) : 1e9f; /* padding is no expert */
  bool same = case_run(&route);
  for (uint32_t t = 0; t < tokens; t++) same &= chosen_right(s + t * 16 * e16, experts, used, (const uint32_t *)route.args.operand[1] + t * 32);

  dim[IG_D0 + 2] = 0;
  case_open(&group, h, (ig_kernel_ref){IG_GROUP, NULL, IG_ACT_F32}, target, dim, (void *[8]){route.args.operand[1]});
  group.tiles = 1; /* not shared out */
  ingot_kernel_args expected = group.args;
  for (int i = 1; i < 4; i++) expected.operand[i] = harness_buffer(h, group.size[i]), memset(expected.operand[i], 0xff, group.size[i]);
  harness_call(h, &group.ref, &group.args, group.scratch, 0, 1);
  same &= ig_reference(&group.ref, &expected, 0, 1, true);
  for (int i = 1; i < 4; i++) same &= !memcmp(group.args.operand[i], expected.operand[i], group.size[i]);

  uint32_t row[INGOT_MAX_DIMS] = {[INGOT_DIM_TOKENS] = tokens, [IG_D0] = used, [IG_D0 + 1] = 5 + experts};
  case_open(&gather, h, (ig_kernel_ref){IG_GATHER, NULL, IG_ACT_F32}, target, row, (void *[8]){NULL, group.args.operand[3]});
  uint32_t *words = gather.args.operand[0];
  for (uint64_t i = 0; i < gather.size[0] / 4; i++) words[i] = harness_random(state);
  same &= case_run(&gather);
  if (!same) failures++, printf("FAIL routing of %u of %u experts, %u tokens, scores %d\n", used, experts, tokens, (int)kind);
  harness_free(h);
}

static void run_glu(harness *h, const ig_target *target, uint32_t n16, uint32_t tokens, float alpha, float limit, float shift, bool in_place, uint64_t *state) {
  uint32_t dim[INGOT_MAX_DIMS] = {
    [INGOT_DIM_TOKENS] = tokens, [IG_D0] = n16, [IG_D0 + 1] = case_bits(alpha), [IG_D0 + 2] = case_bits(limit), [IG_D0 + 3] = case_bits(shift)};
  kernel_case c;
  case_open(&c, h, (ig_kernel_ref){IG_EXPERTS_GLU, NULL, IG_ACT_F32}, target, dim, NULL);
  case_fill(&c, 1, 16 * n16, 16 * n16, 20, state), case_fill(&c, 2, 16 * n16, 16 * n16, 20, state);
  ((float *)c.args.operand[2])[3] = NAN;
  bool same = case_run(&c);
  float *separate = c.args.operand[0], *gate = c.args.operand[1];
  if (in_place && c.size[0]) {
    ingot_kernel_args args = c.args;
    args.operand[0] = gate;
    harness_call(h, &c.ref, &args, c.scratch, 0, tokens);
    same &= !memcmp(gate, separate, c.size[0]);
  }
  if (!same) failures++, printf("FAIL experts_glu, %u tokens of %u\n", tokens, 16 * n16);
  harness_free(h);
}

/* ---- products --------------------------------------------------------------------------------------------------------- */

static const char *const formats[] = {"f32", "f16", "q8_0", "q5_1", "mxfp4", "q2_k", "q4_k", "q6_k", "tq2_0"};
enum { FORMATS = sizeof formats / sizeof *formats };
static const ig_family products[] = {IG_EXPERTS_GEMV, IG_EXPERTS_SUM_GEMV, IG_EXPERTS_GEMM, IG_EXPERTS_SUM_GEMM};

typedef struct shape {
  uint32_t experts, used, rows, tokens;
  uint64_t k;
  bool biased;
} shape;

/* Each token's choices, from the lowest number up; with `uneven` all tokens take the same. */
static void choose(const shape *s, bool uneven, uint8_t *choices, uint64_t *state) {
  for (uint32_t t = 0; t < s->tokens; t++, choices += 128) {
    uint32_t ids[USED_MOST] = {0}, n = 0;
    float weights[USED_MOST] = {0};
    for (uint32_t e = 0; e < s->experts && n < s->used; e++)
      if (s->experts - e == s->used - n || harness_random(state) % s->experts < s->used) ids[n] = uneven ? n : e, weights[n++] = harness_float(state);
    memcpy(choices, ids, 64), memcpy(choices + 64, weights, 64);
  }
}

typedef struct problem {
  shape s;
  const ig_layout *layout;
  const ig_block_format *format;
  uint64_t row_bytes;
  uint8_t *weights;             /* [experts][rows] as in a model file */
  float *x, *bias;              /* [tokens or slots][k]; [experts][16 tiles] */
  uint8_t *choices;
} problem;

static const float *expert_row(const problem *p, uint32_t expert, const float *x, float *v) {
  ig_ref_linear(p->format, p->weights + expert * p->s.rows * p->row_bytes, p->s.rows, p->s.k, x, 1, v, p->s.rows,
                p->s.biased ? p->bias + expert * ((p->s.rows + 15) / 16 * 16) : NULL, false, 1);
  return v;
}

static void activations(const problem *p, const float *x, size_t rows, uint8_t *to) {
  uint64_t padded = (p->s.k + 15) / 16 * 16, bytes = ig_activation_bytes(p->layout->activation, p->s.k);
  float *row = calloc(padded, sizeof *row);
  for (size_t t = 0; t < rows; t++, to += bytes) {
    memcpy(row, x + t * p->s.k, p->s.k * sizeof *row);
    if (p->layout->activation == IG_ACT_F32) memcpy(to, row, bytes);
    else (p->layout->activation == IG_ACT_A32 ? ig_quantize_a32 : ig_quantize_a256)(row, p->s.k, to);
  }
  free(row);
}

static void check_rows(const problem *p, const harness *h, const char *kernel, const float *got, const float *want, size_t n) {
  for (size_t i = 0; i < n; i++) {
    bool same = ig_f32_bits(got[i]) == ig_f32_bits(want[i]) || (!h->variant->fma && fabsf(got[i] - want[i]) <= 1e-4f * (1 + fabsf(want[i])));
    if (same) continue;
    failures++;
    printf("FAIL %s %s: %u of %u experts, %u x %llu, %u tokens: value %zu is %a, not %a\n", h->variant->name, kernel, p->s.used, p->s.experts, p->s.rows,
           (unsigned long long)p->s.k, p->s.tokens, i, (double)got[i], (double)want[i]);
    return;
  }
}

/* One call of a product: all tiles, then again in two shares. */
static void run_product(harness *h, const problem *p, ig_family family, void *packed, void *bias, uint64_t *state) {
  const shape *s = &p->s;
  const bool many = family == IG_EXPERTS_GEMM || family == IG_EXPERTS_SUM_GEMM, sums = family == IG_EXPERTS_SUM_GEMV || family == IG_EXPERTS_SUM_GEMM;
  if (!many && s->tokens > 1) return;
  uint32_t tiles = (s->rows + 15) / 16, slots = s->tokens * s->used, n = 16 * tiles, before = (uint32_t)h->n_buffers;
  ig_kernel_ref ref = {family, p->layout, IG_ACT_F32};
  ingot_kernel_info info;
  ig_kernel_info(&info, family, p->layout, IG_ACT_F32);
  ingot_kernel_args args = {
    .dim = {[INGOT_DIM_TOKENS] = s->tokens, [IG_LIN_TILES] = tiles, [IG_EXP_EXPERTS] = s->experts, [IG_EXP_BIASED] = s->biased, [IG_EXP_USED] = s->used}};
  ig_units(p->layout, s->k, &args.dim[IG_LIN_UNITS], &args.dim[IG_LIN_ODD]);
  uint32_t *starts = harness_buffer(h, 4 * (s->experts + 1)), *slot_of = calloc(slots, 4);
  uint8_t *rows = harness_buffer(h, 8 * slots);
  ingot_kernel_args grouping = {.operand = {p->choices, starts, rows, slot_of},
                                .dim = {[INGOT_DIM_TOKENS] = s->tokens, [IG_D0] = s->experts, [IG_D0 + 1] = s->used}};
  ig_reference(&(ig_kernel_ref){IG_GROUP, NULL, IG_ACT_F32}, &grouping, 0, 1, true);

  /* x of a first product is the token's row, of a sum the slot's own */
  uint32_t x_rows = sums || many ? slots : 1;
  float *x = calloc(x_rows * s->k, sizeof *x), *want = calloc((size_t)(sums ? s->tokens : slots) * n + 1, sizeof *want), *v = calloc(s->rows, sizeof *v);
  size_t y_bytes = (size_t)(sums ? s->tokens : slots) * n * 4;
  float *start = calloc(1, y_bytes + 1); /* no tokens are no bytes */
  for (size_t i = 0; i < y_bytes / 4; i++) start[i] = i % n < s->rows ? harness_float(state) : 0;
  if (sums) memcpy(want, start, y_bytes);
  for (uint32_t t = 0; t < s->tokens; t++)
    for (uint32_t i = 0; i < s->used; i++) {
      uint32_t slot = many ? slot_of[t * s->used + i] : i, id;
      float weight;
      memcpy(&id, p->choices + t * 128 + 4 * i, 4), memcpy(&weight, p->choices + t * 128 + 64 + 4 * i, 4);
      const float *row = p->x + (sums ? t * s->used + i : t) * s->k;
      if (x_rows > 1) memcpy(x + slot * s->k, row, s->k * sizeof *x);
      else memcpy(x, row, s->k * sizeof *x);
      expert_row(p, id, row, v);
      for (uint32_t r = 0; r < s->rows; r++)
        if (sums) want[(size_t)t * n + r] = fmaf(weight, v[r], want[(size_t)t * n + r]);
        else want[(size_t)slot * n + r] = v[r];
    }
  uint64_t x_bytes = ig_activation_bytes(p->layout->activation, s->k) * x_rows;
  void *operands[] = {harness_buffer(h, x_bytes), many ? (void *)starts : p->choices, packed, harness_buffer(h, y_bytes), bias, many && sums ? rows : NULL};
  activations(p, x, x_rows, operands[0]);
  memcpy(args.operand, operands, sizeof operands);
  if (harness_extent(&info.operand[0].bytes, args.dim) != x_bytes || harness_extent(&info.operand[3].bytes, args.dim) != y_bytes)
    failures++, printf("FAIL %s: extents\n", info.name);
  ingot_extent scratch_extent = ig_kernel_scratch(&ref, &h->schedule);
  void *scratch = harness_buffer(h, harness_extent(&scratch_extent, args.dim));
  uint32_t all = (uint32_t)harness_extent(&info.tiles, args.dim);
  for (uint32_t cut = 0; cut < 2; cut++) {
    memcpy(args.operand[3], start, y_bytes);
    if (cut) harness_call(h, &ref, &args, scratch, all / 3 + 1, all);
    harness_call(h, &ref, &args, scratch, 0, cut ? all / 3 + 1 : all);
    if (!cut || all > 1) check_rows(p, h, info.name, args.operand[3], want, y_bytes / 4);
  }
  free(slot_of), free(x), free(want), free(v), free(start);
  while ((uint32_t)h->n_buffers > before) h->n_buffers--, munmap(h->buffers[h->n_buffers].base, h->buffers[h->n_buffers].size);
}

static void run_shape(harness *h, const char *format, shape s, bool uneven, uint64_t *state) {
  problem p = {.s = s, .layout = ig_layout_in(h->schedule.target->layout, format), .format = ig_format_find(format)};
  p.row_bytes = s.k / p.format->block_values * p.format->block_bytes;
  uint32_t units, odd, tiles = (s.rows + 15) / 16;
  if (!ig_units(p.layout, s.k, &units, &odd)) abort();
  uint64_t tile_bytes = (uint64_t)p.layout->unit_bytes * units + (uint64_t)p.layout->odd_bytes * odd;
  p.weights = malloc(p.row_bytes * s.rows * s.experts);
  harness_weights(p.format, p.weights, s.k / p.format->block_values * s.rows * s.experts, state, -1);
  uint8_t *packed = harness_buffer(h, tile_bytes * tiles * s.experts);
  for (uint32_t e = 0; e < s.experts; e++)
    for (uint32_t t = 0; t < tiles; t++) {
      uint32_t rows = s.rows - 16 * t < 16 ? s.rows - 16 * t : 16;
      if (!ig_pack_tile(p.layout, p.weights + (e * s.rows + 16 * t) * p.row_bytes, rows, s.k, packed + (e * tiles + t) * tile_bytes)) abort();
    }
  p.bias = harness_buffer(h, s.biased ? 64ull * tiles * s.experts : 0);
  for (uint32_t i = 0; s.biased && i < 16 * tiles * s.experts; i++) p.bias[i] = i % (16 * tiles) < s.rows ? harness_float(state) : 0;
  p.x = calloc((size_t)s.tokens * s.used * s.k, sizeof *p.x);
  for (size_t i = 0; i < (size_t)s.tokens * s.used * s.k; i++) p.x[i] = harness_float(state);
  p.choices = harness_buffer(h, 128 * s.tokens);
  choose(&s, uneven, p.choices, state);
  for (size_t f = 0; f < sizeof products / sizeof *products; f++) run_product(h, &p, products[f], packed, p.bias, state);
  free(p.weights), free(p.x);
  harness_free(h);
}

static int test(harness *h, const ig_target *target) {
  uint64_t state = 5;
  static const struct {
    uint32_t experts, used, tokens;
  } routes[] = {{1, 1, 1}, {4, 2, 3}, {8, 8, 5}, {17, 3, 2}, {64, 16, 7}, {70, 5, 40}};
  for (int kind = 0; kind < SCORES; kind++)
    for (size_t i = 0; i < sizeof routes / sizeof *routes; i++) run_route(h, target, (scores)kind, routes[i].experts, routes[i].used, routes[i].tokens, &state);
  run_glu(h, target, 1, 1, 1, INFINITY, 0, true, &state), run_glu(h, target, 7, 3, 1.702f, 7, 1, true, &state);
  static const shape shapes[] = {{4, 2, 16, 1, 1, false},  {5, 3, 40, 1, 2, true},  {8, 8, 48, 1, 1, false}, {4, 2, 80, 9, 1, true},
                                 {7, 3, 33, 13, 2, false}, {3, 1, 16, 30, 1, true}, {1, 1, 64, 5, 1, false}};
  for (int f = 0; f < FORMATS; f++)
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) {
      shape s = shapes[i];
      const ig_layout *layout = ig_layout_find(formats[f]);
      s.k = s.k * layout->unit_values + (i % 2 ? layout->odd_values : 0);
      run_shape(h, formats[f], s, i % 3 == 0, &state);
    }
  return 0;
}

int main(int argc, char **argv) {
  const char *layout = ig_target_find(argc > 1 ? argv[1] : "native")->layout;
  ig_kernel_ref refs[8 + 4 * FORMATS];
  uint32_t n = 0;
  static const ig_family once[] = {IG_ROUTE, IG_GROUP, IG_GATHER, IG_EXPERTS_GLU};
  for (size_t f = 0; f < sizeof once / sizeof *once; f++) refs[n++] = (ig_kernel_ref){once[f], NULL, IG_ACT_F32};
  for (int i = 0; i < FORMATS; i++)
    for (size_t f = 0; f < sizeof products / sizeof *products; f++) refs[n++] = (ig_kernel_ref){products[f], ig_layout_in(layout, formats[i]), IG_ACT_F32};
  int failed = case_each_machine(argc, argv, refs, n, test);
  printf("%d failures\n", failures);
  return failed ? failed : failures != 0;
}
