#include "runtime/sample.h"

#include <math.h>
#include <string.h>

/* Each operation below is rounded alone, so that a seed gives the same text on every CPU, also where an app's build compiles this file without our flags:
 * clang fuses products and sums by default, GCC where it is not asked for ISO C. */
#if defined(__clang__)
#pragma STDC FP_CONTRACT OFF
#elif defined(__GNUC__) && !defined(__STRICT_ANSI__)
#pragma GCC optimize("fp-contract=off")
#endif

double ingot__exp(double x) {
  static const double LN2_HIGH = 0x1.62e42fee00000p-1, LN2_LOW = 0x1.a39ef35793c76p-33; /* the high part has zeros enough for n * it to be exact */
  static const double inverse[13] = {1.0 / 13, 1.0 / 12, 1.0 / 11, 1.0 / 10, 1.0 / 9, 1.0 / 8, 1.0 / 7, 1.0 / 6, 1.0 / 5, 1.0 / 4, 1.0 / 3, 1.0 / 2, 1};
  if (!(x > -700)) return 0;
  int n = (int)(x * 1.4426950408889634 - 0.5);
  double r = x - n * LN2_HIGH - n * LN2_LOW, sum = 1;
  for (int i = 0; i < 13; i++) sum = 1 + sum * r * inverse[i]; /* Taylor: |r| <= ln 2 / 2, so that r^14 / 14! is below 1e-17 */
  uint64_t bits = (uint64_t)(1023 + n) << 52;
  double power;
  memcpy(&power, &bits, sizeof power);
  return sum * power;
}

/* SplitMix64 (Steele, Lea, Flood: Fast splittable pseudorandom number generators, 2014); uniform in [0, 1). */
static double uniform(uint64_t *state) {
  uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);
  z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
  z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
  return (double)((z ^ z >> 31) >> 11) * 0x1p-53;
}

/* Higher logits first, lower ids first among equals. */
static bool before(ingot__candidate a, ingot__candidate b) { return a.logit > b.logit || (a.logit == b.logit && a.id < b.id); }

static void sift_down(ingot__candidate *heap, uint32_t n, uint32_t at) {
  if (at >= n) return;
  ingot__candidate c = heap[at];
  for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
    if (child + 1 < n && before(heap[child + 1], heap[child])) child++;
    if (!before(heap[child], c)) break;
    heap[at] = heap[child];
  }
  heap[at] = c;
}

/* Moves the head of a heap of n behind its end. */
static ingot__candidate pop(ingot__candidate *heap, uint32_t n) {
  ingot__candidate best = heap[0];
  heap[0] = heap[n - 1];
  sift_down(heap, n - 1, 0);
  heap[n - 1] = best;
  return best;
}

static void penalise(ingot__sampler *s, const ingot_token *history, uint32_t n_history) {
  uint32_t n = s->repeat_last < n_history ? s->repeat_last : n_history;
  const ingot_token *last = history + (n_history - n);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t id = (uint32_t)last[i];
    if (s->seen[id / 8] >> (id % 8) & 1) continue;
    s->seen[id / 8] |= (uint8_t)(1u << (id % 8));
    float *logit = &s->candidates[id].logit;
    *logit = *logit > 0 ? *logit / s->repeat_penalty : *logit * s->repeat_penalty;
  }
  for (uint32_t i = 0; i < n; i++) s->seen[(uint32_t)last[i] / 8] = 0;
}

static ingot__candidate highest(const ingot__candidate *c, uint32_t n) {
  ingot__candidate best = c[0];
  for (uint32_t i = 1; i < n; i++)
    if (before(c[i], best)) best = c[i];
  return best;
}

static double weight(ingot__candidate c, float best, float temperature) {
  return c.logit == best ? 1 : ingot__exp(((double)c.logit - (double)best) / (double)temperature);
}

/* Draws among `n` candidates in proportion to their weights, which take the logits' place. */
static uint32_t draw(ingot__sampler *s, ingot__candidate *c, uint32_t n, float best) {
  double sum = 0, at;
  for (uint32_t i = 0; i < n; i++) sum += (double)(c[i].logit = (float)weight(c[i], best, s->temperature));
  at = uniform(&s->random) * sum;
  uint32_t chosen = 0;
  for (uint32_t i = 0; i < n; i++) {
    if (c[i].logit == 0) continue;
    chosen = i;
    if ((at -= (double)c[i].logit) < 0) break;
  }
  return c[chosen].id; /* the best has weight 1: something was chosen */
}

/* The candidates that top_k, top_p and min_p leave lie at the end afterwards, the best last; returns how many. */
static uint32_t best_to_back(const ingot__sampler *s, ingot__candidate *c, uint32_t n, uint32_t k) {
  float best;
  double sum = 0, taken = 0;
  uint32_t popped = 0, kept = 0;
  for (uint32_t i = n / 2; i-- > 0;) sift_down(c, n, i);
  best = c[0].logit;
  if (k < n)
    while (popped < k) sum += weight(pop(c, n - popped++), best, 1);
  else
    for (uint32_t i = 0; i < n; i++) sum += weight(c[i], best, 1);
  do {
    ingot__candidate next = kept < popped ? c[n - 1 - kept] : pop(c, n - kept);
    double w = weight(next, best, 1);
    if (kept && w < (double)s->min_p) break;
    taken += w;
    kept++;
  } while (kept < k && taken < (double)s->top_p * sum);
  return kept;
}

/* Without an order to find: those that min_p leaves, at the beginning. */
static uint32_t likely_to_front(const ingot__sampler *s, ingot__candidate *c, uint32_t n, float best) {
  uint32_t kept = 0;
  if (s->min_p <= 0) return n;
  for (uint32_t i = 0; i < n; i++)
    if (weight(c[i], best, 1) >= (double)s->min_p) c[kept++] = c[i];
  return kept;
}

uint32_t ingot__sample(ingot__sampler *s, const float *logits, const ingot_token *history, uint32_t n_history) {
  ingot__candidate *c = s->candidates;
  uint32_t n = s->n_vocab, k = s->top_k && s->top_k < n ? s->top_k : n;
  for (uint32_t i = 0; i < n; i++) c[i] = (ingot__candidate){logits[i] == logits[i] ? logits[i] : -INFINITY, i};
  if (s->repeat_penalty != 1 && s->repeat_last) penalise(s, history, n_history);
  ingot__candidate best = highest(c, n);
  if (s->temperature == 0 || k == 1) return best.id;
  if (k == n && s->top_p >= 1) return draw(s, c, likely_to_front(s, c, n, best.logit), best.logit);
  uint32_t kept = best_to_back(s, c, n, k);
  return draw(s, c + (n - kept), kept, best.logit);
}
