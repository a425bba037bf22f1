#include "runtime/plan_read.h"

#include <string.h>

static bool fail(plan_reader *r, const char *name) {
  if (!r->bad) r->bad = name;
  return false;
}

/* Whether [at, at + size) lies in the buffer. */
static bool inside(plan_reader *r, uint64_t at, uint64_t size, const char *name) {
  return !r->bad && at <= r->size && size <= r->size - at ? true : fail(r, name);
}

static uint64_t load(plan_reader *r, uint64_t at, uint32_t bytes, const char *name) {
  if (!inside(r, at, bytes, name)) return 0;
  const uint8_t *p = r->base + at;
  return bytes == 1 ? *p : bytes == 2 ? ingot__load16(p) : bytes == 4 ? ingot__load32(p) : ingot__load64(p);
}

static bool visit(plan_reader *r, const char *name) {
  if (r->bad || !r->visits) return fail(r, name);
  r->visits--;
  return true;
}

/* Follows the 32-bit offset at `at`, always forward. */
static uint64_t follow(plan_reader *r, uint64_t at, const char *name) {
  uint64_t offset = load(r, at, 4, name);
  if (!r->bad && offset < 4) fail(r, name);
  return r->bad ? 0 : at + offset;
}

static plan_table table_at(plan_reader *r, uint64_t at, const char *name) {
  plan_table none = {0, 0, 0, 0}, t = none;
  if (!visit(r, name)) return none;
  uint64_t back = load(r, at, 4, name);
  uint64_t vtable = at - (back < 0x80000000u ? back : back - UINT64_C(0x100000000)); /* may wrap: then it is outside */
  uint64_t vtable_size = load(r, vtable, 2, name);
  if (!inside(r, vtable, vtable_size, name) || vtable_size < 4 || vtable_size % 2) return fail(r, name), none;
  t.at = at;
  t.size = load(r, vtable + 2, 2, name);
  t.fields = vtable + 4;
  t.n_fields = (vtable_size - 4) / 2;
  if (t.size < 4 || !inside(r, at, t.size, name)) return fail(r, name), none;
  return t;
}

/* Where a field's bytes are; 0 = the field is absent. */
static uint64_t field_at(plan_reader *r, const plan_table *t, uint32_t field, uint32_t bytes, const char *name) {
  if (r->bad || field >= t->n_fields) return 0;
  uint64_t offset = load(r, t->fields + 2 * (uint64_t)field, 2, name);
  if (!offset) return 0;
  if (offset < 4 || offset + bytes > t->size) return fail(r, name), UINT64_C(0);
  return t->at + offset;
}

plan_table ingot__read_root(plan_reader *r, const uint8_t *data, uint64_t size, const char identifier[4]) {
  plan_table none = {0, 0, 0, 0};
  *r = (plan_reader){data, size, size, NULL};
  if (size > INT32_MAX) return fail(r, "size"), none;
  if (!inside(r, 4, 4, "identifier") || memcmp(data + 4, identifier, 4)) return fail(r, "identifier"), none;
  return table_at(r, follow(r, 0, "root"), "root");
}

uint64_t ingot__read_scalar(plan_reader *r, const plan_table *t, uint32_t field, uint32_t bytes, uint64_t missing, const char *name) {
  uint64_t at = field_at(r, t, field, bytes, name);
  return at ? load(r, at, bytes, name) : missing;
}

plan_table ingot__read_table(plan_reader *r, const plan_table *t, uint32_t field, bool *present, const char *name) {
  plan_table none = {0, 0, 0, 0};
  uint64_t at = field_at(r, t, field, 4, name);
  *present = at != 0;
  return at ? table_at(r, follow(r, at, name), name) : none;
}

/* The vector whose offset is at `at`: its elements' place and count. */
static uint64_t vector_at(plan_reader *r, uint64_t at, uint32_t element_bytes, uint32_t *count, const char *name) {
  *count = 0;
  uint64_t vector = follow(r, at, name), n = load(r, vector, 4, name);
  if (r->bad || !inside(r, vector + 4, n * element_bytes, name)) return 0;
  *count = (uint32_t)n;
  return vector + 4;
}

ingot__vec ingot__read_vector(plan_reader *r, const plan_table *t, uint32_t field, uint32_t element_bytes, const char *name) {
  ingot__vec v = {(const uint8_t *)"", 0};
  uint64_t at = field_at(r, t, field, 4, name);
  if (!at) return v;
  uint64_t elements = vector_at(r, at, element_bytes, &v.count, name);
  if (v.count) v.data = r->base + elements;
  return v;
}

static ingot__vec string_at(plan_reader *r, uint64_t at, const char *name) {
  ingot__vec v = {(const uint8_t *)"", 0};
  uint64_t bytes = vector_at(r, at, 1, &v.count, name);
  if (r->bad) return v;
  if (load(r, bytes + v.count, 1, name) != 0) fail(r, name);
  if (r->bad) v.count = 0;
  else v.data = r->base + bytes;
  return v;
}

ingot__vec ingot__read_string(plan_reader *r, const plan_table *t, uint32_t field, const char *name) {
  ingot__vec none = {(const uint8_t *)"", 0};
  uint64_t at = field_at(r, t, field, 4, name);
  return at ? string_at(r, at, name) : none;
}

plan_list ingot__read_list(plan_reader *r, const plan_table *t, uint32_t field, const char *name) {
  plan_list list = {0, 0};
  uint64_t at = field_at(r, t, field, 4, name);
  if (at) list.at = vector_at(r, at, 4, &list.count, name);
  return list;
}

plan_table ingot__read_item(plan_reader *r, plan_list list, uint32_t index, const char *name) {
  return table_at(r, follow(r, list.at + 4 * (uint64_t)index, name), name);
}

ingot__vec ingot__read_item_string(plan_reader *r, plan_list list, uint32_t index, const char *name) {
  ingot__vec none = {(const uint8_t *)"", 0};
  return visit(r, name) ? string_at(r, list.at + 4 * (uint64_t)index, name) : none;
}
