/* Writes a file of known size from front to back and computes its SHA-256 tree. Hashing and writing, which cost more than packing, are done
 * by other threads, a leaf (INGOT_HASH_LEAF bytes) at a time; memory is a few leaves. */
#ifndef INGOT_CODEGEN_LEAF_WRITER_H
#define INGOT_CODEGEN_LEAF_WRITER_H

#include "ir/base/base.h"

typedef struct ig_leaf_writer ig_leaf_writer;

/* `descriptor` and `path` (for messages) stay the caller's. `n_threads` 0: all is done in the calling thread. */
ig_leaf_writer *ig_leaf_writer_create(int descriptor, const char *path, uint64_t bytes, uint32_t n_threads);
/* The next `size` bytes of the file; `bytes` NULL: zeros. false once anything went wrong: stop then and call finish. */
bool ig_leaf_writer_add(ig_leaf_writer *w, const void *bytes, uint64_t size);
uint64_t ig_leaf_writer_position(const ig_leaf_writer *w); /* bytes added so far */
/* Waits for all to be written. Gives the root; reports what went wrong. */
bool ig_leaf_writer_finish(ig_leaf_writer *w, uint8_t root[32], ig_diags *diags);
/* The hashes of the leaves, after finish. */
const uint8_t *ig_leaf_writer_hashes(const ig_leaf_writer *w, uint64_t *bytes);
void ig_leaf_writer_destroy(ig_leaf_writer *w);

#endif
