/* One kernel as a model uses it: operands of the sizes that its plan has, filled with what may be there, so that a candidate's numbers can be
 * timed against the default's on the same bytes. One thread, one process; a kernel that shares its weights' place in memory with nobody. */
#ifndef INGOT_DRIVER_KERNEL_PROBE_H
#define INGOT_DRIVER_KERNEL_PROBE_H

#include "codegen/jit.h"
#include "codegen/library.h"
#include "frontend/model.h"
#include "passes/lower.h"

/* All shapes that a plan calls the kernel with. */
typedef struct ig_kernel_probe ig_kernel_probe;
/* Whether this kernel's operands can be made up. */
bool ig_probe_knows(const ig_kernel_ref *kernel);
/* NULL where the plan does not call it, or where a weight cannot be read (reported). */
ig_kernel_probe *ig_probe_create(const ig_program_plan *plan, const ig_model *model, uint32_t kernel, ig_diags *diags);
void ig_probe_destroy(ig_kernel_probe *probe);
/* For people: "8192 x 2048 x 256 tokens and 3 more shapes". */
const char *ig_probe_shapes(const ig_kernel_probe *probe, ig_arena *arena);
/* Multiply-adds of all calls of a program's run, 0 where they are not what the kernel spends its time with. */
double ig_probe_work(const ig_kernel_probe *probe);

/* The kernel compiled with some numbers. */
typedef struct ig_probe_code {
  ig_jit *jit;
  ingot_kernel_fn *kernel;
  ingot_extent scratch;
} ig_probe_code;
bool ig_probe_compile(ig_probe_code *code, const ig_kernel_probe *probe, const ig_schedule *schedule, const ig_variant *variant, ig_diags *diags);
void ig_probe_release(ig_probe_code *code);

/* Runs both over the same tiles, then over others in the other order; the seconds that all calls of a program's run would take. */
void ig_probe_pair(ig_kernel_probe *probe, const ig_probe_code *a, const ig_probe_code *b, double *seconds_a, double *seconds_b);
/* Runs both over all operands as they are; whether every byte that they write is the same. */
bool ig_probe_same(ig_kernel_probe *probe, const ig_probe_code *a, const ig_probe_code *b);

#endif
