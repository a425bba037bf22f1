/* The container: magic, counts, metadata, tensor infos, extents. Structure that cannot be followed ends the reading at once; whatever
 * else is wrong is reported and the reading goes on, so that one run names it all. */
#include "frontend/gguf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef unsigned long long ull;

enum {
  KEY_MOST = 65535,
  NAME_MOST = 63,           /* the format's own limit */
  ALIGNMENT_MOST = 1 << 20,
  KEY_LEAST_BYTES = 8 + 1 + 4 + 1, /* the smallest key/value and tensor info: counts are checked against the file's size with them */
  INFO_LEAST_BYTES = 8 + 1 + 4 + 8 + 4 + 8
};

static const uint8_t type_bytes[IG_META_TYPES] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};

typedef struct reader {
  ig_model *model;
  uint32_t first;           /* of the model's tensors: those before it are other files' */
  uint64_t base;            /* bytes before this file */
  ig_meta *meta;
  ig_cursor *in;
  ig_diags *diags;
  const char *path;
} reader;

static const char *printable(reader *r, size_t offset, size_t size) {
  return ig_str_printable(&r->model->arena, (ig_str){(const char *)r->in->base + offset, size > 100 ? 100 : size});
}

static bool read_array(reader *r, ig_meta_entry *e, const char *field) {
  ig_cursor *in = r->in;
  uint32_t element = ig_cursor_u32(in, field);
  e->count = ig_cursor_u64(in, field);
  e->value = in->position;
  if (in->failed) return false;
  if (element == IG_META_ARRAY) return ig_cursor_fail(in, field, "is an array of arrays, which GGUF does not have");
  if (element >= IG_META_TYPES) return ig_cursor_fail(in, field, "is an array of unknown type %u", element);
  e->element = (ig_meta_type)element;
  uint64_t least = element == IG_META_STRING ? 8 : type_bytes[element];
  if (e->count > ig_cursor_left(in) / least)
    return ig_cursor_fail(in, field, "says that it has %llu elements, but only %llu bytes of the file are left; it is truncated or damaged", (ull)e->count,
                          (ull)ig_cursor_left(in));
  if (element == IG_META_STRING) {
    size_t offset, size;
    for (uint64_t i = 0; i < e->count; i++)
      if (!ig_cursor_string(in, field, &offset, &size)) return false;
  } else if (!ig_cursor_skip(in, e->count * least, field)) return false;
  e->value_size = in->position - e->value;
  return true;
}

static bool read_entry(reader *r, ig_meta_entry *e, uint64_t index) {
  ig_cursor *in = r->in;
  char where[64];
  snprintf(where, sizeof where, "key %llu of the metadata", (ull)index);
  if (!ig_cursor_string(in, where, &e->key, &e->key_size)) return false;
  if (e->key_size == 0 || e->key_size > KEY_MOST) return ig_cursor_fail(in, where, "is %zu bytes long; 1 to %d are possible", e->key_size, KEY_MOST);
  const char *field = ig_format(&r->model->arena, "metadata key %s", printable(r, e->key, e->key_size));
  uint32_t type = ig_cursor_u32(in, field);
  if (in->failed) return false;
  if (type >= IG_META_TYPES) return ig_cursor_fail(in, field, "is of unknown type %u", type);
  e->type = (ig_meta_type)type;
  e->count = 1;
  if (type == IG_META_ARRAY) return read_array(r, e, field);
  if (type == IG_META_STRING) return ig_cursor_string(in, field, &e->value, &e->value_size);
  e->value = in->position;
  e->value_size = type_bytes[type];
  if (!ig_cursor_skip(in, e->value_size, field)) return false;
  if (type == IG_META_BOOL && in->base[e->value] > 1) return ig_cursor_fail(in, field, "is a bool of value %u", in->base[e->value]);
  return true;
}

/* qsort has no context: what is compared lies in the elements. */
typedef struct sort_key {
  const char *data;
  size_t size;
  uint32_t index;
} sort_key;

static int by_text(const void *a, const void *b) {
  const sort_key *x = a, *y = b;
  int order = memcmp(x->data, y->data, x->size < y->size ? x->size : y->size);
  if (!order) order = (x->size > y->size) - (x->size < y->size);
  return order ? order : (x->index > y->index) - (x->index < y->index);
}

static bool same_text(const sort_key *a, const sort_key *b) { return a->size == b->size && memcmp(a->data, b->data, a->size) == 0; }

static bool index_keys(reader *r) {
  ig_meta *meta = r->meta;
  bool ok = true;
  sort_key *keys = ig_alloc_array(&r->model->arena, meta->n, sizeof *keys);
  for (uint32_t i = 0; i < meta->n; i++) keys[i] = (sort_key){(const char *)r->in->base + meta->entries[i].key, meta->entries[i].key_size, i};
  if (meta->n) qsort(keys, meta->n, sizeof *keys, by_text);
  meta->sorted = ig_alloc_array(&r->model->arena, meta->n, sizeof *meta->sorted);
  meta->asked = ig_alloc_array(&r->model->arena, meta->n, sizeof *meta->asked);
  for (uint32_t i = 0; i < meta->n; i++) {
    meta->sorted[i] = keys[i].index;
    if (i && same_text(&keys[i - 1], &keys[i]))
      ok = ig_error(r->diags, r->path, "metadata key %s is there twice", printable(r, (size_t)(keys[i].data - (const char *)r->in->base), keys[i].size));
  }
  return ok;
}

static bool read_alignment(reader *r, uint32_t *alignment) {
  const ig_meta_entry *e = ig_meta_find(r->meta, "general.alignment");
  *alignment = 32;
  if (!e) return true;
  if (e->type != IG_META_U32)
    return ig_error(r->diags, r->path, "metadata key general.alignment is of type %s where u32 is needed", ig_meta_type_name(e->type));
  *alignment = ig_load_u32(r->in->base + e->value);
  if (*alignment == 0 || (*alignment & (*alignment - 1)) || *alignment > ALIGNMENT_MOST) {
    ig_error(r->diags, r->path, "metadata key general.alignment is %u; a power of two up to %d is possible", *alignment, ALIGNMENT_MOST);
    *alignment = 0;
    return false;
  }
  return true;
}

/* Bytes of the tensor, from its shape and type; 0 where the type is unknown (the graph refuses it). */
static bool measure(reader *r, ig_tensor *t) {
  uint64_t values = 1, blocks;
  for (int i = 0; i < 4; i++) {
    if (t->ne[i] == 0) return ig_error(r->diags, r->path, "tensor %s has an extent of 0 in dimension %d", t->name, i);
    if (t->ne[i] > INT64_MAX || !ig_mul_u64(values, t->ne[i], &values) || values > INT64_MAX)
      return ig_error(r->diags, r->path, "tensor %s: its shape {%llu, %llu, %llu, %llu} has more values than 63 bits count", t->name, (ull)t->ne[0],
                      (ull)t->ne[1], (ull)t->ne[2], (ull)t->ne[3]);
  }
  uint32_t block_values, block_bytes;
  if (!ig_gguf_type_block(t->gguf_type, &block_values, &block_bytes)) return true;
  if (t->ne[0] % block_values)
    return ig_error(r->diags, r->path, "tensor %s: rows of %llu values are no multiple of the %u values in a block of %s", t->name, (ull)t->ne[0], block_values,
                    ig_gguf_type_name(t->gguf_type));
  blocks = values / block_values;
  if (!ig_mul_u64(blocks, block_bytes, &t->bytes) || t->bytes > INT64_MAX)
    return ig_error(r->diags, r->path, "tensor %s: its shape {%llu, %llu, %llu, %llu} takes more bytes than 63 bits count", t->name, (ull)t->ne[0],
                    (ull)t->ne[1], (ull)t->ne[2], (ull)t->ne[3]);
  return true;
}

/* False only where the reading cannot go on; *sound turns false where the tensor is wrong. */
static bool read_tensor(reader *r, ig_tensor *t, uint64_t index, bool *sound) {
  ig_cursor *in = r->in;
  char where[64];
  size_t name, size;
  snprintf(where, sizeof where, "name of tensor %llu", (ull)index);
  if (!ig_cursor_string(in, where, &name, &size)) return false;
  if (size == 0 || size > NAME_MOST) return ig_cursor_fail(in, where, "is %zu bytes long; 1 to %d are possible", size, NAME_MOST);
  t->name = printable(r, name, size);
  const char *field = ig_format(&r->model->arena, "tensor %s", t->name);
  t->n_dims = ig_cursor_u32(in, field);
  if (in->failed) return false;
  if (t->n_dims == 0 || t->n_dims > 4) return ig_cursor_fail(in, field, "has %u dimensions; 1 to 4 are possible", t->n_dims);
  for (uint32_t i = 0; i < 4; i++) t->ne[i] = i < t->n_dims ? ig_cursor_u64(in, field) : 1;
  t->gguf_type = ig_cursor_u32(in, field);
  t->offset = ig_cursor_u64(in, field);
  if (in->failed) return false;
  t->format = ig_format_of_gguf(t->gguf_type);
  if (!measure(r, t)) *sound = false;
  return true;
}

static int by_offset(const void *a, const void *b) {
  const ig_tensor *x = *(ig_tensor *const *)a, *y = *(ig_tensor *const *)b;
  if (x->offset != y->offset) return x->offset < y->offset ? -1 : 1;
  return (x > y) - (x < y);
}

/* Places of the tensors: aligned, inside the file, apart from each other. Turns offsets into those of the model's files. */
static bool check_extents(reader *r, uint32_t alignment) {
  ig_model *model = r->model;
  const uint64_t data = ig_round_up(r->in->position, alignment), size = r->in->file->size;
  const uint32_t n = model->n_tensors - r->first;
  bool ok = true;
  ig_tensor **order = ig_alloc_array(&model->arena, n, sizeof *order);
  for (uint32_t i = 0; i < n; i++) {
    ig_tensor *t = order[i] = &model->tensors[r->first + i];
    uint64_t start = 0, end = 0;
    if (t->offset % alignment)
      ok = ig_error(r->diags, r->path, "tensor %s: its offset %llu is no multiple of the alignment %u", t->name, (ull)t->offset, alignment);
    else if (!ig_add_u64(data, t->offset, &start) || !ig_add_u64(start, t->bytes, &end) || end > size)
      ok = ig_error(r->diags, r->path,
                    "tensor %s: its %llu bytes at offset %llu of the data, which begin at %llu, pass the end of the file at %llu; it is truncated or damaged",
                    t->name, (ull)t->bytes, (ull)t->offset, (ull)data, (ull)size);
    t->offset = r->base + start;
  }
  if (!ok) return false;
  if (n) qsort(order, n, sizeof *order, by_offset);
  for (uint32_t i = 1; i < n; i++) {
    const ig_tensor *a = order[i - 1], *b = order[i];
    if (a->offset + a->bytes > b->offset) ok = ig_error(r->diags, r->path, "tensors %s and %s overlap in the file", a->name, b->name);
  }
  return ok;
}

/* Among all of the model's so far. */
static bool check_names(reader *r) {
  ig_model *model = r->model;
  bool ok = true;
  sort_key *keys = ig_alloc_array(&model->arena, model->n_tensors, sizeof *keys);
  for (uint32_t i = 0; i < model->n_tensors; i++) keys[i] = (sort_key){model->tensors[i].name, strlen(model->tensors[i].name), i};
  if (model->n_tensors) qsort(keys, model->n_tensors, sizeof *keys, by_text);
  for (uint32_t i = 1; i < model->n_tensors; i++)
    if (same_text(&keys[i - 1], &keys[i])) ok = ig_error(r->diags, r->path, "tensor %s is there twice", keys[i].data);
  return ok;
}

static bool read_head(reader *r, uint64_t *n_tensors, uint64_t *n_kv) {
  ig_cursor *in = r->in;
  if (!ig_cursor_need(in, 4, "magic")) return false;
  if (memcmp(in->base, "GGUF", 4) != 0) return ig_cursor_fail(in, "magic", "is not \"GGUF\": this is no GGUF file");
  ig_cursor_skip(in, 4, "magic");
  uint32_t version = r->meta->version = ig_cursor_u32(in, "version");
  if (in->failed) return false;
  if (version == 0x02000000 || version == 0x03000000) return ig_cursor_fail(in, "version", "the file is big-endian; convert the model to little-endian");
  if (version < 2 || version > 3) return ig_cursor_fail(in, "version", "is %u; 2 and 3 are known", version);
  *n_tensors = ig_cursor_u64(in, "n_tensors");
  *n_kv = ig_cursor_u64(in, "n_kv");
  if (in->failed) return false;
  if (*n_tensors > ig_cursor_left(in) / INFO_LEAST_BYTES || *n_tensors > INT32_MAX)
    return ig_cursor_fail(in, "n_tensors", "is %llu, more than a file of %llu bytes holds; it is truncated or damaged", (ull)*n_tensors, (ull)in->file->size);
  if (*n_kv > ig_cursor_left(in) / KEY_LEAST_BYTES || *n_kv > INT32_MAX)
    return ig_cursor_fail(in, "n_kv", "is %llu, more than a file of %llu bytes holds; it is truncated or damaged", (ull)*n_kv, (ull)in->file->size);
  return true;
}

bool ig_gguf_read(ig_model *model, const ig_file *file, uint64_t base, ig_meta *meta, ig_diags *diags) {
  ig_arena *arena = &model->arena;
  *meta = (ig_meta){.path = file->path};
  ig_cursor_init(&meta->head, file, diags);
  reader r = {model, model->n_tensors, base, meta, &meta->head, diags, file->path};
  uint64_t n_tensors = 0, n_kv = 0;
  if (!read_head(&r, &n_tensors, &n_kv)) return false;

  size_t capacity = 0;
  for (uint64_t i = 0; i < n_kv; i++) {
    ig_meta_entry e = {0};
    if (!read_entry(&r, &e, i)) return false;
    meta->entries = ig_grow(arena, meta->entries, meta->n, &capacity, sizeof e);
    meta->entries[meta->n++] = e;
  }
  uint32_t alignment;
  bool ok = index_keys(&r);
  ok = read_alignment(&r, &alignment) && ok;

  bool sound = true;
  for (uint64_t i = 0; i < n_tensors; i++) {
    ig_tensor t = {0};
    if (!read_tensor(&r, &t, i, &sound)) return false;
    model->tensors = ig_grow(arena, model->tensors, model->n_tensors, &model->tensor_capacity, sizeof t);
    model->tensors[model->n_tensors++] = t;
  }
  ok = check_names(&r) && ok;
  if (sound && alignment) ok = check_extents(&r, alignment) && ok;
  return ok && sound;
}

void ig_gguf_finish(ig_meta *meta) {
  if (meta) ig_cursor_finish(&meta->head);
}
