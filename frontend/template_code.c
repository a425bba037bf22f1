/* From a chat template's tree to the bytecode of runtime/abi/template.h.
 *
 * Names become places of the stack when the template is compiled. As in Jinja a loop's body and a macro have variables of their own: a name
 * that is set in a loop begins each turn with the value it has outside, and what it is set to is gone after the turn. Names that are set
 * nowhere are what the caller gives. */
#include "frontend/template_coder.h"

#include "runtime/abi/template.h"

/* ---- names that statements set ---------------------------------------------------------------------------------------- */

/* Gives the names that the statements set a place in the scope; a name set before keeps its own. */
static void bind_set(tc_coder *c, tc_scope *s, const tc_node *n) {
  for (; n; n = n->next) {
    if (n->kind == T_SET && n->list->kind == T_NAME) {
      for (const tc_node *target = n->list; target; target = target->next)
        if (!tc_find_in(s, target->text)) tc_bind(c, s, target->text, tc_new_place(c));
    } else if (n->kind == T_MACRO && !tc_find_in(s, n->text)) tc_bind(c, s, n->text, tc_new_place(c));
    else if (n->kind == T_IF)
      for (const tc_node *branch = n; branch; branch = branch->other) bind_set(c, s, branch->body);
    else if (n->kind == T_BLOCK) bind_set(c, s, n->body);
  }
}

/* Code that begins a scope: its names have the values of the same names outside, down to `last` in the list. */
static void copy_in(tc_coder *c, tc_scope *s, const tc_binding *last) {
  for (const tc_binding *b = s->names; b != last; b = b->next) {
    tc_emit1(c, INGOT_TEMPLATE_LOAD, tc_find(c, s->up, b->name)->variable);
    tc_emit1(c, INGOT_TEMPLATE_STORE, b->variable);
  }
}

/* ---- statements ------------------------------------------------------------------------------------------------------- */

static void statements(tc_coder *c, const tc_node *n);

static void store(tc_coder *c, const tc_node *targets) {
  uint32_t n = 0;
  for (const tc_node *t = targets; t; t = t->next) n++;
  if (n > 1) tc_emit1(c, INGOT_TEMPLATE_UNPACK, n);
  for (const tc_node *t = targets; t; t = t->next) tc_emit1(c, INGOT_TEMPLATE_STORE, tc_find(c, c->scope, t->text)->variable);
}

static void write_if(tc_coder *c, const tc_node *n) {
  tc_jump *ends = NULL;
  for (; n; n = n->other) {
    tc_expression(c, n->a);
    const size_t no = n->a ? tc_emit1(c, INGOT_TEMPLATE_JUMP_FALSE, 0) + 1 : 0;
    statements(c, n->body);
    if (n->other) tc_jump_later(c, &ends);
    if (no) tc_patch(c, no);
  }
  tc_patch_all(c, ends);
}

/* Leaves the items for which the condition holds as a list. */
static void select_items(tc_coder *c, const tc_node *n) {
  const uint32_t list = tc_new_place(c), loop = tc_new_place(c);
  tc_emit1(c, INGOT_TEMPLATE_LIST, 0);
  tc_emit1(c, INGOT_TEMPLATE_STORE, list);
  tc_scope *inner = c->scope;
  c->scope = inner->up;
  tc_expression(c, n->a);
  c->scope = inner;
  const size_t none = tc_emit2(c, INGOT_TEMPLATE_FOR, loop, 0) + 5, body = c->code->size;
  tc_emit1(c, INGOT_TEMPLATE_ITEM, loop);
  store(c, n->list);
  tc_expression(c, n->b);
  const size_t no = tc_emit1(c, INGOT_TEMPLATE_JUMP_FALSE, 0) + 1;
  tc_emit1(c, INGOT_TEMPLATE_ITEM, loop);
  tc_emit1(c, INGOT_TEMPLATE_APPEND, list);
  tc_patch(c, no);
  tc_emit2(c, INGOT_TEMPLATE_NEXT, loop, (uint32_t)body);
  tc_patch(c, none);
  tc_emit1(c, INGOT_TEMPLATE_LOAD, list);
}

static void write_for(tc_coder *c, const tc_node *n) {
  tc_scope *outer = c->scope, inner = {.up = outer};
  for (const tc_node *t = n->list; t; t = t->next) tc_bind(c, &inner, t->text, tc_new_place(c));
  tc_binding *targets = inner.names;
  if (!n->b) tc_expression(c, n->a);
  c->scope = &inner;
  if (n->b) select_items(c, n);
  const uint32_t loop = tc_new_place(c);
  bind_set(c, &inner, n->body);
  tc_binding *set = inner.names;
  tc_bind(c, &inner, ig_str_of("loop"), loop)->loop = true;
  const size_t none = tc_emit2(c, INGOT_TEMPLATE_FOR, loop, 0) + 5, body = c->code->size;
  tc_turn jumps = {NULL, NULL}, *outer_turn = c->turn;
  c->turn = &jumps;
  for (const tc_binding *b = set; b != targets; b = b->next) {
    tc_emit1(c, INGOT_TEMPLATE_LOAD, tc_find(c, outer, b->name)->variable);
    tc_emit1(c, INGOT_TEMPLATE_STORE, b->variable);
  }
  tc_emit1(c, INGOT_TEMPLATE_ITEM, loop);
  store(c, n->list);
  statements(c, n->body);
  tc_patch_all(c, jumps.continues);
  tc_emit2(c, INGOT_TEMPLATE_NEXT, loop, (uint32_t)body);
  c->scope = outer;
  c->turn = outer_turn;
  const size_t end = n->other ? tc_emit1(c, INGOT_TEMPLATE_JUMP, 0) + 1 : 0;
  tc_patch(c, none);
  statements(c, n->other);
  if (end) tc_patch(c, end);
  tc_patch_all(c, jumps.breaks);
}

static void write_set(tc_coder *c, const tc_node *n) {
  if (n->a) tc_expression(c, n->a);
  else {
    tc_scope *outer = c->scope, inner = {.up = outer};
    tc_turn *outer_turn = c->turn;
    tc_emit0(c, INGOT_TEMPLATE_CAPTURE);
    bind_set(c, &inner, n->body);
    copy_in(c, &inner, NULL);
    c->scope = &inner;
    c->turn = NULL; /* a jump out would leave the text captured */
    statements(c, n->body);
    c->scope = outer;
    c->turn = outer_turn;
    tc_emit0(c, INGOT_TEMPLATE_CAPTURED);
  }
  if (n->list->kind == T_ATTRIBUTE) {
    tc_expression(c, n->list->a);
    tc_text(c, INGOT_TEMPLATE_SET_ATTRIBUTE, n->list->text);
  } else store(c, n->list);
}

/* The values, one upon the other, go to their names from the last on. */
static void store_back(tc_coder *c, const tc_scope *s, const tc_node *target) {
  if (!target) return;
  store_back(c, s, target->next);
  tc_emit1(c, INGOT_TEMPLATE_STORE, tc_find_in(s, target->text)->variable);
}

static void write_with(tc_coder *c, const tc_node *n) {
  tc_scope *outer = c->scope, inner = {.up = outer};
  for (const tc_node *t = n->list; t; t = t->next) {
    if (tc_find_in(&inner, t->text)) ig_template_refuse(c->p, t->at, "a name twice");
    tc_expression(c, t->a);
    tc_bind(c, &inner, t->text, tc_new_place(c));
  }
  const tc_binding *given = inner.names;
  if (c->p->failed) return;
  store_back(c, &inner, n->list);
  bind_set(c, &inner, n->body);
  copy_in(c, &inner, given);
  c->scope = &inner;
  statements(c, n->body);
  c->scope = outer;
}

static bool mentions(const tc_node *n, ig_str name) {
  for (; n; n = n->next)
    if ((n->kind == T_NAME && tc_same(n->text, name)) || mentions(n->a, name) || mentions(n->b, name) || mentions(n->c, name) || mentions(n->list, name) ||
        mentions(n->body, name) || mentions(n->other, name))
      return true;
  return false;
}

static void add_parameter(tc_coder *c, tc_scope *s, ig_str name) {
  tc_bind(c, s, name, tc_new_place(c));
  ig_text_add(c->strings, name.data, name.size);
  ig_text_add(c->strings, "", 1);
}

static void write_macro(tc_coder *c, const tc_node *n) {
  if (c->in_macro) {
    ig_template_refuse(c->p, n->at, "a macro in a macro");
    return;
  }
  tc_scope *outer = c->scope, inner = {.up = outer};
  tc_turn *outer_turn = c->turn;
  const size_t over = tc_emit1(c, INGOT_TEMPLATE_JUMP, 0) + 1;
  uint32_t operands[4] = {(uint32_t)c->strings->size, 0, 0, 0};
  c->in_macro = true;
  c->n_macro = 0;
  c->turn = NULL;
  for (const tc_node *a = n->list; a; a = a->next, operands[2]++) {
    if (tc_find_in(&inner, a->text)) ig_template_refuse(c->p, a->at, "a parameter twice");
    add_parameter(c, &inner, a->text);
  }
  const ig_str caller = ig_str_of("caller"); /* given by a call block, to macros that mention it */
  if (!tc_find_in(&inner, caller) && mentions(n->body, caller)) add_parameter(c, &inner, caller), operands[2]++;
  operands[1] = (uint32_t)c->strings->size - operands[0];
  const tc_binding *parameters = inner.names;
  const size_t enter = tc_emit(c, INGOT_TEMPLATE_ENTER, operands);
  bind_set(c, &inner, n->body);
  copy_in(c, &inner, parameters);
  c->scope = &inner;
  uint32_t i = 0;
  for (const tc_node *a = n->list; a; a = a->next, i++) {
    if (!a->a) continue;
    const size_t given = tc_emit2(c, INGOT_TEMPLATE_DEFAULT, i, 0) + 5;
    tc_expression(c, a->a);
    tc_emit1(c, INGOT_TEMPLATE_STORE, i);
    tc_patch(c, given);
  }
  statements(c, n->body);
  tc_emit0(c, INGOT_TEMPLATE_RETURN);
  for (size_t k = 0; k < 4; k++) c->code->data[enter + 13 + k] = (char)(c->n_macro >> 8 * k);
  c->scope = outer;
  c->turn = outer_turn;
  c->in_macro = false;
  tc_patch(c, over);
  tc_emit1(c, INGOT_TEMPLATE_MACRO, (uint32_t)enter);
  tc_emit1(c, INGOT_TEMPLATE_STORE, tc_find(c, outer, n->text)->variable);
}

static void statements(tc_coder *c, const tc_node *n) {
  for (; n && !c->p->failed; n = n->next) {
    c->p->tag = n->at;
    switch (n->kind) {
    case T_TEXT: tc_text(c, INGOT_TEMPLATE_TEXT, n->text); break;
    case T_OUTPUT: tc_expression(c, n->a), tc_emit0(c, INGOT_TEMPLATE_OUTPUT); break;
    case T_IF: write_if(c, n); break;
    case T_FOR: write_for(c, n); break;
    case T_SET: write_set(c, n); break;
    case T_MACRO: write_macro(c, n); break;
    case T_BLOCK: statements(c, n->body); break;
    case T_WITH: write_with(c, n); break;
    case T_BREAK:
    case T_CONTINUE:
      if (!c->turn) ig_template_refuse(c->p, n->at, "`%s` here", n->kind == T_BREAK ? "break" : "continue");
      else tc_jump_later(c, n->kind == T_BREAK ? &c->turn->breaks : &c->turn->continues);
      break;
    default: ig_template_refuse(c->p, n->at, "an expression as a statement");
    }
  }
}

/* What is given by name goes to its places first. */
static void write_inputs(tc_coder *c, const char *bos, const char *eos) {
  tc_emit1(c, INGOT_TEMPLATE_RESERVE, c->n_top);
  for (const tc_binding *b = c->top.names; b; b = b->next) {
    const bool is_bos = ig_str_equal(b->name, "bos_token"), is_eos = ig_str_equal(b->name, "eos_token");
    const char *token = is_bos ? bos : is_eos ? eos : NULL;
    if (token) tc_text(c, INGOT_TEMPLATE_STRING, ig_str_of(token));
    else if (is_bos || is_eos) continue;
    else tc_text(c, INGOT_TEMPLATE_INPUT, b->name);
    tc_emit1(c, INGOT_TEMPLATE_STORE, b->variable);
  }
}

void ig_template_code(ig_template_parser *p, const ig_template_node *list, const char *bos, const char *eos, ig_text *code, ig_text *strings) {
  tc_coder c = {.p = p, .code = code, .strings = strings};
  c.scope = &c.top;
  const size_t inputs = tc_emit1(&c, INGOT_TEMPLATE_JUMP, 0) + 1, begin = code->size;
  bind_set(&c, &c.top, list);
  statements(&c, list);
  tc_emit0(&c, INGOT_TEMPLATE_END);
  if (p->failed) return;
  tc_patch(&c, inputs);
  write_inputs(&c, bos, eos);
  tc_emit1(&c, INGOT_TEMPLATE_JUMP, (uint32_t)begin);
}
