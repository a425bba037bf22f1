/* Where a package's files go: a folder, or one zip whose entries are stored as they are. The same files give the same bytes. */
#ifndef INGOT_DRIVER_PACKET_H
#define INGOT_DRIVER_PACKET_H

#include <stdio.h>
#include "ir/base/base.h"

typedef struct ig_packet_entry {
  const char *name;
  uint32_t crc, size, offset;
} ig_packet_entry;

typedef struct ig_packet {
  const char *part, *final;      /* built beside its place, then renamed */
  FILE *zip;                     /* NULL: a folder */
  uint32_t align;                /* of each file in the zip: devices map them where they lie */
  uint64_t at;
  uint8_t *piece;                /* of a file on its way */
  ig_packet_entry *entries;
  size_t n, capacity;
  ig_arena *arena;
  ig_diags *diags;
} ig_packet;

/* `final` must not exist, unless it was made by this function's caller before: a folder is replaced where it holds `mark`, a zip always. */
bool ig_packet_begin(ig_packet *p, const char *final, const char *mark, uint32_t zip_align, ig_arena *arena, ig_diags *diags);
bool ig_packet_bytes(ig_packet *p, const char *name, const void *bytes, size_t size);
bool ig_packet_text(ig_packet *p, const char *name, const char *text);
bool ig_packet_file(ig_packet *p, const char *name, const char *from);
/* Puts it in place; `ok` false: forgets it. */
bool ig_packet_end(ig_packet *p, bool ok);

#endif
