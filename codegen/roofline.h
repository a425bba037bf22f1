/* What a core can do at most, as kernels made for a variant like all others: the roofline beside which speed is reported.
 *
 * Each probe has a kernel's signature. They read args->operand[0] and write 64 bytes at `scratch`, so that nothing can be left out.
 *   IG_PROBE_INT8  [begin, end) rounds of ig_probe_round_ops operations in registers, the widest product of unsigned and signed bytes that the
 *                  variant has (vpdpbusd, else vpmaddubsw without what would widen its sums); a product and its addition are two operations
 *   IG_PROBE_F32   the same with fused multiply-adds of f32 (where the variant has none: a multiplication and an addition)
 *   IG_PROBE_READ  reads lines [begin, end) of IG_PROBE_LINE bytes of the operand, once and in order
 * For the first two the operand is any 64 bytes, 64-byte aligned; for the last it is aligned as well.
 */
#ifndef INGOT_CODEGEN_ROOFLINE_H
#define INGOT_CODEGEN_ROOFLINE_H

#include "codegen/library.h"
#include "runtime/abi/kernel.h"

typedef enum ig_probe { IG_PROBE_INT8, IG_PROBE_F32, IG_PROBE_READ, IG_PROBES } ig_probe;
enum { IG_PROBE_LINE = 256 };

/* The three in this process. */
typedef struct ig_roofline {
  struct ig_jit *jit;            /* NULL: not open */
  const ig_variant *variant;
  ingot_kernel_fn *probe[IG_PROBES];
} ig_roofline;
/* Compiles them for a variant that this CPU runs, after ig_codegen_init. False: the reason is in `diags`, nothing is open. */
bool ig_roofline_open(ig_roofline *roofline, const ig_platform *platform, const ig_variant *variant, ig_diags *diags);
void ig_roofline_close(ig_roofline *roofline);
/* Operations of one round of IG_PROBE_INT8 or IG_PROBE_F32. */
double ig_probe_round_ops(ig_probe probe, const ig_variant *variant);
/* 64 bytes to compute with: none is subnormal as f32, all are small enough as bytes. */
void ig_probe_pattern(uint8_t pattern[64]);

#endif
