/* The families of Qwen: rope on halves. Qwen 2 has biases on q, k and v, Qwen 3 norms on the heads of q and k. */
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
