/* y = W x: rows of 16, one lane a row. Where x has two digits, a token's two rows are multiplied as two tokens' would be, and their sums added.
 *   gemv   a tile at a time, in the order of memory: one stream of weights. The glu kernel goes over all gate tiles first, then over all up
 *          tiles, for the same reason; by the same code, which is half of what two products would take.
 *   gemm   a panel of tiles stays in the cache, expanded once, while all tokens pass over it in register tiles of rows x tokens; where the schedule
 *          says so, a block of K of it at a time. An odd last tile takes part twice in the register tile: both halves load y (or the sums so far)
 *          before either stores, so the result is the same. */
#include "codegen/kernels/linear.h"

#include <string.h>

#include "codegen/kernels/kernels.h"
#include "codegen/kernels/signed.h"

/* ---- short forms ---- */

val kb_at(ig_kb *b, val base, int64_t offset) { return offset ? kb_ptr(b, base, kb_i64(b, offset)) : base; }
val kb_bytes64(ig_kb *b, val v) { return kb_op(b, "vector.bitcast", "vector<64xi8>", 1, &v, NULL); }
val kb_ints(ig_kb *b, val v) { return kb_op(b, "vector.bitcast", "vector<16xi32>", 1, &v, NULL); }
val kb_i32x16(ig_kb *b, int64_t v) { return kb_splat(b, "vector<16xi32>", kb_i32(b, v)); }
val kb_load_splat_i32(ig_kb *b, val ptr, int64_t offset) { return kb_splat(b, "vector<16xi32>", kb_load(b, "i32", kb_at(b, ptr, offset), 4)); }
val kb_load_splat_f32(ig_kb *b, val ptr, int64_t offset) { return kb_splat(b, "vector<16xf32>", kb_load(b, "f32", kb_at(b, ptr, offset), 4)); }
val kb_to_float(ig_kb *b, val v) { return kb_op(b, "arith.sitofp", "vector<16xf32>", 1, &v, NULL); }
val kb_words32(ig_kb *b, val v) { return kb_op(b, "vector.bitcast", "vector<32xi16>", 1, &v, NULL); }
val kb_load_line(ig_kb *b, val p, int64_t offset) { return kb_load(b, "vector<16xi32>", kb_at(b, p, offset), 64); }
val kb_nibbles(ig_kb *b, val line, bool high) {
  if (high && kb_signed(b)) return kb_ints(b, kb_shru(b, kb_bytes64(b, line), kb_const(b, "vector<64xi8>", "dense<4>"))); /* Arm shifts bytes too */
  return kb_and(b, high ? kb_shru(b, line, kb_i32x16(b, 4)) : line, kb_i32x16(b, 0x0f0f0f0f));
}

val ig_read_line(const ig_reader *r, val at, int64_t offset) {
  return r->row.ptr ? kb_load_splat_i32(r->b, kb_ptr(r->b, at, kb_mul(r->b, r->row, kb_i64(r->b, 4))), offset) : kb_load_line(r->b, at, offset);
}
val ig_read_bytes(const ig_reader *r, val at, int64_t offset) {
  at = kb_at(r->b, at, offset);
  return r->row.ptr ? kb_splat(r->b, "vector<16xi8>", kb_load(r->b, "i8", kb_ptr(r->b, at, r->row), 1)) : kb_load(r->b, "vector<16xi8>", at, 16);
}
val ig_read_halves(const ig_reader *r, val at, int64_t offset) {
  at = kb_at(r->b, at, offset);
  if (!r->row.ptr) return kb_f16_to_f32(r->b, kb_load(r->b, "vector<16xi16>", at, 32));
  return kb_f16_to_f32(r->b, kb_splat(r->b, "vector<16xi16>", kb_load(r->b, "i16", kb_ptr(r->b, at, kb_mul(r->b, r->row, kb_i64(r->b, 2))), 2)));
}

static val wide(ig_kb *b, val i32) { return kb_op(b, "arith.extui", "i64", 1, &i32, NULL); }
static val nonzero(ig_kb *b, val i32) { return kb_op(b, "arith.cmpi", "i1", 2, (val[]){i32, kb_i32(b, 0)}, "{predicate = 1 : i64}"); }
static val times(ig_kb *b, val v, int64_t c) { return c == 1 ? v : kb_mul(b, v, kb_i64(b, c)); }

/* ---- which ---- */

const ig_linear_format *ig_linear_format_of(const ig_layout *layout) {
  switch (layout->activation) {
  case IG_ACT_F32: return ig_linear_float(layout->format);
  case IG_ACT_A32: return ig_linear_a32(layout->format);
  default: break;
  }
  return ig_linear_a256(layout->format);
}

/* Rows of x in a register tile: whole tokens. Where sums wait in memory (`waits`), those of a tile may be multiplied in parts: of three rows at a time two
 * parts are three tokens of two digits. */
static int tile_columns(const ig_choice *choice, int digits, bool waits) {
  int most = (int)choice->value[IG_TOKENS], n = most / digits * digits;
  if (waits && n && n < most && most * digits <= IG_MOST_TOKENS) return most * digits;
  return n ? n : digits;
}
static int part_columns(const ig_choice *choice, int n) {
  int most = (int)choice->value[IG_TOKENS];
  return most > 1 && n > most ? most : n;
}

/* As a variant multiplies it, in register tiles of so many rows of x. */
static ig_linear_format form_of(const ig_variant *variant, const ig_layout *layout, const ig_choice *choice, int digits) {
  ig_linear_format f = *ig_linear_format_of(layout);
  if (!ig_is_signed(variant, layout)) return f;
  int columns = tile_columns(choice, digits, true), part = part_columns(choice, columns);
  ig_signed_form(&f, variant, layout, (uint32_t)part);
  f.packed_unit *= (uint32_t)(columns / part), f.packed_odd *= (uint32_t)(columns / part);
  return f;
}

/* Units of a block of K, whole ones; and bytes of a panel of such blocks, the last with as many odd blocks as a row can end in. */
static uint32_t block_units(const ig_choice *choice, const ig_layout *layout) { return (uint32_t)ig_ceil_div(choice->value[IG_K_BLOCK], layout->unit_values); }
static uint32_t most_odd(const ig_layout *layout) { return layout->odd_values ? layout->unit_values / layout->odd_values - 1 : 0; }
static uint32_t block_bytes(const ig_linear_format *f, const ig_layout *layout, uint32_t units) {
  return units * f->panel_unit + most_odd(layout) * f->panel_odd;
}

static bool is_gemm(ig_family family) {
  return family == IG_LINEAR_GEMM || family == IG_GLU_GEMM || family == IG_GEGLU_GEMM || family == IG_EXPERTS_GEMM || family == IG_EXPERTS_SUM_GEMM;
}

/* Bytes of packed tokens, the panels after them aligned. */
static uint32_t packed_most(const ig_linear_format *f, const ig_layout *layout, uint32_t units) {
  return f->pack ? (units * f->packed_unit + most_odd(layout) * f->packed_odd + 63) / 64 * 64 + (units ? 0 : 64) : 0;
}

static uint32_t sum_bytes(const ig_linear_format *f) { return f->read ? f->sum_bytes : 64; }
/* Bytes before packed tokens: what the format needs, and a register tile's sums that lie in memory where none wait between blocks of K. */
static uint32_t before_tokens(const ig_linear_format *f, const ig_choice *choice, int digits) {
  bool of_tile = f->read && !choice->value[IG_K_BLOCK];
  return f->scratch + (of_tile ? choice->value[IG_ROWS] * ((uint32_t)tile_columns(choice, digits, true) + 1) * f->sum_bytes : 0);
}

/* What gemm keeps in scratch: what the format needs, packed tokens, panels, and sums between blocks of K. */
ingot_extent ig_linear_scratch(const ig_kernel_ref *ref, const ig_schedule *schedule) {
  ingot_extent e = {0};
  if (!is_gemm(ref->family)) return e;
  uint32_t fixed = 0, per_unit = 0, per_token = 0, n = 0; /* the most of any variant */
  for (uint32_t i = 0; i < schedule->target->n_variants + schedule->target->n_forms; i++) {
    ig_choice c = ig_schedule_choose(schedule, &schedule->target->variants[i], ref);
    ig_linear_format f = form_of(&schedule->target->variants[i], ref->layout, &c, ig_digits(ref));
    uint32_t tiles = c.value[IG_ROWS] * c.value[IG_PANEL], units = block_units(&c, ref->layout);
    uint32_t block = before_tokens(&f, &c, ig_digits(ref)) + packed_most(&f, ref->layout, units) + tiles * block_bytes(&f, ref->layout, units);
    uint32_t unit = units ? 0 : tiles * f.panel_unit + f.packed_unit, token = units ? tiles * sum_bytes(&f) * (uint32_t)ig_digits(ref) : 0;
    if (units) block += tiles * sum_bytes(&f);
    fixed = block > fixed ? block : fixed, per_unit = unit > per_unit ? unit : per_unit, per_token = token > per_token ? token : per_token;
  }
  if (fixed) e.term[n++] = (ingot_term){fixed, 0};
  if (per_unit) e.term[n++] = (ingot_term){per_unit, 1u << IG_LIN_UNITS};
  if (per_token) e.term[n++] = (ingot_term){per_token, 1u << INGOT_DIM_TOKENS};
  return e;
}

/* ---- epilogues ---- */

/* A row tile's line of the bias; where there is none, `y`, which can be read and is left unused. */
static val bias_at(ig_kb *b, const ig_epilogue *e, val tile, val y) {
  return e->biased.ptr ? kb_select(b, e->biased, kb_ptr(b, e->bias, times(b, tile, 64)), y) : y;
}

static val apply(ig_kb *b, const ig_epilogue *e, val y, val bias, val weight, val v) {
  if (e->biased.ptr) v = kb_select(b, e->biased, kb_add(b, v, kb_load(b, "vector<16xf32>", bias, 64)), v);
  if (weight.ptr) return kb_fma(b, weight, v, kb_load(b, "vector<16xf32>", y, 64));
  if (!e->add.ptr) return v;
  val sum = kb_add(b, kb_load(b, "vector<16xf32>", y, 64), v);
  return kb_select(b, e->add, sum, v);
}

/* y of n row tiles, all of which are read before any is written. */
static void store_rows(ig_kb *b, const ig_epilogue *e, int n, const val *y, const val *bias, val weight, const val *sums) {
  val v[IG_MOST_ROWS];
  kb_branch gated;
  if (e->gate) { /* y = v, or gate(y) * v */
    kb_if(b, &gated, e->gated, true);
    for (int r = 0; r < n; r++) v[r] = kb_mul(b, e->gate(b, kb_load(b, "vector<16xf32>", y[r], 64)), sums[r]);
    for (int r = 0; r < n; r++) kb_store(b, v[r], y[r], 64);
    kb_else(b, &gated);
  }
  for (int r = 0; r < n; r++) v[r] = apply(b, e, y[r], bias[r], weight, sums[r]);
  for (int r = 0; r < n; r++) kb_store(b, v[r], y[r], 64);
  if (e->gate) kb_end_if(b, &gated);
}

/* Where the row of y lies that x's row of `token` is for, and its weight (null: none). */
static val row_of_y(ig_linear *l, const ig_epilogue *e, val token, val *weight) {
  ig_kb *b = l->b;
  *weight = e->weight;
  if (!e->rows.ptr) return kb_mul(b, token, l->y_stride);
  val row = kb_ptr(b, e->rows, times(b, token, 8)), which = wide(b, kb_load(b, "i32", row, 4));
  *weight = kb_load_splat_f32(b, row, 4);
  return kb_mul(b, kb_op(b, "arith.minui", "i64", 2, (val[]){which, e->last}, NULL), l->y_stride);
}

/* ---- one pass over the tiles of one weight ---- */

static void gemv(ig_linear *l, const ig_linear_format *f, val w, val begin, val end, const ig_epilogue *e) {
  ig_kb *b = l->b;
  kb_loop tiles;
  kb_for(b, &tiles, begin, end, kb_i64(b, 1), 0, NULL);
  val x[2] = {l->x, l->digits == 2 ? kb_ptr(b, l->x, l->x_stride) : l->x}, sums[2];
  f->gemv(l, kb_ptr(b, w, kb_mul(b, tiles.index, l->tile_bytes)), l->digits, x, sums);
  val v = l->digits == 2 ? kb_add(b, sums[0], sums[1]) : sums[0];
  val y = kb_ptr(b, l->y, times(b, tiles.index, 64)), bias = bias_at(b, e, tiles.index, y);
  store_rows(b, e, 1, &y, &bias, e->weight, &v);
  kb_end_for(b, &tiles, NULL);
}

/* Row tiles that go together, and a block of K of them: all of K unless `sums`. */
typedef struct panel {
  int rows, high;               /* a register tile's row tiles; register tiles one above the other */
  val first, stop;              /* row tiles */
  val w, x;                     /* at the block of K */
  val packed;                   /* tokens, where the format packs them */
  val panels, panel_bytes;      /* expanded tiles, where the format expands */
  val sums, begins, ends;       /* [tile][token], between blocks; whether this block is the first, the last (i1) */
  val sums_tile;                /* bytes of a tile's */
} panel;

/* Little code: each tile once for every token, by the function of the format. */
static void one_by_one(ig_linear *l, bool many, val w, val begin, val end, const ig_epilogue *e) {
  ig_kb *b = l->b;
  kb_loop tiles, tokens;
  kb_for(b, &tiles, begin, end, kb_i64(b, 1), 0, NULL);
  val tile = kb_ptr(b, w, kb_mul(b, tiles.index, l->tile_bytes)), rows = kb_ptr(b, l->y, times(b, tiles.index, 64)), bias = bias_at(b, e, tiles.index, rows);
  kb_for(b, &tokens, kb_i64(b, 0), many ? l->tokens : kb_i64(b, 1), kb_i64(b, 1), 0, NULL);
  val weight = e->weight, x = l->x, y = rows;
  if (many) {
    x = kb_ptr(b, l->x, ig_linear_row(l, tokens.index));
    y = kb_ptr(b, rows, row_of_y(l, e, tokens.index, &weight));
  }
  val v = ig_call_product(l, tile, x);
  if (l->digits == 2) v = kb_add(b, v, ig_call_product(l, tile, kb_ptr(b, x, l->x_stride)));
  store_rows(b, e, 1, &y, &bias, weight, &v);
  kb_end_for(b, &tokens, NULL);
  kb_end_for(b, &tiles, NULL);
}

typedef struct tile_rows {
  val panels[IG_MOST_ROWS], y[IG_MOST_ROWS], bias[IG_MOST_ROWS], sums[IG_MOST_ROWS];
} tile_rows;

static tile_rows rows_at(ig_linear *l, const ig_linear_format *f, const panel *p, val group, const ig_epilogue *e) {
  ig_kb *b = l->b;
  tile_rows rows;
  val last = kb_sub(b, p->stop, kb_i64(b, 1));
  for (int r = 0; r < p->rows; r++) {
    val i = kb_op(b, "arith.minui", "i64", 2, (val[]){kb_add(b, group, kb_i64(b, r)), last}, NULL);
    val from = kb_ptr(b, p->w, kb_mul(b, i, l->tile_bytes));
    rows.y[r] = kb_ptr(b, l->y, times(b, i, 64));
    rows.bias[r] = bias_at(b, e, i, rows.y[r]);
    rows.panels[r] = f->expand ? kb_ptr(b, p->panels, kb_mul(b, kb_sub(b, i, p->first), p->panel_bytes)) : from;
    /* a tile that takes part twice has sums of its own each time */
    if (p->sums.ptr) rows.sums[r] = kb_ptr(b, p->sums, kb_mul(b, kb_sub(b, kb_add(b, group, kb_i64(b, r)), p->first), p->sums_tile));
  }
  return rows;
}

/* A register tile's rows of x in parts, one after the other: where a part's row of x, packed rows and, in those of each tile, sums begin. */
typedef struct parts {
  int n, part;
  kb_loop loop;
  val index;
} parts;
static parts each_part(ig_linear *l, int n) {
  parts p = {.n = n, .part = part_columns(&l->b->choice, n), .index = kb_i64(l->b, 0)};
  if (p.part == n) return p;
  kb_for(l->b, &p.loop, p.index, kb_i64(l->b, n / p.part), kb_i64(l->b, 1), 0, NULL);
  p.index = p.loop.index;
  return p;
}
static void end_part(ig_linear *l, parts *p) {
  if (p->part != p->n) kb_end_for(l->b, &p->loop, NULL);
}
static val packed_at(ig_linear *l, const ig_linear_format *f, const panel *p, const parts *at) {
  ig_kb *b = l->b;
  if (at->part == at->n) return p->packed;
  int64_t of_tile = at->n / at->part; /* parts, for which the format's sizes are */
  return kb_ptr(b, p->packed, kb_mul(b, at->index, kb_add(b, times(b, l->units, f->packed_unit / of_tile), times(b, l->odd, f->packed_odd / of_tile))));
}

static void pack(ig_linear *l, const ig_linear_format *f, const panel *p, val token, int n) {
  ig_kb *b = l->b;
  parts at = each_part(l, n);
  val x = kb_ptr(b, p->x, ig_linear_row(l, token));
  f->pack(l, at.part, kb_ptr(b, x, kb_mul(b, times(b, at.index, at.part), l->x_stride)), packed_at(l, f, p, &at));
  end_part(l, &at);
}

/* A register tile's sums over this block of K, those before it included; null: they wait in memory. */
static void tile_sums(ig_linear *l, const ig_linear_format *f, const panel *p, const tile_rows *at, val token, int n, const val *sums, val *acc) {
  ig_kb *b = l->b;
  val zero = kb_splat(b, "vector<16xf32>", kb_f32(b, 0)), x = kb_ptr(b, p->x, ig_linear_row(l, token));
  kb_branch begins;
  for (int i = 0; i < p->rows * n && !f->read; i++) acc[i] = p->sums.ptr ? kb_select(b, p->begins, zero, kb_load(b, "vector<16xf32>", sums[i], 64)) : zero;
  if (f->read) {
    val rows[IG_MOST_ROWS];
    for (int r = 0; r < p->rows; r++) rows[r] = sums[r * n];
    if (p->sums.ptr) kb_if(b, &begins, p->begins, false);
    f->clear(l, p->rows, n, rows);
    if (p->sums.ptr) kb_end_if(b, &begins);
    parts part = each_part(l, n);
    for (int r = 0; r < p->rows; r++) rows[r] = kb_ptr(b, rows[r], times(b, part.index, (int64_t)part.part * f->sum_bytes));
    f->gemm(l, p->rows, at->panels, part.part, packed_at(l, f, p, &part), rows);
    end_part(l, &part);
    return;
  }
  f->gemm(l, p->rows, at->panels, n, x, acc);
}

/* n rows of x from those of `token` on. */
static void register_tile(ig_linear *l, const ig_linear_format *f, const panel *p, const tile_rows *at, val token, int n, const ig_epilogue *e) {
  ig_kb *b = l->b;
  const int tokens = n / l->digits;
  val acc[IG_MOST_TILE], sums[IG_MOST_TILE];
  for (int i = 0; i < p->rows * n; i++) {
    if (p->sums.ptr) sums[i] = kb_ptr(b, at->sums[i / n], times(b, kb_add(b, times(b, token, l->digits), kb_i64(b, i % n)), sum_bytes(f)));
    else if (f->read) sums[i] = kb_at(b, l->k.scratch, f->scratch + (int64_t)f->sum_bytes * (i / n * (n + 1) + i % n));
  }
  tile_sums(l, f, p, at, token, n, sums, acc);
  kb_branch ends;
  if (p->sums.ptr) kb_if(b, &ends, p->ends, !f->read);
  for (int first = 0, part = part_columns(&b->choice, n); f->read && first < n; first += part) {
    val rows[IG_MOST_ROWS], of_part[IG_MOST_TILE];
    for (int r = 0; r < p->rows; r++) rows[r] = sums[r * n + first];
    f->read(l, p->rows, part, rows, of_part);
    for (int i = 0; i < p->rows * part; i++) acc[i / part * n + first + i % part] = of_part[i];
  }
  for (int t = 0; t < tokens; t++) {
    val weight, offset = row_of_y(l, e, kb_add(b, token, kb_i64(b, t)), &weight), to[IG_MOST_ROWS], v[IG_MOST_ROWS];
    for (int r = 0; r < p->rows; r++) {
      const val *digit = &acc[r * n + t * l->digits];
      to[r] = kb_ptr(b, at->y[r], offset);
      v[r] = l->digits == 2 ? kb_add(b, digit[0], digit[1]) : digit[0];
    }
    store_rows(b, e, p->rows, to, at->bias, weight, v);
  }
  if (!p->sums.ptr) return;
  if (!f->read) {
    kb_else(b, &ends);
    for (int i = 0; i < p->rows * n; i++) kb_store(b, acc[i], sums[i], 64);
  }
  kb_end_if(b, &ends);
}

/* Tokens from `first` on in register tiles of n rows of x, as many as fit; gives the first token that is left. */
static val token_tiles(ig_linear *l, const ig_linear_format *f, const panel *p, const tile_rows *only, val first, int n, const ig_epilogue *e) {
  ig_kb *b = l->b;
  const int each = n / l->digits;
  val count = kb_op(b, "arith.divui", "i64", 2, (val[]){kb_sub(b, l->tokens, first), kb_i64(b, each)}, NULL);
  val end = each == 1 ? l->tokens : kb_add(b, first, times(b, count, each));
  kb_loop tokens, groups;
  kb_for(b, &tokens, first, end, kb_i64(b, each), 0, NULL);
  if (f->pack) pack(l, f, p, tokens.index, n);
  if (p->high == 1) {
    register_tile(l, f, p, only, tokens.index, n, e);
  } else {
    kb_for(b, &groups, p->first, p->stop, kb_i64(b, p->rows), 0, NULL);
    tile_rows rows = rows_at(l, f, p, groups.index, e);
    register_tile(l, f, p, &rows, tokens.index, n, e);
    kb_end_for(b, &groups, NULL);
  }
  kb_end_for(b, &tokens, NULL);
  return end;
}

/* All tokens over one block of K of a panel. */
static void panel_block(ig_linear *l, const ig_linear_format *f, const panel *p, const ig_epilogue *e) {
  ig_kb *b = l->b;
  tile_rows only = {{{NULL}}, {{NULL}}, {{NULL}}, {{NULL}}};
  if (p->high == 1) only = rows_at(l, f, p, p->first, e);
  if (f->expand) {
    kb_loop tiles;
    kb_for(b, &tiles, p->first, p->stop, kb_i64(b, 1), 0, NULL);
    f->expand(l, kb_ptr(b, p->w, kb_mul(b, tiles.index, l->tile_bytes)), kb_ptr(b, p->panels, kb_mul(b, kb_sub(b, tiles.index, p->first), p->panel_bytes)));
    kb_end_for(b, &tiles, NULL);
  }
  val first = kb_i64(b, 0);
  for (int n = tile_columns(&b->choice, l->digits, f->read); n; n = (n > 3 ? (f->pack ? 2 : n / 2) : n - 1) / l->digits * l->digits)
    first = token_tiles(l, f, p, &only, first, n, e);
}

/* Blocks of K one after the other: the same sums in the same order as all at once, for they wait in scratch as they are. */
static void panel_blocks(ig_linear *l, const ig_linear_format *f, panel p, int64_t tiles, const ig_epilogue *e) {
  ig_kb *b = l->b;
  uint32_t most = block_units(&b->choice, l->layout), bytes = block_bytes(f, l->layout, most);
  ig_linear part = *l;
  val per_block = kb_i64(b, most), one = kb_i64(b, 1);
  val blocks = kb_op(b, "arith.ceildivui", "i64", 2, (val[]){l->units, per_block}, NULL);
  blocks = kb_op(b, "arith.maxui", "i64", 2, (val[]){blocks, one}, NULL); /* a row of odd blocks only has no units */
  kb_loop block;
  kb_for(b, &block, kb_i64(b, 0), blocks, one, 0, NULL);
  val from = kb_mul(b, block.index, per_block);
  p.begins = kb_compare(b, KB_EQUAL, block.index, kb_i64(b, 0));
  p.ends = kb_compare(b, KB_EQUAL, block.index, kb_sub(b, blocks, one));
  part.units = kb_op(b, "arith.minui", "i64", 2, (val[]){kb_sub(b, l->units, from), per_block}, NULL);
  part.odd = kb_select(b, p.ends, l->odd, kb_i64(b, 0));
  p.w = kb_ptr(b, p.w, times(b, from, l->layout->unit_bytes));
  p.x = kb_ptr(b, p.x, times(b, from, (int64_t)ig_activation_bytes(l->layout->activation, l->layout->unit_values)));
  p.panels = kb_at(b, p.packed, packed_most(f, l->layout, most));
  p.panel_bytes = kb_i64(b, bytes);
  p.sums = kb_at(b, p.panels, tiles * bytes);
  val columns = times(b, l->tokens, l->digits);
  p.sums_tile = times(b, f->read ? kb_add(b, columns, one) : columns, sum_bytes(f));
  panel_block(&part, f, &p, e);
  kb_end_for(b, &block, NULL);
}

static void gemm(ig_linear *l, const ig_linear_format *f, val w, val begin, val end, const ig_epilogue *e) {
  ig_kb *b = l->b;
  int rows = (int)b->choice.value[IG_ROWS], high = (int)b->choice.value[IG_PANEL];
  kb_loop tiles;
  kb_for(b, &tiles, begin, end, kb_i64(b, rows * high), 0, NULL);
  panel p = {.rows = rows, .high = high, .first = tiles.index, .w = w, .x = l->x, .packed = kb_at(b, l->k.scratch, before_tokens(f, &b->choice, l->digits))};
  p.stop = kb_op(b, "arith.minui", "i64", 2, (val[]){kb_add(b, tiles.index, kb_i64(b, rows * high)), end}, NULL);
  p.panel_bytes = kb_add(b, times(b, l->units, f->panel_unit), times(b, l->odd, f->panel_odd));
  p.panels = p.packed;
  if (f->pack) {
    val packed = kb_add(b, kb_add(b, times(b, l->units, f->packed_unit), times(b, l->odd, f->packed_odd)), kb_i64(b, 63));
    p.panels = kb_ptr(b, p.packed, kb_and(b, packed, kb_i64(b, -64)));
  }
  if (b->choice.value[IG_K_BLOCK]) panel_blocks(l, f, p, rows * high, e);
  else panel_block(l, f, &p, e);
  kb_end_for(b, &tiles, NULL);
}

ig_linear ig_linear_open(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  ig_linear l = {.b = b, .k = kb_kernel(b, symbol), .layout = ref->layout, .digits = ig_digits(ref)};
  if (b->choice.small) l.product = ig_product_symbol(b, ref, symbol);
  l.units = wide(b, kb_dim(b, l.k, IG_LIN_UNITS));
  l.odd = kb_op(b, "arith.minui", "i64", 2, (val[]){wide(b, kb_dim(b, l.k, IG_LIN_ODD)), kb_i64(b, most_odd(ref->layout))}, NULL); /* panels hold no more */
  l.tokens = wide(b, kb_dim(b, l.k, INGOT_DIM_TOKENS));
  l.x_stride = kb_add(b, times(b, l.units, (int64_t)ig_activation_bytes(ref->layout->activation, ref->layout->unit_values)),
                      times(b, l.odd, (int64_t)ig_activation_bytes(ref->layout->activation, ref->layout->odd_values)));
  l.y_stride = times(b, wide(b, kb_dim(b, l.k, IG_LIN_TILES)), 64);
  l.tile_bytes = kb_add(b, times(b, l.units, ref->layout->unit_bytes), times(b, l.odd, ref->layout->odd_bytes));
  return l;
}

val ig_linear_row(ig_linear *l, val index) { return kb_mul(l->b, times(l->b, index, l->digits), l->x_stride); }

void ig_linear_tiles(ig_linear *l, bool many, val w, val begin, val end, const ig_epilogue *e) {
  ig_linear_format f = form_of(l->b->variant, l->layout, &l->b->choice, l->digits);
  if (l->product) one_by_one(l, many, w, begin, end, e);
  else (many ? gemm : gemv)(l, &f, w, begin, end, e);
}

void ig_gen_linear(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  bool geglu = ref->family == IG_GEGLU_GEMV || ref->family == IG_GEGLU_GEMM, glu = geglu || ref->family == IG_GLU_GEMV || ref->family == IG_GLU_GEMM;
  bool many = is_gemm(ref->family);
  ig_linear l = ig_linear_open(b, ref, symbol);
  l.x = kb_operand(b, l.k, 0);
  l.y = kb_operand(b, l.k, glu ? 3 : 2);
  val begin = wide(b, l.k.begin), end = wide(b, l.k.end);
  ig_epilogue e = {0};
  if (!glu) {
    e.add = nonzero(b, kb_dim(b, l.k, IG_LIN_EPILOGUE)), e.biased = nonzero(b, kb_dim(b, l.k, IG_LIN_BIASED));
    e.bias = kb_operand(b, l.k, 3);
  }
  val w = kb_operand(b, l.k, 1);
  kb_loop pass;
  if (glu) {
    val up = kb_operand(b, l.k, 2);
    kb_for(b, &pass, kb_i64(b, 0), kb_i64(b, 2), kb_i64(b, 1), 0, NULL);
    e.gate = geglu ? kb_gelu : kb_silu;
    e.gated = kb_compare(b, KB_EQUAL, pass.index, kb_i64(b, 1));
    w = kb_select(b, e.gated, up, w);
  }
  ig_linear_tiles(&l, many, w, begin, end, &e);
  if (glu) kb_end_for(b, &pass, NULL);
  kb_return(b);
}
