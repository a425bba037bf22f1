/* Kernel generators, one per family: each builds one function `symbol` with b's calls; the shapes are arguments of the kernel, so that
 * one function serves all sizes. Operands and dims are those of ir/kernel_family.h, the arithmetic that of ir/numerics.h. */
#ifndef INGOT_CODEGEN_KERNELS_H
#define INGOT_CODEGEN_KERNELS_H

#include "codegen/builder.h"
#include "codegen/library.h"

typedef void ig_generator(ig_kb *b, const ig_kernel_ref *ref, const char *symbol);
extern ig_generator *const ig_generators[IG_FAMILY_COUNT + 1]; /* generators.c */

/* Matrix products with packed weights: embed.c, linear.c and its formats */
ig_generator ig_gen_embed;
ig_generator ig_gen_linear;   /* LINEAR and GLU, GEMV and GEMM */
ig_generator ig_gen_product;  /* product.c */
ingot_extent ig_linear_scratch(const ig_kernel_ref *ref, const ig_schedule *schedule);

/* Mixtures of experts: route.c, experts.c */
ig_generator ig_gen_route;
ig_generator ig_gen_group;
ig_generator ig_gen_gather;
ig_generator ig_gen_experts_glu;
ig_generator ig_gen_experts;  /* EXPERTS and EXPERTS_SUM, GEMV and GEMM */

/* `symbol`, of a variant that has forms: goes on in the form for the length of the CPU's vectors, SYMBOL_256 or so, else in SYMBOL_any. */
ig_generator ig_gen_by_length; /* by_length.c */

/* Rows: norm.c, quant.c, glu.c, point.c */
ig_generator ig_gen_norm;
ig_generator ig_gen_quant;
ig_generator ig_gen_glu;
ig_generator ig_gen_point;    /* SCALE and SOFTCAP */

/* Positions and the KV cache: rope.c, attention*.c */
ig_generator ig_gen_rope_kv;
ig_generator ig_gen_attention;
ig_generator ig_gen_attention_decode;
ig_generator ig_gen_attention_merge;
ingot_extent ig_attention_scratch(const ig_kernel_ref *ref);

#endif
