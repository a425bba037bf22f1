/* Writes FlatBuffers from front to back: a table first, then what its fields point to. */
#ifndef INGOT_TEST_PLAN_MAKER_H
#define INGOT_TEST_PLAN_MAKER_H

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

typedef struct maker {
  uint8_t *data;
  uint32_t size, capacity;
} maker;

static inline uint32_t mk_room(maker *m, uint32_t bytes, uint32_t align) {
  uint32_t at = (m->size + align - 1) / align * align;
  if (at + bytes > m->capacity) {
    m->capacity = 2 * (at + bytes) + 1024;
    m->data = realloc(m->data, m->capacity);
    if (!m->data) abort();
  }
  memset(m->data + m->size, 0, at + bytes - m->size);
  m->size = at + bytes;
  return at;
}

static inline void mk_put(maker *m, uint32_t at, uint64_t value, uint32_t bytes) {
  for (uint32_t i = 0; i < bytes; i++) m->data[at + i] = (uint8_t)(value >> 8 * i);
}

/* A table; `fields`: one character a field: 1 4 8 bytes, r a reference, - absent. Returns its place. */
static inline uint32_t mk_table(maker *m, const char *fields) {
  uint32_t n = (uint32_t)strlen(fields), vtable = mk_room(m, 4 + 2 * n, 4), table = mk_room(m, 4, 8);
  mk_put(m, table, table - vtable, 4);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t bytes = fields[i] == 'r' ? 4 : fields[i] == '-' ? 0 : (uint32_t)(fields[i] - '0');
    if (bytes) mk_put(m, vtable + 4 + 2 * i, mk_room(m, bytes, bytes) - table, 2);
  }
  mk_put(m, vtable, 4 + 2 * n, 2);
  mk_put(m, vtable + 2, m->size - table, 2);
  return table;
}

static inline uint32_t mk_slot(const maker *m, uint32_t table, uint32_t field) {
  uint32_t back, offset;
  memcpy(&back, m->data + table, 4);
  offset = table - back + 4 + 2 * field;
  return table + (uint32_t)(m->data[offset] | m->data[offset + 1] << 8);
}

static inline void mk_set(maker *m, uint32_t table, uint32_t field, uint64_t value, uint32_t bytes) { mk_put(m, mk_slot(m, table, field), value, bytes); }
/* Points the reference at `slot` to `to`, which lies behind it. */
static inline void mk_link(maker *m, uint32_t slot, uint32_t to) { mk_put(m, slot, to - slot, 4); }

/* A vector at a field; returns the place of its elements. */
static inline uint32_t mk_vector(maker *m, uint32_t table, uint32_t field, const void *data, uint32_t count, uint32_t element, uint32_t align) {
  mk_room(m, 0, 4);
  while ((m->size + 4) % align) mk_room(m, 4, 4);
  uint32_t at = mk_room(m, 4 + count * element, 4);
  mk_put(m, at, count, 4);
  if (data && count) memcpy(m->data + at + 4, data, count * element);
  mk_link(m, mk_slot(m, table, field), at);
  return at + 4;
}

static inline void mk_string_at(maker *m, uint32_t slot, const char *text) {
  uint32_t n = (uint32_t)strlen(text), at = mk_room(m, 4 + n + 1, 4);
  mk_put(m, at, n, 4);
  memcpy(m->data + at + 4, text, n);
  mk_link(m, slot, at);
}

static inline void mk_string(maker *m, uint32_t table, uint32_t field, const char *text) { mk_string_at(m, mk_slot(m, table, field), text); }

#endif
