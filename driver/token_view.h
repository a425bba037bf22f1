/* A model file's tokenizer as the runtime reads it from a weights file, without one between. */
#ifndef INGOT_DRIVER_TOKEN_VIEW_H
#define INGOT_DRIVER_TOKEN_VIEW_H

#include "ir/token_tables.h"
#include "runtime/core.h"

/* The runtime's code for each kind of tokenizer, by ig_token_kind, as a library names it. */
typedef struct ig_token_code {
  const char *symbol;
  const ingot__token_kind *code;
} ig_token_code;
extern const ig_token_code ig_token_codes[IG_TOKENS_UNIGRAM + 1];

/* Refers to the tables, which have to outlive it. */
ingot__tokenizer ig_token_view(const ig_tokenizer *tables);

#endif
