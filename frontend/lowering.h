/* Internal to the frontend: what a model family's lowering works with. A family has one file (llama.c) and a row in graph.c. */
#ifndef INGOT_FRONTEND_LOWERING_H
#define INGOT_FRONTEND_LOWERING_H

#include "frontend/gguf.h"

typedef enum ig_problem {
  IG_PROBLEM_ARCHITECTURE,
  IG_PROBLEM_FEATURE,
  IG_PROBLEM_FORMAT,
  IG_PROBLEM_UNKNOWN,
  IG_PROBLEM_MISSING,
  IG_PROBLEM_SHAPE,
  IG_PROBLEMS
} ig_problem;

typedef struct ig_lowering {
  const ig_model *model;
  ig_builder builder;
  ig_arena arena;
  ig_diags *diags;
  const ig_tensor **by_name;     /* all tensors, sorted */
  bool *used;                    /* by index of model->tensors */
  ig_text problems[IG_PROBLEMS]; /* lines of the one error that names them all */
} ig_lowering;

/* Notes one offender; sections are lists of names or lines of their own. */
void ig_problem_add(ig_lowering *l, ig_problem problem, const char *format, ...) IG_PRINTF(3, 4);
/* The tensor of that name with `rows` rows (0: a vector) of `cols`, marked as used. NULL where missing (noted, unless optional). A wrong shape is noted. */
const ig_tensor *ig_want(ig_lowering *l, const char *name, uint64_t rows, uint64_t cols, bool optional);
bool ig_has_tensor(ig_lowering *l, const char *name);
/* The same for a matrix of each expert. */
const ig_tensor *ig_want_experts(ig_lowering *l, const char *name, uint64_t experts, uint64_t rows, uint64_t cols, bool optional);
/* Its ig.weight op. */
ig_value ig_weight_of(ig_lowering *l, const ig_tensor *tensor);
/* The same for some of its rows: a weight of its own. */
ig_value ig_weight_rows_of(ig_lowering *l, const ig_tensor *tensor, uint64_t first, uint64_t rows);
/* "<architecture>.<name>" */
const char *ig_key_of(ig_lowering *l, const char *name);
/* The number, which has to be there: notes the key as a missing feature where it is 0. */
bool ig_need_number(ig_lowering *l, const char *name, uint32_t value);

/* The f32 of that key, `otherwise` where it is absent. A number that is neither 0 nor between 2^-20 and 2^40 is noted. */
float ig_number_read(ig_lowering *l, const char *name, float otherwise);

/* A family: says what of the decoder is its own (decoder.h). */
typedef struct ig_decoder ig_decoder;
typedef struct ig_family_row {
  const char *architecture;
  void (*describe)(ig_lowering *l, ig_decoder *d);
} ig_family_row;

void ig_llama_describe(ig_lowering *l, ig_decoder *d);
void ig_qwen2_describe(ig_lowering *l, ig_decoder *d);
void ig_qwen3_describe(ig_lowering *l, ig_decoder *d);
void ig_phi3_describe(ig_lowering *l, ig_decoder *d);
void ig_gemma_describe(ig_lowering *l, ig_decoder *d);
void ig_gemma2_describe(ig_lowering *l, ig_decoder *d);
void ig_gemma3_describe(ig_lowering *l, ig_decoder *d);
void ig_granite_describe(ig_lowering *l, ig_decoder *d);
void ig_olmo2_describe(ig_lowering *l, ig_decoder *d);
void ig_smollm3_describe(ig_lowering *l, ig_decoder *d);
void ig_qwen3moe_describe(ig_lowering *l, ig_decoder *d);
void ig_gpt_oss_describe(ig_lowering *l, ig_decoder *d);

#endif
