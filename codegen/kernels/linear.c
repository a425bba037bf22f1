/* y = W x: rows of 16, one lane a row.
 *   gemv   a tile at a time, in the order of memory: one stream of weights. The glu kernel goes over all gate tiles first, then over all up
 *          tiles, for the same reason.
 *   gemm   a panel of one or two tiles stays in the cache, expanded once, while all tokens pass over it in register tiles of rows x tokens.
 *          An odd last tile takes part twice in the register tile: both halves load y before either stores, so the result is the same. */
#include "codegen/kernels/linear.h"

#include <string.h>

#include "codegen/kernels/kernels.h"

/* ---- short forms ---- */

val kb_at(ig_kb *b, val base, int64_t offset) { return offset ? kb_ptr(b, base, kb_i64(b, offset)) : base; }
val kb_bytes64(ig_kb *b, val v) { return kb_op(b, "vector.bitcast", "vector<64xi8>", 1, &v, NULL); }
val kb_ints(ig_kb *b, val v) { return kb_op(b, "vector.bitcast", "vector<16xi32>", 1, &v, NULL); }
val kb_i32x16(ig_kb *b, int64_t v) { return kb_splat(b, "vector<16xi32>", kb_i32(b, v)); }
val kb_load_splat_i32(ig_kb *b, val ptr, int64_t offset) { return kb_splat(b, "vector<16xi32>", kb_load(b, "i32", kb_at(b, ptr, offset), 4)); }
val kb_load_splat_f32(ig_kb *b, val ptr, int64_t offset) { return kb_splat(b, "vector<16xf32>", kb_load(b, "f32", kb_at(b, ptr, offset), 4)); }
val kb_to_float(ig_kb *b, val v) { return kb_op(b, "arith.sitofp", "vector<16xf32>", 1, &v, NULL); }
val kb_words32(ig_kb *b, val v) { return kb_op(b, "vector.bitcast", "vector<32xi16>", 1, &v, NULL); }
val kb_load_line(ig_kb *b, val p, int64_t offset) { return kb_load(b, "vector<16xi32>", kb_at(b, p, offset), 64); }
val kb_nibbles(ig_kb *b, val line, bool high) { return kb_and(b, high ? kb_shru(b, line, kb_i32x16(b, 4)) : line, kb_i32x16(b, 0x0f0f0f0f)); }

static val wide(ig_kb *b, val i32) { return kb_op(b, "arith.extui", "i64", 1, &i32, NULL); }
static val times(ig_kb *b, val v, int64_t c) { return kb_mul(b, v, kb_i64(b, c)); }

/* ---- which ---- */

const ig_linear_format *ig_linear_format_of(const ig_layout *layout) {
  switch (layout->activation) {
  case IG_ACT_F32: return ig_linear_float(layout->format);
  case IG_ACT_A32: return ig_linear_a32(layout->format);
  default: break;
  }
  return ig_linear_a256(layout->format);
}

/* Registers: an i32 and an f32 sum (a256: and the sum of a sub-block) for each of rows x tokens, the weights, a scale. */
ig_register_tile ig_linear_tile(const ig_variant *variant, const ig_layout *layout) {
  if (layout->activation == IG_ACT_F32) return (ig_register_tile){1, variant->lanes == 16 ? 12 : variant->lanes == 8 ? 6 : 2};
  if (variant->lanes == 16) return (ig_register_tile){2, 6};
  return (ig_register_tile){1, variant->lanes == 8 ? 3 : 2};
}

ingot_extent ig_linear_scratch(const ig_kernel_ref *ref, const ig_target *target) {
  ingot_extent e = {0};
  if (ref->family != IG_LINEAR_GEMM && ref->family != IG_GLU_GEMM) return e;
  const ig_linear_format *f = ig_linear_format_of(ref->layout);
  uint32_t rows = 1, n = 0;
  for (uint32_t i = 0; i < target->n_variants; i++) {
    uint32_t r = (uint32_t)ig_linear_tile(&target->variants[i], ref->layout).rows;
    rows = r > rows ? r : rows;
  }
  if (f->scratch) e.term[n++] = (ingot_term){f->scratch, 0};
  if (f->panel_unit) e.term[n++] = (ingot_term){rows * f->panel_unit, 1u << IG_LIN_UNITS};
  if (f->panel_odd) e.term[n++] = (ingot_term){rows * f->panel_odd, 1u << IG_LIN_ODD};
  return e;
}

/* ---- epilogues ---- */

typedef struct epilogue {
  bool glu_up;  /* y = silu(y) * v */
  val add;      /* i1: y = y + v, else y = v; null where there is no choice */
} epilogue;

static val apply(ig_kb *b, const epilogue *e, val y, val v) {
  if (e->glu_up) return kb_mul(b, kb_silu(b, kb_load(b, "vector<16xf32>", y, 64)), v);
  if (!e->add.ptr) return v;
  val sum = kb_add(b, kb_load(b, "vector<16xf32>", y, 64), v);
  return kb_select(b, e->add, sum, v);
}

/* ---- one pass over the tiles of one weight ---- */

static void gemv(ig_linear *l, const ig_linear_format *f, val w, val begin, val end, const epilogue *e) {
  ig_kb *b = l->b;
  kb_loop tiles;
  kb_for(b, &tiles, begin, end, kb_i64(b, 1), 0, NULL);
  val v;
  f->gemv(l, kb_ptr(b, w, kb_mul(b, tiles.index, l->tile_bytes)), 1, &l->x, &v);
  val y = kb_ptr(b, l->y, times(b, tiles.index, 64));
  kb_store(b, apply(b, e, y, v), y, 64);
  kb_end_for(b, &tiles, NULL);
}

/* Tokens from `first` on in register tiles of n, as many as fit; gives the first token that is left. */
static val token_tiles(ig_linear *l, const ig_linear_format *f, int rows, const val *panels, const val *y, val first, int n, const epilogue *e) {
  ig_kb *b = l->b;
  val count = kb_op(b, "arith.divui", "i64", 2, (val[]){kb_sub(b, l->tokens, first), kb_i64(b, n)}, NULL);
  val end = n == 1 ? l->tokens : kb_add(b, first, times(b, count, n));
  kb_loop tokens;
  kb_for(b, &tokens, first, end, kb_i64(b, n), 0, NULL);
  val acc[IG_MOST_ROWS * IG_MOST_TOKENS];
  f->gemm(l, rows, panels, n, kb_ptr(b, l->x, kb_mul(b, tokens.index, l->x_stride)), acc);
  for (int t = 0; t < n; t++) {
    val offset = kb_mul(b, kb_add(b, tokens.index, kb_i64(b, t)), l->y_stride), to[IG_MOST_ROWS], v[IG_MOST_ROWS];
    for (int r = 0; r < rows; r++) to[r] = kb_ptr(b, y[r], offset), v[r] = apply(b, e, to[r], acc[r * n + t]);
    for (int r = 0; r < rows; r++) kb_store(b, v[r], to[r], 64);
  }
  kb_end_for(b, &tokens, NULL);
  return end;
}

static void gemm(ig_linear *l, const ig_linear_format *f, val w, val begin, val end, const epilogue *e) {
  ig_kb *b = l->b;
  ig_register_tile tile = ig_linear_tile(b->variant, l->layout);
  kb_loop panel;
  kb_for(b, &panel, begin, end, kb_i64(b, tile.rows), 0, NULL);
  val panels[IG_MOST_ROWS], y[IG_MOST_ROWS];
  val scratch = kb_at(b, l->k.scratch, f->scratch);
  val panel_bytes = kb_add(b, times(b, l->units, f->panel_unit), times(b, l->odd, f->panel_odd));
  val last = kb_sub(b, end, kb_i64(b, 1));
  for (int r = 0; r < tile.rows; r++) {
    val i = kb_op(b, "arith.minui", "i64", 2, (val[]){kb_add(b, panel.index, kb_i64(b, r)), last}, NULL);
    val from = kb_ptr(b, w, kb_mul(b, i, l->tile_bytes));
    y[r] = kb_ptr(b, l->y, times(b, i, 64));
    panels[r] = f->expand ? kb_ptr(b, scratch, kb_mul(b, kb_sub(b, i, panel.index), panel_bytes)) : from;
  }
  if (f->expand) {
    val stop = kb_op(b, "arith.minui", "i64", 2, (val[]){kb_add(b, panel.index, kb_i64(b, tile.rows)), end}, NULL);
    kb_loop tiles;
    kb_for(b, &tiles, panel.index, stop, kb_i64(b, 1), 0, NULL);
    f->expand(l, kb_ptr(b, w, kb_mul(b, tiles.index, l->tile_bytes)), kb_ptr(b, scratch, kb_mul(b, kb_sub(b, tiles.index, panel.index), panel_bytes)));
    kb_end_for(b, &tiles, NULL);
  }
  val first = kb_i64(b, 0);
  for (int n = tile.tokens; n; n = n > 3 ? n / 2 : n - 1) first = token_tiles(l, f, tile.rows, panels, y, first, n, e);
  kb_end_for(b, &panel, NULL);
}

void ig_gen_linear(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  bool glu = ref->family == IG_GLU_GEMV || ref->family == IG_GLU_GEMM, many = ref->family == IG_LINEAR_GEMM || ref->family == IG_GLU_GEMM;
  const ig_linear_format *f = ig_linear_format_of(ref->layout);
  ig_linear l = {.b = b, .k = kb_kernel(b, symbol), .layout = ref->layout};
  l.units = wide(b, kb_dim(b, l.k, IG_LIN_UNITS));
  l.odd = wide(b, kb_dim(b, l.k, IG_LIN_ODD));
  l.tokens = wide(b, kb_dim(b, l.k, INGOT_DIM_TOKENS));
  l.x = kb_operand(b, l.k, 0);
  l.y = kb_operand(b, l.k, glu ? 3 : 2);
  l.x_stride = kb_add(b, times(b, l.units, (int64_t)ig_activation_bytes(ref->layout->activation, ref->layout->unit_values)),
                      times(b, l.odd, (int64_t)ig_activation_bytes(ref->layout->activation, ref->layout->odd_values)));
  l.y_stride = times(b, wide(b, kb_dim(b, l.k, IG_LIN_TILES)), 64);
  l.tile_bytes = kb_add(b, times(b, l.units, ref->layout->unit_bytes), times(b, l.odd, ref->layout->odd_bytes));
  val begin = wide(b, l.k.begin), end = wide(b, l.k.end);
  epilogue e = {0};
  if (!glu) e.add = kb_op(b, "arith.cmpi", "i1", 2, (val[]){kb_dim(b, l.k, IG_LIN_EPILOGUE), kb_i32(b, 0)}, "{predicate = 1 : i64}"); /* ne */
  for (int pass = 0; pass < (glu ? 2 : 1); pass++) {
    e.glu_up = pass == 1;
    (many ? gemm : gemv)(&l, f, kb_operand(b, l.k, 1 + pass), begin, end, &e);
  }
  kb_return(b);
}
