/* Targets: instruction-set families with their variants (one file per target). Platforms: what an app is built for, a row of platforms.def
 * each; those of one target share its kernels and its weights. Data only. */
#ifndef INGOT_TARGETS_TARGET_H
#define INGOT_TARGETS_TARGET_H

#include <stdbool.h>
#include <stdint.h>

/* How a variant multiplies bytes, in groups of four along K. */
typedef enum ig_dot {
  IG_DOT_MADD,                 /* x86 without VNNI, unsigned by signed: pairs of products in 16 bits, which saturate */
  IG_DOT_VNNI,                 /* x86, unsigned by signed: four products into 32 bits */
  IG_DOT_VWMUL,                /* RISC-V, signed by signed: products in 16 bits, of whole groups of registers */
  IG_DOT_I16X8,                /* WebAssembly, signed by signed: numbers of 16 bits, two products into 32 bits */
  IG_DOT_SMULL,                /* Arm, signed by signed: products in 16 bits */
  IG_DOT_SDOT,                 /* Arm, signed by signed: four products into 32 bits */
  IG_DOT_SMMLA                 /* and eight, of two rows by two columns at once */
} ig_dot;

typedef struct ig_variant {
  const char *name;            /* "avx2" */
  const char *cpu;             /* LLVM's CPU name, from a fixed list: unknown names kill LLVM */
  const char *llvm_features;   /* "+avx2,+fma" */
  uint64_t features;           /* what the CPU must have: bits of runtime/abi/cpu.h */
  uint32_t lanes;              /* f32 lanes of a register: 4, 8, 16 */
  uint32_t registers;          /* vector registers */
  bool fma, f16c;              /* instructions that numerics rely on */
  ig_dot dot;
  bool sve;                    /* dot products are SVE's */
  const char *form_of;         /* not a variant, but its code for vectors of exactly this length (SVE); NULL: a variant */
} ig_variant;

typedef struct ig_target {
  const char *name;            /* "x86_64" */
  const char *layout;          /* "x86_64.r16" */
  uint32_t pointer;            /* bytes of an address: 8 or 4 */
  const ig_variant *variants;  /* best first; then n_forms forms of them, by variant from the shortest vectors to the longest */
  uint32_t n_variants, n_forms;
} ig_target;

extern const ig_target ig_target_x86_64, ig_target_aarch64, ig_target_riscv64, ig_target_wasm32;

typedef enum ig_object_format { IG_ELF, IG_MACHO, IG_COFF, IG_WASM } ig_object_format;

typedef struct ig_platform {
  const char *name;            /* "x86_64-linux-android": the bundle's folder */
  const ig_target *target;
  const char *triple;          /* LLVM's */
  ig_object_format format;     /* of its objects; archives are in the flavour that its linkers read */
  uint32_t page;               /* the largest page of its devices, bytes: files inside an app are aligned to it */
} ig_platform;

/* By name: NULL unknown. A platform is found by its own name, an alias (arm64-v8a, pixel-8), its target's name (the target's first row) or "native". */
const ig_platform *ig_platform_find(const char *name);
const ig_platform *ig_platform_at(int index);      /* NULL after the last */
const char *ig_platform_alias(int index, const ig_platform **platform); /* NULL after the last */

const ig_target *ig_target_find(const char *name); /* of the platform of that name, or NULL */
const ig_target *ig_target_at(int index);
/* The next form of a variant, from NULL on; NULL after the last. */
const ig_variant *ig_form_next(const ig_target *target, const ig_variant *variant, const ig_variant *form);
const ig_variant *ig_variant_find(const ig_target *target, const char *name);

#endif
