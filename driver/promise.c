#include "driver/promise.h"

#include <stdio.h>

#include "codegen/library.h"
#include "passes/lower.h"
#include "runtime/abi/memory.h"
#include "runtime/abi/weights.h"

/* Of the kernel that wants the most, in the part that wants the most of it, after the private operands. */
static uint64_t scratch_of(const ig_program_plan *plan, const ig_schedule *schedule, uint64_t *parts, uint64_t *steps) {
  uint64_t most = 0, bytes;
  for (uint32_t kind = 0; kind < IG_PHASES; kind++)
    for (size_t s = 0; s < plan->phase[kind].n_steps; s++, ++*steps)
      for (uint32_t i = 0; i < plan->phase[kind].step[s].n_parts; i++, ++*parts) {
        const ig_plan_part *part = &plan->phase[kind].step[s].part[i];
        const ingot_extent extent = ig_kernel_scratch(&plan->kernel[part->kernel].ref, schedule);
        if (ig_extent_most(&extent, plan, (ig_phase_kind)kind, part, &bytes) && bytes > most) most = bytes;
      }
  return ig_round_up(plan->private_bytes + most, INGOT_ALIGN);
}

ig_promise ig_promise_of(const ig_program_plan *plan, const ig_schedule *schedule, uint32_t n_vocab, uint32_t longest_piece, uint64_t plan_bytes) {
  uint64_t parts = 0, steps = 0;
  ig_promise p = {.weights = plan->weights_bytes ? ingot__weights_file(plan->weights_bytes) : 0,
                  .scratch = scratch_of(plan, schedule, &parts, &steps),
                  .kv = plan->kv_position_bytes * plan->n_context,
                  .arena = plan->arena_bytes,
                  .session = ingot__lay_out_session(n_vocab, plan->n_context, longest_piece).total};
  p.model = INGOT_MODEL_BYTES + plan_bytes + INGOT_PART_BYTES * parts + INGOT_STEP_BYTES * steps;
  return p;
}

uint64_t ig_promise_ram(const ig_promise *p, uint32_t threads) { return p->weights + p->model + p->scratch * threads + p->kv + p->arena + p->session; }

static bool broken(uint64_t limit, uint64_t bytes) { return limit && bytes > limit; }

typedef struct size_text {
  char text[32];
} size_text;

static size_text size(uint64_t bytes) {
  size_text s;
  const bool small = bytes < 1 << 20;
  snprintf(s.text, sizeof s.text, "%.2f %s", (double)bytes / (small ? 1 << 10 : 1 << 20), small ? "KiB" : "MiB");
  return s;
}

bool ig_check_limits(const ig_limits *limits, const ig_promise *p, uint32_t n_context, uint64_t library_bytes, const char *place, ig_diags *diags) {
  const uint64_t ram = ig_promise_ram(p, IG_PROMISE_THREADS);
  bool ok = true;
  if (broken(limits->kv, p->kv))
    ok = ig_error(diags, place, "takes %s for the caches of %u positions, --max-kv allows %s: %s a position; a smaller --ctx takes less", size(p->kv).text,
                  n_context, size(limits->kv).text, size(p->kv / n_context).text);
  if (broken(limits->library, library_bytes))
    ok = ig_error(diags, place, "makes a library of %s, --max-lib-size allows %s: fewer --variants make a smaller one", size(library_bytes).text,
                  size(limits->library).text);
  if (broken(limits->ram, ram))
    ok = ig_error(diags, place,
                  "takes %s of memory with one session, --max-ram allows %s:\n"
                  "  weights      %12s, mapped\n"
                  "  caches       %12s for %u positions (--ctx)\n"
                  "  activations  %12s (--batch)\n"
                  "  scratch      %12s for %d threads\n"
                  "  session      %12s for tokens, logits and sampling\n"
                  "  model        %12s for the plan",
                  size(ram).text, size(limits->ram).text, size(p->weights).text, size(p->kv).text, n_context, size(p->arena).text,
                  size(p->scratch * IG_PROMISE_THREADS).text, IG_PROMISE_THREADS, size(p->session).text, size(p->model).text);
  return ok;
}
