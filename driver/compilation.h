/* A model on its way to a bundle, between the file that plans it (compile.c) and the one that writes the bundle (bundle_write.c). */
#ifndef INGOT_DRIVER_COMPILATION_H
#define INGOT_DRIVER_COMPILATION_H

#include "codegen/pack_file.h"
#include "codegen/plan_writer.h"
#include "driver/driver.h"
#include "driver/kernel_jobs.h"
#include "driver/prefix.h"
#include "frontend/model.h"
#include "passes/lower.h"
#include "passes/schedule.h"

/* To the platforms of one target. */
typedef struct ig_compilation {
  const ig_compile_options *o;
  const ig_target *target;
  ig_arena *arena;
  ig_diags *diags;
  const char *name;
  ig_model model;
  ig_file_stamp stamp;              /* of the model file as its header was read */
  const ig_variant **variants;
  ig_code_facts *code;              /* of each, in the platform at hand */
  uint32_t n_variants;
  ig_schedule schedule;
  ig_program_plan plan;
  ig_plan_facts facts;
  ig_text plan_bytes;               /* as written */
  ig_prefix *prefix;                /* of all targets */
  const char *prefix_sha256;        /* of its file */
  bool ended;                       /* at the stage that was asked for */
  uint32_t dumped;
} ig_compilation;

/* A platform of the bundle: the first, or one of the others. */
static inline const ig_platform *ig_bundle_platform(const ig_compile_options *o, uint32_t i) { return i == 0 ? o->platform : o->more[i - 1]; }

uint32_t ig_jobs_of(const ig_compile_options *o); /* threads to compile with, at least 1 */

/* Writes the bundle of `n` compilations that have their plans, one for each target, and names it. Nothing is left of it after false. */
bool ig_write_bundle(ig_compilation *c, uint32_t n, const char **bundle);

#endif
