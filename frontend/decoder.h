/* Internal to the frontend: the decoder that nearly all families are, as a description. A family's file (llama.c, qwen.c, ...) says what is
 * its own; decoder.c finds and checks the tensors, decoder_build.c makes the graph. */
#ifndef INGOT_FRONTEND_DECODER_H
#define INGOT_FRONTEND_DECODER_H

#include "frontend/lowering.h"

/* A linear: some rows of a tensor, and its bias. */
typedef struct ig_matrix {
  const ig_tensor *tensor;
  uint64_t first, rows;          /* rows 0: all of them */
  const ig_tensor *bias;         /* or NULL */
} ig_matrix;

/* The matrices of a layer's experts: one tensor, or (older files) a tensor for each. */
typedef struct ig_expert_matrix {
  const ig_tensor *tensor;       /* the first where there are several */
  const ig_tensor **apart;       /* each expert's, or NULL */
  const ig_tensor *bias;         /* or NULL */
} ig_expert_matrix;

/* A mixture of experts in place of the gated network. */
typedef struct ig_mixture {
  bool present;
  uint32_t experts, used, width; /* of the model, of a token; of the gated product */
  bool biased;                   /* router and experts have biases */
  float alpha, limit;            /* of a clamped product (numerics.h); alpha 0: plain */
} ig_mixture;

/* How positions turn: made by ig_rope_read from metadata and factors. */
typedef struct ig_rope_turns {
  uint64_t *frequencies;
  uint32_t pairs;
  float magnitude;
} ig_rope_turns;

typedef struct ig_decoder_layer {
  const ig_tensor *attn_norm, *ffn_norm, *attn_post_norm, *ffn_post_norm, *q_norm, *k_norm, *sinks; /* NULL where there is none */
  ig_matrix q, k, v, o, gate, up, down, router;
  ig_expert_matrix experts[3];   /* gate, up, down: in place of those above where there is a mixture */
  uint32_t window;               /* positions that a token sees, 0: all */
  const ig_rope_turns *turns;    /* NULL: it does not know positions */
} ig_decoder_layer;

typedef enum ig_qk_norm { IG_QK_PLAIN, IG_QK_HEADS, IG_QK_ROWS } ig_qk_norm; /* of q and k before rope: none, each head, the whole row */

typedef enum ig_norms { IG_NORMS_BEFORE, IG_NORMS_AROUND, IG_NORMS_AFTER } ig_norms; /* of attention and network: before them, after them, or both */

typedef enum ig_presence { IG_ABSENT, IG_OPTIONAL, IG_REQUIRED } ig_presence;

struct ig_decoder {
  /* set by the family */
  bool rope_halves;              /* pairs are (i, i + d/2), not neighbours */
  bool fused;                    /* q, k and v are rows of attn_qkv; gate and up of ffn_up */
  ig_presence bias;              /* of q, k, v */
  ig_presence output_bias;       /* of attn_output */
  ig_presence network_bias;      /* of gate, up and down */
  ig_norms norms;
  ig_qk_norm qk_norm;
  bool gelu;                     /* the gate is gelu, not silu */
  uint32_t window;               /* positions that a token sees, 0: all; */
  uint32_t global_every;         /* but all in every n-th layer, 0: in none */
  const ig_meta_entry *windowed; /* or which layers have the window, one by one; may be NULL */
  float window_theta;            /* the base of rope, unscaled, in layers with a window; 0: as in the others */
  uint32_t still_every;          /* positions are not known in every n-th layer, 0: in none */
  float embedding_scale, residual_scale, logit_scale; /* factors of embedding, of what layers add, of logits; 0: none */
  float attention_softcap, logit_softcap;             /* 0: none */
  float attention_scale;         /* of scores; 0: 1 / sqrt(channels of a head) */
  bool sinks;                    /* heads have attention sinks */
  const char *ffn_norm;          /* the tensor's name, NULL: ffn_norm */
  ig_mixture mixture;
  const char *const *known;      /* keys (without the architecture) that the family reads and others would refuse; NULL-ended, may be NULL */
  /* found */
  float eps;
  ig_rope_turns rope, window_rope;
  const ig_tensor *embedding, *output_norm, *output; /* output: the embedding where tied */
  ig_decoder_layer *layers;
};

/* `d` has what the family sets. False where an error was reported; what is missing or wrong is noted. */
bool ig_decoder_check(ig_lowering *l, ig_decoder *d);
void ig_decoder_build(ig_lowering *l, const ig_decoder *d);
/* The model's attention.sliding_window, 0 where it has none or sees all that it is compiled for. */
uint32_t ig_window_read(ig_lowering *l);
/* Sets window and which layers have it: `window` where the file states none, all positions in every `period`-th layer where it does not say otherwise. False
 * where no layer has a window. */
bool ig_windows_read(ig_lowering *l, ig_decoder *d, uint32_t window, uint32_t period);
/* The counts of experts by the model's keys. Without expert_count, or 0 of them, there is no mixture unless `needed`. */
void ig_mixture_read(ig_lowering *l, bool needed, ig_mixture *mixture);
/* False where they are missing or beyond what is possible (noted). */
bool ig_mixture_numbers(ig_lowering *l, const ig_mixture *mixture);
/* Finds the tensors of a layer's mixture; builds it. x: the residual stream, n: its normalised rows. */
void ig_mixture_check(ig_lowering *l, const ig_mixture *mixture, uint32_t layer, ig_decoder_layer *out);
ig_value ig_mixture_build(ig_lowering *l, const ig_mixture *mixture, const ig_decoder_layer *layer, ig_value x, ig_value n);
/* y = x w^T + bias, for a matrix of the model. */
ig_value ig_linear_of(ig_lowering *l, ig_value x, const ig_matrix *matrix);
/* Rope by the model's keys: base, dimensions, scaling (none, linear, yarn, longrope) and tensors of factors. */
bool ig_rope_read(ig_lowering *l, ig_rope_turns *turns);
/* The same dimensions by a base alone. */
bool ig_rope_unscaled(ig_lowering *l, float theta, ig_rope_turns *turns);

#endif
