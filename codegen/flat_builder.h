/* A FlatBuffer builder: what the plan needs of it. Buffers are built from the end, children before parents; a `ref` is an object's distance
 * from the end. Values are written little endian; arrays of scalars are copied as they lie, so the host has to be little endian too
 * (asserted). Format: https://flatbuffers.dev/internals. */
#ifndef INGOT_CODEGEN_FLAT_BUILDER_H
#define INGOT_CODEGEN_FLAT_BUILDER_H

#include "ir/base/base.h"

typedef uint32_t ig_flat_ref; /* 0: none */

enum { IG_FLAT_FIELDS = 32, IG_FLAT_SHAPES = 64 };

typedef struct ig_flat_field {
  uint64_t value;
  uint8_t size;
  bool ref;
} ig_flat_field;

/* Zero-initialise; `ig_flat_finish_memory` frees. */
typedef struct ig_flat {
  uint8_t *data;                 /* the buffer is the last `size` of `capacity` bytes */
  size_t size, capacity;
  ig_flat_field field[IG_FLAT_FIELDS]; /* of the table under construction */
  ig_flat_ref shape[IG_FLAT_SHAPES];   /* vtables written so far, shared by tables of the same form */
  int n_shapes;
} ig_flat;

ig_flat_ref ig_flat_vector(ig_flat *f, const void *elements, size_t count, size_t element_size, size_t align);
ig_flat_ref ig_flat_refs(ig_flat *f, const ig_flat_ref *refs, size_t count);
ig_flat_ref ig_flat_string(ig_flat *f, const char *text);   /* NULL: 0 */

/* Fields of the next table, by their place in the schema; a value equal to `otherwise`, its default there, is left out. */
void ig_flat_scalar(ig_flat *f, int field, size_t size, uint64_t value, uint64_t otherwise);
void ig_flat_child(ig_flat *f, int field, ig_flat_ref ref); /* 0: left out */
ig_flat_ref ig_flat_table(ig_flat *f);                      /* writes it */

/* Ends the buffer with its root; `data + capacity - size` then holds it. */
void ig_flat_finish(ig_flat *f, ig_flat_ref root, const char identifier[4]);
void ig_flat_finish_memory(ig_flat *f);

#endif
