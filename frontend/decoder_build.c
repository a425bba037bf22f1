/* The graph of a decoder: layers of attention and a gated network, each added to the residual stream.
 *
 * Where what layers add is multiplied by s (residual_scale), the stream is kept divided by s: x / s grows by what the layers give, and a norm of x is that of
 * x / s with eps / s^2, since norms do not see a factor otherwise. So only the embedding knows of it. */
#include "frontend/decoder.h"

ig_value ig_linear_of(ig_lowering *l, ig_value x, const ig_matrix *m) {
  ig_value weight = m->rows ? ig_weight_rows_of(l, m->tensor, m->first, m->rows) : ig_weight_of(l, m->tensor);
  ig_value bias = m->bias ? ig_weight_of(l, m->bias) : (ig_value){0};
  l->builder.location = m->tensor->name;
  return ig_build_biased(&l->builder, x, weight, bias);
}

/* Of attention. Where tokens choose experts, a rounding may choose another one, so attention's activations keep two digits there: that leaves the errors of
 * the experts' own activations, and takes the products that are the fewest. */
static ig_value product(ig_lowering *l, const ig_decoder *d, ig_value x, const ig_matrix *m) {
  ig_value y = ig_linear_of(l, x, m);
  if (d->mixture.present) ig_set_attr_int(ig_defining_op(y), "digits", 2);
  return y;
}

/* `gain` NULL: there is no norm. */
static ig_value norm(ig_lowering *l, ig_value x, const ig_tensor *gain, float eps) {
  if (!gain) return x;
  ig_value weight = ig_weight_of(l, gain);
  return ig_build_rms_norm(&l->builder, x, weight, eps);
}

static float residual_scale(const ig_decoder *d) { return d->residual_scale > 0 ? d->residual_scale : 1; }

/* What all layers take. */
typedef struct shared {
  const ig_decoder *d;
  ig_value pos, table, window_table; /* of positions: in most layers, and where d->window_rope turns */
  float stream_eps;                  /* of norms of the stream */
} shared;

static ig_value attention(ig_lowering *l, const shared *s, uint32_t index, ig_value n) {
  const ig_model *m = l->model;
  const ig_decoder *d = s->d;
  const ig_decoder_layer *w = &d->layers[index];
  ig_builder *b = &l->builder;
  ig_value q = product(l, d, n, &w->q), k = product(l, d, n, &w->k), v = product(l, d, n, &w->v);
  q = norm(l, q, w->q_norm, d->eps);
  k = norm(l, k, w->k_norm, d->eps);
  if (w->turns) {
    ig_value table = w->turns == &d->rope ? s->table : s->window_table;
    b->location = w->q.tensor->name;
    q = ig_build_rope(b, q, s->pos, table, m->n_heads, m->head_dim);
    b->location = w->k.tensor->name;
    k = ig_build_rope(b, k, s->pos, table, m->n_kv_heads, m->head_dim);
  }
  ig_value sinks = w->sinks ? ig_weight_of(l, w->sinks) : (ig_value){0};
  b->location = ig_format(&l->arena, "blk.%u.attention", index);
  ig_value y = ig_build_attention(b, q, k, v, s->pos, index, m->n_heads, m->n_kv_heads, m->head_dim, d->attention_scale, sinks);
  if (w->window) ig_set_attr_int(ig_defining_op(y), "window", w->window);
  if (d->attention_softcap > 0) ig_set_attr_float(ig_defining_op(y), "softcap", (double)d->attention_softcap);
  return product(l, d, y, &w->o);
}

static ig_value network(ig_lowering *l, const ig_decoder *d, const ig_decoder_layer *w, ig_value n) {
  ig_builder *b = &l->builder;
  ig_value gate = ig_linear_of(l, n, &w->gate), up = ig_linear_of(l, n, &w->up);
  return ig_linear_of(l, ig_build_mul(b, d->gelu ? ig_build_gelu(b, gate) : ig_build_silu(b, gate), up), &w->down);
}

static ig_value rope_table(ig_lowering *l, const ig_decoder *d, const ig_rope_turns *turns) {
  l->builder.location = "rope";
  ig_value table = ig_build_rope_table(&l->builder, turns->frequencies, turns->pairs);
  if (d->rope_halves) ig_set_attr_int(ig_defining_op(table), "halves", 1);
  if (turns->magnitude != 1) ig_set_attr_float(ig_defining_op(table), "magnitude", (double)turns->magnitude);
  return table;
}

void ig_decoder_build(ig_lowering *l, const ig_decoder *d) {
  ig_builder *b = &l->builder;
  const float factor = residual_scale(d), embedding_scale = (d->embedding_scale > 0 ? d->embedding_scale : 1) / factor;
  ig_value tokens = ig_function_argument(b->function, 0);
  shared s = {.d = d, .pos = ig_function_argument(b->function, 1), .table = rope_table(l, d, &d->rope), .stream_eps = d->eps / (factor * factor)};
  if (d->window_theta > 0) s.window_table = rope_table(l, d, &d->window_rope);
  ig_value embedding = ig_weight_of(l, d->embedding), x = ig_build_embed(b, tokens, embedding);
  if (embedding_scale != 1) x = ig_build_scale(b, x, embedding_scale);
  for (uint32_t i = 0; i < l->model->n_layer; i++) {
    const ig_decoder_layer *w = &d->layers[i];
    x = ig_build_add(b, x, norm(l, attention(l, &s, i, norm(l, x, w->attn_norm, s.stream_eps)), w->attn_post_norm, d->eps));
    ig_value n = norm(l, x, w->ffn_norm, s.stream_eps);
    x = d->mixture.present ? ig_mixture_build(l, &d->mixture, w, x, n) : ig_build_add(b, x, norm(l, network(l, d, w, n), w->ffn_post_norm, d->eps));
  }
  x = norm(l, x, d->output_norm, s.stream_eps);
  ig_value output = d->output == d->embedding ? embedding : ig_weight_of(l, d->output);
  b->location = d->output->name;
  ig_value logits = ig_build_linear(b, x, output);
  ig_set_attr_int(ig_defining_op(logits), "digits", 2);
  if (d->logit_scale > 0) logits = ig_build_scale(b, logits, d->logit_scale);
  if (d->logit_softcap > 0) logits = ig_build_softcap(b, logits, d->logit_softcap);
  ig_function_return(b->function, logits);
}
