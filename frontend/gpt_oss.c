/* The family `gpt-oss`: experts with biases and a clamped product, attention sinks, every other layer sees a window; rope on halves, stretched by yarn. */
#include "frontend/decoder.h"

void ig_gpt_oss_describe(ig_lowering *l, ig_decoder *d) {
  static const char *const known[] = {"attention.sliding_window", "expert_count", "expert_used_count", NULL};
  d->known = known;
  d->rope_halves = true;
  d->bias = d->output_bias = IG_REQUIRED;
  d->sinks = true;
  d->window = ig_window_read(l);
  d->global_every = 2;
  d->ffn_norm = "post_attention_norm";
  ig_mixture_read(l, true, &d->mixture);
  d->mixture.biased = true;
  d->mixture.alpha = 1.702f, d->mixture.limit = 7;
}
