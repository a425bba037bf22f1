/* Files that hold a made vocabulary and nothing else. */
#ifndef INGOT_TESTS_VOCABULARY_MAKER_H
#define INGOT_TESTS_VOCABULARY_MAKER_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/model.h"

enum { STRING = 8, ARRAY = 9, I32 = 5, F32 = 6 };

static uint64_t state = 88172645463325252u;
static inline uint32_t below(uint32_t n) {
  state ^= state << 13;
  state ^= state >> 7;
  state ^= state << 17;
  return (uint32_t)(state >> 20) % n;
}

static inline void add_string(ig_text *f, const void *text, uint64_t size) {
  ig_text_add(f, &size, 8);
  ig_text_add(f, text, size);
}

static inline void add_key(ig_text *f, const char *key, uint32_t type) {
  add_string(f, key, strlen(key));
  ig_text_add(f, &type, 4);
}

static inline void add_array(ig_text *f, const char *key, uint32_t type, uint64_t n, const ig_text *values) {
  add_key(f, key, ARRAY);
  ig_text_add(f, &type, 4);
  ig_text_add(f, &n, 8);
  ig_text_add(f, values->data, values->size);
}

typedef struct vocabulary {
  char text[512][24];
  int32_t type[512];
  float score[512];
  char merge[512][2][24];
  uint32_t n, n_merges;
} vocabulary;

static inline void add_token(vocabulary *v, const char *text, int32_t type) {
  snprintf(v->text[v->n], sizeof v->text[0], "%s", text);
  v->type[v->n] = type;
  v->score[v->n] = -(float)below(40);
  v->n++;
}

static inline uint32_t find(const vocabulary *v, const char *text) {
  for (uint32_t i = 0; i < v->n; i++)
    if (v->type[i] == 1 && strcmp(v->text[i], text) == 0) return i;
  return UINT32_MAX;
}

static inline bool write_vocabulary(const vocabulary *v, const char *path, const char *model, const char *pre) {
  ig_text f = {0}, tokens = {0}, types = {0}, scores = {0}, merges = {0};
  const uint32_t version = 3;
  const uint64_t n_tensors = 0, n_keys = 7;
  for (uint32_t i = 0; i < v->n; i++) {
    add_string(&tokens, v->text[i], strlen(v->text[i]));
    ig_text_add(&types, &v->type[i], 4);
    ig_text_add(&scores, &v->score[i], 4);
  }
  for (uint32_t i = 0; i < v->n_merges; i++) {
    char both[64];
    snprintf(both, sizeof both, "%s %s", v->merge[i][0], v->merge[i][1]);
    add_string(&merges, both, strlen(both));
  }
  ig_text_add(&f, "GGUF", 4);
  ig_text_add(&f, &version, 4);
  ig_text_add(&f, &n_tensors, 8);
  ig_text_add(&f, &n_keys, 8);
  add_key(&f, "general.architecture", STRING), add_string(&f, "llama", 5);
  add_key(&f, "tokenizer.ggml.model", STRING), add_string(&f, model, strlen(model));
  add_key(&f, "tokenizer.ggml.pre", STRING), add_string(&f, pre, strlen(pre));
  add_array(&f, "tokenizer.ggml.tokens", STRING, v->n, &tokens);
  add_array(&f, "tokenizer.ggml.token_type", I32, v->n, &types);
  add_array(&f, "tokenizer.ggml.scores", F32, v->n, &scores);
  add_array(&f, "tokenizer.ggml.merges", STRING, v->n_merges, &merges);
  ig_diags diags = {0};
  bool ok = ig_write_file(path, f.data, f.size, &diags);
  ig_diags_finish(&diags);
  ig_text_finish(&f), ig_text_finish(&tokens), ig_text_finish(&types), ig_text_finish(&scores), ig_text_finish(&merges);
  return ok;
}

#endif
