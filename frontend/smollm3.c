/* The family `smollm3`: the plain decoder, but every fourth layer does not know positions. */
#include "frontend/decoder.h"

void ig_smollm3_describe(ig_lowering *l, ig_decoder *d) {
  (void)l;
  d->bias = IG_OPTIONAL;
  d->still_every = 4;
}
