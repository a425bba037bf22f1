/* What the files of this folder give format.c, and what they share. */
#ifndef INGOT_IR_FORMATS_UNPACK_H
#define INGOT_IR_FORMATS_UNPACK_H

#include "ir/base/base.h"
#include "ir/format.h"

void ig_decode_f32(const ig_block_format *format, const uint8_t *bytes, float *values, size_t n);
void ig_decode_f16(const ig_block_format *format, const uint8_t *bytes, float *values, size_t n);
void ig_decode_bf16(const ig_block_format *format, const uint8_t *bytes, float *values, size_t n);
/* For every format with blocks: unpack, then the formula of format.h. */
void ig_decode_blocks(const ig_block_format *format, const uint8_t *bytes, float *values, size_t n);

void ig_unpack_q4_0(const uint8_t *bytes, ig_block *block);
void ig_unpack_q4_1(const uint8_t *bytes, ig_block *block);
void ig_unpack_q5_0(const uint8_t *bytes, ig_block *block);
void ig_unpack_q5_1(const uint8_t *bytes, ig_block *block);
void ig_unpack_q8_0(const uint8_t *bytes, ig_block *block);
void ig_unpack_q2_k(const uint8_t *bytes, ig_block *block);
void ig_unpack_q3_k(const uint8_t *bytes, ig_block *block);
void ig_unpack_q4_k(const uint8_t *bytes, ig_block *block);
void ig_unpack_q5_k(const uint8_t *bytes, ig_block *block);
void ig_unpack_q6_k(const uint8_t *bytes, ig_block *block);
void ig_unpack_iq4_nl(const uint8_t *bytes, ig_block *block);
void ig_unpack_iq4_xs(const uint8_t *bytes, ig_block *block);
void ig_unpack_tq1_0(const uint8_t *bytes, ig_block *block);
void ig_unpack_tq2_0(const uint8_t *bytes, ig_block *block);
void ig_unpack_mxfp4(const uint8_t *bytes, ig_block *block);

/* The f16 at `p`, as f32. */
static inline float ig_half(const uint8_t *p) { return ig_f16_to_f32(ig_load_u16(p)); }
/* Value i of 32 in 16 bytes of nibbles: the low ones first, then the high ones. */
static inline int ig_nibble(const uint8_t *bytes, int i) { return i < 16 ? bytes[i] & 15 : bytes[i - 16] >> 4; }
/* The eight six-bit (scale, min) pairs in the 12 bytes of q4_k and q5_k. */
void ig_unpack_pairs(const uint8_t bytes[12], int16_t scale[16], int16_t min[16]);
/* The sixteen values of a nibble in iq4_nl and iq4_xs, and (twice the values) in mxfp4. */
extern const int8_t ig_iq4_values[16], ig_mxfp4_values[16];
/* Half of mxfp4's scale: 2^(exponent - 128), subnormal for 0 and 1. */
float ig_mxfp4_scale(uint8_t exponent);
/* The exponent of such a half scale. */
uint8_t ig_mxfp4_exponent(float half_scale);

#endif
