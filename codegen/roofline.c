#include "codegen/roofline.h"

#include <stdlib.h>
#include <string.h>

#include "codegen/builder.h"
#include "codegen/generate.h"
#include "codegen/jit.h"
#include "codegen/kernels/rows.h"

#define BYTES "vector<64xi8>"
enum { UNROLL = 4 };

/* Sums of 16 lanes that fill the variant's registers but for a few: independent, and enough of them to hide the latency of every core we know. */
static int n_sums(const ig_variant *v) { return v->lanes == 16 ? 16 : v->lanes == 8 ? 6 : v->registers == 32 ? 7 : 3; }

static val bitcast(ig_kb *b, const char *type, val v) { return kb_op(b, "vector.bitcast", type, 1, &v, NULL); }

static val add_all(ig_kb *b, const val *sum, int n) {
  val all = sum[0];
  for (int i = 1; i < n; i++) all = kb_add(b, all, sum[i]);
  return all;
}

/* Where no instruction adds its products to the sum, the sum itself is an operand: a product that does not change would be taken out of the loop. */
static val byte_step(ig_kb *b, val sum, val w, val x) {
  if (b->variant->dot == IG_DOT_MADD) return bitcast(b, I32X16, kb_dot4_words(b, (val){NULL}, bitcast(b, BYTES, sum), x));
  return kb_dot4(b, sum, kb_in_words(b) ? bitcast(b, BYTES, sum) : w, x);
}

static void generate_int8(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  (void)ref;
  ig_kernel_values k = kb_kernel(b, symbol);
  val from = kb_operand(b, k, 0), w = kb_load(b, BYTES, from, 64), x = kb_signed(b) ? kb_load_x(b, from, 0) : w, sum[16];
  int n = n_sums(b->variant);
  for (int i = 0; i < n; i++) sum[i] = kb_add(b, bitcast(b, I32X16, w), kb_splat(b, I32X16, kb_i32(b, i)));
  kb_loop round;
  kb_for(b, &round, row_wide(b, k.begin), row_wide(b, k.end), kb_i64(b, 1), n, sum);
  for (int u = 0; u < UNROLL; u++)
    for (int i = 0; i < n; i++) round.carried[i] = byte_step(b, round.carried[i], w, x);
  kb_end_for(b, &round, round.carried);
  kb_store(b, add_all(b, round.result, n), k.scratch, 64);
  kb_return(b);
}

static void generate_f32(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  (void)ref;
  ig_kernel_values k = kb_kernel(b, symbol);
  val x = kb_load(b, F32X16, kb_operand(b, k, 0), 64), sum[16];
  int n = n_sums(b->variant);
  for (int i = 0; i < n; i++) sum[i] = kb_add(b, x, row_splat(b, (float)i));
  kb_loop round;
  kb_for(b, &round, row_wide(b, k.begin), row_wide(b, k.end), kb_i64(b, 1), n, sum);
  for (int u = 0; u < UNROLL; u++)
    for (int i = 0; i < n; i++) round.carried[i] = kb_fma(b, round.carried[i], x, x); /* the sum is a factor: without fma the product stays in the loop */
  kb_end_for(b, &round, round.carried);
  kb_store(b, add_all(b, round.result, n), k.scratch, 64);
  kb_return(b);
}

static void generate_read(ig_kb *b, const ig_kernel_ref *ref, const char *symbol) {
  (void)ref;
  enum { LOADS = IG_PROBE_LINE / 64 };
  ig_kernel_values k = kb_kernel(b, symbol);
  val from = kb_operand(b, k, 0), zero = kb_const(b, I32X16, "dense<0>"), sum[LOADS] = {zero, zero, zero, zero};
  int n = b->variant->lanes == 4 ? 2 : LOADS; /* sums that fit the registers */
  kb_loop line;
  kb_for(b, &line, row_wide(b, k.begin), row_wide(b, k.end), kb_i64(b, 1), n, sum);
  val at = row_at(b, from, line.index, IG_PROBE_LINE);
  for (int i = 0; i < LOADS; i++) line.carried[i % n] = kb_add(b, line.carried[i % n], kb_load(b, I32X16, row_at(b, at, kb_i64(b, i), 64), 64));
  kb_end_for(b, &line, line.carried);
  kb_store(b, add_all(b, line.result, n), k.scratch, 64);
  kb_return(b);
}

double ig_probe_round_ops(ig_probe probe, const ig_variant *variant) {
  double lanes = 16 * UNROLL * n_sums(variant);
  return probe == IG_PROBE_INT8 ? 2 * 4 * lanes : 2 * lanes;
}

void ig_probe_pattern(uint8_t pattern[64]) {
  for (int i = 0; i < 64; i++) pattern[i] = i % 4 == 3 ? 0x3e : (uint8_t)(i * 37 % 127); /* floats from 0.1 to 0.3: sums settle */
}

bool ig_roofline_open(ig_roofline *r, const ig_platform *platform, const ig_variant *variant, ig_diags *diags) {
  const ig_unit units[IG_PROBES] = {
    [IG_PROBE_INT8] = {.symbol = "probe__int8", .generate = generate_int8},
    [IG_PROBE_F32] = {.symbol = "probe__f32", .generate = generate_f32},
    [IG_PROBE_READ] = {.symbol = "probe__read", .generate = generate_read},
  };
  ig_object object = {0};
  *r = (ig_roofline){.jit = ig_jit_create("kernel"), .variant = variant};
  bool ok = ig_compile_units(platform, variant, "the probes", units, IG_PROBES, IG_DUMP_NONE, NULL, &object, diags) &&
      ig_jit_add_object(r->jit, object.data, object.size, diags);
  for (int i = 0; ok && i < IG_PROBES; i++) {
    void *address = ig_jit_symbol(r->jit, units[i].symbol, diags);
    ok = address != NULL;
    memcpy(&r->probe[i], &address, sizeof address);
  }
  free(object.data);
  if (!ok) ig_roofline_close(r);
  return ok;
}

void ig_roofline_close(ig_roofline *r) {
  ig_jit_destroy(r->jit);
  *r = (ig_roofline){.jit = NULL};
}
