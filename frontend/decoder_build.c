/* The graph of a decoder: layers of attention and a gated network, each added to the residual stream. */
#include "frontend/decoder.h"

ig_value ig_linear_of(ig_lowering *l, ig_value x, const ig_matrix *m) {
  ig_value weight = m->rows ? ig_weight_rows_of(l, m->tensor, m->first, m->rows) : ig_weight_of(l, m->tensor);
  ig_value bias = m->bias ? ig_weight_of(l, m->bias) : (ig_value){0};
  l->builder.location = m->tensor->name;
  return ig_build_biased(&l->builder, x, weight, bias);
}

static ig_value norm(ig_lowering *l, const ig_decoder *d, ig_value x, const ig_tensor *gain) {
  ig_value weight = ig_weight_of(l, gain);
  return ig_build_rms_norm(&l->builder, x, weight, d->eps);
}

static ig_value attention(ig_lowering *l, const ig_decoder *d, uint32_t index, ig_value n, ig_value pos, ig_value table) {
  const ig_model *m = l->model;
  const ig_decoder_layer *w = &d->layers[index];
  ig_builder *b = &l->builder;
  ig_value q = ig_linear_of(l, n, &w->q), k = ig_linear_of(l, n, &w->k), v = ig_linear_of(l, n, &w->v);
  if (w->q_norm) q = norm(l, d, q, w->q_norm);
  if (w->k_norm) k = norm(l, d, k, w->k_norm);
  b->location = w->q.tensor->name;
  q = ig_build_rope(b, q, pos, table, m->n_heads, m->head_dim);
  b->location = w->k.tensor->name;
  k = ig_build_rope(b, k, pos, table, m->n_kv_heads, m->head_dim);
  ig_value sinks = w->sinks ? ig_weight_of(l, w->sinks) : (ig_value){0};
  b->location = ig_format(&l->arena, "blk.%u.attention", index);
  ig_value y = ig_build_attention(b, q, k, v, pos, index, m->n_heads, m->n_kv_heads, m->head_dim, d->attention_scale, sinks);
  bool windowed = d->window && (!d->global_every || index % d->global_every < d->global_every - 1);
  if (windowed) ig_set_attr_int(ig_defining_op(y), "window", d->window);
  return ig_linear_of(l, y, &w->o);
}

static ig_value network(ig_lowering *l, const ig_decoder_layer *w, ig_value n) {
  ig_builder *b = &l->builder;
  ig_value gate = ig_linear_of(l, n, &w->gate), up = ig_linear_of(l, n, &w->up);
  return ig_linear_of(l, ig_build_mul(b, ig_build_silu(b, gate), up), &w->down);
}

static ig_value rope_table(ig_lowering *l, const ig_decoder *d) {
  l->builder.location = "rope";
  ig_value table = ig_build_rope_table(&l->builder, d->rope.frequencies, d->rope.pairs);
  if (d->rope_halves) ig_set_attr_int(ig_defining_op(table), "halves", 1);
  if (d->rope.magnitude != 1) ig_set_attr_float(ig_defining_op(table), "magnitude", (double)d->rope.magnitude);
  return table;
}

void ig_decoder_build(ig_lowering *l, const ig_decoder *d) {
  ig_builder *b = &l->builder;
  ig_value tokens = ig_function_argument(b->function, 0), pos = ig_function_argument(b->function, 1), table = rope_table(l, d);
  ig_value embedding = ig_weight_of(l, d->embedding), x = ig_build_embed(b, tokens, embedding);
  for (uint32_t i = 0; i < l->model->n_layer; i++) {
    const ig_decoder_layer *w = &d->layers[i];
    x = ig_build_add(b, x, attention(l, d, i, norm(l, d, x, w->attn_norm), pos, table));
    ig_value n = norm(l, d, x, w->ffn_norm);
    x = d->mixture.present ? ig_mixture_build(l, &d->mixture, w, x, n) : ig_build_add(b, x, network(l, w, n));
  }
  x = norm(l, d, x, d->output_norm);
  ig_value output = d->output == d->embedding ? embedding : ig_weight_of(l, d->output);
  b->location = d->output->name;
  ig_value logits = ig_build_linear(b, x, output);
  ig_set_attr_int(ig_defining_op(logits), "digits", 2);
  ig_function_return(b->function, logits);
}
