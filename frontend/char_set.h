/* Sets of code points, as the expressions of pre-tokenizers write them. */
#ifndef INGOT_FRONTEND_CHAR_SET_H
#define INGOT_FRONTEND_CHAR_SET_H

#include "frontend/unicode.h"
#include "ir/base/base.h"

typedef struct ig_char_set {
  ig_range *range;
  size_t n, capacity;
} ig_char_set;

void ig_char_set_add(ig_arena *arena, ig_char_set *set, uint32_t first, uint32_t last);
/* Ranges in order, none touching another; needed before the functions below. */
void ig_char_set_sort(ig_char_set *set);
ig_char_set ig_char_set_other(ig_arena *arena, const ig_char_set *set);
ig_char_set ig_char_set_both(ig_arena *arena, const ig_char_set *a, const ig_char_set *b);
bool ig_char_set_equal(const ig_char_set *a, const ig_char_set *b);
bool ig_char_set_has(const ig_char_set *set, uint32_t code_point);

/* Reads one set from an expression: a character, an escape, [...]. Returns where it ends, NULL where it is malformed. */
const char *ig_char_set_read(ig_arena *arena, const char *at, ig_char_set *set);

#endif
