/* Expressions of a chat template: values, calls, choices. What one leaves on the stack is its value. */
#include "frontend/template_coder.h"

#include <string.h>

#include "runtime/abi/template.h"

/* ---- calls ------------------------------------------------------------------------------------------------------------ */

typedef enum call_kind { GLOBAL, FILTER, TEST, METHOD } call_kind;

typedef struct function {
  call_kind kind;
  const char *name, *parameters;
  uint32_t id, arguments, required;
} function;

static const function functions[] = {
#define CALL(id, kind, arguments, required, name, parameters) {kind, name, parameters, INGOT_CALL_##id, arguments, required},
#define ALIAS(id, kind, name) {kind, name, NULL, INGOT_CALL_##id, 0, 0},
#include "runtime/abi/template_calls.def"
#undef CALL
#undef ALIAS
};
enum { N_FUNCTIONS = sizeof functions / sizeof *functions };

static const function *function_by_id(uint32_t id) {
  for (size_t i = 0; i < N_FUNCTIONS; i++)
    if (functions[i].id == id && functions[i].parameters) return &functions[i];
  return NULL;
}

static const function *find_function(call_kind kind, ig_str name) {
  for (size_t i = 0; i < N_FUNCTIONS; i++)
    if (functions[i].kind == kind && ig_str_equal(name, functions[i].name)) return function_by_id(functions[i].id);
  return NULL;
}

static bool is_word(const char *from, size_t size, ig_str word) { return word.size == size && memcmp(from, word.data, size) == 0; }

/* The place of a parameter by its name among "a,b,c". */
static int place_of(const char *parameters, ig_str name) {
  for (int i = 0; *parameters; i++) {
    size_t n = strcspn(parameters, ",");
    if (is_word(parameters, n, name)) return i;
    parameters += n + (parameters[n] == ',');
  }
  return -1;
}

/* The name of a filter or a test as an argument, which has to be written there. */
static void function_number(tc_coder *c, const tc_node *n, call_kind kind) {
  const function *f = n->kind == T_STRING ? find_function(kind, n->text) : NULL;
  if (!f || (f->id >= INGOT_CALL_MAP && f->id <= INGOT_CALL_REJECTATTR))
    ig_template_refuse(c->p, n->at, "the %s `%s` as an argument", kind == FILTER ? "filter" : "test",
                       n->kind == T_STRING ? ig_str_printable(c->p->arena, n->text) : "by a name that is computed");
  else tc_int(c, (int64_t)f->id);
}

/* Pushes the arguments in the order of the parameters; the subject, if there is one, is pushed already. */
static void call(tc_coder *c, const function *f, const tc_node *at, const tc_node *list) {
  const tc_node *given[5] = {NULL, NULL, NULL, NULL, NULL};
  const uint32_t subject = f->kind != GLOBAL, n = f->arguments - subject;
  uint32_t i = 0;
  for (const tc_node *a = list; a; a = a->next, i++) {
    int place = a->keyword.size ? place_of(f->parameters, a->keyword) : (int)i;
    if (place < 0) ig_template_refuse(c->p, a->at, "`%s(%s=)`", f->name, ig_str_printable(c->p->arena, a->keyword));
    else if ((uint32_t)place >= n || given[place]) ig_template_refuse(c->p, a->at, "`%s` with so many arguments", f->name);
    if (c->p->failed) return;
    given[place] = a;
  }
  for (uint32_t k = 0; k < n; k++) {
    const bool is_test = (f->id == INGOT_CALL_SELECT || f->id == INGOT_CALL_REJECT)
        ? k == 0
        : (f->id == INGOT_CALL_SELECTATTR || f->id == INGOT_CALL_REJECTATTR) && k == 1;
    if (!given[k]) {
      if (k + subject < f->required) ig_template_refuse(c->p, at->at, "`%s` without an argument", f->name);
      tc_emit0(c, INGOT_TEMPLATE_MISSING);
    } else if (is_test) function_number(c, given[k], TEST);
    else if (f->id == INGOT_CALL_MAP && k == 0) function_number(c, given[k], FILTER);
    else tc_expression(c, given[k]);
  }
  tc_emit1(c, INGOT_TEMPLATE_CALL, f->id);
}

static void filter(tc_coder *c, const tc_node *n) {
  const function *f = find_function(FILTER, n->text);
  if (f && f->id == INGOT_CALL_MAP && n->list && n->list->keyword.size) f = function_by_id(INGOT_CALL_MAP_ATTRIBUTE);
  if (!f) ig_template_refuse(c->p, n->at, "the filter `%s`", ig_str_printable(c->p->arena, n->text));
  tc_expression(c, n->a);
  if (f) call(c, f, n, n->list);
}

/* The functions that Hugging Face gives: defined, though nobody sets them. */
static bool is_global(tc_coder *c, const tc_node *n) {
  if (n->kind != T_NAME || (!find_function(GLOBAL, n->text) && !ig_str_equal(n->text, "namespace") && !ig_str_equal(n->text, "dict"))) return false;
  for (const tc_scope *s = c->scope; s; s = s->up) {
    const tc_binding *b = tc_find_in(s, n->text);
    if (b && b->set) return false;
  }
  return true;
}

static void test(tc_coder *c, const tc_node *n) {
  const function *f = find_function(TEST, n->text);
  if (!f) {
    ig_template_refuse(c->p, n->at, "the test `%s`", ig_str_printable(c->p->arena, n->text));
    return;
  }
  if (is_global(c, n->a) && (f->id == INGOT_CALL_IS_DEFINED || f->id == INGOT_CALL_IS_UNDEFINED)) {
    tc_emit0(c, f->id == INGOT_CALL_IS_DEFINED ? INGOT_TEMPLATE_TRUE : INGOT_TEMPLATE_FALSE);
    return;
  }
  tc_expression(c, n->a);
  call(c, f, n, n->list);
}

static void named_values(tc_coder *c, unsigned op, const tc_node *n) {
  uint32_t count = 0;
  for (const tc_node *a = n->list; a; a = a->next, count++) {
    if (!a->keyword.size) ig_template_refuse(c->p, a->at, "`%s` of anything but names and values", ig_str_printable(c->p->arena, n->a->text));
    tc_text(c, INGOT_TEMPLATE_STRING, a->keyword);
    tc_expression(c, a);
  }
  tc_emit1(c, op, count);
}

static void call_macro(tc_coder *c, const tc_node *n) {
  uint32_t counts[2] = {0, 0};
  tc_expression(c, n->a);
  for (const tc_node *a = n->list; a; a = a->next) {
    counts[a->keyword.size != 0]++;
    if (a->keyword.size) tc_text(c, INGOT_TEMPLATE_STRING, a->keyword);
    else if (counts[1]) ig_template_refuse(c->p, a->at, "an argument without a name after one with");
    tc_expression(c, a);
  }
  tc_emit(c, INGOT_TEMPLATE_CALL_MACRO, counts);
}

static uint32_t expressions(tc_coder *c, const tc_node *list);

/* loop.changed(...), loop.cycle(...): false where it is neither. */
static bool call_loop(tc_coder *c, const tc_node *n) {
  const tc_node *of = n->a->a;
  const bool changed = ig_str_equal(n->a->text, "changed");
  if (of->kind != T_NAME || (!changed && !ig_str_equal(n->a->text, "cycle")) || !tc_find(c, c->scope, of->text)->loop) return false;
  for (const tc_node *a = n->list; a; a = a->next)
    if (a->keyword.size) ig_template_refuse(c->p, a->at, "`loop.%s(%s=)`", changed ? "changed" : "cycle", ig_str_printable(c->p->arena, a->keyword));
  tc_expression(c, of);
  tc_emit1(c, INGOT_TEMPLATE_TUPLE, expressions(c, n->list));
  tc_emit1(c, INGOT_TEMPLATE_CALL, changed ? INGOT_CALL_CHANGED : INGOT_CALL_CYCLE);
  return true;
}

static void call_anything(tc_coder *c, const tc_node *n) {
  if (n->a->kind == T_ATTRIBUTE) {
    if (call_loop(c, n)) return;
    const function *f = find_function(METHOD, n->a->text);
    if (!f) ig_template_refuse(c->p, n->a->at, "the method `%s`", ig_str_printable(c->p->arena, n->a->text));
    tc_expression(c, n->a->a);
    if (f) call(c, f, n, n->list);
  } else if (n->a->kind != T_NAME) ig_template_refuse(c->p, n->at, "a call of anything but a name");
  else if (!is_global(c, n->a)) {
    if (!tc_find(c, c->scope, n->a->text)->set) ig_template_refuse(c->p, n->a->at, "the function `%s`", ig_str_printable(c->p->arena, n->a->text));
    call_macro(c, n);
  } else if (ig_str_equal(n->a->text, "namespace")) named_values(c, INGOT_TEMPLATE_NAMESPACE, n);
  else if (ig_str_equal(n->a->text, "dict")) named_values(c, INGOT_TEMPLATE_DICT, n);
  else call(c, find_function(GLOBAL, n->a->text), n, n->list);
}

/* ---- expressions ------------------------------------------------------------------------------------------------------ */

static uint32_t expressions(tc_coder *c, const tc_node *list) {
  uint32_t n = 0;
  for (; list; list = list->next, n++) tc_expression(c, list);
  return n;
}

static void attribute(tc_coder *c, const tc_node *n) {
  static const char *const of_loops[] = {"index", "index0", "first", "last", "length", "previtem", "nextitem", "revindex", "revindex0", "depth", "depth0"};
  static const char *const methods[] = {"items", "keys", "values", "get", "pop", "popitem", "update", "copy", "clear", "setdefault", "fromkeys"};
  bool fine = n->text.size < 2 || n->text.data[0] != '_' || n->text.data[1] != '_';
  if (n->a->kind == T_NAME && tc_find(c, c->scope, n->a->text)->loop) {
    bool known = false;
    for (size_t i = 0; i < sizeof of_loops / sizeof *of_loops; i++) known = known || ig_str_equal(n->text, of_loops[i]);
    if (!known) ig_template_refuse(c->p, n->a->at, "`loop.%s`", ig_str_printable(c->p->arena, n->text));
  }
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) fine = fine && !ig_str_equal(n->text, methods[i]);
  if (!fine) ig_template_refuse(c->p, n->at, "the attribute `%s`", ig_str_printable(c->p->arena, n->text));
  tc_expression(c, n->a);
  tc_text(c, INGOT_TEMPLATE_ATTRIBUTE, n->text);
}

static void name(tc_coder *c, const tc_node *n) {
  if (is_global(c, n)) ig_template_refuse(c->p, n->at, "the function `%s` without a call", ig_str_printable(c->p->arena, n->text));
  else tc_emit1(c, INGOT_TEMPLATE_LOAD, tc_find(c, c->scope, n->text)->variable);
}

static void choice(tc_coder *c, const tc_node *n) {
  tc_expression(c, n->b);
  const size_t no = tc_emit1(c, INGOT_TEMPLATE_JUMP_FALSE, 0) + 1;
  tc_expression(c, n->a);
  const size_t end = tc_emit1(c, INGOT_TEMPLATE_JUMP, 0) + 1;
  tc_patch(c, no);
  if (n->c) tc_expression(c, n->c);
  else tc_emit0(c, INGOT_TEMPLATE_UNDEFINED);
  tc_patch(c, end);
}

void tc_expression(tc_coder *c, const tc_node *n) {
  if (!n || c->p->failed) return;
  size_t later;
  switch (n->kind) {
  case T_STRING: tc_text(c, INGOT_TEMPLATE_STRING, n->text); break;
  case T_INT: tc_int(c, n->number); break;
  case T_FRACTION: tc_text(c, INGOT_TEMPLATE_FRACTION, n->text); break;
  case T_LITERAL: tc_emit0(c, n->op); break;
  case T_NAME: name(c, n); break;
  case T_LIST: tc_emit1(c, INGOT_TEMPLATE_LIST, expressions(c, n->list)); break;
  case T_TUPLE: tc_emit1(c, INGOT_TEMPLATE_TUPLE, expressions(c, n->list)); break;
  case T_DICT: tc_emit1(c, INGOT_TEMPLATE_DICT, expressions(c, n->list) / 2); break;
  case T_ATTRIBUTE: attribute(c, n); break;
  case T_SUBSCRIPT: tc_expression(c, n->a), tc_expression(c, n->b), tc_emit0(c, INGOT_TEMPLATE_SUBSCRIPT); break;
  case T_SLICE: tc_expression(c, n->a), expressions(c, n->list), tc_emit0(c, INGOT_TEMPLATE_SLICE); break;
  case T_UNARY: tc_expression(c, n->a), tc_emit0(c, n->op); break;
  case T_BINARY: tc_expression(c, n->a), tc_expression(c, n->b), tc_emit0(c, n->op); break;
  case T_AND:
  case T_OR:
    tc_expression(c, n->a);
    later = tc_emit1(c, n->op, 0) + 1;
    tc_expression(c, n->b);
    tc_patch(c, later);
    break;
  case T_CHOICE: choice(c, n); break;
  case T_CALL: call_anything(c, n); break;
  case T_FILTER: filter(c, n); break;
  case T_TEST: test(c, n); break;
  default: ig_template_refuse(c->p, n->at, "a statement in an expression");
  }
}
