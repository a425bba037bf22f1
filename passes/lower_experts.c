/* The steps of a mixture of experts: of one token, of many. */
#include "passes/lower_state.h"

#include <math.h>

typedef struct mixture {
  uint32_t scores, experts, used;
  uint32_t x[2];                   /* as gate and up take it */
  uint32_t gate, up, down, gate_bias, up_bias, down_bias; /* weights; NONE: no bias */
  uint32_t glu[3];                 /* alpha, limit, shift */
} mixture;

static uint32_t choices(lowering *l, const mixture *m) {
  uint32_t y = low_rows(l, ig_format(l->arena, "%s.choices", l->plan->weight[m->gate].name), 128);
  low_emit(l, low_kernel(l->plan, IG_ROUTE, NULL, IG_ACT_F32), OPERANDS(low_at(l, m->scores), low_at(l, y)),
           DIMS(m->experts, m->used, low_width16(l, m->scores)));
  return y;
}

/* The product of all experts; `groups`: choices or starts; `made`: into this buffer adding with the weights of `slots`, or NONE: a row for each slot. */
static uint32_t experts_linear(lowering *l, const mixture *m, uint32_t x, uint32_t groups, uint32_t slots, uint32_t w_index, uint32_t bias, uint32_t made) {
  const ig_packed_weight *w = &l->plan->weight[w_index];
  uint32_t units, odd, y = made;
  bool many = l->tokens > 1, sums = made != NONE;
  ig_units(w->layout, w->cols, &units, &odd);
  if (!sums) y = low_rows(l, w->name, (uint64_t)low_tiles(w) * 64 * m->used);
  uint32_t kernel = low_kernel(l->plan,
                               sums       ? (many ? IG_EXPERTS_SUM_GEMM : IG_EXPERTS_SUM_GEMV)
                                   : many ? IG_EXPERTS_GEMM
                                          : IG_EXPERTS_GEMV,
                               w->layout, IG_ACT_F32);
  ig_plan_operand operands[] = {
    low_at(l, x), low_at(l, groups), low_packed(w_index), low_at(l, y), low_packed(bias != NONE ? bias : w_index), low_at(l, many && sums ? slots : x)};
  low_emit(l, kernel, many && sums ? 6 : 5, operands, DIMS(units, odd, low_tiles(w), m->experts, bias != NONE, m->used));
  return y;
}

/* A product's rows for the next one: gated, and quantised where it asks. In decode into buffers of their own, so that every worker may do it for itself. */
static uint32_t gated(lowering *l, const mixture *m, uint32_t gate, uint32_t up) {
  const ig_packed_weight *g = &l->plan->weight[m->gate], *down = &l->plan->weight[m->down];
  const uint32_t n16 = low_tiles(g) * m->used;
  uint32_t h = l->tokens > 1 ? gate : low_rows(l, ig_format(l->arena, "%s.product", g->name), (uint64_t)n16 * 64);
  low_emit(l, low_kernel(l->plan, IG_EXPERTS_GLU, NULL, IG_ACT_F32), OPERANDS(low_at(l, h), low_at(l, gate), low_at(l, up)),
           DIMS(n16, m->glu[0], m->glu[1], m->glu[2]));
  ig_activation activation = down->layout->activation;
  if (activation == IG_ACT_F32) return h;
  uint32_t y = low_rows(l, ig_format(l->arena, "%s.x", down->name), ig_activation_bytes(activation, down->cols) * m->used);
  low_emit(l, low_kernel(l->plan, IG_QUANT, NULL, activation), OPERANDS(low_at(l, h), low_at(l, y)), DIMS(low_blocks(activation, down->cols) * m->used));
  return y;
}

/* One token. The choice is made twice: each time it rides with another step, where a step of its own would be a meeting more. */
static void mixture_of_one(lowering *l, const mixture *m, uint32_t y) {
  uint32_t first = choices(l, m);
  uint32_t gate = experts_linear(l, m, m->x[0], first, NONE, m->gate, m->gate_bias, NONE),
           up = experts_linear(l, m, m->x[1], first, NONE, m->up, m->up_bias, NONE);
  uint32_t second = choices(l, m);
  experts_linear(l, m, gated(l, m, gate, up), second, NONE, m->down, m->down_bias, y);
}

static uint32_t gather(lowering *l, const mixture *m, uint32_t x, uint32_t slots) {
  const ig_buffer *from = &l->plan->buffer[x];
  uint64_t row_bytes = from->row_bytes;
  uint32_t y = low_rows(l, ig_format(l->arena, "%s.slots", from->name), row_bytes * m->used);
  low_emit(l, low_kernel(l->plan, IG_GATHER, NULL, IG_ACT_F32), OPERANDS(low_at(l, x), low_at(l, slots), low_at(l, y)),
           DIMS(m->used, (uint32_t)(row_bytes / 8)));
  return y;
}

/* Many tokens: their choices are sorted by expert, so that each expert's weights are read once for all that chose it. */
static void mixture_of_many(lowering *l, const mixture *m, uint32_t y) {
  const char *name = l->plan->weight[m->gate].name;
  uint32_t chosen = choices(l, m), starts = low_buffer(l->plan, ig_format(l->arena, "%s.starts", name), 0, 4 * (uint64_t)m->experts + 4, (uint32_t)l->kind);
  uint32_t slots = low_rows(l, ig_format(l->arena, "%s.rows", name), 8 * (uint64_t)m->used),
           slot_of = low_rows(l, ig_format(l->arena, "%s.slots", name), 4 * (uint64_t)m->used);
  low_emit(l, low_kernel(l->plan, IG_GROUP, NULL, IG_ACT_F32), OPERANDS(low_at(l, chosen), low_at(l, starts), low_at(l, slots), low_at(l, slot_of)),
           DIMS(m->experts, m->used));
  uint32_t x = gather(l, m, m->x[0], slot_of), other = m->x[1] == m->x[0] ? x : gather(l, m, m->x[1], slot_of);
  uint32_t gate = experts_linear(l, m, x, starts, NONE, m->gate, m->gate_bias, NONE), up = experts_linear(l, m, other, starts, NONE, m->up, m->up_bias, NONE);
  experts_linear(l, m, gated(l, m, gate, up), starts, slots, m->down, m->down_bias, y);
}

bool low_experts(lowering *l, ig_op op) {
  uint32_t x, y, gain = NONE;
  mixture m = {.experts = (uint32_t)ig_dim(ig_operand_role(op, IG_EXPERTS_SCORES), 1), .used = (uint32_t)ig_attr_int(op, "used")};
  ig_value residual = ig_operand_role(op, IG_EXPERTS_RESIDUAL), gain_value = ig_operand_role(op, IG_EXPERTS_GAIN);
  if (!low_use(l, op, ig_operand_role(op, IG_EXPERTS_X), &x) || !low_use(l, op, ig_operand_role(op, IG_EXPERTS_SCORES), &m.scores) ||
      !low_use(l, op, residual, &y))
    return false;
  uint32_t *weights[] = {&m.gate, &m.up, &m.down}, *biases[] = {&m.gate_bias, &m.up_bias, &m.down_bias};
  for (int i = 0; i < 3; i++) {
    ig_value bias = ig_operand_role(op, (int)IG_EXPERTS_GATE_BIAS + i);
    *biases[i] = NONE;
    if ((*weights[i] = low_weight(l, ig_operand_role(op, (int)IG_EXPERTS_GATE + i), IG_WEIGHT_TILES)) == NONE) return false;
    if (bias.handle && (*biases[i] = low_weight(l, bias, IG_WEIGHT_VECTOR)) == NONE) return false;
  }
  if (gain_value.handle && (gain = low_weight(l, gain_value, IG_WEIGHT_VECTOR)) == NONE) return false;
  bool clamped = ig_has_attr(op, "alpha");
  m.glu[0] = ig_f32_bits(clamped ? (float)ig_attr_float(op, "alpha") : 1);
  m.glu[1] = ig_f32_bits(clamped ? (float)ig_attr_float(op, "limit") : INFINITY);
  m.glu[2] = ig_f32_bits(clamped);
  if (!low_may_add(l, op, residual, y == x && gain == NONE)) return false;
  const float eps = gain == NONE ? 0 : (float)ig_attr_float(op, "eps");
  for (int i = 0; i < 2; i++) m.x[i] = low_activation(l, x, gain, eps, &l->plan->weight[i ? m.up : m.gate], IG_ACT_F32);
  (l->tokens > 1 ? mixture_of_many : mixture_of_one)(l, &m, y);
  low_written(l, y);
  low_bind(l, ig_result(op, 0), y, (ig_op){0});
  return true;
}
