/* Fusion: what a step of the plan computes becomes one op. In this order, each where it stands in the function:
 *   mul(silu(linear(x, gate)), linear(x, up))     -> fused_linear(x; gate, up) epilogue "glu"; of a gelu "geglu"
 *   add(r, linear(x, w, [bias]))                  -> fused_linear(x; w; r; [bias]) epilogue "add"
 *   add(r, rms_norm(x, gain))                     -> rms_norm(x, gain, r)
 *   linears of one x, up to three                 -> fused_linear(x; w0, w1, w2; [biases]) epilogue "none"
 *   fused_linear(rms_norm(h, gain), ...)          -> fused_linear(h, gain, ...)
 *   experts(r, rms_norm(h, gain), ...)            -> experts(r, h, ..., gain)
 *   attention(rope(q), rope(k), v)                -> rope_attention(q, k, v)
 * A schedule may leave the first, and norms, apart (no bit of the result depends on it). An inner value that something else uses too stays
 * where it is. After this pass no ig.linear is left. Weights of one fused_linear may differ in format, and so in the activation they take: lowering makes a part of each. */
#include <string.h>

#include "passes/pipeline.h"
#include "passes/schedule.h"

typedef struct fuser {
  ig_module module;
  ig_op function;
  ig_arena *arena;
} fuser;

static ig_builder at(const fuser *f, ig_op op, ig_op named) { return (ig_builder){f->module, f->function, op, ig_location(named, f->arena)}; }

/* The op of this kind that makes the value and whose only use it is; else handle NULL. */
static ig_op sole(ig_value value, ig_op_kind kind) {
  ig_op op = ig_defining_op(value);
  return op.handle && ig_kind(op) == kind && ig_use_count(value) == 1 ? op : (ig_op){0};
}

static ig_value bias_of(ig_op linear) { return ig_operand_count(linear) > 2 ? ig_operand(linear, 2) : (ig_value){0}; }

/* Replaces `op`, and what only it used, by a value made before it. */
static void replace(ig_op op, ig_value with) {
  ig_replace_uses(ig_result(op, 0), with);
  ig_erase(op);
}

static int64_t digits(ig_op product) { return ig_has_attr(product, "digits") ? ig_attr_int(product, "digits") : 1; }
static void set_digits(ig_op fused, int64_t n) {
  if (n > 1) ig_set_attr_int(fused, "digits", n);
}

static ig_op glu(const fuser *f, ig_op mul) {
  ig_op silu = sole(ig_operand(mul, 0), IG_OP_silu), gelu = sole(ig_operand(mul, 0), IG_OP_gelu), up = sole(ig_operand(mul, 1), IG_OP_linear);
  ig_op curve = silu.handle ? silu : gelu, gate = curve.handle ? sole(ig_operand(curve, 0), IG_OP_linear) : (ig_op){0};
  if (!gate.handle || !up.handle || bias_of(gate).handle || bias_of(up).handle || !ig_same(ig_operand(gate, 0), ig_operand(up, 0)) ||
      digits(gate) != digits(up))
    return mul;
  ig_builder b = at(f, mul, gate);
  ig_value w[] = {ig_operand(gate, 1), ig_operand(up, 1), {0}};
  ig_op fused = ig_build_fused_linear(&b, ig_operand(gate, 0), (ig_value){0}, w, NULL, (ig_value){0}, 0, silu.handle ? "glu" : "geglu");
  set_digits(fused, digits(gate));
  replace(mul, ig_result(fused, 0));
  ig_erase(curve), ig_erase(gate), ig_erase(up);
  return fused;
}

static ig_op residual(const fuser *f, ig_op add) {
  for (int i = 1; i >= 0; i--) { /* canonicalize puts the residual first */
    ig_op linear = sole(ig_operand(add, i), IG_OP_linear), norm = sole(ig_operand(add, i), IG_OP_rms_norm);
    if (norm.handle && ig_operand_count(norm) == 2) {
      ig_builder b = at(f, add, norm);
      ig_value sum = ig_build_norm_add(&b, ig_operand(norm, 0), ig_operand(norm, 1), ig_operand(add, 1 - i), (float)ig_attr_float(norm, "eps"));
      replace(add, sum);
      ig_erase(norm);
      return ig_defining_op(sum);
    }
    if (!linear.handle) continue;
    ig_builder b = at(f, add, linear);
    ig_value w[3] = {ig_operand(linear, 1)}, bias[3] = {bias_of(linear)};
    ig_op fused = ig_build_fused_linear(&b, ig_operand(linear, 0), (ig_value){0}, w, bias, ig_operand(add, 1 - i), 0, "add");
    replace(add, ig_result(fused, 0));
    set_digits(fused, digits(linear));
    ig_erase(linear);
    return fused;
  }
  return add;
}

static ig_op siblings(const fuser *f, ig_op first) {
  ig_op group[3] = {first};
  int n = 1;
  for (ig_op op = ig_next_op(first); op.handle && n < 3; op = ig_next_op(op))
    if (ig_kind(op) == IG_OP_linear && ig_same(ig_operand(op, 0), ig_operand(first, 0)) && digits(op) == digits(first)) group[n++] = op;
  ig_value w[3] = {{0}}, bias[3] = {{0}};
  for (int i = 0; i < n; i++) {
    w[i] = ig_operand(group[i], 1), bias[i] = bias_of(group[i]);
    ig_op weights[] = {ig_defining_op(w[i]), bias[i].handle ? ig_defining_op(bias[i]) : ig_defining_op(w[i])};
    for (int k = 0; k < 2; k++) /* they have no operands: they may go up to their first use */
      if (ig_is_before(first, weights[k])) ig_move_before(weights[k], first);
  }
  ig_builder b = at(f, first, first);
  ig_op fused = ig_build_fused_linear(&b, ig_operand(first, 0), (ig_value){0}, w, bias, (ig_value){0}, 0, "none");
  set_digits(fused, digits(first));
  for (int i = 0; i < n; i++) replace(group[i], ig_result(fused, i));
  return fused;
}

static ig_op prologue(const fuser *f, ig_op linear) {
  ig_op norm = ig_defining_op(ig_operand_role(linear, IG_ROLE_X));
  if (!norm.handle || ig_kind(norm) != IG_OP_rms_norm || ig_operand_count(norm) != 2 || ig_operand_role(linear, IG_ROLE_GAIN).handle) return linear;
  if (ig_dim(ig_operand(norm, 1), 0) != ig_dim(ig_operand(norm, 0), 1)) return linear; /* by pieces */
  ig_builder b = at(f, linear, linear);
  ig_value w[3] = {ig_operand_role(linear, IG_ROLE_W0), ig_operand_role(linear, IG_ROLE_W1), ig_operand_role(linear, IG_ROLE_W2)};
  ig_value bias[3] = {ig_operand_role(linear, IG_ROLE_B0), ig_operand_role(linear, IG_ROLE_B1), ig_operand_role(linear, IG_ROLE_B2)};
  ig_op fused = ig_build_fused_linear(&b, ig_operand(norm, 0), ig_operand(norm, 1), w, bias, ig_operand_role(linear, IG_ROLE_RESIDUAL),
                                      (float)ig_attr_float(norm, "eps"), ig_attr_string(linear, "epilogue", f->arena));
  set_digits(fused, digits(linear));
  for (int i = 0; i < ig_result_count(fused); i++) ig_replace_uses(ig_result(linear, i), ig_result(fused, i));
  ig_erase(linear);
  return fused;
}

static ig_op experts_prologue(const fuser *f, ig_op experts) {
  ig_op norm = ig_defining_op(ig_operand_role(experts, IG_EXPERTS_X));
  if (!norm.handle || ig_kind(norm) != IG_OP_rms_norm || ig_operand_count(norm) != 2 || ig_operand_role(experts, IG_EXPERTS_GAIN).handle) return experts;
  if (ig_dim(ig_operand(norm, 1), 0) != ig_dim(ig_operand(norm, 0), 1)) return experts; /* by pieces */
  ig_value v[IG_EXPERTS_ROLES];
  for (int i = 0; i < IG_EXPERTS_ROLES; i++) v[i] = ig_operand_role(experts, i);
  v[IG_EXPERTS_X] = ig_operand(norm, 0), v[IG_EXPERTS_GAIN] = ig_operand(norm, 1);
  bool clamped = ig_has_attr(experts, "alpha");
  ig_builder b = at(f, experts, experts);
  ig_op fused = ig_build_experts(&b, v, (uint32_t)ig_attr_int(experts, "used"), (float)ig_attr_float(norm, "eps"),
                                 clamped ? (float)ig_attr_float(experts, "alpha") : 0, clamped ? (float)ig_attr_float(experts, "limit") : 0);
  replace(experts, ig_result(fused, 0));
  return fused;
}

static ig_op attention(const fuser *f, ig_op op) {
  ig_op q = sole(ig_operand(op, 0), IG_OP_rope), k = sole(ig_operand(op, 1), IG_OP_rope);
  ig_value pos = ig_operand(op, 3);
  if (!q.handle || !k.handle || !ig_same(ig_operand(q, 1), pos) || !ig_same(ig_operand(k, 1), pos) || !ig_same(ig_operand(q, 2), ig_operand(k, 2)) ||
      ig_attr_int(q, "head_dim") != ig_attr_int(op, "head_dim") || ig_attr_int(k, "head_dim") != ig_attr_int(op, "head_dim"))
    return op;
  ig_builder b = at(f, op, op);
  ig_value y = ig_build_rope_attention(&b, ig_operand(q, 0), ig_operand(k, 0), ig_operand(op, 2), pos, ig_operand(q, 2), op);
  replace(op, y);
  ig_erase(q), ig_erase(k);
  return ig_defining_op(y);
}

/* A rule returns the op that now stands where its op stood: the walk goes on after it. */
static const struct {
  ig_op_kind kind;
  ig_op (*rule)(const fuser *f, ig_op op);
  uint32_t pattern;
} rules[] = {
  {IG_OP_mul, glu, 1u << IG_FUSE_GATE_UP},
  {IG_OP_add, residual, 0},
  {IG_OP_linear, siblings, 0},
  {IG_OP_fused_linear, prologue, 1u << IG_FUSE_NORM},
  {IG_OP_experts, experts_prologue, 1u << IG_FUSE_NORM},
  {IG_OP_attention, attention, 0},
};

/* Whether the schedule leaves the op as it is; the head's norm belongs to the head, where split cuts. */
static bool stays_apart(const fuser *f, ig_op op, uint32_t pattern, const ig_pass_options *options) {
  bool head = ig_same(ig_result(op, 0), ig_before_scaling(ig_function_result(f->function)));
  return (options->apart & pattern) && !(head && pattern == 1u << IG_FUSE_NORM);
}

bool ig_pass_fuse(ig_module module, const ig_pass_options *options, ig_diags *diags) {
  (void)diags;
  ig_arena arena = {0};
  for (ig_op function = ig_function_next(module, (ig_op){0}); function.handle; function = ig_function_next(module, function)) {
    fuser f = {module, function, &arena};
    for (size_t r = 0; r < sizeof rules / sizeof *rules; r++)
      for (ig_op op = ig_first_op(function); op.handle; op = ig_next_op(op))
        if (ig_kind(op) == rules[r].kind && !stays_apart(&f, op, rules[r].pattern, options)) op = rules[r].rule(&f, op);
    ig_erase_dead(function); /* norms that nothing reads any more */
  }
  ig_arena_finish(&arena);
  return true;
}
