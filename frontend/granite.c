/* The family `granite`: the plain decoder with four numbers, of the embedding, of what each layer adds, of scores and of logits. */
#include "frontend/decoder.h"

void ig_granite_describe(ig_lowering *l, ig_decoder *d) {
  static const char *const known[] = {"embedding_scale", "residual_scale", "attention.scale", "logit_scale", NULL};
  d->known = known;
  d->bias = d->output_bias = d->network_bias = IG_OPTIONAL;
  d->embedding_scale = ig_number_read(l, "embedding_scale", 0);
  d->residual_scale = ig_number_read(l, "residual_scale", 0);
  d->attention_scale = ig_number_read(l, "attention.scale", 0);
  float divisor = ig_number_read(l, "logit_scale", 0);
  if (divisor == 0) ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s is missing", ig_key_of(l, "logit_scale"));
  else d->logit_scale = 1 / divisor;
  bool turned = true;
  ig_meta_bool(l->model->meta, ig_key_of(l, "rope.scaling.finetuned"), &turned, l->diags);
  if (!turned) d->still_every = 1;
}
