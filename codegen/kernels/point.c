/* scale, softcap: y = f(y), sixteen values a tile, so that the workers share even one row of logits. Padding stays 0 under both. */
#include "codegen/kernels/rows.h"

void ig_gen_point(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  ig_kernel_values k = kb_kernel(b, symbol);
  val y = kb_operand(b, k, 0), number = kb_dim_f32(b, k, IG_POINT_NUMBER);
  kb_loop tile;
  row_tiles(b, &tile, k);
  val x = row_load(b, y, tile.index, 64);
  row_store(b, ref->family == IG_SCALE ? kb_mul(b, x, kb_splat(b, F32X16, number)) : kb_softcap(b, x, number), y, tile.index, 64);
  row_end(b, &tile);
  kb_return(b);
}
