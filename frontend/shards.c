/* The files of a model: one, or the shards of a set, of which any may be named. Metadata are the first one's; each has tensors of its own, at
 * offsets of its own. Every shard that is missing or not of the set is reported. */
#include <stdlib.h>
#include <string.h>

#include "frontend/gguf.h"

enum { SHARDS_MOST = 1024 };

/* What a file says of its place in a set; count 0 or 1: it is whole. */
typedef struct place {
  uint32_t no, count, n_tensors;
} place;

static bool read_place(const ig_meta *meta, place *p, ig_diags *diags) {
  *p = (place){0, 0, 0};
  bool ok = ig_meta_u32(meta, "split.no", &p->no, diags);
  ok = ig_meta_u32(meta, "split.count", &p->count, diags) && ok;
  return ig_meta_u32(meta, "split.tensors.count", &p->n_tensors, diags) && ok;
}

/* The number of bytes before "-00001-of-00003.gguf", or 0 where the name does not end so; `*of` is the second number. */
static size_t name_stem(const char *path, uint32_t *of) {
  static const char form[] = "-ddddd-of-ddddd.gguf";
  const size_t n = strlen(path), size = sizeof form - 1;
  if (n <= size) return 0;
  const char *end = path + n - size;
  for (size_t i = 0; i < size; i++)
    if (form[i] == 'd' ? end[i] < '0' || end[i] > '9' : end[i] != form[i]) return 0;
  *of = (uint32_t)strtoul(end + size - 10, NULL, 10);
  return n - size;
}

static const char *shard_name(const char *path, size_t stem, uint32_t no, uint32_t count, ig_arena *arena) {
  return ig_format(arena, "%.*s-%05u-of-%05u.gguf", (int)stem, path, no + 1, count);
}

const char *ig_shard_path(const char *path, uint32_t no, ig_arena *arena) {
  uint32_t of = 0;
  const size_t stem = name_stem(path, &of);
  return stem && no < of && of <= SHARDS_MOST ? shard_name(path, stem, no, of, arena) : NULL;
}

static bool check_place(const place *p, const char *path, uint32_t no, uint32_t count, ig_diags *diags) {
  if (p->count != count) return ig_error(diags, path, "is one of %u shards (split.count), not of %u: it belongs to another set", p->count, count);
  if (p->no == no) return true;
  return ig_error(diags, path, "is shard %u of its set (split.no counts from 0), not %u as its name says: is the same shard there twice? Fetch it again",
                  p->no + 1, no + 1);
}

/* Shard `no` at the end of the list of files; `meta` is its own. */
static bool add_shard(ig_model *m, ig_file *file, const char *path, uint32_t no, uint32_t count, uint64_t base, ig_meta *meta, place *p, ig_diags *diags) {
  return ig_file_open(file, path, &m->arena, diags) && ig_gguf_read(m, file, base, meta, diags) && read_place(meta, p, diags) &&
      check_place(p, path, no, count, diags);
}

static bool open_set(ig_model *m, const char *path, size_t stem, uint32_t count, ig_diags *diags) {
  ig_arena *arena = &m->arena;
  place first = {0, 0, 0}, p;
  uint64_t base = 0;
  bool ok = true;
  m->meta = ig_alloc(arena, sizeof *m->meta);
  for (uint32_t no = 0; no < count; no++) {
    ig_meta other = {0};
    ig_file *file = no ? ig_alloc(arena, sizeof *file) : &m->file, *last = &m->file;
    const char *name = shard_name(path, stem, no, count, arena);
    ok = add_shard(m, file, name, no, count, base, no ? &other : m->meta, no ? &p : &first, diags) && ok;
    ig_gguf_finish(no ? &other : NULL);
    if (no && file->descriptor >= 0) {
      for (; last->next; last = last->next) {}
      last->next = file;
    }
    base += file->size;
  }
  for (ig_file *file = &m->file; file; file = file->next) { /* sizes of the whole only now: the heads were read as files of their own */
    file->own = file->size;
    file->size = base;
    base -= file->own;
  }
  if (!ok) return ig_error(diags, path, "needs all %u shards of its set in one folder", count);
  return !first.n_tensors || first.n_tensors == m->n_tensors ||
      ig_error(diags, m->file.path, "says that the set has %u tensors (split.tensors.count), but its shards have %u: one of them belongs to another set",
               first.n_tensors, m->n_tensors);
}

bool ig_model_files(ig_model *m, const char *path, ig_diags *diags) {
  place p;
  uint32_t of = 0;
  m->meta = ig_alloc(&m->arena, sizeof *m->meta);
  if (!ig_file_open(&m->file, path, &m->arena, diags) || !ig_gguf_read(m, &m->file, 0, m->meta, diags) || !read_place(m->meta, &p, diags)) return false;
  if (p.count < 2) return true;
  const size_t stem = name_stem(path, &of);
  if (!stem || of != p.count || p.count > SHARDS_MOST)
    return ig_error(diags, path,
                    "is shard %u of %u (split.no, split.count), which the end of its name does not say: expected -%05u-of-%05u.gguf; give all shards the names "
                    "they came with",
                    p.no + 1, p.count, p.no + 1, p.count);
  ig_gguf_finish(m->meta); /* the first shard's are read again, or for the first time */
  ig_file_close(&m->file);
  m->tensors = NULL;
  m->n_tensors = 0, m->tensor_capacity = 0;
  return open_set(m, path, stem, p.count, diags);
}
