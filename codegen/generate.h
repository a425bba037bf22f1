/* Objects from any generators, beside the kernels of a model: what codegen/library.c is made of, and the probes too. */
#ifndef INGOT_CODEGEN_GENERATE_H
#define INGOT_CODEGEN_GENERATE_H

#include "codegen/library.h"

struct ig_kb;

/* One function of an object. */
typedef struct ig_unit {
  const char *symbol;
  void (*generate)(struct ig_kb *b, const ig_kernel_ref *ref, const char *symbol);
  const ig_kernel_ref *ref;      /* handed to the generator, as is the choice; may be NULL */
  ig_choice choice;
  const ig_variant *form;        /* of the variant that the object is for; NULL: itself */
} ig_unit;

/* As ig_compile_kernels. `what` names the object in messages of the code generator. */
bool ig_compile_units(const ig_platform *platform, const ig_variant *variant, const char *what, const ig_unit *units, uint32_t n, ig_dump dump,
                      ig_text *dump_out, ig_object *object, ig_diags *diags);

#endif
