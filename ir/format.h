/* Weight formats: how a block of a GGUF file decodes. One row in formats.def and one file in formats/ each. */
#ifndef INGOT_IR_FORMAT_H
#define INGOT_IR_FORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { IG_BLOCK_MOST = 256 };

/* A block taken apart into the integers that kernels multiply. For sub-block j = i / sub_values:
 *   value[i] = (d * scale[j]) * q[i] - (dmin * min[j])     each product exact or rounded once in f32, as the format's definition has it
 * Formats with one block-wide offset m (q4_1, q5_1) use dmin = -m, min = 1. */
typedef struct ig_block {
  float d, dmin;
  int8_t q[IG_BLOCK_MOST];     /* signed values: q4_0 -8..7, q6_k -32..31, iq4 by its table */
  int16_t scale[16], min[16];
} ig_block;

typedef struct ig_block_format {
  const char *name;            /* "q4_k" */
  uint32_t gguf_type;
  uint32_t block_values, block_bytes;
  uint32_t sub_values;         /* values that share a scale: 16, 32, or block_values; 0 for f32, f16, bf16 */
  /* Takes one block apart; NULL for f32, f16, bf16. */
  void (*unpack)(const uint8_t *bytes, ig_block *block);
  /* n values (a multiple of block_values) to f32, exactly. */
  void (*decode)(const struct ig_block_format *format, const uint8_t *bytes, float *values, size_t n);
} ig_block_format;

const ig_block_format *ig_format_find(const char *name);
const ig_block_format *ig_format_of_gguf(uint32_t type);
const ig_block_format *ig_format_at(int index);               /* NULL after the last */
/* "q2_k" ... also for types known by name only, so that a diagnostic can name them; NULL for unknown ids. */
const char *ig_gguf_type_name(uint32_t type);
/* Values and bytes of a block, also for types known by name only; false for unknown ids. */
bool ig_gguf_type_block(uint32_t type, uint32_t *values, uint32_t *bytes);

#endif
