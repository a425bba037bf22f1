/* Targets: instruction-set families with their variants. Data only (targets.def, one file per target). */
#ifndef INGOT_TARGETS_TARGET_H
#define INGOT_TARGETS_TARGET_H

#include <stdbool.h>
#include <stdint.h>

typedef struct ig_variant {
  const char *name;            /* "avx2" */
  const char *cpu;             /* LLVM's CPU name, from a fixed list: unknown names kill LLVM */
  const char *llvm_features;   /* "+avx2,+fma" */
  uint64_t features;           /* what the CPU must have: bits of runtime/abi/cpu.h */
  uint32_t lanes;              /* f32 lanes of a register: 4, 8, 16 */
  uint32_t registers;          /* vector registers */
  bool fma, f16c;              /* instructions that numerics rely on */
  bool vnni;                   /* vpdpbusd of that width (EVEX or VEX) */
} ig_variant;

typedef struct ig_target {
  const char *name;            /* "x86_64" */
  const char *platform;        /* "x86_64-linux-gnu": the bundle's folder */
  const char *triple;          /* LLVM's */
  const char *layout;          /* "x86_64.r16" */
  const ig_variant *variants;  /* best first */
  uint32_t n_variants;
} ig_target;

const ig_target *ig_target_find(const char *name); /* by target, platform, or alias ("native"); NULL unknown */
const ig_target *ig_target_at(int index);
const ig_variant *ig_variant_find(const ig_target *target, const char *name);

#endif
