/* Metadata of a GGUF file by key and type; the bytes were checked when the file was read. */
#include <math.h>
#include <string.h>

#include "frontend/gguf.h"

static const struct {
  const char *name;
} types[IG_META_TYPES] = {{"u8"}, {"i8"}, {"u16"}, {"i16"}, {"u32"}, {"i32"}, {"f32"}, {"bool"}, {"string"}, {"array"}, {"u64"}, {"i64"}, {"f64"}};

const char *ig_meta_type_name(ig_meta_type type) { return types[type].name; }

ig_str ig_meta_key(const ig_meta *meta, const ig_meta_entry *entry) { return (ig_str){(const char *)meta->head.base + entry->key, entry->key_size}; }

const ig_meta_entry *ig_meta_find(const ig_meta *meta, const char *key) {
  size_t size = strlen(key), low = 0, high = meta->n;
  while (low < high) {
    size_t middle = low + (high - low) / 2;
    const ig_meta_entry *e = &meta->entries[meta->sorted[middle]];
    size_t shorter = e->key_size < size ? e->key_size : size;
    int order = memcmp(meta->head.base + e->key, key, shorter);
    if (!order) order = (e->key_size > size) - (e->key_size < size);
    if (!order) {
      meta->asked[e - meta->entries] = true;
      return e;
    }
    if (order < 0) low = middle + 1;
    else high = middle;
  }
  return NULL;
}

static bool wrong_type(const ig_meta *meta, const char *key, const ig_meta_entry *e, const char *wanted, ig_diags *diags) {
  bool array = e->type == IG_META_ARRAY;
  return ig_error(diags, meta->path, "metadata key %s is %s%s where %s is needed", key, array ? "an array of " : "a ",
                  ig_meta_type_name(array ? e->element : e->type), wanted);
}

/* An integer of any width, as its 64 bits and whether it is below 0. */
static bool integer(const ig_meta *meta, const ig_meta_entry *e, uint64_t *bits, bool *negative) {
  const uint8_t *p = meta->head.base + e->value;
  int64_t s;
  *negative = false;
  switch (e->type) {
  case IG_META_U8: *bits = *p; return true;
  case IG_META_U16: *bits = ig_load_u16(p); return true;
  case IG_META_U32: *bits = ig_load_u32(p); return true;
  case IG_META_U64: *bits = ig_load_u64(p); return true;
  case IG_META_I8: s = (int8_t)*p; break;
  case IG_META_I16: s = (int16_t)ig_load_u16(p); break;
  case IG_META_I32: s = (int32_t)ig_load_u32(p); break;
  case IG_META_I64: s = (int64_t)ig_load_u64(p); break;
  default: return false;
  }
  *bits = (uint64_t)s;
  *negative = s < 0;
  return true;
}

bool ig_meta_u32(const ig_meta *meta, const char *key, uint32_t *value, ig_diags *diags) {
  const ig_meta_entry *e = ig_meta_find(meta, key);
  if (!e) return true;
  uint64_t bits;
  bool negative;
  if (!integer(meta, e, &bits, &negative)) return wrong_type(meta, key, e, "an integer", diags);
  if (negative) return ig_error(diags, meta->path, "metadata key %s is %lld; it cannot be negative", key, (long long)(int64_t)bits);
  if (bits > UINT32_MAX) return ig_error(diags, meta->path, "metadata key %s is %llu; at most %u is possible", key, (unsigned long long)bits, UINT32_MAX);
  *value = (uint32_t)bits;
  return true;
}

bool ig_meta_f32(const ig_meta *meta, const char *key, float *value, ig_diags *diags) {
  const ig_meta_entry *e = ig_meta_find(meta, key);
  if (!e) return true;
  double number;
  if (e->type == IG_META_F32) number = (double)ig_load_f32(meta->head.base + e->value);
  else if (e->type == IG_META_F64) {
    uint64_t bits = ig_load_u64(meta->head.base + e->value);
    memcpy(&number, &bits, sizeof number);
  } else return wrong_type(meta, key, e, "a float", diags);
  if (!isfinite(number) || fabs(number) > 0x1p127) return ig_error(diags, meta->path, "metadata key %s is not a finite number", key);
  *value = (float)number;
  return true;
}

bool ig_meta_bool(const ig_meta *meta, const char *key, bool *value, ig_diags *diags) {
  const ig_meta_entry *e = ig_meta_find(meta, key);
  if (!e) return true;
  if (e->type != IG_META_BOOL) return wrong_type(meta, key, e, "a bool", diags);
  *value = meta->head.base[e->value] != 0;
  return true;
}

bool ig_meta_string(const ig_meta *meta, const char *key, ig_str *value, ig_diags *diags) {
  const ig_meta_entry *e = ig_meta_find(meta, key);
  if (!e) return true;
  if (e->type != IG_META_STRING) return wrong_type(meta, key, e, "a string", diags);
  *value = (ig_str){(const char *)meta->head.base + e->value, e->value_size};
  return true;
}

const ig_meta_entry *ig_meta_array(const ig_meta *meta, const char *key, ig_meta_type element, ig_diags *diags) {
  const ig_meta_entry *e = ig_meta_find(meta, key);
  if (!e || (e->type == IG_META_ARRAY && e->element == element)) return e;
  char wanted[32] = "an array of ";
  strcat(wanted, ig_meta_type_name(element));
  wrong_type(meta, key, e, wanted, diags);
  return NULL;
}

uint32_t ig_meta_word(const ig_meta *meta, const ig_meta_entry *array, uint64_t i) { return ig_load_u32(meta->head.base + array->value + 4 * i); }

bool ig_meta_next_string(const ig_meta *meta, const ig_meta_entry *array, size_t *at, ig_str *string) {
  if (*at >= array->value_size) return false;
  const uint8_t *p = meta->head.base + array->value + *at;
  *string = (ig_str){(const char *)p + 8, (size_t)ig_load_u64(p)};
  *at += 8 + string->size;
  return true;
}

const char *ig_meta_print(const ig_meta *meta, const ig_meta_entry *e, ig_arena *arena) {
  enum { CUT = 72 };
  const uint8_t *p = meta->head.base + e->value;
  uint64_t bits;
  bool negative;
  double number;
  if (integer(meta, e, &bits, &negative))
    return negative ? ig_format(arena, "%lld", (long long)(int64_t)bits) : ig_format(arena, "%llu", (unsigned long long)bits);
  switch (e->type) {
  case IG_META_F32: return ig_format(arena, "%.9g", (double)ig_load_f32(p));
  case IG_META_F64:
    bits = ig_load_u64(p);
    memcpy(&number, &bits, sizeof number);
    return ig_format(arena, "%.17g", number);
  case IG_META_BOOL: return *p ? "true" : "false";
  case IG_META_STRING: {
    size_t shown = e->value_size > CUT ? CUT : e->value_size;
    return ig_format(arena, "%s%s", ig_str_printable(arena, (ig_str){(const char *)p, shown}), shown < e->value_size ? "..." : "");
  }
  default: return ig_format(arena, "[%llu x %s]", (unsigned long long)e->count, ig_meta_type_name(e->element));
  }
}
