/* Internal to the frontend: chat templates as a tree, and the code they become. */
#ifndef INGOT_FRONTEND_TEMPLATE_AST_H
#define INGOT_FRONTEND_TEMPLATE_AST_H

#include "ir/base/base.h"

typedef enum ig_template_kind {
  /* expressions */
  T_STRING,      /* text */
  T_INT,         /* number */
  T_FRACTION,    /* text: a number with a fraction */
  T_LITERAL,     /* op: TRUE, FALSE, NONE */
  T_NAME,        /* text */
  T_LIST,
  T_TUPLE,  /* list */
  T_DICT,        /* list: key, value, key, value ... */
  T_ATTRIBUTE,   /* a.text */
  T_SUBSCRIPT,   /* a[b] */
  T_SLICE,       /* a[list: start, stop, step] */
  T_UNARY,       /* op a */
  T_BINARY,      /* a op b */
  T_AND,
  T_OR,   /* op, a, b */
  T_CHOICE,      /* a if b else c (c may be NULL) */
  T_CALL,        /* a(list) */
  T_FILTER,
  T_TEST, /* a | text(list), a is text(list) */
  /* statements */
  T_TEXT,        /* text */
  T_OUTPUT,      /* {{ a }} */
  T_IF,          /* a: condition or NULL (else); body; other: the next branch, or NULL */
  T_FOR,         /* list: targets; a: over; b: condition or NULL; body; other: the statements of else */
  T_SET,         /* list: targets (T_NAME, or one T_ATTRIBUTE); a: value, or NULL: the text of body */
  T_MACRO,       /* text; list: parameters (T_NAME, a: default or NULL); body */
  T_BLOCK,       /* body */
  T_WITH,        /* list: names (T_NAME, a: value); body */
  T_BREAK,
  T_CONTINUE
} ig_template_kind;

typedef struct ig_template_node {
  ig_template_kind kind;
  unsigned op;
  size_t at;                       /* in the source */
  ig_str text, keyword;            /* keyword: of an argument given by name */
  int64_t number;
  struct ig_template_node *a, *b, *c, *list, *body, *other, *next;
} ig_template_node;

typedef struct ig_template_parser {
  ig_str source;
  size_t at, tag;                  /* where the reading is; where the present tag began */
  bool line_start;                 /* whether the text at `at` begins a line */
  const char *place;
  ig_arena *arena;
  ig_diags *diags;
  int depth, nodes;                /* of the expression being parsed */
  int blocks;                      /* open ones */
  ig_str word;                     /* that ended the statements read last; empty: the source's end */
  bool failed;
} ig_template_parser;

/* Warns, once, that `what` at offset `at` of the source is not supported. */
void ig_template_refuse(ig_template_parser *p, size_t at, const char *what, ...) IG_PRINTF(3, 4);
/* The same for whatever stands at the reading's place. */
void ig_template_refuse_here(ig_template_parser *p);
/* After white space: a name (empty where there is none), or exactly that word or punctuation. */
ig_str ig_template_word(ig_template_parser *p);
bool ig_template_accept(ig_template_parser *p, const char *token);
ig_template_node *ig_template_make(ig_template_parser *p, ig_template_kind kind, size_t at, ig_template_node *a, ig_template_node *b);
/* Parses one expression, or several with commas as a tuple; `choice`: whether it may be `a if b else c`. NULL where refused. */
ig_template_node *ig_template_expression(ig_template_parser *p, bool choice);
ig_template_node *ig_template_tuple(ig_template_parser *p, bool choice);
/* Filters, the first without its bar, applied to `of`. */
ig_template_node *ig_template_filters(ig_template_parser *p, ig_template_node *of);
/* Parses the whole source into a list of statements. */
ig_template_node *ig_template_parse(ig_template_parser *p);
/* Bytecode (runtime/abi/template.h) of the statements. */
void ig_template_code(ig_template_parser *p, const ig_template_node *statements, const char *bos, const char *eos, ig_text *code, ig_text *strings);

#endif
