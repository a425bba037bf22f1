/* Internal to the frontend: expressions of chat templates, and the code they become. */
#ifndef INGOT_FRONTEND_TEMPLATE_EXPR_H
#define INGOT_FRONTEND_TEMPLATE_EXPR_H

#include "ir/base/base.h"

typedef struct ig_template_parser {
  ig_str source;
  size_t at, tag;               /* where the reading is; where the present tag began */
  ig_str variable;              /* the loop's, empty outside */
  const char *bos, *eos;        /* NULL: none */
  const char *place;
  ig_arena *arena;
  ig_diags *diags;
  ig_text code, strings;
  int depth, nodes;             /* of the expression being parsed */
  int stack;                    /* values on the stack where the code has come to */
  bool failed;
} ig_template_parser;

typedef struct ig_template_node ig_template_node;

/* Warns, once, that `what` at offset `at` of the source is not supported. */
void ig_template_refuse(ig_template_parser *p, size_t at, const char *what, ...) IG_PRINTF(3, 4);
/* The same for whatever stands at the reading's place. */
void ig_template_refuse_here(ig_template_parser *p);
/* After white space: a name (empty where there is none), or exactly that word or punctuation. */
ig_str ig_template_word(ig_template_parser *p);
bool ig_template_accept(ig_template_parser *p, const char *token);
/* Parses; NULL where refused. */
ig_template_node *ig_template_expression(ig_template_parser *p);
/* Code that pushes the value; code that writes it. */
void ig_template_value(ig_template_parser *p, const ig_template_node *node);
void ig_template_output(ig_template_parser *p, const ig_template_node *node);
void ig_template_text(ig_template_parser *p, ig_str text);
/* Appends an instruction (with as many of the operands as it has) and returns its offset. */
size_t ig_template_emit(ig_template_parser *p, unsigned op, uint32_t a, uint32_t b);

#endif
