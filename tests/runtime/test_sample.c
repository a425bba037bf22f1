/* The sampler: greedy order, filters, penalties, and the distribution it draws from. */
#include <math.h>
#include "runtime/sample.h"
#include "tests/runtime/check.h"

enum { N = 200, DRAWS = 30000 };

static ingot__candidate room[N];
static uint8_t seen[(N + 7) / 8];

static ingot__sampler sampler(uint32_t n) {
  return (ingot__sampler){.temperature = 1, .top_p = 1, .repeat_penalty = 1, .random = 7, .n_vocab = n, .candidates = room, .seen = seen};
}

static void test_exp(void) {
  for (double x = 0; x > -745; x -= 0.37) {
    double want = exp(x), got = ingot__exp(x);
    CHECK(fabs(got - want) <= 4e-15 * want || (x < -700 && got == 0));
  }
  CHECK(ingot__exp(0) == 1 && ingot__exp((double)-INFINITY) == 0 && ingot__exp((double)NAN) == 0);
}

static void test_greedy(void) {
  ingot__sampler s = sampler(6);
  const float equal[6] = {1, 3, 2, 3, 3, 0}, hole[6] = {NAN, -1, NAN, INFINITY, 5, INFINITY}, none[6] = {NAN, NAN, NAN, NAN, NAN, NAN};
  s.temperature = 0;
  CHECK_EQUAL(ingot__sample(&s, equal, NULL, 0), 1);
  CHECK_EQUAL(ingot__sample(&s, hole, NULL, 0), 3);
  CHECK_EQUAL(ingot__sample(&s, none, NULL, 0), 0);
  s.temperature = 1;
  for (int i = 0; i < 50; i++) {
    uint32_t id = ingot__sample(&s, hole, NULL, 0);
    CHECK(id == 3 || id == 5);
    CHECK(ingot__sample(&s, none, NULL, 0) < 6);
  }
}

static void test_penalty(void) {
  ingot__sampler s = sampler(4);
  const float logits[4] = {2, 1.9f, -1, -1.1f};
  const ingot_token history[] = {1, 0, 0, 0, 3};
  s.temperature = 0;
  s.repeat_penalty = 1.5f;
  s.repeat_last = 4;
  CHECK_EQUAL(ingot__sample(&s, logits, history, 5), 1); /* 0 once, not three times, and 1 is too far back */
  s.repeat_last = 5;
  CHECK_EQUAL(ingot__sample(&s, logits, history, 5), 0);
  s.repeat_last = 400;
  CHECK_EQUAL(ingot__sample(&s, logits, history, 5), 0);
  const float low[4] = {-5, -4, -1, -1.1f};
  const ingot_token two[] = {2};
  CHECK_EQUAL(ingot__sample(&s, low, two, 1), 3); /* below zero the penalty multiplies */
  for (size_t i = 0; i < sizeof seen; i++) CHECK_EQUAL(seen[i], 0);
}

/* Draws, and compares the frequencies with the probabilities expected: chi squared over all ids that may come. */
static void check_distribution(ingot__sampler s, const float *logits, const double *p) {
  static uint32_t count[N];
  double chi = 0;
  uint32_t cells = 0;
  memset(count, 0, sizeof count);
  for (int i = 0; i < DRAWS; i++) count[ingot__sample(&s, logits, NULL, 0)]++;
  for (uint32_t i = 0; i < s.n_vocab; i++) {
    double expected = p[i] * (double)DRAWS;
    if (p[i] == 0) CHECK_EQUAL(count[i], 0);
    else if (expected >= 5) chi += (count[i] - expected) * (count[i] - expected) / expected, cells++;
  }
  if (cells > 1 && !CHECK(chi < (cells - 1) + 5 * sqrt(2.0 * (cells - 1)))) fprintf(stderr, "chi squared %g over %u cells\n", chi, cells);
}

/* The reference: sorts, cuts, renormalises. */
static void expected_of(const ingot__sampler *s, const float *logits, double *p) {
  uint32_t order[N] = {0}, n = s->n_vocab, kept = s->top_k && s->top_k < n ? s->top_k : n;
  double sum = 0, taken = 0, total = 0;
  for (uint32_t i = 0; i < n; i++) {
    uint32_t at = i;
    for (; at && logits[order[at - 1]] < logits[i]; at--) order[at] = order[at - 1];
    order[at] = i;
    p[i] = 0;
  }
  const double best = (double)logits[order[0]];
  for (uint32_t i = 0; i < kept; i++) sum += exp((double)logits[order[i]] - best);
  for (uint32_t i = 0; i < kept; i++) {
    double w = exp((double)logits[order[i]] - best);
    if (i && (taken >= (double)s->top_p * sum || w < (double)s->min_p)) kept = i;
    taken += w;
  }
  for (uint32_t i = 0; i < kept; i++) total += p[order[i]] = exp(((double)logits[order[i]] - best) / (double)s->temperature);
  for (uint32_t i = 0; i < kept; i++) p[order[i]] /= total;
}

static void test_distributions(void) {
  const struct {
    float temperature;
    uint32_t top_k;
    float top_p, min_p;
  } cases[] = {{1, 0, 1, 0},    {0.7f, 0, 1, 0},         {2, 0, 1, 0},         {1, 5, 1, 0}, {1, 2, 1, 0}, {1, 0, 0.8f, 0},  {1.3f, 0, 0.3f, 0},
               {1, 0, 1, 0.1f}, {0.8f, 40, 0.9f, 0.05f}, {1, 0, 0.99f, 0.02f}, {1, 0, 0, 0}, {1, 0, 1, 1}, {1, N - 1, 1, 0}, {1, 3, 0.5f, 0}};
  float logits[N];
  double p[N];
  uint64_t random = 99;
  for (uint32_t i = 0; i < N; i++) logits[i] = (float)(random_next(&random) % 10000) / 1000.0f - 7;
  for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
    for (uint32_t n = 12; n <= N; n += N - 12) {
      ingot__sampler s = sampler(n);
      s.temperature = cases[i].temperature;
      s.top_k = cases[i].top_k;
      s.top_p = cases[i].top_p;
      s.min_p = cases[i].min_p;
      expected_of(&s, logits, p);
      check_distribution(s, logits, p);
    }
}

static void test_seed(void) {
  ingot__sampler a = sampler(N), b = sampler(N), c = sampler(N);
  float logits[N] = {0};
  uint32_t same = 0;
  c.random = 8;
  for (int i = 0; i < 100; i++) {
    uint32_t id = ingot__sample(&a, logits, NULL, 0);
    CHECK_EQUAL(id, ingot__sample(&b, logits, NULL, 0));
    same += id == ingot__sample(&c, logits, NULL, 0);
  }
  CHECK(same < 10);
}

int main(void) {
  test_exp();
  test_greedy();
  test_penalty();
  test_distributions();
  test_seed();
  return finish();
}
