/* Special tokens that overlap in a text: the longest is taken first wherever it is, of equals the lower id, of one token the leftmost; what is
 * left of the text is looked through for the next. So the rule says it; here a text is walked from left to right, and only where tokens
 * overlap is looked ahead: from a token to one that overlaps it and comes before it in that order, and on to one that does the same to that
 * one, until there is none. That one is taken whatever else is; those that it overlaps are not, and the rest is asked again. Each step
 * comes earlier in the order, so how far is looked depends on the vocabulary alone. A token to the left never has to be asked: the first
 * that overlaps is gone to, and what begins before it and does overlap it would have been met before. */
#include "runtime/tokens_special.h"
#include <string.h>

static bool is_space(uint8_t c) { return c == ' ' || (c >= 9 && c <= 13); }

static bool ranks_before(const token_match *a, const token_match *b) {
  size_t size_a = a->end - a->at, size_b = b->end - b->at;
  return size_a > size_b || (size_a == size_b && a->id < b->id);
}

static bool sooner(const token_match *a, const token_match *b) { return ranks_before(a, b) || (a->id == b->id && a->at < b->at); }

static size_t region_end(const token_specials *s) { return s->n_taken ? s->taken[s->n_taken - 1].blank : s->size; }

/* Whether it lies in the text that is left, where space after the last token is that token's but for those that are sooner. */
static bool is_valid(const token_specials *s, const token_match *m) { return m->end <= region_end(s) && (m->at >= s->blank_end || sooner(m, &s->last)); }

/* ---- looking a token up ------------------------------------------------------------------------------------------------------ */

/* The first of specials[low, high), which agree in their first `at` bytes and go on, whose next byte is `byte` or more. */
static uint32_t first_with(const ingot__tokenizer *t, uint32_t low, uint32_t high, uint32_t at, uint32_t byte) {
  while (low < high) {
    uint32_t middle = low + (high - low) / 2;
    token_piece p = ingot__piece(t, ingot__id_at(t->specials, middle));
    if (at >= p.size || p.text[at] < byte) low = middle + 1;
    else high = middle;
  }
  return low;
}

/* What is asked of a token: that it is sooner than `than`, and has one of `flags` or ends beyond `beyond`. */
typedef struct wanted {
  const token_match *than;
  uint32_t flags;
  size_t beyond;
} wanted;
static const wanted anything = {NULL, 0, 0};

static bool is_wanted(const wanted *w, const token_match *m) { return (!w->than || sooner(m, w->than)) && (m->flags & w->flags || m->end > w->beyond); }

/* The longest valid token at that place that is wanted. They are in the order of their bytes, so those that agree with the text so far are
 * neighbours, and those that end first come first. */
static bool longest_at(const token_specials *s, size_t at, const wanted *w, token_match *longest) {
  const ingot__tokenizer *t = s->t;
  const uint8_t *text = s->text + at;
  const size_t left = region_end(s) - at;
  uint32_t low = 0, high = t->specials.count;
  bool found = false;
  for (uint32_t n = 0; n < left && low < high; n++) {
    low = first_with(t, low, high, n, text[n]);
    high = text[n] < 255 ? first_with(t, low, high, n, text[n] + 1u) : high;
    for (uint32_t i = low; i < high; i++) {
      uint32_t id = ingot__id_at(t->specials, i);
      token_piece p = ingot__piece(t, id);
      if (p.size != n + 1) break;
      token_match m = {at, at + p.size, at, id, p.flags};
      if (memcmp(p.text, text, p.size) != 0 || !(p.type == USER_DEFINED || s->control)) continue;
      if (!is_valid(s, &m) || !is_wanted(w, &m)) continue;
      *longest = m;
      found = true;
      break;
    }
  }
  return found;
}

static bool first_in(const token_specials *s, size_t from, size_t to, const wanted *w, token_match *m) {
  for (size_t at = from; at < to; at++)
    if (s->first[s->text[at]] && longest_at(s, at, w, m)) return true;
  return false;
}

/* ---- which is taken -------------------------------------------------------------------------------------------------------- */

/* To the left of one that was not met from the left: where that is overlapped, or may be in another's space, what does it. */
static void settle_left(const token_specials *s, token_match *x) {
  for (token_match y;; *x = y) {
    size_t from = x->at;
    while (from > s->from && is_space(s->text[x->at]) && is_space(s->text[from - 1])) from--;
    from = from - s->from > s->t->longest ? from - s->t->longest : s->from;
    if (!first_in(s, from, x->at + 1, &(wanted){x, PIECE_STRIPS_RIGHT, x->at}, &y)) return;
  }
}

/* A token after `m`'s end that takes the space before it, with which `m` ends, and is sooner. */
static bool strips_end(token_specials *s, const token_match *m, token_match *x) {
  const wanted w = {m, PIECE_STRIPS_LEFT, SIZE_MAX};
  const size_t end = region_end(s);
  const bool known = m->end >= s->clear_from && m->end <= s->clear_to && !ranks_before(&s->clear_of, m);
  for (size_t at = known ? s->clear_to : m->end;; at++) {
    if (at < end && s->first[s->text[at]] && longest_at(s, at, &w, x)) break;
    if (at < end && is_space(s->text[at])) continue;
    s->clear_from = m->end;
    s->clear_to = at;
    s->clear_of = *m;
    return false;
  }
  settle_left(s, x);
  return true;
}

/* A token in the space that `m` takes before it which is sooner. It is dealt with first: then all that is left of that space is `m`'s. */
static bool is_before(const token_specials *s, token_match *m, token_match *x) {
  if (!(m->flags & PIECE_STRIPS_LEFT)) return false;
  while (m->blank > s->at && is_space(s->text[m->blank - 1])) m->blank--;
  const size_t from = m->blank > s->from + s->t->longest ? m->blank - s->t->longest : s->from;
  if (m->blank == m->at || !first_in(s, from, m->at, &(wanted){m, 0, m->blank}, x)) return false;
  settle_left(s, x);
  return true;
}

static bool overlapped(token_specials *s, const token_match *m, token_match *x) {
  if (!(m->flags & PIECE_CONTESTED)) return false;
  if (first_in(s, m->at + 1, m->end, &(wanted){m, 0, 0}, x)) return true;
  return is_space(s->text[m->end - 1]) && strips_end(s, m, x);
}

static void push(token_match *matches, uint32_t *n, token_match m) {
  if (*n == MATCHES_MOST) memmove(matches, matches + 1, --*n * sizeof *matches);
  matches[(*n)++] = m;
}

static uint32_t hand_out(token_specials *s, token_match m, size_t *begin, size_t *end) {
  *begin = s->blank_end < m.at ? s->blank_end : m.at;
  *end = m.blank > *begin ? m.blank : *begin;
  s->at = s->from = s->blank_end = m.end;
  while (m.flags & PIECE_STRIPS_RIGHT && s->blank_end < s->size && is_space(s->text[s->blank_end])) s->blank_end++;
  s->last = m;
  return m.id;
}

uint32_t ingot__specials_next(token_specials *s, size_t *begin, size_t *end) {
  for (;;) {
    token_match m, x;
    if (!s->n_waiting) {
      if (!first_in(s, s->from, region_end(s), &anything, &m)) {
        s->from = region_end(s);
        if (s->n_taken) return hand_out(s, s->taken[--s->n_taken], begin, end);
        *begin = s->blank_end;
        *end = s->size;
        return NO_TOKEN;
      }
      s->from = m.at;
      push(s->waiting, &s->n_waiting, m);
    }
    m = s->waiting[s->n_waiting - 1];
    if (overlapped(s, &m, &x) || is_before(s, &m, &x)) {
      push(s->waiting, &s->n_waiting, x);
      continue;
    }
    s->n_waiting--;
    if (m.at == s->from) return hand_out(s, m, begin, end);
    push(s->taken, &s->n_taken, m);
    while (s->n_waiting && !is_valid(s, &s->waiting[s->n_waiting - 1])) s->n_waiting--;
  }
}

void ingot__specials_start(token_specials *s, const ingot__tokenizer *t, const char *text, size_t size, bool control) {
  *s = (token_specials){.t = t, .text = (const uint8_t *)text, .size = size, .control = control};
  for (uint32_t i = 0; i < t->specials.count; i++) {
    token_piece p = ingot__piece(t, ingot__id_at(t->specials, i));
    if (p.size) s->first[p.text[0]] = true;
  }
}
