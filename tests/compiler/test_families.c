/* Every family against the evaluator, bit for bit: small models of random weights with all that the family may have, past a block of positions.
 * usage: test_families [FOLDER]: model files are left there. */
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "driver/bundle_folder.h"
#include "gguf_maker.h"
#include "whole_model.h"

enum { TOKENS = 150, VOCAB = 48, EMBD = 64, HEADS = 4, KV_HEADS = 2, HEAD_DIM = 32, LAYERS = 2 };

typedef struct key { const char *name; uint32_t type; float f; uint32_t u; const char *s; } key; /* MAKER_F32, MAKER_U32 or MAKER_STRING */

/* What a family's files hold beside the plain decoder's. */
enum { BIAS = 1, OUTPUT_BIAS = 2, FUSED = 4, ROPE_FREQS = 8, LONGROPE = 16, UNTIED = 32, HEAD_NORMS = 64, EXPERTS = 128, APART = 256, OSS = 512 };
enum { EXPERT_COUNT = 7, EXPERTS_USED = 3, EXPERT_FF = 96 };

/* OSS: sinks, biases of router and experts, experts in mxfp4. APART: a tensor for each expert. */
#define MIXTURE {"expert_count", MAKER_U32, 0, EXPERT_COUNT, NULL}, {"expert_used_count", MAKER_U32, 0, EXPERTS_USED, NULL}

static const struct family {
  const char *name, *architecture, *format;
  uint32_t has, ff;
  key keys[8];
} families[] = {
  {"llama", "llama", "f32", ROPE_FREQS | BIAS | OUTPUT_BIAS, 96, {{0}}},
  {"llama_yarn", "llama", "f16", UNTIED, 96,
   {{"rope.scaling.type", MAKER_STRING, 0, 0, "yarn"}, {"rope.scaling.factor", MAKER_F32, 4, 0, NULL}, {"rope.scaling.original_context_length", MAKER_U32, 0, 75, NULL}}},
  {"mistral", "llama", "f32", UNTIED, 96, {{"attention.sliding_window", MAKER_U32, 0, 40, NULL}}},
  {"qwen2", "qwen2", "f32", BIAS, 96, {{0}}},
  {"qwen2_q8_0", "qwen2", "q8_0", BIAS | UNTIED, 96, {{"rope.freq_base", MAKER_F32, 1e6f, 0, NULL}}},
  {"qwen3", "qwen3", "f32", HEAD_NORMS, 96, {{"rope.freq_base", MAKER_F32, 1e6f, 0, NULL}}},
  {"qwen3_q8_0", "qwen3", "q8_0", HEAD_NORMS | UNTIED, 96, {{0}}},
  {"phi3", "phi3", "f32", FUSED | UNTIED, 104, {{"attention.sliding_window", MAKER_U32, 0, 133, NULL}}},
  {"phi3_long", "phi3", "q8_0", FUSED | LONGROPE, 96,
   {{"rope.scaling.type", MAKER_STRING, 0, 0, "longrope"}, {"rope.scaling.attn_factor", MAKER_F32, 1.19f, 0, NULL}, {"rope.dimension_count", MAKER_U32, 0, 12, NULL},
    {"rope.scaling.original_context_length", MAKER_U32, 0, 64, NULL}}},
  {"mixtral", "llama", "f32", EXPERTS | UNTIED, EXPERT_FF, {MIXTURE}},
  {"mixtral_apart", "llama", "q8_0", EXPERTS | APART | UNTIED, EXPERT_FF, {MIXTURE, {"rope.freq_base", MAKER_F32, 1e6f, 0, NULL}}},
  {"qwen3moe", "qwen3moe", "f32", HEAD_NORMS | EXPERTS | UNTIED, 200, {MIXTURE, {"expert_feed_forward_length", MAKER_U32, 0, EXPERT_FF, NULL}}},
  {"qwen3moe_q8_0", "qwen3moe", "q8_0", HEAD_NORMS | EXPERTS, 200, {MIXTURE, {"expert_feed_forward_length", MAKER_U32, 0, EXPERT_FF, NULL}}},
  {"gpt_oss", "gpt-oss", "f16", BIAS | OUTPUT_BIAS | EXPERTS | OSS | UNTIED, EXPERT_FF,
   {MIXTURE, {"expert_feed_forward_length", MAKER_U32, 0, EXPERT_FF, NULL}, {"attention.sliding_window", MAKER_U32, 0, 40, NULL}, {"rope.scaling.type", MAKER_STRING, 0, 0, "yarn"},
    {"rope.scaling.factor", MAKER_F32, 4, 0, NULL}, {"rope.scaling.original_context_length", MAKER_U32, 0, 75, NULL}}},
};

/* ---- model files ------------------------------------------------------------------------------------------------------ */

typedef struct maker {
  const struct family *family;
  ig_text keys, infos, data;
  uint64_t n_keys, n_tensors;
} maker;

static float around(float middle, float width) { return middle + width * ((float)(random_u32() % 2001) - 1000.0f) / 1000.0f; }

static void add_f16(ig_text *out, float f) {
  uint16_t h = ig_f32_to_f16(f);
  ig_text_add(out, (uint8_t[]){(uint8_t)h, (uint8_t)(h >> 8)}, 2);
}

/* `rows` rows of numbers around `middle`. Formats: f32, f16, q8_0, mxfp4. */
static void tensor_of(maker *m, const char *name, const char *format, uint32_t n_dims, const uint64_t *ne, float middle) {
  const ig_block_format *f = ig_format_find(format);
  uint64_t rows = (n_dims > 1 ? ne[1] : 1) * (n_dims > 2 ? ne[2] : 1);
  maker_tensor(&m->infos, name, n_dims, ne, f->gguf_type, m->data.size, &m->n_tensors);
  for (uint64_t i = 0; i < rows * (ne[0] / f->block_values); i++) {
    float v = around(middle, 0.25f);
    bool mx = !strcmp(format, "mxfp4");
    if (f->block_bytes == 4) maker_u32(&m->data, ig_f32_bits(v));
    else if (mx) ig_text_add(&m->data, (uint8_t[]){(uint8_t)(122 + random_u32() % 3)}, 1); /* a block's power of two */
    else add_f16(&m->data, f->block_values == 1 ? v : 0.002f);                             /* a block's scale */
    for (uint32_t k = 0; f->block_values > 1 && k < (mx ? 16 : f->block_values); k++) ig_text_add(&m->data, (uint8_t[]){(uint8_t)(random_u32() % 255 - 127)}, 1);
  }
  while (m->data.size % 32) ig_text_add(&m->data, "", 1);
}

/* rows 0: a vector. */
static void tensor(maker *m, const char *name, uint64_t rows, uint64_t cols, float middle) {
  tensor_of(m, name, rows ? m->family->format : "f32", rows ? 2 : 1, (uint64_t[]){cols, rows}, middle);
}

static void add_key(maker *m, const char *name, uint32_t type, uint32_t bits, const char *text) {
  ig_text value = {0};
  if (type == MAKER_STRING) maker_string(&value, text);
  else maker_u32(&value, bits);
  maker_key(&m->keys, name, type, value.data, value.size, &m->n_keys);
  ig_text_finish(&value);
}

static void add_keys(maker *m) {
  const struct { const char *name; uint32_t value; } numbers[] = {
    {"context_length", 300}, {"embedding_length", EMBD}, {"block_count", LAYERS}, {"feed_forward_length", m->family->ff}, {"attention.head_count", HEADS},
    {"attention.head_count_kv", KV_HEADS}, {"attention.key_length", HEAD_DIM}, {"attention.value_length", HEAD_DIM}, {"vocab_size", VOCAB},
  };
  const char *a = m->family->architecture;
  add_key(m, "general.architecture", MAKER_STRING, 0, a);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) add_key(m, ig_format(&arena, "%s.%s", a, numbers[i].name), MAKER_U32, numbers[i].value, NULL);
  add_key(m, ig_format(&arena, "%s.attention.layer_norm_rms_epsilon", a), MAKER_F32, ig_f32_bits(1e-5f), NULL);
  for (const key *k = m->family->keys; k->name; k++) add_key(m, ig_format(&arena, "%s.%s", a, k->name), k->type, k->type == MAKER_F32 ? ig_f32_bits(k->f) : k->u, k->s);
}

#define LAYER(what) ig_format(&arena, "blk.%u." what, layer)

static void add_experts(maker *m, uint32_t layer) {
  static const char *const names[] = {"gate", "up", "down"};
  const bool oss = m->family->has & OSS;
  tensor_of(m, LAYER("ffn_gate_inp.weight"), "f32", 2, (uint64_t[]){EMBD, EXPERT_COUNT}, 0);
  if (oss) tensor(m, LAYER("ffn_gate_inp.bias"), 0, EXPERT_COUNT, 0);
  for (int i = 0; i < 3; i++) {
    const uint64_t ne[] = {i < 2 ? EMBD : EXPERT_FF, i < 2 ? EXPERT_FF : EMBD, EXPERT_COUNT};
    for (uint32_t e = 0; e < EXPERT_COUNT && m->family->has & APART; e++) tensor(m, ig_format(&arena, "blk.%u.ffn_%s.%u.weight", layer, names[i], e), ne[1], ne[0], 0);
    if (m->family->has & APART) continue;
    tensor_of(m, ig_format(&arena, "blk.%u.ffn_%s_exps.weight", layer, names[i]), oss ? "mxfp4" : m->family->format, 3, ne, 0);
    if (oss) tensor_of(m, ig_format(&arena, "blk.%u.ffn_%s_exps.bias", layer, names[i]), "f32", 2, ne + 1, 0);
  }
}

static void add_layer(maker *m, uint32_t layer) {
  const struct family *f = m->family;
  const uint64_t q = HEADS * HEAD_DIM, kv = KV_HEADS * HEAD_DIM;
  tensor(m, LAYER("attn_norm.weight"), 0, EMBD, 1);
  if (f->has & FUSED) tensor(m, LAYER("attn_qkv.weight"), q + 2 * kv, EMBD, 0);
  else tensor(m, LAYER("attn_q.weight"), q, EMBD, 0), tensor(m, LAYER("attn_k.weight"), kv, EMBD, 0), tensor(m, LAYER("attn_v.weight"), kv, EMBD, 0);
  if (f->has & BIAS) tensor(m, LAYER("attn_q.bias"), 0, q, 0), tensor(m, LAYER("attn_k.bias"), 0, kv, 0), tensor(m, LAYER("attn_v.bias"), 0, kv, 0);
  if (f->has & HEAD_NORMS) tensor(m, LAYER("attn_q_norm.weight"), 0, HEAD_DIM, 1), tensor(m, LAYER("attn_k_norm.weight"), 0, HEAD_DIM, 1);
  tensor(m, LAYER("attn_output.weight"), EMBD, q, 0);
  if (f->has & OUTPUT_BIAS) tensor(m, LAYER("attn_output.bias"), 0, EMBD, 0);
  if (f->has & OSS) tensor(m, LAYER("attn_sinks.weight"), 0, HEADS, 1);
  tensor(m, f->has & OSS ? LAYER("post_attention_norm.weight") : LAYER("ffn_norm.weight"), 0, EMBD, 1);
  if (f->has & EXPERTS) {
    add_experts(m, layer);
    return;
  }
  if (f->has & FUSED) tensor(m, LAYER("ffn_up.weight"), 2 * f->ff, EMBD, 0);
  else tensor(m, LAYER("ffn_gate.weight"), f->ff, EMBD, 0), tensor(m, LAYER("ffn_up.weight"), f->ff, EMBD, 0);
  tensor(m, LAYER("ffn_down.weight"), EMBD, f->ff, 0);
}

static const char *write_model(const struct family *family, const char *folder) {
  maker m = {.family = family};
  ig_text file = {0};
  add_keys(&m);
  tensor(&m, "token_embd.weight", VOCAB, EMBD, 0);
  if (family->has & ROPE_FREQS) tensor(&m, "rope_freqs.weight", 0, HEAD_DIM / 2, 2);
  if (family->has & LONGROPE) tensor(&m, "rope_factors_long.weight", 0, 6, 3), tensor(&m, "rope_factors_short.weight", 0, 6, 1);
  for (uint32_t i = 0; i < LAYERS; i++) add_layer(&m, i);
  tensor(&m, "output_norm.weight", 0, EMBD, 1);
  if (family->has & UNTIED) tensor(&m, "output.weight", VOCAB, EMBD, 0);
  ig_text_add(&file, "GGUF", 4);
  maker_u32(&file, 3);
  maker_u64(&file, m.n_tensors);
  maker_u64(&file, m.n_keys);
  ig_text_add(&file, m.keys.data, m.keys.size);
  ig_text_add(&file, m.infos.data, m.infos.size);
  while (file.size % 32) ig_text_add(&file, "", 1);
  ig_text_add(&file, m.data.data, m.data.size);
  const char *path = ig_format(&arena, "%s/%s.gguf", folder, family->name);
  gguf_write(path, &file);
  ig_text_finish(&m.keys);
  ig_text_finish(&m.infos);
  ig_text_finish(&m.data);
  ig_text_finish(&file);
  return path;
}

int main(int argc, char **argv) {
  char made[] = "/tmp/ingot-families-XXXXXX";
  if (argc < 2 && !mkdtemp(made)) return perror(made), 1;
  const char *folder = argc < 2 ? made : argv[1];
  for (size_t i = 0; i < sizeof families / sizeof *families; i++) {
    random_state = 11 + i;
    rounded_tolerance = families[i].has & EXPERTS ? 0.05 : 0.02; /* a rounding may choose another expert */
    test_model(families[i].name, write_model(&families[i], folder), folder, TOKENS, VOCAB);
  }
  if (argc < 2) ig_remove_tree(folder);
  ig_arena_finish(&arena);
  printf("%zu models, %d failures\n", sizeof families / sizeof *families, failures);
  return failures > 0;
}
