/* Calls of kernels, a step each: norms, products, attention. */
#include "passes/lower_state.h"

#include <assert.h>
#include <string.h>

ig_plan_operand low_at(const lowering *l, uint32_t buffer) {
  bool head = l->kind == IG_PHASE_HEAD || l->kind == IG_PHASE_HEAD_ROWS;
  return (ig_plan_operand){INGOT_PLACE_ARENA, buffer, head && buffer == l->plan->hidden};
}
ig_plan_operand low_packed(uint32_t w) { return (ig_plan_operand){INGOT_PLACE_WEIGHTS, w, false}; }
ig_plan_operand low_kept(uint32_t c) { return (ig_plan_operand){INGOT_PLACE_KV, c, false}; }

void low_emit(lowering *l, uint32_t kernel, int n_operands, const ig_plan_operand *operands, int n_dims, const uint32_t *dims) {
  ig_plan_phase *phase = &l->plan->phase[l->kind];
  ig_plan_part *part = ig_alloc(l->arena, sizeof *part);
  part->kernel = kernel;
  part->n_operands = (uint32_t)n_operands;
  memcpy(part->operand, operands, (size_t)n_operands * sizeof *operands);
  part->n_dims = l->plan->kernel[kernel].info.n_dims - INGOT_DIM_STATIC;
  assert((uint32_t)n_dims >= part->n_dims); /* families that share a list of dims may leave out the last */
  memcpy(part->dim, dims, part->n_dims * sizeof *dims);
  phase->step = ig_grow(l->arena, phase->step, phase->n_steps, &phase->capacity, sizeof *phase->step);
  phase->step[phase->n_steps++] = (ig_plan_step){.part = part, .n_parts = 1};
}

static uint32_t version_of(lowering *l, uint32_t buffer) { return buffer < l->version_capacity ? l->version[buffer] : 0; }

void low_written(lowering *l, uint32_t buffer) {
  while (buffer >= l->version_capacity) l->version = ig_grow(l->arena, l->version, l->version_capacity, &l->version_capacity, sizeof *l->version);
  l->version[buffer]++;
}

static uint32_t find_derived(lowering *l, uint32_t source, uint32_t gain, ig_activation activation) {
  for (size_t i = 0; i < l->n_derived; i++) {
    const derived *d = &l->derived[i];
    if (d->source == source && d->gain == gain && d->activation == activation && d->version == version_of(l, source)) return d->made;
  }
  return NONE;
}

static uint32_t keep_derived(lowering *l, uint32_t source, uint32_t gain, ig_activation activation, uint32_t made) {
  l->derived = ig_grow(l->arena, l->derived, l->n_derived, &l->derived_capacity, sizeof *l->derived);
  l->derived[l->n_derived++] = (derived){source, version_of(l, source), gain, made, activation};
  return made;
}

uint32_t low_norm(lowering *l, uint32_t x, uint32_t gain, uint32_t pieces, float eps, ig_activation activation) {
  uint32_t known = find_derived(l, x, gain, activation);
  if (known != NONE) return known;
  const ig_packed_weight *g = &l->plan->weight[gain];
  uint32_t n = (uint32_t)g->cols, y = low_rows(l, g->name, ig_activation_bytes(activation, n) * pieces);
  low_emit(l, low_kernel(l->plan, IG_NORM, NULL, activation), OPERANDS(low_at(l, x), low_packed(gain), low_at(l, y)),
           DIMS(low_blocks(activation, n), n, ig_f32_bits(eps), pieces));
  return keep_derived(l, x, gain, activation, y);
}

ig_activation low_digits(ig_op op, const ig_packed_weight *w) {
  return ig_has_attr(op, "digits") && ig_attr_int(op, "digits") == 2 ? ig_two_digits(w->layout->activation) : IG_ACT_F32;
}

uint32_t low_activation(lowering *l, uint32_t x, uint32_t gain, float eps, const ig_packed_weight *w, ig_activation digits) {
  ig_activation activation = digits == IG_ACT_F32 ? w->layout->activation : digits;
  if (gain != NONE) return low_norm(l, x, gain, 1, eps, activation);
  if (activation == IG_ACT_F32) return x;
  uint32_t known = find_derived(l, x, NONE, activation);
  if (known != NONE) return known;
  uint32_t y = low_rows(l, ig_format(l->arena, "%s.x", w->name), ig_activation_bytes(activation, w->cols));
  low_emit(l, low_kernel(l->plan, IG_QUANT, NULL, activation), OPERANDS(low_at(l, x), low_at(l, y)), DIMS(low_blocks(activation, w->cols)));
  return keep_derived(l, x, NONE, activation, y);
}

uint32_t low_linear(lowering *l, uint32_t x, uint32_t w_index, ig_activation digits, uint32_t bias, uint32_t y, uint32_t epilogue) {
  const ig_packed_weight *w = &l->plan->weight[w_index];
  uint32_t units, odd;
  ig_units(w->layout, w->cols, &units, &odd);
  if (y == NONE) y = low_rows(l, w->name, (uint64_t)low_tiles(w) * 64);
  low_emit(l, low_kernel(l->plan, l->tokens == 1 ? IG_LINEAR_GEMV : IG_LINEAR_GEMM, w->layout, digits),
           OPERANDS(low_at(l, x), low_packed(w_index), low_at(l, y), low_packed(bias != NONE ? bias : w_index)),
           DIMS(units, odd, low_tiles(w), epilogue, bias != NONE));
  return y;
}

void low_gate_product(lowering *l, uint32_t y, uint32_t up, bool gelu) {
  low_emit(l, low_kernel(l->plan, gelu ? IG_GEGLU : IG_GLU, NULL, IG_ACT_F32), OPERANDS(low_at(l, y), low_at(l, up)), DIMS(low_width16(l, y)));
  low_written(l, y);
}

uint32_t low_gate_up(lowering *l, ig_op op, const uint32_t x[2], uint32_t gate, uint32_t up, bool gelu) {
  const ig_packed_weight *g = &l->plan->weight[gate], *u = &l->plan->weight[up];
  if (g->layout != u->layout) {
    uint32_t y = low_linear(l, x[0], gate, low_digits(op, g), NONE, NONE, 0), other = low_linear(l, x[1], up, low_digits(op, u), NONE, NONE, 0);
    low_gate_product(l, y, other, gelu);
    return y;
  }
  uint32_t units, odd;
  ig_units(g->layout, g->cols, &units, &odd);
  uint32_t y = low_rows(l, g->name, (uint64_t)low_tiles(g) * 64);
  ig_family family = l->tokens == 1 ? gelu ? IG_GEGLU_GEMV : IG_GLU_GEMV : gelu ? IG_GEGLU_GEMM : IG_GLU_GEMM;
  low_emit(l, low_kernel(l->plan, family, g->layout, low_digits(op, g)), OPERANDS(low_at(l, x[0]), low_packed(gate), low_packed(up), low_at(l, y)),
           DIMS(units, odd, low_tiles(g)));
  return y;
}

uint32_t low_attention(lowering *l, ig_op op, uint32_t q, uint32_t k, uint32_t v, ig_value table, uint32_t sinks) {
  ig_program_plan *p = l->plan;
  uint32_t heads = (uint32_t)ig_attr_int(op, "heads"), kv = (uint32_t)ig_attr_int(op, "kv_heads"), dim = (uint32_t)ig_attr_int(op, "head_dim");
  unsigned layer = (unsigned)ig_attr_int(op, "layer");
  rope_turns t = low_turns(l, table);
  bool capped = ig_has_attr(op, "softcap");
  uint32_t v16 = (dim + 15) / 16, y16 = (heads * dim + 15) / 16;
  uint32_t k_cache = low_cache(p, ig_format(l->arena, "k.%u", layer), kv, dim * 2);
  uint32_t v_cache = low_cache(p, ig_format(l->arena, "v.%u", layer), kv, v16 * 32);
  uint32_t y = low_rows(l, ig_format(l->arena, "attention.%u", layer), (uint64_t)y16 * 64);
  uint32_t dims[] = {kv,
                     heads / kv,
                     dim,
                     v16,
                     ig_f32_bits((float)ig_attr_float(op, "scale")),
                     t.pairs,
                     low_width16(l, q),
                     low_width16(l, k),
                     low_width16(l, v),
                     y16,
                     t.halves,
                     ig_f32_bits(t.magnitude),
                     ig_has_attr(op, "window") ? (uint32_t)ig_attr_int(op, "window") : 0,
                     sinks != NONE,
                     capped ? ig_f32_bits((float)ig_attr_float(op, "softcap")) : 0};
  if (sinks == NONE) sinks = t.table; /* something that is there; it is not touched */
  enum { N = sizeof dims / sizeof *dims };
  if (l->tokens > 1) {
    low_emit(l, low_kernel(p, IG_ROPE_KV, NULL, IG_ACT_F32),
             OPERANDS(low_at(l, q), low_at(l, k), low_at(l, v), low_kept(k_cache), low_kept(v_cache), low_packed(t.table)), N, dims);
    low_emit(l, low_kernel(p, capped ? IG_ATTENTION_CAPPED : IG_ATTENTION, NULL, IG_ACT_F32),
             OPERANDS(low_at(l, q), low_kept(k_cache), low_kept(v_cache), low_at(l, y), low_packed(sinks)), N, dims);
    return y;
  }
  uint64_t partial_bytes = (uint64_t)(p->n_context / INGOT_KV_BLOCK) * heads * (v16 + 1) * 64;
  uint32_t partials = low_buffer(p, ig_format(l->arena, "partials.%u", layer), 0, partial_bytes, (uint32_t)l->kind);
  low_emit(l, low_kernel(p, capped ? IG_ATTENTION_DECODE_CAPPED : IG_ATTENTION_DECODE, NULL, IG_ACT_F32),
           OPERANDS(low_at(l, q), low_at(l, k), low_at(l, v), low_kept(k_cache), low_kept(v_cache), low_packed(t.table), low_at(l, partials)), N, dims);
  low_emit(l, low_kernel(p, IG_ATTENTION_MERGE, NULL, IG_ACT_F32), OPERANDS(low_at(l, partials), low_at(l, y), low_packed(sinks)), N, dims);
  return y;
}
