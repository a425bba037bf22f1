/* From kernels to objects: builds each needed kernel for each variant, in parallel, and gives back object files in memory. */
#ifndef INGOT_CODEGEN_LIBRARY_H
#define INGOT_CODEGEN_LIBRARY_H

#include "ir/kernel_family.h"
#include "passes/schedule.h"
#include "targets/target.h"
#include "ir/base/base.h"

typedef struct ig_object {
  void *data;
  size_t size;
} ig_object; /* in the platform's format; data from malloc */

/* How a kernel trades speed for code; its results stay the same bits. */
typedef enum ig_brevity {
  IG_FAST,
  IG_ONE_FORM,         /* without the variant's forms for longer vectors */
  IG_SMALL,            /* and many tokens, or queries, one after the other; products by one function a format, IG_PRODUCT, which is to be compiled too */
  IG_BREVITIES
} ig_brevity;

/* An object holding the kernels of one variant as hidden symbols `<prefix>__<variant>_<kernel name>`. `kernels_of_variant` in an
 * MLIR and an LLVM context of its own: call from several threads at once. `dump` (may be NULL) gets MLIR, LLVM IR or assembly. */
typedef enum ig_dump { IG_DUMP_NONE, IG_DUMP_MLIR, IG_DUMP_LLVM, IG_DUMP_ASM } ig_dump;
bool ig_compile_kernels(const ig_platform *platform, const ig_schedule *schedule, const ig_variant *variant, const char *prefix, const ig_kernel_ref *kernels,
                        uint32_t n, ig_brevity brevity, ig_dump dump, ig_text *dump_out, ig_object *object, ig_diags *diags);
const char *ig_symbol_of(ig_arena *arena, const char *prefix, const ig_variant *variant, const ig_kernel_ref *kernel);
/* What of an object is mapped into an app: machine code and its constants. */
uint64_t ig_code_bytes(const ig_object *object);
/* Scratch bytes of a kernel: the largest that any of the variants needs, as an extent of its dims. */
ingot_extent ig_kernel_scratch(const ig_kernel_ref *kernel, const ig_schedule *schedule);
/* Before any thread compiles; does its work once in a process: registers MLIR passes and LLVM targets, installs the fatal handler. */
void ig_codegen_init(void);

/* Packs one tile of 16 rows of a weight into `layout`: `rows` holds up to 16 rows of the file's bytes (row_bytes each, n_rows of them;
 * missing rows become zeros). `out` has unit_bytes * k_units + odd_bytes * k_odd bytes. Lossless. */
bool ig_pack_tile(const ig_layout *layout, const uint8_t *rows, uint32_t n_rows, uint64_t k, uint8_t *out);
/* The inverse, for tests and `inspect`: the exact f32 values of row `row` (0..15) of a packed tile. */
void ig_unpack_row(const ig_layout *layout, const uint8_t *tile, uint32_t row, uint64_t k, float *values);

#endif
