#include "codegen/archive.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Header of a member (ar(5)): name 16, time 12, owner 6, group 6, mode 8, size 10, end 2; texts padded with spaces. */
enum { MAGIC = 8, HEADER = 60, SIZE_AT = 48, SIZE_DIGITS = 10, NAME = 16 };
static const char magic[] = "!<arch>\n";

/* A global of a member, as its linker spells it. */
typedef struct entry {
  const char *name;
  uint32_t member;
} entry;

typedef struct writer {
  ig_object_format format;
  ig_text *out;
  const ig_archive_member *members;
  size_t n;
  entry *entries;                /* in the order of the members */
  size_t n_entries, names;       /* names: bytes of all with their ends */
  size_t *offset;                /* of each member's header */
  ig_arena arena;
} writer;

static void add_header(writer *w, const char *name, size_t size) {
  char header[HEADER + 1];
  int n = snprintf(header, sizeof header, "%-16s%-12d%-6d%-6d%-8s%-10zu`\n", name, 0, 0, 0, "644", size);
  assert(n == HEADER);
  ig_text_add(w->out, header, (size_t)n);
}

static void add_number(writer *w, size_t value, int bytes, bool big) {
  assert(value <= UINT32_MAX);
  for (int i = 0; i < bytes; i++) ig_text_add(w->out, &(char){(char)(value >> 8 * (big ? bytes - 1 - i : i))}, 1);
}

static void add_names(writer *w) {
  for (size_t i = 0; i < w->n_entries; i++) ig_text_add(w->out, w->entries[i].name, strlen(w->entries[i].name) + 1);
}

static void pad(writer *w, size_t to) {
  while (w->out->size % to) ig_text_add(w->out, "\n", 1);
}

static int by_name(const void *a, const void *b) { return strcmp(((const entry *)a)->name, ((const entry *)b)->name); }

/* ---- Darwin: names before the data ("#1/length"), everything at multiples of 8, an index of pairs sorted by name ------------ */

static size_t darwin_name(const char *name) { return (strlen(name) + 3) / 8 * 8 + 4; } /* with the header's 60 a multiple of 8 */
static size_t darwin_size(const char *name, size_t size) { return darwin_name(name) + (size_t)ig_round_up(size, 8); }

static void add_darwin(writer *w, const char *name, size_t size) {
  static const char zeros[8] = "";
  add_header(w, ig_format(&w->arena, "#1/%zu", darwin_name(name)), darwin_size(name, size));
  ig_text_add(w->out, name, strlen(name));
  for (size_t left = darwin_name(name) - strlen(name), some; left; left -= some) ig_text_add(w->out, zeros, some = left < 8 ? left : 8);
}

static void add_darwin_index(writer *w, const char *index) {
  size_t at = 0, names = (size_t)ig_round_up(w->names, 8);
  qsort(w->entries, w->n_entries, sizeof *w->entries, by_name);
  add_darwin(w, index, 8 + 8 * w->n_entries + names);
  add_number(w, 8 * w->n_entries, 4, false);
  for (size_t i = 0; i < w->n_entries; at += strlen(w->entries[i++].name) + 1)
    add_number(w, at, 4, false), add_number(w, w->offset[w->entries[i].member], 4, false);
  add_number(w, names, 4, false);
  add_names(w);
  ig_text_add(w->out, "\0\0\0\0\0\0\0", names - w->names);
  pad(w, 8);
}

/* ---- GNU and COFF: the index of GNU; for COFF a second one, sorted by name ---------------------------------------------------- */

static size_t gnu_index(const writer *w) { return 4 + 4 * w->n_entries + w->names; }
static size_t coff_index(const writer *w) { return 8 + 4 * w->n + 2 * w->n_entries + w->names; }

static void add_gnu_index(writer *w) {
  add_header(w, "/", gnu_index(w));
  add_number(w, w->n_entries, 4, true);
  for (size_t i = 0; i < w->n_entries; i++) add_number(w, w->offset[w->entries[i].member], 4, true);
  add_names(w);
  pad(w, 2);
}

static void add_coff_index(writer *w) {
  qsort(w->entries, w->n_entries, sizeof *w->entries, by_name);
  add_header(w, "/", coff_index(w));
  add_number(w, w->n, 4, false);
  for (size_t i = 0; i < w->n; i++) add_number(w, w->offset[i], 4, false);
  add_number(w, w->n_entries, 4, false);
  for (size_t i = 0; i < w->n_entries; i++) add_number(w, w->entries[i].member + 1, 2, false);
  add_names(w);
  pad(w, 2);
}

static void collect(writer *w) {
  size_t capacity = 0;
  const char *prefix = w->format == IG_MACHO ? "_" : ""; /* C's names as the platform's linker spells them */
  for (size_t i = 0; i < w->n; i++)
    for (size_t s = 0; s < w->members[i].n_symbols; s++) {
      w->entries = ig_grow(&w->arena, w->entries, w->n_entries, &capacity, sizeof *w->entries);
      w->entries[w->n_entries++] = (entry){ig_format(&w->arena, "%s%s", prefix, w->members[i].symbols[s]), (uint32_t)i};
      w->names += strlen(w->entries[w->n_entries - 1].name) + 1;
    }
}

void ig_write_archive(ig_object_format format, const ig_archive_member *members, size_t n, ig_text *out) {
  static const char symdef[] = "__.SYMDEF SORTED";
  writer w = {.format = format, .out = out, .members = members, .n = n, .offset = NULL};
  assert(out->size == 0 && n < UINT16_MAX);
  w.offset = ig_alloc_array(&w.arena, n, sizeof *w.offset);
  collect(&w);
  size_t at = MAGIC + HEADER;
  if (format == IG_MACHO) at += darwin_size(symdef, 8 + 8 * w.n_entries + (size_t)ig_round_up(w.names, 8));
  else at += (size_t)ig_round_up(gnu_index(&w), 2);
  if (format == IG_COFF) at += HEADER + (size_t)ig_round_up(coff_index(&w), 2);
  for (size_t i = 0; i < n; i++) {
    w.offset[i] = at;
    at += HEADER + (format == IG_MACHO ? darwin_size(members[i].name, members[i].size) : (size_t)ig_round_up(members[i].size, 2));
  }
  ig_text_add(out, magic, MAGIC);
  if (format == IG_MACHO) add_darwin_index(&w, symdef);
  else add_gnu_index(&w);
  if (format == IG_COFF) add_coff_index(&w);
  for (size_t i = 0; i < n; i++) {
    assert(out->size == w.offset[i] && strlen(members[i].name) < NAME);
    if (format == IG_MACHO) add_darwin(&w, members[i].name, members[i].size);
    else add_header(&w, ig_format(&w.arena, "%s/", members[i].name), members[i].size);
    ig_text_add(out, members[i].data, members[i].size);
    pad(&w, format == IG_MACHO ? 8 : 2);
  }
  ig_arena_finish(&w.arena);
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
