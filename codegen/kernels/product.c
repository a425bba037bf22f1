/* A tile of weights times a row of activations, the sums of 16 rows: one function for each format, which the small kernels of that format call. What they
 * are themselves is loops over tiles and tokens. */
#include <string.h>

#include "codegen/kernels/linear.h"

static const char type[] = "(!llvm.ptr, !llvm.ptr, i64, i64) -> vector<16xf32>"; /* tile, x, units and odd blocks of K */

const char *ig_product_symbol(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  char name[48];
  ig_kernel_name(name, ref->family, ref->layout, ref->activation);
  return ig_format(b->arena, "%.*sproduct_%s", (int)(strlen(symbol) - strlen(name)), symbol, ref->layout->format);
}

val ig_call_product(ig_linear *l, val tile, val x) { return kb_call(l->b, l->product, type, "vector<16xf32>", 4, (val[]){tile, x, l->units, l->odd}); }

void ig_gen_product(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  static const char *const types[4] = {"!llvm.ptr", "!llvm.ptr", "i64", "i64"};
  val argument[4], v;
  kb_function(b, symbol, type, 4, types, argument);
  ig_linear l = {.b = b, .layout = ref->layout, .units = argument[2], .odd = argument[3]};
  ig_linear_format_of(ref->layout)->gemv(&l, argument[0], 1, &argument[1], &v);
  kb_return_value(b, v);
}
