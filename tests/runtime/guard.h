/* An allocator for tests: memory between pages that nobody may touch, limits, refusals, and counts. */
#ifndef INGOT_TEST_GUARD_H
#define INGOT_TEST_GUARD_H

#define _DEFAULT_SOURCE /* anonymous maps */
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "runtime/ingot.h"

typedef struct guard {
  size_t held, most;          /* bytes in use; refused beyond `most` */
  uint32_t blocks, calls;     /* in use; asked for so far */
  uint32_t refuse_at;         /* the call that is refused, counted from 1; 0 = none */
  bool pages;                 /* guard pages, or plain memory */
} guard;

enum { GUARD_PAGE = 4096 };

static inline size_t guard_span(size_t size) { return (size + 63) / 64 * 64 / GUARD_PAGE * GUARD_PAGE + 3 * GUARD_PAGE; }

/* `size` bytes, rounded up to a multiple of 64, that end where a forbidden page begins. */
static inline uint8_t *guard_map(size_t size) {
  size_t span = guard_span(size), rounded = (size + 63) / 64 * 64;
  uint8_t *p = mmap(NULL, span, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (p == MAP_FAILED) return NULL;
  if (mprotect(p, GUARD_PAGE, PROT_NONE) || mprotect(p + span - GUARD_PAGE, GUARD_PAGE, PROT_NONE)) abort();
  return p + span - GUARD_PAGE - rounded;
}

static inline void guard_unmap(void *memory, size_t size) {
  size_t rounded = (size + 63) / 64 * 64;
  munmap((uint8_t *)memory + rounded + GUARD_PAGE - guard_span(size), guard_span(size));
}

static inline void *guard_allocate(void *user, size_t size, size_t align) {
  guard *g = user;
  g->calls++;
  if (!size || (align != 16 && align != 64)) abort(); /* what the runtime promises */
  if (g->calls == g->refuse_at || size > g->most || g->held > g->most - size) return NULL;
  uint8_t *p = g->pages ? guard_map(size) : aligned_alloc(64, (size + 63) / 64 * 64);
  if (!p) return NULL;
  memset(p, 0xa5, size); /* the runtime clears what it wants clear */
  g->held += size;
  g->blocks++;
  return p;
}

static inline void guard_release(void *user, void *memory, size_t size) {
  guard *g = user;
  g->held -= size;
  g->blocks--;
  if (g->pages) guard_unmap(memory, size);
  else free(memory);
}

#endif
