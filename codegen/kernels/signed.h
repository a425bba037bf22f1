/* Matrix products of variants whose instructions multiply signed bytes by signed bytes (sdot, smmla): all formats share two inner loops. A panel holds
 * signed values, so that no offset is left, and tokens are copied together once for all tiles of a panel. Both lie in the order in which they are read,
 * each by one pointer that the loads themselves move.
 *
 * A register of weights holds, for sdot, four values of K of each of its rows; for smmla (`mm`) eight values of two rows in every 128 bits. Its sums are
 * those of its rows with one token, or, of two rows by two tokens, in the order of smmla: what is multiplied with sums (scales) is stored in that order.
 *
 * Panel of a tile, per block of 256: for each group of registers its sub-blocks, step by step of K, each with its scales at its end; then for each register
 * its ends: minima as bytes, d, dmin. A block of 32 is one sub-block, with d and perhaps -m at its end.
 * Packed tokens (a slot is one token, or two with `mm`), per block: for each step of K a register a slot; minima's sums; the scales; -sums. Scales and sums are four tokens' in a register where an instruction takes one of four, else repeated as sums lie. */
#ifndef INGOT_CODEGEN_SIGNED_H
#define INGOT_CODEGEN_SIGNED_H

#include "codegen/kernels/linear.h"

/* A format's block on a variant: what panel and packed tokens are made of. Registers are the variant's, of packed tokens 16 bytes. */
typedef struct ig_signed {
  const ig_b_format *b;          /* one of the two */
  const ig_k_format *k;
  bool mm;
  int wide;                      /* tokens of a slot: 1, 2 with mm */
  int blocks;                    /* of a unit */
  int values, subs;              /* of K in a block; sub-blocks with scales of their own */
  int minima;                    /* of a block, stored as bytes: 0, 8, 16 */
  int bytes, of_tile, group;     /* of a register; registers of a tile, and those that lie together */
  int steps, sub;                /* registers of a sub-block, for one of the group: bytes; bytes and what is at its end */
  int lines, ends;               /* registers of a register's end: of bytes; all */
  int at_ends, block;            /* bytes of a panel's block */
  bool compact;                  /* scales of four tokens in a register */
  int x_steps, x_minima, x_numbers; /* registers a slot of a packed block; numbers: the scale, -sum */
} ig_signed;

bool ig_is_signed(const ig_variant *variant, const ig_layout *layout);
ig_signed ig_signed_of(const ig_variant *variant, const ig_layout *layout);
val ig_signed_blocks(ig_linear *l, const ig_signed *s);
int ig_signed_slots(const ig_signed *s, int tokens);
int ig_signed_numbers(const ig_signed *s, int slots);  /* registers of a number of all slots */
int ig_signed_packed(const ig_signed *s, int slots);   /* bytes of a packed block */
int ig_signed_at_step(const ig_signed *s, int reg, int sub, int step); /* of a register of a tile, in a panel's block; step == steps: its scales */
int ig_signed_at_end(const ig_signed *s, int reg, int line);
/* What differs from the format's own: expanding, packing, gemm, and their sizes. */
void ig_signed_form(ig_linear_format *f, const ig_variant *variant, const ig_layout *layout, uint32_t tokens);
void ig_signed_expand(ig_linear *l, val w, val panel);
void ig_signed_pack(ig_linear *l, int tokens, val x, val packed);
void ig_signed_gemm(ig_linear *l, int rows, const val *panels, int tokens, val packed, val *sums);
void ig_signed_clear(ig_linear *l, int rows, int tokens, const val *sums);
void ig_signed_read(ig_linear *l, int rows, int tokens, const val *sums, val *acc);

#endif
