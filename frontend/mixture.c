/* Mixtures of experts: their counts, their tensors, their part of a layer's graph. */
#include "frontend/decoder.h"
#include "ir/numerics.h"

enum { EXPERTS_MOST = 4096 };

static const char *const matrices[3] = {"gate", "up", "down"};

void ig_mixture_read(ig_lowering *l, bool needed, ig_mixture *m) {
  m->experts = l->model->n_experts, m->used = l->model->n_experts_used, m->width = l->model->n_ff_expert;
  m->present = m->experts || needed;
}

bool ig_mixture_numbers(ig_lowering *l, const ig_mixture *m) {
  if (!m->present) return true;
  bool there = ig_need_number(l, "expert_count", m->experts);
  there = ig_need_number(l, "expert_used_count", m->used) && there;
  there = ig_need_number(l, "expert_feed_forward_length", m->width) && there;
  if (there && m->used <= m->experts && m->used <= IG_EXPERTS_MOST && m->experts <= EXPERTS_MOST) return true;
  if (there)
    ig_problem_add(l, IG_PROBLEM_FEATURE, "%u of %u experts for each token (metadata keys %s, %s); at most %d of at most %d", m->used, m->experts,
                   ig_key_of(l, "expert_used_count"), ig_key_of(l, "expert_count"), IG_EXPERTS_MOST, EXPERTS_MOST);
  return false;
}

/* A tensor for each expert, all of one format. */
static void check_apart(ig_lowering *l, const ig_mixture *m, uint32_t layer, const char *name, uint64_t rows, uint64_t cols, ig_expert_matrix *out) {
  out->apart = ig_alloc_array(&l->arena, m->experts, sizeof *out->apart);
  for (uint32_t e = 0; e < m->experts; e++) {
    const ig_tensor *t = out->apart[e] = ig_want(l, ig_format(&l->arena, "blk.%u.ffn_%s.%u.weight", layer, name, e), rows, cols, false);
    if (!e) out->tensor = t;
    if (t && out->tensor && t->gguf_type != out->tensor->gguf_type)
      ig_problem_add(l, IG_PROBLEM_FEATURE, "tensors %s and %s are of different formats, though they are experts of one layer", out->tensor->name, t->name);
  }
}

void ig_mixture_check(ig_lowering *l, const ig_mixture *m, uint32_t layer, ig_decoder_layer *out) {
  const uint64_t width = l->model->n_embd;
  const char *router = ig_format(&l->arena, "blk.%u.ffn_gate_inp", layer);
  out->router.tensor = ig_want(l, ig_format(&l->arena, "%s.weight", router), m->experts, width, false);
  if (m->biased) out->router.bias = ig_want(l, ig_format(&l->arena, "%s.bias", router), 0, m->experts, false);
  for (int i = 0; i < 3; i++) {
    const uint64_t rows = i < 2 ? m->width : width, cols = i < 2 ? width : m->width;
    const char *name = ig_format(&l->arena, "blk.%u.ffn_%s_exps", layer, matrices[i]),
               *first = ig_format(&l->arena, "blk.%u.ffn_%s.0.weight", layer, matrices[i]);
    ig_expert_matrix *x = &out->experts[i];
    bool apart = ig_has_tensor(l, first);
    if (apart) check_apart(l, m, layer, matrices[i], rows, cols, x);
    else x->tensor = ig_want_experts(l, ig_format(&l->arena, "%s.weight", name), m->experts, rows, cols, false);
    if (!m->biased) continue;
    x->bias = ig_want(l, ig_format(&l->arena, "%s.bias", name), m->experts, rows, false);
    if (x->bias && x->bias->gguf_type != 0) ig_problem_add(l, IG_PROBLEM_FEATURE, "tensor %s is of another format than f32", x->bias->name);
  }
}

static ig_value weights_of(ig_lowering *l, const ig_mixture *m, const ig_expert_matrix *x) {
  const ig_tensor *t = x->tensor;
  l->builder.location = t->name;
  if (!x->apart) return ig_build_expert_weights(&l->builder, t->name, t->format->name, t->ne[2], t->ne[1], t->ne[0], t->offset, t->bytes, NULL);
  int64_t *parts = ig_alloc_array(&l->arena, m->experts, sizeof *parts);
  for (uint32_t e = 0; e < m->experts; e++) parts[e] = (int64_t)x->apart[e]->offset;
  return ig_build_expert_weights(&l->builder, t->name, t->format->name, m->experts, t->ne[1], t->ne[0], t->offset, t->bytes * m->experts, parts);
}

ig_value ig_mixture_build(ig_lowering *l, const ig_mixture *m, const ig_decoder_layer *layer, ig_value x, ig_value n) {
  ig_value v[IG_EXPERTS_ROLES] = {[IG_EXPERTS_RESIDUAL] = x, [IG_EXPERTS_X] = n, [IG_EXPERTS_SCORES] = ig_linear_of(l, n, &layer->router)};
  for (int i = 0; i < 3; i++) {
    v[(int)IG_EXPERTS_GATE + i] = weights_of(l, m, &layer->experts[i]);
    if (layer->experts[i].bias) v[(int)IG_EXPERTS_GATE_BIAS + i] = ig_weight_of(l, layer->experts[i].bias);
  }
  l->builder.location = layer->experts[0].tensor->name;
  return ig_result(ig_build_experts(&l->builder, v, m->used, 0, m->alpha, m->limit), 0);
}
