/* Each matrix, and each expert's, gets the target's layout: one for both phases and all variants, so a tied embedding and head are one packed tensor. Vectors (norms)
 * stay as they are. A format that the layout has no form for, or rows that do not fill its units, is the user's business: all such weights are named. */
#include "ir/kernel_family.h"
#include "passes/pipeline.h"

static bool give(ig_op weight, const char *layout, ig_arena *arena, ig_diags *diags) {
  ig_value w = ig_result(weight, 0);
  const char *format = ig_weight_format(w, arena), *name = ig_attr_string(weight, "name", arena);
  const ig_layout *form = ig_layout_find(format);
  uint32_t units, odd;
  if (!form) return ig_error(diags, name, "no kernels for weights in %s; quantise the model to another format", format);
  const int64_t cols = ig_dim(w, ig_rank(w) - 1);
  if (!ig_units(form, (uint64_t)cols, &units, &odd))
    return ig_error(diags, name, "rows of %lld values do not fit the layout %s of %s, which takes multiples of %u", (long long)cols, layout, format,
                    form->odd_values ? form->odd_values : form->unit_values);
  ig_weight_set_layout(weight, layout);
  return true;
}

bool ig_pass_layout(ig_module module, const ig_pass_options *options, ig_diags *diags) {
  if (!options->layout) return ig_error(diags, "layout", "no layout was chosen");
  ig_arena arena = {0};
  bool good = true; /* functions hold the same weights: after one with problems the others would repeat them */
  for (ig_op f = ig_function_next(module, (ig_op){0}); f.handle && good; f = ig_function_next(module, f))
    for (ig_op op = ig_first_op(f); op.handle; op = ig_next_op(op))
      if (ig_kind(op) == IG_OP_weight && ig_rank(ig_result(op, 0)) > 1) good &= give(op, options->layout, &arena, diags);
  ig_arena_finish(&arena);
  return good;
}
