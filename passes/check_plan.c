/* The plan's verifier: what the runtime will ask of a plan is asked here first, where an answer of "no" is a bug of lowering. */
#include "passes/lower.h"

#include <string.h>

static bool term_most(const ingot_term *term, const ig_program_plan *plan, ig_phase_kind phase, const ig_plan_part *part, uint64_t *value) {
  uint64_t tokens = plan->phase[phase].max_tokens, v = term->scale;
  const uint64_t run_time[INGOT_DIM_STATIC] = {tokens, plan->n_context, plan->n_context, plan->n_context / INGOT_KV_BLOCK,
                                               ig_ceil_div(tokens, INGOT_QUERY_TILE)};
  for (uint32_t d = 0; d < INGOT_MAX_DIMS; d++) {
    if (!(term->dims >> d & 1)) continue;
    if (!ig_mul_u64(v, d < INGOT_DIM_STATIC ? run_time[d] : part->dim[d - INGOT_DIM_STATIC], &v)) return false;
  }
  *value = v;
  return true;
}

bool ig_extent_most(const ingot_extent *extent, const ig_program_plan *plan, ig_phase_kind phase, const ig_plan_part *part, uint64_t *value) {
  uint64_t sum = 0;
  for (int i = 0; i < INGOT_MAX_TERMS && extent->term[i].scale; i++) {
    uint64_t v;
    if (!term_most(&extent->term[i], plan, phase, part, &v) || !ig_add_u64(sum, v, &sum)) return false;
  }
  *value = sum;
  return true;
}

static bool check_operand(const ig_program_plan *plan, ig_phase_kind phase, const ig_plan_part *part, uint32_t i, ig_diags *diags) {
  const ingot_kernel_info *info = &plan->kernel[part->kernel].info;
  const ig_plan_operand *o = &part->operand[i];
  uint64_t need, have = 0;
  const char *name = "";
  bool fits = ig_extent_most(&info->operand[i].bytes, plan, phase, part, &need);
  bool place = o->place == (ingot_place)info->operand[i].place;
  switch (o->place) {
  case INGOT_PLACE_ARENA:
  case INGOT_PLACE_SCRATCH:
    name = plan->buffer[o->index].name;
    have = plan->buffer[o->index].bytes;
    place = info->operand[i].place == INGOT_PLACE_ANY_BUFFER && plan->buffer[o->index].worker == (o->place == INGOT_PLACE_SCRATCH);
    break;
  case INGOT_PLACE_WEIGHTS:
    name = plan->weight[o->index].name;
    have = plan->weight[o->index].bytes;
    break;
  case INGOT_PLACE_KV:
    name = plan->cache[o->index].name;
    fits &= ig_mul_u64(plan->cache[o->index].position_bytes, plan->n_context, &have);
    break;
  case INGOT_PLACE_ANY_BUFFER: return ig_error(diags, info->name, "operand %u has no place", i);
  }
  if (!place) return ig_error(diags, info->name, "operand %u (%s) lies in a place the kernel does not take", i, name);
  if (!fits || need > have)
    return ig_error(diags, info->name, "operand %u (%s) takes %llu bytes of %llu", i, name, fits ? (unsigned long long)need : 0, (unsigned long long)have);
  return true;
}

static bool check_part(const ig_program_plan *plan, ig_phase_kind phase, const ig_plan_part *part, ig_diags *diags) {
  const ingot_kernel_info *info = &plan->kernel[part->kernel].info;
  uint32_t operands = 0;
  bool ok = true;
  while (operands < INGOT_MAX_OPERANDS && info->operand[operands].access) operands++;
  if (part->n_operands != operands || part->n_dims + INGOT_DIM_STATIC != info->n_dims)
    return ig_error(diags, info->name, "is called with other operands than its row has");
  if (info->max_tokens && plan->phase[phase].max_tokens > info->max_tokens) ok = ig_error(diags, info->name, "is called for more tokens than it takes");
  for (int i = 0; i < INGOT_MAX_LIMITS && info->limit[i].large.scale; i++) {
    uint64_t small, large;
    if (!term_most(&info->limit[i].small, plan, phase, part, &small) || !term_most(&info->limit[i].large, plan, phase, part, &large) || small > large)
      ok = ig_error(diags, info->name, "breaks limit %d of its row", i);
  }
  for (uint32_t i = 0; i < operands; i++) ok &= check_operand(plan, phase, part, i, diags);
  return ok;
}

bool ig_check_plan(const ig_program_plan *plan, ig_diags *diags) {
  bool ok = true;
  for (int kind = 0; kind < IG_PHASES; kind++)
    for (size_t s = 0; s < plan->phase[kind].n_steps; s++)
      for (uint32_t i = 0; i < plan->phase[kind].step[s].n_parts; i++) ok &= check_part(plan, (ig_phase_kind)kind, &plan->phase[kind].step[s].part[i], diags);
  return ok;
}
