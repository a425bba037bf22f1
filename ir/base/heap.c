#include "ir/base/base.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

static void (*on_no_memory)(size_t bytes);

void ig_on_no_memory(void (*end)(size_t bytes)) { on_no_memory = end; }

void ig_no_memory(size_t bytes) {
  if (on_no_memory) on_no_memory(bytes);
  abort();
}

void *ig_heap_zeroed(size_t count, size_t size) {
  void *p = calloc(count ? count : 1, size ? size : 1);
  if (!p) ig_no_memory(size && count > SIZE_MAX / size ? SIZE_MAX : count * size);
  return p;
}

void *ig_heap_grow(void *old, size_t size) {
  void *p = realloc(old, size ? size : 1);
  if (!p) ig_no_memory(size);
  return p;
}

void *ig_heap_aligned(size_t align, size_t size) {
  assert(size <= SIZE_MAX - 2 * align);
  size = ig_round_up(size ? size : 1, align);
  void *p = aligned_alloc(align, size);
  if (!p) ig_no_memory(size);
  return memset(p, 0, size);
}
