/* f32, f16, bf16 weights with f32 activations: four sums by k mod 4, then (s0 + s1) + (s2 + s3). */
#include "codegen/kernels/linear.h"

#include <string.h>

/* One k of 16 rows as f32. */
static val load_f32(ig_kb *b, val p, int64_t k) { return kb_load(b, "vector<16xf32>", kb_at(b, p, k * 64), 64); }
static val load_f16(ig_kb *b, val p, int64_t k) { return kb_f16_to_f32(b, kb_load(b, "vector<16xi16>", kb_at(b, p, k * 32), 32)); }
static val load_bf16(ig_kb *b, val p, int64_t k) {
  val half = kb_load(b, "vector<16xi16>", kb_at(b, p, k * 32), 32);
  val bits = kb_shl(b, kb_op(b, "arith.extui", "vector<16xi32>", 1, &half, NULL), kb_i32x16(b, 16));
  return kb_op(b, "vector.bitcast", "vector<16xf32>", 1, &bits, NULL);
}

typedef val loader(ig_kb *, val, int64_t);
static loader *loader_of(const ig_layout *layout) { return !strcmp(layout->format, "f32") ? load_f32 : !strcmp(layout->format, "f16") ? load_f16 : load_bf16; }

static val zero(ig_kb *b) { return kb_splat(b, "vector<16xf32>", kb_f32(b, 0)); }
static val tree(ig_kb *b, const val *s) { return kb_add(b, kb_add(b, s[0], s[1]), kb_add(b, s[2], s[3])); }

static void float_gemv(ig_linear *l, val w, int n, const val *x, val *acc) {
  ig_kb *b = l->b;
  loader *load = loader_of(l->layout);
  val s[4 * IG_MOST_TOKENS], xu[IG_MOST_TOKENS];
  for (int i = 0; i < 4 * n; i++) s[i] = zero(b);
  kb_loop units;
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), 4 * n, s);
  val wu = kb_ptr(b, w, kb_mul(b, units.index, kb_i64(b, l->layout->unit_bytes)));
  for (int t = 0; t < n; t++) xu[t] = kb_ptr(b, x[t], kb_mul(b, units.index, kb_i64(b, 64)));
  for (int i = 0; i < 4 * n; i++) s[i] = units.carried[i];
  for (int k = 0; k < 16; k++) {
    val weight = load(b, wu, k);
    for (int t = 0; t < n; t++) s[4 * t + k % 4] = kb_fma(b, kb_load_splat_f32(b, xu[t], 4 * k), weight, s[4 * t + k % 4]);
  }
  kb_end_for(b, &units, s);
  for (int t = 0; t < n; t++) acc[t] = tree(b, units.result + 4 * t);
}

/* The four sums are taken one after the other, each over every fourth k: so twelve tokens fit the registers. Done sums wait in scratch. */
static void float_gemm(ig_linear *l, int rows, const val *panels, int tokens, val x, val *acc) {
  ig_kb *b = l->b;
  (void)rows; /* one: many tokens share a loaded line */
  loader *load = loader_of(l->layout);
  int64_t line = l->layout->unit_bytes / 16;
  val s[IG_MOST_TOKENS];
  for (int t = 0; t < tokens; t++) s[t] = zero(b);
  kb_loop sums, units;
  kb_for(b, &sums, kb_i64(b, 0), kb_i64(b, 4), kb_i64(b, 1), 0, NULL);
  val w = kb_ptr(b, panels[0], kb_mul(b, sums.index, kb_i64(b, line))), xj = kb_ptr(b, x, kb_mul(b, sums.index, kb_i64(b, 4)));
  kb_for(b, &units, kb_i64(b, 0), l->units, kb_i64(b, 1), tokens, s);
  val wu = kb_ptr(b, w, kb_mul(b, units.index, kb_i64(b, l->layout->unit_bytes))), xu = kb_ptr(b, xj, kb_mul(b, units.index, kb_i64(b, 64)));
  for (int t = 0; t < tokens; t++) s[t] = units.carried[t];
  for (int k = 0; k < 16; k += 4) {
    val weight = load(b, wu, k);
    val xt = xu;
    for (int t = 0; t < tokens; t++, xt = kb_ptr(b, xt, l->x_stride)) s[t] = kb_fma(b, kb_load_splat_f32(b, xt, 4 * k), weight, s[t]);
  }
  kb_end_for(b, &units, s);
  val to = kb_ptr(b, l->k.scratch, kb_mul(b, sums.index, kb_i64(b, 64 * IG_MOST_TOKENS)));
  for (int t = 0; t < tokens; t++) kb_store(b, units.result[t], kb_at(b, to, 64 * t), 64);
  kb_end_for(b, &sums, NULL);
  for (int t = 0; t < tokens; t++) {
    val done[4];
    for (int j = 0; j < 4; j++) done[j] = kb_load(b, "vector<16xf32>", kb_at(b, l->k.scratch, 64 * (IG_MOST_TOKENS * j + t)), 64);
    acc[t] = tree(b, done);
  }
}

static const ig_linear_format floats = {"f32", float_gemv, NULL, float_gemm, 0, 0, 4 * 64 * IG_MOST_TOKENS, NULL, 0, 0, NULL, NULL, 0};

const ig_linear_format *ig_linear_float(const char *format) { return (void)format, &floats; }
