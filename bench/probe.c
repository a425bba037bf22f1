#define _GNU_SOURCE
#include "bench/probe.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

double bench_peak(const ig_roofline *r, ig_probe probe) {
  _Alignas(64) uint8_t pattern[64], scratch[64];
  ig_probe_pattern(pattern);
  ingot_kernel_args args = {.operand = {pattern}};
  double ops = ig_probe_round_ops(probe, r->variant);
  uint32_t rounds = (uint32_t)((probe == IG_PROBE_INT8 ? 4e8 : 1e8) / ops);
  double start = bench_now();
  r->probe[probe](&args, scratch, 0, rounds);
  return ops * rounds / (bench_now() - start);
}

double bench_read(const ig_roofline *r, const void *p, size_t bytes) {
  _Alignas(64) uint8_t scratch[64];
  ingot_kernel_args args = {.operand = {(void *)(uintptr_t)p}};
  uint32_t lines = (uint32_t)(bytes / IG_PROBE_LINE);
  double start = bench_now();
  r->probe[IG_PROBE_READ](&args, scratch, 0, lines);
  return (double)lines * IG_PROBE_LINE / (bench_now() - start);
}

void *bench_memory(size_t bytes) {
  size_t huge = (size_t)2 << 20, size = (bytes + huge - 1) / huge * huge;
  char *base = mmap(NULL, size + huge, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) abort();
  char *p = base + (huge - (size_t)(uintptr_t)base % huge) % huge;
  madvise(p, size, MADV_HUGEPAGE);
  memset(p, 0, size);
  return p;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}
double bench_median(double *values, int n) {
  qsort(values, (size_t)n, sizeof *values, by_value);
  return values[n / 2];
}
