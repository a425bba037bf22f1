/* From a chat template's tree to the bytecode of runtime/abi/template.h.
 *
 * Names become places of the stack when the template is compiled. As in Jinja a loop's body and a macro have variables of their own: a name
 * that is set in a loop begins each turn with the value it has outside, and what it is set to is gone after the turn. Names that are set
 * nowhere are what the caller gives. */
#include "frontend/template_ast.h"

#include <string.h>

#include "runtime/abi/template.h"

enum { VARIABLES_MOST = 1000, TOP = 0x7fffffff + 1u };

typedef ig_template_node node;

typedef struct binding {
  struct binding *next;
  ig_str name;
  uint32_t variable;
  bool loop, set;               /* the loop's own `loop`; whether the template sets it */
} binding;

typedef struct scope {
  struct scope *up;
  binding *names;
  bool macro;                   /* variables from here on inwards are the macro's */
} scope;

typedef struct jump {
  struct jump *next;
  size_t operand;
} jump;
typedef struct turn {
  jump *breaks, *continues;
} turn; /* jumps out of a loop's body, to be patched */

typedef struct coder {
  ig_template_parser *p;
  ig_text *code, *strings;
  scope top, *scope;
  turn *turn;                   /* NULL outside of loops */
  bool in_macro;
  uint32_t n_top, n_macro;      /* places taken */
} coder;

/* ---- instructions ----------------------------------------------------------------------------------------------------- */

static size_t emit(coder *c, unsigned op, const uint32_t *operands) {
  const size_t at = c->code->size;
  uint8_t bytes[17] = {(uint8_t)op};
  const unsigned n = ingot_template_operands(op);
  for (unsigned i = 0; i < 4 * n; i++) bytes[1 + i] = (uint8_t)(operands[i / 4] >> 8 * (i % 4));
  ig_text_add(c->code, bytes, 1 + 4 * (size_t)n);
  return at;
}

static size_t emit0(coder *c, unsigned op) { return emit(c, op, NULL); }
static size_t emit1(coder *c, unsigned op, uint32_t a) { return emit(c, op, (const uint32_t[]){a}); }
static size_t emit2(coder *c, unsigned op, uint32_t a, uint32_t b) { return emit(c, op, (const uint32_t[]){a, b}); }

static void emit_text(coder *c, unsigned op, ig_str text) {
  /* Each text once, as names and roles come again and again; among the first of a long template, so that it takes no time. */
  enum { LOOKED_AT = 32768 };
  size_t at = c->strings->size < LOOKED_AT ? 0 : c->strings->size;
  while (text.size && at + text.size <= c->strings->size && memcmp(c->strings->data + at, text.data, text.size) != 0) at++;
  if (at + text.size > c->strings->size) {
    at = c->strings->size;
    ig_text_add(c->strings, text.data, text.size);
  }
  emit2(c, op, (uint32_t)at, (uint32_t)text.size);
}

static void emit_int(coder *c, int64_t v) { emit2(c, INGOT_TEMPLATE_INT, (uint32_t)v, (uint32_t)((uint64_t)v >> 32)); }

/* The operand at this offset becomes the code's present end. */
static void patch(coder *c, size_t operand) {
  for (size_t i = 0; i < 4; i++) c->code->data[operand + i] = (char)((uint32_t)c->code->size >> 8 * i);
}

static void jump_later(coder *c, jump **list) {
  jump *j = ig_alloc(c->p->arena, sizeof *j);
  *j = (jump){*list, emit1(c, INGOT_TEMPLATE_JUMP, 0) + 1};
  *list = j;
}

static void patch_all(coder *c, const jump *list) {
  for (; list; list = list->next) patch(c, list->operand);
}

/* ---- names ------------------------------------------------------------------------------------------------------------ */

static bool same(ig_str a, ig_str b) { return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0); }

static uint32_t new_place(coder *c) {
  uint32_t *n = c->in_macro ? &c->n_macro : &c->n_top;
  if (*n >= VARIABLES_MOST) ig_template_refuse(c->p, c->p->tag, "more than %d variables", VARIABLES_MOST);
  return c->in_macro ? (*n)++ : TOP | (*n)++;
}

static binding *bind(coder *c, scope *s, ig_str name, uint32_t variable) {
  binding *b = ig_alloc(c->p->arena, sizeof *b);
  *b = (binding){s->names, name, variable, false, true};
  return s->names = b;
}

static binding *find_in(const scope *s, ig_str name) {
  for (binding *b = s->names; b; b = b->next)
    if (same(b->name, name)) return b;
  return NULL;
}

/* The name as it is seen from this scope; one that nobody sets is an input. */
static binding *find(coder *c, scope *from, ig_str name) {
  for (scope *s = from; s; s = s->up) {
    binding *b = find_in(s, name);
    if (b) return b;
  }
  if (c->n_top >= VARIABLES_MOST) ig_template_refuse(c->p, c->p->tag, "more than %d variables", VARIABLES_MOST);
  binding *b = bind(c, &c->top, name, TOP | c->n_top++);
  b->set = false;
  return b;
}

/* Gives the names that the statements set a place in the scope; a name set before keeps its own. */
static void bind_set(coder *c, scope *s, const node *n) {
  for (; n; n = n->next) {
    if (n->kind == T_SET && n->list->kind == T_NAME) {
      for (const node *target = n->list; target; target = target->next)
        if (!find_in(s, target->text)) bind(c, s, target->text, new_place(c));
    } else if (n->kind == T_MACRO && !find_in(s, n->text)) bind(c, s, n->text, new_place(c));
    else if (n->kind == T_IF)
      for (const node *branch = n; branch; branch = branch->other) bind_set(c, s, branch->body);
    else if (n->kind == T_BLOCK) bind_set(c, s, n->body);
  }
}

/* Code that begins a scope: its names have the values of the same names outside, down to `last` in the list. */
static void copy_in(coder *c, scope *s, const binding *last) {
  for (const binding *b = s->names; b != last; b = b->next) {
    emit1(c, INGOT_TEMPLATE_LOAD, find(c, s->up, b->name)->variable);
    emit1(c, INGOT_TEMPLATE_STORE, b->variable);
  }
}

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

static void expression(coder *c, const node *n);

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
static void function_number(coder *c, const node *n, call_kind kind) {
  const function *f = n->kind == T_STRING ? find_function(kind, n->text) : NULL;
  if (!f || (f->id >= INGOT_CALL_MAP && f->id <= INGOT_CALL_REJECTATTR))
    ig_template_refuse(c->p, n->at, "the %s `%s` as an argument", kind == FILTER ? "filter" : "test",
                       n->kind == T_STRING ? ig_str_printable(c->p->arena, n->text) : "by a name that is computed");
  else emit_int(c, (int64_t)f->id);
}

/* Pushes the arguments in the order of the parameters; the subject, if there is one, is pushed already. */
static void call(coder *c, const function *f, const node *at, const node *list) {
  const node *given[5] = {NULL, NULL, NULL, NULL, NULL};
  const uint32_t subject = f->kind != GLOBAL, n = f->arguments - subject;
  uint32_t i = 0;
  for (const node *a = list; a; a = a->next, i++) {
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
      emit0(c, INGOT_TEMPLATE_MISSING);
    } else if (is_test) function_number(c, given[k], TEST);
    else if (f->id == INGOT_CALL_MAP && k == 0) function_number(c, given[k], FILTER);
    else expression(c, given[k]);
  }
  emit1(c, INGOT_TEMPLATE_CALL, f->id);
}

static void filter(coder *c, const node *n) {
  const function *f = find_function(FILTER, n->text);
  if (f && f->id == INGOT_CALL_MAP && n->list && n->list->keyword.size) f = function_by_id(INGOT_CALL_MAP_ATTRIBUTE);
  if (!f) ig_template_refuse(c->p, n->at, "the filter `%s`", ig_str_printable(c->p->arena, n->text));
  expression(c, n->a);
  if (f) call(c, f, n, n->list);
}

/* The functions that Hugging Face gives: defined, though nobody sets them. */
static bool is_global(coder *c, const node *n) {
  if (n->kind != T_NAME || (!find_function(GLOBAL, n->text) && !ig_str_equal(n->text, "namespace") && !ig_str_equal(n->text, "dict"))) return false;
  for (const scope *s = c->scope; s; s = s->up) {
    const binding *b = find_in(s, n->text);
    if (b && b->set) return false;
  }
  return true;
}

static void test(coder *c, const node *n) {
  const function *f = find_function(TEST, n->text);
  if (!f) {
    ig_template_refuse(c->p, n->at, "the test `%s`", ig_str_printable(c->p->arena, n->text));
    return;
  }
  if (is_global(c, n->a) && (f->id == INGOT_CALL_IS_DEFINED || f->id == INGOT_CALL_IS_UNDEFINED)) {
    emit0(c, f->id == INGOT_CALL_IS_DEFINED ? INGOT_TEMPLATE_TRUE : INGOT_TEMPLATE_FALSE);
    return;
  }
  expression(c, n->a);
  call(c, f, n, n->list);
}

static void named_values(coder *c, unsigned op, const node *n) {
  uint32_t count = 0;
  for (const node *a = n->list; a; a = a->next, count++) {
    if (!a->keyword.size) ig_template_refuse(c->p, a->at, "`%s` of anything but names and values", ig_str_printable(c->p->arena, n->a->text));
    emit_text(c, INGOT_TEMPLATE_STRING, a->keyword);
    expression(c, a);
  }
  emit1(c, op, count);
}

static void call_macro(coder *c, const node *n) {
  uint32_t counts[2] = {0, 0};
  expression(c, n->a);
  for (const node *a = n->list; a; a = a->next) {
    counts[a->keyword.size != 0]++;
    if (a->keyword.size) emit_text(c, INGOT_TEMPLATE_STRING, a->keyword);
    else if (counts[1]) ig_template_refuse(c->p, a->at, "an argument without a name after one with");
    expression(c, a);
  }
  emit(c, INGOT_TEMPLATE_CALL_MACRO, counts);
}

static uint32_t expressions(coder *c, const node *list);

/* loop.changed(...), loop.cycle(...): false where it is neither. */
static bool call_loop(coder *c, const node *n) {
  const node *of = n->a->a;
  const bool changed = ig_str_equal(n->a->text, "changed");
  if (of->kind != T_NAME || (!changed && !ig_str_equal(n->a->text, "cycle")) || !find(c, c->scope, of->text)->loop) return false;
  for (const node *a = n->list; a; a = a->next)
    if (a->keyword.size) ig_template_refuse(c->p, a->at, "`loop.%s(%s=)`", changed ? "changed" : "cycle", ig_str_printable(c->p->arena, a->keyword));
  expression(c, of);
  emit1(c, INGOT_TEMPLATE_TUPLE, expressions(c, n->list));
  emit1(c, INGOT_TEMPLATE_CALL, changed ? INGOT_CALL_CHANGED : INGOT_CALL_CYCLE);
  return true;
}

static void call_anything(coder *c, const node *n) {
  if (n->a->kind == T_ATTRIBUTE) {
    if (call_loop(c, n)) return;
    const function *f = find_function(METHOD, n->a->text);
    if (!f) ig_template_refuse(c->p, n->a->at, "the method `%s`", ig_str_printable(c->p->arena, n->a->text));
    expression(c, n->a->a);
    if (f) call(c, f, n, n->list);
  } else if (n->a->kind != T_NAME) ig_template_refuse(c->p, n->at, "a call of anything but a name");
  else if (!is_global(c, n->a)) {
    if (!find(c, c->scope, n->a->text)->set) ig_template_refuse(c->p, n->a->at, "the function `%s`", ig_str_printable(c->p->arena, n->a->text));
    call_macro(c, n);
  } else if (ig_str_equal(n->a->text, "namespace")) named_values(c, INGOT_TEMPLATE_NAMESPACE, n);
  else if (ig_str_equal(n->a->text, "dict")) named_values(c, INGOT_TEMPLATE_DICT, n);
  else call(c, find_function(GLOBAL, n->a->text), n, n->list);
}

/* ---- expressions ------------------------------------------------------------------------------------------------------ */

static uint32_t expressions(coder *c, const node *list) {
  uint32_t n = 0;
  for (; list; list = list->next, n++) expression(c, list);
  return n;
}

static void attribute(coder *c, const node *n) {
  static const char *const of_loops[] = {"index", "index0", "first", "last", "length", "previtem", "nextitem", "revindex", "revindex0", "depth", "depth0"};
  static const char *const methods[] = {"items", "keys", "values", "get", "pop", "popitem", "update", "copy", "clear", "setdefault", "fromkeys"};
  bool fine = n->text.size < 2 || n->text.data[0] != '_' || n->text.data[1] != '_';
  if (n->a->kind == T_NAME && find(c, c->scope, n->a->text)->loop) {
    bool known = false;
    for (size_t i = 0; i < sizeof of_loops / sizeof *of_loops; i++) known = known || ig_str_equal(n->text, of_loops[i]);
    if (!known) ig_template_refuse(c->p, n->a->at, "`loop.%s`", ig_str_printable(c->p->arena, n->text));
  }
  for (size_t i = 0; i < sizeof methods / sizeof *methods; i++) fine = fine && !ig_str_equal(n->text, methods[i]);
  if (!fine) ig_template_refuse(c->p, n->at, "the attribute `%s`", ig_str_printable(c->p->arena, n->text));
  expression(c, n->a);
  emit_text(c, INGOT_TEMPLATE_ATTRIBUTE, n->text);
}

static void name(coder *c, const node *n) {
  if (is_global(c, n)) ig_template_refuse(c->p, n->at, "the function `%s` without a call", ig_str_printable(c->p->arena, n->text));
  else emit1(c, INGOT_TEMPLATE_LOAD, find(c, c->scope, n->text)->variable);
}

static void choice(coder *c, const node *n) {
  expression(c, n->b);
  const size_t no = emit1(c, INGOT_TEMPLATE_JUMP_FALSE, 0) + 1;
  expression(c, n->a);
  const size_t end = emit1(c, INGOT_TEMPLATE_JUMP, 0) + 1;
  patch(c, no);
  if (n->c) expression(c, n->c);
  else emit0(c, INGOT_TEMPLATE_UNDEFINED);
  patch(c, end);
}

static void expression(coder *c, const node *n) {
  if (!n || c->p->failed) return;
  size_t later;
  switch (n->kind) {
  case T_STRING: emit_text(c, INGOT_TEMPLATE_STRING, n->text); break;
  case T_INT: emit_int(c, n->number); break;
  case T_FRACTION: emit_text(c, INGOT_TEMPLATE_FRACTION, n->text); break;
  case T_LITERAL: emit0(c, n->op); break;
  case T_NAME: name(c, n); break;
  case T_LIST: emit1(c, INGOT_TEMPLATE_LIST, expressions(c, n->list)); break;
  case T_TUPLE: emit1(c, INGOT_TEMPLATE_TUPLE, expressions(c, n->list)); break;
  case T_DICT: emit1(c, INGOT_TEMPLATE_DICT, expressions(c, n->list) / 2); break;
  case T_ATTRIBUTE: attribute(c, n); break;
  case T_SUBSCRIPT: expression(c, n->a), expression(c, n->b), emit0(c, INGOT_TEMPLATE_SUBSCRIPT); break;
  case T_SLICE: expression(c, n->a), expressions(c, n->list), emit0(c, INGOT_TEMPLATE_SLICE); break;
  case T_UNARY: expression(c, n->a), emit0(c, n->op); break;
  case T_BINARY: expression(c, n->a), expression(c, n->b), emit0(c, n->op); break;
  case T_AND:
  case T_OR:
    expression(c, n->a);
    later = emit1(c, n->op, 0) + 1;
    expression(c, n->b);
    patch(c, later);
    break;
  case T_CHOICE: choice(c, n); break;
  case T_CALL: call_anything(c, n); break;
  case T_FILTER: filter(c, n); break;
  case T_TEST: test(c, n); break;
  default: ig_template_refuse(c->p, n->at, "a statement in an expression");
  }
}

/* ---- statements ------------------------------------------------------------------------------------------------------- */

static void statements(coder *c, const node *n);

static void store(coder *c, const node *targets) {
  uint32_t n = 0;
  for (const node *t = targets; t; t = t->next) n++;
  if (n > 1) emit1(c, INGOT_TEMPLATE_UNPACK, n);
  for (const node *t = targets; t; t = t->next) emit1(c, INGOT_TEMPLATE_STORE, find(c, c->scope, t->text)->variable);
}

static void write_if(coder *c, const node *n) {
  jump *ends = NULL;
  for (; n; n = n->other) {
    expression(c, n->a);
    const size_t no = n->a ? emit1(c, INGOT_TEMPLATE_JUMP_FALSE, 0) + 1 : 0;
    statements(c, n->body);
    if (n->other) jump_later(c, &ends);
    if (no) patch(c, no);
  }
  patch_all(c, ends);
}

/* Leaves the items for which the condition holds as a list. */
static void select_items(coder *c, const node *n) {
  const uint32_t list = new_place(c), loop = new_place(c);
  emit1(c, INGOT_TEMPLATE_LIST, 0);
  emit1(c, INGOT_TEMPLATE_STORE, list);
  scope *inner = c->scope;
  c->scope = inner->up;
  expression(c, n->a);
  c->scope = inner;
  const size_t none = emit2(c, INGOT_TEMPLATE_FOR, loop, 0) + 5, body = c->code->size;
  emit1(c, INGOT_TEMPLATE_ITEM, loop);
  store(c, n->list);
  expression(c, n->b);
  const size_t no = emit1(c, INGOT_TEMPLATE_JUMP_FALSE, 0) + 1;
  emit1(c, INGOT_TEMPLATE_ITEM, loop);
  emit1(c, INGOT_TEMPLATE_APPEND, list);
  patch(c, no);
  emit2(c, INGOT_TEMPLATE_NEXT, loop, (uint32_t)body);
  patch(c, none);
  emit1(c, INGOT_TEMPLATE_LOAD, list);
}

static void write_for(coder *c, const node *n) {
  scope *outer = c->scope, inner = {.up = outer};
  for (const node *t = n->list; t; t = t->next) bind(c, &inner, t->text, new_place(c));
  binding *targets = inner.names;
  if (!n->b) expression(c, n->a);
  c->scope = &inner;
  if (n->b) select_items(c, n);
  const uint32_t loop = new_place(c);
  bind_set(c, &inner, n->body);
  binding *set = inner.names;
  bind(c, &inner, ig_str_of("loop"), loop)->loop = true;
  const size_t none = emit2(c, INGOT_TEMPLATE_FOR, loop, 0) + 5, body = c->code->size;
  turn jumps = {NULL, NULL}, *outer_turn = c->turn;
  c->turn = &jumps;
  for (const binding *b = set; b != targets; b = b->next) {
    emit1(c, INGOT_TEMPLATE_LOAD, find(c, outer, b->name)->variable);
    emit1(c, INGOT_TEMPLATE_STORE, b->variable);
  }
  emit1(c, INGOT_TEMPLATE_ITEM, loop);
  store(c, n->list);
  statements(c, n->body);
  patch_all(c, jumps.continues);
  emit2(c, INGOT_TEMPLATE_NEXT, loop, (uint32_t)body);
  c->scope = outer;
  c->turn = outer_turn;
  const size_t end = n->other ? emit1(c, INGOT_TEMPLATE_JUMP, 0) + 1 : 0;
  patch(c, none);
  statements(c, n->other);
  if (end) patch(c, end);
  patch_all(c, jumps.breaks);
}

static void write_set(coder *c, const node *n) {
  if (n->a) expression(c, n->a);
  else {
    scope *outer = c->scope, inner = {.up = outer};
    turn *outer_turn = c->turn;
    emit0(c, INGOT_TEMPLATE_CAPTURE);
    bind_set(c, &inner, n->body);
    copy_in(c, &inner, NULL);
    c->scope = &inner;
    c->turn = NULL; /* a jump out would leave the text captured */
    statements(c, n->body);
    c->scope = outer;
    c->turn = outer_turn;
    emit0(c, INGOT_TEMPLATE_CAPTURED);
  }
  if (n->list->kind == T_ATTRIBUTE) {
    expression(c, n->list->a);
    emit_text(c, INGOT_TEMPLATE_SET_ATTRIBUTE, n->list->text);
  } else store(c, n->list);
}

/* The values, one upon the other, go to their names from the last on. */
static void store_back(coder *c, const scope *s, const node *target) {
  if (!target) return;
  store_back(c, s, target->next);
  emit1(c, INGOT_TEMPLATE_STORE, find_in(s, target->text)->variable);
}

static void write_with(coder *c, const node *n) {
  scope *outer = c->scope, inner = {.up = outer};
  for (const node *t = n->list; t; t = t->next) {
    if (find_in(&inner, t->text)) ig_template_refuse(c->p, t->at, "a name twice");
    expression(c, t->a);
    bind(c, &inner, t->text, new_place(c));
  }
  const binding *given = inner.names;
  if (c->p->failed) return;
  store_back(c, &inner, n->list);
  bind_set(c, &inner, n->body);
  copy_in(c, &inner, given);
  c->scope = &inner;
  statements(c, n->body);
  c->scope = outer;
}

static bool mentions(const node *n, ig_str name) {
  for (; n; n = n->next)
    if ((n->kind == T_NAME && same(n->text, name)) || mentions(n->a, name) || mentions(n->b, name) || mentions(n->c, name) || mentions(n->list, name) ||
        mentions(n->body, name) || mentions(n->other, name))
      return true;
  return false;
}

static void add_parameter(coder *c, scope *s, ig_str name) {
  bind(c, s, name, new_place(c));
  ig_text_add(c->strings, name.data, name.size);
  ig_text_add(c->strings, "", 1);
}

static void write_macro(coder *c, const node *n) {
  if (c->in_macro) {
    ig_template_refuse(c->p, n->at, "a macro in a macro");
    return;
  }
  scope *outer = c->scope, inner = {.up = outer, .macro = true};
  turn *outer_turn = c->turn;
  const size_t over = emit1(c, INGOT_TEMPLATE_JUMP, 0) + 1;
  uint32_t operands[4] = {(uint32_t)c->strings->size, 0, 0, 0};
  c->in_macro = true;
  c->n_macro = 0;
  c->turn = NULL;
  for (const node *a = n->list; a; a = a->next, operands[2]++) {
    if (find_in(&inner, a->text)) ig_template_refuse(c->p, a->at, "a parameter twice");
    add_parameter(c, &inner, a->text);
  }
  const ig_str caller = ig_str_of("caller"); /* given by a call block, to macros that mention it */
  if (!find_in(&inner, caller) && mentions(n->body, caller)) add_parameter(c, &inner, caller), operands[2]++;
  operands[1] = (uint32_t)c->strings->size - operands[0];
  const binding *parameters = inner.names;
  const size_t enter = emit(c, INGOT_TEMPLATE_ENTER, operands);
  bind_set(c, &inner, n->body);
  copy_in(c, &inner, parameters);
  c->scope = &inner;
  uint32_t i = 0;
  for (const node *a = n->list; a; a = a->next, i++) {
    if (!a->a) continue;
    const size_t given = emit2(c, INGOT_TEMPLATE_DEFAULT, i, 0) + 5;
    expression(c, a->a);
    emit1(c, INGOT_TEMPLATE_STORE, i);
    patch(c, given);
  }
  statements(c, n->body);
  emit0(c, INGOT_TEMPLATE_RETURN);
  for (size_t k = 0; k < 4; k++) c->code->data[enter + 13 + k] = (char)(c->n_macro >> 8 * k);
  c->scope = outer;
  c->turn = outer_turn;
  c->in_macro = false;
  patch(c, over);
  emit1(c, INGOT_TEMPLATE_MACRO, (uint32_t)enter);
  emit1(c, INGOT_TEMPLATE_STORE, find(c, outer, n->text)->variable);
}

static void statements(coder *c, const node *n) {
  for (; n && !c->p->failed; n = n->next) {
    c->p->tag = n->at;
    switch (n->kind) {
    case T_TEXT: emit_text(c, INGOT_TEMPLATE_TEXT, n->text); break;
    case T_OUTPUT: expression(c, n->a), emit0(c, INGOT_TEMPLATE_OUTPUT); break;
    case T_IF: write_if(c, n); break;
    case T_FOR: write_for(c, n); break;
    case T_SET: write_set(c, n); break;
    case T_MACRO: write_macro(c, n); break;
    case T_BLOCK: statements(c, n->body); break;
    case T_WITH: write_with(c, n); break;
    case T_BREAK:
    case T_CONTINUE:
      if (!c->turn) ig_template_refuse(c->p, n->at, "`%s` here", n->kind == T_BREAK ? "break" : "continue");
      else jump_later(c, n->kind == T_BREAK ? &c->turn->breaks : &c->turn->continues);
      break;
    default: ig_template_refuse(c->p, n->at, "an expression as a statement");
    }
  }
}

/* What is given by name goes to its places first. */
static void write_inputs(coder *c, const char *bos, const char *eos) {
  emit1(c, INGOT_TEMPLATE_RESERVE, c->n_top);
  for (const binding *b = c->top.names; b; b = b->next) {
    const bool is_bos = ig_str_equal(b->name, "bos_token"), is_eos = ig_str_equal(b->name, "eos_token");
    const char *token = is_bos ? bos : is_eos ? eos : NULL;
    if (token) emit_text(c, INGOT_TEMPLATE_STRING, ig_str_of(token));
    else if (is_bos || is_eos) continue;
    else emit_text(c, INGOT_TEMPLATE_INPUT, b->name);
    emit1(c, INGOT_TEMPLATE_STORE, b->variable);
  }
}

void ig_template_code(ig_template_parser *p, const ig_template_node *list, const char *bos, const char *eos, ig_text *code, ig_text *strings) {
  coder c = {.p = p, .code = code, .strings = strings};
  c.scope = &c.top;
  const size_t inputs = emit1(&c, INGOT_TEMPLATE_JUMP, 0) + 1, begin = code->size;
  bind_set(&c, &c.top, list);
  statements(&c, list);
  emit0(&c, INGOT_TEMPLATE_END);
  if (p->failed) return;
  patch(&c, inputs);
  write_inputs(&c, bos, eos);
  emit1(&c, INGOT_TEMPLATE_JUMP, (uint32_t)begin);
}
