/* What the runtime's tests share: a check that names its line and goes on, and random numbers. */
#ifndef INGOT_TEST_CHECK_H
#define INGOT_TEST_CHECK_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures;

#define CHECK(what) check((what), #what, __FILE__, __LINE__)
static inline bool check(bool ok, const char *what, const char *file, int line) {
  if (!ok && ++failures <= 20) fprintf(stderr, "%s:%d: failed: %s\n", file, line, what);
  return ok;
}

/* As CHECK, and says what was found. */
#define CHECK_EQUAL(a, b) check_equal((long long)(a), (long long)(b), #a " == " #b, __FILE__, __LINE__)
static inline bool check_equal(long long a, long long b, const char *what, const char *file, int line) {
  if (a != b && ++failures <= 20) fprintf(stderr, "%s:%d: failed: %s (%lld, %lld)\n", file, line, what, a, b);
  return a == b;
}

#define CHECK_TEXT(a, b) check_text((a), (b), #a, __FILE__, __LINE__)
static inline bool check_text(const char *a, const char *b, const char *what, const char *file, int line) {
  bool same = !strcmp(a, b);
  if (!same && ++failures <= 20) fprintf(stderr, "%s:%d: failed: %s is \"%s\", expected \"%s\"\n", file, line, what, a, b);
  return same;
}

static inline uint64_t random_next(uint64_t *state) { /* xorshift64* */
  *state ^= *state >> 12;
  *state ^= *state << 25;
  *state ^= *state >> 27;
  return *state * UINT64_C(2685821657736338717);
}

static inline int finish(void) {
  if (failures) fprintf(stderr, "%d checks failed\n", failures);
  return failures != 0;
}

#endif
