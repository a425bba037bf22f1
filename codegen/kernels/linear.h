/* What linear.c (tiles, panels, tokens, epilogues) and the files of the formats (dot products) know of each other. */
#ifndef INGOT_CODEGEN_LINEAR_H
#define INGOT_CODEGEN_LINEAR_H

#include "codegen/kernels/kernels.h"

enum { IG_MOST_TOKENS = IG_TOKENS_MOST, IG_MOST_ROWS = IG_ROWS_MOST, IG_MOST_TILE = IG_MOST_TOKENS * IG_MOST_ROWS };

/* The values that a kernel's parts share. Sizes and counts are i64. */
typedef struct ig_linear {
  ig_kb *b;
  ig_kernel_values k;
  const ig_layout *layout;
  int digits;                  /* rows of x for each token: 2 where x is in two digits */
  val units, odd, tokens;      /* of K; T */
  val x, x_stride, y, y_stride; /* x_stride: of one digit */
  val tile_bytes;
  const char *product;         /* of small code: the function that has its products */
} ig_linear;

/* How a format multiplies. A register tile is `rows` weight tiles (of 16 rows) times some tokens. */
typedef struct ig_linear_format {
  const char *format;
  /* One weight tile, as it lies, times n rows of activations: acc[n] (vector<16xf32>). The tile is read once. */
  void (*gemv)(ig_linear *l, val w, int n, const val *x, val *acc);
  /* Writes a tile once into scratch as the dot product wants it; NULL where it takes the tile as it lies. */
  void (*expand)(ig_linear *l, val w, val panel);
  /* acc[row * tokens + token] (vector<16xf32>) for panels[rows] and `tokens` rows of x from `x` on; in: the sums so far (floats: all of K, no sums). */
  void (*gemm)(ig_linear *l, int rows, const val *panels, int tokens, val x, val *acc);
  uint32_t panel_unit, panel_odd; /* bytes of scratch for each unit and for the odd block of one tile */
  uint32_t scratch;               /* and what gemm itself needs, before the panels */
  /* Copies `tokens` rows of x into scratch as gemm wants them, once for the register tiles of a panel: then that is its `x`. NULL: it takes the rows. */
  void (*pack)(ig_linear *l, int tokens, val x, val packed);
  uint32_t packed_unit, packed_odd; /* bytes of that, for all tokens of the register tile */
  /* Sums that stay in memory, in an order of gemm's own: then its `acc` are where those of a row tile lie, rows of them, `sum_bytes` for each token and
   * once more. NULL: values. */
  void (*clear)(ig_linear *l, int rows, int tokens, const val *sums);
  void (*read)(ig_linear *l, int rows, int tokens, const val *sums, val *acc);
  uint32_t sum_bytes;
} ig_linear_format;

const ig_linear_format *ig_linear_format_of(const ig_layout *layout);
const ig_linear_format *ig_linear_float(const char *format);
const ig_linear_format *ig_linear_a32(const char *format);
const ig_linear_format *ig_linear_a256(const char *format);

/* The largest register tile of a variant. */
typedef struct ig_register_tile {
  int rows, tokens;
} ig_register_tile;
ig_register_tile ig_linear_tile(const ig_variant *variant, const ig_layout *layout);

/* What a product's sums, those of a token's digits added, become: y = v, y + v (add), gate(y) * v (silu, gelu, where `gated`), fma(weight, v, y) of the token's own row (rows), or of y (weight). */
typedef struct ig_epilogue {
  val (*gate)(ig_kb *b, val x); /* NULL: none */
  val gated; /* i1: v is to be gated, else y = v */
  val add; /* i1: y = y + v, else y = v; null where there is no choice */
  val biased; /* i1: v = v + bias; null: there is none */
  val bias; /* a line of 16 for each row tile where biased, else nothing that may be touched */
  val weight; /* one for all tokens, in 16 lanes */
  val rows; /* {u32 token, f32 weight} for each row of x */
  val last; /* i64: the last token there is */
} ig_epilogue;
/* The part that all kernels of products share: what follows from the dims; x and y are left null. */
ig_linear ig_linear_open(ig_kb *b, const ig_kernel_ref *ref, const char *symbol);
/* Where token `index`'s row of x begins. */
val ig_linear_row(ig_linear *l, val index);
/* A tile times a row, by the function that all small kernels of the format share: its symbol, from that of one of them; and a call of it. */
const char *ig_product_symbol(ig_kb *b, const ig_kernel_ref *ref, const char *symbol);
val ig_call_product(ig_linear *l, val tile, val x);
/* Row tiles [begin, end) of a weight: for one token, or for all of l->tokens. */
void ig_linear_tiles(ig_linear *l, bool many, val w, val begin, val end, const ig_epilogue *e);

/* How unpacking reads what lies by rows: sixteen rows at once, a lane each, or (embedding) one row alone in all lanes. */
typedef struct ig_reader {
  ig_kb *b;
  val row; /* i64, 0 .. 15; null: all */
} ig_reader;
val ig_read_line(const ig_reader *r, val at, int64_t offset); /* vector<16xi32> */
val ig_read_bytes(const ig_reader *r, val at, int64_t offset); /* vector<16xi8> */
val ig_read_halves(const ig_reader *r, val at, int64_t offset); /* as vector<16xf32> */

/* A format with blocks of 32. A unit has a line of scales, then each block's lines (pack_a32.c). */
typedef struct ig_b_format {
  const char *format;
  int blocks, lines; /* of a unit; of a block */
  int offset_shift; /* stored = q_w + (1 << shift); 0: stored as it is; 7: any bytes */
  int words; /* groups whose products 16 bits hold: their largest is 15 (8 groups) or 31 (4); 0: none */
  bool has_m; /* f16 -m[16] after the scales */
  val (*scale)(const ig_reader *r, val unit, int block); /* f32 */
  void (*bytes)(const ig_reader *r, val lines, val *bytes); /* a block's eight groups */
  ig_linear_format linear;
} ig_b_format;
const ig_b_format *ig_b_of(const char *format);
void ig_a32_gemv(ig_linear *l, val w, int n, const val *x, val *acc);
void ig_a32_expand(ig_linear *l, val w, val panel);
void ig_a32_gemm(ig_linear *l, int rows, const val *panels, int tokens, val x, val *acc);
/* Where the odd block `index` of a tile lies that has `unit` bytes for each unit and `odd` for each odd block. */
val ig_odd_at(ig_linear *l, val base, val index, int64_t unit, int64_t odd);

/* A format with blocks of 256: how the packed lines of a block (pack_a256.c) become scales and bytes. A block is read in `parts` equal parts. */
typedef enum ig_k_extra {
  IG_K_NONE,
  IG_K_MINIMA_32, /* minima of sub-blocks of 32: the sums of 32 activations in pairs */
  IG_K_MINIMA_16, /* of 16 */
  IG_K_OFFSET_SCALED, /* stored = q_w + 128 in sub-blocks of 32 */
  IG_K_OFFSET_ALL, /* stored = q_w + offset_all */
} ig_k_extra;
typedef struct ig_k_format ig_k_format;
struct ig_k_format {
  const char *format;
  int subs; /* sub-blocks: 8 or 16 */
  int parts, part; /* parts of a block; bytes of a part */
  int head; /* bytes before the first: f16 d[16] and perhaps dmin[16] */
  int offset_shift; /* stored = q_w + (1 << shift); 0: stored as it is, or see `extra`; 7: any bytes */
  int words; /* groups whose products 16 bits hold; 0: none */
  ig_k_extra extra;
  int offset_all;
  int d_bits; /* d (and dmin) come in with the headers, so many bits at a time, from above into */
  uint32_t d_mask; /* these bits: the upper or both halves of a word; 0: they lie before the parts */
  bool d_upper; /* d ends in the upper half */
  val (*scale)(const ig_reader *r, val part, int j); /* of the part's sub-block j, signed i32; NULL: all are 1 */
  val (*minima)(const ig_reader *r, val part, int j); /* of its sub-block j, or the pair 2j, 2j + 1 of i16 */
  void (*bytes)(const ig_reader *r, val part, int j, val *bytes); /* the groups of its sub-block j */
  ig_linear_format linear;
  /* Where VNNI multiplies the lines with less work than `bytes` takes: adds a part, times n rows of activations, to totals and minima. x: q at the
   * part; minus_sums: minus the sums of its 16s. NULL: none. */
  void (*multiply)(ig_kb *b, val part, int n, const val *x, const val *minus_sums, val *total, val *minima);
  /* How gemm expands it, by VNNI or signed bytes, where the products of scales and values fit bytes: the same places, bytes that are products, no scales.
   * NULL: as it is. */
  const ig_k_format *products;
  bool negated; /* of products whose largest is 128: signed bytes hold what is negated, and d is too */
};
extern const ig_k_format ig_k_q2_k, ig_k_q3_k, ig_k_q4_k, ig_k_q5_k, ig_k_q6_k, ig_k_iq4_xs, ig_k_tq1_0, ig_k_tq2_0; /* unpack_*.c */
const ig_k_format *ig_k_of(const char *format);
/* Where a tile's blocks lie: scales (where they lie before the parts), parts. */
typedef struct ig_k_place {
  val d, parts;
} ig_k_place;
val ig_k_blocks(ig_linear *l);
ig_k_place ig_k_block(ig_linear *l, const ig_k_format *f, val w, val index);
/* What of d and dmin the headers of parts hold. */
val ig_k_shift_in(ig_kb *b, const ig_k_format *f, val halves, val header);
val ig_k_half(ig_kb *b, val pairs, bool upper);
void ig_a256_gemv(ig_linear *l, val w, int n, const val *x, val *acc);
void ig_a256_expand(ig_linear *l, val w, val panel);
void ig_a256_gemm(ig_linear *l, int rows, const val *panels, int tokens, val x, val *acc);
/* Lines of a block's panel: d, dmin, scales, minima, and 64 of bytes. */
#define IG_K_LINEAR(name, lines) {name, ig_a256_gemv, ig_a256_expand, ig_a256_gemm, 64 * (lines), 0, 0, NULL, 0, 0, NULL, NULL, 0}

/* Eight groups of a block of 32: from a line of fifth bits and four of nibbles; iq4's values + 128 from four of nibbles. */
void ig_five_bits(const ig_reader *r, val lines, val *bytes);
void ig_iq4_bytes(const ig_reader *r, val lines, val *bytes);

/* Short forms that the formats share. */
val kb_at(ig_kb *b, val base, int64_t offset); /* base + constant */
val kb_bytes64(ig_kb *b, val v16xi32); /* as vector<64xi8> */
val kb_ints(ig_kb *b, val v64xi8); /* as vector<16xi32> */
val kb_i32x16(ig_kb *b, int64_t v); /* splat */
val kb_load_splat_i32(ig_kb *b, val ptr, int64_t offset); /* i32 at ptr + offset in 16 lanes */
val kb_load_splat_f32(ig_kb *b, val ptr, int64_t offset);
val kb_to_float(ig_kb *b, val v16xi32);
val kb_words32(ig_kb *b, val v16xi32); /* as vector<32xi16> */
val kb_load_line(ig_kb *b, val ptr, int64_t offset); /* 64 bytes as vector<16xi32> */
val kb_nibbles(ig_kb *b, val line, bool high); /* of all bytes */

#endif
