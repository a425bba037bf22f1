/* What MLIR does not survive is refused before it reads a text: its parser recurses, so that brackets in brackets end its stack, as signs before signs of
 * an affine map do; and its printers write what a name stands for wherever it is used, so that fifty names, each of a pair of the one before, are 2^50
 * lines. Graphs need neither maps nor names. */
#include "ir/ops_mlir.h"

enum { DEPTH_MOST = 64 };

typedef struct scan {
  ig_str text;
  size_t at, line, begin;        /* where it is; the number of the line, and where that begins */
  const char *path;
  ig_diags *diags;
} scan;

static bool refuse(const scan *s, size_t at, const char *what) {
  ig_arena arena = {0};
  ig_error(s->diags, ig_format(&arena, "%s:%zu:%zu", s->path, s->line, at - s->begin + 1), "%s", what);
  ig_arena_finish(&arena);
  return false;
}

static char peek(const scan *s, size_t more) { return s->at + more < s->text.size ? s->text.data[s->at + more] : 0; }

static bool in_word(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$' || c == '.'; }

/* Over a string or a comment, to its last byte. */
static void skip(scan *s) {
  const bool string = peek(s, 0) == '"';
  while (++s->at < s->text.size && peek(s, 0) != '\n' && !(string ? peek(s, 0) == '"' : peek(s, 0) == '\r'))
    if (string && peek(s, 0) == '\\' && peek(s, 1) != '\n') s->at++;
  if (peek(s, 0) == '\n') s->at--;
}

/* Over a word, to its last byte. */
static bool word(scan *s) {
  const size_t from = s->at;
  while (in_word(peek(s, 1)) || (peek(s, 1) == '#' && s->text.data[from] == '%')) s->at++; /* %3#1: the second result of %3 */
  const ig_str w = {s->text.data + from, s->at + 1 - from};
  return !(ig_str_equal(w, "affine_map") || ig_str_equal(w, "affine_set")) || refuse(s, from, "affine maps and sets have no place in a graph");
}

bool ig_check_text(ig_str text, const char *path, ig_diags *diags) {
  scan s = {text, 0, 1, 0, path, diags};
  size_t round = 0, angle = 0; /* open brackets; a stray `>` closes none of the others */
  for (; s.at < text.size; s.at++) {
    const char c = text.data[s.at];
    if (c == '\n') s.line++, s.begin = s.at + 1;
    else if (c == '"' || (c == '/' && peek(&s, 1) == '/')) skip(&s);
    else if (c == '%' || in_word(c)) {
      if (!word(&s)) return false;
    } else if (c == '#' || c == '!') return refuse(&s, s.at, "names for attributes, types and places (#a, !b) are not taken; write what they stand for");
    else if (c == '-' && peek(&s, 1) == '>') s.at++;
    else if (c == '(' || c == '[' || c == '{') round++;
    else if (c == '<') angle++;
    else if ((c == ')' || c == ']' || c == '}') && round) round--;
    else if (c == '>' && angle) angle--;
    if (round + angle > DEPTH_MOST) return refuse(&s, s.at, "brackets in brackets, deeper than 64");
  }
  return true;
}
