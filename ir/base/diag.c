#include "ir/base/base.h"

#include <assert.h>
#include <stdio.h>

static void report(ig_diags *diags, ig_severity severity, const char *place, const char *format, va_list args) {
  enum { MOST = 200 }; /* a hostile file must not fill memory with complaints */
  if (severity == IG_ERROR) diags->errors++;
  if (diags->count >= MOST) return;
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  assert(n >= 0);
  char *text = ig_alloc(&diags->arena, (size_t)n + 1);
  vsnprintf(text, (size_t)n + 1, format, again);
  va_end(again);
  diags->items = ig_grow(&diags->arena, diags->items, diags->count, &diags->capacity, sizeof *diags->items);
  diags->items[diags->count++] = (ig_diagnostic){severity, ig_copy_string(&diags->arena, place), text};
}

void ig_report(ig_diags *diags, ig_severity severity, const char *place, const char *format, ...) {
  va_list args;
  va_start(args, format);
  report(diags, severity, place, format, args);
  va_end(args);
}

bool ig_error(ig_diags *diags, const char *place, const char *format, ...) {
  va_list args;
  va_start(args, format);
  report(diags, IG_ERROR, place, format, args);
  va_end(args);
  return false;
}

void ig_diags_finish(ig_diags *diags) {
  ig_arena_finish(&diags->arena);
  *diags = (ig_diags){0};
}
