/* Activations to int8. A block's values are computed twice, for their maximum and for their codes: cheaper than keeping 256 of them. */
#include "codegen/kernels/rows.h"

#include "ir/numerics.h"

val row_bytes(ig_kb *b, ig_activation activation, val n16) { return row_times(b, n16, (int64_t)ig_activation_bytes(activation, 256) / 16); }

static val magnitude(ig_kb *b, val x) { return kb_as(b, "math.absf", x, 1, &x, NULL); }

typedef struct scaling {
  val scale, inverse;
} scaling;

/* Of a block whose values' magnitudes are at most the lanes of `most`. */
static scaling scaling_of(ig_kb *b, val most) {
  val amax = kb_max16(b, most), zero = kb_f32(b, 0), all = kb_f32(b, 127);
  val tiny = kb_compare(b, KB_LESS, amax, kb_f32(b, 0x1p-100f));
  val inverse = kb_select(b, tiny, zero, kb_div(b, all, amax));
  return (scaling){kb_select(b, tiny, zero, kb_div(b, amax, all)), kb_splat(b, F32X16, inverse)};
}

/* Stores the codes of 16 values; gives them as i32. */
static val store_codes(ig_kb *b, val x, val inverse, val to, int align) {
  val t = kb_add(b, kb_mul(b, x, inverse), row_splat(b, IG_MAGIC));
  val q = kb_op(b, "vector.bitcast", I32X16, 1, &t, NULL);
  q = kb_sub(b, q, kb_splat(b, I32X16, kb_i32(b, IG_MAGIC_BITS)));
  kb_store(b, kb_op(b, "arith.trunci", "vector<16xi8>", 1, &q, NULL), to, align);
  return q;
}

static val plus(ig_kb *b, val p, int64_t bytes) { return kb_ptr(b, p, kb_i64(b, bytes)); }
static val negative(ig_kb *b, val x) { return kb_sub(b, kb_i32(b, 0), x); }

static void write_a32(ig_kb *b, const row_source *source, val y, val n16) {
  kb_loop block;
  row_for(b, &block, kb_i64(b, 0), n16, 2);
  val low = row_value(b, source, block.index), high = row_value(b, source, kb_add(b, block.index, kb_i64(b, 1)));
  val to = row_at(b, y, block.index, 20);
  scaling s = scaling_of(b, kb_max(b, magnitude(b, low), kb_max(b, magnitude(b, high), row_splat(b, 0))));
  val codes = kb_add(b, store_codes(b, low, s.inverse, to, 8), store_codes(b, high, s.inverse, plus(b, to, 16), 8));
  kb_store(b, s.scale, plus(b, to, 32), 4);
  kb_store(b, negative(b, kb_fold16_i32(b, codes)), plus(b, to, 36), 4);
  row_end(b, &block);
}

static void write_a256(ig_kb *b, const row_source *source, val y, val n16) {
  kb_loop block, most, pair;
  row_for(b, &block, kb_i64(b, 0), n16, 16);
  val to = row_at(b, y, block.index, 22), zero = row_splat(b, 0);
  kb_for(b, &most, kb_i64(b, 0), kb_i64(b, 16), kb_i64(b, 1), 1, &zero);
  val larger = kb_max(b, magnitude(b, row_value(b, source, kb_add(b, block.index, most.index))), most.carried[0]);
  kb_end_for(b, &most, &larger);
  scaling s = scaling_of(b, most.result[0]);
  row_for(b, &pair, kb_i64(b, 0), kb_i64(b, 8), 1);
  val first = kb_add(b, block.index, row_times(b, pair.index, 2)), codes = row_at(b, to, pair.index, 32), sums = row_at(b, to, pair.index, 8);
  val low = kb_fold16_i32(b, store_codes(b, row_value(b, source, first), s.inverse, codes, 16));
  val high = kb_fold16_i32(b, store_codes(b, row_value(b, source, kb_add(b, first, kb_i64(b, 1))), s.inverse, plus(b, codes, 16), 16));
  kb_store(b, negative(b, low), plus(b, sums, 256), 4);
  kb_store(b, negative(b, high), plus(b, sums, 260), 4);
  val both = kb_add(b, low, high);
  kb_store(b, kb_op(b, "arith.trunci", "i16", 1, &both, NULL), plus(b, row_at(b, to, pair.index, 2), 320), 2);
  row_end(b, &pair);
  kb_store(b, s.scale, plus(b, to, 336), 4);
  kb_store(b, kb_i32(b, 0), plus(b, to, 340), 4);
  kb_store(b, kb_i64(b, 0), plus(b, to, 344), 8);
  row_end(b, &block);
}

void row_write(ig_kb *b, ig_activation activation, const row_source *source, val y, val n16) {
  kb_loop i;
  switch (activation) {
  case IG_ACT_A32: write_a32(b, source, y, n16); return;
  case IG_ACT_A256: write_a256(b, source, y, n16); return;
  case IG_ACT_A32X2:
  case IG_ACT_A256X2: {
    row_source rest = *source;
    rest.first = y;
    rest.digits = activation == IG_ACT_A32X2 ? IG_ACT_A32 : IG_ACT_A256;
    row_write(b, rest.digits, source, y, n16);
    row_write(b, rest.digits, &rest, kb_ptr(b, y, row_bytes(b, rest.digits, n16)), n16);
    return;
  }
  case IG_ACT_F32: break;
  }
  row_for(b, &i, kb_i64(b, 0), n16, 1);
  row_store(b, row_value(b, source, i.index), y, i.index, 64);
  row_end(b, &i);
}

void ig_gen_quant(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  ig_kernel_values k = kb_kernel(b, symbol);
  val x = kb_operand(b, k, 0), y = kb_operand(b, k, 1), n16 = row_times(b, row_dim(b, k, IG_D0), ig_activation_block(ref->activation) / 16);
  val x_bytes = row_times(b, n16, 64), y_bytes = row_bytes(b, ref->activation, n16);
  kb_loop row;
  row_tiles(b, &row, k);
  row_source source = {.x = kb_ptr(b, x, kb_mul(b, row.index, x_bytes))};
  row_write(b, ref->activation, &source, kb_ptr(b, y, kb_mul(b, row.index, y_bytes)), n16);
  row_end(b, &row);
  kb_return(b);
}
