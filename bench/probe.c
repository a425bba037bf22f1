#define _GNU_SOURCE
#include "bench/probe.h"

#include <immintrin.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>

#include "runtime/abi/cpu.h"

/* Sixteen independent sums hide the latency of every machine we know. */
#define ALL(f) f(0) f(1) f(2) f(3) f(4) f(5) f(6) f(7) f(8) f(9) f(10) f(11) f(12) f(13) f(14) f(15)
enum { PROBE_STEPS = 200000 };

double bench_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static volatile int sink;

__attribute__((target("avx512f,avx512vnni"))) static void dots_512(void) {
  __m512i w = _mm512_set1_epi32(sink), x = w;
#define ZERO(i) __m512i s##i = _mm512_set1_epi32(i);
#define STEP(i) s##i = _mm512_dpbusd_epi32(s##i, w, x);
#define SUM(i) w = _mm512_add_epi32(w, s##i);
  ALL(ZERO)
  for (int n = 0; n < PROBE_STEPS; n++) { ALL(STEP) __asm__ volatile("" : "+v"(x)); }
  ALL(SUM)
  sink = _mm512_reduce_add_epi32(w);
#undef ZERO
#undef STEP
#undef SUM
}

__attribute__((target("avx2"))) static void dots_256(void) {
  __m256i w = _mm256_set1_epi32(sink), x = w;
#define ZERO(i) __m256i s##i = _mm256_set1_epi32(i);
#define STEP(i) s##i = _mm256_maddubs_epi16(s##i, x);
#define SUM(i) w = _mm256_add_epi32(w, s##i);
  ALL(ZERO)
  for (int n = 0; n < PROBE_STEPS; n++) { ALL(STEP) __asm__ volatile("" : "+x"(x)); }
  ALL(SUM)
  sink = _mm256_extract_epi32(w, 0);
#undef ZERO
#undef STEP
#undef SUM
}

__attribute__((target("avx512f"))) static void floats_512(void) {
  __m512 w = _mm512_set1_ps((float)sink), x = w;
#define ZERO(i) __m512 s##i = _mm512_set1_ps(i);
#define STEP(i) s##i = _mm512_fmadd_ps(w, x, s##i);
#define SUM(i) w = _mm512_add_ps(w, s##i);
  ALL(ZERO)
  for (int n = 0; n < PROBE_STEPS; n++) { ALL(STEP) __asm__ volatile("" : "+v"(x)); }
  ALL(SUM)
  sink = (int)_mm512_reduce_add_ps(w);
#undef ZERO
#undef STEP
#undef SUM
}

__attribute__((target("avx2,fma"))) static void floats_256(void) {
  __m256 w = _mm256_set1_ps((float)sink), x = w;
#define ZERO(i) __m256 s##i = _mm256_set1_ps(i);
#define STEP(i) s##i = _mm256_fmadd_ps(w, x, s##i);
#define SUM(i) w = _mm256_add_ps(w, s##i);
  ALL(ZERO)
  for (int n = 0; n < PROBE_STEPS; n++) { ALL(STEP) __asm__ volatile("" : "+x"(x)); }
  ALL(SUM)
  sink = (int)_mm256_cvtss_f32(w);
#undef ZERO
#undef STEP
#undef SUM
}

static double rate(void (*probe)(void), double ops_a_step) {
  double start = bench_now();
  probe();
  return ops_a_step * 16 * PROBE_STEPS / (bench_now() - start);
}
static int wide(void) { return (ingot__cpu_features() & INGOT_CPU_AVX512VNNI) != 0; }
double bench_peak_int8(void) { return wide() ? rate(dots_512, 128) : rate(dots_256, 64); }
double bench_peak_f32(void) { return wide() ? rate(floats_512, 32) : rate(floats_256, 16); }

__attribute__((target("avx2"))) static int read_256(const char *p, size_t bytes) {
  __m256i s = _mm256_setzero_si256();
  for (size_t i = 0; i < bytes; i += 256)
    for (size_t j = 0; j < 256; j += 32) s = _mm256_add_epi64(s, _mm256_load_si256((const void *)(p + i + j)));
  return _mm256_extract_epi32(s, 0);
}
__attribute__((target("avx512f"))) static int read_512(const char *p, size_t bytes) {
  __m512i a = _mm512_setzero_si512(), b = a, c = a, d = a;
  for (size_t i = 0; i < bytes; i += 256) {
    a = _mm512_add_epi64(a, _mm512_load_si512(p + i)), b = _mm512_add_epi64(b, _mm512_load_si512(p + i + 64));
    c = _mm512_add_epi64(c, _mm512_load_si512(p + i + 128)), d = _mm512_add_epi64(d, _mm512_load_si512(p + i + 192));
  }
  return (int)_mm512_reduce_add_epi64(_mm512_add_epi64(_mm512_add_epi64(a, b), _mm512_add_epi64(c, d)));
}

double bench_read(const void *p, size_t bytes) {
  bytes = bytes / 256 * 256;
  int (*read)(const char *, size_t) = wide() ? read_512 : read_256; /* cpuid costs a virtual machine dearly: not inside the time */
  double start = bench_now();
  sink = read(p, bytes);
  return (double)bytes / (bench_now() - start);
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
