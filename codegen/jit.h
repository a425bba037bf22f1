/* Loads object files into this process, for `run` on a bundle and for tests. The device's way is the linker; this is the same code. */
#ifndef INGOT_CODEGEN_JIT_H
#define INGOT_CODEGEN_JIT_H

#include "ir/base/base.h"

typedef struct ig_jit ig_jit;

ig_jit *ig_jit_create(const char *place); /* which diagnostics name: the library's path */
/* The bytes are copied. Objects may refer to each other's symbols in any order. */
bool ig_jit_add_object(ig_jit *jit, const void *bytes, size_t size, ig_diags *diags);
/* A symbol of this process that objects may refer to. */
void ig_jit_define(ig_jit *jit, const char *name, const void *address);
/* Links what it needs; NULL where the symbol is unknown or does not link (reported). The address lives as long as the jit. */
void *ig_jit_symbol(ig_jit *jit, const char *name, ig_diags *diags);
void ig_jit_destroy(ig_jit *jit);

#endif
