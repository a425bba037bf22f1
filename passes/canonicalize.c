/* Equal ops become one (weights above all: a tied embedding is one weight with two uses), and add and mul take their operands in one order, so that
 * later passes look for one form:
 *   mul: silu(gate) or gelu(gate) first · otherwise the value made earlier first (for an add in a block: the residual). */
#include "passes/pipeline.h"

typedef struct seen {
  ig_op *ops;
  size_t count, capacity;
} seen;

static bool is_gate(ig_op op) { return ig_kind(op) == IG_OP_silu || ig_kind(op) == IG_OP_gelu; }

/* Arguments come before all ops, operands' order does not change bits: a + b == b + a, a * b == b * a. */
static bool swapped(ig_op op) {
  ig_op a = ig_defining_op(ig_operand(op, 0)), b = ig_defining_op(ig_operand(op, 1));
  if (!a.handle || !b.handle) return a.handle && !b.handle;
  if (ig_kind(op) == IG_OP_mul) {
    bool first = is_gate(a), second = is_gate(b);
    if (first != second) return second;
  }
  return a.handle != b.handle && ig_is_before(b, a);
}

static void function(ig_op f) {
  ig_arena arena = {0};
  seen by_kind[IG_OP_COUNT] = {{0}};
  for (ig_op op = ig_first_op(f), next; op.handle; op = next) {
    next = ig_next_op(op);
    ig_op_kind kind = ig_kind(op);
    if (ig_has_effect(kind)) continue;
    if ((kind == IG_OP_add || kind == IG_OP_mul) && swapped(op)) ig_swap_operands(op);
    seen *s = &by_kind[kind];
    size_t i = 0;
    while (i < s->count && !ig_same_op(s->ops[i], op)) i++;
    if (i < s->count) {
      for (int r = 0; r < ig_result_count(op); r++) ig_replace_uses(ig_result(op, r), ig_result(s->ops[i], r));
      ig_erase(op);
    } else {
      s->ops = ig_grow(&arena, s->ops, s->count, &s->capacity, sizeof *s->ops);
      s->ops[s->count++] = op;
    }
  }
  ig_arena_finish(&arena);
}

bool ig_pass_canonicalize(ig_module module, const ig_pass_options *options, ig_diags *diags) {
  (void)options, (void)diags;
  for (ig_op f = ig_function_next(module, (ig_op){0}); f.handle; f = ig_function_next(module, f)) function(f);
  return true;
}
