/* @forward becomes four functions: @prefill and @decode end at the hidden state, the value before the final norm; @head and @head_rows take it from there
 * to the logits (@head: one row, after prefill and decode; @head_rows: a range of rows, for perplexity). The same ops each: lowering chooses kernels
 * by the phase. */
#include <string.h>

#include "passes/pipeline.h"

ig_value ig_before_scaling(ig_value value) {
  ig_op op = ig_defining_op(value);
  while (op.handle && (ig_kind(op) == IG_OP_scale || ig_kind(op) == IG_OP_softcap)) value = ig_operand(op, 0), op = ig_defining_op(value);
  return value;
}

bool ig_pass_split(ig_module module, const ig_pass_options *options, ig_diags *diags) {
  (void)options;
  ig_op forward = ig_function_find(module, "forward");
  if (!forward.handle) return ig_error(diags, "split", "the module has no @forward");
  static const char *const names[] = {"prefill", "decode", "head", "head_rows"};
  for (int i = 0; i < 4; i++)
    if (ig_function_find(module, names[i]).handle) return ig_error(diags, "split", "the module has a @%s already", names[i]);
  ig_arena arena = {0};
  ig_op head = ig_defining_op(ig_before_scaling(ig_function_result(forward)));
  bool good = head.handle && ig_kind(head) == IG_OP_fused_linear && ig_result_count(head) == 1 && ig_operand_role(head, IG_ROLE_GAIN).handle &&
      !strcmp(ig_attr_string(head, "epilogue", &arena), "none") && ig_defining_op(ig_operand_role(head, IG_ROLE_X)).handle;
  if (!good)
    ig_error(diags, head.handle ? ig_location(head, &arena) : "split",
             "the logits must come from a norm and one linear op over the last hidden state, scaled or softly capped at most");
  for (int i = 0; i < 4 && good; i++) {
    ig_op part = ig_function_clone(module, forward, names[i]);
    ig_value hidden = ig_operand_role(ig_defining_op(ig_before_scaling(ig_function_result(part))), IG_ROLE_X);
    if (i < 2) {
      ig_function_return(part, hidden);
      ig_erase_dead(part);
    } else {
      ig_function_begin_at(part, hidden);
    }
  }
  if (good) ig_erase(forward);
  ig_arena_finish(&arena);
  return good;
}
