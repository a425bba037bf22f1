/* Finds numbers that make a model's kernels faster on this machine than the target's schedule does, one kernel after the other.
 *
 * A candidate is timed against the default in pairs, both over the same operands, in turns first and second, so that whatever else the machine does
 * meets both; what counts is the median of the pairs' ratios. The best one of a quick look is measured again, and taken only if it is faster by
 * more than the spread of that second look. Each candidate has to give the same bits as the default first. */
#ifndef INGOT_DRIVER_TUNE_H
#define INGOT_DRIVER_TUNE_H

#include "driver/driver.h"

typedef struct ig_tune_counts {
  uint32_t kernels, taken, candidates;
} ig_tune_counts;

/* Appends one rule, with what was measured as comments, for each kernel of `options->model` that gains; only comments for the others. `options`
 * as for ig_compile; progress is called with it. `only`: names of kernels with commas between them, or NULL for all that have numbers. */
bool ig_tune(const ig_compile_options *options, const ig_variant *variant, const char *only, ig_text *rules, ig_tune_counts *counts, ig_arena *arena,
             ig_diags *diags);

#endif
