/* Internal to the frontend: what writes the code of a chat template. template_emit.c: instructions and names; template_code_expr.c: expressions;
 * template_code.c: statements, and the whole. All memory is the parser's arena; what is refused is told by ig_template_refuse, once. */
#ifndef INGOT_FRONTEND_TEMPLATE_CODER_H
#define INGOT_FRONTEND_TEMPLATE_CODER_H

#include <string.h>

#include "frontend/template_ast.h"

typedef ig_template_node tc_node;

typedef struct tc_binding {
  struct tc_binding *next;
  ig_str name;
  uint32_t variable;            /* its place: of the macro, or with TC_TOP of the template */
  bool loop, set;               /* the loop's own `loop`; whether the template sets it */
} tc_binding;
enum { TC_VARIABLES_MOST = 1000, TC_TOP = 0x7fffffff + 1u };

typedef struct tc_scope {
  struct tc_scope *up;
  tc_binding *names;
} tc_scope;

typedef struct tc_jump {
  struct tc_jump *next;
  size_t operand;
} tc_jump;
typedef struct tc_turn {
  tc_jump *breaks, *continues;
} tc_turn; /* jumps out of a loop's body, to be patched */

typedef struct tc_coder {
  ig_template_parser *p;
  ig_text *code, *strings;
  tc_scope top, *scope;
  tc_turn *turn;                /* NULL outside of loops */
  bool in_macro;
  uint32_t n_top, n_macro;      /* places taken */
} tc_coder;

/* An instruction of runtime/abi/template.h; returns where it begins. */
size_t tc_emit(tc_coder *c, unsigned op, const uint32_t *operands);
static inline size_t tc_emit0(tc_coder *c, unsigned op) { return tc_emit(c, op, NULL); }
static inline size_t tc_emit1(tc_coder *c, unsigned op, uint32_t a) { return tc_emit(c, op, (const uint32_t[]){a}); }
static inline size_t tc_emit2(tc_coder *c, unsigned op, uint32_t a, uint32_t b) { return tc_emit(c, op, (const uint32_t[]){a, b}); }
void tc_text(tc_coder *c, unsigned op, ig_str text); /* with this text of the strings */
void tc_int(tc_coder *c, int64_t v);
void tc_patch(tc_coder *c, size_t operand); /* the operand at this offset becomes the code's present end */
void tc_jump_later(tc_coder *c, tc_jump **list);
void tc_patch_all(tc_coder *c, const tc_jump *list);

uint32_t tc_new_place(tc_coder *c);
tc_binding *tc_bind(tc_coder *c, tc_scope *s, ig_str name, uint32_t variable);
tc_binding *tc_find_in(const tc_scope *s, ig_str name); /* or NULL */
tc_binding *tc_find(tc_coder *c, tc_scope *from, ig_str name); /* as it is seen from this scope; one that nobody sets is an input */

static inline bool tc_same(ig_str a, ig_str b) { return a.size == b.size && (!a.size || memcmp(a.data, b.data, a.size) == 0); }

void tc_expression(tc_coder *c, const tc_node *n); /* its value is pushed */

#endif
