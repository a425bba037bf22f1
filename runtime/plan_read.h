/* A cursor over the hostile bytes of a FlatBuffer: every read is checked, the first that fails names its field and sticks, and
 * everything after it reads as zero. So callers read straight on and look at `bad` once. */
#ifndef INGOT_RUNTIME_PLAN_READ_H
#define INGOT_RUNTIME_PLAN_READ_H

#include "runtime/core.h"

typedef struct plan_reader {
  const uint8_t *base;
  uint64_t size;
  uint64_t visits;    /* tables and elements that may still be read: offsets that share tables could multiply the work */
  const char *bad;    /* the field that was damaged, or NULL */
} plan_reader;

typedef struct plan_table {
  uint64_t at, size, fields, n_fields; /* `fields`: the 16-bit offsets of the vtable */
} plan_table;

/* A vector of offsets, to tables or strings. */
typedef struct plan_list {
  uint64_t at;
  uint32_t count;
} plan_list;

plan_table ingot__read_root(plan_reader *reader, const uint8_t *data, uint64_t size, const char identifier[4]);
/* A scalar of 1, 4 or 8 bytes. */
uint64_t ingot__read_scalar(plan_reader *reader, const plan_table *table, uint32_t field, uint32_t bytes, uint64_t missing, const char *name);
plan_table ingot__read_table(plan_reader *reader, const plan_table *table, uint32_t field, bool *present, const char *name);
ingot__vec ingot__read_vector(plan_reader *reader, const plan_table *table, uint32_t field, uint32_t element_bytes, const char *name);
ingot__vec ingot__read_string(plan_reader *reader, const plan_table *table, uint32_t field, const char *name); /* "" where absent */
plan_list ingot__read_list(plan_reader *reader, const plan_table *table, uint32_t field, const char *name);
plan_table ingot__read_item(plan_reader *reader, plan_list list, uint32_t index, const char *name);
ingot__vec ingot__read_item_string(plan_reader *reader, plan_list list, uint32_t index, const char *name);

#endif
