/* The inner loop of signed products. Sums of a block of 256 are never set back between its sub-blocks: with S the running sum after sub-block j,
 *   sum of scale[j] * dot[j]  =  sum of (scale[j] - scale[j + 1]) * S[j]
 * (modulo 2^32, where the result lies), and the differences are what the panel holds. */
#include "codegen/builder_dots.h"
#include "codegen/kernels/signed.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

enum { LINE = 64, SLOT = 16, GROUP = 4, MOST_SUMS = 28 }; /* of sums: twice as many fill a loop, and no legal register tile has more */

/* Registers of weights that go together: `n` of them from `first` on, each of a tile. */
typedef struct group {
  ig_kb *b;
  const ig_signed *s;
  int lanes, first, n, slots;
  int of_tile;                   /* registers of a tile */
  const val *panels;
  char ints[32], floats[32], bytes[32];
} group;

static int tile_of(const group *g, int i) { return (g->first + i) / g->of_tile; }
static int64_t offset_of(const group *g, int i) { return (int64_t)(g->first + i) % g->of_tile * 4 * g->lanes; }
static val at_slot(const group *g, val packed, int step, int slot) { return kb_at(g->b, packed, (int64_t)SLOT * (step * g->slots + slot)); }
static val to_float(const group *g, val v) { return kb_op(g->b, "arith.sitofp", g->floats, 1, &v, NULL); }

/* sum[register * slots + slot] += `lines` lines of bytes times packed tokens. */
static void add_lines(const group *g, const val *w, int64_t at, int lines, val packed, int step, val *sum) {
  ig_kb *b = g->b;
  int per_step = g->s->mm ? 2 : 4; /* lines that a register of tokens serves */
  for (int line = 0; line < lines; line += g->s->mm ? 2 : 1) {
    val x[IG_MOST_TOKENS];
    for (int t = 0; t < g->slots; t++) x[t] = kb_load_x16(b, at_slot(g, packed, step + line / per_step, t));
    for (int i = 0; i < g->n; i++) {
      val bytes = kb_load(b, g->bytes, kb_at(b, w[tile_of(g, i)], at + (int64_t)LINE * line + offset_of(g, i)), 16);
      for (int t = 0; t < g->slots; t++) sum[i * g->slots + t] = kb_dot_register(b, sum[i * g->slots + t], bytes, x[t], line % per_step);
    }
  }
}

static void scales_of(const group *g, val packed, int step, const char *type, val *x) {
  for (int t = 0; t < g->slots; t++) x[t] = kb_numbers_of(g->b, kb_load_x16(g->b, at_slot(g, packed, step, t)), type);
}

static val numbers(const group *g, const val *w, int i, int line, const char *type) {
  return kb_load(g->b, type, kb_at(g->b, w[tile_of(g, i)], (int64_t)LINE * line + offset_of(g, i)), 16);
}

/* The dots of a block of 256, times their scales. */
static void total_of(const group *g, const val *w, val packed, val *total) {
  ig_kb *b = g->b;
  const ig_signed *s = g->s;
  int n = g->n * g->slots, stride = s->sub + s->sub_lines, steps = s->values / s->subs / (s->mm ? 8 : 16), carried = s->sub ? 2 * n : n;
  val sums[2 * MOST_SUMS], zero = kb_const(b, g->ints, "dense<0>"), ws[IG_MOST_ROWS];
  for (int i = 0; i < carried; i++) sums[i] = zero;
  kb_loop subs;
  kb_for(b, &subs, kb_i64(b, 0), kb_i64(b, s->subs), kb_i64(b, 1), carried, sums);
  memcpy(sums, subs.carried, (size_t)carried * sizeof *sums);
  for (int r = 0; r <= tile_of(g, g->n - 1); r++) ws[r] = kb_ptr(b, w[r], kb_mul(b, subs.index, kb_i64(b, LINE * stride)));
  val xs = kb_ptr(b, packed, kb_mul(b, subs.index, kb_i64(b, (int64_t)SLOT * steps * g->slots)));
  add_lines(g, ws, LINE * s->sub, s->sub_lines, xs, 0, sums);
  for (int i = 0; i < g->n && s->sub; i++) {
    val scale = numbers(g, ws, i, 0, g->ints);
    for (int t = 0; t < g->slots; t++) sums[n + i * g->slots + t] = kb_add(b, sums[n + i * g->slots + t], kb_mul(b, sums[i * g->slots + t], scale));
  }
  kb_end_for(b, &subs, sums);
  memcpy(total, subs.result + (s->sub ? n : 0), (size_t)n * sizeof *total);
}

/* Minima times sums of activations, which come in two digits of base 128. */
static void minima_of(const group *g, const val *w, val packed, val *m) {
  ig_kb *b = g->b;
  const ig_signed *s = g->s;
  int n = g->n * g->slots, lines = s->minima / 4;
  val zero = kb_const(b, g->ints, "dense<0>"), seven = kb_const(b, g->ints, "dense<7>"), digit[2][MOST_SUMS];
  for (int d = 0; d < 2; d++) {
    for (int i = 0; i < n; i++) digit[d][i] = zero;
    if (s->mm || lines == 4) {
      add_lines(g, w, (int64_t)LINE * s->at_minima, lines, packed, s->x_minima + d * (s->mm ? lines / 2 : 1), digit[d]);
      continue;
    }
    for (int i = 0; i < g->n; i++) /* eight sums of either digit in one register */
      for (int line = 0; line < 2; line++) {
        val bytes = kb_load(b, g->bytes, kb_at(b, w[tile_of(g, i)], (int64_t)LINE * (s->at_minima + line) + offset_of(g, i)), 16);
        for (int t = 0; t < g->slots; t++)
          digit[d][i * g->slots + t] = kb_dot_register(b, digit[d][i * g->slots + t], bytes, kb_load_x16(b, at_slot(g, packed, s->x_minima, t)), 2 * d + line);
      }
  }
  for (int i = 0; i < n; i++) m[i] = kb_add(b, digit[0][i], kb_shl(b, digit[1][i], seven));
}

/* acc[register * slots + slot] over all blocks. */
static void all_blocks(ig_linear *l, const group *g, val packed, val *acc) {
  ig_kb *b = l->b;
  const ig_signed *s = g->s;
  int n = g->n * g->slots;
  kb_loop blocks;
  kb_for(b, &blocks, kb_i64(b, 0), ig_signed_blocks(l, s), kb_i64(b, 1), n, acc);
  memcpy(acc, blocks.carried, (size_t)n * sizeof *acc);
  val w[IG_MOST_ROWS], total[MOST_SUMS], m[MOST_SUMS], scale[IG_MOST_TOKENS], sum[IG_MOST_TOKENS];
  for (int r = 0; r <= tile_of(g, g->n - 1); r++) w[r] = kb_ptr(b, g->panels[r], kb_mul(b, blocks.index, kb_i64(b, (int64_t)LINE * s->block)));
  val x = kb_ptr(b, packed, kb_mul(b, blocks.index, kb_i64(b, (int64_t)SLOT * s->x_block * g->slots)));
  if (s->k) {
    total_of(g, w, x, total);
  } else {
    for (int i = 0; i < n; i++) total[i] = kb_const(b, g->ints, "dense<0>");
    add_lines(g, w, LINE * s->sub, s->sub_lines, x, 0, total);
  }
  if (s->minima) minima_of(g, w, x, m);
  scales_of(g, x, s->x_scale, g->floats, scale);
  if (s->x_sum) scales_of(g, x, s->x_sum, g->ints, sum);
  for (int i = 0; i < g->n; i++) {
    val d = numbers(g, w, i, s->at_d, g->floats), dm = s->at_m ? numbers(g, w, i, s->at_m, g->floats) : d;
    for (int t = 0; t < g->slots; t++) {
      int j = i * g->slots + t;
      acc[j] = kb_fma(b, kb_mul(b, d, scale[t]), to_float(g, total[j]), acc[j]);
      if (!s->at_m) continue;
      val product = kb_mul(b, dm, scale[t]);
      acc[j] = kb_fma(b, s->minima == 8 ? kb_neg(b, product) : product, to_float(g, s->minima ? m[j] : sum[t]), acc[j]);
    }
  }
  kb_end_for(b, &blocks, acc);
  memcpy(acc, blocks.result, (size_t)n * sizeof *acc);
}

/* Two tokens' sums of a tile in the order of smmla, and back. */
static val pair_of(ig_kb *b, val first, val second) { return kb_op(b, "vector.interleave", "vector<32xf32>", 2, (val[]){first, second}, NULL); }
static val one_of(ig_kb *b, val pair, int which) {
  return kb_op(b, "vector.shuffle", "vector<16xf32>", 2, (val[]){pair, pair},
               which ? "{mask = array<i64: 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31>}"
                     : "{mask = array<i64: 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>}");
}

void ig_signed_gemm(ig_linear *l, int rows, const val *panels, int tokens, val packed, val *acc) {
  ig_kb *b = l->b;
  ig_signed s = ig_signed_of(b->variant, l->layout);
  int lanes = (int)b->variant->lanes, of_tile = 16 * s.wide / lanes, registers = rows * of_tile, slots = ig_signed_slots(&s, tokens);
  val part[IG_MOST_ROWS * 8 * IG_MOST_TOKENS];
  assert(registers <= IG_MOST_ROWS * 8);
  for (int first = 0; first < registers; first += GROUP) {
    group g = {.b = b,
               .s = &s,
               .lanes = lanes,
               .first = first,
               .n = registers - first < GROUP ? registers - first : GROUP,
               .slots = slots,
               .of_tile = of_tile,
               .panels = panels};
    snprintf(g.ints, sizeof g.ints, "vector<%dxi32>", lanes);
    snprintf(g.floats, sizeof g.floats, "vector<%dxf32>", lanes);
    snprintf(g.bytes, sizeof g.bytes, "vector<%dxi8>", 4 * lanes);
    val *sums = part + first * slots;
    for (int i = 0; i < g.n; i++)
      for (int t = 0; t < slots; t++) {
        const val *of = acc + tile_of(&g, i) * tokens;
        int second = 2 * t + 1 < tokens ? 2 * t + 1 : 2 * t;
        sums[i * slots + t] = kb_cut(b, s.mm ? pair_of(b, of[2 * t], of[second]) : of[t], 16 * s.wide, "f32", (first + i) % of_tile, of_tile);
      }
    all_blocks(l, &g, packed, sums);
  }
  for (int r = 0; r < rows; r++)
    for (int t = 0; t < slots; t++) {
      val whole[8];
      for (int c = 0; c < of_tile; c++) whole[c] = part[(r * of_tile + c) * slots + t];
      val joined = kb_join(b, whole, of_tile, 16 * s.wide, "f32");
      for (int which = 0; which < s.wide && s.wide * t + which < tokens; which++)
        acc[r * tokens + s.wide * t + which] = s.mm ? one_of(b, joined, which) : joined;
    }
}
