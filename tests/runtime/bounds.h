/* For tests that run changed inputs: how many there are, and what one may take. An input that takes more than 2 seconds of processor time ends the
 * test and is named; memory may grow by 256 MiB. Under AddressSanitizer, whose own memory counts, no piece may be larger than that instead. */
#ifndef INGOT_TEST_BOUNDS_H
#define INGOT_TEST_BOUNDS_H

#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <unistd.h>

enum { BOUNDS_SECONDS = 2, BOUNDS_MEMORY = 256 << 20 };

static volatile sig_atomic_t bounds_at; /* the input that runs, for who debugs */
static long bounds_before;              /* KiB */

const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "max_allocation_size_mb=256"; }

/* INGOT_ROUNDS, or what is usual. */
static inline uint32_t bounds_rounds(uint32_t usual) {
  const char *rounds = getenv("INGOT_ROUNDS");
  return rounds ? (uint32_t)strtoul(rounds, NULL, 10) : usual;
}

static inline void bounds_too_long(int number) {
  char line[64] = "an input takes more than 2 seconds: number ", digits[12];
  size_t n = 0, size = strlen(line);
  for (long at = bounds_at; !n || at; at /= 10) digits[n++] = (char)('0' + at % 10);
  while (n) line[size++] = digits[--n];
  line[size++] = '\n';
  if (write(STDERR_FILENO, line, size) < 0 || number) abort();
}

static inline void bounds_clock(int seconds) {
  const struct itimerval left = {{0, 0}, {seconds, 0}};
  if (setitimer(ITIMER_PROF, &left, NULL)) abort();
}

static inline long bounds_memory(void) {
  struct rusage usage;
  if (getrusage(RUSAGE_SELF, &usage)) abort();
  return usage.ru_maxrss;
}

/* Before the first. */
static inline void bounds_begin(void) {
  signal(SIGPROF, bounds_too_long);
  bounds_before = bounds_memory();
}

/* Before each. */
static inline void bounds_next(uint32_t number) {
  bounds_at = (sig_atomic_t)number;
  bounds_clock(BOUNDS_SECONDS);
}

/* After the last: whether memory kept within its bounds. */
static inline bool bounds_end(void) {
  bounds_clock(0);
#if !defined __SANITIZE_ADDRESS__ && !defined __SANITIZE_THREAD__ && !defined __clang__
  const long more = bounds_memory() - bounds_before;
  if (more > BOUNDS_MEMORY >> 10) return fprintf(stderr, "the inputs took %ld KiB of memory\n", more), false;
#endif
  return true;
}

#endif
