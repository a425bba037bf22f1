/* The family `llama` (Llama 2 and 3, Mistral, TinyLlama, SmolLM): pre-norm layers of grouped-query attention with rope on adjacent
 * pairs, and a gated silu network. The head is output.weight or, where that is absent, the embedding. */
#include <math.h>
#include <string.h>

#include "frontend/lowering.h"
#include "ir/numerics.h"

enum { HEAD_DIM_MOST = 512 };

typedef struct layer {
  const ig_tensor *attn_norm, *q, *k, *v, *o, *ffn_norm, *gate, *up, *down;
} layer;

typedef struct llama {
  const ig_tensor *embedding, *output_norm, *output; /* output: the embedding where tied */
  layer *layers;
  uint64_t *frequencies;
  uint32_t pairs;
  float eps;
} llama;

/* Where the numbers of a layer's tensors come from. */
typedef enum extent { VECTOR, EMBD, QUERY, KV, FF } extent;

static const struct { const char *name; size_t at; extent rows, cols; } tensors[] = {
  {"attn_norm", offsetof(layer, attn_norm), VECTOR, EMBD}, {"attn_q", offsetof(layer, q), QUERY, EMBD},
  {"attn_k", offsetof(layer, k), KV, EMBD},                {"attn_v", offsetof(layer, v), KV, EMBD},
  {"attn_output", offsetof(layer, o), EMBD, QUERY},        {"ffn_norm", offsetof(layer, ffn_norm), VECTOR, EMBD},
  {"ffn_gate", offsetof(layer, gate), FF, EMBD},           {"ffn_up", offsetof(layer, up), FF, EMBD},
  {"ffn_down", offsetof(layer, down), EMBD, FF},
};

/* Keys that would change the numbers, and that we do not compute: refused unless they hold the value that means nothing. */
static const struct { const char *key; float neutral; } changes[] = {
  {"expert_count", 0}, {"expert_used_count", 0}, {"attention.sliding_window", 0}, {"attention.clamp_kqv", 0}, {"attention.max_alibi_bias", 0},
  {"attn_logit_softcapping", 0}, {"final_logit_softcapping", 0}, {"logit_scale", 0}, {"residual_scale", 0}, {"embedding_scale", 0}, {"attention.scale", 0},
  {"rope.scaling.attn_factor", 1},
};

static void check_changes(ig_lowering *l) {
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    const char *key = ig_key_of(l, changes[i].key);
    const ig_meta_entry *e = ig_meta_find(l->model->meta, key);
    if (!e) continue;
    uint32_t n = 0;
    float f = 0;
    bool is_float = e->type == IG_META_F32 || e->type == IG_META_F64;
    bool read = is_float ? ig_meta_f32(l->model->meta, key, &f, l->diags) : ig_meta_u32(l->model->meta, key, &n, l->diags);
    if (!read || (is_float ? f : (float)n) != changes[i].neutral)
      ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s = %s", key, ig_meta_print(l->model->meta, e, &l->arena));
  }
}

static void check_layer(ig_lowering *l, uint32_t index, layer *out) {
  const ig_model *m = l->model;
  const uint64_t extents[] = {[VECTOR] = 0, [EMBD] = m->n_embd, [QUERY] = (uint64_t)m->n_heads * m->head_dim, [KV] = (uint64_t)m->n_kv_heads * m->head_dim, [FF] = m->n_ff};
  for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++) {
    const char *name = ig_format(&l->arena, "blk.%u.%s.weight", index, tensors[i].name);
    const ig_tensor *t = ig_want(l, name, extents[tensors[i].rows], extents[tensors[i].cols], false);
    memcpy((char *)out + tensors[i].at, &t, sizeof t);
  }
}

/* Angles divided by this much: linear scaling stretches positions. A factor without a type means linear, as the reference
 * implementation has it; scale_linear is its older name. */
static bool read_scaling(ig_lowering *l, float *factor) {
  const ig_meta *meta = l->model->meta;
  ig_str type = {0};
  *factor = 0;
  bool ok = ig_meta_string(meta, ig_key_of(l, "rope.scaling.type"), &type, l->diags);
  ok = ig_meta_f32(meta, ig_key_of(l, "rope.scaling.factor"), factor, l->diags) && ok;
  if (*factor == 0) ok = ig_meta_f32(meta, ig_key_of(l, "rope.scale_linear"), factor, l->diags) && ok;
  if (type.data && !ig_str_equal(type, "none") && !ig_str_equal(type, "linear"))
    ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s = %s; none and linear are there", ig_key_of(l, "rope.scaling.type"), ig_str_printable(&l->arena, type));
  if (*factor == 0 || (type.data && ig_str_equal(type, "none"))) *factor = 1;
  if (*factor > 0) return ok;
  return ig_error(l->diags, l->model->file.path, "metadata key %s is %g; it must be above 0", ig_key_of(l, "rope.scaling.factor"), (double)*factor);
}

static bool read_rope(ig_lowering *l, llama *state) {
  const ig_model *m = l->model;
  uint32_t dims = m->head_dim;
  float theta = 10000, linear;
  const char *place = m->file.path;
  bool ok = ig_meta_u32(m->meta, ig_key_of(l, "rope.dimension_count"), &dims, l->diags);
  ok = ig_meta_f32(m->meta, ig_key_of(l, "rope.freq_base"), &theta, l->diags) && ok;
  ok = read_scaling(l, &linear) && ok;
  if (!(theta >= 1)) ok = ig_error(l->diags, place, "metadata key %s is %g; it must be at least 1", ig_key_of(l, "rope.freq_base"), (double)theta);
  if (dims == 0 || dims % 2 || dims > m->head_dim)
    return ig_error(l->diags, place, "metadata key %s is %u; it must be even and at most the head's %u", ig_key_of(l, "rope.dimension_count"), dims, m->head_dim);
  state->pairs = dims / 2;
  state->frequencies = ig_alloc_array(&l->arena, state->pairs, sizeof *state->frequencies);
  const ig_tensor *factors = ig_want(l, "rope_freqs.weight", 0, state->pairs, true);
  float *values = ig_alloc_array(&l->arena, state->pairs, sizeof *values);
  for (uint32_t i = 0; i < state->pairs; i++) values[i] = 1;
  if (factors && factors->ne[0] == state->pairs && factors->gguf_type == 0) {
    uint8_t *bytes = ig_alloc(&l->arena, 4 * (size_t)state->pairs);
    if (!ig_file_read(&m->file, factors->offset, bytes, 4 * (size_t)state->pairs, l->diags)) return false;
    factors->format->decode(factors->format, bytes, values, state->pairs);
  }
  for (uint32_t i = 0; i < state->pairs; i++) {
    if (!(values[i] >= 0x1p-20f && values[i] <= 0x1p40f))
      return ig_error(l->diags, place, "tensor rope_freqs.weight: value %u is %g; factors above 0 are needed", i, (double)values[i]);
    if (ok) state->frequencies[i] = ig_rope_frequency((double)theta, i, dims, (double)values[i] * (double)linear);
  }
  return ok;
}

bool ig_llama_check(ig_lowering *l, void **out) {
  const ig_model *m = l->model;
  llama *state = *out = ig_alloc(&l->arena, sizeof *state);
  bool ok = true;
  check_changes(l);
  bool numbers = ig_need_number(l, "embedding_length", m->n_embd);
  numbers = ig_need_number(l, "block_count", m->n_layer) && numbers;
  numbers = ig_need_number(l, "feed_forward_length", m->n_ff) && numbers;
  numbers = ig_need_number(l, "attention.head_count", m->n_heads) && numbers;
  numbers = ig_need_number(l, "attention.head_count_kv", m->n_kv_heads) && numbers;
  numbers = ig_need_number(l, "context_length", m->n_context) && numbers;
  numbers = ig_need_number(l, "vocab_size", m->n_vocab) && numbers;
  numbers = numbers && ig_need_number(l, "attention.key_length", m->head_dim);
  const char *eps = ig_key_of(l, "attention.layer_norm_rms_epsilon");
  if (!ig_meta_find(m->meta, eps)) ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s is missing", eps);
  ok = ig_meta_f32(m->meta, eps, &state->eps, l->diags) && ok;
  if (state->eps < 0) ok = ig_error(l->diags, m->file.path, "metadata key %s is %g; it cannot be negative", eps, (double)state->eps);
  uint32_t value_length = m->head_dim;
  ok = ig_meta_u32(m->meta, ig_key_of(l, "attention.value_length"), &value_length, l->diags) && ok;
  if (value_length != m->head_dim)
    ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s = %u, other than the key's %u", ig_key_of(l, "attention.value_length"), value_length, m->head_dim);
  bool small = m->head_dim <= HEAD_DIM_MOST; /* also keeps a damaged number from costing time below */
  if (!small) ig_problem_add(l, IG_PROBLEM_FEATURE, "heads of %u channels; at most %d", m->head_dim, HEAD_DIM_MOST);
  if (!numbers) { /* shapes cannot be judged: name the tensors at least */
    for (uint32_t i = 0; i < m->n_tensors; i++) l->used[i] = true;
    return ok;
  }
  ok = small && read_rope(l, state) && ok;
  state->embedding = ig_want(l, "token_embd.weight", m->n_vocab, m->n_embd, false);
  state->output_norm = ig_want(l, "output_norm.weight", 0, m->n_embd, false);
  state->output = ig_want(l, "output.weight", m->n_vocab, m->n_embd, true);
  if (!state->output) state->output = state->embedding;
  state->layers = ig_alloc_array(&l->arena, m->n_layer, sizeof *state->layers);
  for (uint32_t i = 0; i < m->n_layer; i++) check_layer(l, i, &state->layers[i]);
  return ok;
}

static ig_value linear(ig_lowering *l, ig_value x, const ig_tensor *w) {
  ig_value weight = ig_weight_of(l, w);
  return ig_build_linear(&l->builder, x, weight);
}

static ig_value norm(ig_lowering *l, const llama *state, ig_value x, const ig_tensor *gain) {
  ig_value weight = ig_weight_of(l, gain);
  return ig_build_rms_norm(&l->builder, x, weight, state->eps);
}

static ig_value build_layer(ig_lowering *l, const llama *state, uint32_t index, ig_value x, ig_value pos, ig_value table) {
  const ig_model *m = l->model;
  const layer *w = &state->layers[index];
  ig_builder *b = &l->builder;
  ig_value n = norm(l, state, x, w->attn_norm);
  ig_value q = linear(l, n, w->q), k = linear(l, n, w->k), v = linear(l, n, w->v);
  b->location = w->q->name;
  q = ig_build_rope(b, q, pos, table, m->n_heads, m->head_dim);
  b->location = w->k->name;
  k = ig_build_rope(b, k, pos, table, m->n_kv_heads, m->head_dim);
  b->location = ig_format(&l->arena, "blk.%u.attention", index);
  ig_value y = ig_build_attention(b, q, k, v, pos, index, m->n_heads, m->n_kv_heads, m->head_dim, (float)(1.0 / sqrt((double)m->head_dim)));
  x = ig_build_add(b, x, linear(l, y, w->o));
  n = norm(l, state, x, w->ffn_norm);
  ig_value gate = linear(l, n, w->gate), up = linear(l, n, w->up);
  ig_value inner = ig_build_mul(b, ig_build_silu(b, gate), up);
  return ig_build_add(b, x, linear(l, inner, w->down));
}

void ig_llama_build(ig_lowering *l, void *opaque) {
  const llama *state = opaque;
  ig_builder *b = &l->builder;
  ig_value tokens = ig_function_argument(b->function, 0), pos = ig_function_argument(b->function, 1);
  b->location = "rope";
  ig_value table = ig_build_rope_table(b, state->frequencies, state->pairs);
  ig_value embedding = ig_weight_of(l, state->embedding);
  ig_value x = ig_build_embed(b, tokens, embedding);
  for (uint32_t i = 0; i < l->model->n_layer; i++) x = build_layer(l, state, i, x, pos, table);
  x = norm(l, state, x, state->output_norm);
  ig_value output = state->output == state->embedding ? embedding : ig_weight_of(l, state->output);
  b->location = state->output->name;
  ig_value logits = ig_build_linear(b, x, output);
  ig_set_attr_int(ig_defining_op(logits), "digits", 2);
  ig_function_return(b->function, logits);
}
