/* What this core can do at most, measured right beside a kernel so that a busy machine slows both. */
#ifndef INGOT_BENCH_PROBE_H
#define INGOT_BENCH_PROBE_H

#include <stddef.h>
#include <stdint.h>

double bench_now(void);                                /* seconds, monotonic */
/* Multiply-adds of int8 counted twice, per second, of the widest dot product the CPU has; with 32-bit floats in place of it. */
double bench_peak_int8(void);
double bench_peak_f32(void);
/* Bytes per second of one pass over `bytes` from `p`, 64-byte aligned. */
double bench_read(const void *p, size_t bytes);
/* 2 MiB aligned memory, with huge pages where the system gives them; filled with zeros. Never freed. */
void *bench_memory(size_t bytes);
double bench_median(double *values, int n);            /* sorts */

#endif
