#include "codegen/archive.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* Header of a member (ar(5)): name 16, time 12, owner 6, group 6, mode 8, size 10, end 2; texts padded with spaces. */
enum { MAGIC = 8, HEADER = 60, SIZE_AT = 48, SIZE_DIGITS = 10, NAME = 16 };
static const char magic[] = "!<arch>\n";

static void add_header(ig_text *out, const char *name, size_t size) {
  char header[HEADER + 1];
  int n = snprintf(header, sizeof header, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "644", size);
  assert(n == HEADER);
  ig_text_add(out, header, (size_t)n);
}

static void add_big_endian(ig_text *out, size_t value) {
  assert(value <= UINT32_MAX);
  uint8_t bytes[4] = {(uint8_t)(value >> 24), (uint8_t)(value >> 16), (uint8_t)(value >> 8), (uint8_t)value};
  ig_text_add(out, bytes, sizeof bytes);
}

static void pad(ig_text *out) {
  if (out->size % 2) ig_text_add(out, "\n", 1);
}

void ig_write_archive(const ig_archive_member *members, size_t n, ig_text *out) {
  size_t start = out->size, symbols = 0, names = 0;
  assert(start % 2 == 0);
  for (size_t i = 0; i < n; i++)
    for (size_t s = 0; s < members[i].n_symbols; s++) symbols++, names += strlen(members[i].symbols[s]) + 1;
  size_t index = 4 + 4 * symbols + names;
  ig_text_add(out, magic, MAGIC);
  add_header(out, "/", index);
  add_big_endian(out, symbols);
  size_t at = MAGIC + HEADER + index + index % 2;
  for (size_t i = 0; i < n; i++) {
    for (size_t s = 0; s < members[i].n_symbols; s++) add_big_endian(out, at);
    at += HEADER + members[i].size + members[i].size % 2;
  }
  for (size_t i = 0; i < n; i++)
    for (size_t s = 0; s < members[i].n_symbols; s++) ig_text_add(out, members[i].symbols[s], strlen(members[i].symbols[s]) + 1);
  pad(out);
  for (size_t i = 0; i < n; i++) {
    char name[NAME + 1];
    assert(strlen(members[i].name) < NAME);
    snprintf(name, sizeof name, "%s/", members[i].name);
    add_header(out, name, members[i].size);
    ig_text_add(out, members[i].data, members[i].size);
    pad(out);
  }
}

/* A decimal field padded with spaces. */
static bool number(const char *text, size_t digits, size_t *value) {
  size_t v = 0, i = 0;
  for (; i < digits && text[i] >= '0' && text[i] <= '9'; i++) v = v * 10 + (size_t)(text[i] - '0');
  *value = v;
  size_t end = i;
  while (i < digits && text[i] == ' ') i++;
  return end && i == digits;
}

bool ig_next_member(ig_str archive, size_t *at, ig_str *name, ig_str *data, const char *path, ig_diags *diags) {
  if (*at == 0) {
    if (archive.size < MAGIC || memcmp(archive.data, magic, MAGIC) != 0) return ig_error(diags, path, "is not a static library");
    *at = MAGIC;
  }
  while (*at < archive.size) {
    const char *header = archive.data + *at;
    size_t size, left = archive.size - *at;
    if (left < HEADER || memcmp(header + HEADER - 2, "`\n", 2) != 0 || !number(header + SIZE_AT, SIZE_DIGITS, &size) || size > left - HEADER)
      return ig_error(diags, path, "is a damaged static library: bad member at byte %zu", *at);
    *data = (ig_str){header + HEADER, size};
    *at += HEADER + size;
    if (*at < archive.size && *at % 2) *at += 1;
    const char *end = memchr(header, '/', NAME);
    if (!end) return ig_error(diags, path, "has a member whose name does not end");
    *name = (ig_str){header, (size_t)(end - header)};
    if (name->size) return true; /* an empty name is the index */
  }
  return false;
}
