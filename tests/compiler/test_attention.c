/* Attention on every variant: each kernel bit for bit against the reference, and a batch against the same tokens one by one. */
#include "tests/compiler/kernel_case.h"

#include <math.h>

#include "ir/numerics.h"

static const ig_kernel_ref refs[] = {
  {IG_ROPE_KV, NULL, IG_ACT_F32},         {IG_ATTENTION, NULL, IG_ACT_F32},        {IG_ATTENTION_DECODE, NULL, IG_ACT_F32},
  {IG_ATTENTION_MERGE, NULL, IG_ACT_F32}, {IG_ATTENTION_CAPPED, NULL, IG_ACT_F32}, {IG_ATTENTION_DECODE_CAPPED, NULL, IG_ACT_F32},
};

typedef struct shape {
  uint32_t head_dim, kv_heads, group, tokens, position;
  float magnitude;              /* of q, k and v */
  uint32_t window;              /* 0: none */
  bool sinks;
  bool negative_zero;           /* the first query's first channel ends as -0, which a masked +0 must not turn */
  float cap;                    /* of the scores; 0: none */
} shape;

typedef struct problem {
  harness *h;
  const ig_target *target;
  shape s;
  uint32_t dim[INGOT_MAX_DIMS];
  size_t q16, k16;
  float *q, *k, *v;             /* rows before rotation */
  void *k_cache, *v_cache;      /* what is before `position` is filled, the rest is NaN */
  uint64_t *frequencies;
  float *sinks;                 /* of each head, or nothing */
} problem;

static void fill(float *x, size_t rows, size_t n, size_t width, float magnitude, uint64_t *state) {
  for (size_t i = 0; i < rows * width; i++) x[i] = i % width < n ? magnitude * harness_float(state) : 0;
}

static void *allocate(size_t size) {
  void *p = malloc(size ? size : 1);
  if (!p) abort();
  return p;
}

static void set_tokens(problem *p, uint32_t tokens, uint32_t position) {
  p->dim[INGOT_DIM_TOKENS] = tokens;
  p->dim[INGOT_DIM_POSITION] = position;
  p->dim[INGOT_DIM_BLOCKS] = (position + tokens + 127) / 128;
  p->dim[INGOT_DIM_QUERY_TILES] = (tokens + 15) / 16;
}

static void prepare(problem *p, uint64_t *state) {
  const shape *s = &p->s;
  uint32_t d = s->head_dim, q = d * s->kv_heads * s->group, k = d * s->kv_heads, v16 = (d + 15) / 16;
  p->q16 = (q + 15) / 16, p->k16 = (k + 15) / 16;
  uint32_t context = (s->position + s->tokens + 127) / 128 * 128, q16 = (uint32_t)p->q16, k16 = (uint32_t)p->k16;
  const uint32_t scale = case_bits(1.0f / sqrtf((float)d));
  const uint32_t dim[] = {s->tokens, s->position, context, 0,   0,   s->kv_heads, s->group,     d,         v16,      scale,
                          d / 2,     q16,         k16,     k16, q16, 0,           case_bits(1), s->window, s->sinks, case_bits(s->cap)};
  memcpy(p->dim, dim, sizeof dim);
  set_tokens(p, s->tokens, s->position);
  p->q = allocate(s->tokens * p->q16 * 64), p->k = allocate(s->tokens * p->k16 * 64), p->v = allocate(s->tokens * p->k16 * 64);
  fill(p->q, s->tokens, q, 16 * p->q16, s->magnitude, state);
  fill(p->k, s->tokens, k, 16 * p->k16, s->magnitude, state);
  fill(p->v, s->tokens, k, 16 * p->k16, s->magnitude, state);
  p->k_cache = harness_buffer(p->h, 2 * (size_t)k * context), p->v_cache = harness_buffer(p->h, 32 * (size_t)s->kv_heads * v16 * context);
  p->frequencies = harness_buffer(p->h, 8 * (size_t)(d / 2));
  for (uint32_t i = 0; i < d / 2; i++) p->frequencies[i] = ig_rope_frequency(10000, i, d, 1);
  size_t n_sinks = s->sinks ? s->kv_heads * s->group : 0;
  p->sinks = harness_buffer(p->h, 4 * n_sinks);
  for (size_t i = 0; i < n_sinks; i++) p->sinks[i] = 4 * s->magnitude * harness_float(state);
}

static void fill_caches(const problem *p) {
  const shape *s = &p->s;
  uint32_t context = p->dim[INGOT_DIM_CONTEXT], d = s->head_dim, width = (d + 15) / 16 * 16;
  uint64_t state = 7;
  memset(p->k_cache, 0xff, 2 * (size_t)d * s->kv_heads * context);
  memset(p->v_cache, 0xff, 2 * (size_t)width * s->kv_heads * context);
  for (uint32_t h = 0; h < s->kv_heads; h++)
    for (uint32_t t = 0; t < s->position; t++)
      for (uint32_t c = 0; c < width; c++) {
        uint16_t *k = (uint16_t *)p->k_cache + ((h * context / 16 + t / 16) * d + c) * 16 + t % 16;
        uint16_t *v = (uint16_t *)p->v_cache + (h * context + t) * width + c;
        if (c < d) *k = ig_kv_f16(s->magnitude * harness_float(&state));
        *v = c < d ? ig_kv_f16(s->magnitude * harness_float(&state)) : 0;
        if (s->negative_zero && c < d) *k = ig_kv_f16(-90 / sqrtf((float)d)), *v = 0x8001; /* exp(-90) times -2^-24 underflows */
      }
}

static void make_negative_zero(problem *p) {
  p->dim[IG_ATTN_PAIRS] = 0;
  for (size_t i = 0; i < p->s.head_dim; i++) p->q[i] = p->q[i + p->q16 * 16] = 1, p->k[i] = p->k[i + p->k16 * 16] = 0, p->v[i] = -0.0f;
}

static bool call(problem *p, int kernel, void *const *operands) {
  kernel_case c;
  int before = p->h->n_buffers;
  case_open(&c, p->h, refs[kernel], p->target, p->dim, operands);
  bool same = case_run(&c);
  while (p->h->n_buffers > before) p->h->n_buffers--, munmap(p->h->buffers[p->h->n_buffers].base, p->h->buffers[p->h->n_buffers].size);
  return same;
}

/* The rows as one batch; y has a row per token. */
static bool batch(problem *p, float *y) {
  size_t q_bytes = p->s.tokens * p->q16 * 64, k_bytes = p->s.tokens * p->k16 * 64;
  void *q = harness_buffer(p->h, q_bytes), *k = harness_buffer(p->h, k_bytes), *v = harness_buffer(p->h, k_bytes);
  void *out = harness_buffer(p->h, q_bytes);
  memcpy(q, p->q, q_bytes), memcpy(k, p->k, k_bytes), memcpy(v, p->v, k_bytes), memset(out, 0xff, q_bytes);
  fill_caches(p);
  set_tokens(p, p->s.tokens, p->s.position);
  bool same = call(p, 0, (void *[8]){q, k, v, p->k_cache, p->v_cache, p->frequencies});
  same &= call(p, p->s.cap > 0 ? 4 : 1, (void *[8]){q, p->k_cache, p->v_cache, out, p->sinks});
  memcpy(y, out, q_bytes);
  return same;
}

static bool one_by_one(problem *p, float *y) {
  fill_caches(p);
  bool same = true;
  for (uint32_t t = 0; t < p->s.tokens; t++) {
    int before = p->h->n_buffers;
    set_tokens(p, 1, p->s.position + t);
    void *q = harness_buffer(p->h, p->q16 * 64), *out = harness_buffer(p->h, p->q16 * 64);
    void *k = harness_buffer(p->h, p->k16 * 64), *v = harness_buffer(p->h, p->k16 * 64);
    memcpy(q, p->q + t * p->q16 * 16, p->q16 * 64), memset(out, 0xff, p->q16 * 64);
    memcpy(k, p->k + t * p->k16 * 16, p->k16 * 64), memcpy(v, p->v + t * p->k16 * 16, p->k16 * 64);
    size_t bytes = (size_t)p->dim[INGOT_DIM_BLOCKS] * p->s.kv_heads * p->s.group * ((size_t)p->dim[IG_ATTN_V16] + 1) * 64;
    void *partials = harness_buffer(p->h, bytes);
    memset(partials, 0xff, bytes);
    same &= call(p, p->s.cap > 0 ? 5 : 2, (void *[8]){q, k, v, p->k_cache, p->v_cache, p->frequencies, partials});
    same &= call(p, 3, (void *[8]){partials, out, p->sinks});
    memcpy(y + t * p->q16 * 16, out, p->q16 * 64);
    while (p->h->n_buffers > before) p->h->n_buffers--, munmap(p->h->buffers[p->h->n_buffers].base, p->h->buffers[p->h->n_buffers].size);
  }
  return same;
}

static int run(harness *h, const ig_target *target, const shape *s, uint64_t *state) {
  problem p = {.h = h, .target = target, .s = *s};
  prepare(&p, state);
  if (s->negative_zero) make_negative_zero(&p);
  size_t bytes = s->tokens * p.q16 * 64, n = (size_t)s->head_dim * s->kv_heads * s->group;
  float *together = allocate(bytes), *apart = allocate(bytes);
  bool same = batch(&p, together);
  if (!one_by_one(&p, apart)) same = false;
  if (memcmp(together, apart, bytes)) printf("FAIL a batch gives other bits than its tokens one by one\n"), same = false;
  bool finite = true, padded = true;
  for (size_t i = 0; i < bytes / 4; i++) {
    if (!isfinite(together[i]) || fabsf(together[i]) > s->magnitude) finite = false; /* an average of v */
    if (i % (16 * p.q16) >= n && together[i] != 0) padded = false;
  }
  if (!finite) printf("FAIL results are no averages of values\n");
  if (!padded) printf("FAIL padding is not zero\n");
  same &= finite && padded;
  if (!same)
    printf("  head_dim %u, %u x %u heads, %u tokens at %u, magnitude %g\n", s->head_dim, s->kv_heads, s->group, s->tokens, s->position, (double)s->magnitude);
  free(together), free(apart), free(p.q), free(p.k), free(p.v);
  harness_free(h);
  return !same;
}

static int test(harness *h, const ig_target *target) {
  static const shape shapes[] = {
    {8, 1, 1, 1, 0, 1, 0, false, false, 0},        {8, 4, 2, 33, 0, 1, 0, false, false, 0},      {20, 3, 1, 17, 120, 1, 0, false, false, 0},
    {20, 1, 7, 2, 127, 2, 0, false, false, 0},     {32, 2, 4, 15, 128, 1, 0, false, false, 0},   {48, 1, 2, 16, 300, 1, 0, false, false, 0},
    {64, 2, 4, 33, 100, 1, 0, false, false, 0},    {64, 2, 7, 2, 300, 3, 0, false, false, 0},    {128, 1, 1, 16, 112, 1, 0, false, false, 0},
    {128, 2, 4, 2, 126, 1, 0, false, false, 0},    {80, 1, 2, 3, 255, 1, 0, false, false, 0},    {64, 1, 3, 5, 126, 100, 0, false, false, 0},
    {64, 1, 2, 2, 200, 1e4f, 0, false, false, 0},  {32, 1, 5, 130, 120, 1, 0, false, false, 0},  {16, 1, 1, 2, 300, 0, 0, false, false, 0},
    {7, 1, 3, 18, 120, 1, 0, false, false, 0},     {64, 1, 1, 2, 1, 1, 0, false, true, 0},       {64, 2, 4, 33, 300, 1, 1, false, false, 0},
    {32, 1, 3, 40, 100, 1, 20, false, false, 0},   {64, 1, 2, 70, 250, 1, 128, false, false, 0}, {16, 2, 1, 130, 200, 1, 129, false, false, 0},
    {20, 1, 7, 35, 390, 1, 255, false, false, 0},  {48, 1, 2, 17, 240, 1, 127, false, false, 0}, {64, 1, 1, 5, 100, 1, 4000, false, false, 0},
    {64, 2, 4, 33, 100, 1, 0, true, false, 0},     {20, 3, 1, 17, 120, 1, 0, true, false, 0},    {64, 1, 8, 40, 300, 3, 128, true, false, 0},
    {16, 1, 3, 2, 0, 100, 0, true, false, 0},      {32, 2, 2, 17, 120, 3, 0, false, false, 1},   {20, 1, 3, 35, 200, 10, 40, false, false, 50},
    {64, 1, 1, 2, 126, 100, 0, true, false, 0.5f},
  };
  int failures = 0;
  uint64_t state = 3;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) failures += run(h, target, &shapes[i], &state);
  return failures;
}

int main(int argc, char **argv) { return case_each_machine(argc, argv, refs, sizeof refs / sizeof *refs, test); }
