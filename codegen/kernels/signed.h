/* Matrix products of variants whose instructions multiply signed bytes by signed bytes (sdot, smmla): all formats share one inner loop. A panel holds
 * signed values, so that no offset is left, and tokens are copied together once for all tiles of a panel.
 *
 * A register of weights holds, for sdot, four values of K of each of its rows; for smmla (`mm`) eight values of two rows in every 128 bits. Its sums are
 * those of its rows with one token, or, of two rows by two tokens, in the order of smmla: what is multiplied with sums (scales) is stored in that order.
 *
 * Panel of a tile, per block of 256: for each sub-block a line of scales and its lines of bytes; minima as bytes in lines; d; dmin. Per block of 32: d; -m;
 * lines of bytes. With `mm` two lines of bytes lie interleaved (eight values of a row side by side), and lines of numbers twice as wide.
 * Packed tokens (a slot is one token, or two with `mm`), per block: for each step of K a register a slot; registers of minima's sums; the scale; -sum. */
#ifndef INGOT_CODEGEN_SIGNED_H
#define INGOT_CODEGEN_SIGNED_H

#include "codegen/kernels/linear.h"

/* A format's block on a variant: what panel and packed tokens are made of. Lines are 64 bytes, registers of packed tokens 16. */
typedef struct ig_signed {
  const ig_b_format *b;          /* one of the two */
  const ig_k_format *k;
  bool mm;
  int wide;                      /* lines of a line of numbers: 1, 2 with mm */
  int blocks;                    /* of a unit */
  int values, subs;              /* of K in a block; sub-blocks with scales of their own: 1 for blocks of 32 */
  int minima;                    /* of a block, stored as bytes: 0, 8, 16 */
  int sub, sub_lines;            /* lines before and of a sub-block's bytes */
  int at_minima, at_d, at_m, block; /* lines of a panel's block */
  int x_minima, x_scale, x_sum, x_block; /* registers a slot of a packed block */
} ig_signed;

bool ig_is_signed(const ig_variant *variant, const ig_layout *layout);
ig_signed ig_signed_of(const ig_variant *variant, const ig_layout *layout);
val ig_signed_blocks(ig_linear *l, const ig_signed *s);
int ig_signed_slots(const ig_signed *s, int tokens);
/* What differs from the format's own: expanding, packing, gemm, and their sizes. */
void ig_signed_form(ig_linear_format *f, const ig_variant *variant, const ig_layout *layout, uint32_t tokens);
void ig_signed_expand(ig_linear *l, val w, val panel);
void ig_signed_pack(ig_linear *l, int tokens, val x, val packed);
void ig_signed_gemm(ig_linear *l, int rows, const val *panels, int tokens, val packed, val *acc);

#endif
