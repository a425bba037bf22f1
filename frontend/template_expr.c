#include "frontend/template_expr.h"

#include <stdio.h>
#include <string.h>

#include "runtime/abi/template.h"

enum { DEPTH_MOST = 32, NODES_MOST = 1000 }; /* chains lean to the left: their length bounds recursion too */

typedef enum node_kind { STRING, LITERAL, LIST, MESSAGE, ITEM, FIELD, TRIM, EQUAL, NOT, AND, OR, CONCAT } node_kind;

struct ig_template_node {
  node_kind kind;
  size_t at;
  ig_str text;                      /* STRING */
  uint32_t op, index;               /* LITERAL, FIELD: the opcode; ITEM: the index */
  const ig_template_node *a, *b;
};

typedef ig_template_node node;
typedef ig_template_parser parser;

/* ---- errors and tokens ------------------------------------------------------------------------------------------------ */

void ig_template_refuse(parser *p, size_t at, const char *what, ...) {
  if (p->failed) return;
  p->failed = true;
  char text[300];
  va_list args;
  va_start(args, what);
  vsnprintf(text, sizeof text, what, args);
  va_end(args);
  size_t line = 1, start = 0;
  for (size_t i = 0; i < at && i < p->source.size; i++)
    if (p->source.data[i] == '\n') line++, start = i + 1;
  ig_report(p->diags, IG_WARNING, p->place, "line %zu, column %zu: %s is not supported; the model is compiled without its template and cannot `chat`", line,
            at - start + 1, text);
}

static bool is_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_'; }

static void skip_space(parser *p) {
  while (p->at < p->source.size && (p->source.data[p->at] == ' ' || (p->source.data[p->at] >= '\t' && p->source.data[p->at] <= '\r'))) p->at++;
}

static char peek(parser *p) {
  skip_space(p);
  return p->at < p->source.size ? p->source.data[p->at] : 0;
}

static ig_str word_at(const parser *p) {
  size_t end = p->at;
  if (end < p->source.size && p->source.data[end] >= '0' && p->source.data[end] <= '9') return (ig_str){0};
  while (end < p->source.size && is_name(p->source.data[end])) end++;
  return (ig_str){p->source.data + p->at, end - p->at};
}

ig_str ig_template_word(parser *p) {
  skip_space(p);
  ig_str word = word_at(p);
  p->at += word.size;
  return word;
}

bool ig_template_accept(parser *p, const char *token) {
  size_t n = strlen(token);
  skip_space(p);
  if (p->source.size - p->at < n || memcmp(p->source.data + p->at, token, n) != 0) return false;
  if (is_name(*token) && word_at(p).size != n) return false;
  p->at += n;
  return true;
}

void ig_template_refuse_here(parser *p) {
  skip_space(p);
  ig_str word = word_at(p);
  if (p->at >= p->source.size) ig_template_refuse(p, p->at, "a tag without end");
  else if (word.size) ig_template_refuse(p, p->at, "`%s` here", ig_str_printable(p->arena, word));
  else ig_template_refuse(p, p->at, "`%s` here", ig_str_printable(p->arena, (ig_str){p->source.data + p->at, 1}));
}

/* ---- parsing ---------------------------------------------------------------------------------------------------------- */

static node *make(parser *p, node_kind kind, size_t at, const node *a, const node *b) {
  if (++p->nodes > NODES_MOST) ig_template_refuse(p, at, "an expression of more than %d parts", NODES_MOST);
  node *n = ig_alloc(p->arena, sizeof *n);
  *n = (node){.kind = kind, .at = at, .a = a, .b = b};
  return n;
}

static node *string(parser *p) {
  size_t at = p->at, size = 0;
  char quote = p->source.data[p->at++], *text = ig_alloc(p->arena, p->source.size - at);
  for (;; p->at++) {
    if (p->at >= p->source.size) {
      ig_template_refuse(p, at, "a string without end");
      return NULL;
    }
    char c = p->source.data[p->at];
    if (c == quote) break;
    if (c == '\\' && p->at + 1 < p->source.size) {
      static const char from[] = "ntr\\'\"", to[] = "\n\t\r\\'\"";
      char escaped = p->source.data[++p->at];
      const char *found = escaped ? strchr(from, escaped) : NULL;
      if (!found) {
        ig_template_refuse(p, p->at - 1, "the escape `\\%s`", ig_str_printable(p->arena, (ig_str){&escaped, 1}));
        return NULL;
      }
      c = to[found - from];
    }
    text[size++] = c;
  }
  p->at++;
  node *n = make(p, STRING, at, NULL, NULL);
  n->text = (ig_str){text, size};
  return n;
}

static node *literal(parser *p, size_t at, unsigned op) {
  node *n = make(p, LITERAL, at, NULL, NULL);
  n->op = op;
  return n;
}

/* bos_token and eos_token: known now. */
static node *special(parser *p, size_t at, const char *text) {
  if (!text) return literal(p, at, INGOT_TEMPLATE_UNDEFINED);
  node *n = make(p, STRING, at, NULL, NULL);
  n->text = ig_str_of(text);
  return n;
}

static node *loop_member(parser *p, size_t at) {
  if (!p->variable.size) ig_template_refuse(p, at, "`loop` outside of a loop");
  ig_str member = ig_template_accept(p, ".") ? ig_template_word(p) : (ig_str){0};
  if (ig_str_equal(member, "first")) return literal(p, at, INGOT_TEMPLATE_FIRST);
  if (ig_str_equal(member, "last")) return literal(p, at, INGOT_TEMPLATE_LAST);
  ig_template_refuse(p, at, "`loop.%s`", ig_str_printable(p->arena, member));
  return NULL;
}

static node *name(parser *p) {
  size_t at = p->at;
  ig_str word = ig_template_word(p);
  if (p->variable.size && word.size == p->variable.size && memcmp(word.data, p->variable.data, word.size) == 0) return make(p, MESSAGE, at, NULL, NULL);
  if (ig_str_equal(word, "messages")) return make(p, LIST, at, NULL, NULL);
  if (ig_str_equal(word, "add_generation_prompt")) return literal(p, at, INGOT_TEMPLATE_PROMPT);
  if (ig_str_equal(word, "true") || ig_str_equal(word, "True")) return literal(p, at, INGOT_TEMPLATE_TRUE);
  if (ig_str_equal(word, "false") || ig_str_equal(word, "False")) return literal(p, at, INGOT_TEMPLATE_FALSE);
  if (ig_str_equal(word, "bos_token")) return special(p, at, p->bos);
  if (ig_str_equal(word, "eos_token")) return special(p, at, p->eos);
  if (ig_str_equal(word, "loop")) return loop_member(p, at);
  ig_template_refuse(p, at, "the name `%s`", ig_str_printable(p->arena, word));
  return NULL;
}

static node *primary(parser *p) {
  char c = peek(p);
  if (c == '\'' || c == '"') return string(p);
  if (c == '(') {
    p->at++;
    node *n = ig_template_expression(p);
    if (n && !ig_template_accept(p, ")")) ig_template_refuse_here(p);
    return n;
  }
  if (word_at(p).size) return name(p);
  ig_template_refuse_here(p);
  return NULL;
}

static node *field(parser *p, const node *of, size_t at, ig_str member) {
  bool role = ig_str_equal(member, "role"), content = ig_str_equal(member, "content");
  if ((of->kind != MESSAGE && of->kind != ITEM) || (!role && !content)) {
    ig_template_refuse(p, at, "the attribute `%s`", ig_str_printable(p->arena, member));
    return NULL;
  }
  node *n = make(p, FIELD, at, of, NULL);
  n->op = role ? INGOT_TEMPLATE_ROLE : INGOT_TEMPLATE_CONTENT;
  return n;
}

/* The list's [3] or [-1]; the bracket is read. */
static node *item(parser *p, const node *of, size_t at) {
  bool negative = ig_template_accept(p, "-");
  uint32_t index = 0, digits = 0;
  for (char c = peek(p); c >= '0' && c <= '9' && digits < 6; c = p->at < p->source.size ? p->source.data[p->at] : (char)0, digits++) {
    index = index * 10 + (uint32_t)(c - '0');
    p->at++;
  }
  if (of->kind != LIST || !digits) {
    ig_template_refuse(p, at, "an index other than messages[number], message['role'] and message['content']");
    return NULL;
  }
  node *n = make(p, ITEM, at, of, NULL);
  n->index = negative ? 0u - index : index;
  return n;
}

static node *subscript(parser *p, const node *of, size_t at) {
  char c = peek(p);
  node *key = c == '\'' || c == '"' ? string(p) : NULL;
  node *n = p->failed ? NULL : key ? field(p, of, at, key->text) : item(p, of, at);
  if (n && !ig_template_accept(p, "]")) ig_template_refuse_here(p);
  return n;
}

static node *postfix(parser *p) {
  node *n = primary(p);
  while (n && !p->failed) {
    skip_space(p);
    size_t at = p->at;
    if (ig_template_accept(p, "[")) n = subscript(p, n, at);
    else if (ig_template_accept(p, ".")) n = field(p, n, at, ig_template_word(p));
    else if (ig_template_accept(p, "|")) {
      ig_str filter = ig_template_word(p);
      if (!ig_str_equal(filter, "trim") || peek(p) == '(') ig_template_refuse(p, at, "the filter `%s`", ig_str_printable(p->arena, filter));
      else n = make(p, TRIM, at, n, NULL);
    } else break;
  }
  return n;
}

static node *concat(parser *p) {
  node *n = postfix(p);
  while (n && !p->failed) {
    char c = peek(p), after = p->at + 1 < p->source.size ? p->source.data[p->at + 1] : (char)0;
    if ((c != '+' && c != '~') || after == '%') break;
    size_t at = p->at++;
    n = make(p, CONCAT, at, n, postfix(p));
  }
  return n;
}

static node *comparison(parser *p) {
  node *n = concat(p);
  if (!n || p->failed) return n;
  skip_space(p);
  size_t at = p->at;
  bool equal = ig_template_accept(p, "=="), other = !equal && ig_template_accept(p, "!=");
  if (!equal && !other) return n;
  n = make(p, EQUAL, at, n, concat(p));
  return other ? make(p, NOT, at, n, NULL) : n;
}

static node *negation(parser *p) {
  skip_space(p);
  size_t at = p->at;
  if (!ig_template_accept(p, "not")) return comparison(p);
  if (++p->depth > DEPTH_MOST) ig_template_refuse(p, at, "nesting deeper than %d", DEPTH_MOST);
  node *n = p->failed ? NULL : make(p, NOT, at, negation(p), NULL);
  p->depth--;
  return n;
}

static node *conjunction(parser *p) {
  node *n = negation(p);
  for (skip_space(p); n && !p->failed && ig_template_accept(p, "and"); skip_space(p)) n = make(p, AND, p->at, n, negation(p));
  return n;
}

node *ig_template_expression(parser *p) {
  if (++p->depth > DEPTH_MOST) ig_template_refuse(p, p->at, "nesting deeper than %d", DEPTH_MOST);
  node *n = p->failed ? NULL : conjunction(p);
  for (skip_space(p); n && !p->failed && ig_template_accept(p, "or"); skip_space(p)) n = make(p, OR, p->at, n, conjunction(p));
  p->depth--;
  return p->failed ? NULL : n;
}

/* ---- code ------------------------------------------------------------------------------------------------------------- */

size_t ig_template_emit(parser *p, unsigned op, uint32_t a, uint32_t b) {
  size_t at = p->code.size;
  uint8_t bytes[9] = {(uint8_t)op};
  for (int i = 0; i < 4; i++) bytes[1 + i] = (uint8_t)(a >> 8 * i), bytes[5 + i] = (uint8_t)(b >> 8 * i);
  ig_text_add(&p->code, bytes, 1 + 4 * (size_t)ingot_template_operands(op));
  return at;
}

static void emit_text(parser *p, unsigned op, ig_str text) {
  ig_template_emit(p, op, (uint32_t)p->strings.size, (uint32_t)text.size);
  ig_text_add(&p->strings, text.data, text.size);
}

void ig_template_text(parser *p, ig_str text) {
  if (text.size) emit_text(p, INGOT_TEMPLATE_TEXT, text);
}

static void branch(parser *p, unsigned op, const node *n) {
  ig_template_value(p, n->a);
  size_t at = ig_template_emit(p, op, 0, 0) + 1;
  p->stack--;
  ig_template_value(p, n->b);
  for (size_t i = 0; i < 4; i++) p->code.data[at + i] = (char)((uint32_t)p->code.size >> 8 * i);
}

static void one(parser *p, const node *n, unsigned op) {
  ig_template_value(p, n->a);
  ig_template_emit(p, op, n->index, 0);
}

/* Leaves one value more on the stack. */
static void push_value(parser *p, const node *n) {
  switch (n->kind) {
  case STRING: emit_text(p, INGOT_TEMPLATE_STRING, n->text); p->stack++; break;
  case LITERAL: ig_template_emit(p, n->op, 0, 0); p->stack++; break;
  case LIST: ig_template_emit(p, INGOT_TEMPLATE_MESSAGES, 0, 0); p->stack++; break;
  case MESSAGE: ig_template_emit(p, INGOT_TEMPLATE_MESSAGE, 0, 0); p->stack++; break;
  case ITEM: one(p, n, INGOT_TEMPLATE_ITEM); break;
  case FIELD: one(p, n, n->op); break;
  case TRIM: one(p, n, INGOT_TEMPLATE_TRIM); break;
  case NOT: one(p, n, INGOT_TEMPLATE_NOT); break;
  case AND: branch(p, INGOT_TEMPLATE_AND, n); break;
  case OR: branch(p, INGOT_TEMPLATE_OR, n); break;
  case EQUAL:
    if (n->a->kind == LIST || n->a->kind == MESSAGE || n->a->kind == ITEM || n->b->kind == LIST || n->b->kind == MESSAGE || n->b->kind == ITEM)
      ig_template_refuse(p, n->at, "comparing whole messages");
    ig_template_value(p, n->a);
    ig_template_value(p, n->b);
    ig_template_emit(p, INGOT_TEMPLATE_EQUAL, 0, 0);
    p->stack--;
    break;
  case CONCAT: ig_template_refuse(p, n->at, "`+` outside of {{ }}"); break;
  }
}

void ig_template_value(parser *p, const node *n) {
  if (!n || p->failed) return;
  push_value(p, n);
  if (p->stack > INGOT_TEMPLATE_STACK) ig_template_refuse(p, n->at, "an expression of more than %d values", INGOT_TEMPLATE_STACK);
}

void ig_template_output(parser *p, const node *n) {
  if (!n || p->failed) return;
  if (n->kind == CONCAT) {
    ig_template_output(p, n->a);
    ig_template_output(p, n->b);
  } else if (n->kind == STRING) ig_template_text(p, n->text);
  else if (n->kind == LIST || n->kind == MESSAGE || n->kind == ITEM) ig_template_refuse(p, n->at, "writing a whole message");
  else {
    ig_template_value(p, n);
    ig_template_emit(p, INGOT_TEMPLATE_OUTPUT, 0, 0);
    p->stack--;
  }
}
