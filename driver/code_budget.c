#include "driver/code_budget.h"

#include <stdlib.h>
#include <string.h>

static uint32_t n_layouts(void) {
  uint32_t n = 0;
  while (ig_layout_at((int)n)) n++;
  return n;
}

uint32_t ig_code_groups(const ig_program_plan *plan) { return n_layouts() + (uint32_t)plan->n_kernels; }

bool ig_calls_product(const ig_kernel_ref *kernel) { return kernel->layout && kernel->family != IG_EMBED; }

static uint32_t group_of(const ig_program_plan *plan, uint32_t kernel) {
  const ig_kernel_ref *ref = &plan->kernel[kernel].ref;
  uint32_t format = 0;
  if (!ig_calls_product(ref)) return n_layouts() + kernel;
  while (strcmp(ig_layout_at((int)format)->format, ref->layout->format) != 0) format++;
  return format;
}

static void add(uint64_t *use, uint64_t bytes) { *use = *use == UINT64_MAX || bytes > UINT64_MAX - 1 - *use ? bytes : *use + bytes; }

void ig_kernel_use(const ig_program_plan *plan, ig_kernel_code *code) {
  for (uint32_t i = 0; i < plan->n_kernels; i++) code[i].use = UINT64_MAX, code[i].group = group_of(plan, i);
  for (int phase = 0; phase < IG_PHASES; phase++)
    for (size_t s = 0; s < plan->phase[phase].n_steps; s++) {
      const ig_plan_step *step = &plan->phase[phase].step[s];
      for (const ig_plan_part *part = step->part; part < step->part + step->n_parts; part++)
        for (uint32_t o = 0; o < part->n_operands; o++) {
          const ig_plan_operand *operand = &part->operand[o];
          if (operand->place != INGOT_PLACE_WEIGHTS || !plan->kernel[part->kernel].ref.layout) continue;
          if (plan->weight[operand->index].layout) add(&code[part->kernel].use, plan->weight[operand->index].bytes);
        }
    }
}

typedef struct ranked {
  uint64_t use;
  uint32_t number;
} ranked;

static int by_use(const void *a, const void *b) {
  const ranked *x = a, *y = b;
  if (x->use != y->use) return x->use < y->use ? -1 : 1;
  return x->number < y->number ? -1 : x->number > y->number;
}

/* Bytes that a group saves where all of it that can be small is. */
static uint64_t saved(const ig_kernel_code *code, uint32_t n, uint32_t group, uint64_t product) {
  uint64_t now = 0, then = product;
  for (uint32_t i = 0; i < n; i++)
    if (code[i].group == group && code[i].bytes[IG_SMALL] != UINT64_MAX) now += code[i].bytes[code[i].brevity], then += code[i].bytes[IG_SMALL];
  return now > then ? now - then : 0;
}

uint64_t ig_choose_brevity(ig_kernel_code *code, uint32_t n, const uint64_t *product, uint32_t n_groups, uint64_t most, ig_arena *arena) {
  ranked *kernels = ig_alloc_array(arena, n, sizeof *kernels), *groups = ig_alloc_array(arena, n_groups, sizeof *groups);
  uint64_t sum = 0;
  for (uint32_t g = 0; g < n_groups; g++) groups[g] = (ranked){UINT64_MAX, g};
  for (uint32_t i = 0; i < n; i++) {
    code[i].brevity = IG_FAST;
    sum += code[i].bytes[IG_FAST];
    kernels[i] = (ranked){code[i].use, i};
    if (code[i].use != UINT64_MAX) add(&groups[code[i].group].use, code[i].use);
  }
  qsort(kernels, n, sizeof *kernels, by_use);
  qsort(groups, n_groups, sizeof *groups, by_use);
  for (uint32_t i = 0; i < n && sum > most; i++) {
    ig_kernel_code *k = &code[kernels[i].number];
    if (k->bytes[IG_ONE_FORM] >= k->bytes[IG_FAST]) continue;
    sum -= k->bytes[IG_FAST] - k->bytes[IG_ONE_FORM];
    k->brevity = IG_ONE_FORM;
  }
  for (uint32_t g = 0; g < n_groups && sum > most; g++) {
    const uint32_t group = groups[g].number;
    const uint64_t less = saved(code, n, group, product[group]);
    if (!less) continue;
    sum -= less;
    for (uint32_t i = 0; i < n; i++)
      if (code[i].group == group && code[i].bytes[IG_SMALL] != UINT64_MAX) code[i].brevity = IG_SMALL;
  }
  return sum;
}
