/* Kernel families: what each kernel takes. One table for all who must agree on it: lowering writes calls by it, the code
 * generator builds the library's rows from it, tests call kernels by it. Families with a weight exist once per format.
 *
 * Buffers. Rows of f32 activations are padded with zeros to a multiple of 16 floats. Quantised activations:
 *   a256  per 256 values, 352 bytes: int8 q[256] · int32 minus_sum16[16] (minus the sum of each 16 q) · int16 sum32[8] · f32 scale · 12 bytes unused (zero)
 *   a32   per 32 values, 40 bytes:   int8 q[32] · f32 scale · int32 minus_sum (minus the sum of the 32 q)
 *   a32x2, a256x2   two such rows: the values, then what the first row left of them (x - q * scale by one fma), quantised the same way
 * value = q * scale; scale = amax / 127, q = round-to-even(x * (127 / amax)), all 0 where amax < 2^-100.
 */
#ifndef INGOT_IR_KERNEL_FAMILY_H
#define INGOT_IR_KERNEL_FAMILY_H

#include <stdbool.h>
#include "runtime/abi/kernel.h"

/* Kernels by family. `fmt` is a weight format's name, or that and _x2: a product of x in two digits (a32x2, a256x2). */
typedef enum ig_family {
  IG_EMBED,             /* embed_<fmt>:        y[t] = row tokens[t] of w, decoded; ids are clamped to the table; tiles are tokens */
  IG_NORM,              /* rms_norm_f32|a32|a256|a32x2|a256x2: y = x / sqrt(mean(x^2) + eps) * gain, then quantised; tiles are tokens */
  IG_QUANT,             /* quant_a32|a256:     y = x quantised; tiles are tokens */
  IG_LINEAR_GEMV,       /* linear_<fmt>_gemv:  y (=, +=) w x for one token; tiles are row tiles of 16 */
  IG_LINEAR_GEMM,       /* linear_<fmt>_gemm:  the same for any number of tokens */
  IG_GLU_GEMV,          /* glu_<fmt>_gemv:     y = silu(w x) * (w2 x) for one token */
  IG_GLU_GEMM,          /* glu_<fmt>_gemm */
  IG_GEGLU_GEMV,        /* geglu_<fmt>_gemv:   y = gelu(w x) * (w2 x) */
  IG_GEGLU_GEMM,        /* geglu_<fmt>_gemm */
  IG_GLU,               /* glu:                y = silu(y) * up, for gate and up of different formats; tiles are tokens */
  IG_GEGLU,             /* geglu:              y = gelu(y) * up */
  IG_NORM_ADD,          /* rms_norm_add:       y += rms_norm(x), f32; tiles are tokens */
  IG_SCALE,             /* scale:              y *= factor; tiles are 16 values */
  IG_SOFTCAP,           /* softcap:            y = softcap(y); tiles are 16 values */
  IG_ROUTE,             /* route:              which experts a token takes, and their weights; tiles are tokens */
  IG_GROUP,             /* group:              the tokens' choices by expert: a slot for each, expert after expert, tokens in order; one tile */
  IG_GATHER,            /* gather:             a token's row copied to its slots; tiles are tokens */
  IG_EXPERTS_GLU,       /* experts_glu:        y = the gated product of experts (numerics.h); tiles are tokens */
  IG_EXPERTS_GEMV,      /* experts_<fmt>_gemv: y[i] = w of the i-th chosen expert x for one token; tiles are row tiles, expert after expert */
  IG_EXPERTS_GEMM,      /* experts_<fmt>_gemm: y[slot] = w of the slot's expert x[slot]; tiles are row tiles of all experts */
  IG_EXPERTS_SUM_GEMV,  /* experts_sum_<fmt>_gemv: y = y + the sum of weight * (w of the i-th chosen expert x[i]); tiles are row tiles */
  IG_EXPERTS_SUM_GEMM,  /* experts_sum_<fmt>_gemm: the same for many tokens, y[token] from x[slot] */
  IG_ROPE_KV,           /* rope_kv:            q rotated and scaled in place; k rotated and v rounded to f16 into the caches; tiles are tokens */
  IG_ATTENTION,         /* attention:          y = softmax(q k) v over the caches, causal; tiles are kv_heads * QUERY_TILES, kv head major */
  IG_ATTENTION_DECODE,  /* attention_decode:   rope_kv for one token and its attention to one block of 128; tiles are kv_heads * BLOCKS, kv head major */
  IG_ATTENTION_CAPPED,  /* attention_capped, attention_decode_capped: the same with softcap(q k) */
  IG_ATTENTION_DECODE_CAPPED,
  IG_ATTENTION_MERGE,   /* attention_merge:    blocks merged from left to right; one tile */
  IG_FAMILY_COUNT,
  IG_PRODUCT = IG_FAMILY_COUNT /* product_<fmt>: no kernel of a plan, but what the short ones of a format call (codegen/kernels/product.c) */
} ig_family;

/* Static dims by family (index = INGOT_DIM_STATIC + n). */
enum { IG_D0 = INGOT_DIM_STATIC };
/* linear, glu, geglu: 0 k_units (see ig_units) · 1 k_odd · 2 row_tiles · linear only: 3 epilogue (0 y = v, 1 y = y + v) · 4 biased (0, or 1: v = w x + bias)
 * embed:          0 k_units · 1 k_odd · 2 row_tiles
 * rms_norm, rms_norm_add: 0 blocks of the result (16 floats, 32 or 256 codes) · 1 n (true length) · 2 eps (f32 bits) · 3 pieces: rows of blocks in a token's
 *                 row, each normalised by itself with the one gain (heads)
 * quant:          0 blocks
 * glu, geglu (without a weight): 0 n16
 * scale, softcap: 0 n16 · 1 the factor, the cap (f32 bits)
 * route:          0 experts · 1 used · 2 row of scores in 16 floats
 * group:          0 experts · 1 used
 * gather:         0 used · 1 row in 8 bytes
 * experts_glu:    0 n16 of all chosen · 1 alpha · 2 limit · 3 shift (f32 bits)
 * experts_*:      0 k_units · 1 k_odd · 2 row_tiles (of one expert) · 3 experts · 4 biased (0, or 1: w x + bias) · 5 used
 * rope_kv, attention, attention_decode, attention_merge (the same list for all):
 *                 0 kv_heads · 1 group (query heads per kv head) · 2 head_dim · 3 v16 = ceil(head_dim / 16) · 4 scale of q (f32 bits)
 *                 5 pairs rotated (rope_dim / 2) · 6 q16 · 7 k16 · 8 v_row16 · 9 y16: row lengths of q, k, v, y in 16 floats
 *                 10 halves (0: pair i is the channels 2i and 2i + 1; else i and i + pairs) · 11 magnitude of sines and cosines (f32 bits)
 *                 12 window: the last positions that a query sees, its own among them (0: all) · 13 sinks (0, or 1: each head has one)
 *                 capped only: 14 cap of the scores (f32 bits)
 */
enum {
  IG_ATTN_KV_HEADS = IG_D0,
  IG_ATTN_GROUP,
  IG_ATTN_HEAD_DIM,
  IG_ATTN_V16,
  IG_ATTN_SCALE,
  IG_ATTN_PAIRS,
  IG_ATTN_Q16,
  IG_ATTN_K16,
  IG_ATTN_V_ROW16,
  IG_ATTN_Y16,
  IG_ATTN_HALVES,
  IG_ATTN_MAGNITUDE,
  IG_ATTN_WINDOW,
  IG_ATTN_SINKS,
  IG_ATTN_CAP
};
enum { IG_LIN_UNITS = IG_D0, IG_LIN_ODD, IG_LIN_TILES, IG_LIN_EPILOGUE, IG_LIN_BIASED };
enum { IG_EXP_EXPERTS = IG_D0 + 3, IG_EXP_BIASED, IG_EXP_USED }; /* after the first three of linear */
enum { IG_NORM_BLOCKS = IG_D0, IG_NORM_N, IG_NORM_EPS, IG_NORM_PIECES };
enum { IG_POINT_N16 = IG_D0, IG_POINT_NUMBER };

/* Operands by family, in order:
 *   embed             tokens u32[T] · w · y f32
 *   rms_norm          x f32 · gain f32[blocks] · y
 *   quant             x f32 · y
 *   linear            x · w · y f32 [T][16 row_tiles] · bias f32 [16 row_tiles] (nothing where not biased)
 *   glu_<fmt>, geglu_<fmt>   x · w (gate) · w2 (up) · y f32 [T][16 row_tiles]
 *   glu, geglu        y f32 (gate, in place) · up f32
 *   rms_norm_add      x f32 · gain f32[blocks] · y f32 (the residual, in place)
 *   scale, softcap    y f32 (in place)
 *   route             scores f32 · choices
 *   group             choices · starts u32[experts + 1] · rows {u32 token, f32 weight}[slots] · slots u32[T][used]; there are T * used slots
 *   gather            x · slots · y [slots]
 *   experts_glu       y f32 (may be the gate) · gate f32 · up f32
 *   experts_*         x · choices (gemv) or starts (gemm) · w [experts] · y f32 · bias f32 [experts][16 row_tiles] (nothing where not biased) · sum_gemm: rows
 *   rope_kv           q f32 (in place) · k f32 · v f32 · k cache · v cache · frequencies u64[pairs]
 *   attention         q f32 · k cache · v cache · y f32 · sinks f32[heads] (nothing where there are none)
 *   attention_decode  q f32 · k f32 · v f32 · k cache · v cache · frequencies u64[pairs] · partials
 *   attention_merge   partials · y f32 · sinks
 * choices:  u32 expert[16], then f32 weight[16], for each token; those beyond `used` are 0. Whoever reads an expert, a slot or a token from memory takes
 *           the last one there is for one beyond it: what is touched is bounded whatever the scores were
 * k cache:  f16 [kv_heads][context / 16][head_dim][16]    (lanes are positions)
 * v cache:  f16 [kv_heads][context][16 v16]               (lanes are channels; the padding is zero)
 * partials: f32 [BLOCKS][kv_heads * group][16 v16 + 16]: the block's weighted sum of v, then its maximum, then its sum, then unused
 * frequencies: the turns a pair makes per position, as a 0.64 fixed-point fraction: 2^64 * theta^(-2i/d) / (2 pi factor_i)
 */

/* How a weight of a format lies in memory and what activations it takes. A tile is 16 rows over all of K; within it K runs in units; weights take
 * row_tiles * (unit_bytes * k_units + odd_bytes * k_odd) bytes. The layouts x86_64.r16, aarch64.r16, riscv64.r16
 * and wasm32.r16 differ in nothing but the sign of whole bytes, which the first has none of. */
typedef enum ig_activation { IG_ACT_F32, IG_ACT_A32, IG_ACT_A256, IG_ACT_A32X2, IG_ACT_A256X2 } ig_activation;
/* Two digits of a quantised activation; f32 stays what it is. */
ig_activation ig_two_digits(ig_activation activation);

typedef struct ig_layout {
  const char *format;
  ig_activation activation;
  uint32_t unit_values; /* values of K in a unit */
  uint32_t unit_bytes; /* bytes of a unit for 16 rows, a multiple of 64 */
  uint32_t odd_values; /* values of K in each odd block that may end a row, where a unit holds several blocks; or 0 */
  uint32_t odd_bytes;
  bool signed_bytes; /* whole bytes (q8_0) are stored as they are, for dot products that take both sides signed; else + 128 */
} ig_layout;

/* The layout of a format by name, or NULL where there are no kernels for it: of any target, where only sizes are asked for ... */
const ig_layout *ig_layout_find(const char *format);
const ig_layout *ig_layout_at(int index); /* NULL after the last */
/* ... and of the target with this layout ("aarch64.r16"). */
const ig_layout *ig_layout_in(const char *layout, const char *format);
/* Splits K into units and odd blocks after them (fewer than fill a unit); false where K does not fit the format's blocks (a multiple of 32 or 256;
 * any K for f32, f16, bf16: padded to 16). */
bool ig_units(const ig_layout *layout, uint64_t k, uint32_t *k_units, uint32_t *k_odd);
/* Bytes of one activation row for k values. */
uint64_t ig_activation_bytes(ig_activation activation, uint64_t k);
/* Values of one block of a row: 16, 32 or 256. */
uint32_t ig_activation_block(ig_activation activation);
const char *ig_activation_name(ig_activation activation); /* "f32", "a32", "a256", "a32x2", ... */

/* Which kernel: one row of the library's table. */
typedef struct ig_kernel_ref {
  ig_family family;
  const ig_layout *layout; /* or NULL */
  ig_activation activation; /* rms_norm, quant: the result's. Products: IG_ACT_F32, or two digits of x: a32x2, a256x2. Else IG_ACT_F32 */
} ig_kernel_ref;

/* The digits of a product's x: 1 or 2. */
static inline int ig_digits(const ig_kernel_ref *ref) { return ref->activation == IG_ACT_A32X2 || ref->activation == IG_ACT_A256X2 ? 2 : 1; }

/* The kernel's name and row, from the parts of an ig_kernel_ref. Scratch is left zero: the code generator fills it. */
void ig_kernel_name(char name[48], ig_family family, const ig_layout *layout, ig_activation activation);
void ig_kernel_info(ingot_kernel_info *info, ig_family family, const ig_layout *layout, ig_activation activation);

#endif
