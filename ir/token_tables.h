/* Tokenizer and chat template as tables, ready to be written into a plan: what frontends make and the plan writer takes. */
#ifndef INGOT_IR_TOKEN_TABLES_H
#define INGOT_IR_TOKEN_TABLES_H

#include <stdbool.h>
#include <stdint.h>

/* Mirrors of the plan's Tokenizer and Template (runtime/abi/plan.fbs), ready to be written. */
typedef struct ig_piece { uint32_t offset; uint16_t size; uint8_t type; } ig_piece;
typedef struct ig_tokenizer {
  bool present;                 /* false: the file has no tokenizer that we know (`missing` says which); ids only */
  const char *missing;
  uint32_t n;
  const char *text; uint32_t text_size;
  ig_piece *pieces;
  float *scores;
  uint32_t *hash; uint32_t hash_size;   /* a power of two, at least twice n */
  uint32_t *specials; uint32_t n_specials;
  uint32_t bytes[256];
  uint32_t bos, unknown;        /* 0xffffffff: none */
  uint32_t *end; uint32_t n_end;
  bool add_bos, add_eos, add_space_prefix;
} ig_tokenizer;

typedef struct ig_template {
  bool present;
  const uint8_t *code; uint32_t code_size;
  const char *strings; uint32_t strings_size;
  const char *source;
} ig_template;

#endif
