#include "runtime/abi/cpu.h"
#include "targets/target.h"

/* Every CPU of ARMv8 runs `neon`. Scheduling is LLVM's for no CPU in particular: the variants run on cores of many makers. */
static const ig_variant variants[] = {
  {"dotprod", "generic", "+neon,+dotprod", INGOT_CPU_NEON | INGOT_CPU_DOTPROD, 4, 32, true, true, IG_DOT_SDOT},
  {"neon", "generic", "+neon", INGOT_CPU_NEON, 4, 32, true, true, IG_DOT_SMULL},
};

const ig_target ig_target_aarch64 = {
  "aarch64", "aarch64.r16", variants, sizeof variants / sizeof *variants,
};
