/* The text of chat templates and their tags, with the white space that Hugging Face's setup of Jinja leaves: trim_blocks and lstrip_blocks
 * on, the last newline dropped, {%- and -%} honoured. Expressions are in template_expr.c. */
#include "frontend/template_ast.h"

#include <string.h>

enum { BLOCKS_MOST = 64 };

typedef ig_template_node node;
typedef ig_template_parser parser;

static node *statements(parser *p);

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* Where the next tag begins, or the end. */
static size_t next_tag(ig_str s, size_t at) {
  for (; at + 1 < s.size; at++)
    if (s.data[at] == '{' && (s.data[at + 1] == '{' || s.data[at + 1] == '%' || s.data[at + 1] == '#')) return at;
  return s.size;
}

/* The text up to the tag, or the end, as far as it is kept; NULL where nothing is. */
static node *text(parser *p, size_t tag) {
  const size_t from = p->at;
  const bool at_tag = tag < p->source.size;
  const char kind = at_tag ? p->source.data[tag + 1] : (char)0, mark = tag + 2 < p->source.size ? p->source.data[tag + 2] : (char)0;
  size_t to = tag;
  if (at_tag && mark == '-')
    while (to > from && is_space(p->source.data[to - 1])) to--;
  else if (at_tag && kind != '{' && mark != '+') {
    size_t line = to;
    while (line > from && is_space(p->source.data[line - 1]) && p->source.data[line - 1] != '\n') line--;
    if (line == from ? p->line_start : p->source.data[line - 1] == '\n') to = line;
  }
  p->at = tag;
  p->line_start = false;
  if (to == from) return NULL;
  p->nodes = 0;
  node *n = ig_template_make(p, T_TEXT, from, NULL, NULL);
  n->text = (ig_str){p->source.data + from, to - from};
  return n;
}

/* After a tag's inside: its end, and the white space that goes with it. */
static void close_tag(parser *p, char kind) {
  if (p->failed) return;
  const bool strip = ig_template_accept(p, "-"), keep = !strip && kind == '%' && ig_template_accept(p, "+");
  if (!ig_template_accept(p, kind == '{' ? "}}" : kind == '%' ? "%}" : "#}")) ig_template_refuse_here(p);
  const size_t after = p->at;
  if (strip)
    while (p->at < p->source.size && is_space(p->source.data[p->at])) p->at++;
  else if (kind != '{' && !keep && p->at < p->source.size && p->source.data[p->at] == '\n') p->at++;
  p->line_start = p->at > after && p->source.data[p->at - 1] == '\n';
}

static void comment(parser *p) {
  while (p->at + 1 < p->source.size && !(p->source.data[p->at] == '#' && p->source.data[p->at + 1] == '}')) p->at++;
  if (p->at + 1 >= p->source.size) ig_template_refuse(p, p->tag, "a comment without end");
  else if (p->source.data[p->at - 1] == '-') p->at--;
  close_tag(p, '#');
}

/* ---- statements ------------------------------------------------------------------------------------------------------- */

static bool is_one_of(ig_str word, const char *const *words) {
  for (; *words; words++)
    if (ig_str_equal(word, *words)) return true;
  return false;
}

/* The statements up to a tag with one of these words, which is read; the tag is left open. */
static node *body(parser *p, const char *opener, const char *const *ends) {
  close_tag(p, '%');
  if (p->failed) return NULL;
  if (++p->blocks > BLOCKS_MOST) ig_template_refuse(p, p->tag, "nesting deeper than %d blocks", BLOCKS_MOST);
  node *n = p->failed ? NULL : statements(p);
  p->blocks--;
  if (p->failed || is_one_of(p->word, ends)) return n;
  if (p->word.size) ig_template_refuse(p, p->tag, "`%s` in a `%s`", ig_str_printable(p->arena, p->word), opener);
  else ig_template_refuse(p, p->source.size, "`%s` without its end", opener);
  return n;
}

static node *make(parser *p, ig_template_kind kind) {
  p->nodes = 0;
  return ig_template_make(p, kind, p->tag, NULL, NULL);
}

static node *read_if(parser *p) {
  static const char *const ends[] = {"elif", "else", "endif", NULL}, *const last[] = {"endif", NULL};
  node *first = make(p, T_IF), *n = first;
  n->a = ig_template_tuple(p, false);
  for (;;) {
    const bool is_else = !n->a;
    n->body = body(p, "if", is_else ? last : ends);
    if (p->failed || ig_str_equal(p->word, "endif")) break;
    const bool condition = ig_str_equal(p->word, "elif");
    n = n->other = make(p, T_IF);
    n->a = condition ? ig_template_tuple(p, false) : NULL;
  }
  return first;
}

static node *targets(parser *p) {
  node *first = NULL, **end = &first;
  const bool bracket = ig_template_accept(p, "(");
  do {
    node *n = ig_template_make(p, T_NAME, p->at, NULL, NULL);
    n->text = ig_template_word(p);
    if (!n->text.size) ig_template_refuse_here(p);
    *end = n;
    end = &n->next;
  } while (!p->failed && ig_template_accept(p, ","));
  if (bracket && !p->failed && !ig_template_accept(p, ")")) ig_template_refuse_here(p);
  return first;
}

static node *read_for(parser *p) {
  static const char *const ends[] = {"else", "endfor", NULL}, *const last[] = {"endfor", NULL};
  node *n = make(p, T_FOR);
  n->list = targets(p);
  if (!p->failed && !ig_template_accept(p, "in")) ig_template_refuse_here(p);
  n->a = p->failed ? NULL : ig_template_tuple(p, false);
  if (!p->failed && ig_template_accept(p, "if")) n->b = ig_template_expression(p, true);
  n->body = body(p, "for", ends);
  if (!p->failed && ig_str_equal(p->word, "else")) n->other = body(p, "for", last);
  return n;
}

static node *read_set(parser *p) {
  static const char *const ends[] = {"endset", NULL};
  node *n = make(p, T_SET);
  n->list = targets(p);
  if (!p->failed && !n->list->next && ig_template_accept(p, ".")) {
    n->list = ig_template_make(p, T_ATTRIBUTE, p->tag, n->list, NULL);
    n->list->text = ig_template_word(p);
  }
  if (p->failed) return n;
  if (ig_template_accept(p, "=")) n->a = ig_template_tuple(p, true);
  else n->body = body(p, "set", ends);
  return n;
}

/* After the bracket. */
static void parameters(parser *p, node *macro) {
  node **end = &macro->list;
  while (!p->failed && !ig_template_accept(p, ")")) {
    node *parameter = ig_template_make(p, T_NAME, p->at, NULL, NULL);
    parameter->text = ig_template_word(p);
    if (!parameter->text.size) ig_template_refuse_here(p);
    else if (ig_template_accept(p, "=")) parameter->a = ig_template_expression(p, true);
    *end = parameter;
    end = &parameter->next;
    if (!p->failed && !ig_template_accept(p, ",")) {
      if (!ig_template_accept(p, ")")) ig_template_refuse_here(p);
      break;
    }
  }
}

static node *read_macro(parser *p) {
  static const char *const ends[] = {"endmacro", NULL};
  node *n = make(p, T_MACRO);
  n->text = ig_template_word(p);
  if (!n->text.size || !ig_template_accept(p, "(")) ig_template_refuse_here(p);
  parameters(p, n);
  if (!p->failed) n->body = body(p, "macro", ends);
  return n;
}

/* {% with a = 1, b = 2 %}: names of its own. */
static node *read_with(parser *p) {
  static const char *const ends[] = {"endwith", NULL};
  node *n = make(p, T_WITH), **end = &n->list;
  while (!p->failed) {
    node *target = ig_template_make(p, T_NAME, p->at, NULL, NULL);
    target->text = ig_template_word(p);
    if (!target->text.size && !n->list) break;
    if (!target->text.size || !ig_template_accept(p, "=")) ig_template_refuse_here(p);
    else target->a = ig_template_expression(p, true);
    *end = target;
    end = &target->next;
    if (p->failed || !ig_template_accept(p, ",")) break;
  }
  if (!p->failed) n->body = body(p, "with", ends);
  return n;
}

/* {% raw %}: all up to its end is text. Unlike after other tags, a newline stays. */
static node *read_raw(parser *p) {
  const size_t opener = p->tag;
  const bool strip = ig_template_accept(p, "-");
  if (!ig_template_accept(p, "%}")) return ig_template_refuse_here(p), NULL;
  const size_t begin = p->at;
  while (strip && p->at < p->source.size && is_space(p->source.data[p->at])) p->at++;
  p->line_start = p->at > begin && p->source.data[p->at - 1] == '\n';
  const size_t from = p->at;
  for (size_t tag = from; tag + 1 < p->source.size; tag++) {
    if (p->source.data[tag] != '{' || p->source.data[tag + 1] != '%') continue;
    p->at = tag + 2;
    if (p->at < p->source.size && (p->source.data[p->at] == '-' || p->source.data[p->at] == '+')) p->at++;
    if (!ig_template_accept(p, "endraw")) continue;
    const size_t after = p->at;
    p->at = from;
    node *n = text(p, tag), *block = make(p, T_BLOCK);
    block->body = n;
    p->at = after;
    return block;
  }
  ig_template_refuse(p, opener, "`raw` without its end");
  return NULL;
}

/* Two blocks are others in disguise; their names have a space, which those of the source cannot have. */

static node *hidden(parser *p, const char *name) {
  node *n = make(p, T_NAME);
  n->text = ig_str_of(name);
  return n;
}

static node *both(parser *p, node *first, node *second) {
  node *n = make(p, T_BLOCK);
  n->body = first;
  first->next = second;
  return n;
}

/* {% filter f %}text{% endfilter %}: the text as a value, written through the filters. */
static node *read_filter(parser *p) {
  static const char *const ends[] = {"endfilter", NULL};
  node *set = make(p, T_SET), *output = make(p, T_OUTPUT);
  set->list = hidden(p, " filter");
  output->a = ig_template_filters(p, hidden(p, " filter"));
  if (!p->failed) set->body = body(p, "filter", ends);
  return both(p, set, output);
}

/* {% call(parameters) m(...) %}text{% endcall %}: the text as a macro, which m is given by the name of `caller`. */
static node *read_call(parser *p) {
  static const char *const ends[] = {"endcall", NULL};
  node *macro = make(p, T_MACRO), *output = make(p, T_OUTPUT), *caller = hidden(p, " caller");
  macro->text = caller->text;
  caller->keyword = ig_str_of("caller");
  if (ig_template_accept(p, "(")) parameters(p, macro);
  output->a = p->failed ? NULL : ig_template_expression(p, true);
  if (!p->failed && output->a->kind != T_CALL) ig_template_refuse(p, p->tag, "a `call` of anything but a macro");
  if (p->failed) return NULL;
  node **end = &output->a->list;
  while (*end) end = &(*end)->next;
  *end = caller;
  macro->body = body(p, "call", ends);
  return both(p, macro, output);
}

/* The statement at the word; NULL where the word ends statements, and is left in p->word. */
static node *statement(parser *p) {
  static const char *const ends[] = {"elif", "else", "endif", "endfor", "endset", "endmacro", "endgeneration", "endfilter", "endcall", "endwith", NULL},
                           *const generation_ends[] = {"endgeneration", NULL};
  ig_str word = p->word = ig_template_word(p);
  node *n = NULL;
  if (is_one_of(word, ends)) return NULL;
  if (ig_str_equal(word, "if")) n = read_if(p);
  else if (ig_str_equal(word, "for")) n = read_for(p);
  else if (ig_str_equal(word, "set")) n = read_set(p);
  else if (ig_str_equal(word, "macro")) n = read_macro(p);
  else if (ig_str_equal(word, "filter")) n = read_filter(p);
  else if (ig_str_equal(word, "call")) n = read_call(p);
  else if (ig_str_equal(word, "with")) n = read_with(p);
  else if (ig_str_equal(word, "raw")) n = read_raw(p);
  else if (ig_str_equal(word, "break")) n = make(p, T_BREAK);
  else if (ig_str_equal(word, "continue")) n = make(p, T_CONTINUE);
  else if (ig_str_equal(word, "generation")) n = make(p, T_BLOCK), n->body = body(p, "generation", generation_ends); /* marks the answer for training */
  else ig_template_refuse(p, p->tag, "`%s`", word.size ? ig_str_printable(p->arena, word) : "{% %} without a word");
  return n;
}

static node *statements(parser *p) {
  node *first = NULL, **end = &first;
  while (!p->failed) {
    node *n = text(p, next_tag(p->source, p->at));
    if (n) *end = n, end = &n->next;
    if (p->at >= p->source.size) {
      p->word = (ig_str){0};
      break;
    }
    const char kind = p->source.data[p->at + 1];
    p->tag = p->at;
    p->at += 2;
    if (p->at < p->source.size && (p->source.data[p->at] == '-' || (p->source.data[p->at] == '+' && kind != '{'))) p->at++;
    if (kind == '#') {
      comment(p);
      continue;
    }
    if (kind == '{') n = make(p, T_OUTPUT), n->a = ig_template_tuple(p, true);
    else if (!(n = statement(p))) break;
    close_tag(p, kind);
    *end = n;
    end = &n->next;
  }
  return first;
}

node *ig_template_parse(parser *p) {
  p->line_start = true;
  node *n = statements(p);
  if (!p->failed && p->word.size) {
    const bool is_end = p->word.size > 3 && memcmp(p->word.data, "end", 3) == 0;
    ig_str opener = is_end ? (ig_str){p->word.data + 3, p->word.size - 3} : ig_str_of("if");
    ig_template_refuse(p, p->tag, "`%s` without its `%s`", ig_str_printable(p->arena, p->word), ig_str_printable(p->arena, opener));
  }
  return n;
}
