/* Which experts a token takes, whose tokens an expert has, and what lies between their products. Small kernels: a score is looked at once for each
 * expert that is chosen. Numbers that come from memory are kept within what there is, whatever wrote them. */
#include "codegen/kernels/rows.h"

#include <math.h>

#include "ir/numerics.h"

enum { CHOICES = 128, WEIGHTS = 64 }; /* bytes of a token's choices; where in them the weights lie */

static val load_u32(ig_kb *b, val base, val index) { return kb_load(b, "i32", row_at(b, base, index, 4), 4); }
static val narrow(ig_kb *b, val i64) { return kb_op(b, "arith.trunci", "i32", 1, &i64, NULL); }
static val least(ig_kb *b, val x, val y) { return kb_op(b, "arith.minui", "i64", 2, (val[]){x, y}, NULL); }
static val largest(ig_kb *b, val x, val y) { return kb_op(b, "arith.maxsi", "i64", 2, (val[]){x, y}, NULL); }

/* A place in the order of scores as one i64: the score's key, then the number, the lower the higher. */
static val place_of(ig_kb *b, val scores, val expert) {
  val x = kb_load(b, "f32", row_at(b, scores, expert, 4), 4), bits = kb_op(b, "arith.bitcast", "i32", 1, &x, NULL);
  val sign = kb_op(b, "arith.shrsi", "i32", 2, (val[]){bits, kb_i32(b, 31)}, NULL);
  val key = kb_xor(b, bits, kb_and(b, sign, kb_i32(b, INT32_MAX)));
  val number = kb_op(b, "arith.cmpf", "i1", 2, (val[]){x, x}, "{predicate = 7 : i64}"); /* ordered: no NaN */
  key = kb_select(b, number, key, kb_i32(b, INT32_MIN));
  return kb_or(b, kb_shl(b, kb_op(b, "arith.extsi", "i64", 1, &key, NULL), kb_i64(b, 32)), kb_sub(b, kb_i64(b, UINT32_MAX), expert));
}

void ig_gen_route(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  (void)ref;
  ig_kernel_values k = kb_kernel(b, symbol);
  val experts = row_dim(b, k, IG_D0), used = row_dim(b, k, IG_D0 + 1), row_bytes = row_times(b, row_dim(b, k, IG_D0 + 2), 64);
  val zero = kb_i64(b, 0), one = kb_i64(b, 1), nothing = kb_i64(b, INT64_MIN);
  kb_loop token, pick, i;
  row_tiles(b, &token, k);
  val scores = kb_ptr(b, kb_operand(b, k, 0), kb_mul(b, token.index, row_bytes)), y = row_at(b, kb_operand(b, k, 1), token.index, CHOICES),
      weights = kb_ptr(b, y, kb_i64(b, WEIGHTS));
  kb_for(b, &pick, zero, used, one, 2, (val[]){kb_i64(b, INT64_MAX), nothing}); /* the last place taken, and the first */
  kb_for(b, &i, zero, experts, one, 1, &nothing);
  val place = place_of(b, scores, i.index), below = kb_compare(b, KB_LESS, place, pick.carried[0]);
  val best = largest(b, i.carried[0], kb_select(b, below, place, nothing));
  kb_end_for(b, &i, &best);
  val first = kb_select(b, kb_compare(b, KB_EQUAL, pick.index, zero), i.result[0], pick.carried[1]);
  kb_end_for(b, &pick, (val[]){i.result[0], first});

  row_store(b, row_splat(b, -INFINITY), weights, zero, 64);
  kb_store(b, kb_const(b, I32X16, "dense<0>"), y, 64);
  kb_for(b, &i, zero, experts, one, 1, &zero); /* from the lowest number up: all that are not after the last */
  kb_branch taken;
  val is_taken = kb_compare(b, KB_LESS, kb_sub(b, pick.result[0], one), place_of(b, scores, i.index)),
      lane = least(b, i.carried[0], kb_i64(b, IG_EXPERTS_MOST - 1));
  kb_if(b, &taken, is_taken, false);
  kb_store(b, narrow(b, i.index), row_at(b, y, lane, 4), 4);
  kb_store(b, kb_load(b, "f32", row_at(b, scores, i.index, 4), 4), row_at(b, weights, lane, 4), 4);
  kb_end_if(b, &taken);
  val next = kb_add(b, i.carried[0], kb_op(b, "arith.extui", "i64", 1, &is_taken, NULL));
  kb_end_for(b, &i, &next);
  val top = least(b, kb_sub(b, kb_i64(b, UINT32_MAX), kb_and(b, pick.result[1], kb_i64(b, UINT32_MAX))), kb_sub(b, experts, one));
  val most = kb_splat(b, F32X16, kb_load(b, "f32", row_at(b, scores, top, 4), 4));
  val e = kb_exp(b, kb_sub(b, row_load(b, weights, zero, 64), most));
  row_store(b, kb_div(b, e, kb_splat(b, F32X16, kb_fold16(b, e))), weights, zero, 64);
  row_end(b, &token);
  kb_return(b);
}

/* starts[e + 1] counts expert e's rows, becomes where they end, and is where the next one goes while they are placed. */
void ig_gen_group(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  (void)ref;
  ig_kernel_values k = kb_kernel(b, symbol);
  val choices = kb_operand(b, k, 0), starts = kb_operand(b, k, 1), rows = kb_operand(b, k, 2), slots = kb_operand(b, k, 3);
  val experts = row_dim(b, k, IG_D0), used = row_dim(b, k, IG_D0 + 1), tokens = row_dim(b, k, INGOT_DIM_TOKENS), zero = kb_i64(b, 0), one = kb_i64(b, 1),
      none = kb_i32(b, 0);
  val last_expert = kb_sub(b, experts, one), last_slot = kb_sub(b, kb_mul(b, tokens, used), one);
  kb_loop tile, e, token, i;
  row_tiles(b, &tile, k);
  row_for(b, &e, zero, kb_add(b, experts, one), 1);
  kb_store(b, none, row_at(b, starts, e.index, 4), 4);
  row_end(b, &e);
  for (int placing = 0; placing < 2; placing++) {
    row_for(b, &token, zero, tokens, 1);
    val choice = row_at(b, choices, token.index, CHOICES);
    row_for(b, &i, zero, used, 1);
    val expert = least(b, row_wide(b, load_u32(b, choice, i.index)), last_expert);
    val counter = row_at(b, starts, placing ? expert : kb_add(b, expert, one), 4), count = kb_load(b, "i32", counter, 4);
    kb_store(b, kb_add(b, count, kb_i32(b, 1)), counter, 4);
    if (placing) {
      val slot = least(b, row_wide(b, count), last_slot), row = row_at(b, rows, slot, 8);
      kb_store(b, narrow(b, token.index), row, 4);
      kb_store(b, kb_load(b, "f32", kb_ptr(b, row_at(b, choice, i.index, 4), kb_i64(b, WEIGHTS)), 4), kb_ptr(b, row, kb_i64(b, 4)), 4);
      kb_store(b, narrow(b, slot), row_at(b, slots, kb_add(b, kb_mul(b, token.index, used), i.index), 4), 4);
    }
    row_end(b, &i);
    row_end(b, &token);
    /* After counting: where each begins. After placing each holds where it ended, which is where the next one began. */
    kb_for(b, &e, zero, placing ? kb_add(b, experts, one) : experts, one, 1, &none);
    val at = row_at(b, starts, placing ? e.index : kb_add(b, e.index, one), 4), was = kb_load(b, "i32", at, 4);
    val next = placing ? was : kb_add(b, e.carried[0], was);
    kb_store(b, placing ? e.carried[0] : next, at, 4);
    kb_end_for(b, &e, &next);
  }
  row_end(b, &tile);
  kb_return(b);
}

void ig_gen_gather(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  (void)ref;
  ig_kernel_values k = kb_kernel(b, symbol);
  val x = kb_operand(b, k, 0), slots = kb_operand(b, k, 1), y = kb_operand(b, k, 2), used = row_dim(b, k, IG_D0), words = row_dim(b, k, IG_D0 + 1);
  val last = kb_sub(b, kb_mul(b, row_dim(b, k, INGOT_DIM_TOKENS), used), kb_i64(b, 1)), lines = row_by(b, "shrui", words, 3);
  kb_loop token, i, w;
  row_tiles(b, &token, k);
  val from = row_at(b, x, kb_mul(b, token.index, words), 8);
  row_for(b, &i, kb_i64(b, 0), used, 1);
  val slot = least(b, row_wide(b, load_u32(b, slots, kb_add(b, kb_mul(b, token.index, used), i.index))), last), to = row_at(b, y, kb_mul(b, slot, words), 8);
  row_for(b, &w, kb_i64(b, 0), lines, 1);
  row_store(b, row_load(b, from, w.index, 8), to, w.index, 8);
  row_end(b, &w);
  row_for(b, &w, row_times(b, lines, 8), words, 1);
  kb_store(b, kb_load(b, "i64", row_at(b, from, w.index, 8), 8), row_at(b, to, w.index, 8), 8);
  row_end(b, &w);
  row_end(b, &i);
  row_end(b, &token);
  kb_return(b);
}

void ig_gen_experts_glu(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  (void)ref;
  ig_kernel_values k = kb_kernel(b, symbol);
  val y = kb_operand(b, k, 0), gate = kb_operand(b, k, 1), up = kb_operand(b, k, 2), n16 = row_dim(b, k, IG_D0);
  val alpha = kb_splat(b, F32X16, kb_dim_f32(b, k, IG_D0 + 1)), limit = kb_splat(b, F32X16, kb_dim_f32(b, k, IG_D0 + 2)),
      shift = kb_splat(b, F32X16, kb_dim_f32(b, k, IG_D0 + 3));
  kb_loop i;
  row_for(b, &i, kb_mul(b, row_wide(b, k.begin), n16), kb_mul(b, row_wide(b, k.end), n16), 1);
  val g = kb_min(b, row_load(b, gate, i.index, 64), limit), u = kb_max(b, kb_min(b, row_load(b, up, i.index, 64), limit), kb_neg(b, limit));
  val silu = kb_div(b, g, kb_add(b, row_splat(b, 1), kb_exp(b, kb_neg(b, kb_mul(b, alpha, g)))));
  row_store(b, kb_mul(b, silu, kb_add(b, u, shift)), y, i.index, 64);
  row_end(b, &i);
  kb_return(b);
}
