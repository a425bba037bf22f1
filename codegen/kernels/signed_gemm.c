/* The inner loops of signed products. Sums of a block of 256 are never set back between its sub-blocks: with S the running sum after sub-block j,
 *   sum of scale[j] * dot[j]  =  sum of (scale[j] - scale[j + 1]) * S[j]
 * (modulo 2^32, where the result lies), and the differences are what the panel holds. A block of 32 begins at zero and ends in its
 * float, added to the sums of all of K, which take the place of totals.
 *
 * Registers are few and loads tempting: LLVM would load ahead and spill. kb_after keeps a step's loads behind the sums of the one before, and kb_pin
 * gives them their place where 4 x 3 sums and as many totals leave room for four registers of weights and four of tokens and no more. */
#include "codegen/builder_dots.h"
#include "codegen/kernels/signed.h"

#include <stdio.h>
#include <string.h>

/* Of sums: the most; so few that loads may go ahead; so many that a loop's own work is spread; twice as many, a group and four of tokens fill all registers. */
enum { GROUP = 4, MOST_SUMS = 28, FEW = 4, LARGE = 8, FULL = 12 };
enum { SUMS_AT = 12, W_AT = 24, X_AT = 28 }; /* the registers' places where they are all taken: below SUMS_AT what outlives a block */

/* Registers of weights that go together: `n` of them from `first` on, each of a tile, whose panels are streams. */
typedef struct group {
  ig_kb *b;
  const ig_signed *s;
  int first, n, slots;
  int tile, tiles; /* the first one's; how many */
  val sums[IG_MOST_ROWS]; /* per tile of these */
  char ints[32], floats[32];
} group;

/* What a group reads: a pointer for each of its tiles, and the tokens'. */
typedef struct streams {
  val w[IG_MOST_ROWS], x;
  val zeros; /* 64 bytes, of blocks of 32 */
} streams;

static group group_of(ig_kb *b, const ig_signed *s, int slots, int first, int n, const val *sums) {
  group g = {.b = b, .s = s, .first = first, .n = n, .slots = slots, .tile = first / s->of_tile};
  g.tiles = (first + n - 1) / s->of_tile - g.tile + 1;
  for (int i = 0; i < g.tiles; i++) g.sums[i] = sums[g.tile + i];
  kb_vector(g.ints, s->bytes / 4, "i32"), kb_vector(g.floats, s->bytes / 4, "f32");
  return g;
}

/* A loop of `times`, counted up to 0: that takes no comparison. */
static void each(ig_kb *b, kb_loop *loop, val times, int n, const val *carried) {
  kb_for(b, loop, kb_sub(b, kb_i64(b, 0), times), kb_i64(b, 0), kb_i64(b, 1), n, carried);
}

static int tile_of(const group *g, int i) { return (g->first + i) / g->s->of_tile - g->tile; }
static val as(const group *g, const char *type, val bytes) { return kb_op(g->b, "vector.bitcast", type, 1, &bytes, NULL); }
static val to_float(const group *g, val v) { return kb_op(g->b, "arith.sitofp", g->floats, 1, &v, NULL); }
static val no_sum(const group *g) { return kb_const(g->b, g->ints, "dense<0>"); }
static val after(const group *g, val ptr, int n, const val *values) { return g->n * g->slots > FEW ? kb_after(g->b, ptr, n, values) : ptr; }

/* Whether what is loaded has its place. */
static bool pinned(const group *g) { return !g->b->variant->sve && g->n * g->slots > FEW && g->n * g->slots <= FULL; }

static val sum_at(const group *g, int i, int slot) {
  int reg = (g->first + i) % g->s->of_tile;
  return kb_at(g->b, g->sums[tile_of(g, i)], (int64_t)g->s->bytes * (reg * g->slots + slot));
}

/* A number of each slot as sums take it, from the registers `x` that hold them. */
static void numbers(const group *g, const val *x, const char *type, val *number) {
  for (int t = 0; t < g->slots; t++) {
    char mask[64];
    int lane = t % 4;
    val v = kb_numbers_of(g->b, x[g->s->compact ? t / 4 : t], type);
    snprintf(mask, sizeof mask, "{mask = array<i64: %d, %d, %d, %d>}", lane, lane, lane, lane);
    number[t] = g->s->compact ? kb_op(g->b, "vector.shuffle", type, 2, (val[]){v, v}, mask) : v;
  }
}

/* acc + d scale total, rounded as ir/numerics.h says. */
static val add_scaled(const group *g, val acc, val d, val scale, val total) { return kb_fma(g->b, kb_mul(g->b, d, scale), total, acc); }

/* n sums that are zero, in the registers from `first` on where they have places: four by a load, where no small tile's loop carries what came together. */
static void clear(const group *g, streams *in, int first, int n, val *sum) {
  if (g->b->variant->sve || (!pinned(g) && g->s->k)) {
    for (int j = 0; j < n; j++) sum[j] = no_sum(g);
    return;
  }
  kb_load_zeros(g->b, &in->zeros, n, sum);
  for (int j = 0; j < n && pinned(g); j += GROUP) kb_pin(g->b, first + j, n - j < GROUP ? n - j : GROUP, sum + j);
  for (int j = 0; j < n; j++) sum[j] = as(g, g->ints, sum[j]);
}

/* ---- dots ---- */

/* Registers of tokens in the order of their use, some loaded at a time: four, or, where several steps share them, those of all slots. */
typedef struct token_stream {
  val x[IG_MOST_TOKENS];
  int next, n; /* of x */
  int left; /* to be loaded */
} token_stream;

static int steps_of(const ig_signed *s) { return s->mm ? 1 : 4; } /* steps that a register of tokens serves */

/* `sum`: what those before are used for. */
static val next_of(token_stream *x, const group *g, streams *in, const val *sum) {
  if (x->next == x->n) {
    x->n = x->left <= GROUP ? x->left : g->s->mm ? GROUP : g->slots, x->next = 0, x->left -= x->n;
    in->x = after(g, in->x, g->n * g->slots, sum);
    kb_load_x16(g->b, &in->x, x->n, x->x);
    if (pinned(g) && x->n <= GROUP) kb_pin(g->b, X_AT, x->n, x->x);
  }
  return x->x[x->next++];
}

/* The group's registers of one step; `move`: bytes on to the next, null: which lies behind. */
static void step(const group *g, streams *in, val move, val *w) {
  for (int r = 0; r < g->tiles; r++) kb_load_registers(g->b, &in->w[r], g->n / g->tiles, move, w + r * (g->n / g->tiles));
  if (pinned(g)) kb_pin(g->b, W_AT, g->n, w);
}
static void wait(const group *g, streams *in, const val *values) {
  for (int r = 0; r < g->tiles; r++) in->w[r] = after(g, in->w[r], g->n * g->slots, values);
}

/* sum += the dots of a sub-block. */
static void dots(const group *g, streams *in, token_stream *x, val *sum) {
  val four[IG_MOST_TOKENS], w[GROUP];
  for (int i = 0; i < g->s->steps; i++) {
    int lane = i % steps_of(g->s);
    for (int t = 0; t < g->slots && !lane && !g->s->mm; t++) four[t] = next_of(x, g, in, sum);
    step(g, in, (val){NULL}, w);
    for (int j = 0; j < g->n * g->slots; j++) { /* by smmla slot by slot, for then it is done with a register of tokens */
      int r = g->s->mm ? j % g->n : j / g->slots, t = g->s->mm ? j / g->n : j % g->slots;
      if (g->s->mm && !r) four[t] = next_of(x, g, in, sum);
      sum[r * g->slots + t] = kb_dot_register(g->b, sum[r * g->slots + t], w[r], four[t], lane);
    }
    wait(g, in, sum);
  }
}

/* ---- blocks of 256 ---- */

/* `many` sub-blocks, one after the other. */
static void sub_blocks(const group *g, streams *in, int many, val *sum, val *total) {
  ig_kb *b = g->b;
  const ig_signed *s = g->s;
  int n = g->n * g->slots;
  token_stream x = {.left = many * s->steps * g->slots / steps_of(s)};
  for (int i = 0; i < many; i++) {
    val w[GROUP];
    dots(g, in, &x, sum);
    if (s->sub == s->steps) continue;
    step(g, in, (val){NULL}, w);
    for (int j = 0; j < n; j++) total[j] = kb_add(b, total[j], kb_mul(b, sum[j], as(g, g->ints, w[j / g->slots])));
    wait(g, in, total);
  }
}

/* The dots of a block, times their scales. The streams end behind the sub-blocks. */
static void total_of(const group *g, streams *at, val *total) {
  ig_kb *b = g->b;
  const ig_signed *s = g->s;
  int n = g->n * g->slots, all = s->sub > s->steps ? 2 * n : n, many = b->variant->sve || n <= LARGE ? 1 : all > n ? 4 : s->subs / 2;
  val v[2 * MOST_SUMS + IG_MOST_ROWS + 1];
  clear(g, at, SUMS_AT, n, v);
  if (all > n) clear(g, at, 0, n, v + n);
  for (int r = 0; r < g->tiles; r++) v[all + r] = at->w[r];
  v[all + g->tiles] = at->x;
  kb_loop subs;
  each(b, &subs, kb_i64(b, s->subs / many), all + g->tiles + 1, v);
  memcpy(v, subs.carried, (size_t)(all + g->tiles + 1) * sizeof *v);
  streams in = {.x = v[all + g->tiles]};
  for (int r = 0; r < g->tiles; r++) in.w[r] = v[all + r];
  sub_blocks(g, &in, many, v, v + n);
  for (int r = 0; r < g->tiles; r++) v[all + r] = in.w[r];
  v[all + g->tiles] = in.x;
  kb_end_for(b, &subs, v);
  for (int r = 0; r < g->tiles; r++) at->w[r] = subs.result[all + r];
  at->x = subs.result[all + g->tiles];
  memcpy(total, subs.result + all - n, (size_t)n * sizeof *total);
}

/* m (zero) and a register's minima times the sums of a slot's activations, which come in two digits of base 128: the high ones first. */
static val minima_of(const group *g, val m, const val *end, const val *x, int slot) {
  ig_kb *b = g->b;
  const ig_signed *s = g->s;
  val seven = kb_const(b, g->ints, "dense<7>");
  for (int digit = 1; digit >= 0; digit--) {
    for (int line = 0; line < s->lines; line++) {
      int which = s->mm ? digit * s->lines + line : s->minima == 16 ? digit : 0; /* eight sums of either digit lie in one register */
      m = kb_dot_register(b, m, end[line], x[which * g->slots + slot], s->minima == 16 ? line : 2 * digit + line);
    }
    if (digit) m = kb_shl(b, m, seven);
  }
  return m;
}

static void end_block(const group *g, streams *at, const val *total) {
  ig_kb *b = g->b;
  const ig_signed *s = g->s;
  val x[4 * IG_MOST_TOKENS], scales[IG_MOST_TOKENS], scale[IG_MOST_TOKENS], m[IG_MOST_TOKENS] = {{NULL}}, end[8];
  kb_load_x16(b, &at->x, s->x_minima * g->slots, x);
  kb_load_x16(b, &at->x, ig_signed_numbers(s, g->slots), scales);
  numbers(g, scales, g->floats, scale);
  for (int i = 0; i < g->n; i++) {
    kb_load_registers(b, &at->w[tile_of(g, i)], s->ends, (val){NULL}, end);
    if (s->minima) clear(g, at, X_AT, g->slots, m);
    for (int t = 0; t < g->slots; t++) {
      val to = sum_at(g, i, t), acc = kb_load(b, g->floats, to, 16);
      acc = add_scaled(g, acc, as(g, g->floats, end[s->lines]), scale[t], to_float(g, total[i * g->slots + t]));
      if (s->minima) {
        val product = kb_mul(b, as(g, g->floats, end[s->lines + 1]), scale[t]);
        acc = kb_fma(b, s->minima == 8 ? kb_neg(b, product) : product, to_float(g, minima_of(g, m[t], end, x, t)), acc);
      }
      kb_store(b, acc, to, 16);
    }
  }
}

static void blocks_of_256(ig_linear *l, const group *g, streams at) {
  ig_kb *b = l->b;
  const ig_signed *s = g->s;
  int reg = g->first % s->of_tile, behind = ig_signed_at_step(s, reg, s->subs, 0);
  val v[IG_MOST_ROWS + 1], total[MOST_SUMS];
  for (int r = 0; r < g->tiles; r++) v[r] = kb_at(b, at.w[r], ig_signed_at_step(s, reg, 0, 0));
  v[g->tiles] = at.x;
  kb_loop blocks;
  each(b, &blocks, ig_signed_blocks(l, s), g->tiles + 1, v);
  streams in = {.x = blocks.carried[g->tiles], .zeros = at.zeros}, ends;
  for (int r = 0; r < g->tiles; r++) in.w[r] = blocks.carried[r];
  total_of(g, &in, total);
  ends.x = in.x, ends.zeros = in.zeros;
  for (int r = 0; r < g->tiles; r++) {
    ends.w[r] = kb_at(b, in.w[r], ig_signed_at_end(s, reg, 0) - behind);
    v[r] = kb_at(b, in.w[r], s->block + ig_signed_at_step(s, reg, 0, 0) - behind);
  }
  end_block(g, &ends, total);
  v[g->tiles] = ends.x;
  kb_end_for(b, &blocks, v);
}

/* ---- blocks of 32 ---- */

/* As a float, in the same register. */
static val converted(const group *g, int j, val sum) {
  val f = to_float(g, sum);
  if (!pinned(g)) return f;
  f = as(g, "vector<16xi8>", f);
  kb_pin(g->b, SUMS_AT + j, 1, &f);
  return as(g, g->floats, f);
}

/* acc += a number of the panel times that of the slot times the sum, or another number of the slot. A row's products wait for the sums before: by smmla,
 * whose tokens' numbers take a register each, there is at first room for one. */
static void add_step(const group *g, streams *in, val move, const val *scale, const val *sum, const val *number, val *acc) {
  val w[GROUP];
  step(g, in, move, w);
  for (int r = 0; r < g->n; r++) {
    val factor = as(g, g->floats, w[r]);
    for (int t = 0; t < g->slots; t++) {
      int j = r * g->slots + t, before = t ? 1 : g->slots;
      if (j && (!t || (!r && !g->s->compact))) factor = after(g, factor, before, acc + j - before);
      acc[j] = add_scaled(g, acc[j], factor, scale[t], sum ? converted(g, j, sum[j]) : number[t]);
    }
  }
  if (!move.ptr) wait(g, in, acc);
}

/* `next`: bytes from a block's last registers to the group's next block. */
static void block_of_32(const group *g, streams *in, val next, val *acc) {
  const ig_signed *s = g->s;
  int n = g->n * g->slots, of_numbers = ig_signed_numbers(s, g->slots);
  token_stream x = {.left = s->x_steps * g->slots + of_numbers};
  val sum[MOST_SUMS], x16[IG_MOST_TOKENS] = {{NULL}}, scale[IG_MOST_TOKENS], minus_sum[IG_MOST_TOKENS];
  clear(g, in, SUMS_AT, n, sum);
  dots(g, in, &x, sum);
  for (int i = 0; i < of_numbers; i++) x16[i] = next_of(&x, g, in, sum);
  numbers(g, x16, g->floats, scale);
  add_step(g, in, s->x_numbers == 1 ? next : (val){NULL}, scale, sum, NULL, acc);
  if (s->x_numbers == 1) return;
  in->x = after(g, in->x, n, acc);
  kb_load_x16(g->b, &in->x, of_numbers, x16);
  numbers(g, x16, g->floats, minus_sum);
  add_step(g, in, next, scale, NULL, minus_sum, acc);
}

static void blocks_of_32(ig_linear *l, const group *g, streams in) {
  ig_kb *b = l->b;
  const ig_signed *s = g->s;
  int n = g->n * g->slots, all = n + g->tiles + 2;
  val v[MOST_SUMS + IG_MOST_ROWS + 2];
  for (int i = 0; i < n; i++) v[i] = kb_load(b, g->floats, sum_at(g, i / g->slots, i % g->slots), 16);
  for (int r = 0; r < g->tiles; r++) v[n + r] = kb_at(b, in.w[r], ig_signed_at_step(s, g->first % s->of_tile, 0, 0));
  v[all - 2] = in.x, v[all - 1] = in.zeros;
  val next = kb_after(b, kb_i64(b, s->block - (int64_t)s->group * s->bytes * (s->sub - 1)), 0, NULL); /* a number in a register of its own */
  kb_loop blocks;
  each(b, &blocks, ig_signed_blocks(l, s), all, v);
  memcpy(v, blocks.carried, (size_t)all * sizeof *v);
  in.x = v[all - 2], in.zeros = v[all - 1];
  for (int r = 0; r < g->tiles; r++) in.w[r] = v[n + r];
  block_of_32(g, &in, next, v);
  for (int r = 0; r < g->tiles; r++) v[n + r] = in.w[r];
  v[all - 2] = in.x, v[all - 1] = in.zeros;
  kb_end_for(b, &blocks, v);
  for (int i = 0; i < n; i++) kb_store(b, blocks.result[i], sum_at(g, i / g->slots, i % g->slots), 16);
}

/* ---- a register tile ---- */

void ig_signed_gemm(ig_linear *l, int rows, const val *panels, int tokens, val packed, val *sums) {
  ig_signed s = ig_signed_of(l->b->variant, l->layout);
  int registers = rows * s.of_tile, slots = ig_signed_slots(&s, tokens);
  kb_store(l->b, kb_i32x16(l->b, 0), l->k.scratch, 64);
  for (int first = 0; first < registers; first += GROUP) {
    group g = group_of(l->b, &s, slots, first, registers - first < GROUP ? registers - first : GROUP, sums);
    streams at = {.x = packed, .zeros = l->k.scratch};
    for (int r = 0; r < g.tiles; r++) at.w[r] = panels[g.tile + r];
    (s.k ? blocks_of_256 : blocks_of_32)(l, &g, at);
  }
}

void ig_signed_clear(ig_linear *l, int rows, int tokens, const val *sums) {
  ig_signed s = ig_signed_of(l->b->variant, l->layout);
  int slots = ig_signed_slots(&s, tokens);
  group g = group_of(l->b, &s, slots, 0, rows * s.of_tile, sums);
  for (int i = 0; i < g.n * slots; i++) kb_store(l->b, kb_const(l->b, g.floats, "dense<0.0>"), sum_at(&g, i / slots, i % slots), 16);
}

/* Of two tokens' sums of a tile in the order of smmla, one's. */
static val one_of(ig_kb *b, val pair, int which) {
  return kb_op(b, "vector.shuffle", "vector<16xf32>", 2, (val[]){pair, pair},
               which ? "{mask = array<i64: 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31>}"
                     : "{mask = array<i64: 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30>}");
}

void ig_signed_read(ig_linear *l, int rows, int tokens, const val *sums, val *acc) {
  ig_kb *b = l->b;
  ig_signed s = ig_signed_of(b->variant, l->layout);
  int slots = ig_signed_slots(&s, tokens);
  group g = group_of(b, &s, slots, 0, rows * s.of_tile, sums);
  for (int r = 0; r < rows; r++)
    for (int t = 0; t < slots; t++) {
      val part[8];
      for (int c = 0; c < s.of_tile; c++) part[c] = kb_load(b, g.floats, sum_at(&g, r * s.of_tile + c, t), 16);
      val whole = kb_join(b, part, s.of_tile, 16 * s.wide, "f32");
      for (int which = 0; which < s.wide && s.wide * t + which < tokens; which++) acc[r * tokens + s.wide * t + which] = s.mm ? one_of(b, whole, which) : whole;
    }
}
