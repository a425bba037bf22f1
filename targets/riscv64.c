#include <stddef.h>

#include "runtime/abi/cpu.h"
#include "targets/target.h"

/* Vectors of V have no length in the code: it asks for 16 numbers, which are four registers of 128 bits or fewer longer ones. A CPU without V runs none. */
static const ig_variant variants[] = {
  {"rvv", "generic-rv64", "+m,+a,+f,+d,+c,+v", INGOT_CPU_RVV, 4, 32, true, false, IG_DOT_VWMUL, false, NULL},
};

const ig_target ig_target_riscv64 = {
  "riscv64", "riscv64.r16", 8, variants, sizeof variants / sizeof *variants, 0,
};
