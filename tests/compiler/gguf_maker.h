/* A small valid GGUF model, and the same with one thing changed: what the tests of the frontend read. */
#ifndef INGOT_TESTS_GGUF_MAKER_H
#define INGOT_TESTS_GGUF_MAKER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/base/base.h"

/* One change to the model. Fields left zero change nothing. */
typedef struct gguf_change {
  uint32_t version;
  const char *n_tensors, *n_kv;            /* 8 bytes */
  const char *key;                         /* replaced, added where there is none, or dropped */
  uint32_t type;
  const char *value;                       /* its bytes; NULL with a key: the key is dropped */
  size_t value_size;
  const char *tensor;                      /* the tensor that changes; "+": added at the end */
  const char *new_name;
  uint32_t n_dims;                         /* with ne */
  uint64_t ne[5];
  uint32_t gguf_type;                      /* plus one */
  uint64_t offset;                         /* plus one */
  bool drop;                               /* drops the tensor */
  size_t cut;                              /* bytes kept */
} gguf_change;

enum { MAKER_U8, MAKER_I8, MAKER_U16, MAKER_I16, MAKER_U32, MAKER_I32, MAKER_F32, MAKER_BOOL, MAKER_STRING, MAKER_ARRAY, MAKER_U64, MAKER_I64, MAKER_F64 };

#define BYTES(literal) .value = literal, .value_size = sizeof(literal) - 1
#define LE32(n) (char)((n) & 255), (char)((n) >> 8 & 255), (char)((n) >> 16 & 255), (char)((n) >> 24 & 255)

/* width 8, one layer, two heads over one, 8 channels inside, 8 tokens */
static const struct {
  const char *key;
  uint32_t type;
  const char *value;
  size_t size;
} maker_keys[] = {
#define KEY(name, type, literal) {name, type, literal, sizeof(literal) - 1}
  KEY("general.architecture", MAKER_STRING, "\5\0\0\0\0\0\0\0llama"),
  KEY("general.name", MAKER_STRING, "\4\0\0\0\0\0\0\0tiny"),
  KEY("llama.context_length", MAKER_U32, "\200\0\0\0"),
  KEY("llama.embedding_length", MAKER_U32, "\10\0\0\0"),
  KEY("llama.block_count", MAKER_U32, "\1\0\0\0"),
  KEY("llama.feed_forward_length", MAKER_U32, "\10\0\0\0"),
  KEY("llama.attention.head_count", MAKER_U32, "\2\0\0\0"),
  KEY("llama.attention.head_count_kv", MAKER_U32, "\1\0\0\0"),
  KEY("llama.attention.layer_norm_rms_epsilon", MAKER_F32, "\xac\xc5\x27\x37"),
  KEY("tokenizer.ggml.model", MAKER_STRING, "\5\0\0\0\0\0\0\0llama"),
  KEY("tokenizer.ggml.tokens", MAKER_ARRAY,
      "\10\0\0\0\10\0\0\0\0\0\0\0"
      "\5\0\0\0\0\0\0\0<unk>"
      "\3\0\0\0\0\0\0\0<s>"
      "\4\0\0\0\0\0\0\0</s>"
      "\6\0\0\0\0\0\0\0<0x41>"
      "\3\0\0\0\0\0\0\0\xe2\x96\x81"
      "\1\0\0\0\0\0\0\0a"
      "\1\0\0\0\0\0\0\0b"
      "\2\0\0\0\0\0\0\0ab"),
  KEY("tokenizer.ggml.scores", MAKER_ARRAY,
      "\6\0\0\0\10\0\0\0\0\0\0\0"
      "\0\0\0\0"
      "\0\0\0\0"
      "\0\0\0\0"
      "\0\0\0\0"
      "\0\0\200\277"
      "\0\0\0\300"
      "\0\0\100\300"
      "\0\0\200\300"),
  KEY("tokenizer.ggml.token_type", MAKER_ARRAY,
      "\5\0\0\0\10\0\0\0\0\0\0\0"
      "\2\0\0\0"
      "\3\0\0\0"
      "\3\0\0\0"
      "\6\0\0\0"
      "\1\0\0\0"
      "\1\0\0\0"
      "\1\0\0\0"
      "\1\0\0\0"),
#undef KEY
};

static const struct {
  const char *name;
  uint32_t n_dims;
  uint64_t ne[2];
} maker_tensors[] = {
  {"token_embd.weight", 2, {8, 8}},     {"output_norm.weight", 1, {8, 1}},  {"blk.0.attn_norm.weight", 1, {8, 1}},   {"blk.0.attn_q.weight", 2, {8, 8}},
  {"blk.0.attn_k.weight", 2, {8, 4}},   {"blk.0.attn_v.weight", 2, {8, 4}}, {"blk.0.attn_output.weight", 2, {8, 8}}, {"blk.0.ffn_norm.weight", 1, {8, 1}},
  {"blk.0.ffn_gate.weight", 2, {8, 8}}, {"blk.0.ffn_up.weight", 2, {8, 8}}, {"blk.0.ffn_down.weight", 2, {8, 8}},
};

static inline void maker_u32(ig_text *out, uint32_t n) {
  uint8_t bytes[4] = {(uint8_t)n, (uint8_t)(n >> 8), (uint8_t)(n >> 16), (uint8_t)(n >> 24)};
  ig_text_add(out, bytes, 4);
}

static inline void maker_u64(ig_text *out, uint64_t n) {
  maker_u32(out, (uint32_t)n);
  maker_u32(out, (uint32_t)(n >> 32));
}

static inline void maker_string(ig_text *out, const char *text) {
  maker_u64(out, strlen(text));
  ig_text_add(out, text, strlen(text));
}

static inline void maker_key(ig_text *out, const char *key, uint32_t type, const char *value, size_t size, uint64_t *n) {
  maker_string(out, key);
  maker_u32(out, type);
  ig_text_add(out, value, size);
  ++*n;
}

static inline void maker_tensor(ig_text *out, const char *name, uint32_t n_dims, const uint64_t *ne, uint32_t type, uint64_t offset, uint64_t *n) {
  maker_string(out, name);
  maker_u32(out, n_dims);
  for (uint32_t i = 0; i < n_dims; i++) maker_u64(out, ne[i]);
  maker_u32(out, type);
  maker_u64(out, offset);
  ++*n;
}

static inline void maker_keys_of(ig_text *out, const gguf_change *c, uint64_t *n) {
  bool found = false;
  for (size_t i = 0; i < sizeof maker_keys / sizeof *maker_keys; i++) {
    bool changed = c->key && strcmp(c->key, maker_keys[i].key) == 0;
    found = found || changed;
    if (!changed) maker_key(out, maker_keys[i].key, maker_keys[i].type, maker_keys[i].value, maker_keys[i].size, n);
    else if (c->value) maker_key(out, c->key, c->type, c->value, c->value_size, n);
  }
  if (c->key && c->value && !found) maker_key(out, c->key, c->type, c->value, c->value_size, n);
}

static inline uint64_t maker_tensors_of(ig_text *out, const gguf_change *c, uint64_t *n) {
  uint64_t at = 0;
  for (size_t i = 0; i <= sizeof maker_tensors / sizeof *maker_tensors; i++) {
    bool added = i == sizeof maker_tensors / sizeof *maker_tensors;
    const char *name = added ? "+" : maker_tensors[i].name;
    bool changed = c->tensor && strcmp(c->tensor, name) == 0;
    if (added && !changed) break;
    uint64_t mine[2] = {8, 1};
    if (!added) memcpy(mine, maker_tensors[i].ne, sizeof mine);
    else if (c->n_dims == 2) memcpy(mine, c->ne, sizeof mine);
    if (!(changed && c->drop))
      maker_tensor(out, changed && c->new_name ? c->new_name : name,
                   changed && c->n_dims ? c->n_dims
                       : added          ? 1
                                        : maker_tensors[i].n_dims,
                   changed && c->n_dims ? c->ne : mine, changed && c->gguf_type ? c->gguf_type - 1 : 0, changed && c->offset ? c->offset - 1 : at, n);
    at += (4 * mine[0] * mine[1] + 31) / 32 * 32;
  }
  return at;
}

/* The bytes of the file. */
static inline void gguf_make(const gguf_change *c, ig_text *file) {
  ig_text keys = {0}, infos = {0};
  uint64_t n_kv = 0, n_tensors = 0;
  maker_keys_of(&keys, c, &n_kv);
  uint64_t data = maker_tensors_of(&infos, c, &n_tensors);
  ig_text_add(file, "GGUF", 4);
  maker_u32(file, c->version ? c->version : 3);
  if (c->n_tensors) ig_text_add(file, c->n_tensors, 8);
  else maker_u64(file, n_tensors);
  if (c->n_kv) ig_text_add(file, c->n_kv, 8);
  else maker_u64(file, n_kv);
  ig_text_add(file, keys.data, keys.size);
  ig_text_add(file, infos.data, infos.size);
  while (file->size % 32) ig_text_add(file, "", 1);
  for (uint64_t i = 0; i < data / 4; i++) maker_u32(file, 0x3c000000 + (uint32_t)(i * 0x01357913 & 0x83ffffff)); /* small floats of both signs */
  if (c->cut) file->size = c->cut;
  ig_text_finish(&keys);
  ig_text_finish(&infos);
}

/* The bytes of a file of these keys, tensors' infos and data. */
static inline void maker_file(ig_text *file, uint64_t n_keys, const ig_text *keys, uint64_t n_tensors, const ig_text *infos, const ig_text *data) {
  ig_text_add(file, "GGUF", 4);
  maker_u32(file, 3);
  maker_u64(file, n_tensors);
  maker_u64(file, n_keys);
  ig_text_add(file, keys->data, keys->size);
  ig_text_add(file, infos->data, infos->size);
  while (file->size % 32) ig_text_add(file, "", 1);
  ig_text_add(file, data->data, data->size);
}

static inline void gguf_write(const char *path, const ig_text *file) {
  FILE *f = fopen(path, "wb");
  if (!f || fwrite(file->data, 1, file->size, f) != file->size || fclose(f) != 0) {
    perror(path);
    exit(1);
  }
}

#endif
