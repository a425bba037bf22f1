/* The graph passes, from what a frontend makes to what lowering reads (lower.h). Read pipeline.c first: it is the list.
 *
 * A pass takes a module that verifies and leaves one that verifies; it reports what it cannot do and returns false. Passes depend on the order of
 * ops only where the graph itself does; the order of ops in a function is a valid order of execution throughout.
 */
#ifndef INGOT_PASSES_PIPELINE_H
#define INGOT_PASSES_PIPELINE_H

#include "ir/ops.h"

typedef struct ig_pass_options {
  const char *layout;       /* the target's layout of 2-D weights: "x86_64.r16" */
  const char *stop_after;   /* the last pass to run, NULL: all */
  uint32_t apart;           /* bits of ig_pattern: what fuse leaves as it is */
  /* Called after each pass with the graph's text; may be NULL. */
  void (*dump)(void *user, const char *pass, const char *text);
  void *user;
} ig_pass_options;

typedef struct ig_pass {
  const char *name;
  bool (*run)(ig_module module, const ig_pass_options *options, ig_diags *diags);
} ig_pass;

/* The passes in their order; NULL after the last. */
const ig_pass *ig_pass_at(int index);
/* NULL where no pass has the name. */
const ig_pass *ig_pass_find(const char *name);
/* Verifies, then runs all passes up to `stop_after`, each followed by the verifier. False after the first that fails. */
bool ig_run_passes(ig_module module, const ig_pass_options *options, ig_diags *diags);

/* Equal ops become one; operands of add and mul take one order. */
bool ig_pass_canonicalize(ig_module module, const ig_pass_options *options, ig_diags *diags);
/* What constants decide now: pairs that rope never turns, rotations that turn nothing. */
bool ig_pass_fold(ig_module module, const ig_pass_options *options, ig_diags *diags);
/* Ops without uses go, bar those that extend the KV cache. */
bool ig_pass_dead_code(ig_module module, const ig_pass_options *options, ig_diags *diags);
/* linear with its norm, siblings, gate, residual -> fused_linear; rope and attention -> rope_attention. */
bool ig_pass_fuse(ig_module module, const ig_pass_options *options, ig_diags *diags);
/* @forward -> @prefill, @decode, @head, @head_rows. */
bool ig_pass_split(ig_module module, const ig_pass_options *options, ig_diags *diags);
/* Every 2-D weight gets the target's layout. */
bool ig_pass_layout(ig_module module, const ig_pass_options *options, ig_diags *diags);

/* The value that an ig.scale and an ig.softcap made this one of: of logits, what the head's linear gives. */
ig_value ig_before_scaling(ig_value value);
/* Erases the ops of one function that nothing needs; how many. */
int ig_erase_dead(ig_op function);

#endif
