/* Model files of every family: random weights, all that the family may have. */
#ifndef INGOT_TESTS_FAMILY_MAKER_H
#define INGOT_TESTS_FAMILY_MAKER_H

#include "gguf_maker.h"
#include "whole_model.h"

/* FAMILY_WIDE: wide enough for blocks of 256; otherwise narrow, and heads together are wider than the residual stream. */
#ifdef FAMILY_WIDE
enum { VOCAB = 512, EMBD = 256, HEAD_DIM = 64, CONTEXT = 1024, FF_TIMES = 8 };
#else
enum { VOCAB = 48, EMBD = 64, HEAD_DIM = 32, CONTEXT = 300, FF_TIMES = 1 };
#endif
enum { HEADS = 4, KV_HEADS = 2, LAYERS = 2 };

typedef struct key {
  const char *name;
  uint32_t type;
  float f;
  uint32_t u;
  const char *s;
} key; /* MAKER_F32, MAKER_U32, MAKER_STRING, MAKER_BOOL, an array of those */

/* What a family's files hold beside the plain decoder's. */
enum { BIAS = 1, OUTPUT_BIAS = 2, FUSED = 4, ROPE_FREQS = 8, LONGROPE = 16, UNTIED = 32, HEAD_NORMS = 64, EXPERTS = 128, APART = 256, OSS = 512 };
enum { AROUND = 1 << 12, AFTER = 1 << 13, ROW_NORMS = 1 << 14, NETWORK_BIAS = 1 << 15 }; /* norms around, or after, attention and network; of all of q and k */
enum { EXPERT_COUNT = 7, EXPERTS_USED = 3, EXPERT_FF = 96 * FF_TIMES };

/* OSS: sinks, biases of router and experts, experts in mxfp4. APART: a tensor for each expert. */
#define MIXTURE \
  {"expert_count", MAKER_U32, 0, EXPERT_COUNT, NULL}, { "expert_used_count", MAKER_U32, 0, EXPERTS_USED, NULL }

static const struct family {
  const char *name, *architecture, *format;
  uint32_t has, ff; /* times FF_TIMES */
  key keys[8];
} families[] = {
  {"llama", "llama", "f32", ROPE_FREQS | BIAS | OUTPUT_BIAS | NETWORK_BIAS, 96, {{0}}},
  {"llama_yarn",
   "llama",
   "f16",
   UNTIED,
   96,
   {{"rope.scaling.type", MAKER_STRING, 0, 0, "yarn"},
    {"rope.scaling.factor", MAKER_F32, 4, 0, NULL},
    {"rope.scaling.original_context_length", MAKER_U32, 0, 75, NULL}}},
  {"mistral", "llama", "f32", UNTIED, 96, {{"attention.sliding_window", MAKER_U32, 0, 40, NULL}}},
  {"qwen2", "qwen2", "f32", BIAS, 96, {{0}}},
  {"qwen2_q8_0", "qwen2", "q8_0", BIAS | UNTIED, 96, {{"rope.freq_base", MAKER_F32, 1e6f, 0, NULL}}},
  {"qwen3", "qwen3", "f32", HEAD_NORMS, 96, {{"rope.freq_base", MAKER_F32, 1e6f, 0, NULL}}},
  {"qwen3_q8_0", "qwen3", "q8_0", HEAD_NORMS | UNTIED, 96, {{0}}},
  {"phi3", "phi3", "f32", FUSED | UNTIED, 104, {{"attention.sliding_window", MAKER_U32, 0, 133, NULL}}},
  {"phi3_long",
   "phi3",
   "q8_0",
   FUSED | LONGROPE,
   96,
   {{"rope.scaling.type", MAKER_STRING, 0, 0, "longrope"},
    {"rope.scaling.attn_factor", MAKER_F32, 1.19f, 0, NULL},
    {"rope.dimension_count", MAKER_U32, 0, 12, NULL},
    {"rope.scaling.original_context_length", MAKER_U32, 0, 64, NULL}}},
  {"mixtral", "llama", "f32", EXPERTS | UNTIED, 96, {MIXTURE}},
  {"mixtral_apart", "llama", "q8_0", EXPERTS | APART | UNTIED, 96, {MIXTURE, {"rope.freq_base", MAKER_F32, 1e6f, 0, NULL}}},
  {"qwen3moe", "qwen3moe", "f32", HEAD_NORMS | EXPERTS | UNTIED, 200, {MIXTURE, {"expert_feed_forward_length", MAKER_U32, 0, EXPERT_FF, NULL}}},
  {"qwen3moe_q8_0", "qwen3moe", "q8_0", HEAD_NORMS | EXPERTS, 200, {MIXTURE, {"expert_feed_forward_length", MAKER_U32, 0, EXPERT_FF, NULL}}},
  {"gpt_oss",
   "gpt-oss",
   "f16",
   BIAS | OUTPUT_BIAS | EXPERTS | OSS | UNTIED,
   96,
   {MIXTURE,
    {"expert_feed_forward_length", MAKER_U32, 0, EXPERT_FF, NULL},
    {"attention.sliding_window", MAKER_U32, 0, 40, NULL},
    {"rope.scaling.type", MAKER_STRING, 0, 0, "yarn"},
    {"rope.scaling.factor", MAKER_F32, 4, 0, NULL},
    {"rope.scaling.original_context_length", MAKER_U32, 0, 75, NULL}}},
  {"phi3_short",
   "phi3",
   "f16",
   FUSED | LONGROPE,
   96,
   {{"rope.scaling.type", MAKER_STRING, 0, 0, "longrope"},
    {"rope.scaling.attn_factor", MAKER_F32, 1.19f, 0, NULL},
    {"rope.dimension_count", MAKER_U32, 0, 12, NULL},
    {"rope.scaling.original_context_length", MAKER_U32, 0, 600, NULL},
    {"context_length", MAKER_U32, 0, 600, NULL}}},
  {"gemma", "gemma", "f32", 0, 96, {{0}}},
  {"gemma_q8_0", "gemma", "q8_0", 0, 96, {{0}}},
  {"gemma2",
   "gemma2",
   "f32",
   AROUND,
   96,
   {{"attention.sliding_window", MAKER_U32, 0, 40, NULL},
    {"attn_logit_softcapping", MAKER_F32, 2, 0, NULL},
    {"final_logit_softcapping", MAKER_F32, 3, 0, NULL},
    {"block_count", MAKER_U32, 0, 3, NULL}}},
  {"gemma2_q8_0", "gemma2", "q8_0", AROUND, 96, {{0}}},
  {"gemma2_27b", "gemma2", "f16", AROUND, 32, {{"attention.sliding_window", MAKER_U32, 0, 130, NULL}, {"block_count", MAKER_U32, 0, 46, NULL}}},
  {"gemma3",
   "gemma3",
   "f32",
   AROUND | HEAD_NORMS,
   96,
   {{"attention.sliding_window", MAKER_U32, 0, 40, NULL},
    {"rope.freq_base", MAKER_F32, 1e6f, 0, NULL},
    {"rope.scaling.type", MAKER_STRING, 0, 0, "linear"},
    {"rope.scaling.factor", MAKER_F32, 8, 0, NULL},
    {"block_count", MAKER_U32, 0, 7, NULL}}},
  {"gemma3_q8_0",
   "gemma3",
   "q8_0",
   AROUND | HEAD_NORMS,
   96,
   {{"attention.sliding_window", MAKER_U32, 0, 512, NULL}, {"rope.freq_base", MAKER_F32, 1e6f, 0, NULL}, {"block_count", MAKER_U32, 0, 6, NULL}}},
  {"granite",
   "granite",
   "f32",
   BIAS | OUTPUT_BIAS | NETWORK_BIAS,
   96,
   {{"embedding_scale", MAKER_F32, 12, 0, NULL},
    {"residual_scale", MAKER_F32, 0.22f, 0, NULL},
    {"attention.scale", MAKER_F32, 0.25f, 0, NULL},
    {"logit_scale", MAKER_F32, 8, 0, NULL}}},
  {"granite_q8_0", "granite", "q8_0", UNTIED, 96, {{"logit_scale", MAKER_F32, 16, 0, NULL}, {"rope.scaling.finetuned", MAKER_BOOL, 0, 0, NULL}}},
  {"olmo2", "olmo2", "f32", AFTER | ROW_NORMS | UNTIED, 96, {{"rope.freq_base", MAKER_F32, 5e5f, 0, NULL}}},
  {"olmo2_q8_0", "olmo2", "q8_0", AFTER | ROW_NORMS | UNTIED, 96, {{0}}},
  {"olmo3",
   "olmo2",
   "f16",
   AFTER | ROW_NORMS | UNTIED,
   96,
   {{"attention.sliding_window", MAKER_U32, 0, 40, NULL},
    {"rope.scaling.type", MAKER_STRING, 0, 0, "yarn"},
    {"rope.scaling.factor", MAKER_F32, 4, 0, NULL},
    {"rope.scaling.original_context_length", MAKER_U32, 0, 75, NULL},
    {"attention.sliding_window_pattern", MAKER_ARRAY, 0, 5, "\1\0\1\0\0"},
    {"block_count", MAKER_U32, 0, 5, NULL}}},
  {"smollm3", "smollm3", "f32", BIAS, 96, {{"rope.freq_base", MAKER_F32, 5e6f, 0, NULL}, {"block_count", MAKER_U32, 0, 5, NULL}}},
  {"smollm3_q8_0", "smollm3", "q8_0", 0, 96, {{"block_count", MAKER_U32, 0, 4, NULL}}},
};

enum { N_FAMILIES = sizeof families / sizeof *families };

/* ---- model files ------------------------------------------------------------------------------------------------------ */

typedef struct maker {
  const struct family *family;
  const char *format, *without; /* a key to leave out, or NULL */
  uint32_t ff;
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
    float v = around(middle, 2 / sqrtf(EMBD));
    bool mx = !strcmp(format, "mxfp4");
    if (f->block_bytes == 4) maker_u32(&m->data, ig_f32_bits(v));
    else if (mx) ig_text_add(&m->data, (uint8_t[]){(uint8_t)(122 + random_u32() % 3)}, 1); /* a block's power of two */
    else add_f16(&m->data, f->block_values == 1 ? v : 0.002f); /* a block's scale */
    for (uint32_t k = 0; f->block_values > 1 && k < (mx ? 16 : f->block_values); k++)
      ig_text_add(&m->data, (uint8_t[]){(uint8_t)(random_u32() % 255 - 127)}, 1);
  }
  while (m->data.size % 32) ig_text_add(&m->data, "", 1);
}

/* rows 0: a vector. */
static void tensor(maker *m, const char *name, uint64_t rows, uint64_t cols, float middle) {
  tensor_of(m, name, rows ? m->format : "f32", rows ? 2 : 1, (uint64_t[]){cols, rows}, middle);
}

static void add_key(maker *m, const char *name, uint32_t type, uint32_t bits, const char *text) {
  ig_text value = {0};
  if (type == MAKER_STRING) maker_string(&value, text);
  else if (type == MAKER_BOOL) ig_text_add(&value, (uint8_t[]){(uint8_t)bits}, 1);
  else if (type == MAKER_ARRAY) maker_u32(&value, MAKER_BOOL), maker_u64(&value, bits), ig_text_add(&value, text, bits); /* of as many truths */
  else maker_u32(&value, bits);
  maker_key(&m->keys, name, type, value.data, value.size, &m->n_keys);
  ig_text_finish(&value);
}

/* A number that the family's keys may state otherwise. */
static uint32_t number(const struct family *f, const char *name, uint32_t otherwise) {
  for (const key *k = f->keys; k->name; k++)
    if (!strcmp(k->name, name)) return k->u;
  return otherwise;
}

static void add_keys(maker *m) {
  const struct {
    const char *name;
    uint32_t value;
  } numbers[] = {
    {"context_length", CONTEXT},        {"embedding_length", EMBD},           {"block_count", LAYERS},
    {"feed_forward_length", m->ff},     {"attention.head_count", HEADS},      {"attention.head_count_kv", KV_HEADS},
    {"attention.key_length", HEAD_DIM}, {"attention.value_length", HEAD_DIM}, {"vocab_size", VOCAB},
  };
  const char *a = m->family->architecture;
  add_key(m, "general.architecture", MAKER_STRING, 0, a);
  add_key(m, "tokenizer.ggml.model", MAKER_STRING, 0, "none");
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
    if (number(m->family, numbers[i].name, UINT32_MAX) == UINT32_MAX)
      add_key(m, ig_format(&arena, "%s.%s", a, numbers[i].name), MAKER_U32, numbers[i].value, NULL);
  add_key(m, ig_format(&arena, "%s.attention.layer_norm_rms_epsilon", a), MAKER_F32, ig_f32_bits(1e-5f), NULL);
  for (const key *k = m->family->keys; k->name; k++)
    if (!m->without || strcmp(k->name, m->without) != 0)
      add_key(m, ig_format(&arena, "%s.%s", a, k->name), k->type, k->type == MAKER_F32 ? ig_f32_bits(k->f) : k->u, k->s);
}

#define LAYER(what) ig_format(&arena, "blk.%u." what, layer)

static void add_experts(maker *m, uint32_t layer) {
  static const char *const names[] = {"gate", "up", "down"};
  const bool oss = m->family->has & OSS;
  tensor_of(m, LAYER("ffn_gate_inp.weight"), "f32", 2, (uint64_t[]){EMBD, EXPERT_COUNT}, 0);
  if (oss) tensor(m, LAYER("ffn_gate_inp.bias"), 0, EXPERT_COUNT, 0);
  for (int i = 0; i < 3; i++) {
    const uint64_t ne[] = {i < 2 ? EMBD : EXPERT_FF, i < 2 ? EXPERT_FF : EMBD, EXPERT_COUNT};
    for (uint32_t e = 0; e < EXPERT_COUNT && m->family->has & APART; e++)
      tensor(m, ig_format(&arena, "blk.%u.ffn_%s.%u.weight", layer, names[i], e), ne[1], ne[0], 0);
    if (m->family->has & APART) continue;
    tensor_of(m, ig_format(&arena, "blk.%u.ffn_%s_exps.weight", layer, names[i]), oss ? "mxfp4" : m->format, 3, ne, 0);
    if (oss) tensor_of(m, ig_format(&arena, "blk.%u.ffn_%s_exps.bias", layer, names[i]), "f32", 2, ne + 1, 0);
  }
}

static void add_layer(maker *m, uint32_t layer) {
  const struct family *f = m->family;
  const uint64_t q = HEADS * HEAD_DIM, kv = KV_HEADS * HEAD_DIM;
  if (!(f->has & AFTER)) tensor(m, LAYER("attn_norm.weight"), 0, EMBD, 1);
  if (f->has & FUSED) tensor(m, LAYER("attn_qkv.weight"), q + 2 * kv, EMBD, 0);
  else tensor(m, LAYER("attn_q.weight"), q, EMBD, 0), tensor(m, LAYER("attn_k.weight"), kv, EMBD, 0), tensor(m, LAYER("attn_v.weight"), kv, EMBD, 0);
  if (f->has & BIAS) tensor(m, LAYER("attn_q.bias"), 0, q, 0), tensor(m, LAYER("attn_k.bias"), 0, kv, 0), tensor(m, LAYER("attn_v.bias"), 0, kv, 0);
  if (f->has & HEAD_NORMS) tensor(m, LAYER("attn_q_norm.weight"), 0, HEAD_DIM, 1), tensor(m, LAYER("attn_k_norm.weight"), 0, HEAD_DIM, 1);
  if (f->has & ROW_NORMS) tensor(m, LAYER("attn_q_norm.weight"), 0, q, 1), tensor(m, LAYER("attn_k_norm.weight"), 0, kv, 1);
  if (f->has & (AROUND | AFTER)) tensor(m, LAYER("post_attention_norm.weight"), 0, EMBD, 1), tensor(m, LAYER("post_ffw_norm.weight"), 0, EMBD, 1);
  if (f->has & NETWORK_BIAS)
    tensor(m, LAYER("ffn_gate.bias"), 0, m->ff, 0), tensor(m, LAYER("ffn_up.bias"), 0, m->ff, 0), tensor(m, LAYER("ffn_down.bias"), 0, EMBD, 0);
  tensor(m, LAYER("attn_output.weight"), EMBD, q, 0);
  if (f->has & OUTPUT_BIAS) tensor(m, LAYER("attn_output.bias"), 0, EMBD, 0);
  if (f->has & OSS) tensor(m, LAYER("attn_sinks.weight"), 0, HEADS, 1);
  if (!(f->has & AFTER)) tensor(m, f->has & OSS ? LAYER("post_attention_norm.weight") : LAYER("ffn_norm.weight"), 0, EMBD, 1);
  if (f->has & EXPERTS) {
    add_experts(m, layer);
    return;
  }
  if (f->has & FUSED) tensor(m, LAYER("ffn_up.weight"), 2 * m->ff, EMBD, 0);
  else tensor(m, LAYER("ffn_gate.weight"), m->ff, EMBD, 0), tensor(m, LAYER("ffn_up.weight"), m->ff, EMBD, 0);
  tensor(m, LAYER("ffn_down.weight"), EMBD, m->ff, 0);
}

/* Its path. `without`: a key to leave out, or NULL. */
static inline const char *write_model(const struct family *family, const char *format, const char *without, const char *folder) {
  maker m = {.family = family, .format = format, .without = without, .ff = family->ff * FF_TIMES};
  ig_text file = {0};
  add_keys(&m);
  tensor(&m, "token_embd.weight", VOCAB, EMBD, 0);
  if (family->has & ROPE_FREQS) tensor(&m, "rope_freqs.weight", 0, HEAD_DIM / 2, 2);
  if (family->has & LONGROPE) tensor(&m, "rope_factors_long.weight", 0, 6, 3), tensor(&m, "rope_factors_short.weight", 0, 6, 1);
  for (uint32_t i = 0; i < number(family, "block_count", LAYERS); i++) add_layer(&m, i);
  tensor(&m, "output_norm.weight", 0, EMBD, 1);
  if (family->has & UNTIED) tensor(&m, "output.weight", VOCAB, EMBD, 0);
  maker_file(&file, m.n_keys, &m.keys, m.n_tensors, &m.infos, &m.data);
  const char *path = ig_format(&arena, "%s/%s.gguf", folder, family->name);
  gguf_write(path, &file);
  ig_text_finish(&m.keys);
  ig_text_finish(&m.infos);
  ig_text_finish(&m.data);
  ig_text_finish(&file);
  return path;
}

#endif
