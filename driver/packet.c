#define _POSIX_C_SOURCE 200809L
#include "driver/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/bundle_folder.h"

enum { PIECE = 1 << 20 };

static bool failed(ig_packet *p, const char *path) { return ig_error(p->diags, path, "cannot be written: %s", strerror(errno)); }

bool ig_packet_begin(ig_packet *p, const char *final, const char *mark, uint32_t zip_align, ig_arena *arena, ig_diags *diags) {
  struct stat st;
  *p = (ig_packet){.final = final,
                   .part = ig_format(arena, "%s.%ld.part", final, (long)getpid()),
                   .align = zip_align,
                   .piece = ig_alloc(arena, PIECE),
                   .arena = arena,
                   .diags = diags};
  if (lstat(final, &st) == 0 && (zip_align ? !S_ISREG(st.st_mode) : access(ig_format(arena, "%s/%s", final, mark), F_OK) != 0))
    return ig_error(diags, final, "exists and is not a package that ingot made; move it away");
  char *parent = ig_copy_string(arena, final);
  if (strrchr(parent, '/') > parent) {
    *strrchr(parent, '/') = 0;
    if (!ig_make_folders(parent, arena, diags)) return false;
  }
  if (!zip_align) return ig_make_folders(p->part, arena, diags);
  p->zip = fopen(p->part, "wb");
  return p->zip || failed(p, p->part);
}

/* ---- zip (PKWARE's APPNOTE 6.3): local headers, the central directory, its end; no time but the format's first ------------------------ */

static void crc_add(uint32_t *crc, const uint8_t *bytes, size_t size) {
  for (size_t i = 0; i < size; i++) {
    *crc ^= bytes[i];
    for (int bit = 0; bit < 8; bit++) *crc = *crc >> 1 ^ (*crc & 1 ? 0xedb88320u : 0);
  }
}

static void put(ig_packet *p, const void *bytes, size_t size) {
  fwrite(bytes, 1, size, p->zip); /* ferror tells at the end */
  p->at += size;
}

static void number(ig_packet *p, uint32_t value, int bytes) {
  for (int i = 0; i < bytes; i++) put(p, &(uint8_t){(uint8_t)(value >> 8 * i)}, 1);
}

enum { DATE_1980 = 1 << 5 | 1, LOCAL = 30 };

static void common(ig_packet *p, const ig_packet_entry *e) { /* from the version needed to the sizes */
  number(p, 10, 2), number(p, 0, 2), number(p, 0, 2), number(p, 0, 2), number(p, DATE_1980, 2);
  number(p, e->crc, 4), number(p, e->size, 4), number(p, e->size, 4), number(p, (uint32_t)strlen(e->name), 2);
}

static bool zip_begin(ig_packet *p, const char *name, uint32_t crc, uint64_t size) {
  if (size > UINT32_MAX || p->at > UINT32_MAX - size - (1u << 20))
    return ig_error(p->diags, name, "does not fit: this kind of package holds less than 4 GiB; ship the weights beside it");
  p->entries = ig_grow(p->arena, p->entries, p->n, &p->capacity, sizeof *p->entries);
  ig_packet_entry *e = &p->entries[p->n++];
  *e = (ig_packet_entry){ig_copy_string(p->arena, name), crc, (uint32_t)size, (uint32_t)p->at};
  number(p, 0x04034b50, 4);
  common(p, e);
  const uint64_t data = p->at + 2 + strlen(name);
  const uint32_t pad = (uint32_t)(ig_round_up(data, p->align) - data); /* zeros in the extra field put the data where it may be mapped */
  number(p, pad, 2);
  put(p, name, strlen(name));
  for (uint32_t i = 0; i < pad; i++) number(p, 0, 1);
  return true;
}

static void zip_end(ig_packet *p) {
  const uint64_t start = p->at;
  for (size_t i = 0; i < p->n; i++) {
    const ig_packet_entry *e = &p->entries[i];
    number(p, 0x02014b50, 4), number(p, 10, 2);
    common(p, e);
    number(p, 0, 2), number(p, 0, 2), number(p, 0, 2), number(p, 0, 2), number(p, 0, 4), number(p, e->offset, 4);
    put(p, e->name, strlen(e->name));
  }
  const uint32_t size = (uint32_t)(p->at - start), n = (uint32_t)p->n;
  number(p, 0x06054b50, 4), number(p, 0, 4), number(p, n, 2), number(p, n, 2), number(p, size, 4), number(p, (uint32_t)start, 4), number(p, 0, 2);
}

/* ---- files ------------------------------------------------------------------------------------------------------------- */

static const char *place(ig_packet *p, const char *name) {
  const char *path = ig_format(p->arena, "%s/%s", p->part, name);
  char *folder = ig_copy_string(p->arena, path);
  *strrchr(folder, '/') = 0;
  return ig_make_folders(folder, p->arena, p->diags) ? path : NULL;
}

bool ig_packet_bytes(ig_packet *p, const char *name, const void *bytes, size_t size) {
  if (!p->zip) {
    const char *path = place(p, name);
    return path && ig_write_file(path, bytes, size, p->diags);
  }
  uint32_t crc = UINT32_MAX;
  crc_add(&crc, bytes, size);
  if (!zip_begin(p, name, ~crc, size)) return false;
  put(p, bytes, size);
  return true;
}

bool ig_packet_text(ig_packet *p, const char *name, const char *text) { return ig_packet_bytes(p, name, text, strlen(text)); }

/* Calls `use` for the file's bytes in order. */
static bool each_piece(ig_packet *p, const ig_file *file, void (*use)(ig_packet *, const uint8_t *, size_t, void *), void *user) {
  for (uint64_t at = 0; at < file->size; at += PIECE) {
    const size_t size = file->size - at < PIECE ? (size_t)(file->size - at) : PIECE;
    if (!ig_file_read(file, at, p->piece, size, p->diags)) return false;
    use(p, p->piece, size, user);
  }
  return true;
}
static void to_crc(ig_packet *p, const uint8_t *bytes, size_t size, void *crc) { (void)p, crc_add(crc, bytes, size); }
static void to_zip(ig_packet *p, const uint8_t *bytes, size_t size, void *user) { (void)user, put(p, bytes, size); }
static void to_file(ig_packet *p, const uint8_t *bytes, size_t size, void *file) { (void)p, fwrite(bytes, 1, size, file); }

static bool copy(ig_packet *p, const char *name, const ig_file *file) {
  const char *path = place(p, name);
  if (!path) return false;
  if (link(file->path, path) == 0) return true; /* weights are large; a disk without links gets a copy */
  FILE *to = fopen(path, "wb");
  if (!to) return failed(p, path);
  bool ok = each_piece(p, file, to_file, to);
  const bool bad = ferror(to) != 0;
  return (fclose(to) == 0 && !bad) ? ok : failed(p, path);
}

bool ig_packet_file(ig_packet *p, const char *name, const char *from) {
  ig_file file;
  uint32_t crc = UINT32_MAX;
  if (!ig_file_open(&file, from, p->arena, p->diags)) return false;
  bool ok = p->zip ? each_piece(p, &file, to_crc, &crc) && zip_begin(p, name, ~crc, file.size) && each_piece(p, &file, to_zip, NULL) : copy(p, name, &file);
  ig_file_close(&file);
  return ok;
}

bool ig_packet_end(ig_packet *p, bool ok) {
  if (p->zip) {
    if (ok) zip_end(p);
    const bool bad = ferror(p->zip) != 0;
    if ((fclose(p->zip) || bad) && ok) ok = failed(p, p->part);
  }
  if (ok && !p->zip) ig_remove_tree(p->final);
  if (ok && rename(p->part, p->final) != 0) ok = failed(p, p->final);
  if (!ok) ig_remove_tree(p->part);
  return ok;
}
