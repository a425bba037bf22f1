/* Op by op: what each reads, which steps it becomes, where its result lies. */
#include "passes/lower_state.h"

#include <assert.h>
#include <math.h>
#include <string.h>

static const char *const functions[IG_PHASES] = {"prefill", "decode", "head", "head_rows"};

static bound *find(lowering *l, ig_value value) {
  for (size_t i = l->n_bound; i-- > 0;)
    if (ig_same(l->bound[i].value, value)) return &l->bound[i];
  return NULL;
}

void low_bind(lowering *l, ig_value value, uint32_t buffer, ig_op pending) {
  l->bound = ig_grow(l->arena, l->bound, l->n_bound, &l->bound_capacity, sizeof *l->bound);
  l->bound[l->n_bound++] = (bound){value, buffer, pending};
}

bool low_fail(lowering *l, ig_op op, const char *why) {
  return ig_error(l->diags, ig_location(op, l->arena), "ig.%s in @%s %s", ig_op_name(ig_kind(op)), functions[l->kind], why);
}

bool low_use(lowering *l, ig_op op, ig_value value, uint32_t *buffer) {
  const bound *b = find(l, value);
  if (!b) return low_fail(l, op, "uses a value that no op before it has made");
  if (b->pending.handle) return low_fail(l, op, "takes the result of a rope, silu or gelu, which only attention and the gate's product can");
  *buffer = b->buffer;
  return true;
}

bool low_may_add(lowering *l, ig_op op, ig_value residual, bool reads) {
  if (ig_use_count(residual) > 1 && reads) return low_fail(l, op, "adds to a value that it also reads");
  for (ig_op next = ig_next_op(op); next.handle; next = ig_next_op(next))
    for (int i = 0; i < ig_operand_count(next); i++)
      if (ig_same(ig_operand(next, i), residual)) return low_fail(l, op, "adds to a value that is read again later");
  return true;
}

static bool lower_fused_linear(lowering *l, ig_op op) {
  static const int roles[] = {IG_ROLE_W0, IG_ROLE_W1, IG_ROLE_W2};
  static const int biases[] = {IG_ROLE_B0, IG_ROLE_B1, IG_ROLE_B2};
  uint32_t x, gain = NONE, w[3], in[3], bias[3] = {NONE, NONE, NONE}, n = 0;
  float eps = 0;
  if (!low_use(l, op, ig_operand_role(op, IG_ROLE_X), &x)) return false;
  ig_value gain_value = ig_operand_role(op, IG_ROLE_GAIN), residual = ig_operand_role(op, IG_ROLE_RESIDUAL);
  if (gain_value.handle) {
    if ((gain = low_weight(l, gain_value, IG_WEIGHT_VECTOR)) == NONE) return false;
    eps = (float)ig_attr_float(op, "eps");
  }
  for (int i = 0; i < 3; i++) {
    ig_value value = ig_operand_role(op, roles[i]);
    if (!value.handle) continue;
    ig_value b = ig_operand_role(op, biases[i]);
    if (b.handle && (bias[n] = low_weight(l, b, IG_WEIGHT_VECTOR)) == NONE) return false;
    w[n] = low_weight(l, value, IG_WEIGHT_TILES);
    if (w[n++] == NONE) return false;
  }
  for (uint32_t i = 0; i < n; i++) in[i] = low_activation(l, x, gain, eps, &l->plan->weight[w[i]], low_digits(op, &l->plan->weight[w[i]]));
  const char *epilogue = ig_attr_string(op, "epilogue", l->arena);
  if (epilogue && *epilogue == 'g') { /* glu, geglu */
    if (n != 2) return low_fail(l, op, "has the epilogue of a gate but not two weights");
    low_bind(l, ig_result(op, 0), low_gate_up(l, op, in, w[0], w[1], !strcmp(epilogue, "geglu")), (ig_op){0});
    return true;
  }
  uint32_t y = NONE;
  if (residual.handle) {
    if (!low_use(l, op, residual, &y)) return false;
    if (!low_may_add(l, op, residual, y == x)) return false;
  }
  for (uint32_t i = 0; i < n; i++)
    low_bind(l, ig_result(op, (int)i), low_linear(l, in[i], w[i], low_digits(op, &l->plan->weight[w[i]]), bias[i], y, y != NONE), (ig_op){0});
  if (y != NONE) low_written(l, y);
  return true;
}

/* `q` or `k`: the buffer, and the table of the rope that waited, or none. */
static bool take_rope(lowering *l, ig_op op, ig_value value, uint32_t *buffer, ig_value *table) {
  bound *b = find(l, value);
  *table = (ig_value){0};
  if (!b || !b->pending.handle || ig_kind(b->pending) != IG_OP_rope) return low_use(l, op, value, buffer);
  *buffer = b->buffer;
  *table = ig_operand(b->pending, 2);
  return true;
}

static bool lower_attention(lowering *l, ig_op op) {
  uint32_t q, k, v;
  ig_value table, other;
  if (!low_use(l, op, ig_operand(op, 2), &v) || !take_rope(l, op, ig_operand(op, 0), &q, &table) || !take_rope(l, op, ig_operand(op, 1), &k, &other))
    return false;
  if (!ig_same(table, other)) return low_fail(l, op, "has no kernel unless its q and k come from ropes of one table, or both from none");
  if (ig_kind(op) == IG_OP_rope_attention && table.handle) return low_fail(l, op, "turns q and k that a rope has turned already");
  if (ig_kind(op) == IG_OP_rope_attention) table = ig_operand(op, 4);
  int at = ig_kind(op) == IG_OP_rope_attention ? 5 : 4;
  uint32_t sinks = NONE;
  if (ig_operand_count(op) > at && (sinks = low_weight(l, ig_operand(op, at), IG_WEIGHT_VECTOR)) == NONE) return false;
  low_bind(l, ig_result(op, 0), low_attention(l, op, q, k, v, table, sinks), (ig_op){0});
  return true;
}

static bool lower_rms_norm(lowering *l, ig_op op) {
  uint32_t x, y, w;
  if (!low_use(l, op, ig_operand(op, 0), &x)) return false;
  if ((w = low_weight(l, ig_operand(op, 1), IG_WEIGHT_VECTOR)) == NONE) return false;
  const ig_packed_weight *gain = &l->plan->weight[w];
  uint32_t n = (uint32_t)gain->cols, pieces = (uint32_t)((uint64_t)ig_dim(ig_operand(op, 0), 1) / n);
  float eps = (float)ig_attr_float(op, "eps");
  if (pieces > 1 && n % 16) return low_fail(l, op, "normalises pieces that are no multiple of 16 values, for which there is no kernel");
  if (ig_operand_count(op) == 2) {
    low_bind(l, ig_result(op, 0), low_norm(l, x, w, pieces, eps, IG_ACT_F32), (ig_op){0});
    return true;
  }
  if (!low_use(l, op, ig_operand(op, 2), &y) || !low_may_add(l, op, ig_operand(op, 2), y == x)) return false;
  low_emit(l, low_kernel(l->plan, IG_NORM_ADD, NULL, IG_ACT_F32), OPERANDS(low_at(l, x), low_packed(w), low_at(l, y)),
           DIMS(low_blocks(IG_ACT_F32, n), n, ig_f32_bits(eps), pieces));
  low_written(l, y);
  low_bind(l, ig_result(op, 0), y, (ig_op){0});
  return true;
}

/* Works in place. */
static bool lower_point(lowering *l, ig_op op) {
  uint32_t x;
  bool scale = ig_kind(op) == IG_OP_scale;
  if (!low_use(l, op, ig_operand(op, 0), &x)) return false;
  if (ig_use_count(ig_operand(op, 0)) > 1) return low_fail(l, op, "works in place, but the value before it is used elsewhere too");
  low_emit(l, low_kernel(l->plan, scale ? IG_SCALE : IG_SOFTCAP, NULL, IG_ACT_F32), OPERANDS(low_at(l, x)),
           DIMS(low_width16(l, x), ig_f32_bits((float)ig_attr_float(op, scale ? "factor" : "cap"))));
  low_written(l, x);
  low_bind(l, ig_result(op, 0), x, (ig_op){0});
  return true;
}

static bool lower_op(lowering *l, ig_op op) {
  uint32_t x, w;
  ig_program_plan *p = l->plan;
  switch (ig_kind(op)) {
  case IG_OP_weight:
  case IG_OP_rope_table: return true; /* their users fetch them */
  case IG_OP_embed: {
    if (!low_use(l, op, ig_operand(op, 0), &x)) return false;
    if ((w = low_weight(l, ig_operand(op, 1), IG_WEIGHT_TILES)) == NONE) return false;
    const ig_packed_weight *table = &p->weight[w];
    uint32_t units, odd;
    ig_units(table->layout, table->cols, &units, &odd);
    low_emit(l, low_kernel(p, IG_EMBED, table->layout, IG_ACT_F32), OPERANDS(low_at(l, x), low_packed(w), low_at(l, p->hidden)),
             DIMS(units, odd, low_tiles(table)));
    low_bind(l, ig_result(op, 0), p->hidden, (ig_op){0});
    return true;
  }
  case IG_OP_rms_norm: return lower_rms_norm(l, op);
  case IG_OP_linear:
    if (!low_use(l, op, ig_operand(op, 0), &x) || (w = low_weight(l, ig_operand(op, 1), IG_WEIGHT_TILES)) == NONE) return false;
    uint32_t bias = NONE;
    if (ig_operand_count(op) > 2 && (bias = low_weight(l, ig_operand(op, 2), IG_WEIGHT_VECTOR)) == NONE) return false;
    ig_activation digits = low_digits(op, &p->weight[w]);
    low_bind(l, ig_result(op, 0), low_linear(l, low_activation(l, x, NONE, 0, &p->weight[w], digits), w, digits, bias, NONE, 0), (ig_op){0});
    return true;
  case IG_OP_fused_linear: return lower_fused_linear(l, op);
  case IG_OP_experts: return low_experts(l, op);
  case IG_OP_attention:
  case IG_OP_rope_attention: return lower_attention(l, op);
  case IG_OP_scale:
  case IG_OP_softcap: return lower_point(l, op);
  case IG_OP_rope:
  case IG_OP_silu:
  case IG_OP_gelu: /* their kernels work in place, so the value before must have no other reader */
    if (!low_use(l, op, ig_operand(op, 0), &x)) return false;
    if (ig_use_count(ig_operand(op, 0)) > 1) return low_fail(l, op, "works in place, but the value before it is used elsewhere too");
    low_bind(l, ig_result(op, 0), x, op);
    return true;
  case IG_OP_mul: {
    const bound *gate = find(l, ig_operand(op, 0));
    bool second = !gate || !gate->pending.handle;
    if (second) gate = find(l, ig_operand(op, 1));
    if (!gate || !gate->pending.handle || ig_kind(gate->pending) == IG_OP_rope)
      return low_fail(l, op, "has no kernel unless one of its operands is a silu or gelu");
    uint32_t y = gate->buffer;
    bool gelu = ig_kind(gate->pending) == IG_OP_gelu;
    if (!low_use(l, op, ig_operand(op, !second), &x)) return false;
    low_gate_product(l, y, x, gelu);
    low_bind(l, ig_result(op, 0), y, (ig_op){0});
    return true;
  }
  default: return low_fail(l, op, "has no kernel: the pass fuse should have joined it to a linear");
  }
}

static bool lower_phase(ig_program_plan *plan, ig_module module, ig_phase_kind kind, ig_diags *diags) {
  lowering l = {.plan = plan, .arena = plan->arena, .diags = diags, .kind = kind, .tokens = plan->phase[kind].max_tokens};
  ig_op function = ig_function_find(module, functions[kind]);
  if (!function.handle) return ig_error(diags, "lower", "the graph has no function @%s; run the pass split first", functions[kind]);
  bool head = kind >= IG_PHASE_HEAD, ok = true;
  low_bind(&l, ig_function_argument(function, 0), head ? plan->hidden : plan->tokens, (ig_op){0});
  for (ig_op op = ig_first_op(function); op.handle; op = ig_next_op(op)) ok &= lower_op(&l, op);
  if (!ok) return false;
  const bound *result = find(&l, ig_function_result(function));
  uint32_t want = head ? plan->logits : plan->hidden;
  if (!result || result->pending.handle) return ig_error(diags, "lower", "@%s returns what it does not make", functions[kind]);
  if (result->buffer == want) return true;
  const ig_buffer *from = &plan->buffer[result->buffer], *to = &plan->buffer[want];
  if (!head || from->row_bytes != to->row_bytes)
    return ig_error(diags, "lower", "@%s does not end in the %s", functions[kind], head ? "logits of the vocabulary" : "rows that the embedding began");
  for (size_t s = 0; s < plan->phase[kind].n_steps; s++) { /* the head's last linear writes the logits */
    ig_plan_part *part = plan->phase[kind].step[s].part;
    for (uint32_t i = 0; i < part->n_operands; i++)
      if (part->operand[i].place == INGOT_PLACE_ARENA && part->operand[i].index == result->buffer) part->operand[i].index = want;
  }
  return true;
}

/* Sizes of the buffers that outlive a phase, from the graph's own shapes. */
static bool shared_buffers(ig_program_plan *plan, ig_module module, ig_diags *diags) {
  ig_op decode = ig_function_find(module, "decode"), head = ig_function_find(module, "head");
  if (!decode.handle || !head.handle) return ig_error(diags, "lower", "the graph has no @decode and @head; run the pass split first");
  ig_value hidden = ig_function_result(decode), logits = ig_function_result(head);
  int64_t n_embd = ig_dim(hidden, 1), n_vocab = ig_dim(logits, 1);
  if (n_embd < 1 || n_vocab < 1 || n_embd > INT32_MAX / 8 || n_vocab > INT32_MAX / 8)
    return ig_error(diags, "lower", "the width of the model or its vocabulary is out of range");
  uint64_t hidden_row = ig_ceil_div((uint64_t)n_embd, 16) * 64, logits_row = ig_ceil_div((uint64_t)n_vocab, 16) * 64;
  uint64_t slice = (UINT64_C(1) << 20) / logits_row, most = plan->chunk < 16 ? plan->chunk : 16;
  slice = slice < 1 ? 1 : slice > most ? most : slice;
  plan->phase[IG_PHASE_PREFILL].max_tokens = plan->chunk;
  plan->phase[IG_PHASE_DECODE].max_tokens = plan->phase[IG_PHASE_HEAD].max_tokens = 1;
  plan->phase[IG_PHASE_HEAD_ROWS].max_tokens = (uint32_t)slice;
  plan->tokens = low_buffer(plan, "tokens", 4, (uint64_t)4 * plan->chunk, IG_PHASES);
  plan->hidden = low_buffer(plan, "hidden", hidden_row, hidden_row * plan->chunk, IG_PHASES);
  plan->logits = low_buffer(plan, "logits", logits_row, logits_row * slice, IG_PHASES);
  return true;
}

bool ig_lower(ig_module module, const ig_lower_options *options, ig_arena *arena, ig_program_plan *plan, ig_diags *diags) {
  assert(options->n_context % INGOT_KV_BLOCK == 0 && options->n_context && options->chunk);
  plan->arena = arena;
  plan->n_context = options->n_context;
  plan->chunk = options->chunk;
  if (!shared_buffers(plan, module, diags)) return false;
  /* Decode first: the weights file follows the order in which a token reads it. */
  static const ig_phase_kind order[IG_PHASES] = {IG_PHASE_DECODE, IG_PHASE_HEAD, IG_PHASE_PREFILL, IG_PHASE_HEAD_ROWS};
  bool ok = true;
  for (int i = 0; i < IG_PHASES; i++) ok &= lower_phase(plan, module, order[i], diags);
  return ok;
}

bool ig_make_plan(ig_module module, const ig_lower_options *options, ig_arena *arena, ig_program_plan *plan, ig_diags *diags) {
  if (!ig_lower(module, options, arena, plan, diags)) return false;
  ig_order_steps(plan);
  return ig_plan_memory(plan, diags) && ig_check_plan(plan, diags);
}
