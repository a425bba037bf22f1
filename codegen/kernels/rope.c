/* Rotary positions and the KV cache: the kernel rope_kv for prefill, and the pieces that decode attention uses of it. */
#include "codegen/kernels/attention.h"

attn_dims attn_load_dims(ig_kb *b, const ig_kernel_ref *ref, ig_kernel_values k) {
  attn_dims d = {
    .context = row_dim(b, k, INGOT_DIM_CONTEXT),
    .kv_heads = row_dim(b, k, IG_ATTN_KV_HEADS),
    .group = row_dim(b, k, IG_ATTN_GROUP),
    .head_dim = row_dim(b, k, IG_ATTN_HEAD_DIM),
    .v16 = row_dim(b, k, IG_ATTN_V16),
    .scale = kb_dim_f32(b, k, IG_ATTN_SCALE),
    .pairs = row_dim(b, k, IG_ATTN_PAIRS),
    .q16 = row_dim(b, k, IG_ATTN_Q16),
    .k16 = row_dim(b, k, IG_ATTN_K16),
    .v_row16 = row_dim(b, k, IG_ATTN_V_ROW16),
    .y16 = row_dim(b, k, IG_ATTN_Y16),
    .magnitude = kb_dim_f32(b, k, IG_ATTN_MAGNITUDE),
    .halves = kb_compare(b, KB_BELOW, kb_i32(b, 0), kb_dim(b, k, IG_ATTN_HALVES)),
    .sinks = kb_compare(b, KB_BELOW, kb_i32(b, 0), kb_dim(b, k, IG_ATTN_SINKS)),
  };
  val window = row_dim(b, k, IG_ATTN_WINDOW);
  d.window = kb_select(b, kb_compare(b, KB_EQUAL, window, kb_i64(b, 0)), kb_i64(b, INT64_C(1) << 40), window);
  if (ref->family == IG_ATTENTION_CAPPED || ref->family == IG_ATTENTION_DECODE_CAPPED) d.cap = kb_dim_f32(b, k, IG_ATTN_CAP);
  d.row = row_times(b, d.v16, 64);
  d.partial = kb_add(b, d.row, kb_i64(b, 64));
  return d;
}

void attn_copy(ig_kb *b, val from, val to, val n) {
  kb_loop i;
  val whole = row_by(b, "shrui", n, 4);
  row_for(b, &i, kb_i64(b, 0), whole, 1);
  row_store(b, row_load(b, from, i.index, 4), to, i.index, 4);
  row_end(b, &i);
  row_for(b, &i, row_times(b, whole, 16), n, 1);
  kb_store(b, kb_load(b, "f32", row_at(b, from, i.index, 4), 4), row_at(b, to, i.index, 4), 4);
  row_end(b, &i);
}

attn_rope attn_rope_at(ig_kb *b, const attn_dims *d, val scratch) {
  return (attn_rope){
    .turns = scratch,
    .cosines = row_at(b, scratch, d->v16, 64),
    .sines = row_at(b, scratch, d->v16, 192),
    .row = row_at(b, scratch, d->v16, 320),
    .halves = row_at(b, scratch, d->v16, 384),
  };
}

/* The tables hold what adjacent channels a, b are multiplied by: cosines c, s, c, s ... for a, sines -s, c, -s, c ... for b. For halves they
 * hold a pair's cosine and its sine. */
void attn_rope_table(ig_kb *b, const attn_dims *d, const attn_rope *rope, val frequencies, val position) {
  kb_loop i;
  row_for(b, &i, kb_i64(b, 0), d->pairs, 1);
  val turns = kb_mul(b, kb_load(b, "i64", row_at(b, frequencies, i.index, 8), 8), position), high = row_by(b, "shrui", turns, 32);
  kb_store(b, kb_op(b, "arith.trunci", "i32", 1, &high, NULL), row_at(b, rope->turns, i.index, 4), 4);
  row_end(b, &i);
  row_for(b, &i, kb_i64(b, 0), row_by(b, "shrui", kb_add(b, d->pairs, kb_i64(b, 15)), 4), 1); /* what lies beyond the last pair is unused */
  val sine, cosine;
  kb_sincos_turns(b, kb_load(b, I32X16, row_at(b, rope->turns, i.index, 64), 64), &sine, &cosine);
  val magnitude = kb_splat(b, F32X16, d->magnitude);
  sine = kb_mul(b, sine, magnitude), cosine = kb_mul(b, cosine, magnitude);
  val cs[2] = {cosine, sine}, sc[2] = {kb_neg(b, sine), cosine};
  kb_branch halves;
  kb_if(b, &halves, d->halves, true);
  row_store(b, cosine, rope->cosines, i.index, 64);
  row_store(b, sine, rope->sines, i.index, 64);
  kb_else(b, &halves);
  kb_store(b, kb_op(b, "vector.interleave", "vector<32xf32>", 2, cs, NULL), row_at(b, rope->cosines, i.index, 128), 64);
  kb_store(b, kb_op(b, "vector.interleave", "vector<32xf32>", 2, sc, NULL), row_at(b, rope->sines, i.index, 128), 64);
  kb_end_if(b, &halves);
  row_end(b, &i);
}

static val scaled_by(ig_kb *b, const attn_dims *d, val x, bool vector, bool scaled) {
  return scaled ? kb_mul(b, x, vector ? kb_splat(b, F32X16, d->scale) : d->scale) : x;
}

static val spread(ig_kb *b, val x, bool odd) { /* each pair's first or second channel, twice */
  return kb_op(b, "vector.shuffle", F32X16, 2, (val[]){x, x},
               odd ? "{mask = array<i64: 1, 1, 3, 3, 5, 5, 7, 7, 9, 9, 11, 11, 13, 13, 15, 15>}"
                   : "{mask = array<i64: 0, 0, 2, 2, 4, 4, 6, 6, 8, 8, 10, 10, 12, 12, 14, 14>}");
}

static val rotated(ig_kb *b, val first, val second, val cosines, val sines) { return kb_fma(b, first, cosines, kb_mul(b, second, sines)); }

static void rotate_halves(ig_kb *b, const attn_dims *d, const attn_rope *rope, val from, val to, bool scaled) {
  val whole = row_by(b, "shrui", d->pairs, 4), ends[3] = {kb_i64(b, 0), row_times(b, whole, 16), d->pairs};
  for (int one = 0; one < 2; one++) { /* sixteen pairs at a time, then one */
    const char *type = one ? "f32" : F32X16;
    kb_loop i;
    row_for(b, &i, ends[one], ends[one + 1], one ? 1 : 16);
    val second = kb_add(b, i.index, d->pairs);
    val x = kb_load(b, type, row_at(b, from, i.index, 4), 4), y = kb_load(b, type, row_at(b, from, second, 4), 4);
    val cosine = kb_load(b, type, row_at(b, rope->cosines, i.index, 4), 4), sine = kb_load(b, type, row_at(b, rope->sines, i.index, 4), 4);
    kb_store(b, scaled_by(b, d, rotated(b, x, y, cosine, kb_neg(b, sine)), !one, scaled), row_at(b, to, i.index, 4), 4);
    kb_store(b, scaled_by(b, d, rotated(b, x, y, sine, cosine), !one, scaled), row_at(b, to, second, 4), 4);
    row_end(b, &i);
  }
}

static void rotate_neighbours(ig_kb *b, const attn_dims *d, const attn_rope *rope, val from, val to, bool scaled) {
  kb_loop i;
  val channels = row_times(b, d->pairs, 2), whole = row_by(b, "shrui", channels, 4);
  row_for(b, &i, kb_i64(b, 0), whole, 1);
  val x = row_load(b, from, i.index, 4);
  val y = rotated(b, spread(b, x, false), spread(b, x, true), row_load(b, rope->cosines, i.index, 64), row_load(b, rope->sines, i.index, 64));
  row_store(b, scaled_by(b, d, y, true, scaled), to, i.index, 4);
  row_end(b, &i);

  row_for(b, &i, row_times(b, whole, 16), channels, 2);
  val pair = row_at(b, from, i.index, 4), first = kb_load(b, "f32", pair, 4), second = kb_load(b, "f32", kb_ptr(b, pair, kb_i64(b, 4)), 4);
  for (int odd = 0; odd < 2; odd++) {
    val at = kb_add(b, i.index, kb_i64(b, odd));
    val cosine = kb_load(b, "f32", row_at(b, rope->cosines, at, 4), 4), sine = kb_load(b, "f32", row_at(b, rope->sines, at, 4), 4);
    val r = rotated(b, first, second, cosine, sine);
    kb_store(b, scaled_by(b, d, r, false, scaled), row_at(b, to, at, 4), 4);
  }
  row_end(b, &i);
}

void attn_rotate(ig_kb *b, const attn_dims *d, const attn_rope *rope, val from, val to, bool scaled) {
  kb_branch halves;
  kb_if(b, &halves, d->halves, true);
  rotate_halves(b, d, rope, from, to, scaled);
  kb_else(b, &halves);
  rotate_neighbours(b, d, rope, from, to, scaled);
  kb_end_if(b, &halves);
  kb_loop i;
  row_for(b, &i, row_times(b, d->pairs, 2), d->head_dim, 1); /* not rotated; few models have any */
  kb_store(b, scaled_by(b, d, kb_load(b, "f32", row_at(b, from, i.index, 4), 4), false, scaled), row_at(b, to, i.index, 4), 4);
  row_end(b, &i);
}

val attn_k_line(ig_kb *b, const attn_dims *d, val k_cache, val head, val line) {
  val lines = kb_add(b, kb_mul(b, head, row_by(b, "shrui", d->context, 4)), line);
  return row_at(b, k_cache, kb_mul(b, lines, d->head_dim), 32);
}

val attn_v_row(ig_kb *b, const attn_dims *d, val v_cache, val head, val position) {
  return row_at(b, v_cache, kb_mul(b, kb_add(b, kb_mul(b, head, d->context), position), d->v16), 32);
}

static val to_half(ig_kb *b, val x) { return kb_f32_to_f16(b, kb_max(b, kb_min(b, x, row_splat(b, 65504.0f)), row_splat(b, -65504.0f))); }

/* The scratch row as f16. */
static void row_to_half(ig_kb *b, const attn_dims *d, const attn_rope *rope, val to) {
  kb_loop i;
  row_for(b, &i, kb_i64(b, 0), d->v16, 1);
  kb_store(b, to_half(b, row_load(b, rope->row, i.index, 64)), row_at(b, to, i.index, 32), 32);
  row_end(b, &i);
}

void attn_write_kv(ig_kb *b, const attn_dims *d, const attn_rope *rope, val k, val v, val k_cache, val v_cache, val head, val position) {
  kb_loop i;
  val last = kb_sub(b, d->v16, kb_i64(b, 1)), zero = row_splat(b, 0);
  row_store(b, zero, rope->row, last, 64);
  attn_rotate(b, d, rope, k, rope->row, false);
  row_to_half(b, d, rope, rope->halves);
  val lane = kb_ptr(b, attn_k_line(b, d, k_cache, head, row_by(b, "shrui", position, 4)), row_times(b, row_by(b, "remui", position, 16), 2));
  row_for(b, &i, kb_i64(b, 0), d->head_dim, 1);
  kb_store(b, kb_load(b, "i16", row_at(b, rope->halves, i.index, 2), 2), row_at(b, lane, i.index, 32), 2);
  row_end(b, &i);

  row_store(b, zero, rope->row, last, 64);
  attn_copy(b, v, rope->row, d->head_dim);
  row_to_half(b, d, rope, attn_v_row(b, d, v_cache, head, position));
}

void ig_gen_rope_kv(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  ig_kernel_values kernel = kb_kernel(b, symbol);
  attn_dims d = attn_load_dims(b, ref, kernel);
  val q = kb_operand(b, kernel, 0), k = kb_operand(b, kernel, 1), v = kb_operand(b, kernel, 2);
  val k_cache = kb_operand(b, kernel, 3), v_cache = kb_operand(b, kernel, 4), frequencies = kb_operand(b, kernel, 5);
  attn_rope rope = attn_rope_at(b, &d, kernel.scratch);
  val heads = kb_mul(b, d.kv_heads, d.group), head_bytes = row_times(b, d.head_dim, 4), start = row_dim(b, kernel, INGOT_DIM_POSITION);
  kb_loop token, head;
  row_tiles(b, &token, kernel);
  val position = kb_add(b, start, token.index);
  attn_rope_table(b, &d, &rope, frequencies, position);
  val q_row = row_at(b, q, kb_mul(b, token.index, d.q16), 64), k_row = row_at(b, k, kb_mul(b, token.index, d.k16), 64);
  val v_row = row_at(b, v, kb_mul(b, token.index, d.v_row16), 64);
  row_for(b, &head, kb_i64(b, 0), heads, 1);
  val at = kb_ptr(b, q_row, kb_mul(b, head.index, head_bytes));
  attn_rotate(b, &d, &rope, at, at, true);
  row_end(b, &head);
  row_for(b, &head, kb_i64(b, 0), d.kv_heads, 1);
  val offset = kb_mul(b, head.index, head_bytes);
  attn_write_kv(b, &d, &rope, kb_ptr(b, k_row, offset), kb_ptr(b, v_row, offset), k_cache, v_cache, head.index, position);
  row_end(b, &head);
  row_end(b, &token);
  kb_return(b);
}
