#include "frontend/cursor.h"

#include <stdio.h>
#include <stdlib.h>

typedef unsigned long long ull;

void ig_cursor_init(ig_cursor *cursor, const ig_file *file, ig_diags *diags) { *cursor = (ig_cursor){.file = file, .diags = diags}; }

void ig_cursor_finish(ig_cursor *cursor) {
  free(cursor->base);
  *cursor = (ig_cursor){.failed = true};
}

uint64_t ig_cursor_left(const ig_cursor *cursor) { return cursor->file->size - cursor->position; }

bool ig_cursor_fail(ig_cursor *cursor, const char *field, const char *format, ...) {
  if (cursor->failed) return false;
  cursor->failed = true;
  ig_text text = {0};
  char line[400];
  va_list args;
  va_start(args, format);
  vsnprintf(line, sizeof line, format, args);
  va_end(args);
  ig_text_printf(&text, "%s: %s", field, line);
  ig_error(cursor->diags, cursor->file->path, "%s", text.data);
  ig_text_finish(&text);
  return false;
}

/* Makes the bytes up to `end` present; end is inside the file. */
static bool load(ig_cursor *cursor, size_t end) {
  size_t size = cursor->loaded ? 2 * cursor->loaded : 1 << 16;
  if (size < end) size = end;
  if (size > cursor->file->size) size = (size_t)cursor->file->size;
  uint8_t *base = cursor->base = ig_heap_grow(cursor->base, size);
  if (!ig_file_read(cursor->file, cursor->loaded, base + cursor->loaded, size - cursor->loaded, cursor->diags)) return !(cursor->failed = true);
  cursor->loaded = size;
  return true;
}

bool ig_cursor_need(ig_cursor *cursor, uint64_t size, const char *field) {
  if (cursor->failed) return false;
  if (size > ig_cursor_left(cursor))
    return ig_cursor_fail(cursor, field, "takes %llu bytes at offset %llu, but the file ends at %llu; it is truncated or damaged", (ull)size,
                          (ull)cursor->position, (ull)cursor->file->size);
  if (size > IG_CURSOR_MOST - cursor->position)
    return ig_cursor_fail(cursor, field, "takes %llu bytes at offset %llu: more than %d MiB of metadata are refused", (ull)size, (ull)cursor->position,
                          IG_CURSOR_MOST >> 20);
  size_t end = cursor->position + (size_t)size;
  return end <= cursor->loaded || load(cursor, end);
}

uint32_t ig_cursor_u32(ig_cursor *cursor, const char *field) {
  if (!ig_cursor_need(cursor, 4, field)) return 0;
  cursor->position += 4;
  return ig_load_u32(cursor->base + cursor->position - 4);
}

uint64_t ig_cursor_u64(ig_cursor *cursor, const char *field) {
  if (!ig_cursor_need(cursor, 8, field)) return 0;
  cursor->position += 8;
  return ig_load_u64(cursor->base + cursor->position - 8);
}

bool ig_cursor_skip(ig_cursor *cursor, uint64_t size, const char *field) {
  if (!ig_cursor_need(cursor, size, field)) return false;
  cursor->position += (size_t)size;
  return true;
}

bool ig_cursor_string(ig_cursor *cursor, const char *field, size_t *offset, size_t *size) {
  uint64_t n = ig_cursor_u64(cursor, field);
  *offset = cursor->position;
  *size = 0;
  if (!ig_cursor_skip(cursor, n, field)) return false;
  *size = (size_t)n;
  return true;
}
