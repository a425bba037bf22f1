/* Compiles the kernels of all variants, several at a time, while the caller does something else (it packs the weights). */
#ifndef INGOT_DRIVER_KERNEL_JOBS_H
#define INGOT_DRIVER_KERNEL_JOBS_H

#include "codegen/archive.h"
#include "codegen/library.h"
#include "passes/lower.h"

typedef struct ig_kernel_jobs ig_kernel_jobs;

/* A variant's code, in its platform. */
typedef struct ig_code_facts {
  uint64_t bytes;
  uint32_t n_short;    /* kernels made shorter than they could be, for IG_CODE_MOST (driver/code_budget.h) */
} ig_code_facts;

/* `plan`, `name`, `schedule` and `variants` outlive the jobs and are left alone by the caller meanwhile. `n_threads` 0: all is done in join. */
ig_kernel_jobs *ig_kernel_jobs_start(const ig_platform *platform, const ig_program_plan *plan, const char *name, const ig_schedule *schedule,
                                     const ig_variant *const *variants, uint32_t n_variants, uint32_t n_threads, ig_dump dump);
double ig_kernel_jobs_done(const ig_kernel_jobs *jobs); /* 0 .. 1, at any time */
/* Waits. The objects as members of an archive with their symbols, in an order that does not depend on threads, in `arena`; texts of a
 * dump follow each other in that order in `dump_out` (may be NULL). The members' data live until destroy. `code` (may be NULL) gets each variant's. */
bool ig_kernel_jobs_join(ig_kernel_jobs *jobs, ig_arena *arena, ig_archive_member **members, size_t *n_members, ig_code_facts *code, ig_text *dump_out,
                         ig_diags *diags);
void ig_kernel_jobs_destroy(ig_kernel_jobs *jobs); /* joins first; NULL is fine */

#endif
