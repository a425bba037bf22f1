#include "ir/base/base.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct ig_arena_chunk {
  struct ig_arena_chunk *next;
  size_t used, size;
  max_align_t bytes[];
};

enum { ALIGN = 16, CHUNK = 64 * 1024 };

void *ig_alloc(ig_arena *arena, size_t size) {
  assert(size <= SIZE_MAX - 2 * CHUNK);
  size = (size + ALIGN - 1) & ~(size_t)(ALIGN - 1);
  struct ig_arena_chunk *c = arena->chunk;
  if (!c || c->size - c->used < size) {
    size_t want = size > CHUNK / 4 ? size : CHUNK;
    struct ig_arena_chunk *fresh = ig_heap_zeroed(1, sizeof *fresh + want);
    fresh->size = want;
    if (c && want == size) { /* a large block of its own goes behind the open chunk */
      fresh->next = c->next;
      c->next = fresh;
    } else {
      fresh->next = c;
      arena->chunk = fresh;
    }
    c = fresh;
  }
  void *p = (char *)c->bytes + c->used;
  c->used += size;
  return p;
}

void *ig_alloc_array(ig_arena *arena, size_t count, size_t size) {
  assert(!size || count <= SIZE_MAX / size);
  return ig_alloc(arena, count * size);
}

char *ig_format(ig_arena *arena, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  assert(n >= 0);
  char *text = ig_alloc(arena, (size_t)n + 1);
  vsnprintf(text, (size_t)n + 1, format, again);
  va_end(again);
  return text;
}

char *ig_copy_string(ig_arena *arena, const char *text) {
  size_t n = strlen(text) + 1;
  return memcpy(ig_alloc(arena, n), text, n);
}

void *ig_grow(ig_arena *arena, void *array, size_t count, size_t *capacity, size_t size) {
  if (count < *capacity) return array;
  size_t wider = *capacity ? *capacity * 2 : 8;
  void *fresh = ig_alloc_array(arena, wider, size);
  if (count) memcpy(fresh, array, count * size);
  *capacity = wider;
  return fresh;
}

void ig_arena_finish(ig_arena *arena) {
  for (struct ig_arena_chunk *c = arena->chunk, *next; c; c = next) {
    next = c->next;
    free(c);
  }
  arena->chunk = NULL;
}
