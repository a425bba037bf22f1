/* The object that ties a library together: `<name>_program`, its kernel rows, its variants and their tables of functions. */
#ifndef INGOT_CODEGEN_PROGRAM_OBJECT_H
#define INGOT_CODEGEN_PROGRAM_OBJECT_H

#include "codegen/library.h"
#include "passes/lower.h"

/* The symbol of a kernel: `<name>__<variant>_<kernel>`. */
char *ig_kernel_symbol(ig_arena *arena, const char *name, const ig_variant *variant, const ingot_kernel_info *kernel);
char *ig_program_symbol(ig_arena *arena, const char *name);

/* What the library has beside its kernels: the symbol of the runtime's code for its tokenizer (NULL: it has none), and the plan and the weights,
 * if it carries them; `weights` are the bytes of the weights file, with its seal. */
typedef struct ig_embedded {
  const char *tokens;
  const void *plan, *weights;
  size_t plan_size, weights_size;
} ig_embedded;

/* `variants`: those of the target that the library holds, best first. Constants only: no code, no constructors, nothing undefined but the
 * kernels and `tokens`. `object->data` is from malloc. */
bool ig_program_object(const ig_platform *platform, const ig_program_plan *plan, const char *name, const ig_schedule *schedule,
                       const ig_variant *const *variants, uint32_t n_variants, const uint8_t plan_hash[32], const ig_embedded *embedded, ig_object *object,
                       ig_diags *diags);

#endif
