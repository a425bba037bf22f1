/* Steps with the fewest meetings of workers. Two rules, each legal only where no part could see another's bytes too early or too late:
 *
 *   join     {A} {B}        -> {A, B}             where nothing that B touches is written by A, nor the other way round
 *   private  {norm} {q, k}  -> {private norm; q, k}  where the part is one tile (one token) and only this step reads what it makes:
 *                              each worker redoes it into memory of its own, which costs less than a meeting
 *
 * Order within a step means nothing between shared parts; private parts run in order, before the worker's share of the others.
 */
#include "passes/lower.h"

#include <string.h>

static uint32_t access_of(const ig_program_plan *p, const ig_plan_part *part, uint32_t operand) { return p->kernel[part->kernel].info.operand[operand].access; }

static bool same_memory(const ig_plan_operand *a, const ig_plan_operand *b) {
  bool kv_a = a->place == INGOT_PLACE_KV, kv_b = b->place == INGOT_PLACE_KV;
  return a->place != INGOT_PLACE_WEIGHTS && b->place != INGOT_PLACE_WEIGHTS && kv_a == kv_b && a->index == b->index;
}

/* Whether one writes what the other touches. */
static bool conflict(const ig_program_plan *p, const ig_plan_part *a, const ig_plan_part *b) {
  for (uint32_t i = 0; i < a->n_operands; i++)
    for (uint32_t j = 0; j < b->n_operands; j++)
      if (same_memory(&a->operand[i], &b->operand[j]) && ((access_of(p, a, i) | access_of(p, b, j)) & INGOT_WRITE)) return true;
  return false;
}

static bool independent(const ig_program_plan *p, const ig_plan_step *a, const ig_plan_step *b) {
  for (uint32_t i = 0; i < a->n_parts; i++)
    for (uint32_t j = 0; j < b->n_parts; j++)
      if (conflict(p, &a->part[i], &b->part[j])) return false;
  return true;
}

/* A's private parts, B's private parts, then A's and B's shared ones. */
static ig_plan_step joined(ig_program_plan *p, const ig_plan_step *a, const ig_plan_step *b) {
  ig_plan_step s = {.n_private = a->n_private + b->n_private, .n_parts = a->n_parts + b->n_parts};
  s.part = ig_alloc_array(p->arena, s.n_parts, sizeof *s.part);
  ig_plan_part *to = s.part;
  const ig_plan_step *from[] = {a, b};
  for (int pass = 0; pass < 2; pass++)
    for (int i = 0; i < 2; i++) {
      uint32_t first = pass ? from[i]->n_private : 0, last = pass ? from[i]->n_parts : from[i]->n_private;
      memcpy(to, from[i]->part + first, (last - first) * sizeof *to);
      to += last - first;
    }
  return s;
}

static void join(ig_program_plan *p, ig_plan_phase *phase) {
  size_t n = 0;
  for (size_t i = 0; i < phase->n_steps; i++) {
    if (n && independent(p, &phase->step[n - 1], &phase->step[i])) phase->step[n - 1] = joined(p, &phase->step[n - 1], &phase->step[i]);
    else phase->step[n++] = phase->step[i];
  }
  phase->n_steps = n;
}

static bool reads(const ig_plan_step *step, uint32_t buffer) {
  for (uint32_t i = 0; i < step->n_parts; i++)
    for (uint32_t j = 0; j < step->part[i].n_operands; j++) {
      const ig_plan_operand *o = &step->part[i].operand[j];
      if (o->place == INGOT_PLACE_ARENA && o->index == buffer) return true;
    }
  return false;
}

/* Whether every worker may run `part` for itself at the start of `steps[at]`: one tile whatever the position, whose results are whole,
 * new, and read nowhere else; and nothing it reads is written by the others of that step, who may be ahead of it. */
static bool may_be_private(const ig_program_plan *p, const ig_plan_phase *phase, size_t at, const ig_plan_part *part) {
  const ingot_kernel_info *info = &p->kernel[part->kernel].info;
  if (phase->max_tokens != 1 || info->tiles.term[1].scale || info->tiles.term[0].scale != 1 || (info->tiles.term[0].dims & ~(1u << INGOT_DIM_TOKENS)))
    return false;
  for (uint32_t i = 0; i < part->n_operands; i++) {
    const ig_plan_operand *o = &part->operand[i];
    if (!(info->operand[i].access & INGOT_WRITE)) continue;
    if (info->operand[i].access != INGOT_WRITE || o->place != INGOT_PLACE_ARENA || p->buffer[o->index].phase == IG_PHASES) return false;
    for (size_t s = at + 1; s < phase->n_steps; s++)
      if (reads(&phase->step[s], o->index)) return false;
  }
  const ig_plan_step *step = &phase->step[at];
  for (uint32_t i = 0; i < part->n_operands; i++)
    for (uint32_t j = step->n_private; j < step->n_parts; j++)
      for (uint32_t k = 0; k < step->part[j].n_operands; k++)
        if (!(info->operand[i].access & INGOT_WRITE) && same_memory(&part->operand[i], &step->part[j].operand[k]) &&
            (access_of(p, &step->part[j], k) & INGOT_WRITE))
          return false;
  return true;
}

static void make_private(ig_program_plan *p, ig_plan_phase *phase) {
  size_t n = phase->n_steps;
  for (size_t at = n; at-- > 1;) { /* from the end: merge and quantise both follow into the step of the linear */
    ig_plan_step *step = &phase->step[at], *before = &phase->step[at - 1];
    bool all = true;
    for (uint32_t i = 0; i < before->n_parts && all; i++) all = may_be_private(p, phase, at, &before->part[i]);
    if (!all) continue;
    for (uint32_t i = 0; i < before->n_parts; i++)
      for (uint32_t j = 0; j < before->part[i].n_operands; j++)
        if (access_of(p, &before->part[i], j) & INGOT_WRITE) p->buffer[before->part[i].operand[j].index].worker = true;
    ig_plan_step s = {.n_private = before->n_parts + step->n_private, .n_parts = before->n_parts + step->n_parts};
    s.part = ig_alloc_array(p->arena, s.n_parts, sizeof *s.part);
    memcpy(s.part, before->part, before->n_parts * sizeof *s.part);
    memcpy(s.part + before->n_parts, step->part, step->n_parts * sizeof *s.part);
    *before = s;
    memmove(step, step + 1, (phase->n_steps - at - 1) * sizeof *step);
    phase->n_steps--;
  }
  for (size_t s = 0; s < phase->n_steps; s++)
    for (uint32_t i = 0; i < phase->step[s].n_parts; i++)
      for (uint32_t j = 0; j < phase->step[s].part[i].n_operands; j++) {
        ig_plan_operand *o = &phase->step[s].part[i].operand[j];
        if (o->place == INGOT_PLACE_ARENA && p->buffer[o->index].worker) o->place = INGOT_PLACE_SCRATCH;
      }
}

void ig_order_steps(ig_program_plan *plan) {
  for (int kind = 0; kind < IG_PHASES; kind++) {
    join(plan, &plan->phase[kind]);
    make_private(plan, &plan->phase[kind]);
  }
}
