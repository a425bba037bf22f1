/* glu: y = silu(y) * up, geglu: y = gelu(y) * up, for gate and up projections that are stored in different formats. Padding stays zero: f(0) * 0. */
#include "codegen/kernels/rows.h"

void ig_gen_glu(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  ig_kernel_values k = kb_kernel(b, symbol);
  val y = kb_operand(b, k, 0), up = kb_operand(b, k, 1), n16 = row_dim(b, k, IG_D0);
  kb_loop i;
  row_for(b, &i, kb_mul(b, row_wide(b, k.begin), n16), kb_mul(b, row_wide(b, k.end), n16), 1);
  val gate = (ref->family == IG_GEGLU ? kb_gelu : kb_silu)(b, row_load(b, y, i.index, 64));
  row_store(b, kb_mul(b, gate, row_load(b, up, i.index, 64)), y, i.index, 64);
  row_end(b, &i);
  kb_return(b);
}
