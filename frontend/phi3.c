/* The family `phi3` (Phi-3, Phi-3.5, Phi-4-mini): q, k and v are rows of one tensor, gate and up of another; rope on halves, for long contexts
 * with a factor for each pair; some see a window. */
#include "frontend/decoder.h"

void ig_phi3_describe(ig_lowering *l, ig_decoder *d) {
  static const char *const known[] = {"rope.scaling.attn_factor", "attention.sliding_window", NULL};
  d->window = ig_window_read(l);
  d->rope_halves = true;
  d->fused = true;
  d->known = known;
}
