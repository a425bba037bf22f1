/* The families of Qwen: rope on halves. Qwen 2 has biases on q, k and v, Qwen 3 norms on the heads of q and k; qwen3moe has
 * experts beside these. */
#include "frontend/decoder.h"

void ig_qwen2_describe(ig_lowering *l, ig_decoder *d) {
  (void)l;
  d->rope_halves = true;
  d->bias = IG_REQUIRED;
}

void ig_qwen3_describe(ig_lowering *l, ig_decoder *d) {
  (void)l;
  d->rope_halves = true;
  d->qk_norm = IG_QK_HEADS;
}

void ig_qwen3moe_describe(ig_lowering *l, ig_decoder *d) {
  static const char *const known[] = {"expert_count", "expert_used_count", NULL};
  ig_qwen3_describe(l, d);
  d->known = known;
  ig_mixture_read(l, true, &d->mixture);
}
