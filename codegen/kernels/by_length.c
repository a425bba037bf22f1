/* What the library's table has for a variant with forms: nothing but the choice of one. */
#include <stdio.h>

#include "codegen/kernels/kernels.h"

static void go_on(ig_kb *b, ig_kernel_values k, const char *symbol, const char *suffix) {
  char attributes[256];
  snprintf(attributes, sizeof attributes, "{callee = @\"%s_%s\"}", symbol, suffix);
  kb_op(b, "func.call", NULL, 4, (val[]){k.args, k.scratch, k.begin, k.end}, attributes);
}

void ig_gen_by_length(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  (void)ref;
  ig_kernel_values k = kb_kernel(b, symbol);
  val times = kb_op(b, "llvm.call_intrinsic", "i64", 0, NULL,
                    "{intrin = \"llvm.vscale.i64\", operandSegmentSizes = array<i32: 0, 0>, op_bundle_sizes = array<i32>}");
  kb_branch of_length[8];
  int n = 0;
  for (const ig_variant *f = NULL; (f = ig_form_next(b->target, b->variant, f)); n++) {
    char bits[16];
    snprintf(bits, sizeof bits, "%u", 32 * f->lanes);
    kb_if(b, &of_length[n], kb_compare(b, KB_EQUAL, times, kb_i64(b, f->lanes / 4)), true);
    go_on(b, k, symbol, bits);
    kb_else(b, &of_length[n]);
  }
  go_on(b, k, symbol, "any");
  while (n) kb_end_if(b, &of_length[--n]);
  kb_return(b);
}
