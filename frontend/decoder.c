/* A decoder's tensors and numbers, found and checked by the family's description. */
#include "frontend/decoder.h"

#include <math.h>
#include <string.h>

enum { HEAD_DIM_MOST = 512 };

/* Where the numbers of a layer's tensors come from. */
typedef enum extent { VECTOR, EMBD, QUERY, KV, FF } extent;

/* A part of a layer: its tensor, and where it may be rows of a fused one, of which. */
static const struct {
  const char *name, *fused;
  size_t at;
  extent rows, cols;
} matrices[] = {
#define MATRIX(field) offsetof(ig_decoder_layer, field)
  {"attn_q", "attn_qkv", MATRIX(q), QUERY, EMBD}, {"attn_k", "attn_qkv", MATRIX(k), KV, EMBD},    {"attn_v", "attn_qkv", MATRIX(v), KV, EMBD},
  {"attn_output", NULL, MATRIX(o), EMBD, QUERY},  {"ffn_gate", "ffn_up", MATRIX(gate), FF, EMBD}, {"ffn_up", "ffn_up", MATRIX(up), FF, EMBD},
  {"ffn_down", NULL, MATRIX(down), EMBD, FF},
};
enum { MATRICES = sizeof matrices / sizeof *matrices, OUTPUT = 3, GATE = 4 }; /* q, k, v before the output, the network from the gate on */

static const struct {
  const char *name;
  size_t at;
  ig_norms absent;
} norms[] = {
  {"attn_norm", offsetof(ig_decoder_layer, attn_norm), IG_NORMS_AFTER},
  {"ffn_norm", offsetof(ig_decoder_layer, ffn_norm), IG_NORMS_AFTER},
  {"post_attention_norm", offsetof(ig_decoder_layer, attn_post_norm), IG_NORMS_BEFORE},
  {"post_ffw_norm", offsetof(ig_decoder_layer, ffn_post_norm), IG_NORMS_BEFORE},
};

/* Keys that would change the numbers: refused where the family does not read them, unless they hold the value that means nothing. */
static const struct {
  const char *key;
  float neutral;
} changes[] = {
  {"expert_count", 0},
  {"expert_used_count", 0},
  {"attention.sliding_window", 0},
  {"attention.clamp_kqv", 0},
  {"attention.max_alibi_bias", 0},
  {"attn_logit_softcapping", 0},
  {"final_logit_softcapping", 0},
  {"logit_scale", 0},
  {"residual_scale", 0},
  {"embedding_scale", 0},
  {"attention.scale", 0},
  {"rope.scaling.attn_factor", 1},
  {"attention.causal", 1},
  {"attention.sliding_window_pattern", 1},
  {"rope.freq_base_swa", 0},
  {"expert_shared_count", 0},
  {"expert_weights_scale", 1},
  {"expert_weights_norm", 1},
  {"expert_gating_func", 1},
  {"expert_group_count", 1},
  {"leading_dense_block_count", 0},
};

static bool is_known(const ig_decoder *d, const char *key) {
  for (const char *const *k = d->known; k && *k; k++)
    if (!strcmp(*k, key)) return true;
  return false;
}

static void check_changes(ig_lowering *l, const ig_decoder *d) {
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    const char *key = ig_key_of(l, changes[i].key);
    const ig_meta_entry *e = ig_meta_find(l->model->meta, key);
    if (!e || is_known(d, changes[i].key)) continue;
    uint32_t n = 0;
    float f = 0;
    bool truth = false, is_float = e->type == IG_META_F32 || e->type == IG_META_F64, is_bool = e->type == IG_META_BOOL;
    bool read = is_float ? ig_meta_f32(l->model->meta, key, &f, l->diags)
        : is_bool        ? ig_meta_bool(l->model->meta, key, &truth, l->diags)
                         : ig_meta_u32(l->model->meta, key, &n, l->diags);
    if (!read || (is_float ? f : is_bool ? (float)truth : (float)n) != changes[i].neutral)
      ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s = %s", key, ig_meta_print(l->model->meta, e, &l->arena));
  }
}

static uint64_t size_of(const ig_model *m, extent e) {
  const uint64_t sizes[] = {
    [VECTOR] = 0, [EMBD] = m->n_embd, [QUERY] = (uint64_t)m->n_heads * m->head_dim, [KV] = (uint64_t)m->n_kv_heads * m->head_dim, [FF] = m->n_ff};
  return sizes[e];
}

/* Rows of a fused tensor: after those of the parts before it. */
static void check_fused(ig_lowering *l, uint32_t layer, size_t i, ig_matrix *out) {
  uint64_t all = 0;
  out->rows = size_of(l->model, matrices[i].rows);
  for (size_t k = 0; k < MATRICES; k++) {
    if (!matrices[k].fused || strcmp(matrices[k].fused, matrices[i].fused) != 0) continue;
    if (k == i) out->first = all;
    all += size_of(l->model, matrices[k].rows);
  }
  out->tensor = ig_want(l, ig_format(&l->arena, "blk.%u.%s.weight", layer, matrices[i].fused), all, size_of(l->model, matrices[i].cols), false);
}

static void check_qk_norms(ig_lowering *l, const ig_decoder *d, uint32_t layer, ig_decoder_layer *out) {
  if (d->qk_norm == IG_QK_PLAIN) return;
  bool heads = d->qk_norm == IG_QK_HEADS;
  out->q_norm = ig_want(l, ig_format(&l->arena, "blk.%u.attn_q_norm.weight", layer), 0, heads ? l->model->head_dim : size_of(l->model, QUERY), false);
  out->k_norm = ig_want(l, ig_format(&l->arena, "blk.%u.attn_k_norm.weight", layer), 0, heads ? l->model->head_dim : size_of(l->model, KV), false);
}

static bool has_window(const ig_lowering *l, const ig_decoder *d, uint32_t layer) {
  if (d->windowed) return layer < d->windowed->count && l->model->meta->head.base[d->windowed->value + layer];
  return !d->global_every || layer % d->global_every < d->global_every - 1;
}

static void check_layer(ig_lowering *l, const ig_decoder *d, uint32_t index, ig_decoder_layer *out) {
  bool windowed = has_window(l, d, index), still = d->still_every && (index + 1) % d->still_every == 0;
  out->window = windowed ? d->window : 0;
  out->turns = still ? NULL : windowed && d->window_theta > 0 ? &d->window_rope : &d->rope;
  for (size_t i = 0; i < sizeof norms / sizeof *norms; i++) {
    if (norms[i].absent == d->norms) continue;
    const char *name = i == 1 && d->ffn_norm ? d->ffn_norm : norms[i].name;
    const ig_tensor *t = ig_want(l, ig_format(&l->arena, "blk.%u.%s.weight", index, name), 0, l->model->n_embd, false);
    memcpy((char *)out + norms[i].at, &t, sizeof(const ig_tensor *));
  }
  check_qk_norms(l, d, index, out);
  if (d->sinks) out->sinks = ig_want(l, ig_format(&l->arena, "blk.%u.attn_sinks.weight", index), 0, l->model->n_heads, false);
  if (d->mixture.present) ig_mixture_check(l, &d->mixture, index, out);
  for (size_t i = 0; i < (d->mixture.present ? GATE : MATRICES); i++) {
    ig_matrix *m = (ig_matrix *)(void *)((char *)out + matrices[i].at);
    uint64_t rows = size_of(l->model, matrices[i].rows);
    if (d->fused && matrices[i].fused) {
      check_fused(l, index, i, m);
      continue;
    }
    m->tensor = ig_want(l, ig_format(&l->arena, "blk.%u.%s.weight", index, matrices[i].name), rows, size_of(l->model, matrices[i].cols), false);
    ig_presence bias = i < OUTPUT ? d->bias : i < GATE ? d->output_bias : d->network_bias;
    if (bias != IG_ABSENT) m->bias = ig_want(l, ig_format(&l->arena, "blk.%u.%s.bias", index, matrices[i].name), 0, rows, bias == IG_OPTIONAL);
  }
}

uint32_t ig_window_read(ig_lowering *l) {
  uint32_t window = 0, context = l->model->context ? l->model->context : l->model->n_context;
  ig_meta_u32(l->model->meta, ig_key_of(l, "attention.sliding_window"), &window, l->diags); /* a wrong type is an error of the whole */
  return window < context ? window : 0;
}

bool ig_windows_read(ig_lowering *l, ig_decoder *d, uint32_t window, uint32_t period) {
  const ig_meta *meta = l->model->meta;
  const char *key = ig_key_of(l, "attention.sliding_window"), *pattern = ig_key_of(l, "attention.sliding_window_pattern");
  const ig_meta_entry *e = ig_meta_find(meta, pattern);
  ig_meta_u32(meta, key, &window, l->diags); /* wrong types are errors of the whole */
  if (e && e->type == IG_META_ARRAY) d->windowed = ig_meta_array(meta, pattern, IG_META_BOOL, l->diags);
  else ig_meta_u32(meta, pattern, &period, l->diags);
  if (d->windowed && d->windowed->count < l->model->n_layer)
    ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s has %llu values for %u layers", pattern, (unsigned long long)d->windowed->count, l->model->n_layer);
  uint32_t context = l->model->context ? l->model->context : l->model->n_context;
  d->global_every = period;
  d->window = window < context ? window : 0;
  return window > 0;
}

static bool check_numbers(ig_lowering *l, const ig_decoder *d) {
  const ig_model *m = l->model;
  const struct {
    const char *key;
    uint32_t value;
  } needed[] = {
    {"embedding_length", m->n_embd},
    {"block_count", m->n_layer},
    {"feed_forward_length", d->mixture.present ? 1 : m->n_ff},
    {"attention.head_count", m->n_heads},
    {"attention.head_count_kv", m->n_kv_heads},
    {"context_length", m->n_context},
    {"vocab_size", m->n_vocab},
  };
  bool all = true;
  for (size_t i = 0; i < sizeof needed / sizeof *needed; i++) all &= ig_need_number(l, needed[i].key, needed[i].value);
  all &= ig_mixture_numbers(l, &d->mixture);
  return all && ig_need_number(l, "attention.key_length", m->head_dim);
}

bool ig_decoder_check(ig_lowering *l, ig_decoder *d) {
  const ig_model *m = l->model;
  bool ok = true, numbers = check_numbers(l, d);
  check_changes(l, d);
  const char *eps = ig_key_of(l, "attention.layer_norm_rms_epsilon");
  if (!ig_meta_find(m->meta, eps)) ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s is missing", eps);
  ok = ig_meta_f32(m->meta, eps, &d->eps, l->diags) && ok;
  const float s = d->residual_scale > 0 ? d->residual_scale : 1; /* norms of the stream take eps / s^2 (decoder_build.c) */
  if (!(d->eps >= 0 && d->eps <= 1 && d->eps / (s * s) <= 1))
    ok = ig_error(l->diags, m->file.path, "metadata key %s is %g; it must lie between 0 and %g", eps, (double)d->eps, s < 1 ? (double)(s * s) : 1.0);
  uint32_t value_length = m->head_dim;
  ok = ig_meta_u32(m->meta, ig_key_of(l, "attention.value_length"), &value_length, l->diags) && ok;
  if (value_length != m->head_dim)
    ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s = %u, other than the key's %u", ig_key_of(l, "attention.value_length"), value_length, m->head_dim);
  bool small = m->head_dim <= HEAD_DIM_MOST; /* also keeps a damaged number from costing time below */
  if (!small) ig_problem_add(l, IG_PROBLEM_FEATURE, "heads of %u channels; at most %d", m->head_dim, HEAD_DIM_MOST);
  if (d->qk_norm == IG_QK_HEADS && m->head_dim % 16)
    ig_problem_add(l, IG_PROBLEM_FEATURE, "norms of heads of %u channels; a multiple of 16 is needed", m->head_dim);
  if (!numbers) { /* shapes cannot be judged: name the tensors at least */
    for (uint32_t i = 0; i < m->n_tensors; i++) l->used[i] = true;
    return ok;
  }
  if (d->attention_scale == 0) d->attention_scale = (float)(1.0 / sqrt((double)m->head_dim));
  ok = small && ig_rope_read(l, &d->rope) && ok;
  if (d->window_theta > 0) ok = ig_rope_unscaled(l, d->window_theta, &d->window_rope) && ok;
  d->embedding = ig_want(l, "token_embd.weight", m->n_vocab, m->n_embd, false);
  d->output_norm = ig_want(l, "output_norm.weight", 0, m->n_embd, false);
  d->output = ig_want(l, "output.weight", m->n_vocab, m->n_embd, true);
  if (!d->output) d->output = d->embedding;
  d->layers = ig_alloc_array(&l->arena, m->n_layer, sizeof *d->layers);
  for (uint32_t i = 0; i < m->n_layer; i++) check_layer(l, d, i, &d->layers[i]);
  return ok;
}
