/* The family `llama` (Llama 2 and 3, Mistral, TinyLlama, SmolLM): the plain decoder, rope on neighbours; Mistral sees a window. */
#include "frontend/decoder.h"

void ig_llama_describe(ig_lowering *l, ig_decoder *d) {
  static const char *const known[] = {"attention.sliding_window", NULL};
  d->known = known;
  d->window = ig_window_read(l);
  d->bias = d->output_bias = IG_OPTIONAL;
}
