/* Lifetimes to offsets. Buffers that are alive at the same step lie apart; all others may share bytes, also those of different phases,
 * which never run at once. Largest first, each at the lowest place that is free during its life: simple, and near the bound on
 * chains like these. */
#include "passes/lower.h"

#include <stdlib.h>

typedef struct life {
  uint32_t buffer;
  uint64_t first, last, bytes;   /* steps (or parts of a step), both included */
} life;

static int by_size(const void *a, const void *b) {
  const life *x = a, *y = b;
  if (x->bytes != y->bytes) return x->bytes > y->bytes ? -1 : 1;
  return x->buffer < y->buffer ? -1 : x->buffer > y->buffer;
}

/* Gives offsets from `base` on; returns the end. */
static uint64_t place(ig_program_plan *p, life *lives, size_t n, uint64_t base) {
  uint64_t end = base;
  qsort(lives, n, sizeof *lives, by_size);
  for (size_t i = 0; i < n; i++) {
    uint64_t at = base;
    for (bool moved = true; moved;) {
      moved = false;
      for (size_t j = 0; j < i; j++) {
        uint64_t low = p->buffer[lives[j].buffer].offset, high = low + lives[j].bytes;
        if (lives[j].last < lives[i].first || lives[i].last < lives[j].first || high <= at || at + lives[i].bytes <= low) continue;
        at = high;
        moved = true;
      }
    }
    p->buffer[lives[i].buffer].offset = at;
    if (at + lives[i].bytes > end) end = at + lives[i].bytes;
  }
  return end;
}

/* Notes that `buffer` is touched at `time`. `slot` maps buffers to lives, + 1. */
static void touch(const ig_program_plan *p, life *lives, size_t *n, size_t *slot, uint32_t buffer, uint64_t time) {
  if (!slot[buffer]) {
    lives[(*n)++] = (life){buffer, time, time, ig_round_up(p->buffer[buffer].bytes, INGOT_ALIGN)};
    slot[buffer] = *n;
  }
  lives[slot[buffer] - 1].last = time;
}

static void worker_memory(ig_program_plan *p, ig_plan_step *step, life *lives, size_t *slot) {
  size_t n = 0;
  for (uint32_t i = 0; i < step->n_parts; i++)
    for (uint32_t j = 0; j < step->part[i].n_operands; j++) {
      const ig_plan_operand *o = &step->part[i].operand[j];
      uint32_t time = i < step->n_private ? i : step->n_private; /* shared parts run in any order */
      if (o->place == INGOT_PLACE_SCRATCH) touch(p, lives, &n, slot, o->index, time);
    }
  step->scratch_bytes = place(p, lives, n, 0);
  if (step->scratch_bytes > p->private_bytes) p->private_bytes = step->scratch_bytes;
}

static void phase_memory(ig_program_plan *p, ig_plan_phase *phase, uint64_t base, life *lives, size_t *slot) {
  size_t n = 0;
  for (size_t s = 0; s < phase->n_steps; s++)
    for (uint32_t i = 0; i < phase->step[s].n_parts; i++)
      for (uint32_t j = 0; j < phase->step[s].part[i].n_operands; j++) {
        const ig_plan_operand *o = &phase->step[s].part[i].operand[j];
        if (o->place == INGOT_PLACE_ARENA && p->buffer[o->index].phase != IG_PHASES) touch(p, lives, &n, slot, o->index, s);
      }
  uint64_t end = place(p, lives, n, base);
  if (end > p->arena_bytes) p->arena_bytes = end;
  for (size_t s = 0; s < phase->n_steps; s++) worker_memory(p, &phase->step[s], lives, slot);
}

enum { MOST_SHIFT = 46 }; /* 64 TiB: what no machine has, and far from wrapping */

static bool place_weight(ig_program_plan *p, ig_packed_weight *w, ig_diags *diags) {
  w->offset = p->weights_bytes;
  return (ig_add_u64(p->weights_bytes, ig_round_up(w->bytes, INGOT_ALIGN), &p->weights_bytes) && !(p->weights_bytes >> MOST_SHIFT)) ||
      ig_error(diags, w->name, "makes the weights larger than any machine could map");
}

bool ig_add_tokens(ig_program_plan *p, const void *tokens, uint64_t size, ig_diags *diags) {
  p->weight = ig_grow(p->arena, p->weight, p->n_weights, &p->weight_capacity, sizeof *p->weight);
  ig_packed_weight *w = &p->weight[p->n_weights++];
  *w = (ig_packed_weight){
    .kind = IG_WEIGHT_TOKENS, .name = "tokenizer", .format = "u8", .rows = 1, .cols = size, .tokens = tokens, .bytes = ig_round_up(size, INGOT_ALIGN)};
  return place_weight(p, w, diags);
}

bool ig_plan_memory(ig_program_plan *p, ig_diags *diags) {
  uint64_t base = 0, total = 0;
  for (size_t i = 0; i < p->n_buffers; i++)
    if (!ig_add_u64(total, p->buffer[i].bytes, &total) || total >> MOST_SHIFT)
      return ig_error(diags, p->buffer[i].name, "needs more memory than any machine has; lower the context or the batch");
  for (size_t i = 0; i < p->n_buffers; i++) {
    if (p->buffer[i].phase != IG_PHASES) continue;
    p->buffer[i].offset = base;
    base += ig_round_up(p->buffer[i].bytes, INGOT_ALIGN);
  }
  p->arena_bytes = base;
  p->private_bytes = 0;
  life *lives = ig_alloc_array(p->arena, p->n_buffers, sizeof *lives);
  size_t *slot = ig_alloc_array(p->arena, p->n_buffers, sizeof *slot); /* a buffer belongs to one phase, a worker's to one step */
  for (int kind = 0; kind < IG_PHASES; kind++) phase_memory(p, &p->phase[kind], base, lives, slot);

  p->weights_bytes = 0;
  for (size_t i = 0; i < p->n_weights; i++)
    if (!place_weight(p, &p->weight[i], diags)) return false;
  p->kv_position_bytes = 0;
  for (size_t i = 0; i < p->n_caches; i++) {
    p->cache[i].offset = p->kv_position_bytes;
    p->kv_position_bytes += p->cache[i].position_bytes;
  }
  return true;
}
