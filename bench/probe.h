/* What this core can do at most, measured right beside a kernel so that a busy machine slows both. */
#ifndef INGOT_BENCH_PROBE_H
#define INGOT_BENCH_PROBE_H

#include "codegen/roofline.h"

double bench_now(void);                                /* seconds, monotonic */
/* Operations per second of IG_PROBE_INT8 or IG_PROBE_F32: one millisecond of them. */
double bench_peak(const ig_roofline *roofline, ig_probe probe);
/* Bytes per second of one pass over `bytes` from `p`, 64-byte aligned. */
double bench_read(const ig_roofline *roofline, const void *p, size_t bytes);
/* 2 MiB aligned memory, with huge pages where the system gives them; filled with zeros. Never freed. */
void *bench_memory(size_t bytes);
double bench_median(double *values, int n);            /* sorts */

#endif
