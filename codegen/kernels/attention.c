/* attention: prefill. A tile is a kv head and 16 query tokens with all heads of its group; blocks of positions are taken from left to right,
 * widened to f32 once for all its queries. The arithmetic is that of attention_decode and attention_merge, so the results are equal. */
#include "codegen/kernels/attention.h"

ingot_extent ig_attention_scratch(const ig_kernel_ref *ref) {
  const uint32_t group = 1u << IG_ATTN_GROUP, v16 = 1u << IG_ATTN_V16;
  switch (ref->family) {
  case IG_ROPE_KV: return (ingot_extent){{{448, v16}}};
  case IG_ATTENTION_DECODE:
  case IG_ATTENTION_DECODE_CAPPED: return (ingot_extent){{{448 + 2 * INGOT_KV_BLOCK * 64, v16}, {ATTN_SCORES, 0}, {64, group | v16}}};
  case IG_ATTENTION_MERGE: return (ingot_extent){{{64, v16}, {64, 0}}};
  case IG_ATTENTION:
  case IG_ATTENTION_CAPPED: /* scores, o · k, v · rows of queries: q, and o with its line for maximum and sum (at most as long again) */
    return (ingot_extent){{{ATTN_SCORES, 0}, {ATTN_QUERIES * 64 + 2 * INGOT_KV_BLOCK * 64, v16}, {INGOT_QUERY_TILE * 3 * 64, group | v16}}};
  default: return (ingot_extent){{{0, 0}}};
  }
}

typedef struct prefill {
  const attn_dims *d;
  val rows, block, o;           /* merged rows, the block's index, the rows of the queries at hand */
  val ahead;                    /* positions of the block that lie before the tile's first token; may be negative */
} prefill;

static val token_of(ig_kb *b, const attn_dims *d, val query) { return kb_op(b, "arith.divui", "i64", 2, (val[]){query, d->group}, NULL); }

static val visible(ig_kb *b, void *user, val query) {
  const prefill *t = user;
  return kb_min(b, kb_add(b, kb_add(b, t->ahead, token_of(b, t->d, query)), kb_i64(b, 1)), kb_i64(b, INGOT_KV_BLOCK));
}

/* The first position of the block that a query sees; negative where it sees blocks before. */
static val first_seen(ig_kb *b, const prefill *t, val query) {
  return kb_sub(b, kb_add(b, kb_add(b, t->ahead, token_of(b, t->d, query)), kb_i64(b, 1)), t->d->window);
}

static val lowest(ig_kb *b, void *user, val query) { return kb_max(b, first_seen(b, user, query), kb_i64(b, 0)); }

static void merge_rows(ig_kb *b, void *user, val query, int n, const val *maximum, const val *sum) {
  const prefill *t = user;
  kb_branch first;
  for (int q = 0; q < n; q++) {
    val row = kb_ptr(b, t->rows, kb_mul(b, kb_add(b, query, kb_i64(b, q)), t->d->partial)), o = kb_ptr(b, t->o, row_times(b, t->d->row, q));
    val begins = kb_compare(b, KB_LESS, kb_i64(b, -1), first_seen(b, t, kb_add(b, query, kb_i64(b, q)))); /* the query's window */
    kb_if(b, &first, kb_or(b, kb_compare(b, KB_EQUAL, t->block, kb_i64(b, 0)), begins), true);
    kb_loop c;
    row_for(b, &c, kb_i64(b, 0), t->d->v16, 1);
    row_store(b, row_load(b, o, c.index, 64), row, c.index, 64);
    row_end(b, &c);
    val at = kb_ptr(b, row, t->d->row);
    kb_store(b, maximum[q], at, 4);
    kb_store(b, sum[q], kb_ptr(b, at, kb_i64(b, 4)), 4);
    kb_else(b, &first);
    attn_merge(b, t->d, row, o, maximum[q], sum[q]);
    kb_end_if(b, &first);
  }
}

void ig_gen_attention(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  ig_kernel_values kernel = kb_kernel(b, symbol);
  attn_dims d = attn_load_dims(b, ref, kernel);
  val q = kb_operand(b, kernel, 0), k_cache = kb_operand(b, kernel, 1), v_cache = kb_operand(b, kernel, 2), y = kb_operand(b, kernel, 3);
  val start = row_dim(b, kernel, INGOT_DIM_POSITION), all_tokens = row_dim(b, kernel, INGOT_DIM_TOKENS);
  val query_tiles = row_dim(b, kernel, INGOT_DIM_QUERY_TILES), heads = kb_mul(b, d.kv_heads, d.group), zero = kb_i64(b, 0);
  val scores = kernel.scratch, o = kb_ptr(b, scores, kb_i64(b, ATTN_SCORES));
  val k = row_at(b, o, d.row, ATTN_QUERIES), v = row_at(b, k, d.row, INGOT_KV_BLOCK);
  val queries = row_at(b, v, d.row, INGOT_KV_BLOCK), rows = row_at(b, queries, kb_mul(b, d.row, d.group), INGOT_QUERY_TILE);

  kb_loop tile, token, head, block;
  row_tiles(b, &tile, kernel);
  val kv_head = kb_op(b, "arith.divui", "i64", 2, (val[]){tile.index, query_tiles}, NULL);
  val first_head = kb_mul(b, kv_head, d.group);
  val first_token = row_times(b, kb_sub(b, tile.index, kb_mul(b, kv_head, query_tiles)), INGOT_QUERY_TILE);
  val tokens = kb_min(b, kb_sub(b, all_tokens, first_token), kb_i64(b, INGOT_QUERY_TILE)), position = kb_add(b, start, first_token);

  row_for(b, &token, zero, tokens, 1); /* rows far apart would share cache sets */
  row_for(b, &head, zero, d.group, 1);
  val floats = kb_mul(b, kb_add(b, first_head, head.index), d.head_dim), row = kb_mul(b, kb_add(b, first_token, token.index), d.q16);
  val query = kb_add(b, kb_mul(b, token.index, d.group), head.index);
  attn_copy(b, row_at(b, row_at(b, q, row, 64), floats, 4), kb_ptr(b, queries, kb_mul(b, query, d.row)), d.head_dim);
  row_end(b, &head);
  row_end(b, &token);

  val past = kb_add(b, position, tokens); /* the first position that no query of the tile sees */
  val begin = kb_max(b, kb_sub(b, kb_add(b, position, kb_i64(b, 1)), d.window), zero); /* the first position that any query sees */
  row_for(b, &block, row_by(b, "shrui", begin, 7), row_by(b, "shrui", kb_add(b, past, kb_i64(b, INGOT_KV_BLOCK - 1)), 7), 1);
  val from = row_times(b, block.index, INGOT_KV_BLOCK), n = kb_min(b, kb_sub(b, past, from), kb_i64(b, INGOT_KV_BLOCK));
  val k_half = attn_k_line(b, &d, k_cache, kv_head, row_times(b, block.index, INGOT_KV_BLOCK / 16));
  attn_widen(b, &d, k_half, attn_v_row(b, &d, v_cache, kv_head, from), n, k, v);
  prefill t = {&d, rows, block.index, o, kb_sub(b, position, from)};
  attn_block at = {.k = k, .v = v, .q = queries, .scores = scores, .o = o, .o_bytes = d.row};
  val sees = kb_max(b, kb_sub(b, from, position), zero); /* the first token at or after the block's first position */
  val ends = kb_add(b, kb_sub(b, from, position), kb_add(b, d.window, kb_i64(b, INGOT_KV_BLOCK - 1))); /* the first token whose window lies after the block */
  attn_attend(b, &d, &at, kb_mul(b, sees, d.group), kb_mul(b, kb_min(b, tokens, ends), d.group), &(attn_hooks){visible, lowest, false, merge_rows, &t});
  row_end(b, &block);

  row_for(b, &token, zero, tokens, 1);
  val y_row = row_at(b, y, kb_mul(b, kb_add(b, first_token, token.index), d.y16), 64);
  row_for(b, &head, zero, d.group, 1);
  val merged = kb_ptr(b, rows, kb_mul(b, kb_add(b, kb_mul(b, token.index, d.group), head.index), d.partial));
  val which = kb_add(b, first_head, head.index);
  attn_finish(b, &d, merged, kb_operand(b, kernel, 4), which);
  attn_copy(b, merged, row_at(b, y_row, kb_mul(b, which, d.head_dim), 4), d.head_dim);
  row_end(b, &head);
  kb_branch last;
  kb_if(b, &last, kb_compare(b, KB_EQUAL, kb_add(b, first_head, d.group), heads), false);
  attn_zero_padding(b, &d, y_row);
  kb_end_if(b, &last);
  row_end(b, &token);
  row_end(b, &tile);
  kb_return(b);
}
