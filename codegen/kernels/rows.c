#include "codegen/kernels/rows.h"

#include <stdio.h>

val row_wide(ig_kb *b, val i32) { return kb_op(b, "arith.extui", "i64", 1, &i32, NULL); }
val row_dim(ig_kb *b, ig_kernel_values k, int index) { return row_wide(b, kb_dim(b, k, index)); }
val row_times(ig_kb *b, val x, int64_t factor) { return kb_mul(b, x, kb_i64(b, factor)); }
val row_at(ig_kb *b, val base, val index, int64_t bytes) { return kb_ptr(b, base, row_times(b, index, bytes)); }

val row_by(ig_kb *b, const char *op, val x, int64_t by) {
  char name[32];
  val operands[2] = {x, kb_i64(b, by)};
  snprintf(name, sizeof name, "arith.%s", op);
  return kb_as(b, name, x, 2, operands, NULL);
}

val row_load(ig_kb *b, val base, val index, int align) { return kb_load(b, F32X16, row_at(b, base, index, 64), align); }
void row_store(ig_kb *b, val value, val base, val index, int align) { kb_store(b, value, row_at(b, base, index, 64), align); }

val row_splat(ig_kb *b, float x) {
  char literal[40];
  snprintf(literal, sizeof literal, "dense<0x%08X>", ig_f32_bits(x));
  return kb_const(b, F32X16, literal);
}

void row_for(ig_kb *b, kb_loop *loop, val lo, val hi, int64_t step) { kb_for(b, loop, lo, hi, kb_i64(b, step), 0, NULL); }
void row_tiles(ig_kb *b, kb_loop *loop, ig_kernel_values k) { row_for(b, loop, row_wide(b, k.begin), row_wide(b, k.end), 1); }
void row_end(ig_kb *b, kb_loop *loop) { kb_end_for(b, loop, NULL); }

val row_value(ig_kb *b, const row_source *source, val index) {
  val x = row_load(b, source->x, index, 64);
  if (source->scaled) x = kb_mul(b, kb_mul(b, x, source->r), row_load(b, source->gain, index, 64));
  if (!source->first.ptr) return x;
  bool a32 = source->digits == IG_ACT_A32;
  int64_t in_block = a32 ? 2 : 16;
  val block = row_at(b, source->first, row_by(b, "divui", index, in_block), a32 ? 40 : 352);
  val codes = kb_load(b, "vector<16xi8>", row_at(b, block, row_by(b, "remui", index, in_block), 16), 8);
  codes = kb_op(b, "arith.sitofp", F32X16, 1, &codes, NULL);
  val scale = kb_load(b, "f32", kb_ptr(b, block, kb_i64(b, a32 ? 32 : 336)), 4);
  return kb_fma(b, kb_splat(b, F32X16, kb_sub(b, kb_f32(b, -0.0f), scale)), codes, x);
}
