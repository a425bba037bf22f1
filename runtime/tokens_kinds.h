/* What the kinds of tokenizers share: the tables, the output of one call, and its borrowed memory. */
#ifndef INGOT_RUNTIME_TOKENS_KINDS_H
#define INGOT_RUNTIME_TOKENS_KINDS_H

#include "runtime/tokens.h"

enum { UNKNOWN = 2, CONTROL = 3, USER_DEFINED = 4, BYTE = 6 };                                /* TokenType of tokens.fbs */
enum { PIECE_WHOLE = 1, PIECE_STRIPS_LEFT = 2, PIECE_STRIPS_RIGHT = 4, PIECE_CONTESTED = 8 }; /* Piece.flags */
#define NO_TOKEN UINT32_MAX

/* ---- the tables: entries are checked where they are used -------------------------------------------------------------------- */

typedef struct token_piece {
  const uint8_t *text;
  uint32_t size, type, flags;
} token_piece;

static inline token_piece ingot__piece(const ingot__tokenizer *t, uint32_t id) {
  token_piece none = {NULL, 0, 0, 0};
  if (id >= t->pieces.count) return none;
  const uint8_t *entry = t->pieces.data + 8 * (size_t)id;
  uint64_t offset = ingot__load32(entry);
  uint32_t size = ingot__load16(entry + 4);
  if (offset + size > t->text.count || size > t->longest) return none;
  return (token_piece){t->text.data + offset, size, entry[6], entry[7]};
}

static inline uint32_t ingot__id_at(ingot__vec ids, uint32_t index) { return ingot__load32(ids.data + 4 * (size_t)index); }

/* FNV-1a, a byte further. */
static inline uint32_t ingot__hash_start(void) { return 2166136261u; }
static inline uint32_t ingot__hash_byte(uint32_t hash, uint8_t byte) { return (hash ^ byte) * 16777619u; }
/* The piece of that text and hash which plain text may become: not control, unknown or byte tokens, whose text means something else. */
uint32_t ingot__find_hashed(const ingot__tokenizer *tokenizer, const uint8_t *text, uint32_t size, uint32_t hash);
uint32_t ingot__find_piece(const ingot__tokenizer *tokenizer, const uint8_t *text, uint32_t size);

/* Bytes from the first of a character to the next; what is not UTF-8 goes byte by byte. */
uint32_t ingot__character_size(const uint8_t *text, size_t left);
/* Its code point, U+FFFD for what is not UTF-8. */
uint32_t ingot__code_point(const uint8_t *text, uint32_t size);

/* ---- one call ----------------------------------------------------------------------------------------------------------------- */

/* A run of text between two others; merged ones have size 0. */
typedef struct token_symbol {
  int32_t before, after; /* neighbours, or -1 */
  uint32_t at, size, id;
} token_symbol;

/* A symbol and the one after it, whose joined text is a piece. Stale once either has changed: then the sizes no longer add up. */
typedef struct token_pair {
  uint32_t key, left, size, id; /* the lowest key first, then the leftmost */
} token_pair;

/* Whether two neighbours may become one: the pair's key and id. */
typedef bool token_join(const ingot__tokenizer *tokenizer, const uint8_t *text, const token_symbol *left, const token_symbol *right, token_pair *pair);

enum { TOKENS_FEW = 64 };

typedef struct token_job {
  const ingot__tokenizer *t;
  const ingot_allocator *allocator;
  ingot_token *tokens;
  size_t cap, count;
  bool failed;            /* no memory */
  token_join *join;
  uint8_t *text;          /* room for 3 bytes for each byte of the part at hand, and 4 more */
  token_symbol *symbols;  /* room + 1 */
  token_pair *heap;       /* 2 (room + 1): each merge takes a pair and offers two at most */
  uint32_t room, n_symbols, n_heap;
  uint8_t *memory;        /* borrowed where a part is longer than these */
  uint64_t memory_bytes;
  uint8_t few_text[3 * TOKENS_FEW + 4];
  token_symbol few_symbols[TOKENS_FEW + 1];
  token_pair few_pairs[2 * (TOKENS_FEW + 1)];
} token_job;

static inline void ingot__emit(token_job *job, uint32_t id) {
  if (job->count < job->cap) job->tokens[job->count] = (ingot_token)id;
  job->count++;
}
/* The byte tokens of what no piece covers. */
void ingot__emit_bytes(token_job *job, const uint8_t *text, uint32_t size);
/* Makes room for a part of that many bytes. */
bool ingot__make_room(token_job *job, size_t size);

/* ---- the kinds ------------------------------------------------------------------------------------------------------------------ */

/* Merges neighbours in `symbols`, whose texts lie in `text`, until none is left that `join` joins, and emits them. */
void ingot__merge(token_job *job, const uint8_t *text, token_join *join);

/* The class of a code point; 0 where the tables have none. */
uint32_t ingot__class(const ingot__tokenizer *tokenizer, uint32_t code_point);
/* Calls part(to, text, size) for the parts of the text, in order; nothing is left out. */
typedef void ingot__part_fn(void *to, const uint8_t *text, size_t size);
void ingot__split(const ingot__tokenizer *tokenizer, uint32_t pass, const uint8_t *text, size_t size, ingot__part_fn *part, void *to);

#endif
