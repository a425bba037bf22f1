/* y = W x for activations of two digits: each tile of weights is read once and multiplied with both rows of every token. The head's kernel: it
 * serves one token as well as a slice of them, a tile staying in the cache between them. */
#include "codegen/kernels/linear.h"
#include "codegen/kernels/rows.h"

void ig_gen_linear_x2(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  const ig_layout *layout = ref->layout;
  const ig_linear_format *f = ig_linear_format_of(layout);
  ig_linear l = {.b = b, .k = kb_kernel(b, symbol), .layout = layout};
  l.units = row_dim(b, l.k, IG_LIN_UNITS);
  l.odd = row_dim(b, l.k, IG_LIN_ODD);
  l.tokens = row_dim(b, l.k, INGOT_DIM_TOKENS);
  l.x = kb_operand(b, l.k, 0);
  l.y = kb_operand(b, l.k, 2);
  val w = kb_operand(b, l.k, 1);
  l.x_stride = kb_add(b, row_times(b, l.units, (int64_t)ig_activation_bytes(layout->activation, layout->unit_values)),
                      row_times(b, l.odd, (int64_t)ig_activation_bytes(layout->activation, layout->odd_values)));
  l.y_stride = row_times(b, row_dim(b, l.k, IG_LIN_TILES), 64);
  l.tile_bytes = kb_add(b, row_times(b, l.units, layout->unit_bytes), row_times(b, l.odd, layout->odd_bytes));
  kb_loop tile, token;
  row_tiles(b, &tile, l.k);
  val at = kb_ptr(b, w, kb_mul(b, tile.index, l.tile_bytes)), y = row_at(b, l.y, tile.index, 64);
  row_for(b, &token, kb_i64(b, 0), l.tokens, 1);
  val x = kb_ptr(b, l.x, row_times(b, kb_mul(b, token.index, l.x_stride), 2));
  val digit[2];
  f->gemv(&l, at, 2, (val[]){x, kb_ptr(b, x, l.x_stride)}, digit);
  kb_store(b, kb_add(b, digit[0], digit[1]), kb_ptr(b, y, kb_mul(b, token.index, l.y_stride)), 64);
  row_end(b, &token);
  row_end(b, &tile);
  kb_return(b);
}
