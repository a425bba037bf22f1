/* What kernels over rows of activations share: 64-bit indices, vectors of 16 floats at an index, quantisation of a row. */
#ifndef INGOT_CODEGEN_ROWS_H
#define INGOT_CODEGEN_ROWS_H

#include "codegen/kernels/kernels.h"

#define F32X16 "vector<16xf32>"
#define I32X16 "vector<16xi32>"

val row_wide(ig_kb *b, val i32);                                        /* to i64, unsigned */
val row_dim(ig_kb *b, ig_kernel_values k, int index);                   /* a dim as i64 */
val row_at(ig_kb *b, val base, val index, int64_t bytes);               /* base + index * bytes */
val row_times(ig_kb *b, val x, int64_t factor);
val row_by(ig_kb *b, const char *op, val x, int64_t by);                /* op: "divui", "remui", "shrui" of arith, on i64 */
val row_load(ig_kb *b, val base, val index, int align);                 /* the index-th 16 floats */
void row_store(ig_kb *b, val value, val base, val index, int align);
val row_splat(ig_kb *b, float x);
/* Opens the loop over tiles [begin, end) with an i64 index. */
void row_tiles(ig_kb *b, kb_loop *loop, ig_kernel_values k);
void row_end(ig_kb *b, kb_loop *loop);                                  /* closes a loop that carries nothing */
void row_for(ig_kb *b, kb_loop *loop, val lo, val hi, int64_t step);    /* opens one */

/* The values of a row, 16 at a time. */
typedef struct row_source {
  val x;
  val gain, r;        /* value = (x * r) * gain where scaled */
  bool scaled;
  val first;          /* a row already quantised as `digits`: the value is what it left, fma(-scale, q, value); null where there is none */
  ig_activation digits;
} row_source;
val row_value(ig_kb *b, const row_source *source, val index);
/* Writes n16 * 16 values of the row as `activation` has them. */
void row_write(ig_kb *b, ig_activation activation, const row_source *source, val y, val n16);
val row_bytes(ig_kb *b, ig_activation activation, val n16);

#endif
