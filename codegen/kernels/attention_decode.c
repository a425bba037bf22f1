/* attention_decode: one token. A tile is a kv head and a block of 128 positions; the tile of the last block first puts the token's own key
 * and value into the caches, which no other tile reads. The result is partial: attention_merge puts the blocks together. */
#include "codegen/kernels/attention.h"

typedef struct decode {
  const attn_dims *d;
  val visible, lowest, row;     /* positions of this block: the end and the first that the token sees; the first query's row of partials */
} decode;

static val visible(ig_kb *b, void *user, val query) {
  (void)b, (void)query;
  return ((decode *)user)->visible;
}

static val lowest(ig_kb *b, void *user, val query) {
  (void)b, (void)query;
  return ((decode *)user)->lowest;
}

static void store_sums(ig_kb *b, void *user, val query, int n, const val *maximum, const val *sum) {
  const decode *t = user;
  for (int q = 0; q < n; q++) {
    val row = kb_ptr(b, t->row, kb_mul(b, kb_add(b, query, kb_i64(b, q)), t->d->partial)), at = kb_ptr(b, row, t->d->row);
    kb_store(b, maximum[q], at, 4);
    kb_store(b, sum[q], kb_ptr(b, at, kb_i64(b, 4)), 4);
  }
}

void ig_gen_attention_decode(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  ig_kernel_values kernel = kb_kernel(b, symbol);
  attn_dims d = attn_load_dims(b, ref, kernel);
  val q = kb_operand(b, kernel, 0), k = kb_operand(b, kernel, 1), v = kb_operand(b, kernel, 2), k_cache = kb_operand(b, kernel, 3);
  val v_cache = kb_operand(b, kernel, 4), frequencies = kb_operand(b, kernel, 5), partials = kb_operand(b, kernel, 6);
  val position = row_dim(b, kernel, INGOT_DIM_POSITION), blocks = row_dim(b, kernel, INGOT_DIM_BLOCKS);
  attn_rope rope = attn_rope_at(b, &d, kernel.scratch);
  val wide = row_at(b, kernel.scratch, d.v16, 448), scores = row_at(b, wide, d.row, 2 * INGOT_KV_BLOCK);
  val queries = kb_ptr(b, scores, kb_i64(b, ATTN_SCORES));
  val head_bytes = row_times(b, d.head_dim, 4), heads = kb_mul(b, d.kv_heads, d.group), begin = row_wide(b, kernel.begin);
  attn_rope_table(b, &d, &rope, frequencies, position);

  kb_loop tile, query;
  kb_branch branch;
  row_tiles(b, &tile, kernel);
  val head = kb_op(b, "arith.divui", "i64", 2, (val[]){tile.index, blocks}, NULL), block = kb_sub(b, tile.index, kb_mul(b, head, blocks));
  val first_query = kb_mul(b, head, d.group), zero = kb_i64(b, 0);
  kb_if(b, &branch, kb_or(b, kb_compare(b, KB_EQUAL, tile.index, begin), kb_compare(b, KB_EQUAL, block, zero)), false); /* another head's */
  row_for(b, &query, zero, d.group, 1);
  val from = kb_ptr(b, q, kb_mul(b, kb_add(b, first_query, query.index), head_bytes));
  attn_rotate(b, &d, &rope, from, kb_ptr(b, queries, kb_mul(b, query.index, d.row)), true);
  row_end(b, &query);
  kb_end_if(b, &branch);
  kb_if(b, &branch, kb_compare(b, KB_EQUAL, block, row_by(b, "shrui", position, 7)), false);
  val offset = kb_mul(b, head, head_bytes);
  attn_write_kv(b, &d, &rope, kb_ptr(b, k, offset), kb_ptr(b, v, offset), k_cache, v_cache, head, position);
  kb_end_if(b, &branch);

  val start = row_times(b, block, INGOT_KV_BLOCK), row = kb_add(b, kb_mul(b, block, heads), first_query);
  val written = kb_add(b, kb_sub(b, position, start), kb_i64(b, 1));
  val first = kb_sub(b, kb_add(b, kb_sub(b, position, start), kb_i64(b, 1)), d.window); /* may be negative */
  kb_if(b, &branch, kb_compare(b, KB_LESS, first, kb_i64(b, INGOT_KV_BLOCK)), false); /* not all beyond the window */
  decode t = {&d, kb_min(b, written, kb_i64(b, INGOT_KV_BLOCK)), kb_max(b, first, zero), kb_ptr(b, partials, kb_mul(b, row, d.partial))};
  attn_block at = {
    .k = attn_k_line(b, &d, k_cache, head, row_times(b, block, INGOT_KV_BLOCK / 16)),
    .v = attn_v_row(b, &d, v_cache, head, start),
    .half = true,
    .q = queries,
    .scores = scores,
    .o = t.row,
    .o_bytes = d.partial,
    .rows_by_query = true,
  };
  if (!b->variant->f16c) { /* converting takes long there: once for all queries */
    attn_widen(b, &d, at.k, at.v, t.visible, wide, row_at(b, wide, d.row, INGOT_KV_BLOCK));
    at.k = wide, at.v = row_at(b, wide, d.row, INGOT_KV_BLOCK), at.half = false;
  }
  attn_attend(b, &d, &at, zero, d.group, &(attn_hooks){visible, lowest, true, store_sums, &t});
  kb_end_if(b, &branch);
  row_end(b, &tile);
  kb_return(b);
}
