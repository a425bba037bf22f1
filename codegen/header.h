/* The C header beside a library. */
#ifndef INGOT_CODEGEN_HEADER_H
#define INGOT_CODEGEN_HEADER_H

#include "ir/base/base.h"

/* Declares `name_program`, in C and C++. `name` is a C identifier. */
void ig_write_header(const char *name, ig_text *out);

#endif
