/* Tokens of signed products, copied together in the order in which they are multiplied (signed.h). */
#include "codegen/kernels/signed.h"

enum { SLOT = 16, X_SUM16 = 256, X_SUM32 = 320, X_SCALE256 = 336, X_SCALE32 = 32, X_SUM = 36 };

static val step(ig_kb *b, val p, val index, int64_t bytes) { return kb_ptr(b, p, kb_mul(b, index, kb_i64(b, bytes))); }

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

/* Sixteen bytes of each token of the slot: register `first` and, with mm, the next, which lie `apart` registers from each other. */
static void put_sixteen(const packing *p, const val bytes[2], val to, int first, int apart) {
  static const char *const halves[2] = {HALVES};
  ig_kb *b = p->b;
  for (int i = 0; i < p->s->wide; i++)
    kb_store(b, p->s->mm ? kb_op(b, "vector.shuffle", BYTES16, 2, bytes, halves[i]) : bytes[0], kb_at(b, to, (int64_t)SLOT * (first + i * apart)), 16);
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
  if (p->s->minima == 8) put_sixteen(p, both, to, slot, p->slots);
  for (int d = 0; d < 2 && p->s->minima == 16; d++)
    put_sixteen(p, (val[]){digits[0][d], digits[p->s->wide - 1][d]}, to, d * p->s->wide * p->slots + slot, p->slots);
}

/* A number of each token as numbers of sums lie. Of sums, integers, floats are made. */
static void put_numbers(const packing *p, const char *type, int64_t offset, val to) {
  ig_kb *b = p->b;
  for (int i = 0; i < (p->s->compact ? p->tokens : 4 * p->slots); i++) {
    val x = p->s->compact ? p->x[i] : token(p, i / 4, p->s->mm ? i % 2 : 0), number = kb_load(b, type, kb_at(b, x, offset), 4);
    kb_store(b, *type == 'i' ? kb_op(b, "arith.sitofp", "f32", 1, &number, NULL) : number, kb_at(b, to, 4 * i), 4);
  }
}

void ig_signed_pack(ig_linear *l, int tokens, val x, val packed) {
  ig_kb *b = l->b;
  ig_signed s = ig_signed_of(b->variant, l->layout);
  packing p = {.b = b, .s = &s, .slots = ig_signed_slots(&s, tokens), .tokens = tokens};
  kb_loop blocks, pairs;
  kb_for(b, &blocks, kb_i64(b, 0), ig_signed_blocks(l, &s), kb_i64(b, 1), 0, NULL);
  val at[IG_MOST_TOKENS], to = step(b, packed, blocks.index, ig_signed_packed(&s, p.slots));
  at[0] = step(b, x, blocks.index, s.k ? 352 : 40);
  for (int t = 1; t < tokens; t++) at[t] = kb_ptr(b, at[t - 1], l->x_stride);
  p.x = at;
  kb_for(b, &pairs, kb_i64(b, 0), kb_i64(b, s.values / 32), kb_i64(b, 1), 0, NULL); /* two sixteens: loads and stores go in pairs */
  val from = kb_mul(b, pairs.index, kb_i64(b, 32)), put = step(b, to, pairs.index, (int64_t)SLOT * 2 * s.wide * p.slots);
  for (int slot = 0; slot < p.slots; slot++) {
    val bytes[2][2];
    for (int i = 0; i < s.wide; i++) {
      val token_at = kb_ptr(b, token(&p, slot, i), from);
      for (int half = 0; half < 2; half++) bytes[half][i] = kb_load(b, BYTES16, kb_at(b, token_at, 16 * half), 8);
    }
    for (int half = 0; half < 2; half++) put_sixteen(&p, bytes[half], put, slot + half * s.wide * p.slots, p.slots);
  }
  kb_end_for(b, &pairs, NULL);
  val sums = kb_at(b, to, (int64_t)SLOT * s.x_steps * p.slots), number = kb_at(b, sums, (int64_t)SLOT * s.x_minima * p.slots);
  for (int slot = 0; slot < p.slots && s.minima; slot++) put_sums(&p, sums, slot);
  put_numbers(&p, "f32", s.k ? X_SCALE256 : X_SCALE32, number);
  if (s.x_numbers > 1) put_numbers(&p, "i32", X_SUM, kb_at(b, number, (int64_t)SLOT * ig_signed_numbers(&s, p.slots)));
  kb_end_for(b, &blocks, NULL);
}
