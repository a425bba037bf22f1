/* rms_norm, of a token's row or of each of its pieces (heads): y = x / sqrt(mean(x^2) + eps) * gain, as f32 or quantised in the same pass, or
 * added to y (rms_norm_add). Padding stays zero: x and gain are zero there. */
#include "codegen/kernels/rows.h"

void ig_gen_norm(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  ig_kernel_values k = kb_kernel(b, symbol);
  val x = kb_operand(b, k, 0), gain = kb_operand(b, k, 1), y = kb_operand(b, k, 2);
  val n16 = row_times(b, row_dim(b, k, IG_NORM_BLOCKS), ig_activation_block(ref->activation) / 16), n = kb_dim(b, k, IG_NORM_N),
      eps = kb_dim_f32(b, k, IG_NORM_EPS);
  val count = kb_op(b, "arith.uitofp", "f32", 1, &n, NULL);
  val x_bytes = row_times(b, n16, 64), y_bytes = row_bytes(b, ref->activation, n16);
  kb_loop row, i;
  val pieces = row_dim(b, k, IG_NORM_PIECES);
  row_for(b, &row, kb_mul(b, row_wide(b, k.begin), pieces), kb_mul(b, row_wide(b, k.end), pieces), 1);
  val from = kb_ptr(b, x, kb_mul(b, row.index, x_bytes)), zero = row_splat(b, 0);
  kb_for(b, &i, kb_i64(b, 0), n16, kb_i64(b, 1), 1, &zero);
  val v = row_load(b, from, i.index, 64), sum = kb_fma(b, v, v, i.carried[0]);
  kb_end_for(b, &i, &sum);
  val mean = kb_add(b, kb_div(b, kb_fold16(b, i.result[0]), count), eps);
  val root = kb_op(b, "math.sqrt", "f32", 1, &mean, NULL);
  row_source source = {.x = from, .gain = gain, .r = kb_splat(b, F32X16, kb_div(b, kb_f32(b, 1), root)), .scaled = true};
  val to = kb_ptr(b, y, kb_mul(b, row.index, y_bytes));
  if (ref->family == IG_NORM_ADD) {
    row_for(b, &i, kb_i64(b, 0), n16, 1);
    row_store(b, kb_add(b, row_load(b, to, i.index, 64), row_value(b, &source, i.index)), to, i.index, 64);
    row_end(b, &i);
  } else {
    row_write(b, ref->activation, &source, to, n16);
  }
  row_end(b, &row);
  kb_return(b);
}
