#define _POSIX_C_SOURCE 200809L
#include "codegen/pack_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "codegen/leaf_writer.h"
#include "codegen/library.h"
#include "ir/format.h"
#include "runtime/abi/weights.h"

enum { READ_BYTES = 1 << 20 };

typedef struct packer {
  const ig_program_plan *plan;
  const ig_file *source;
  ig_diags *diags;
  ig_leaf_writer *out;
  const ig_pack_options *options;
} packer;

bool ig_stamp_file(const ig_file *file, ig_file_stamp *stamp, ig_diags *diags) {
  struct stat st;
  if (fstat(file->descriptor, &st) != 0) return ig_error(diags, file->path, "cannot be examined: %s", strerror(errno));
  *stamp = (ig_file_stamp){(uint64_t)st.st_dev, (uint64_t)st.st_ino, (uint64_t)st.st_size, (int64_t)st.st_mtim.tv_sec, (int64_t)st.st_mtim.tv_nsec};
  if (!file->next) return true;
  ig_file_stamp others; /* any change of any of them changes the whole */
  if (!ig_stamp_file(file->next, &others, diags)) return false;
  const uint64_t odd = UINT64_C(0x9e3779b97f4a7c15);
  stamp->inode = (stamp->inode * odd) ^ others.inode;
  stamp->size += others.size;
  stamp->seconds = (int64_t)(((uint64_t)stamp->seconds * odd) ^ (uint64_t)others.seconds);
  stamp->nanoseconds = (int64_t)(((uint64_t)stamp->nanoseconds * odd) ^ (uint64_t)others.nanoseconds);
  return true;
}

bool ig_same_stamp(const ig_file_stamp *a, const ig_file_stamp *b) {
  return a->device == b->device && a->inode == b->inode && a->size == b->size && a->seconds == b->seconds && a->nanoseconds == b->nanoseconds;
}

/* One matrix of a weight, which lies at `from` in the model file. */
static bool pack_matrix(packer *k, const ig_packed_weight *w, uint64_t from, uint64_t row_bytes, uint64_t tile_bytes) {
  uint64_t at_once = READ_BYTES / (INGOT_ROWS * row_bytes + 1);
  if (at_once < 1) at_once = 1;
  uint8_t *rows = ig_heap_grow(NULL, (size_t)(at_once * INGOT_ROWS * row_bytes)), *tile = ig_heap_grow(NULL, (size_t)tile_bytes);
  bool ok = true;
  for (uint64_t first = 0; first < w->rows && ok; first += at_once * INGOT_ROWS) {
    uint64_t n = w->rows - first < at_once * INGOT_ROWS ? w->rows - first : at_once * INGOT_ROWS;
    ok = ig_file_read(k->source, from + first * row_bytes, rows, (size_t)(n * row_bytes), k->diags);
    for (uint64_t r = 0; r < n && ok; r += INGOT_ROWS) {
      uint32_t in_tile = (uint32_t)(n - r < INGOT_ROWS ? n - r : INGOT_ROWS);
      if (!ig_pack_tile(w->layout, rows + r * row_bytes, in_tile, w->cols, tile))
        ok = ig_error(k->diags, w->name, "cannot be packed: rows %llu on are damaged", (unsigned long long)(first + r));
      ok = ok && ig_leaf_writer_add(k->out, tile, tile_bytes);
    }
  }
  free(rows);
  free(tile);
  return ok;
}

static bool pack_tiles(packer *k, const ig_packed_weight *w) {
  uint64_t n = ig_matrices(w), all_rows = w->rows * n, row_bytes = w->file_bytes / all_rows, tiles = ig_ceil_div(w->rows, INGOT_ROWS) * n,
           tile_bytes = w->bytes / tiles;
  if (row_bytes * all_rows != w->file_bytes || tile_bytes * tiles != w->bytes)
    return ig_error(k->diags, w->name, "has %llu bytes, which are not %llu equal rows", (unsigned long long)w->file_bytes, (unsigned long long)all_rows);
  bool ok = true;
  for (uint64_t e = 0; e < n && ok; e++)
    ok = pack_matrix(k, w, w->parts ? (uint64_t)w->parts[e] : w->file_offset + e * w->rows * row_bytes, row_bytes, tile_bytes);
  return ok;
}

static bool pack_vector(packer *k, const ig_packed_weight *w) {
  const ig_block_format *format = ig_format_find(w->format);
  if (!format || w->cols % format->block_values || w->rows * (w->cols / format->block_values * format->block_bytes) != w->file_bytes)
    return ig_error(k->diags, w->name, "is a vector of format %s whose size does not fit its %llu values", w->format, (unsigned long long)w->cols);
  uint8_t *bytes = ig_heap_grow(NULL, (size_t)w->file_bytes);
  float *values = ig_heap_zeroed((size_t)w->bytes, 1);
  bool ok = ig_file_read(k->source, w->file_offset, bytes, (size_t)w->file_bytes, k->diags);
  for (uint64_t r = 0; r < w->rows && ok; r++)
    format->decode(format, bytes + r * (w->file_bytes / w->rows), values + r * (w->bytes / w->rows / sizeof *values), (size_t)w->cols);
  ok = ok && ig_leaf_writer_add(k->out, values, w->bytes);
  free(bytes);
  free(values);
  return ok;
}

static bool pack_weight(packer *k, const ig_packed_weight *w) {
  bool ok = ig_leaf_writer_add(k->out, NULL, w->offset - ig_leaf_writer_position(k->out)); /* to the tensor's alignment */
  switch (w->kind) {
  case IG_WEIGHT_TILES: return ok && pack_tiles(k, w);
  case IG_WEIGHT_VECTOR: return ok && pack_vector(k, w);
  case IG_WEIGHT_TURNS: return ok && ig_leaf_writer_add(k->out, w->turns, 8 * w->cols) && ig_leaf_writer_add(k->out, NULL, w->bytes - 8 * w->cols);
  case IG_WEIGHT_TOKENS: return ok && ig_leaf_writer_add(k->out, w->tokens, w->cols) && ig_leaf_writer_add(k->out, NULL, w->bytes - w->cols);
  }
  return false;
}

/* Better said before an hour of packing than after. */
static bool room_for(uint64_t bytes, int descriptor, const char *path, ig_diags *diags) {
  struct statvfs fs;
  if (fstatvfs(descriptor, &fs) != 0) return true; /* no answer: writing will tell */
  uint64_t room = (uint64_t)fs.f_bavail * fs.f_frsize;
  return room >= bytes ||
      ig_error(diags, path, "needs %llu MiB, and the disk has %llu MiB left", (unsigned long long)(bytes >> 20), (unsigned long long)(room >> 20));
}

static bool pack_all(packer *k) {
  for (size_t i = 0; i < k->plan->n_weights; i++) {
    if (!pack_weight(k, &k->plan->weight[i])) return false;
    if (k->options && k->options->progress) k->options->progress(k->options->user, (double)ig_leaf_writer_position(k->out) / (double)k->plan->weights_bytes);
  }
  return ig_leaf_writer_add(k->out, NULL, k->plan->weights_bytes - ig_leaf_writer_position(k->out));
}

/* After the weights: what names them, and the hashes of their leaves. */
static bool seal(int descriptor, uint64_t at, const uint8_t root[32], const uint8_t *hashes, uint64_t bytes, const char *path, ig_diags *diags) {
  ig_text tail = {0};
  ingot_seal s = {.magic = INGOT_SEAL_MAGIC};
  memcpy(s.root, root, sizeof s.root);
  ig_text_add(&tail, &s, sizeof s);
  ig_text_add(&tail, hashes, (size_t)bytes);
  static const uint8_t zeros[INGOT_ALIGN];
  ig_text_add(&tail, zeros, (size_t)(ig_round_up(tail.size, INGOT_ALIGN) - tail.size));
  int error = 0;
  for (size_t done = 0; done < tail.size && !error;) {
    ssize_t n = pwrite(descriptor, tail.data + done, tail.size - done, (off_t)(at + done));
    if (n > 0) done += (size_t)n;
    else if (n == 0 || errno != EINTR) error = n ? errno : ENOSPC;
  }
  ig_text_finish(&tail);
  return !error || ig_error(diags, path, "cannot be written: %s", strerror(error));
}

enum { LARGE = 32 << 20 };

/* Pages written stay in the cache as small ones, and a mapping with huge-page advice finds those. Dropped, they are read again into huge
 * pages at the first open: decode reads faster from them for as long as the file stays cached. Advice only. */
static void drop_from_cache(int descriptor, uint64_t bytes) {
  if (bytes >= LARGE && fdatasync(descriptor) == 0) posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
}

bool ig_pack_weights(const ig_program_plan *plan, const ig_file *source, const char *path, const ig_pack_options *options, uint8_t root[32], ig_diags *diags) {
  ig_file_stamp before, after;
  if (!ig_stamp_file(source, &before, diags)) return false;
  int descriptor = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (descriptor < 0) return ig_error(diags, path, "cannot be created: %s", strerror(errno));
  bool ok = room_for(plan->weights_bytes, descriptor, path, diags);
  if (ok) {
    packer k = {plan, source, diags, ig_leaf_writer_create(descriptor, path, plan->weights_bytes, options ? options->n_threads : 0), options};
    bool packed = pack_all(&k);
    ok = ig_leaf_writer_finish(k.out, root, diags) && packed;
    uint64_t bytes;
    const uint8_t *hashes = ig_leaf_writer_hashes(k.out, &bytes);
    ok = ok && seal(descriptor, plan->weights_bytes, root, hashes, bytes, path, diags);
    ig_leaf_writer_destroy(k.out);
    if (ok) drop_from_cache(descriptor, plan->weights_bytes);
  }
  if (close(descriptor) != 0 && ok) ok = ig_error(diags, path, "cannot be written: %s", strerror(errno));
  if (ok && (!ig_stamp_file(source, &after, diags) || !ig_same_stamp(&before, &after)))
    ok = ig_error(diags, source->path, "was changed while it was read; compile again");
  return ok;
}
