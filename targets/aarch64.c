#include <stddef.h>

#include "runtime/abi/cpu.h"
#include "targets/target.h"

/* Every CPU of ARMv8 runs `neon`. Scheduling is LLVM's for no CPU in particular: the variants run on cores of many makers. `sve` asks for nothing but
 * SVE, whose own dot product it takes; a kernel of it asks for the length of vectors and goes on in its form for that length, or, at any other, as it is,
 * in 128 bits. */
#define SVE_FORMS(name, features, bits, dot) \
  {name "_256", "generic", features, bits, 8, 32, true, true, dot, true, name}, { name "_512", "generic", features, bits, 16, 32, true, true, dot, true, name }
#define I8MM (INGOT_CPU_NEON | INGOT_CPU_DOTPROD | INGOT_CPU_I8MM)
static const ig_variant variants[] = {
  {"sve2", "generic", "+neon,+sve2,+dotprod,+i8mm", I8MM | INGOT_CPU_SVE | INGOT_CPU_SVE2, 4, 32, true, true, IG_DOT_SMMLA, false, NULL},
  {"i8mm", "generic", "+neon,+dotprod,+i8mm", I8MM, 4, 32, true, true, IG_DOT_SMMLA, false, NULL},
  {"sve", "generic", "+neon,+sve", INGOT_CPU_NEON | INGOT_CPU_SVE, 4, 32, true, true, IG_DOT_SDOT, true, NULL},
  {"dotprod", "generic", "+neon,+dotprod", INGOT_CPU_NEON | INGOT_CPU_DOTPROD, 4, 32, true, true, IG_DOT_SDOT, false, NULL},
  {"neon", "generic", "+neon", INGOT_CPU_NEON, 4, 32, true, true, IG_DOT_SMULL, false, NULL},
  SVE_FORMS("sve2", "+neon,+sve2,+dotprod,+i8mm", I8MM | INGOT_CPU_SVE | INGOT_CPU_SVE2, IG_DOT_SMMLA),
  SVE_FORMS("sve", "+neon,+sve", INGOT_CPU_NEON | INGOT_CPU_SVE, IG_DOT_SDOT),
};
enum { FORMS = 4 };

const ig_target ig_target_aarch64 = {
  "aarch64", "aarch64.r16", 8, variants, sizeof variants / sizeof *variants - FORMS, FORMS,
};
