/* The families of Qwen: rope on halves. Qwen 2 has biases on q, k and v. */
#include "frontend/decoder.h"

void ig_qwen2_describe(ig_lowering *l, ig_decoder *d) {
  (void)l;
  d->rope_halves = true;
  d->bias = IG_REQUIRED;
}
