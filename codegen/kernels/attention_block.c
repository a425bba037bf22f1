/* Attention of a few queries to one block of positions: scores with lanes over positions, weighted sums with lanes over channels. Queries
 * go together in fours, twos and ones, so that what is loaded of k and v serves several; each sum keeps its order whatever the grouping. */
#include "codegen/kernels/attention.h"

#include <math.h>

typedef struct tile {
  const attn_dims *d;
  const attn_block *block;
  int queries, budget;          /* vectors of sums that fit the registers beside their operands */
  bool same;                    /* all see as many positions */
  val q[ATTN_QUERIES], scores[ATTN_QUERIES], o[ATTN_QUERIES], visible[ATTN_QUERIES], lowest[ATTN_QUERIES];
  val lines;                    /* of 16 positions that any of them sees */
  val maximum[ATTN_QUERIES], sum[ATTN_QUERIES];
} tile;

static int most(int x, int y) { return x < y ? x : y; }

static val load_kv(ig_kb *b, const tile *t, val base, val index) {
  if (!t->block->half) return row_load(b, base, index, 64);
  return kb_f16_to_f32(b, kb_load(b, "vector<16xi16>", row_at(b, base, index, 32), 32));
}

static void widen(ig_kb *b, val from, val to, val n16) {
  kb_loop i;
  row_for(b, &i, kb_i64(b, 0), n16, 1);
  row_store(b, kb_f16_to_f32(b, kb_load(b, "vector<16xi16>", row_at(b, from, i.index, 32), 32)), to, i.index, 64);
  row_end(b, &i);
}

void attn_widen(ig_kb *b, const attn_dims *d, val k, val v, val n, val to_k, val to_v) {
  widen(b, k, to_k, kb_mul(b, row_by(b, "shrui", kb_add(b, n, kb_i64(b, 15)), 4), d->head_dim));
  widen(b, v, to_v, kb_mul(b, n, d->v16));
}

static val load_splat(ig_kb *b, val row, val index) { return kb_splat(b, F32X16, kb_load(b, "f32", row_at(b, row, index, 4), 4)); }

static val positions_from(ig_kb *b, val line) {
  val first = row_times(b, line, 16), narrow = kb_op(b, "arith.trunci", "i32", 1, &first, NULL);
  return kb_add(b, kb_splat(b, I32X16, narrow), kb_const(b, I32X16, "dense<[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]>"));
}

/* scores[query][position], minus infinity where the query does not see; their maxima. */
static void score(ig_kb *b, tile *t) {
  int together = most(INGOT_KV_BLOCK / 16, t->budget / t->queries), n = t->queries * together;
  kb_loop line, channel;
  val largest[ATTN_QUERIES], zeros[64];
  for (int q = 0; q < t->queries; q++) largest[q] = row_splat(b, -INFINITY);
  for (int i = 0; i < n; i++) zeros[i] = row_splat(b, 0);
  kb_for(b, &line, kb_i64(b, 0), t->lines, kb_i64(b, together), t->queries, largest);
  val at[8];
  for (int l = 0; l < together; l++) at[l] = kb_mul(b, kb_add(b, line.index, kb_i64(b, l)), t->d->head_dim);
  kb_for(b, &channel, kb_i64(b, 0), t->d->head_dim, kb_i64(b, 1), n, zeros);
  val sums[64], k[8];
  for (int l = 0; l < together; l++) k[l] = load_kv(b, t, t->block->k, kb_add(b, at[l], channel.index));
  for (int q = 0; q < t->queries; q++) {
    val x = load_splat(b, t->q[q], channel.index);
    for (int l = 0; l < together; l++) sums[q * together + l] = kb_fma(b, k[l], x, channel.carried[q * together + l]);
  }
  kb_end_for(b, &channel, sums);
  for (int l = 0; l < together; l++) {
    val index = kb_add(b, line.index, kb_i64(b, l)), positions = positions_from(b, index);
    for (int q = 0; q < t->queries; q++) {
      val visible = kb_op(b, "arith.trunci", "i32", 1, &t->visible[q], NULL);
      val before = kb_op(b, "arith.trunci", "i32", 1, (val[]){kb_sub(b, t->lowest[q], kb_i64(b, 1))}, NULL);
      val seen = kb_and(b, kb_compare(b, KB_LESS, positions, kb_splat(b, I32X16, visible)), kb_compare(b, KB_LESS, kb_splat(b, I32X16, before), positions));
      val sum = channel.result[q * together + l];
      if (t->d->cap.ptr) sum = kb_softcap(b, sum, t->d->cap);
      val s = kb_select(b, seen, sum, row_splat(b, -INFINITY));
      row_store(b, s, t->scores[q], index, 64);
      largest[q] = kb_max(b, s, l ? largest[q] : line.carried[q]);
    }
  }
  kb_end_for(b, &line, largest);
  for (int q = 0; q < t->queries; q++) t->maximum[q] = kb_max16(b, line.result[q]);
}

/* scores become exp(score - maximum), which is 0 for minus infinity; their sums. */
static void exponentiate(ig_kb *b, tile *t) {
  kb_loop line;
  val sums[ATTN_QUERIES];
  for (int q = 0; q < t->queries; q++) sums[q] = row_splat(b, 0);
  kb_for(b, &line, kb_i64(b, 0), t->lines, kb_i64(b, 1), t->queries, sums);
  for (int q = 0; q < t->queries; q++) {
    val p = kb_exp(b, kb_sub(b, row_load(b, t->scores[q], line.index, 64), kb_splat(b, F32X16, t->maximum[q])));
    row_store(b, p, t->scores[q], line.index, 64);
    sums[q] = kb_add(b, line.carried[q], p);
  }
  kb_end_for(b, &line, sums);
  for (int q = 0; q < t->queries; q++) t->sum[q] = kb_fold16(b, line.result[q]);
}

/* What a query does not see before its window has weight 0, which changes no sum.
 * Adds positions [from, to) to the sums of `together` vectors of channels; `masked` where some queries see fewer. */
static void weigh_positions(ig_kb *b, const tile *t, val from, val to, val channel, int together, bool masked, val *sums) {
  kb_loop position;
  val v[8];
  kb_for(b, &position, from, to, kb_i64(b, 1), t->queries * together, sums);
  val at = kb_add(b, kb_mul(b, position.index, t->d->v16), channel);
  for (int c = 0; c < together; c++) v[c] = load_kv(b, t, t->block->v, kb_add(b, at, kb_i64(b, c)));
  for (int q = 0; q < t->queries; q++) {
    val p = load_splat(b, t->scores[q], position.index), seen = masked ? kb_compare(b, KB_LESS, position.index, t->visible[q]) : p;
    for (int c = 0; c < together; c++) {
      val before = position.carried[q * together + c], after = kb_fma(b, p, v[c], before);
      sums[q * together + c] = masked ? kb_select(b, seen, after, before) : after;
    }
  }
  kb_end_for(b, &position, sums);
  for (int i = 0; i < position.n; i++) sums[i] = position.result[i];
}

static void weigh(ig_kb *b, tile *t) {
  val from = kb_i64(b, 0);
  for (int together = most(4, t->budget / t->queries); together; together = together > 1 ? 1 : 0) {
    val rest = kb_sub(b, t->d->v16, from), to = kb_add(b, from, row_times(b, row_by(b, "divui", rest, together), together));
    kb_loop channel;
    val sums[64];
    row_for(b, &channel, from, to, together);
    for (int i = 0; i < t->queries * together; i++) sums[i] = row_splat(b, 0);
    weigh_positions(b, t, t->lowest[0], t->visible[0], channel.index, together, false, sums);
    if (!t->same && t->queries > 1) weigh_positions(b, t, t->visible[0], t->visible[t->queries - 1], channel.index, together, true, sums);
    for (int q = 0; q < t->queries; q++)
      for (int c = 0; c < together; c++) row_store(b, sums[q * together + c], t->o[q], kb_add(b, channel.index, kb_i64(b, c)), 64);
    row_end(b, &channel);
    from = to;
  }
}

void attn_attend(ig_kb *b, const attn_dims *d, const attn_block *block, val first, val end, const attn_hooks *hooks) {
  int budget = (int)b->choice.value[IG_SUMS];
  for (int n = (int)b->choice.value[IG_QUERIES]; n; n /= 2) {
    val to = kb_add(b, first, row_times(b, row_by(b, "divui", kb_sub(b, end, first), n), n));
    kb_loop query;
    row_for(b, &query, first, to, n);
    tile t = {.d = d, .block = block, .queries = n, .budget = budget, .same = hooks->same};
    for (int q = 0; q < n; q++) {
      val i = kb_add(b, query.index, kb_i64(b, q)), local = kb_i64(b, q);
      t.q[q] = kb_ptr(b, block->q, kb_mul(b, i, d->row));
      t.scores[q] = row_at(b, block->scores, local, INGOT_KV_BLOCK * 4);
      t.o[q] = kb_ptr(b, block->o, kb_mul(b, block->rows_by_query ? i : local, block->o_bytes));
      t.visible[q] = q && hooks->same ? t.visible[0] : hooks->visible(b, hooks->user, i);
      t.lowest[q] = q && hooks->same ? t.lowest[0] : hooks->lowest(b, hooks->user, i);
    }
    t.lines = row_by(b, "shrui", kb_add(b, t.visible[n - 1], kb_i64(b, 15)), 4);
    score(b, &t);
    exponentiate(b, &t);
    weigh(b, &t);
    hooks->done(b, hooks->user, query.index, n, t.maximum, t.sum);
    row_end(b, &query);
    first = to;
  }
}
