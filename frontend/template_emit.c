#include "frontend/template_coder.h"

#include <string.h>

#include "runtime/abi/template.h"

/* ---- instructions ----------------------------------------------------------------------------------------------------- */

size_t tc_emit(tc_coder *c, unsigned op, const uint32_t *operands) {
  const size_t at = c->code->size;
  uint8_t bytes[17] = {(uint8_t)op};
  const unsigned n = ingot_template_operands(op);
  for (unsigned i = 0; i < 4 * n; i++) bytes[1 + i] = (uint8_t)(operands[i / 4] >> 8 * (i % 4));
  ig_text_add(c->code, bytes, 1 + 4 * (size_t)n);
  return at;
}

void tc_text(tc_coder *c, unsigned op, ig_str text) {
  /* Each text once, as names and roles come again and again; among the first of a long template, so that it takes no time. */
  enum { LOOKED_AT = 32768 };
  size_t at = c->strings->size < LOOKED_AT ? 0 : c->strings->size;
  while (text.size && at + text.size <= c->strings->size && memcmp(c->strings->data + at, text.data, text.size) != 0) at++;
  if (at + text.size > c->strings->size) {
    at = c->strings->size;
    ig_text_add(c->strings, text.data, text.size);
  }
  tc_emit2(c, op, (uint32_t)at, (uint32_t)text.size);
}

void tc_int(tc_coder *c, int64_t v) { tc_emit2(c, INGOT_TEMPLATE_INT, (uint32_t)v, (uint32_t)((uint64_t)v >> 32)); }

void tc_patch(tc_coder *c, size_t operand) {
  for (size_t i = 0; i < 4; i++) c->code->data[operand + i] = (char)((uint32_t)c->code->size >> 8 * i);
}

void tc_jump_later(tc_coder *c, tc_jump **list) {
  tc_jump *j = ig_alloc(c->p->arena, sizeof *j);
  *j = (tc_jump){*list, tc_emit1(c, INGOT_TEMPLATE_JUMP, 0) + 1};
  *list = j;
}

void tc_patch_all(tc_coder *c, const tc_jump *list) {
  for (; list; list = list->next) tc_patch(c, list->operand);
}

/* ---- names ------------------------------------------------------------------------------------------------------------ */

uint32_t tc_new_place(tc_coder *c) {
  uint32_t *n = c->in_macro ? &c->n_macro : &c->n_top;
  if (*n >= TC_VARIABLES_MOST) ig_template_refuse(c->p, c->p->tag, "more than %d variables", TC_VARIABLES_MOST);
  return c->in_macro ? (*n)++ : TC_TOP | (*n)++;
}

tc_binding *tc_bind(tc_coder *c, tc_scope *s, ig_str name, uint32_t variable) {
  tc_binding *b = ig_alloc(c->p->arena, sizeof *b);
  *b = (tc_binding){s->names, name, variable, false, true};
  return s->names = b;
}

tc_binding *tc_find_in(const tc_scope *s, ig_str name) {
  for (tc_binding *b = s->names; b; b = b->next)
    if (tc_same(b->name, name)) return b;
  return NULL;
}

tc_binding *tc_find(tc_coder *c, tc_scope *from, ig_str name) {
  for (tc_scope *s = from; s; s = s->up) {
    tc_binding *b = tc_find_in(s, name);
    if (b) return b;
  }
  if (c->n_top >= TC_VARIABLES_MOST) ig_template_refuse(c->p, c->p->tag, "more than %d variables", TC_VARIABLES_MOST);
  tc_binding *b = tc_bind(c, &c->top, name, TC_TOP | c->n_top++);
  b->set = false;
  return b;
}
