/* Whole models against the evaluator, bit for bit: small llamas of random weights in every mixture of formats and odd sizes, past a
 * block of positions. */
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "driver/bundle_folder.h"
#include "gguf_maker.h"
#include "whole_model.h"

enum { TOKENS = 140 };

static char folder[] = "/tmp/ingot-whole-XXXXXX";

/* ---- model files ------------------------------------------------------------------------------------------------------ */

typedef struct shape {
  const char *name;
  uint32_t layers, embd, heads, kv_heads, head_dim, ff, vocab;
  const char *embed, *q, *k, *v, *o, *gate, *up, *down, *head; /* head NULL: tied */
} shape;

static void store_f16(uint8_t *to, float f) {
  uint16_t h = ig_f32_to_f16(f);
  to[0] = (uint8_t)h, to[1] = (uint8_t)(h >> 8);
}

/* Random quants; scales such that values are around 0.1. */
static void random_block(const ig_block_format *f, uint8_t *b) {
  float small = (0.5f + (float)(random_u32() % 1000) / 1000.0f) * 0.02f;
  for (uint32_t i = 0; i < f->block_bytes; i++) b[i] = (uint8_t)random_u32();
  static const struct {
    const char *format;
    uint8_t d, dmin;
    float by, min_by;
  } scales[] = {
                                                                                              /* min_by: q4_1's m is as large as its d */
    {"q8_0", 0, 0, 12, 0},    {"q4_0", 0, 0, 1, 0},      {"q4_1", 0, 2, 1, 1},      {"q5_0", 0, 0, 2, 0},      {"q5_1", 0, 2, 2, 1},
    {"iq4_nl", 0, 0, 12, 0},  {"q2_k", 80, 82, 6, 6},    {"q3_k", 108, 0, 50, 0},   {"q4_k", 0, 2, 40, 8},     {"q5_k", 0, 2, 80, 8},
    {"q6_k", 208, 0, 700, 0}, {"iq4_xs", 0, 0, 1000, 0}, {"tq1_0", 52, 0, 0.2f, 0}, {"tq2_0", 64, 0, 0.2f, 0},
  };
  bool known = false;
  for (size_t i = 0; i < sizeof scales / sizeof *scales && !known; i++) {
    if (strcmp(f->name, scales[i].format)) continue;
    store_f16(b + scales[i].d, small / scales[i].by);
    if (scales[i].dmin) store_f16(b + scales[i].dmin, small / scales[i].min_by);
    known = true;
  }
  if (known) return;
  if (!strcmp(f->name, "mxfp4")) b[0] = (uint8_t)(120 + random_u32() % 3);
  else { /* plain numbers */ float v = ((float)(random_u32() % 2001) - 1000.0f) * 0.0002f;
    uint32_t bits = ig_f32_bits(v);
    if (!strcmp(f->name, "f16")) store_f16(b, v);
    else if (!strcmp(f->name, "bf16")) b[0] = (uint8_t)(bits >> 16), b[1] = (uint8_t)(bits >> 24);
    else memcpy(b, &bits, 4);
  }
}

typedef struct maker {
  ig_text infos, data;
  uint64_t n;
} maker;

static void tensor(maker *m, const char *name, const char *format, uint64_t rows, uint64_t cols) {
  const ig_block_format *f = ig_format_find(format);
  uint8_t block[512];
  maker_tensor(&m->infos, name, rows ? 2 : 1, (uint64_t[]){cols, rows}, f->gguf_type, m->data.size, &m->n);
  for (uint64_t i = 0; i < (rows ? rows : 1) * (cols / f->block_values); i++) {
    random_block(f, block);
    if (!rows) memcpy(block, &(float){0.75f + (float)(random_u32() % 500) / 1000.0f}, 4); /* gains are around 1 */
    ig_text_add(&m->data, block, f->block_bytes);
  }
  while (m->data.size % 32) ig_text_add(&m->data, "", 1);
}

static void key_u32(ig_text *keys, const char *name, uint32_t value, uint64_t *n) {
  maker_key(keys, ig_format(&arena, "llama.%s", name), MAKER_U32, (const char[]){LE32(value)}, 4, n);
}

static const char *write_model(const shape *s) {
  ig_text keys = {0}, file = {0};
  uint64_t n_keys = 0;
  maker m = {0};
  maker_key(&keys, "general.architecture", MAKER_STRING, "\5\0\0\0\0\0\0\0llama", 13, &n_keys);
  key_u32(&keys, "context_length", 300, &n_keys);
  key_u32(&keys, "embedding_length", s->embd, &n_keys);
  key_u32(&keys, "block_count", s->layers, &n_keys);
  key_u32(&keys, "feed_forward_length", s->ff, &n_keys);
  key_u32(&keys, "attention.head_count", s->heads, &n_keys);
  key_u32(&keys, "attention.head_count_kv", s->kv_heads, &n_keys);
  key_u32(&keys, "attention.key_length", s->head_dim, &n_keys);
  key_u32(&keys, "attention.value_length", s->head_dim, &n_keys);
  key_u32(&keys, "rope.dimension_count", s->head_dim, &n_keys);
  maker_key(&keys, "llama.attention.layer_norm_rms_epsilon", MAKER_F32, "\xac\xc5\x27\x37", 4, &n_keys);
  tensor(&m, "token_embd.weight", s->embed, s->vocab, s->embd);
  for (uint32_t i = 0; i < s->layers; i++) {
#define LAYER(what) ig_format(&arena, "blk.%u." what ".weight", i)
    tensor(&m, LAYER("attn_norm"), "f32", 0, s->embd);
    tensor(&m, LAYER("attn_q"), s->q, s->heads * s->head_dim, s->embd);
    tensor(&m, LAYER("attn_k"), s->k, s->kv_heads * s->head_dim, s->embd);
    tensor(&m, LAYER("attn_v"), s->v, s->kv_heads * s->head_dim, s->embd);
    tensor(&m, LAYER("attn_output"), s->o, s->embd, s->heads * s->head_dim);
    tensor(&m, LAYER("ffn_norm"), "f32", 0, s->embd);
    tensor(&m, LAYER("ffn_gate"), s->gate, s->ff, s->embd);
    tensor(&m, LAYER("ffn_up"), s->up, s->ff, s->embd);
    tensor(&m, LAYER("ffn_down"), s->down, s->embd, s->ff);
  }
  tensor(&m, "output_norm.weight", "f32", 0, s->embd);
  if (s->head) tensor(&m, "output.weight", s->head, s->vocab, s->embd);
  ig_text_add(&file, "GGUF", 4);
  maker_u32(&file, 3);
  maker_u64(&file, m.n);
  maker_u64(&file, n_keys);
  ig_text_add(&file, keys.data, keys.size);
  ig_text_add(&file, m.infos.data, m.infos.size);
  while (file.size % 32) ig_text_add(&file, "", 1);
  ig_text_add(&file, m.data.data, m.data.size);
  const char *path = ig_format(&arena, "%s/%s.gguf", folder, s->name);
  gguf_write(path, &file);
  ig_text_finish(&keys);
  ig_text_finish(&file);
  ig_text_finish(&m.infos);
  ig_text_finish(&m.data);
  return path;
}

static void test(const shape *s) {
  random_state = 7;
  test_model(s->name, write_model(s), folder, TOKENS, s->vocab);
}

int main(void) {
  static const shape shapes[] = {
    {"mixed", 1, 256, 4, 2, 64, 512, 300, "q6_k", "q4_k", "q8_0", "f16", "q4_k", "q4_k", "q8_0", "q6_k", NULL},
    {"k_m", 1, 256, 4, 1, 64, 768, 300, "q4_k", "q4_k", "q4_k", "q6_k", "q4_k", "q4_k", "q4_k", "q6_k", "q6_k"},
    {"blocks_of_32", 2, 96, 3, 1, 32, 160, 77, "q8_0", "q4_0", "q8_0", "q4_0", "q8_0", "q4_0", "q4_0", "q8_0", "q4_0"},
    {"plain", 3, 40, 5, 5, 8, 52, 33, "f32", "f16", "bf16", "f32", "bf16", "f32", "bf16", "f16", "bf16"},
    {"narrow_heads", 1, 36, 3, 1, 12, 20, 17, "f16", "f16", "f32", "bf16", "f32", "f16", "f16", "f32", NULL},
    {"one_of_each", 1, 32, 1, 1, 2, 32, 1, "q8_0", "q8_0", "q4_0", "f32", "f16", "q4_0", "bf16", "q4_0", "f32"},
    {"more_of_256", 1, 512, 4, 2, 64, 768, 300, "q2_k", "q5_k", "q3_k", "iq4_xs", "tq1_0", "q2_k", "q5_k", "tq2_0", "q3_k"},
    {"more_of_32", 2, 96, 3, 1, 32, 160, 77, "mxfp4", "q4_1", "q5_0", "q5_1", "iq4_nl", "mxfp4", "q5_0", "mxfp4", "q5_1"},
  };
  if (!mkdtemp(folder)) return perror(folder), 1;
  for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++) test(&shapes[i]);
  ig_remove_tree(folder);
  ig_arena_finish(&arena);
  return failures > 0;
}
