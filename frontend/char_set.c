#include "frontend/char_set.h"

#include <stdlib.h>
#include <string.h>

void ig_char_set_add(ig_arena *arena, ig_char_set *set, uint32_t first, uint32_t last) {
  set->range = ig_grow(arena, set->range, set->n, &set->capacity, sizeof *set->range);
  set->range[set->n++] = (ig_range){first, last};
}

static int by_first(const void *a, const void *b) {
  const ig_range *x = a, *y = b;
  return (x->first > y->first) - (x->first < y->first);
}

void ig_char_set_sort(ig_char_set *set) {
  size_t n = 0;
  if (set->n) qsort(set->range, set->n, sizeof *set->range, by_first);
  for (size_t i = 0; i < set->n; i++) {
    ig_range r = set->range[i];
    if (n && r.first <= set->range[n - 1].last + 1) {
      if (r.last > set->range[n - 1].last) set->range[n - 1].last = r.last;
    } else set->range[n++] = r;
  }
  set->n = n;
}

ig_char_set ig_char_set_other(ig_arena *arena, const ig_char_set *set) {
  ig_char_set other = {0};
  uint32_t from = 0;
  for (size_t i = 0; i < set->n; i++) {
    if (set->range[i].first > from) ig_char_set_add(arena, &other, from, set->range[i].first - 1);
    from = set->range[i].last + 1;
  }
  if (from < IG_CODE_POINTS) ig_char_set_add(arena, &other, from, IG_CODE_POINTS - 1);
  return other;
}

static void add_all(ig_arena *arena, ig_char_set *set, const ig_char_set *more) {
  for (size_t i = 0; i < more->n; i++) ig_char_set_add(arena, set, more->range[i].first, more->range[i].last);
}

ig_char_set ig_char_set_both(ig_arena *arena, const ig_char_set *a, const ig_char_set *b) {
  ig_char_set outside = ig_char_set_other(arena, a), outside_b = ig_char_set_other(arena, b);
  add_all(arena, &outside, &outside_b);
  ig_char_set_sort(&outside);
  return ig_char_set_other(arena, &outside);
}

bool ig_char_set_equal(const ig_char_set *a, const ig_char_set *b) { return a->n == b->n && (!a->n || !memcmp(a->range, b->range, a->n * sizeof *a->range)); }

bool ig_char_set_has(const ig_char_set *set, uint32_t code_point) {
  size_t low = 0, high = set->n;
  while (low < high) {
    size_t middle = (low + high) / 2;
    if (set->range[middle].last < code_point) low = middle + 1;
    else high = middle;
  }
  return low < set->n && set->range[low].first <= code_point;
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

static const char *read_code_point(const char *at, uint32_t *code_point) {
  const uint8_t *p = (const uint8_t *)at;
  uint32_t size = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
  *code_point = size == 1 ? p[0] : p[0] & (0x7fu >> size);
  for (uint32_t i = 1; i < size; i++) {
    if ((p[i] & 0xc0) != 0x80) return NULL;
    *code_point = *code_point << 6 | (p[i] & 0x3f);
  }
  return at + size;
}

typedef struct target {
  ig_arena *arena;
  ig_char_set *set;
} target;

static void add_found(void *user, uint32_t first, uint32_t last) {
  target *t = user;
  ig_char_set_add(t->arena, t->set, first, last);
}

/* A character or an escape, added to the set. `*single`: the character where it is one, which may begin or end a range; else -1. */
static const char *read_item(ig_arena *arena, const char *at, ig_char_set *set, int64_t *single) {
  ig_char_set spaces = {0};
  uint32_t c;
  *single = -1;
  if (*at != '\\') {
    if (!(at = read_code_point(at, &c))) return NULL;
    *single = c;
    ig_char_set_add(arena, set, c, c);
    return at;
  }
  switch (*++at) {
  case 's':
  case 'S':
    for (size_t i = 0; i < IG_UNICODE_SPACES; i++) ig_char_set_add(arena, &spaces, ig_unicode_spaces[i].first, ig_unicode_spaces[i].last);
    if (*at == 'S') spaces = ig_char_set_other(arena, &spaces);
    add_all(arena, set, &spaces);
    return at + 1;
  case 'd': return ig_unicode_category_runs("Nd", 2, add_found, &(target){arena, set}) ? at + 1 : NULL;
  case 'p': {
    const char *end = at[1] == '{' ? strchr(at, '}') : NULL;
    if (!end || !ig_unicode_category_runs(at + 2, (uint32_t)(end - at - 2), add_found, &(target){arena, set})) return NULL;
    return end + 1;
  }
  case 'n': c = '\n'; break;
  case 'r': c = '\r'; break;
  case 't': c = '\t'; break;
  default:
    if (!*at || (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z')) return NULL;
    c = (uint8_t)*at;
  }
  *single = c;
  ig_char_set_add(arena, set, c, c);
  return at + 1;
}

/* What stands between the brackets; `at` is behind the first. */
static const char *read_brackets(ig_arena *arena, const char *at, ig_char_set *set) {
  bool negated = *at == '^';
  ig_char_set all = {0}, more = {0};
  if (negated) at++;
  while (*at && *at != ']' && !(at[0] == '&' && at[1] == '&')) {
    int64_t first, last;
    if (!(at = read_item(arena, at, &all, &first))) return NULL;
    if (first < 0 || at[0] != '-' || at[1] == ']') continue;
    if (!(at = read_item(arena, at + 1, &all, &last)) || last < first) return NULL;
    ig_char_set_add(arena, &all, (uint32_t)first, (uint32_t)last);
  }
  ig_char_set_sort(&all);
  if (negated) all = ig_char_set_other(arena, &all);
  if (*at == '&') {
    if (!(at = ig_char_set_read(arena, at + 2, &more))) return NULL;
    all = ig_char_set_both(arena, &all, &more);
  }
  *set = all;
  return *at == ']' ? at + 1 : NULL;
}

const char *ig_char_set_read(ig_arena *arena, const char *at, ig_char_set *set) {
  int64_t single;
  *set = (ig_char_set){0};
  if (!*at) return NULL;
  if (*at == '[') return read_brackets(arena, at + 1, set);
  if (!(at = read_item(arena, at, set, &single))) return NULL;
  ig_char_set_sort(set);
  return at;
}
