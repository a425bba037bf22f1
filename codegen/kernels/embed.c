/* y[t] = row tokens[t] of a packed weight, decoded to f32 exactly as the format's definition has it, block by block: the formats unpack one
 * row as they unpack sixteen (ig_reader), here the same in all lanes. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "codegen/kernels/linear.h"
#include "codegen/kernels/rows.h"

enum { LINE = 64 };

static val insert(ig_kb *b, const char *type, val element, val vector, int i) {
  char position[64];
  snprintf(position, sizeof position, "{static_position = array<i64: %d>}", i);
  return kb_op(b, "vector.insert", type, 2, (val[]){element, vector}, position);
}
static val to_float(ig_kb *b, val v) { return kb_op(b, "arith.sitofp", F32X16, 1, &v, NULL); }

/* Four groups, each the same in all lanes, to the sixteen floats of value - bias, which for whole bytes is the variant's. */
static val values_of(ig_kb *b, const val group[4], int64_t bias) {
  bool is_signed = bias == 128 && kb_signed(b);
  val v = kb_const(b, "vector<4xi32>", "dense<0>");
  for (int i = 0; i < 4; i++) v = insert(b, "vector<4xi32>", kb_op(b, "vector.extract", "i32", 1, &group[i], "{static_position = array<i64: 0>}"), v, i);
  val bytes = kb_op(b, "vector.bitcast", "vector<16xi8>", 1, &v, NULL), wide = kb_op(b, is_signed ? "arith.extsi" : "arith.extui", I32X16, 1, &bytes, NULL);
  return to_float(b, is_signed ? wide : kb_sub(b, wide, kb_i32x16(b, bias)));
}
static int64_t bias_of(int offset_shift) { return offset_shift ? 1 << offset_shift : 0; }

/* ---- f32, f16, bf16: a unit of sixteen values ---- */

static val plain(ig_kb *b, val at, const char *element, const char *type, int64_t size) {
  val v = kb_splat(b, type, kb_const(b, element, *element == 'f' ? "0.0" : "0"));
  for (int k = 0; k < 16; k++) v = insert(b, type, kb_load(b, element, kb_at(b, at, 16 * size * k), (int)size), v, k);
  return v;
}
static void float_unit(ig_linear *l, val unit, val number, val to) {
  ig_kb *b = l->b;
  const char *format = l->layout->format;
  int64_t size = l->layout->unit_bytes / 256;
  val at = row_at(b, unit, number, size), v;
  if (size == 4) {
    v = plain(b, at, "f32", F32X16, 4);
  } else {
    val half = plain(b, at, "i16", "vector<16xi16>", 2);
    if (*format == 'f') {
      v = kb_f16_to_f32(b, half);
    } else {
      val bits = kb_shl(b, kb_op(b, "arith.extui", I32X16, 1, &half, NULL), kb_i32x16(b, 16));
      v = kb_op(b, "vector.bitcast", F32X16, 1, &bits, NULL);
    }
  }
  kb_store(b, v, to, 64);
}

/* ---- blocks of 32 ---- */

static void b_unit(ig_linear *l, const ig_reader *r, val unit, int blocks, val to) {
  ig_kb *b = l->b;
  const ig_b_format *f = ig_b_of(l->layout->format);
  for (int i = 0; i < blocks; i++) {
    val bytes[8], d = f->scale(r, unit, i);
    f->bytes(r, kb_at(b, unit, LINE + i * f->lines * LINE), bytes);
    for (int half = 0; half < 2; half++) {
      val v = kb_mul(b, d, values_of(b, bytes + 4 * half, bias_of(f->offset_shift)));
      if (f->has_m) v = kb_sub(b, v, ig_read_halves(r, unit, 32));
      kb_store(b, v, kb_at(b, to, (2 * i + half) * LINE), 64);
    }
  }
}

static void b_row(ig_linear *l, const ig_reader *r, val tile, val to) {
  ig_kb *b = l->b;
  const ig_b_format *f = ig_b_of(l->layout->format);
  kb_loop units, odd;
  row_for(b, &units, kb_i64(b, 0), l->units, 1);
  b_unit(l, r, row_at(b, tile, units.index, l->layout->unit_bytes), f->blocks, row_at(b, to, units.index, f->blocks * 2 * LINE));
  row_end(b, &units);
  if (f->blocks == 1) return;
  row_for(b, &odd, kb_i64(b, 0), l->odd, 1);
  b_unit(l, r, ig_odd_at(l, tile, odd.index, l->layout->unit_bytes, l->layout->odd_bytes), 1, ig_odd_at(l, to, odd.index, f->blocks * 2 * LINE, 2 * LINE));
  row_end(b, &odd);
}

/* ---- blocks of 256 ---- */

/* The minimum of the part's sub-block j as an i32. */
static val minimum(const ig_reader *r, const ig_k_format *f, val part, int j) {
  ig_kb *b = r->b;
  if (f->extra == IG_K_MINIMA_16) return f->minima(r, part, j);
  val pair = f->minima(r, part, j / 2);
  return kb_and(b, j % 2 ? kb_shru(b, pair, kb_i32x16(b, 16)) : pair, kb_i32x16(b, 0xffff));
}

static void k_part(const ig_reader *r, const ig_k_format *f, val part, val d, val dmin, val to) {
  ig_kb *b = r->b;
  int groups = 64 / f->subs;
  int64_t bias = f->extra == IG_K_OFFSET_ALL ? f->offset_all : bias_of(f->offset_shift);
  for (int j = 0; j < f->subs / f->parts; j++) {
    val bytes[8], scale = f->scale ? kb_mul(b, d, to_float(b, f->scale(r, part, j))) : d, product = {NULL};
    if (dmin.ptr) { /* an infinite dmin times no minimum is none */
      val min = minimum(r, f, part, j);
      product = kb_select(b, kb_compare(b, KB_EQUAL, min, kb_i32x16(b, 0)), row_splat(b, 0), kb_mul(b, dmin, to_float(b, min)));
    }
    f->bytes(r, part, j, bytes);
    for (int g = 0; g < groups; g += 4) {
      val v = kb_mul(b, scale, values_of(b, bytes + g, bias));
      if (dmin.ptr) v = kb_sub(b, v, product);
      kb_store(b, v, kb_at(b, to, (j * groups + g) / 4 * LINE), 64);
    }
  }
}

static void k_row(ig_linear *l, const ig_reader *r, val tile, val to) {
  ig_kb *b = l->b;
  const ig_k_format *f = ig_k_of(l->layout->format);
  kb_loop blocks, parts;
  row_for(b, &blocks, kb_i64(b, 0), ig_k_blocks(l), 1);
  ig_k_place at = ig_k_block(l, f, tile, blocks.index);
  val d, dmin = {NULL}, halves = kb_i32x16(b, 0);
  bool minima = f->minima != NULL;
  if (f->d_bits) {
    for (int p = 0; p < f->parts; p++) halves = ig_k_shift_in(b, f, halves, ig_read_line(r, at.parts, p * f->part));
    d = ig_k_half(b, halves, f->d_upper);
    if (minima) dmin = ig_k_half(b, halves, true);
  } else {
    d = ig_read_halves(r, at.d, 0);
    if (minima) dmin = ig_read_halves(r, at.d, 32);
  }
  row_for(b, &parts, kb_i64(b, 0), kb_i64(b, f->parts), 1);
  val put = row_at(b, row_at(b, to, blocks.index, 16 * LINE), parts.index, 16 / f->parts * LINE);
  k_part(r, f, row_at(b, at.parts, parts.index, f->part), d, dmin, put);
  row_end(b, &parts);
  row_end(b, &blocks);
}

void ig_gen_embed(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  const ig_layout *layout = ref->layout;
  ig_linear l = {.b = b, .k = kb_kernel(b, symbol), .layout = layout};
  l.units = row_dim(b, l.k, IG_D0);
  l.odd = row_dim(b, l.k, IG_D0 + 1);
  val tiles = row_dim(b, l.k, IG_D0 + 2), tokens = kb_operand(b, l.k, 0), w = kb_operand(b, l.k, 1), y = kb_operand(b, l.k, 2), one = kb_i64(b, 1);
  val tile_bytes = kb_add(b, row_times(b, l.units, layout->unit_bytes), row_times(b, l.odd, layout->odd_bytes));
  val y_bytes = kb_add(b, row_times(b, l.units, 4 * layout->unit_values), row_times(b, l.odd, 4 * layout->odd_values));
  val last = kb_sub(b, row_times(b, tiles, INGOT_ROWS), one);
  kb_loop token, units;
  row_tiles(b, &token, l.k);
  val id = kb_op(b, "arith.minui", "i64", 2, (val[]){row_wide(b, kb_load(b, "i32", row_at(b, tokens, token.index, 4), 4)), last}, NULL);
  val tile = kb_ptr(b, w, kb_mul(b, kb_shru(b, id, kb_i64(b, 4)), tile_bytes)), to = kb_ptr(b, y, kb_mul(b, token.index, y_bytes));
  ig_reader r = {b, kb_and(b, id, kb_i64(b, INGOT_ROWS - 1))};
  if (layout->activation == IG_ACT_A32) {
    b_row(&l, &r, tile, to);
  } else if (layout->activation == IG_ACT_A256) {
    k_row(&l, &r, tile, to);
  } else {
    row_for(b, &units, kb_i64(b, 0), l.units, 1);
    float_unit(&l, row_at(b, tile, units.index, layout->unit_bytes), r.row, row_at(b, to, units.index, LINE));
    row_end(b, &units);
  }
  row_end(b, &token);
  kb_return(b);
}
