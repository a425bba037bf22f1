/* The tokenizer's tables as bytes: a FlatBuffer by runtime/abi/tokens.fbs, which becomes a part of the weights file. */
#ifndef INGOT_CODEGEN_TOKENS_WRITER_H
#define INGOT_CODEGEN_TOKENS_WRITER_H

#include "ir/base/base.h"
#include "ir/token_tables.h"

/* Appends the tables to `out`. */
void ig_write_tokens(const ig_tokenizer *tokenizer, ig_text *out);

#endif
