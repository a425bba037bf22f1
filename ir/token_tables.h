/* Tokenizer and chat template as tables, ready to be written: what frontends make and tokens_writer and plan_writer take. */
#ifndef INGOT_IR_TOKEN_TABLES_H
#define INGOT_IR_TOKEN_TABLES_H

#include <stdbool.h>
#include <stdint.h>

/* Mirrors of Tokenizer (runtime/abi/tokens.fbs) and Template (runtime/abi/plan.fbs). */
typedef struct ig_piece {
  uint32_t offset;
  uint16_t size;
  uint8_t type, flags;
} ig_piece;
typedef struct ig_fold {
  uint32_t from, to;
} ig_fold;
typedef struct ig_merge {
  uint32_t left, right, rank, id;
} ig_merge;

enum { IG_PASS_THREES = 1 << 30 }; /* tokens.fbs, Tokenizer.passes */
/* How text is split before pieces are looked for: automata over classes of characters, one after the other (tokens.fbs). */
typedef struct ig_splitter {
  uint16_t *pages;
  uint32_t n_pages;            /* the block of each 128 code points */
  uint8_t *blocks;
  uint32_t blocks_size;        /* 128 classes each */
  uint32_t n_classes;
  uint16_t *transitions;
  uint32_t n_transitions;
  uint32_t *passes;
  uint32_t n_passes;          /* where each automaton's transitions begin */
} ig_splitter;

typedef enum ig_token_kind { IG_TOKENS_SENTENCEPIECE, IG_TOKENS_BYTES, IG_TOKENS_WORDPIECE, IG_TOKENS_UNIGRAM } ig_token_kind; /* tokens.fbs */
/* Flags of a piece: merging its own text gives nothing but it; special tokens: space before or after it belongs to it, others that are
 * taken before it may overlap its end. */
enum { IG_PIECE_WHOLE = 1, IG_PIECE_STRIPS_LEFT = 2, IG_PIECE_STRIPS_RIGHT = 4, IG_PIECE_CONTESTED = 8 };

typedef struct ig_tokenizer {
  bool present;                 /* false: the file has no tokenizer that we know (`missing` says which); ids only */
  const char *missing;
  ig_token_kind kind;
  uint32_t n;
  const char *text;
  uint32_t text_size;
  ig_piece *pieces;
  float *scores;
  uint32_t *hash;
  uint32_t hash_size;   /* a power of two, at least twice n */
  uint32_t *specials;
  uint32_t n_specials;
  uint32_t bytes[256];
  uint32_t bos, unknown;        /* 0xffffffff: none */
  uint32_t *end;
  uint32_t n_end;
  bool add_bos, add_eos, add_space_prefix;
  ig_merge *merges;
  uint32_t merges_size;       /* a hash table, its size a power of two; rank 0xffffffff: an empty slot */
  ig_splitter splitter;
  uint32_t longest;             /* bytes of the longest piece */
  ig_fold *folds;
  uint32_t n_folds;             /* WordPiece: code points that become others */
  uint8_t *charsmap;
  uint32_t charsmap_size;    /* Unigram: the file's map of characters; which hashes are of beginnings of pieces */
  uint8_t *prefixes;
  uint32_t prefixes_size;
  float unknown_score;
  bool merges_spaces;
  uint32_t eos;                 /* what add_eos adds; 0xffffffff: none */
  bool whole_words;             /* no piece has a space after something else: merges never reach over the beginning of a word */
} ig_tokenizer;

typedef struct ig_template {
  bool present;
  const uint8_t *code;
  uint32_t code_size;
  const char *strings;
  uint32_t strings_size;
  const char *source;
} ig_template;

#endif
