#include "ir/base/base.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool ig_str_equal(ig_str a, const char *b) {
  size_t n = strlen(b);
  return a.size == n && (n == 0 || memcmp(a.data, b, n) == 0);
}

ig_str ig_str_of(const char *text) { return (ig_str){text, strlen(text)}; }

char *ig_str_printable(ig_arena *arena, ig_str s) {
  static const char digits[] = "0123456789abcdef";
  enum { LONGEST = 200 }; /* a diagnostic is for people: cut what no one reads */
  size_t n = s.size < LONGEST ? s.size : LONGEST;
  char *text = ig_alloc(arena, 4 * n + 4), *to = text;
  for (size_t i = 0; i < n; i++) {
    unsigned char c = (unsigned char)s.data[i];
    if (c >= 0x20 && c <= 0x7e) {
      *to++ = (char)c;
    } else {
      *to++ = '\\', *to++ = 'x', *to++ = digits[c >> 4], *to++ = digits[c & 15];
    }
  }
  if (n < s.size) memcpy(to, "...", 3);
  return text;
}

static void reserve(ig_text *text, size_t more) {
  assert(more < SIZE_MAX / 4);
  if (text->capacity - text->size > more) return;
  size_t want = (text->size + more + 1) * 2;
  text->data = ig_heap_grow(text->data, want);
  text->capacity = want;
}

void ig_text_add(ig_text *text, const void *bytes, size_t size) {
  reserve(text, size);
  if (size) memcpy(text->data + text->size, bytes, size);
  text->size += size;
  text->data[text->size] = 0;
}

void ig_text_printf(ig_text *text, const char *format, ...) {
  va_list args, again;
  va_start(args, format);
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  va_end(args);
  assert(n >= 0);
  reserve(text, (size_t)n);
  vsnprintf(text->data + text->size, (size_t)n + 1, format, again);
  va_end(again);
  text->size += (size_t)n;
}

void ig_text_finish(ig_text *text) {
  free(text->data);
  *text = (ig_text){0};
}
