/* Blocks of attention merged from left to right. */
#include "codegen/kernels/attention.h"

/* The larger maximum's factor is exp(0) = 1 exactly: one exponential serves both. */
void attn_merge(ig_kb *b, const attn_dims *d, val row, val o, val maximum, val sum) {
  val to_maximum = kb_ptr(b, row, d->row), to_sum = kb_ptr(b, to_maximum, kb_i64(b, 4));
  val before = kb_load(b, "f32", to_maximum, 4), sum_before = kb_load(b, "f32", to_sum, 4), one = kb_f32(b, 1);
  val grows = kb_compare(b, KB_LESS, before, maximum);
  val factor = kb_exp(b, kb_select(b, grows, kb_sub(b, before, maximum), kb_sub(b, maximum, before)));
  val old = kb_select(b, grows, factor, one), new = kb_select(b, grows, one, factor);
  kb_store(b, kb_select(b, grows, maximum, before), to_maximum, 4);
  kb_store(b, kb_fma(b, sum_before, old, kb_mul(b, sum, new)), to_sum, 4);
  val old16 = kb_splat(b, F32X16, old), new16 = kb_splat(b, F32X16, new);
  kb_loop c;
  row_for(b, &c, kb_i64(b, 0), d->v16, 1);
  val merged = row_load(b, row, c.index, 64);
  merged = o.ptr ? kb_fma(b, merged, old16, kb_mul(b, row_load(b, o, c.index, 64), new16)) : kb_mul(b, merged, old16);
  row_store(b, merged, row, c.index, 64);
  row_end(b, &c);
}

void attn_finish(ig_kb *b, const attn_dims *d, val row, val sinks, val head) {
  kb_branch has_sink;
  kb_if(b, &has_sink, d->sinks, false);
  attn_merge(b, d, row, (val){NULL}, kb_load(b, "f32", row_at(b, sinks, head, 4), 4), kb_f32(b, 1));
  kb_end_if(b, &has_sink);
  val sum = kb_splat(b, F32X16, kb_load(b, "f32", kb_ptr(b, kb_ptr(b, row, d->row), kb_i64(b, 4)), 4));
  kb_loop c;
  row_for(b, &c, kb_i64(b, 0), d->v16, 1);
  row_store(b, kb_div(b, row_load(b, row, c.index, 64), sum), row, c.index, 64);
  row_end(b, &c);
}

void attn_zero_padding(ig_kb *b, const attn_dims *d, val y_row) {
  kb_loop i;
  row_for(b, &i, kb_mul(b, kb_mul(b, d->kv_heads, d->group), d->head_dim), row_times(b, d->y16, 16), 1);
  kb_store(b, kb_f32(b, 0), row_at(b, y_row, i.index, 4), 4);
  row_end(b, &i);
}

void ig_gen_attention_merge(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  ig_kernel_values k = kb_kernel(b, symbol);
  attn_dims d = attn_load_dims(b, ref, k);
  val partials = kb_operand(b, k, 0), y = kb_operand(b, k, 1), blocks = row_dim(b, k, INGOT_DIM_BLOCKS), row = k.scratch;
  val lowest = kb_sub(b, kb_add(b, row_dim(b, k, INGOT_DIM_POSITION), kb_i64(b, 1)), d.window);
  val begin = row_by(b, "shrui", kb_max(b, lowest, kb_i64(b, 0)), 7); /* the window's first block */
  val heads = kb_mul(b, d.kv_heads, d.group), block_bytes = kb_mul(b, heads, d.partial), lines = row_by(b, "shrui", d.partial, 6);
  kb_loop tile, head, i, block;
  row_tiles(b, &tile, k);
  row_for(b, &head, kb_i64(b, 0), heads, 1);
  val of_head = kb_ptr(b, partials, kb_mul(b, head.index, d.partial)), first = kb_ptr(b, of_head, kb_mul(b, begin, block_bytes));
  row_for(b, &i, kb_i64(b, 0), lines, 1);
  row_store(b, row_load(b, first, i.index, 64), row, i.index, 64);
  row_end(b, &i);
  row_for(b, &block, kb_add(b, begin, kb_i64(b, 1)), blocks, 1);
  val next = kb_ptr(b, of_head, kb_mul(b, block.index, block_bytes)), maximum = kb_ptr(b, next, d.row);
  attn_merge(b, &d, row, next, kb_load(b, "f32", maximum, 4), kb_load(b, "f32", kb_ptr(b, maximum, kb_i64(b, 4)), 4));
  row_end(b, &block);
  attn_finish(b, &d, row, kb_operand(b, k, 2), head.index);
  attn_copy(b, row, row_at(b, y, kb_mul(b, head.index, d.head_dim), 4), d.head_dim);
  row_end(b, &head);
  attn_zero_padding(b, &d, y);
  row_end(b, &tile);
  kb_return(b);
}
