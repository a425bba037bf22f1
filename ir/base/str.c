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

size_t ig_character(ig_str s) {
  const uint8_t *c = (const uint8_t *)s.data;
  if (!s.size || *c < 0x20 || *c == 0x7f) return 0;
  const size_t n = *c < 0x80 ? 1 : *c >= 0xc2 && *c < 0xe0 ? 2 : *c >= 0xe0 && *c < 0xf0 ? 3 : *c >= 0xf0 && *c < 0xf5 ? 4 : 0;
  for (size_t i = 1; i < n; i++)
    if (i >= s.size || (c[i] & 0xc0) != 0x80) return 0;
  const bool control = n == 2 && *c == 0xc2 && c[1] < 0xa0, overlong = (n == 3 && *c == 0xe0 && c[1] < 0xa0) || (n == 4 && *c == 0xf0 && c[1] < 0x90);
  const bool beyond = (n == 3 && *c == 0xed && c[1] > 0x9f) || (n == 4 && *c == 0xf4 && c[1] > 0x8f);
  return control || overlong || beyond ? 0 : n;
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

void ig_text_vprintf(ig_text *text, const char *format, va_list args) {
  va_list again;
  va_copy(again, args);
  int n = vsnprintf(NULL, 0, format, args);
  assert(n >= 0);
  reserve(text, (size_t)n);
  vsnprintf(text->data + text->size, (size_t)n + 1, format, again);
  va_end(again);
  text->size += (size_t)n;
}

void ig_text_printf(ig_text *text, const char *format, ...) {
  va_list args;
  va_start(args, format);
  ig_text_vprintf(text, format, args);
  va_end(args);
}

void ig_text_add_shown(ig_text *text, ig_str s, const char *kept) {
  for (size_t at = 0, n; at < s.size; at += n) {
    const ig_str rest = {s.data + at, s.size - at};
    n = ig_character(rest);
    if (!n && *rest.data && strchr(kept, *rest.data)) n = 1;
    if (n) ig_text_add(text, rest.data, n);
    else ig_text_printf(text, "\\x%02x", (unsigned char)*rest.data), n = 1;
  }
}

void ig_text_add_json(ig_text *text, ig_str s) {
  ig_text_add(text, "\"", 1);
  for (size_t at = 0, n; at < s.size; at += n) {
    const uint8_t *c = (const uint8_t *)s.data + at;
    const bool second_row = s.size - at > 1 && c[0] == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0; /* control characters too */
    n = ig_character((ig_str){s.data + at, s.size - at});
    if (*c == '"' || *c == '\\') ig_text_printf(text, "\\%c", *c);
    else if (n) ig_text_add(text, c, n);
    else if (*c < 0x80) ig_text_printf(text, "\\u%04x", *c);
    else if (second_row) ig_text_printf(text, "\\u%04x", c[1]), n = 2;
    else ig_text_printf(text, "\\ufffd");
    if (!n) n = 1;
  }
  ig_text_add(text, "\"", 1);
}

void ig_text_finish(ig_text *text) {
  free(text->data);
  *text = (ig_text){0};
}
