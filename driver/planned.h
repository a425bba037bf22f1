/* A model on its way to a bundle, stopped at the plan: for commands that look at kernels. */
#ifndef INGOT_DRIVER_PLANNED_H
#define INGOT_DRIVER_PLANNED_H

#include "driver/driver.h"
#include "frontend/model.h"
#include "passes/lower.h"
#include "passes/schedule.h"

typedef struct ig_planned {
  ig_model model;                /* open: close it with ig_model_close */
  ig_schedule schedule;
  ig_program_plan plan;
} ig_planned;

/* Nothing is open after false. */
bool ig_plan_model(ig_planned *planned, const ig_compile_options *options, ig_arena *arena, ig_diags *diags);

#endif
