#include "ir/format.h"

#include <assert.h>
#include <string.h>

#include "ir/formats/unpack.h"

static const ig_block_format formats[] = {
#define IG_FORMAT(name, type, values, bytes, sub, unpack, decode) {#name, type, values, bytes, sub, unpack, decode},
#define IG_TYPE(name, type, values, bytes)
#include "ir/formats.def"
#undef IG_FORMAT
#undef IG_TYPE
};

static const struct {
  const char *name;
  uint32_t type, values, bytes;
} types[] = {
#define IG_FORMAT(name, type, values, bytes, sub, unpack, decode) {#name, type, values, bytes},
#define IG_TYPE(name, type, values, bytes) {#name, type, values, bytes},
#include "ir/formats.def"
#undef IG_FORMAT
#undef IG_TYPE
};

enum { FORMATS = sizeof formats / sizeof *formats, TYPES = sizeof types / sizeof *types };

const ig_block_format *ig_format_at(int index) { return index >= 0 && index < FORMATS ? &formats[index] : NULL; }

const ig_block_format *ig_format_find(const char *name) {
  for (int i = 0; i < FORMATS; i++)
    if (strcmp(formats[i].name, name) == 0) return &formats[i];
  return NULL;
}

const ig_block_format *ig_format_of_gguf(uint32_t type) {
  for (int i = 0; i < FORMATS; i++)
    if (formats[i].gguf_type == type) return &formats[i];
  return NULL;
}

static int find_type(uint32_t type) {
  for (int i = 0; i < TYPES; i++)
    if (types[i].type == type) return i;
  return -1;
}

const char *ig_gguf_type_name(uint32_t type) {
  int i = find_type(type);
  return i < 0 ? NULL : types[i].name;
}

bool ig_gguf_type_block(uint32_t type, uint32_t *values, uint32_t *bytes) {
  int i = find_type(type);
  if (i < 0) return false;
  *values = types[i].values;
  *bytes = types[i].bytes;
  return true;
}

void ig_decode_blocks(const ig_block_format *format, const uint8_t *bytes, float *values, size_t n) {
  assert(n % format->block_values == 0);
  ig_block block;
  for (; n; n -= format->block_values, bytes += format->block_bytes, values += format->block_values) {
    format->unpack(bytes, &block);
    for (uint32_t i = 0; i < format->block_values; i++) {
      uint32_t j = i / format->sub_values;
      values[i] = (block.d * (float)block.scale[j]) * (float)block.q[i] - block.dmin * (float)block.min[j];
    }
  }
}
