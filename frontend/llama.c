/* The family `llama` (Llama 2 and 3, Mistral, TinyLlama, SmolLM): the plain decoder, rope on neighbours. */
#include "frontend/decoder.h"

void ig_llama_describe(ig_lowering *l, ig_decoder *d) {
  (void)l;
  d->bias = d->output_bias = IG_OPTIONAL;
}
