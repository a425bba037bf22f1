/* What signed products read: panels of expanded weights, packed tokens (signed.h). */
#include "codegen/kernels/signed.h"

#include <stdio.h>

enum { LINE = 64, SLOT = 16, X_SUM16 = 256, X_SUM32 = 320, X_SCALE256 = 336, X_SCALE32 = 32, X_SUM = 36 };

bool ig_is_signed(const ig_variant *variant, const ig_layout *layout) { return variant->dot >= IG_DOT_SDOT && layout->activation != IG_ACT_F32; }

ig_signed ig_signed_of(const ig_variant *variant, const ig_layout *layout) {
  ig_signed s = {.mm = variant->dot == IG_DOT_SMMLA, .wide = variant->dot == IG_DOT_SMMLA ? 2 : 1};
  if (layout->activation == IG_ACT_A32) {
    s.b = ig_b_of(layout->format);
    s.values = 32, s.subs = 1, s.blocks = s.b->blocks;
    s.at_m = s.b->has_m ? s.wide : 0;
    s.sub = s.b->has_m ? 2 * s.wide : s.wide; /* d, -m */
    s.sub_lines = 8;
    s.block = s.sub + s.sub_lines;
  } else {
    s.k = ig_k_of(layout->format);
    s.values = 256, s.subs = s.k->subs, s.blocks = (int)layout->unit_values / 256;
    s.minima = s.k->extra == IG_K_MINIMA_32 ? 8 : s.k->extra == IG_K_MINIMA_16 ? 16 : 0;
    s.sub = s.k->scale ? s.wide : 0, s.sub_lines = 64 / s.subs;
    s.at_minima = s.subs * (s.sub + s.sub_lines);
    s.at_d = s.at_minima + s.minima / 4 * (s.minima == 8 ? 2 : 1); /* eight minima pass through four lines */
    s.at_m = s.minima ? s.at_d + s.wide : 0;
    s.block = s.at_d + (s.minima ? 2 : 1) * s.wide;
  }
  int steps = s.values / (s.mm ? 8 : 16);
  s.x_minima = steps;
  s.x_scale = steps + (s.mm ? s.minima / 4 : s.minima / 8);
  s.x_sum = s.b && s.b->has_m ? s.x_scale + 1 : 0;
  s.x_block = s.x_scale + (s.x_sum ? 2 : 1);
  return s;
}

int ig_signed_slots(const ig_signed *s, int tokens) { return s->mm ? (tokens + 1) / 2 : tokens; }

void ig_signed_form(ig_linear_format *f, const ig_variant *variant, const ig_layout *layout, uint32_t tokens) {
  ig_signed s = ig_signed_of(variant, layout);
  uint32_t panel = (uint32_t)s.block * LINE, packed = (uint32_t)(SLOT * s.x_block * ig_signed_slots(&s, (int)tokens));
  f->expand = ig_signed_expand, f->pack = ig_signed_pack, f->gemm = ig_signed_gemm;
  f->panel_unit = panel * (uint32_t)s.blocks, f->packed_unit = packed * (uint32_t)s.blocks;
  f->panel_odd = layout->odd_values ? panel : 0, f->packed_odd = layout->odd_values ? packed : 0;
}

val ig_signed_blocks(ig_linear *l, const ig_signed *s) {
  ig_kb *b = l->b;
  return s->blocks == 1 ? l->units : kb_add(b, kb_mul(b, l->units, kb_i64(b, s->blocks)), l->odd);
}

static val step(ig_kb *b, val p, val index, int64_t bytes) { return kb_ptr(b, p, kb_mul(b, index, kb_i64(b, bytes))); }

/* ---- panels ---- */

static val interleaved(ig_kb *b, const char *type, val x, val y) { return kb_op(b, "vector.interleave", type, 2, (val[]){x, y}, NULL); }

static void put_numbers(ig_kb *b, const ig_signed *s, const char *wide_type, val v, val to, int line) {
  kb_store(b, s->mm ? interleaved(b, wide_type, v, v) : v, kb_at(b, to, (int64_t)LINE * line), 64);
}
static void put_floats(ig_kb *b, const ig_signed *s, val v, val to, int line) { put_numbers(b, s, "vector<32xf32>", v, to, line); }

/* Bytes of `n` groups, less what they are stored above. */
static void put_bytes(ig_kb *b, const ig_signed *s, const val *bytes, int n, int bias, val to, int line) {
  val group[8];
  char literal[32];
  snprintf(literal, sizeof literal, "dense<%d>", bias);
  for (int g = 0; g < n; g++) group[g] = bias ? kb_ints(b, kb_sub(b, kb_bytes64(b, bytes[g]), kb_const(b, "vector<64xi8>", literal))) : bytes[g];
  for (int g = 0; g < n; g += s->wide)
    kb_store(b, s->mm ? interleaved(b, "vector<32xi32>", group[g], group[g + 1]) : group[g], kb_at(b, to, (int64_t)LINE * (line + g)), 64);
}

static int bias_of(int offset_shift) { return offset_shift && offset_shift < 7 ? 1 << offset_shift : 0; }

static void expand_b_unit(ig_kb *b, const ig_signed *s, val unit, int blocks, val to) {
  const ig_reader all_rows = {b, {NULL}};
  const ig_b_format *f = s->b;
  for (int i = 0; i < blocks; i++) {
    val bytes[8], put = kb_at(b, to, (int64_t)i * s->block * LINE);
    put_floats(b, s, f->scale(&all_rows, unit, i), put, s->at_d);
    if (f->has_m) put_floats(b, s, ig_read_halves(&all_rows, unit, 32), put, s->at_m);
    f->bytes(&all_rows, kb_at(b, unit, LINE + i * f->lines * LINE), bytes);
    put_bytes(b, s, bytes, 8, bias_of(f->offset_shift), put, s->sub);
  }
}

static void expand_b(ig_linear *l, const ig_signed *s, val w, val panel) {
  ig_kb *b = l->b;
  kb_loop units, odd;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), 0, NULL);
  expand_b_unit(b, s, step(b, w, units.index, l->layout->unit_bytes), s->blocks, step(b, panel, units.index, (int64_t)s->blocks * s->block * LINE));
  kb_end_for(b, &units, NULL);
  if (s->blocks == 1) return;
  kb_for(b, &odd, kb_i64(b, 0), l->odd, kb_i64(b, 1), 0, NULL);
  expand_b_unit(b, s, ig_odd_at(l, w, odd.index, l->layout->unit_bytes, l->layout->odd_bytes), 1,
                ig_odd_at(l, panel, odd.index, (int64_t)s->blocks * s->block * LINE, (int64_t)s->block * LINE));
  kb_end_for(b, &odd, NULL);
}

static val left(ig_kb *b, val v, int by) { return by ? kb_shl(b, v, kb_i32x16(b, by)) : v; }

/* The part's sub-blocks; scales and pairs of minima as they are read. */
static void expand_part(ig_kb *b, const ig_signed *s, val part, val index, val to) {
  const ig_reader all_rows = {b, {NULL}};
  const ig_k_format *f = s->k;
  int per = s->subs / f->parts, stride = s->sub + s->sub_lines, bias = f->extra == IG_K_OFFSET_ALL ? f->offset_all : bias_of(f->offset_shift);
  val put = step(b, to, index, (int64_t)per * stride * LINE), line = kb_i32x16(b, 0);
  for (int j = 0; j < per; j++) {
    val bytes[8];
    if (f->scale) kb_store(b, f->scale(&all_rows, part, j), kb_at(b, put, (int64_t)j * stride * LINE), 64);
    f->bytes(&all_rows, part, j, bytes);
    put_bytes(b, s, bytes, s->sub_lines, bias, put, j * stride + s->sub);
    if (s->minima == 16) line = kb_or(b, line, left(b, f->minima(&all_rows, part, j), 8 * j));
  }
  if (s->minima == 8) line = f->minima(&all_rows, part, 0);
  if (s->minima) kb_store(b, line, step(b, kb_at(b, to, (int64_t)s->at_minima * LINE), index, LINE), 64);
}

/* Differences of scales; minima of four sub-blocks in a line, for eight of them in the order 0 2 1 3 4 6 5 7; lines in the variant's order. */
static void finish_block(ig_kb *b, const ig_signed *s, val to) {
  int stride = s->sub + s->sub_lines;
  for (int j = 0; j < s->subs && s->sub; j++) {
    val scale = kb_load_line(b, to, (int64_t)j * stride * LINE);
    if (j + 1 < s->subs) scale = kb_sub(b, scale, kb_load_line(b, to, (int64_t)(j + 1) * stride * LINE));
    put_numbers(b, s, "vector<32xi32>", scale, to, j * stride);
  }
  val line[4];
  for (int i = 0; i < 4 && s->minima; i++) line[i] = kb_load_line(b, to, (int64_t)(s->at_minima + i) * LINE);
  if (s->minima == 8) line[0] = kb_or(b, line[0], left(b, line[1], 8)), line[1] = kb_or(b, line[2], left(b, line[3], 8));
  if (s->minima) put_bytes(b, s, line, s->minima / 4, 0, to, s->at_minima);
}

static void expand_k(ig_linear *l, const ig_signed *s, val w, val panel) {
  ig_kb *b = l->b;
  const ig_k_format *f = s->k;
  const ig_reader all_rows = {b, {NULL}};
  kb_loop blocks, parts;
  kb_for(b, &blocks, kb_i64(b, 0), ig_k_blocks(l), kb_i64(b, 1), 0, NULL);
  ig_k_place at = ig_k_block(l, f, w, blocks.index);
  val to = step(b, panel, blocks.index, (int64_t)s->block * LINE), halves = kb_i32x16(b, 0);
  int carries = f->d_bits != 0;
  kb_for(b, &parts, kb_i64(b, 0), kb_i64(b, f->parts), kb_i64(b, 1), carries, &halves);
  val part = step(b, at.parts, parts.index, f->part);
  if (carries) halves = ig_k_shift_in(b, f, parts.carried[0], kb_load_line(b, part, 0));
  expand_part(b, s, part, parts.index, to);
  kb_end_for(b, &parts, &halves);
  finish_block(b, s, to);
  put_floats(b, s, carries ? ig_k_half(b, parts.result[0], f->d_upper) : ig_read_halves(&all_rows, at.d, 0), to, s->at_d);
  if (s->minima) put_floats(b, s, carries ? ig_k_half(b, parts.result[0], true) : ig_read_halves(&all_rows, at.d, 32), to, s->at_m);
  kb_end_for(b, &blocks, NULL);
}

void ig_signed_expand(ig_linear *l, val w, val panel) {
  ig_signed s = ig_signed_of(l->b->variant, l->layout);
  (s.k ? expand_k : expand_b)(l, &s, w, panel);
}

/* ---- tokens ---- */

#define BYTES16 "vector<16xi8>"
#define HALVES \
  "{mask = array<i64: 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23>}", \
      "{mask = array<i64: 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31>}"

/* Where the tokens of a slot are; with one token left over it is taken twice. */
typedef struct packing {
  ig_kb *b;
  const ig_signed *s;
  int slots, tokens;
  const val *x;                  /* per token: at the block */
} packing;

static val token(const packing *p, int slot, int which) {
  int t = p->s->wide * slot + which;
  return p->x[t < p->tokens ? t : p->tokens - 1];
}

/* Sixteen bytes of each token of the slot, from `step` on. */
static void put_sixteen(const packing *p, const val bytes[2], val to, int first, int slot) {
  static const char *const halves[2] = {HALVES};
  ig_kb *b = p->b;
  for (int i = 0; i < p->s->wide; i++)
    kb_store(b, p->s->mm ? kb_op(b, "vector.shuffle", BYTES16, 2, bytes, halves[i]) : bytes[0], kb_at(b, to, (int64_t)SLOT * ((first + i) * p->slots + slot)),
             16);
}

/* The low and the high digit, base 128, of sums: n i8. */
static void digits_of(ig_kb *b, val sums, const char *type, const char *bytes, const char *mask, const char *seven, val digit[2]) {
  val low = kb_and(b, sums, kb_const(b, type, mask)), high = kb_as(b, "arith.shrsi", sums, 2, (val[]){sums, kb_const(b, type, seven)}, NULL);
  digit[0] = kb_op(b, "arith.trunci", bytes, 1, &low, NULL), digit[1] = kb_op(b, "arith.trunci", bytes, 1, &high, NULL);
}

/* Of minima's sub-blocks: eight sums of 32 in the order of finish_block (both digits make sixteen bytes), or minus sixteen sums of 16. */
static void put_sums(const packing *p, val to, int slot) {
  ig_kb *b = p->b;
  val digits[2][2], both[2]; /* [token][digit] */
  for (int i = 0; i < p->s->wide; i++) {
    val x = token(p, slot, i);
    if (p->s->minima == 16) {
      digits_of(b, kb_load(b, "vector<16xi32>", kb_at(b, x, X_SUM16), 4), "vector<16xi32>", BYTES16, "dense<127>", "dense<7>", digits[i]);
      continue;
    }
    val eight[2];
    digits_of(b, kb_load(b, "vector<8xi16>", kb_at(b, x, X_SUM32), 4), "vector<8xi16>", "vector<8xi8>", "dense<127>", "dense<7>", eight);
    both[i] = kb_op(b, "vector.shuffle", BYTES16, 2, eight, "{mask = array<i64: 0, 2, 1, 3, 4, 6, 5, 7, 8, 10, 9, 11, 12, 14, 13, 15>}");
  }
  if (p->s->minima == 8) put_sixteen(p, both, to, p->s->x_minima, slot);
  for (int d = 0; d < 2 && p->s->minima == 16; d++) put_sixteen(p, (val[]){digits[0][d], digits[p->s->wide - 1][d]}, to, p->s->x_minima + d * p->s->wide, slot);
}

/* A number of each token of the slot, as numbers of sums lie. */
static void put_number(const packing *p, const char *type, int64_t offset, val to, int at, int slot) {
  ig_kb *b = p->b;
  for (int i = 0; i < 4; i++)
    kb_store(b, kb_load(b, type, kb_at(b, token(p, slot, p->s->mm ? i % 2 : 0), offset), 4), kb_at(b, to, (int64_t)SLOT * (at * p->slots + slot) + 4 * i), 4);
}

void ig_signed_pack(ig_linear *l, int tokens, val x, val packed) {
  ig_kb *b = l->b;
  ig_signed s = ig_signed_of(b->variant, l->layout);
  packing p = {.b = b, .s = &s, .slots = ig_signed_slots(&s, tokens), .tokens = tokens};
  kb_loop blocks, sixteens;
  kb_for(b, &blocks, kb_i64(b, 0), ig_signed_blocks(l, &s), kb_i64(b, 1), 0, NULL);
  val at[IG_MOST_TOKENS], to = step(b, packed, blocks.index, (int64_t)SLOT * s.x_block * p.slots);
  at[0] = step(b, x, blocks.index, s.k ? 352 : 40);
  for (int t = 1; t < tokens; t++) at[t] = kb_ptr(b, at[t - 1], l->x_stride);
  p.x = at;
  kb_for(b, &sixteens, kb_i64(b, 0), kb_i64(b, s.values / 16), kb_i64(b, 1), 0, NULL);
  val from = kb_mul(b, sixteens.index, kb_i64(b, 16)), put = step(b, to, sixteens.index, (int64_t)SLOT * s.wide * p.slots);
  for (int slot = 0; slot < p.slots; slot++) {
    val bytes[2];
    for (int i = 0; i < s.wide; i++) bytes[i] = kb_load(b, BYTES16, kb_ptr(b, token(&p, slot, i), from), 8);
    put_sixteen(&p, bytes, put, 0, slot);
  }
  kb_end_for(b, &sixteens, NULL);
  for (int slot = 0; slot < p.slots; slot++) {
    if (s.minima) put_sums(&p, to, slot);
    put_number(&p, "f32", s.k ? X_SCALE256 : X_SCALE32, to, s.x_scale, slot);
    if (s.x_sum) put_number(&p, "i32", X_SUM, to, s.x_sum, slot);
  }
  kb_end_for(b, &blocks, NULL);
}
