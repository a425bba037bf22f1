#include "codegen/flat_builder.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { BUFFER_ALIGN = 8 };

/* Room for `size` more bytes in front; returns where they begin. */
static uint8_t *push(ig_flat *f, size_t size) {
  assert(size < INT32_MAX && f->size + size < INT32_MAX); /* offsets are 32 bits; the tables that reach here are bounded by far less */
  if (f->capacity - f->size < size) {
    size_t capacity = (f->size + size) * 2 + 1024;
    uint8_t *fresh = ig_heap_grow(NULL, capacity);
    if (f->size) memcpy(fresh + capacity - f->size, f->data + f->capacity - f->size, f->size);
    free(f->data);
    f->data = fresh;
    f->capacity = capacity;
  }
  f->size += size;
  return f->data + f->capacity - f->size;
}

static void store(uint8_t *to, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; i++) to[i] = (uint8_t)(value >> 8 * i);
}

/* Pads so that an object of `size` bytes pushed next begins at a multiple of `align`. */
static void align_for(ig_flat *f, size_t size, size_t align) {
  size_t pad = (align - (f->size + size) % align) % align;
  if (pad) memset(push(f, pad), 0, pad);
}

ig_flat_ref ig_flat_vector(ig_flat *f, const void *elements, size_t count, size_t element_size, size_t align) {
  const uint16_t probe = 1;
  uint8_t little;
  memcpy(&little, &probe, 1);
  assert(little == 1 && count <= UINT32_MAX);
  if (align < 4) align = 4;
  align_for(f, count * element_size, align); /* the elements are aligned; their count lies right before */
  if (count) memcpy(push(f, count * element_size), elements, count * element_size);
  store(push(f, 4), count, 4);
  return (ig_flat_ref)f->size;
}

ig_flat_ref ig_flat_refs(ig_flat *f, const ig_flat_ref *refs, size_t count) {
  align_for(f, count * 4, 4);
  uint8_t *to = push(f, count * 4);
  for (size_t i = 0; i < count; i++) store(to + 4 * i, f->size - 4 * i - refs[i], 4);
  store(push(f, 4), count, 4);
  return (ig_flat_ref)f->size;
}

ig_flat_ref ig_flat_string(ig_flat *f, const char *text) {
  if (!text) return 0;
  size_t n = strlen(text);
  align_for(f, n + 1, 4);
  memcpy(push(f, n + 1), text, n + 1);
  store(push(f, 4), n, 4);
  return (ig_flat_ref)f->size;
}

void ig_flat_scalar(ig_flat *f, int field, size_t size, uint64_t value, uint64_t otherwise) {
  assert(field >= 0 && field < IG_FLAT_FIELDS && !f->field[field].size);
  if (value != otherwise) f->field[field] = (ig_flat_field){value, (uint8_t)size, false};
}

void ig_flat_child(ig_flat *f, int field, ig_flat_ref ref) {
  assert(field >= 0 && field < IG_FLAT_FIELDS && !f->field[field].size);
  if (ref) f->field[field] = (ig_flat_field){ref, 4, true};
}

/* A vtable equal to one already written, or this one written now: its ref. */
static ig_flat_ref share_shape(ig_flat *f, const uint8_t *shape, size_t size) {
  for (int i = 0; i < f->n_shapes; i++) {
    const uint8_t *known = f->data + f->capacity - f->shape[i];
    if (ig_load_u16(known) == size && memcmp(known, shape, size) == 0) return f->shape[i];
  }
  memcpy(push(f, size), shape, size);
  if (f->n_shapes < IG_FLAT_SHAPES) f->shape[f->n_shapes++] = (ig_flat_ref)f->size;
  return (ig_flat_ref)f->size;
}

ig_flat_ref ig_flat_table(ig_flat *f) {
  uint8_t shape[4 + 2 * IG_FLAT_FIELDS] = {0}, table[8 + 8 * IG_FLAT_FIELDS] = {0};
  size_t at[IG_FLAT_FIELDS] = {0}, size = 4, n = 0, align = 4;
  static const uint8_t order[] = {8, 4, 2, 1}; /* large fields first: no holes but one */
  for (size_t o = 0; o < sizeof order; o++)
    for (int i = 0; i < IG_FLAT_FIELDS; i++) {
      if (f->field[i].size != order[o]) continue;
      if (order[o] == 8) align = 8;
      size = ig_round_up(size, order[o]);
      at[i] = size;
      size += order[o];
      if ((size_t)i + 1 > n) n = (size_t)i + 1;
    }
  align_for(f, size, align);
  size_t start = f->size + size; /* of the table, from the end */
  for (size_t i = 0; i < n; i++) {
    const ig_flat_field *field = &f->field[i];
    store(shape + 4 + 2 * i, at[i], 2);
    if (at[i]) store(table + at[i], field->ref ? start - at[i] - field->value : field->value, field->size);
  }
  store(shape, 4 + 2 * n, 2);
  store(shape + 2, size, 2);
  memcpy(push(f, size), table, size);
  ig_flat_ref vtable = share_shape(f, shape, 4 + 2 * n);
  store(f->data + f->capacity - start, (uint64_t)((int64_t)vtable - (int64_t)start), 4);
  memset(f->field, 0, sizeof f->field);
  return (ig_flat_ref)start;
}

void ig_flat_finish(ig_flat *f, ig_flat_ref root, const char identifier[4]) {
  align_for(f, 8, BUFFER_ALIGN);
  memcpy(push(f, 4), identifier, 4);
  uint8_t *offset = push(f, 4);
  store(offset, f->size - root, 4);
}

void ig_flat_finish_memory(ig_flat *f) {
  free(f->data);
  *f = (ig_flat){0};
}
