/* Static libraries: `ar` archives with a symbol index, in the flavour that the platform's linkers read (GNU, Darwin, COFF), and nothing in them
 * that changes from one build to the next. */
#ifndef INGOT_CODEGEN_ARCHIVE_H
#define INGOT_CODEGEN_ARCHIVE_H

#include "ir/base/base.h"
#include "targets/target.h"

typedef struct ig_archive_member {
  const char *name;              /* at most 15 characters */
  const void *data;
  size_t size;
  const char *const *symbols;    /* the globals it defines, by their names in C (NULL where read back) */
  size_t n_symbols;
} ig_archive_member;

/* Writes the archive into an empty text. The sizes together stay below 4 GiB (asserted): the index has 32-bit offsets. */
void ig_write_archive(ig_object_format format, const ig_archive_member *members, size_t n, ig_text *out);
/* The next object of a GNU archive: *at 0 to start. false at the end, and with an error where the archive is damaged. `name` is not
 * terminated; the symbol index is passed over. */
bool ig_next_member(ig_str archive, size_t *at, ig_str *name, ig_str *data, const char *path, ig_diags *diags);

#endif
