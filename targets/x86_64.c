#include <stddef.h>

#include "runtime/abi/cpu.h"
#include "targets/target.h"

/* CPU names are LLVM's; each variant's features are a subset of what runtime/abi/cpu.c asks cpuid for. znver4 schedules like the
 * machines that run the 512-bit variant well, but only icelake-server's instructions are taken from it, without those that LLVM might use and
 * cpu.c does not ask for. */
static const ig_variant variants[] = {
  {"avx512vnni", "icelake-server", "-prefer-256-bit,-gfni,-vaes,-vpclmulqdq", INGOT_CPU_X86_64_V2 | INGOT_CPU_AVX2 | INGOT_CPU_AVX512VNNI, 16, 32, true, true,
   IG_DOT_VNNI, false, NULL},
  {"avxvnni", "haswell", "+avxvnni", INGOT_CPU_X86_64_V2 | INGOT_CPU_AVX2 | INGOT_CPU_AVXVNNI, 8, 16, true, true, IG_DOT_VNNI, false, NULL},
  {"avx2", "haswell", "", INGOT_CPU_X86_64_V2 | INGOT_CPU_AVX2, 8, 16, true, true, IG_DOT_MADD, false, NULL},
  {"base", "x86-64-v2", "", INGOT_CPU_X86_64_V2, 4, 16, false, false, IG_DOT_MADD, false, NULL},
};

const ig_target ig_target_x86_64 = {
  "x86_64", "x86_64.r16", 8, variants, sizeof variants / sizeof *variants, 0,
};
