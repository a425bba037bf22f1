/* Internal to tokenizer*.c: a tokenizer being read. */
#ifndef INGOT_FRONTEND_TOKENIZER_JOB_H
#define INGOT_FRONTEND_TOKENIZER_JOB_H

#include "frontend/tokenizer.h"

enum { UNDEFINED, NORMAL, UNKNOWN, CONTROL, USER_DEFINED, UNUSED, BYTE, TYPES }; /* token types of the file and of tokens.fbs */
#define NO_ID 0xffffffffu

typedef struct job {
  ig_model *model;
  ig_tokenizer *t;
  ig_diags *diags;
  const char *path;
  char *text;                /* of t->text, until it is finished */
} job;

static inline const char *piece_text(const ig_tokenizer *t, uint32_t id) { return t->text + t->pieces[id].offset; }

/* The piece of that text which plain text may become, NO_ID where there is none. */
uint32_t ig_find_piece(const ig_tokenizer *t, const char *text, size_t size);

/* Special tokens in the order of their bytes, and their flags. */
bool ig_list_specials(job *j);
/* Which special tokens others may overlap that are taken before them, by the flags that they have. */
void ig_mark_contested(ig_tokenizer *t);
/* Byte-level BPE: the pieces' texts become the bytes they stand for. */
void ig_pieces_to_bytes(job *j);
/* tokenizer.ggml.merges as a hash table, the bytes' symbols, and which pieces are whole. False, reported, where they are damaged. */
bool ig_read_merges(job *j, bool ignore_merges);
/* Unigram: the map of characters, beginnings of pieces. False, reported, where they are damaged. */
bool ig_read_unigram(job *j);
/* WordPiece: classes of characters and folds. */
void ig_read_words(job *j);
/* SentencePiece: which pieces are whole, and whether words can be merged one by one. */
void ig_mark_whole(job *j);

#endif
