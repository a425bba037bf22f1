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
  val units, odd, tokens;      /* of K; T */
  val x, x_stride, y, y_stride;
  val tile_bytes;
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
} ig_linear_format;

const ig_linear_format *ig_linear_format_of(const ig_layout *layout);
const ig_linear_format *ig_linear_float(const char *format);
const ig_linear_format *ig_linear_a32(const char *format);
const ig_linear_format *ig_linear_a256(const char *format);

/* Short forms that the formats share. */
val kb_at(ig_kb *b, val base, int64_t offset);                       /* base + constant */
val kb_bytes64(ig_kb *b, val v16xi32);                               /* as vector<64xi8> */
val kb_ints(ig_kb *b, val v64xi8);                                   /* as vector<16xi32> */
val kb_i32x16(ig_kb *b, int64_t v);                                  /* splat */
val kb_load_splat_i32(ig_kb *b, val ptr, int64_t offset);            /* i32 at ptr + offset in 16 lanes */
val kb_load_splat_f32(ig_kb *b, val ptr, int64_t offset);
val kb_to_float(ig_kb *b, val v16xi32);
val kb_words32(ig_kb *b, val v16xi32);                               /* as vector<32xi16> */
val kb_load_line(ig_kb *b, val ptr, int64_t offset);                 /* 64 bytes as vector<16xi32> */
val kb_nibbles(ig_kb *b, val line, bool high);                       /* of all bytes */

#endif
