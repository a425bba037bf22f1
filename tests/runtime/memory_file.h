/* Bytes in memory that sessions are saved to and loaded from. */
#ifndef INGOT_TEST_MEMORY_FILE_H
#define INGOT_TEST_MEMORY_FILE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct memory_file {
  uint8_t *data;
  size_t size, capacity, at, stop; /* stop: refuse what would go beyond */
} memory_file;

static inline bool to_bytes(void *user, const void *from, size_t size) {
  memory_file *b = user;
  if (b->stop && b->size + size > b->stop) return false;
  if (b->size + size > b->capacity) {
    b->data = realloc(b->data, b->capacity = 2 * (b->size + size));
    if (!b->data) abort();
  }
  if (size) memcpy(b->data + b->size, from, size);
  b->size += size;
  return true;
}

static inline bool from_bytes(void *user, void *to, size_t size) {
  memory_file *b = user;
  if (size > b->size - b->at) return false;
  if (size) memcpy(to, b->data + b->at, size);
  b->at += size;
  return true;
}

#endif
