#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "runtime/plan_read.h"

/* Fields in the order of abi/tokens.fbs. */
enum {
  T_TEXT,
  T_PIECES,
  T_SCORES,
  T_HASH,
  T_SPECIALS,
  T_BYTES,
  T_BOS,
  T_UNKNOWN,
  T_END,
  T_ADD_BOS,
  T_ADD_EOS,
  T_ADD_SPACE_PREFIX,
  T_KIND,
  T_MERGES,
  T_CLASS_PAGES,
  T_CLASS_BLOCKS,
  T_N_CLASSES,
  T_TRANSITIONS,
  T_PASSES,
  T_EOS,
  T_WHOLE_WORDS,
  T_FOLDS,
  T_LONGEST,
  T_CHARSMAP,
  T_PREFIXES,
  T_UNKNOWN_SCORE,
  T_MERGES_SPACES
};
enum { PIECE_BYTES = 8, MERGE_BYTES = 16, FOLD_BYTES = 8 };
enum { MOST_PASSES = 16, MOST_PREFIXES = 1 << 28 };

typedef struct opener {
  const char *name;
  ingot_error *error;
} opener;

static ingot_status refuse(const opener *o, const char *format, ...) INGOT_PRINTF(2, 3);
static ingot_status refuse(const opener *o, const char *format, ...) {
  char text[128];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  return ingot__fail(o->error, INGOT_ERROR_WEIGHTS, "weights of '%.64s': tokenizer: %s; take the ones made together with the plan", o->name, text);
}

static bool power_of_two(uint32_t n) { return n && !(n & (n - 1)); }
static bool token_or_none(const ingot__tokenizer *t, uint32_t id) { return id == UINT32_MAX || id < t->pieces.count; }

/* What tokenising relies on; every entry of the tables is checked where it is used. */
static ingot_status check(const opener *o, const ingot__tokenizer *t, uint32_t n_vocab) {
  uint32_t n = t->pieces.count;
  bool unigram = t->kind == INGOT__TOKENS_UNIGRAM, scored = t->kind == INGOT__TOKENS_SENTENCEPIECE || unigram;
  if (!t->code || t->kind != t->code->kind) return refuse(o, "kind is %u, and the library is for %s", t->kind, t->code ? "another" : "none");
  if (n > n_vocab || (scored && t->scores.count != n)) return refuse(o, "%u pieces and %u scores for %u tokens", n, t->scores.count, n_vocab);
  if (t->longest > UINT16_MAX) return refuse(o, "longest is %u", t->longest);
  if (!power_of_two(t->hash.count)) return refuse(o, "the size of hash is no power of two");
  if (t->kind == INGOT__TOKENS_BYTES && !power_of_two(t->merges.count)) return refuse(o, "the size of merges is no power of two");
  if (unigram && (!power_of_two(t->prefixes.count) || t->prefixes.count > MOST_PREFIXES)) return refuse(o, "the size of prefixes is no power of two");
  if (t->n_classes > UINT8_MAX || t->passes.count > MOST_PASSES) return refuse(o, "%u classes, %u passes", t->n_classes, t->passes.count);
  if (t->bytes.count != 256) return refuse(o, "bytes has %u entries", t->bytes.count);
  if (!token_or_none(t, t->bos) || !token_or_none(t, t->eos) || !token_or_none(t, t->unknown)) return refuse(o, "bos, eos or unknown is not a token");
  return INGOT_OK;
}

ingot_status ingot__tokens_open(ingot__tokenizer *t, const uint8_t *data, uint64_t size, uint32_t n_vocab, const ingot__token_kind *code, const char *name,
                                ingot_error *error) {
  const opener o = {name, error};
  plan_reader reader, *r = &reader;
  const plan_table root = ingot__read_root(r, data, size, "INGT"), *table = &root;
#define VECTOR(field, bytes, name) ingot__read_vector(r, table, field, bytes, name)
#define NUMBER(field, missing, name) (uint32_t)ingot__read_scalar(r, table, field, 4, missing, name)
#define BYTE(field, name) (uint8_t)ingot__read_scalar(r, table, field, 1, 0, name)
  *t = (ingot__tokenizer){.present = true,
                          .code = code,
                          .kind = BYTE(T_KIND, "kind"),
                          .text = VECTOR(T_TEXT, 1, "text"),
                          .pieces = VECTOR(T_PIECES, PIECE_BYTES, "pieces"),
                          .scores = VECTOR(T_SCORES, 4, "scores"),
                          .hash = VECTOR(T_HASH, 4, "hash"),
                          .specials = VECTOR(T_SPECIALS, 4, "specials"),
                          .bytes = VECTOR(T_BYTES, 4, "bytes"),
                          .end = VECTOR(T_END, 4, "end"),
                          .merges = VECTOR(T_MERGES, MERGE_BYTES, "merges"),
                          .class_pages = VECTOR(T_CLASS_PAGES, 2, "class_pages"),
                          .class_blocks = VECTOR(T_CLASS_BLOCKS, 1, "class_blocks"),
                          .transitions = VECTOR(T_TRANSITIONS, 2, "transitions"),
                          .passes = VECTOR(T_PASSES, 4, "passes"),
                          .folds = VECTOR(T_FOLDS, FOLD_BYTES, "folds"),
                          .charsmap = VECTOR(T_CHARSMAP, 1, "charsmap"),
                          .prefixes = VECTOR(T_PREFIXES, 1, "prefixes"),
                          .bos = NUMBER(T_BOS, UINT32_MAX, "bos"),
                          .eos = NUMBER(T_EOS, UINT32_MAX, "eos"),
                          .unknown = NUMBER(T_UNKNOWN, UINT32_MAX, "unknown"),
                          .n_classes = NUMBER(T_N_CLASSES, 0, "n_classes"),
                          .longest = NUMBER(T_LONGEST, 0, "longest"),
                          .add_bos = BYTE(T_ADD_BOS, "add_bos"),
                          .add_eos = BYTE(T_ADD_EOS, "add_eos"),
                          .add_space_prefix = BYTE(T_ADD_SPACE_PREFIX, "add_space_prefix"),
                          .whole_words = BYTE(T_WHOLE_WORDS, "whole_words"),
                          .merges_spaces = BYTE(T_MERGES_SPACES, "merges_spaces")};
  uint32_t unknown_score = NUMBER(T_UNKNOWN_SCORE, 0, "unknown_score");
  memcpy(&t->unknown_score, &unknown_score, sizeof unknown_score);
  return r->bad ? refuse(&o, "field '%s' is damaged", r->bad) : check(&o, t, n_vocab);
}
