#include "driver/token_cost.h"

#include <stdlib.h>
#include <string.h>

#include "ir/format.h"

/* How a token uses a weight: not, a row of it, so many of its experts, all of it. */
typedef struct use {
  enum { UNUSED, ROW, SOME, WHOLE } what;
  uint64_t of_experts;
} use;

static use use_by(const ig_plan_kernel *kernel, const ig_plan_part *part) {
  ig_family family = kernel->ref.family;
  if (family == IG_EMBED) return (use){ROW, 0};
  if (family >= IG_EXPERTS_GEMV && family <= IG_EXPERTS_SUM_GEMM) return (use){SOME, part->dim[IG_EXP_USED - IG_D0]};
  return (use){WHOLE, 0};
}

/* The share of `n`, bytes or values of the weight, that a token uses of its matrices. */
static uint64_t used_of(const ig_packed_weight *w, use u, uint64_t n) {
  uint64_t experts = w->kind == IG_WEIGHT_VECTOR ? w->rows : ig_matrices(w); /* a bias has a row for each */
  return u.what == SOME && u.of_experts < experts ? n / experts * u.of_experts : u.what >= SOME ? n : 0;
}

/* How much of each weight the phase's steps read. */
static void note_uses(const ig_program_plan *plan, ig_phase_kind kind, use *uses) {
  const ig_plan_phase *phase = &plan->phase[kind];
  for (size_t s = 0; s < phase->n_steps; s++)
    for (uint32_t i = 0; i < phase->step[s].n_parts; i++) {
      const ig_plan_part *part = &phase->step[s].part[i];
      use u = use_by(&plan->kernel[part->kernel], part);
      for (uint32_t k = 0; k < part->n_operands; k++)
        if (part->operand[k].place == INGOT_PLACE_WEIGHTS && uses[part->operand[k].index].what < u.what) uses[part->operand[k].index] = u;
    }
}

static void add_decode(const ig_program_plan *plan, ig_token_cost *cost) {
  use *uses = ig_heap_zeroed(plan->n_weights, sizeof *uses);
  note_uses(plan, IG_PHASE_DECODE, uses);
  note_uses(plan, IG_PHASE_HEAD, uses);
  uint64_t end = 0;
  for (size_t i = 0; i < plan->n_weights; i++) {
    const ig_packed_weight *w = &plan->weight[i];
    if (uses[i].what == ROW) cost->decode_tensor_bytes += w->rows ? w->file_bytes / w->rows : 0;
    if (uses[i].what < SOME) continue;
    cost->decode_tensor_bytes += used_of(w, uses[i], w->file_bytes);
    if (w->kind != IG_WEIGHT_TILES) continue;
    if (!end || w->offset < cost->decode_offset) cost->decode_offset = w->offset;
    if (w->offset + w->bytes > end) end = w->offset + w->bytes;
  }
  cost->decode_bytes = end - cost->decode_offset;
  free(uses);
}

static void add_prefill(const ig_program_plan *plan, ig_token_cost *cost) {
  use *uses = ig_heap_zeroed(plan->n_weights, sizeof *uses);
  note_uses(plan, IG_PHASE_PREFILL, uses);
  for (size_t i = 0; i < plan->n_weights; i++) {
    const ig_packed_weight *w = &plan->weight[i];
    if (uses[i].what < SOME || w->kind != IG_WEIGHT_TILES) continue;
    *(w->layout->activation == IG_ACT_F32 ? &cost->prefill_macs_f32 : &cost->prefill_macs_int8) += used_of(w, uses[i], ig_matrices(w) * w->rows * w->cols);
  }
  free(uses);
}

static const char *main_format(const ig_program_plan *plan) {
  const char *best = "f32";
  uint64_t most = 0;
  for (int f = 0; ig_format_at(f); f++) {
    uint64_t values = 0;
    for (size_t i = 0; i < plan->n_weights; i++)
      if (plan->weight[i].kind == IG_WEIGHT_TILES && !strcmp(plan->weight[i].format, ig_format_at(f)->name))
        values += ig_matrices(&plan->weight[i]) * plan->weight[i].rows * plan->weight[i].cols;
    if (values > most) most = values, best = ig_format_at(f)->name;
  }
  return best;
}

ig_token_cost ig_cost_of_token(const ig_program_plan *plan) {
  ig_token_cost cost = {.main_format = main_format(plan)};
  for (size_t i = 0; i < plan->n_weights; i++) {
    cost.tensor_bytes += plan->weight[i].file_bytes;
    if (plan->weight[i].file_bytes) cost.parameters += ig_matrices(&plan->weight[i]) * plan->weight[i].rows * plan->weight[i].cols;
  }
  add_decode(plan, &cost);
  add_prefill(plan, &cost);
  return cost;
}
