/* A part of a step against its kernel's row. */
#ifndef INGOT_RUNTIME_PLAN_CHECK_H
#define INGOT_RUNTIME_PLAN_CHECK_H

#include "runtime/core.h"

/* The sizes that a part has to stay within. */
typedef struct plan_bounds {
  uint64_t arena_bytes, private_bytes, kv_bytes, weights_bytes;
  uint32_t n_context, chunk;
  uint32_t max_tokens;    /* of the phase */
  bool head;              /* a head phase: rows may begin at any row of the chunk */
} plan_bounds;

/* NULL, or what is wrong. Adds the part's worst number of tiles to `tiles` and raises `scratch` to the kernel's need. */
const char *ingot__check_part(const ingot__part *part, const ingot_kernel_info *info, const plan_bounds *bounds, uint64_t *tiles, uint64_t *scratch);

#endif
