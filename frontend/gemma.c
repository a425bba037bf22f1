/* The families of Gemma: rope on halves, a gate of gelu, the embedding times the root of its width.
 *   gemma2   norms after attention and network too; every other layer sees a window; scores and logits softly capped
 *   gemma3   these norms, and norms of the heads of q and k; five of six layers see a window and turn by a base of their own, unscaled
 * Files hold the norms' gains as they are multiplied (the checkpoints' plus 1). */
#include "frontend/decoder.h"

#include <math.h>

static void describe(ig_lowering *l, ig_decoder *d) {
  d->rope_halves = true;
  d->gelu = true;
  d->embedding_scale = sqrtf((float)l->model->n_embd);
}

/* The largest model divides scores by the root of the width that a head has in the residual stream. */
static void scale_by_width(const ig_model *m, ig_decoder *d) {
  if (m->n_heads) d->attention_scale = 1 / sqrtf((float)(m->n_embd / m->n_heads));
}

void ig_gemma_describe(ig_lowering *l, ig_decoder *d) { describe(l, d); }

void ig_gemma2_describe(ig_lowering *l, ig_decoder *d) {
  static const char *const known[] = {"attention.sliding_window", "attention.sliding_window_pattern", "attn_logit_softcapping", "final_logit_softcapping",
                                      NULL};
  describe(l, d);
  d->known = known;
  d->norms = IG_NORMS_AROUND;
  ig_windows_read(l, d, 4096, 2);
  d->attention_softcap = ig_number_read(l, "attn_logit_softcapping", 50);
  d->logit_softcap = ig_number_read(l, "final_logit_softcapping", 30);
  if (l->model->n_layer == 46) scale_by_width(l->model, d); /* 27B */
}

void ig_gemma3_describe(ig_lowering *l, ig_decoder *d) {
  static const char *const known[] = {"attention.sliding_window", "attention.sliding_window_pattern", "final_logit_softcapping", "rope.freq_base_swa", NULL};
  describe(l, d);
  d->known = known;
  d->norms = IG_NORMS_AROUND;
  d->qk_norm = IG_QK_HEADS;
  if (ig_windows_read(l, d, 0, 6)) d->window_theta = ig_number_read(l, "rope.freq_base_swa", 10000);
  d->logit_softcap = ig_number_read(l, "final_logit_softcapping", 0);
  if (l->model->n_layer == 62) scale_by_width(l->model, d); /* 27B */
}
