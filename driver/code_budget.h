/* Code of a variant is at most IG_CODE_MOST bytes, whatever the model mixes: where the kernels that it needs would be more, those that the least bytes of
 * weights go through are made again in less code, until it fits. The bits of the results stay. */
#ifndef INGOT_DRIVER_CODE_BUDGET_H
#define INGOT_DRIVER_CODE_BUDGET_H

#include "codegen/library.h"
#include "passes/lower.h"

enum { IG_CODE_MOST = 300 << 10 };

typedef struct ig_kernel_code {
  uint64_t bytes[IG_BREVITIES];  /* UINT64_MAX: there is no such form */
  uint64_t use;                  /* bytes of weights that go through it; UINT64_MAX: it has none */
  uint32_t group;                /* kernels that become IG_SMALL together, for they share a product */
  ig_brevity brevity;            /* chosen */
} ig_kernel_code;

/* Use and group of each kernel of a plan; groups of products are formats, by ig_layout_at. */
void ig_kernel_use(const ig_program_plan *plan, ig_kernel_code *code);
/* Groups there are at most. */
uint32_t ig_code_groups(const ig_program_plan *plan);
/* Whether a kernel calls its format's product where it is IG_SMALL. */
bool ig_calls_product(const ig_kernel_ref *kernel);

/* Chooses each brevity so that all code is at most `most` bytes as far as may be; returns what it is. `product[group]`: bytes that the small kernels of a
 * group share, 0 for those that share nothing. First kernels lose their forms for longer vectors, the least used first; then groups become small. */
uint64_t ig_choose_brevity(ig_kernel_code *code, uint32_t n, const uint64_t *product, uint32_t n_groups, uint64_t most, ig_arena *arena);

#endif
