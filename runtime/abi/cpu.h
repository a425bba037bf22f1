/* CPU features that variants ask for. Bits are part of the ABI: never renumbered. */
#ifndef INGOT_ABI_CPU_H
#define INGOT_ABI_CPU_H

#include <stdint.h>

#define INGOT_CPU_X86_64_V2 (UINT64_C(1) << 0) /* SSE4.2, SSSE3, POPCNT, CX16, LAHF */
#define INGOT_CPU_AVX2 (UINT64_C(1) << 1) /* AVX2 with FMA, F16C, BMI, BMI2, LZCNT, MOVBE and the OS saving ymm */
#define INGOT_CPU_AVXVNNI (UINT64_C(1) << 2) /* AVX-VNNI (the VEX form) */
#define INGOT_CPU_AVX512VNNI (UINT64_C(1) << 3) /* AVX-512 F, BW, CD, DQ, VL, VNNI, VBMI, VBMI2, IFMA, BITALG, VPOPCNTDQ and the OS saving zmm */

#define INGOT_CPU_NEON (UINT64_C(1) << 16) /* Advanced SIMD of ARMv8-A */
#define INGOT_CPU_DOTPROD (UINT64_C(1) << 17) /* sdot, udot */
#define INGOT_CPU_I8MM (UINT64_C(1) << 18) /* smmla, usdot */
#define INGOT_CPU_SVE (UINT64_C(1) << 19)
#define INGOT_CPU_SVE2 (UINT64_C(1) << 20) /* with SVE's smmla */

#define INGOT_CPU_RVV (UINT64_C(1) << 32) /* RISC-V's V 1.0, whose registers have 128 bits or more, beside RV64GC */

#define INGOT_CPU_SIMD128 (UINT64_C(1) << 40) /* WebAssembly's vectors */

/* The features of the CPU this runs on: as cpuid and xgetbv tell, or the kernel's hwcaps and hwprobe; 0 on other architectures. Any thread, no state. */
uint64_t ingot__cpu_features(void);

#endif
