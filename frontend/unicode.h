/* What Unicode says of a code point; tables from unicode_make.py. */
#ifndef INGOT_FRONTEND_UNICODE_H
#define INGOT_FRONTEND_UNICODE_H

#include <stdbool.h>
#include <stdint.h>

enum { IG_CODE_POINTS = 0x110000 };

typedef struct ig_range {
  uint32_t first, last;
} ig_range;

/* Calls found(first, last) for the runs of code points of the general category that `name` says: two letters ("Lu"), or one for all
 * that begin so ("L"). False: there is no such category. */
bool ig_unicode_category_runs(const char *name, uint32_t name_size, void (*found)(void *user, uint32_t first, uint32_t last), void *user);
/* Two letters. */
const char *ig_unicode_category(uint32_t code_point);
uint32_t ig_unicode_lower(uint32_t code_point);
/* The first code point of the canonical decomposition: a letter without its accents. */
uint32_t ig_unicode_base(uint32_t code_point);
/* \s of the pre-tokenizers' expressions: White_Space. */
extern const ig_range ig_unicode_spaces[];
enum { IG_UNICODE_SPACES = 10 };

#endif
