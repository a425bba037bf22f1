#include "driver/token_cost.h"

#include <stdlib.h>
#include <string.h>

#include "ir/format.h"

typedef enum use { UNUSED, ROW, WHOLE } use;

static use use_by(ig_family family) { return family == IG_EMBED ? ROW : WHOLE; }

/* How much of each weight the phase's steps read. */
static void note_uses(const ig_program_plan *plan, ig_phase_kind kind, use *uses) {
  const ig_plan_phase *phase = &plan->phase[kind];
  for (size_t s = 0; s < phase->n_steps; s++)
    for (uint32_t i = 0; i < phase->step[s].n_parts; i++) {
      const ig_plan_part *part = &phase->step[s].part[i];
      use u = use_by(plan->kernel[part->kernel].ref.family);
      for (uint32_t k = 0; k < part->n_operands; k++)
        if (part->operand[k].place == INGOT_PLACE_WEIGHTS && uses[part->operand[k].index] < u) uses[part->operand[k].index] = u;
    }
}

static use *array(size_t n) {
  use *uses = calloc(n ? n : 1, sizeof *uses);
  if (!uses) abort();
  return uses;
}

static void add_decode(const ig_program_plan *plan, ig_token_cost *cost) {
  use *uses = array(plan->n_weights);
  note_uses(plan, IG_PHASE_DECODE, uses);
  note_uses(plan, IG_PHASE_HEAD, uses);
  uint64_t end = 0;
  for (size_t i = 0; i < plan->n_weights; i++) {
    const ig_packed_weight *w = &plan->weight[i];
    if (uses[i] == ROW) cost->decode_tensor_bytes += w->rows ? w->file_bytes / w->rows : 0;
    if (uses[i] != WHOLE) continue;
    cost->decode_tensor_bytes += w->file_bytes;
    if (w->kind != IG_WEIGHT_TILES) continue;
    if (!end || w->offset < cost->decode_offset) cost->decode_offset = w->offset;
    if (w->offset + w->bytes > end) end = w->offset + w->bytes;
  }
  cost->decode_bytes = end - cost->decode_offset;
  free(uses);
}

static void add_prefill(const ig_program_plan *plan, ig_token_cost *cost) {
  use *uses = array(plan->n_weights);
  note_uses(plan, IG_PHASE_PREFILL, uses);
  for (size_t i = 0; i < plan->n_weights; i++) {
    const ig_packed_weight *w = &plan->weight[i];
    if (uses[i] != WHOLE || w->kind != IG_WEIGHT_TILES) continue;
    *(w->layout->activation == IG_ACT_F32 ? &cost->prefill_macs_f32 : &cost->prefill_macs_int8) += w->rows * w->cols;
  }
  free(uses);
}

static const char *main_format(const ig_program_plan *plan) {
  const char *best = "f32";
  uint64_t most = 0;
  for (int f = 0; ig_format_at(f); f++) {
    uint64_t values = 0;
    for (size_t i = 0; i < plan->n_weights; i++)
      if (plan->weight[i].kind == IG_WEIGHT_TILES && !strcmp(plan->weight[i].format, ig_format_at(f)->name)) values += plan->weight[i].rows * plan->weight[i].cols;
    if (values > most) most = values, best = ig_format_at(f)->name;
  }
  return best;
}

ig_token_cost ig_cost_of_token(const ig_program_plan *plan) {
  ig_token_cost cost = {.main_format = main_format(plan)};
  for (size_t i = 0; i < plan->n_weights; i++) {
    cost.tensor_bytes += plan->weight[i].file_bytes;
    if (plan->weight[i].file_bytes) cost.parameters += plan->weight[i].rows * plan->weight[i].cols;
  }
  add_decode(plan, &cost);
  add_prefill(plan, &cost);
  return cost;
}
