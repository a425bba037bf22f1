#include "frontend/unicode.h"

#include <stddef.h>

typedef struct pair {
  uint32_t from, to;
} pair;
#include "frontend/unicode_tables.inc"

enum { RUNS = sizeof categories / sizeof *categories };
static const char names[][3] = {"Lu", "Ll", "Lt", "Lm", "Lo", "Mn", "Mc", "Me", "Nd", "Nl", "No", "Pc", "Pd", "Ps", "Pe",
                                "Pi", "Pf", "Po", "Sm", "Sc", "Sk", "So", "Zs", "Zl", "Zp", "Cc", "Cf", "Cs", "Co", "Cn"};

const ig_range ig_unicode_spaces[IG_UNICODE_SPACES] = {{0x9, 0xd},       {0x20, 0x20},     {0x85, 0x85},     {0xa0, 0xa0},     {0x1680, 0x1680},
                                                       {0x2000, 0x200a}, {0x2028, 0x2029}, {0x202f, 0x202f}, {0x205f, 0x205f}, {0x3000, 0x3000}};

bool ig_unicode_category_runs(const char *name, uint32_t name_size, void (*found)(void *user, uint32_t first, uint32_t last), void *user) {
  bool known = false;
  if (name_size < 1 || name_size > 2) return false;
  for (size_t i = 0; i < RUNS; i++) {
    const char *category = names[categories[i] & 255];
    if (category[0] != name[0] || (name_size == 2 && category[1] != name[1])) continue;
    found(user, categories[i] >> 8, i + 1 < RUNS ? (categories[i + 1] >> 8) - 1 : IG_CODE_POINTS - 1u);
    known = true;
  }
  return known;
}

const char *ig_unicode_category(uint32_t code_point) {
  size_t low = 0, high = RUNS; /* categories[low] is at or before the code point */
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (categories[middle] >> 8 <= code_point) low = middle;
    else high = middle;
  }
  return names[categories[low] & 255];
}

static uint32_t look_up(const pair *table, size_t n, uint32_t code_point) {
  size_t low = 0, high = n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (table[middle].from < code_point) low = middle + 1;
    else high = middle;
  }
  return low < n && table[low].from == code_point ? table[low].to : code_point;
}

uint32_t ig_unicode_lower(uint32_t code_point) { return look_up(lower, sizeof lower / sizeof *lower, code_point); }

uint32_t ig_unicode_base(uint32_t code_point) {
  enum { HANGUL = 0xac00, HANGUL_END = 0xd7a3, HANGUL_LEADING = 0x1100, HANGUL_EACH = 588 }; /* Unicode, 3.12 */
  if (code_point >= HANGUL && code_point <= HANGUL_END) return HANGUL_LEADING + (code_point - HANGUL) / HANGUL_EACH;
  return look_up(base, sizeof base / sizeof *base, code_point);
}
