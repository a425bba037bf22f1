/* The family `llama` (Llama 2 and 3, Mistral, Mixtral, TinyLlama, SmolLM): the plain decoder, rope on neighbours; Mistral sees a window, Mixtral has experts. */
#include "frontend/decoder.h"

void ig_llama_describe(ig_lowering *l, ig_decoder *d) {
  static const char *const known[] = {"attention.sliding_window", "expert_count", "expert_used_count", NULL};
  d->known = known;
  d->window = ig_window_read(l);
  ig_mixture_read(l, false, &d->mixture);
  d->bias = d->output_bias = d->network_bias = IG_OPTIONAL;
}
