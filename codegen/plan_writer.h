/* The plan as bytes: a FlatBuffer by runtime/abi/plan.fbs. */
#ifndef INGOT_CODEGEN_PLAN_WRITER_H
#define INGOT_CODEGEN_PLAN_WRITER_H

#include "ir/token_tables.h"
#include "passes/lower.h"

/* What the plan says beside its steps. */
typedef struct ig_plan_facts {
  const char *name, *architecture, *target, *layout, *source;
  uint32_t n_vocab, n_embd, n_layer;
  uint8_t weights_root[32];
  const ig_template *chat_template;   /* NULL or not present: left out */
} ig_plan_facts;

/* Appends the plan to `out`. `plan` has passed ig_check_plan. */
void ig_write_plan(const ig_program_plan *plan, const ig_plan_facts *facts, ig_text *out);

#endif
