/* Scalar references of the kernels that hold no weights, over the kernels' own buffers: padded rows, caches, partial results. The order is that
 * of ir/numerics.h. Kernels of variants with fma give the same bits (`fused`), those without it the bits of a multiplication and an addition. */
#ifndef INGOT_IR_KERNEL_REFERENCE_H
#define INGOT_IR_KERNEL_REFERENCE_H

#include "ir/kernel_family.h"

/* Does tiles [begin, end) as the kernel would; false where the family has no reference here (those with packed weights). Needs no scratch. */
bool ig_reference(const ig_kernel_ref *kernel, const ingot_kernel_args *args, uint32_t begin, uint32_t end, bool fused);

#endif
