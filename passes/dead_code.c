/* Ops whose results nobody uses go, last first, so that one walk is enough. Ops that extend the KV cache stay: later calls read it. */
#include "passes/pipeline.h"

int ig_erase_dead(ig_op function) {
  ig_arena arena = {0};
  ig_op *ops = NULL;
  size_t n = 0, capacity = 0;
  int erased = 0;
  for (ig_op op = ig_first_op(function); op.handle; op = ig_next_op(op)) {
    ops = ig_grow(&arena, ops, n, &capacity, sizeof *ops);
    ops[n++] = op;
  }
  while (n-- > 0) {
    bool used = ig_has_effect(ig_kind(ops[n]));
    for (int i = 0; i < ig_result_count(ops[n]) && !used; i++) used = ig_use_count(ig_result(ops[n], i)) > 0;
    if (!used) ig_erase(ops[n]), erased++;
  }
  ig_arena_finish(&arena);
  return erased;
}

bool ig_pass_dead_code(ig_module module, const ig_pass_options *options, ig_diags *diags) {
  (void)options, (void)diags;
  for (ig_op f = ig_function_next(module, (ig_op){0}); f.handle; f = ig_function_next(module, f)) ig_erase_dead(f);
  return true;
}
