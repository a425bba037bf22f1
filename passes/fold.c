/* What constants decide at compile time. The graph's only constants (weights stay on disk) are rope's frequencies: a pair whose frequency is 0 is
 * turned by nothing at every position, so
 *   a table of neighbours loses its last pairs as long as they are 0 (partial rotary embeddings written out in full; of halves the number of pairs says
 *   which channels belong together),
 *   a rope over a table of zeros alone is its operand (layers without positions).
 * A magnitude other than 1 is no rotation: such tables stay. */
#include "passes/pipeline.h"

/* Pairs up to the last that turns or stretches. */
static size_t turning_pairs(ig_op table, ig_arena *arena, int64_t **turns) {
  size_t n = ig_attr_ints(table, "frequencies", arena, turns);
  if (ig_has_attr(table, "magnitude") && ig_attr_float(table, "magnitude") != 1) return n;
  while (n && !(*turns)[n - 1]) n--;
  return n;
}

static void shorten(ig_module module, ig_op f, ig_op table, ig_arena *arena) {
  int64_t *turns;
  size_t n = turning_pairs(table, arena, &turns);
  if (!n || n == (size_t)ig_dim(ig_result(table, 0), 0) || (ig_has_attr(table, "halves") && ig_attr_int(table, "halves"))) return;
  ig_builder b = {module, f, table, ig_location(table, arena)};
  ig_replace_uses(ig_result(table, 0), ig_build_rope_table(&b, (const uint64_t *)turns, n));
  ig_erase(table);
}

bool ig_pass_fold(ig_module module, const ig_pass_options *options, ig_diags *diags) {
  (void)options, (void)diags;
  ig_arena arena = {0};
  for (ig_op f = ig_function_next(module, (ig_op){0}); f.handle; f = ig_function_next(module, f))
    for (ig_op op = ig_first_op(f), next; op.handle; op = next) {
      next = ig_next_op(op);
      int64_t *turns;
      if (ig_kind(op) == IG_OP_rope && !turning_pairs(ig_defining_op(ig_operand(op, 2)), &arena, &turns)) {
        ig_replace_uses(ig_result(op, 0), ig_operand(op, 0));
        ig_erase(op);
      } else if (ig_kind(op) == IG_OP_rope_table) {
        shorten(module, f, op, &arena);
      }
    }
  ig_arena_finish(&arena);
  return true;
}
