/* The family `olmo2` (OLMo 2 and 3): norms after attention and network instead of before, norms of all of q and of all of k; rope on halves. OLMo 3
 * sees a window in three of four layers, where rope is not stretched. */
#include "frontend/decoder.h"

void ig_olmo2_describe(ig_lowering *l, ig_decoder *d) {
  static const char *const known[] = {"attention.sliding_window", "attention.sliding_window_pattern", "rope.freq_base_swa", NULL};
  d->known = known;
  d->rope_halves = true;
  d->norms = IG_NORMS_AFTER;
  d->qk_norm = IG_QK_ROWS;
  if (ig_windows_read(l, d, 0, 4)) d->window_theta = ig_number_read(l, "rope.freq_base_swa", ig_number_read(l, "rope.freq_base", 10000));
}
