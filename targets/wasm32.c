#include <stddef.h>

#include "runtime/abi/cpu.h"
#include "targets/target.h"

/* Vectors of 128 bits, as many as code names: the engine that compiles the module has 16 registers of them on most machines. No fma; what an engine without
 * simd128 does is refuse the module. */
static const ig_variant variants[] = {
  {"simd128", "generic", "+simd128", INGOT_CPU_SIMD128, 4, 16, false, false, IG_DOT_I16X8, false, NULL},
};

const ig_target ig_target_wasm32 = {
  "wasm32", "wasm32.r16", 4, variants, sizeof variants / sizeof *variants, 0,
};
