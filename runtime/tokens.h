/* Tokenizers over the tables of tokens.fbs: SentencePiece and byte-level BPE, WordPiece, unigram. */
#ifndef INGOT_RUNTIME_TOKENS_H
#define INGOT_RUNTIME_TOKENS_H

#include "runtime/core.h"

/* Writes up to `cap` tokens and returns how many there are, or a negative status. The memory borrowed depends on the longest part that is
 * looked at as one: a word, or all the text between special tokens where there are no words to see. Up to 64 bytes of it: none. Else 55
 * bytes for each of its bytes and 56 more, for unigram 17 for each byte of the normalised text and 17 more. */
int64_t ingot__tokenize(const ingot__tokenizer *tokenizer, const ingot_allocator *allocator, const char *text, size_t size, bool special, ingot_token *tokens,
                        size_t cap);

/* Bytes of text handed on; a token's text may come in several runs. */
typedef void ingot__put(void *to, const uint8_t *bytes, size_t n);
/* The text of a token, with spaces for U+2581. Control tokens and unknown ids give nothing. `*leading`: a space that comes first
 * is dropped; afterwards it says whether the next token begins a stretch of text. */
void ingot__token_text(const ingot__tokenizer *tokenizer, uint32_t id, bool *leading, ingot__put *put, void *to);
/* Whether generation ends at the token. */
bool ingot__token_ends(const ingot__tokenizer *tokenizer, uint32_t id);
/* Whether text after the token begins a new stretch: control and user-defined tokens. */
bool ingot__token_is_special(const ingot__tokenizer *tokenizer, uint32_t id);

#endif
