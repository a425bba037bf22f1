/* A bounds-checked walk over the head of a file: the only code that touches bytes of a container.
 *
 * The head is read as the walk needs it, in doubling pieces, never more than the file holds and never more than CURSOR_MOST. The first error
 * sticks, names the field and is reported; from then on every take gives zero and moves nothing, so that callers may check once per record. */
#ifndef INGOT_FRONTEND_CURSOR_H
#define INGOT_FRONTEND_CURSOR_H

#include "ir/base/base.h"

enum { IG_CURSOR_MOST = 1 << 28 }; /* 256 MiB of metadata: thirty times the largest vocabularies */

typedef struct ig_cursor {
  const ig_file *file;
  ig_diags *diags;
  uint8_t *base;              /* heap; moves while the cursor takes: keep offsets */
  size_t loaded, position;
  bool failed;
} ig_cursor;

void ig_cursor_init(ig_cursor *cursor, const ig_file *file, ig_diags *diags);
void ig_cursor_finish(ig_cursor *cursor); /* frees the bytes */
/* Bytes of the file beyond the position. */
uint64_t ig_cursor_left(const ig_cursor *cursor);
/* `field` says what is read, for the diagnostic. */
bool ig_cursor_need(ig_cursor *cursor, uint64_t size, const char *field);
uint32_t ig_cursor_u32(ig_cursor *cursor, const char *field);
uint64_t ig_cursor_u64(ig_cursor *cursor, const char *field);
/* A string of u64 length: its offset and size. */
bool ig_cursor_string(ig_cursor *cursor, const char *field, size_t *offset, size_t *size);
bool ig_cursor_skip(ig_cursor *cursor, uint64_t size, const char *field);
/* Fails with a message of the caller's. */
bool ig_cursor_fail(ig_cursor *cursor, const char *field, const char *format, ...) IG_PRINTF(3, 4);

#endif
