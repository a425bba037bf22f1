/* Products with the matrices of experts, by the register tiles of linear.c.
 *   gemv   each expert that the token has chosen in turn, its row tiles in the order of memory: nothing of the others is read.
 *   gemm   each expert that has rows in turn: its tiles are expanded once for all of them, which lie one after another in x.
 * The sum goes over a token's experts from the lowest number up in both, so that one token and many have the same bits. A share of the tiles
 * of a sum is a range of rows of y, over all experts; of the other products a range of (expert, row tile). */
#include "codegen/kernels/linear.h"
#include "codegen/kernels/rows.h"

enum { WEIGHTS = 64 }; /* bytes of a token's choices before their weights */

typedef struct mixture {
  ig_linear l;
  bool many, sums;
  val groups, w, bias, rows;   /* groups: the token's choices, or where each expert's rows begin */
  val x, y, tiles, experts, biased, last_slot, last_token;
} mixture;

static val of(ig_kb *b, const char *op, val x, val y) { return kb_op(b, op, "i64", 2, (val[]){x, y}, NULL); }
static val load_u32(ig_kb *b, val base, val index) { return row_wide(b, kb_load(b, "i32", row_at(b, base, index, 4), 4)); }

/* Row tiles [begin, end) of the product of group `g`: the g-th choice, or expert g. */
static void group_tiles(const mixture *m, val g, val begin, val end) {
  ig_linear l = m->l;
  ig_kb *b = l.b;
  ig_epilogue e = {.biased = m->biased};
  val expert = g, first = g, one = kb_i64(b, 1); /* the row of x, and of y where it has as many */
  kb_branch has_rows;
  if (m->many) {
    val past = kb_add(b, m->last_slot, one), stop = of(b, "arith.minui", load_u32(b, m->groups, kb_add(b, g, one)), past);
    first = of(b, "arith.minui", load_u32(b, m->groups, g), stop);
    l.tokens = of(b, "arith.minui", kb_sub(b, stop, first), l.tokens);
    kb_if(b, &has_rows, kb_compare(b, KB_BELOW, kb_i64(b, 0), l.tokens), false);
    if (m->sums) e.rows = row_at(b, m->rows, first, 8), e.last = m->last_token;
  } else {
    expert = of(b, "arith.minui", load_u32(b, m->groups, g), kb_sub(b, m->experts, one));
    if (m->sums) e.weight = kb_load_splat_f32(b, kb_ptr(b, m->groups, row_times(b, g, 4)), WEIGHTS);
  }
  val tile = kb_mul(b, expert, m->tiles);
  e.bias = row_at(b, m->bias, tile, 64);
  l.x = m->many || m->sums ? kb_ptr(b, m->x, ig_linear_row(&l, first)) : m->x;
  l.y = m->sums ? m->y : kb_ptr(b, m->y, kb_mul(b, first, l.y_stride));
  ig_linear_tiles(&l, m->many, kb_ptr(b, m->w, kb_mul(b, tile, l.tile_bytes)), begin, end, &e);
  if (m->many) kb_end_if(b, &has_rows);
}

void ig_gen_experts(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  mixture m = {.l = ig_linear_open(b, ref, symbol), .many = ref->family == IG_EXPERTS_GEMM || ref->family == IG_EXPERTS_SUM_GEMM};
  ig_kernel_values k = m.l.k;
  m.sums = ref->family == IG_EXPERTS_SUM_GEMV || ref->family == IG_EXPERTS_SUM_GEMM;
  m.x = kb_operand(b, k, 0), m.groups = kb_operand(b, k, 1), m.w = kb_operand(b, k, 2), m.y = kb_operand(b, k, 3), m.bias = kb_operand(b, k, 4);
  if (m.many && m.sums) m.rows = kb_operand(b, k, 5);
  m.tiles = row_dim(b, k, IG_LIN_TILES), m.experts = row_dim(b, k, IG_EXP_EXPERTS);
  m.biased = kb_compare(b, KB_BELOW, kb_i32(b, 0), kb_dim(b, k, IG_EXP_BIASED));
  val used = row_dim(b, k, IG_EXP_USED), zero = kb_i64(b, 0), one = kb_i64(b, 1), begin = row_wide(b, k.begin), end = row_wide(b, k.end);
  m.last_slot = kb_sub(b, kb_mul(b, m.l.tokens, used), one), m.last_token = kb_sub(b, m.l.tokens, one);
  kb_loop g;
  if (m.sums) {
    row_for(b, &g, zero, m.many ? m.experts : used, 1);
    group_tiles(&m, g.index, begin, end);
  } else {
    row_for(b, &g, of(b, "arith.divui", begin, m.tiles), of(b, "arith.ceildivui", end, m.tiles), 1);
    val before = kb_mul(b, g.index, m.tiles);
    group_tiles(&m, g.index, of(b, "arith.maxsi", kb_sub(b, begin, before), zero), of(b, "arith.minsi", kb_sub(b, end, before), m.tiles));
  }
  row_end(b, &g);
  kb_return(b);
}
