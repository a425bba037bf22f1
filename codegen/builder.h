/* A thin builder of MLIR kernels: one call, one op. Types are MLIR text, cached by MLIR itself; a generator reads like the kernel.
 *
 * Vectors have 16 lanes whatever the variant: LLVM splits vector<16xf32> into what the target has. Only the integer dot product and
 * a few conversions differ; `target` lends them (kernels ask, they never name instructions).
 * An error inside MLIR is a bug of the generator: it is reported with the kernel's and variant's name and building goes on.
 */
#ifndef INGOT_CODEGEN_BUILDER_H
#define INGOT_CODEGEN_BUILDER_H

#include <mlir-c/IR.h>
#include "ir/base/base.h"
#include "runtime/abi/kernel.h"
#include "passes/schedule.h"
#include "targets/target.h"

typedef MlirValue val;

typedef struct ig_kb {           /* kernel builder */
  MlirContext context;
  MlirModule module;
  MlirBlock block;               /* where ops go */
  MlirLocation location;
  const ig_target *target;
  const ig_variant *variant;     /* or one of its forms: lanes, fma, f16c, dot */
  ig_choice choice;              /* the schedule's numbers */
  ig_arena *arena;
  const char *kernel;            /* for diagnostics */
  ig_diags *diags;
} ig_kb;

/* The function `void name(ptr args, ptr scratch, i32 begin, i32 end)`; sets block to its body. */
typedef struct ig_kernel_values {
  val args, scratch, begin, end;
} ig_kernel_values;
ig_kernel_values kb_kernel(ig_kb *b, const char *symbol);
void kb_return(ig_kb *b);

/* Another function of the object, or of another of the library: `type` as MLIR has it, "(!llvm.ptr, i64) -> i32". Sets block to its body, whose arguments are
 * in `arguments`; returns its value. A call declares the function where the object does not have it yet. */
void kb_function(ig_kb *b, const char *symbol, const char *type, int n, const char *const *types, val *arguments);
void kb_return_value(ig_kb *b, val value);
val kb_call(ig_kb *b, const char *symbol, const char *type, const char *result, int n, const val *arguments);

val kb_op(ig_kb *b, const char *name, const char *type, int n, const val *operands, const char *attributes /* "{...}" or NULL */);
/* The same with the result type of `like`; a NULL type in kb_op: no result. */
val kb_as(ig_kb *b, const char *name, val like, int n, const val *operands, const char *attributes);
val kb_i32(ig_kb *b, int64_t v);
val kb_i64(ig_kb *b, int64_t v);
val kb_f32(ig_kb *b, float v);
val kb_splat(ig_kb *b, const char *vector_type, val scalar);
val kb_const(ig_kb *b, const char *type, const char *literal); /* "vector<16xi32>", "dense<7>" */

/* arith by the operands' type: kb_add(i32) is addi, of floats addf */
val kb_add(ig_kb *b, val x, val y);
val kb_sub(ig_kb *b, val x, val y);
val kb_mul(ig_kb *b, val x, val y);
val kb_fma(ig_kb *b, val x, val y, val z);      /* one rounding where the variant has fma, else mul then add */
val kb_and(ig_kb *b, val x, val y);
val kb_or(ig_kb *b, val x, val y);
val kb_xor(ig_kb *b, val x, val y);
val kb_shl(ig_kb *b, val x, val y);
val kb_shru(ig_kb *b, val x, val y);

val kb_div(ig_kb *b, val x, val y);
val kb_neg(ig_kb *b, val x); /* floats */
typedef enum ig_compare { KB_EQUAL, KB_LESS, KB_BELOW } ig_compare; /* KB_LESS is signed, KB_BELOW unsigned; floats: false with a NaN */
val kb_compare(ig_kb *b, ig_compare how, val x, val y);
val kb_select(ig_kb *b, val condition, val x, val y);
val kb_max(ig_kb *b, val x, val y);             /* x > y ? x : y: one instruction, y where a float is NaN */
val kb_min(ig_kb *b, val x, val y);             /* x < y ? x : y */

/* memory: byte offsets from a pointer */
val kb_ptr(ig_kb *b, val base, val byte_offset_i64);
val kb_load(ig_kb *b, const char *type, val ptr, int align);
void kb_store(ig_kb *b, val value, val ptr, int align);
val kb_operand(ig_kb *b, ig_kernel_values k, int index);   /* ptr args->operand[index] */
val kb_dim(ig_kb *b, ig_kernel_values k, int index);       /* i32 args->dim[index] */
val kb_dim_f32(ig_kb *b, ig_kernel_values k, int index);

/* for (i = lo; i < hi; i += step) with n carried values of the given initials. `kb_for` opens (block = body), `kb_end_for` yields,
 * closes, and leaves the results in loop.result. */
typedef struct kb_loop {
  val index;
  val carried[64];
  val result[64];
  int n;
  MlirBlock outer, body;
  MlirOperation op;
} kb_loop;
void kb_for(ig_kb *b, kb_loop *loop, val lo, val hi, val step, int n, const val *init);
void kb_end_for(ig_kb *b, kb_loop *loop, const val *yielded);
/* if (cond) { ... } else { ... } without results; kb_else optional */
typedef struct kb_branch {
  MlirBlock outer;
  MlirOperation op;
} kb_branch;
void kb_if(ig_kb *b, kb_branch *branch, val condition, bool has_else);
void kb_else(ig_kb *b, kb_branch *branch);
void kb_end_if(ig_kb *b, kb_branch *branch);

/* What targets lend: builder_x86.c, builder_arm.c, builder_riscv.c, builder_wasm.c */
/* Whether products are summed in 16 bits first (kb_dot4_words), as variants do that have no instruction for four of them; whether weights are
 * signed in whole bytes, and not stored as value + 128. */
bool kb_in_words(const ig_kb *b);
bool kb_signed(const ig_kb *b);
/* Four activations (bytes) at ptr + a constant, for all lanes: what the dot products take as x. They are read with the 16 bytes they are a part of,
 * counted from ptr. */
val kb_load_x(ig_kb *b, val ptr, int64_t offset);
/* acc i32[16] + for each lane the dot product of its 4 weight bytes (w: vector<64xi8>, 0 .. 127) with the 4 signed activations of x. */
val kb_dot4(ig_kb *b, val acc, val w, val x);
/* The same for weights in whole bytes: signed, or stored as value + 128 (kb_signed). With VNNI it adds the dot of the stored value: start acc at
 * `kb_dot4_biased_start(minus_sum)`, minus_sum = -(sum of x), the variant's start value so that all give the signed dot. */
val kb_dot4_biased(ig_kb *b, val acc, val w_biased, val x);
val kb_dot4_biased_start(ig_kb *b, val minus_sum_i32x16);
/* acc i32[16] + w0*x0 + w1*x1 for pairs of i16 (vector<32xi16>): vpdpwssd or vpmaddwd + add. */
val kb_dot2(ig_kb *b, val acc, val w_i16, val x_i16);
/* kb_dot4 in words of 16 bits (acc of no sums: kb_no_words): as many words a lane as suit the variant. The caller knows how many products they
 * hold, counted in sums of two. kb_add_words adds a lane's words to i32[16], times its scale (i32[16] in kb_scale_form; null: 1). */
val kb_no_words(ig_kb *b);
val kb_dot4_words(ig_kb *b, val acc_or_null, val w, val x);
val kb_scale_form(ig_kb *b, val scale);
val kb_add_words(ig_kb *b, val total, val scale_or_null, val words);
/* Of variants with sdot or smmla, a register of the variant (lanes i32) at a time. The first two move `*ptr` behind what they load, or by `move` bytes, where
 * given (then n <= 4): n registers of bytes; sixteen bytes for all 128 bits of a register, n times. kb_numbers_of: such as a vector of `type` (lanes
 * elements of 32 bits). */
void kb_load_registers(ig_kb *b, val *ptr, int n, val move, val *bytes);
void kb_load_x16(ig_kb *b, val *ptr, int n, val *x16);
val kb_numbers_of(ig_kb *b, val x16, const char *type);
/* Not of SVE: n registers of zeros, four by a load of the 64 zero bytes at `*zeros`, where it would else take the unit that multiplies one instruction each. */
void kb_load_zeros(ig_kb *b, val *zeros, int n, val *bytes);
/* `value` (a pointer, an integer; not of SVE, where nothing happens: a vector) once the n values are there: what is made of it is not moved ahead of them, into
 * registers that are not free yet. No instruction. */
val kb_after(ig_kb *b, val value, int n, const val *values);
/* Not of SVE: n registers of bytes (1 .. 4) in the machine's registers first, first + 1, ...: where nearly all are taken LLVM does not find by itself that
 * fours which follow each other fit the same place, and spills. No instruction. */
void kb_pin(ig_kb *b, int first, int n, val *values);
/* acc + the dots of w's rows (4 lanes bytes) with x16: by sdot with four of its bytes, those of `lane`; by smmla with both halves, `lane` is not used. */
val kb_dot_register(ig_kb *b, val acc, val w, val x16, int lane);
/* table[i] for each byte i, 0 .. 15 (vector<64xi8>). */
val kb_table16(ig_kb *b, const int8_t table[16], val indices);
val kb_f16_to_f32(ig_kb *b, val v16xi16); /* vector<16xi16> bits -> vector<16xf32>, exact; own code where no F16C */
val kb_f32_to_f16(ig_kb *b, val v16xf32); /* nearest even; input already clamped to +-65504 */

/* Shared pieces of numerics.h */
val kb_exp(ig_kb *b, val x); /* vector<16xf32> or f32 */
val kb_silu(ig_kb *b, val x); /* x / (1 + exp(-x)) */
val kb_gelu(ig_kb *b, val x);
val kb_softcap(ig_kb *b, val v16xf32, val cap); /* cap: f32 */
val kb_fold16(ig_kb *b, val v16xf32); /* ig_fold16 -> f32 */
val kb_fold16_i32(ig_kb *b, val v16xi32); /* the sum of the lanes */
val kb_max16(ig_kb *b, val v16xf32); /* the largest lane */
void kb_sincos_turns(ig_kb *b, val high, val *sine, val *cosine); /* of the high 32 bits of a turn: i32 or vector<16xi32> */

#endif
