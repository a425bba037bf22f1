/* Panels of signed products: weights expanded into the order in which they are multiplied (signed.h). */
#include "codegen/builder_dots.h"
#include "codegen/kernels/signed.h"

#include <stdio.h>

enum { LINE = 64 };

static val step(ig_kb *b, val p, val index, int64_t bytes) { return kb_ptr(b, p, kb_mul(b, index, kb_i64(b, bytes))); }
static val interleaved(ig_kb *b, const char *type, val x, val y) { return kb_op(b, "vector.interleave", type, 2, (val[]){x, y}, NULL); }

/* Registers of a tile to their places: `end` >= 0: that line of each register's end, else the step of a sub-block. */
static void put(ig_kb *b, const ig_signed *s, val v, const char *element, val to, int end, int sub, int at) {
  for (int reg = 0; reg < s->of_tile; reg++)
    kb_store(b, kb_cut(b, v, 16 * s->wide, element, reg, s->of_tile),
             kb_at(b, to, end < 0 ? ig_signed_at_step(s, reg, sub, at) : ig_signed_at_end(s, reg, end)), 16);
}
static void put_floats(ig_kb *b, const ig_signed *s, val v, val to, int end, int at) {
  put(b, s, s->mm ? interleaved(b, "vector<32xf32>", v, v) : v, "f32", to, end, 0, at);
}

/* Lines `n` of bytes, less what they are stored above, from line `end` of ends on, or as a sub-block. */
static void put_bytes(ig_kb *b, const ig_signed *s, const val *bytes, int n, int bias, val to, int end, int sub) {
  char literal[32];
  snprintf(literal, sizeof literal, "dense<%d>", bias);
  for (int g = 0; g < n; g += s->wide) {
    val line[2];
    for (int i = 0; i < s->wide; i++) {
      line[i] = bytes[g + i];
      if (!bias) continue;
      val stored = kb_bytes64(b, line[i]), offset = kb_const(b, "vector<64xi8>", literal);
      line[i] = kb_ints(b, s->k && s->k->negated ? kb_sub(b, offset, stored) : kb_sub(b, stored, offset));
    }
    val v = s->mm ? interleaved(b, "vector<32xi32>", line[0], line[1]) : line[0];
    put(b, s, v, "i32", to, end < 0 ? -1 : end + g / s->wide, sub, g / s->wide);
  }
}

static int bias_of(int offset_shift) { return offset_shift && offset_shift < 7 ? 1 << offset_shift : 0; }

static void expand_b_unit(ig_kb *b, const ig_signed *s, val unit, int blocks, val to) {
  const ig_reader all_rows = {b, {NULL}};
  const ig_b_format *f = s->b;
  for (int i = 0; i < blocks; i++) {
    val bytes[8], at = kb_at(b, to, (int64_t)i * s->block);
    put_floats(b, s, f->scale(&all_rows, unit, i), at, -1, s->steps);
    if (f->has_m) put_floats(b, s, ig_read_halves(&all_rows, unit, 32), at, -1, s->steps + 1);
    f->bytes(&all_rows, kb_at(b, unit, LINE + i * f->lines * LINE), bytes);
    put_bytes(b, s, bytes, 8, bias_of(f->offset_shift), at, -1, 0);
  }
}

static void expand_b(ig_linear *l, const ig_signed *s, val w, val panel) {
  ig_kb *b = l->b;
  kb_loop units, odd;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), 0, NULL);
  expand_b_unit(b, s, step(b, w, units.index, l->layout->unit_bytes), s->blocks, step(b, panel, units.index, (int64_t)s->blocks * s->block));
  kb_end_for(b, &units, NULL);
  if (s->blocks == 1) return;
  kb_for(b, &odd, kb_i64(b, 0), l->odd, kb_i64(b, 1), 0, NULL);
  expand_b_unit(b, s, ig_odd_at(l, w, odd.index, l->layout->unit_bytes, l->layout->odd_bytes), 1,
                ig_odd_at(l, panel, odd.index, (int64_t)s->blocks * s->block, s->block));
  kb_end_for(b, &odd, NULL);
}

static val left(ig_kb *b, val v, int by) { return by ? kb_shl(b, v, kb_i32x16(b, by)) : v; }

/* Where a line of numbers waits until the block is whole: its scales in the place of the first group's, minima at the ends. */
static int waiting(const ig_signed *s, int sub) { return ig_signed_at_step(s, 0, sub, s->steps); }

/* The part's sub-blocks, of which it has `per`; scales and pairs of minima as they are read. `to` is at the block, `at` where the part's first sub-block is. */
static void expand_part(ig_kb *b, const ig_signed *s, val part, val index, val to) {
  const ig_reader all_rows = {b, {NULL}};
  const ig_k_format *f = s->k;
  int per = s->subs / f->parts, bias = f->extra == IG_K_OFFSET_ALL ? f->offset_all : bias_of(f->offset_shift);
  val at = step(b, to, index, ig_signed_at_step(s, 0, per, 0)), line = kb_i32x16(b, 0);
  for (int j = 0; j < per; j++) {
    val bytes[8];
    if (f->scale) kb_store(b, f->scale(&all_rows, part, j), kb_at(b, at, waiting(s, j)), 16);
    f->bytes(&all_rows, part, j, bytes);
    put_bytes(b, s, bytes, 64 / s->subs, bias, at, -1, j);
    if (s->minima == 16) line = kb_or(b, line, left(b, f->minima(&all_rows, part, j), 8 * j));
  }
  if (s->minima == 8) line = f->minima(&all_rows, part, 0);
  if (s->minima) kb_store(b, line, step(b, kb_at(b, to, s->at_ends), index, LINE), 64);
}

/* Differences of scales; minima of four sub-blocks in a line, for eight of them in the order 0 2 1 3 4 6 5 7; lines in the variant's order. */
static void finish_block(ig_kb *b, const ig_signed *s, val to) {
  for (int j = 0; j < s->subs && s->k->scale; j++) {
    val scale = kb_load(b, "vector<16xi32>", kb_at(b, to, waiting(s, j)), 16);
    if (j + 1 < s->subs) scale = kb_sub(b, scale, kb_load(b, "vector<16xi32>", kb_at(b, to, waiting(s, j + 1)), 16));
    put(b, s, s->mm ? interleaved(b, "vector<32xi32>", scale, scale) : scale, "i32", to, -1, j, s->steps);
  }
  val line[4];
  for (int i = 0; i < 4 && s->minima; i++) line[i] = kb_load_line(b, to, s->at_ends + (int64_t)i * LINE);
  if (s->minima == 8) line[0] = kb_or(b, line[0], left(b, line[1], 8)), line[1] = kb_or(b, line[2], left(b, line[3], 8));
  if (s->minima) put_bytes(b, s, line, s->minima / 4, 0, to, 0, 0);
}

static void expand_k(ig_linear *l, const ig_signed *s, val w, val panel) {
  ig_kb *b = l->b;
  const ig_k_format *f = s->k;
  const ig_reader all_rows = {b, {NULL}};
  kb_loop blocks, parts;
  kb_for(b, &blocks, kb_i64(b, 0), ig_k_blocks(l), kb_i64(b, 1), 0, NULL);
  ig_k_place at = ig_k_block(l, f, w, blocks.index);
  val to = step(b, panel, blocks.index, s->block), halves = kb_i32x16(b, 0);
  int carries = f->d_bits != 0;
  kb_for(b, &parts, kb_i64(b, 0), kb_i64(b, f->parts), kb_i64(b, 1), carries, &halves);
  val part = step(b, at.parts, parts.index, f->part);
  if (carries) halves = ig_k_shift_in(b, f, parts.carried[0], kb_load_line(b, part, 0));
  expand_part(b, s, part, parts.index, to);
  kb_end_for(b, &parts, &halves);
  finish_block(b, s, to);
  val d = carries ? ig_k_half(b, parts.result[0], f->d_upper) : ig_read_halves(&all_rows, at.d, 0);
  put_floats(b, s, f->negated ? kb_neg(b, d) : d, to, s->lines, 0);
  if (s->minima) put_floats(b, s, carries ? ig_k_half(b, parts.result[0], true) : ig_read_halves(&all_rows, at.d, 32), to, s->lines + 1, 0);
  kb_end_for(b, &blocks, NULL);
}

void ig_signed_expand(ig_linear *l, val w, val panel) {
  ig_signed s = ig_signed_of(l->b->variant, l->layout);
  (s.k ? expand_k : expand_b)(l, &s, w, panel);
}
