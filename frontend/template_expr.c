/* Expressions of chat templates, by the grammar and the precedences of Jinja. */
#include "frontend/template_ast.h"

#include <stdio.h>
#include <string.h>

#include "runtime/abi/template.h"

enum { DEPTH_MOST = 150, NODES_MOST = 1000 }; /* chains lean to the left: their length bounds recursion too */

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

static char ahead(const parser *p, size_t by) { return p->source.size - p->at > by ? p->source.data[p->at + by] : (char)0; }

static char peek(parser *p) {
  skip_space(p);
  return ahead(p, 0);
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

/* An operator, unless the tag's end begins there: -%} -}} +%} %} */
static bool accept_operator(parser *p, const char *token) {
  const char c = peek(p), after = ahead(p, 1), third = ahead(p, 2);
  if ((c == '-' || c == '+') && (after == '%' || after == '}') && third == '}') return false;
  if (c == '%' && after == '}') return false;
  return ig_template_accept(p, token);
}

static bool expect(parser *p, const char *token) {
  if (p->failed) return false;
  if (!ig_template_accept(p, token)) ig_template_refuse_here(p);
  return !p->failed;
}

static bool enter(parser *p) {
  if (++p->depth > DEPTH_MOST) ig_template_refuse(p, p->at, "nesting deeper than %d", DEPTH_MOST);
  return !p->failed;
}

node *ig_template_make(parser *p, ig_template_kind kind, size_t at, node *a, node *b) {
  if (++p->nodes > NODES_MOST) ig_template_refuse(p, at, "an expression of more than %d parts", NODES_MOST);
  node *n = ig_alloc(p->arena, sizeof *n);
  *n = (node){.kind = kind, .at = at, .a = a, .b = b};
  return n;
}

static node *operation(parser *p, ig_template_kind kind, unsigned op, size_t at, node *a, node *b) {
  node *n = ig_template_make(p, kind, at, a, b);
  n->op = op;
  return n;
}

/* ---- literals --------------------------------------------------------------------------------------------------------- */

static size_t utf8(uint32_t c, char *out) {
  if (c < 0x80) return out[0] = (char)c, 1;
  size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = n; --i; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)((0xf00u >> n) | c);
  return n;
}

/* The escape after a backslash, as Python has them; what is none keeps its backslash. */
static size_t escape(parser *p, char *out) {
  static const char from[] = "ntr\\'\"abfv", to[] = "\n\t\r\\'\"\a\b\f\v";
  const size_t at = p->at - 1;
  const char c = p->source.data[p->at++];
  const char *found = strchr(from, c);
  if (c && found) return out[0] = to[found - from], 1;
  if (c == '\n') return 0;
  const size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
  uint32_t code = 0;
  for (size_t i = 0; i < digits; i++, p->at++) {
    const char d = ahead(p, 0), low = (char)(d | 32);
    if (!((d >= '0' && d <= '9') || (low >= 'a' && low <= 'f')) || code >> 28) code = UINT32_MAX, i = digits;
    else code = code * 16 + (uint32_t)(d <= '9' ? d - '0' : low - 'a' + 10);
  }
  if ((c >= '0' && c <= '7') || c == 'N' || code > 0x10ffff || (code >= 0xd800 && code < 0xe000)) {
    ig_template_refuse(p, at, "the escape `\\%s`", ig_str_printable(p->arena, (ig_str){&c, 1}));
    return 0;
  }
  if (digits) return utf8(code, out);
  out[0] = '\\', out[1] = c;
  return 2;
}

static node *string(parser *p) {
  const size_t first = p->at;
  ig_text text = {0};
  for (char quote = peek(p); (quote == '\'' || quote == '"') && !p->failed; quote = peek(p)) {
    const size_t at = p->at++;
    while (p->at < p->source.size && p->source.data[p->at] != quote && !p->failed) {
      char bytes[4] = {p->source.data[p->at++]};
      size_t size = 1;
      if (bytes[0] == '\\' && p->at < p->source.size) size = escape(p, bytes);
      ig_text_add(&text, bytes, size);
    }
    if (p->at++ >= p->source.size) ig_template_refuse(p, at, "a string without end");
  }
  node *n = ig_template_make(p, T_STRING, first, NULL, NULL);
  char *copy = ig_alloc(p->arena, text.size + 1);
  if (text.size) memcpy(copy, text.data, text.size);
  n->text = (ig_str){copy, text.size};
  ig_text_finish(&text);
  return p->failed ? NULL : n;
}

/* Digits, which may have `_` between them. */
static void add_digits(parser *p, ig_text *to) {
  for (; (ahead(p, 0) >= '0' && ahead(p, 0) <= '9') || ahead(p, 0) == '_'; p->at++)
    if (ahead(p, 0) != '_') ig_text_add(to, p->source.data + p->at, 1);
}

/* A number with a point or an exponent. */
static node *fraction(parser *p) {
  node *n = ig_template_make(p, T_FRACTION, p->at, NULL, NULL);
  ig_text text = {0};
  add_digits(p, &text);
  if (ahead(p, 0) == '.') p->at++, ig_text_add(&text, ".", 1), add_digits(p, &text);
  if ((ahead(p, 0) | 32) == 'e') {
    p->at++;
    ig_text_add(&text, ahead(p, 0) == '-' ? "e-" : "e", ahead(p, 0) == '-' ? 2 : 1);
    p->at += ahead(p, 0) == '-' || ahead(p, 0) == '+';
    add_digits(p, &text);
  }
  char *copy = ig_alloc(p->arena, text.size + 1);
  memcpy(copy, text.data, text.size);
  n->text = (ig_str){copy, text.size};
  ig_text_finish(&text);
  if (is_name(ahead(p, 0))) ig_template_refuse(p, n->at, "a number that goes on in letters");
  return p->failed ? NULL : n;
}

static bool is_fraction(const parser *p) {
  size_t i = 0;
  while ((ahead(p, i) >= '0' && ahead(p, i) <= '9') || ahead(p, i) == '_') i++;
  if (ahead(p, i) == '.') return ahead(p, i + 1) >= '0' && ahead(p, i + 1) <= '9';
  if ((ahead(p, i) | 32) != 'e') return false;
  i += ahead(p, i + 1) == '-' || ahead(p, i + 1) == '+';
  return ahead(p, i + 1) >= '0' && ahead(p, i + 1) <= '9';
}

static node *number(parser *p) {
  const size_t at = p->at;
  if (is_fraction(p)) return fraction(p);
  node *n = ig_template_make(p, T_INT, at, NULL, NULL);
  for (char c = ahead(p, 0); (c >= '0' && c <= '9') || c == '_'; c = ahead(p, 0)) {
    if (c != '_' && n->number > (INT64_MAX - 9) / 10) ig_template_refuse(p, at, "a number beyond 64 bits");
    else if (c != '_') n->number = n->number * 10 + (c - '0');
    p->at++;
    if (p->failed) return NULL;
  }
  if (is_name(ahead(p, 0))) ig_template_refuse(p, at, "a number that goes on in letters");
  return p->failed ? NULL : n;
}

/* Expressions with commas up to the closing bracket; with keywords where it is a call. */
static node *arguments(parser *p, const char *close, bool keywords) {
  node *first = NULL, **end = &first;
  while (!p->failed && !ig_template_accept(p, close)) {
    size_t back = p->at;
    ig_str keyword = keywords ? ig_template_word(p) : (ig_str){0};
    if (keyword.size && !(peek(p) == '=' && ahead(p, 1) != '=')) keyword.size = 0, p->at = back;
    if (keyword.size) p->at++;
    if (keywords && peek(p) == '*') ig_template_refuse_here(p);
    node *n = ig_template_expression(p, true);
    if (!n) return NULL;
    n->keyword = keyword;
    *end = n;
    end = &n->next;
    if (!ig_template_accept(p, ",")) {
      expect(p, close);
      break;
    }
  }
  return first;
}

static node *dict(parser *p, size_t at) {
  node *n = ig_template_make(p, T_DICT, at, NULL, NULL), **end = &n->list;
  while (!p->failed && !ig_template_accept(p, "}")) {
    node *key = ig_template_expression(p, true), *value = key && expect(p, ":") ? ig_template_expression(p, true) : NULL;
    if (!value) return NULL;
    *end = key;
    key->next = value;
    end = &value->next;
    if (!ig_template_accept(p, ",")) {
      expect(p, "}");
      break;
    }
  }
  return n;
}

static node *name(parser *p) {
  static const struct {
    const char *word;
    unsigned op;
  } literals[] = {{"true", INGOT_TEMPLATE_TRUE},   {"True", INGOT_TEMPLATE_TRUE}, {"false", INGOT_TEMPLATE_FALSE},
                  {"False", INGOT_TEMPLATE_FALSE}, {"none", INGOT_TEMPLATE_NONE}, {"None", INGOT_TEMPLATE_NONE}};
  static const char *const words[] = {"if", "else", "elif", "and", "or", "not", "in", "is", "for", "recursive"};
  const size_t at = p->at;
  ig_str word = word_at(p);
  for (size_t i = 0; i < sizeof words / sizeof *words; i++)
    if (ig_str_equal(word, words[i])) return ig_template_refuse_here(p), NULL;
  p->at += word.size;
  for (size_t i = 0; i < sizeof literals / sizeof *literals; i++)
    if (ig_str_equal(word, literals[i].word)) return operation(p, T_LITERAL, literals[i].op, at, NULL, NULL);
  node *n = ig_template_make(p, T_NAME, at, NULL, NULL);
  n->text = word;
  return n;
}

static node *primary(parser *p) {
  const char c = peek(p);
  const size_t at = p->at;
  if (c == '\'' || c == '"') return string(p);
  if (c >= '0' && c <= '9') return number(p);
  if (word_at(p).size) return name(p);
  if (c != '(' && c != '[' && c != '{') return ig_template_refuse_here(p), NULL;
  p->at++;
  node *n = NULL;
  if (enter(p)) {
    if (c == '{') n = dict(p, at);
    else if (c == '[') n = ig_template_make(p, T_LIST, at, NULL, NULL), n->list = arguments(p, "]", false);
    else if (ig_template_accept(p, ")")) n = ig_template_make(p, T_TUPLE, at, NULL, NULL);
    else n = ig_template_tuple(p, true), expect(p, ")");
  }
  p->depth--;
  return p->failed ? NULL : n;
}

/* ---- what comes after a value ----------------------------------------------------------------------------------------- */

/* [index] or [start:stop:step]; the bracket is read. */
static node *subscript(parser *p, node *of, size_t at) {
  node *part[3] = {NULL, NULL, NULL};
  int colons = 0;
  if (!enter(p)) return NULL;
  for (;;) {
    const char c = peek(p);
    if (c != ':' && c != ']' && !(part[colons] = ig_template_expression(p, true))) return NULL;
    if (colons == 2 || !ig_template_accept(p, ":")) break;
    colons++;
  }
  p->depth--;
  if (!expect(p, "]")) return NULL;
  if (!colons) {
    if (!part[0]) ig_template_refuse(p, at, "`[]` here");
    return ig_template_make(p, T_SUBSCRIPT, at, of, part[0]);
  }
  node *n = ig_template_make(p, T_SLICE, at, of, NULL);
  for (int i = 2; i >= 0; i--) {
    if (!part[i]) part[i] = operation(p, T_LITERAL, INGOT_TEMPLATE_NONE, at, NULL, NULL);
    part[i]->next = n->list;
    n->list = part[i];
  }
  return n;
}

static node *call(parser *p, node *of, size_t at) {
  node *n = ig_template_make(p, T_CALL, at, of, NULL);
  if (enter(p)) n->list = arguments(p, ")", true);
  p->depth--;
  return n;
}

static node *postfix(parser *p, node *n) {
  while (n && !p->failed) {
    const char c = peek(p);
    const size_t at = p->at;
    if (c == '[') p->at++, n = subscript(p, n, at);
    else if (c == '(') p->at++, n = call(p, n, at);
    else if (c == '.') {
      p->at++;
      n = ig_template_make(p, T_ATTRIBUTE, at, n, NULL);
      n->text = ig_template_word(p);
      if (!n->text.size) ig_template_refuse_here(p);
    } else break;
  }
  return n;
}

static node *filter(parser *p, node *of, size_t at) {
  node *n = ig_template_make(p, T_FILTER, at, of, NULL);
  n->text = ig_template_word(p);
  if (!n->text.size) ig_template_refuse_here(p);
  if (ig_template_accept(p, "(") && enter(p)) n->list = arguments(p, ")", true), p->depth--;
  return n;
}

/* `is` is read. An argument may stand without brackets. */
static node *test(parser *p, node *of, size_t at) {
  bool negated = ig_template_accept(p, "not");
  node *n = ig_template_make(p, T_TEST, at, of, NULL);
  n->text = ig_template_word(p);
  if (!n->text.size) ig_template_refuse_here(p);
  const char c = peek(p);
  ig_str word = word_at(p);
  static const char *const ends[] = {"else", "or", "and", "if", "is", "in", "not"};
  bool argument = word.size || c == '\'' || c == '"' || (c >= '0' && c <= '9') || c == '[' || c == '{';
  for (size_t i = 0; i < sizeof ends / sizeof *ends; i++) argument = argument && !ig_str_equal(word, ends[i]);
  if (c == '(' && enter(p)) p->at++, n->list = arguments(p, ")", true), p->depth--;
  else if (argument && !p->failed) n->list = postfix(p, primary(p));
  return negated ? operation(p, T_UNARY, INGOT_TEMPLATE_NOT, at, n, NULL) : n;
}

static node *filtered(parser *p, node *n) {
  while (n && !p->failed) {
    skip_space(p);
    const size_t at = p->at;
    if (ig_template_accept(p, "|")) n = filter(p, n, at);
    else if (ig_template_accept(p, "is")) n = test(p, n, at);
    else if (n->kind == T_FILTER && peek(p) == '(') n = postfix(p, n);
    else break;
  }
  return n;
}

node *ig_template_filters(parser *p, node *of) {
  skip_space(p);
  return filtered(p, filter(p, of, p->at));
}

/* ---- operators, the tightest first ------------------------------------------------------------------------------------ */

static node *unary(parser *p, bool with_filter) {
  skip_space(p);
  const size_t at = p->at;
  node *n = NULL;
  if (!enter(p)) return NULL;
  if (accept_operator(p, "-")) n = unary(p, false), n = n ? operation(p, T_UNARY, INGOT_TEMPLATE_NEGATE, at, n, NULL) : NULL;
  else if (accept_operator(p, "+")) n = unary(p, false);
  else n = primary(p);
  n = postfix(p, n);
  if (with_filter) n = filtered(p, n);
  p->depth--;
  if (n && !p->failed && peek(p) == '*' && ahead(p, 1) == '*') ig_template_refuse(p, p->at, "`**`");
  return n;
}

static node *product(parser *p) {
  node *n = unary(p, true);
  while (n && !p->failed) {
    skip_space(p);
    const size_t at = p->at;
    if (accept_operator(p, "*")) n = operation(p, T_BINARY, INGOT_TEMPLATE_MULTIPLY, at, n, unary(p, true));
    else if (accept_operator(p, "//")) n = operation(p, T_BINARY, INGOT_TEMPLATE_DIVIDE, at, n, unary(p, true));
    else if (accept_operator(p, "/")) n = operation(p, T_BINARY, INGOT_TEMPLATE_QUOTIENT, at, n, unary(p, true));
    else if (accept_operator(p, "%")) n = operation(p, T_BINARY, INGOT_TEMPLATE_MODULO, at, n, unary(p, true));
    else break;
  }
  return n;
}

static node *concat(parser *p) {
  node *n = product(p);
  for (skip_space(p); n && !p->failed && accept_operator(p, "~"); skip_space(p)) n = operation(p, T_BINARY, INGOT_TEMPLATE_CONCAT, p->at - 1, n, product(p));
  return n;
}

static node *sum(parser *p) {
  node *n = concat(p);
  while (n && !p->failed) {
    skip_space(p);
    const size_t at = p->at;
    if (accept_operator(p, "+")) n = operation(p, T_BINARY, INGOT_TEMPLATE_ADD, at, n, concat(p));
    else if (accept_operator(p, "-")) n = operation(p, T_BINARY, INGOT_TEMPLATE_SUBTRACT, at, n, concat(p));
    else break;
  }
  return n;
}

/* a < b < c is a < b and b < c. */
static node *comparison(parser *p) {
  static const struct {
    const char *token;
    unsigned op;
    bool swapped, negated;
  } operators[] = {{"==", INGOT_TEMPLATE_EQUAL, false, false},     {"!=", INGOT_TEMPLATE_EQUAL, false, true}, {"<=", INGOT_TEMPLATE_LESS_EQUAL, false, false},
                   {">=", INGOT_TEMPLATE_LESS_EQUAL, true, false}, {"<", INGOT_TEMPLATE_LESS, false, false},  {">", INGOT_TEMPLATE_LESS, true, false},
                   {"in", INGOT_TEMPLATE_IN, false, false},        {"not", INGOT_TEMPLATE_IN, false, true}};
  node *left = sum(p), *all = NULL;
  while (left && !p->failed) {
    size_t k = 0;
    const size_t n_operators = sizeof operators / sizeof *operators;
    skip_space(p);
    const size_t at = p->at;
    while (k < n_operators && !ig_template_accept(p, operators[k].token)) k++;
    if (k == n_operators || (k == n_operators - 1 && !expect(p, "in"))) break;
    node *right = sum(p);
    node *one = operation(p, T_BINARY, operators[k].op, at, operators[k].swapped ? right : left, operators[k].swapped ? left : right);
    if (operators[k].negated) one = operation(p, T_UNARY, INGOT_TEMPLATE_NOT, at, one, NULL);
    all = all ? operation(p, T_AND, INGOT_TEMPLATE_AND, at, all, one) : one;
    left = right;
  }
  return all ? all : left;
}

static node *negation(parser *p) {
  skip_space(p);
  const size_t at = p->at;
  if (!ig_template_accept(p, "not")) return comparison(p);
  node *n = enter(p) ? negation(p) : NULL;
  p->depth--;
  return n ? operation(p, T_UNARY, INGOT_TEMPLATE_NOT, at, n, NULL) : NULL;
}

static node *conjunction(parser *p) {
  node *n = negation(p);
  while (n && !p->failed && ig_template_accept(p, "and")) n = operation(p, T_AND, INGOT_TEMPLATE_AND, p->at - 3, n, negation(p));
  return n;
}

static node *disjunction(parser *p) {
  node *n = conjunction(p);
  while (n && !p->failed && ig_template_accept(p, "or")) n = operation(p, T_OR, INGOT_TEMPLATE_OR, p->at - 2, n, conjunction(p));
  return n;
}

node *ig_template_expression(parser *p, bool choice) {
  node *n = enter(p) ? disjunction(p) : NULL;
  while (choice && n && !p->failed && ig_template_accept(p, "if")) {
    node *condition = disjunction(p);
    n = ig_template_make(p, T_CHOICE, p->at, n, condition);
    if (!p->failed && ig_template_accept(p, "else")) n->c = ig_template_expression(p, true);
  }
  p->depth--;
  return p->failed ? NULL : n;
}

node *ig_template_tuple(parser *p, bool choice) {
  node *first = ig_template_expression(p, choice), **end = first ? &first->next : NULL, *tuple = NULL;
  while (first && !p->failed && ig_template_accept(p, ",")) {
    if (!tuple) tuple = ig_template_make(p, T_TUPLE, first->at, NULL, NULL), tuple->list = first;
    const char c = peek(p);
    if (c == ')' || c == '%' || c == '}' || (c == '-' && ahead(p, 2) == '}')) break;
    node *n = ig_template_expression(p, choice);
    if (!n) return NULL;
    *end = n;
    end = &n->next;
  }
  return p->failed ? NULL : tuple ? tuple : first;
}
