/* From logits to the next token. */
#ifndef INGOT_RUNTIME_SAMPLE_H
#define INGOT_RUNTIME_SAMPLE_H

#include <stdint.h>
#include "runtime/ingot.h"

typedef struct ingot__candidate {
  float logit;
  uint32_t id;
} ingot__candidate;

typedef struct ingot__sampler {
  float temperature, top_p, min_p, repeat_penalty;
  uint32_t top_k, repeat_last;
  uint64_t random;                 /* the generator's state */
  uint32_t n_vocab;
  ingot__candidate *candidates;    /* room for n_vocab */
  uint8_t *seen;                   /* n_vocab bits, all zero between calls */
} ingot__sampler;

/* The next id; `history` are the tokens so far. In this order: the repeat penalty; top_k; top_p and min_p, both over the
 * probabilities at temperature 1 of what top_k left; then the temperature. Logits that are not numbers count as -infinity.
 * Advances `random`. */
uint32_t ingot__sample(ingot__sampler *sampler, const float *logits, const ingot_token *history, uint32_t n_history);
/* e^x for x <= 0, to a few parts in 10^15. */
double ingot__exp(double x);

#endif
