/* What a token costs whatever the kernels do: the weights that have to be read and multiplied. Against the machine's roofline this bounds
 * the speed; `ingot bench` says how near it comes. */
#ifndef INGOT_DRIVER_TOKEN_COST_H
#define INGOT_DRIVER_TOKEN_COST_H

#include "passes/lower.h"

typedef struct ig_token_cost {
  const char *main_format;       /* of the most parameters */
  uint64_t parameters;           /* of all tensors, shared ones once */
  uint64_t tensor_bytes;         /* of all tensors in the model file */
  uint64_t decode_tensor_bytes;  /* the model file's bytes of the tensors that a decoded token reads, logits included: whole matrices, of experts those
                                    that it chooses, of the embedding a row */
  uint64_t decode_offset, decode_bytes; /* the range of the weights file in which the matrices of decode lie */
  uint64_t prefill_macs_int8, prefill_macs_f32; /* multiply-adds of a prefill token with weight matrices, by what its activations are; without the logits */
} ig_token_cost;

ig_token_cost ig_cost_of_token(const ig_program_plan *plan);

#endif
