#include "bench.h"

#include <pthread.h>

/* One thread's share of a probe. */
typedef struct share {
  ingot_kernel_fn *probe;
  const void *from;
  uint32_t end, passes;
  double began, ended;
} share;

enum { ALIGN = 64, THREADS_MOST = 256 };

static void *run_share(void *user) {
  share *s = user;
  _Alignas(ALIGN) uint8_t scratch[ALIGN] = {0}, pattern[ALIGN];
  ig_probe_pattern(pattern);
  ingot_kernel_args args = {.operand = {s->from ? (void *)(uintptr_t)s->from : pattern}};
  s->began = cli_now();
  for (uint32_t i = 0; i < s->passes; i++) s->probe(&args, scratch, 0, s->end);
  s->ended = cli_now();
  return NULL;
}

/* Seconds from the first thread's beginning to the last one's end; 0 on failure. */
static double run_shares(share *shares, uint32_t n) {
  pthread_t thread[THREADS_MOST];
  uint32_t made = 0;
  while (made + 1 < n && pthread_create(&thread[made], NULL, run_share, &shares[made + 1]) == 0) made++;
  run_share(&shares[0]);
  for (uint32_t i = 0; i < made; i++) pthread_join(thread[i], NULL);
  if (made + 1 < n) return 0.0;
  double began = shares[0].began, ended = shares[0].ended;
  for (uint32_t i = 1; i < n; i++) {
    if (shares[i].began < began) began = shares[i].began;
    if (shares[i].ended > ended) ended = shares[i].ended;
  }
  return ended - began;
}

double bench_probe_ops(const ig_roofline *r, ig_probe probe, uint32_t threads) {
  const double ops = probe == IG_PROBE_INT8 ? 4e9 : 1e9; /* of each thread: milliseconds */
  share shares[THREADS_MOST];
  if (!threads || threads > THREADS_MOST) return 0.0;
  double round = ig_probe_round_ops(probe, r->variant);
  uint32_t rounds = (uint32_t)(ops / round);
  for (uint32_t i = 0; i < threads; i++) shares[i] = (share){.probe = r->probe[probe], .end = rounds, .passes = 1};
  double seconds = run_shares(shares, threads);
  return seconds > 0.0 ? round * rounds * threads / seconds : 0.0;
}

double bench_probe_read(const ig_roofline *r, const void *from, uint64_t size, uint32_t threads) {
  const uint64_t least = (uint64_t)256 << 20; /* of each thread: milliseconds */
  share shares[THREADS_MOST];
  uint64_t lines = size / IG_PROBE_LINE;
  if (!threads || threads > THREADS_MOST || lines < threads || lines > UINT32_MAX) return 0.0;
  uint64_t each = lines / threads, passes = ig_ceil_div(least, each * IG_PROBE_LINE);
  for (uint32_t i = 0; i < threads; i++)
    shares[i] = (share){
      .probe = r->probe[IG_PROBE_READ], .from = (const uint8_t *)from + i * each * IG_PROBE_LINE, .end = (uint32_t)each, .passes = (uint32_t)passes};
  double seconds = run_shares(shares, threads);
  return seconds > 0.0 ? (double)(each * IG_PROBE_LINE * threads) * (double)passes / seconds : 0.0;
}
