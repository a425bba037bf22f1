/* Pre-tokenizers: the expressions by which a model's text is split, compiled into automata. */
#ifndef INGOT_FRONTEND_SPLITTER_H
#define INGOT_FRONTEND_SPLITTER_H

#include "ir/base/base.h"
#include "ir/token_tables.h"

/* Expressions applied in a chain: each splits what the ones before it left. Between two matches lies a part too, where nothing matches.
 *
 * The syntax: alternatives, leftmost first; groups (?:...); ? * + {m} {m,n} and {m,}, greedy; sets [...] with ranges, ^ and && (what is
 * in both); \s \S \d \p{L} \p{Lu} \n \r \t, other escaped characters stand for themselves; (?!SET), one character of look-ahead. An expression
 * that begins with (?3) has its matches cut into threes of characters from their end; the first part has what is left over by them, and what
 * lies before the match.
 * NULL, or what is wrong with the expression: they are ours, so that is a bug, but a table of them deserves a test. */
const char *ig_splitter_compile(const char *const *expressions, uint32_t n, ig_arena *arena, ig_splitter *out);

/* Only the table of classes, for `classes` of every code point (less than 255 of them). */
void ig_class_table(const uint8_t *classes, uint32_t n_classes, ig_arena *arena, ig_splitter *out);

/* A row of pre_tokenizers.def. */
typedef struct ig_pre_tokenizer {
  const char *name;             /* tokenizer.ggml.pre */
  const char *const *expressions;
  uint32_t n;
  bool ignore_merges;           /* a part that is a token is that token, whatever merging makes of it */
  bool add_bos;                 /* where the file does not say */
} ig_pre_tokenizer;

/* NULL where the name is not known. The n-th row; NULL after the last. */
const ig_pre_tokenizer *ig_pre_tokenizer_find(ig_str name);
const ig_pre_tokenizer *ig_pre_tokenizer_row(uint32_t n);

#endif
