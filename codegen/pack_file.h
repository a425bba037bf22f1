/* The weights file: tensors packed in the order of the plan, written once from front to back, its SHA-256 tree computed on the way (leaf_writer.h).
 * The model file is read with pread, at most about a MiB at a time; memory does not depend on the model's size. */
#ifndef INGOT_CODEGEN_PACK_FILE_H
#define INGOT_CODEGEN_PACK_FILE_H

#include "passes/lower.h"

/* What tells one state of a file from another. */
typedef struct ig_file_stamp {
  uint64_t device, inode, size;
  int64_t seconds, nanoseconds;  /* of its last change of content */
} ig_file_stamp;

bool ig_stamp_file(const ig_file *file, ig_file_stamp *stamp, ig_diags *diags);
bool ig_same_stamp(const ig_file_stamp *a, const ig_file_stamp *b);

typedef struct ig_pack_options {
  void (*progress)(void *user, double fraction); /* or NULL */
  void *user;
  uint32_t n_threads;            /* that hash and write beside the caller's, which packs */
} ig_pack_options;

/* Writes `path` (which must not exist) and gives the root of its tree: SHA-256 over the SHA-256 of every MiB. An error leaves a part of
 * the file behind, for the caller to remove with the folder it is in. */
bool ig_pack_weights(const ig_program_plan *plan, const ig_file *source, const char *path, const ig_pack_options *options, uint8_t root[32], ig_diags *diags);

#endif
