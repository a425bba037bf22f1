/* What the attention kernels share: dims, rotation, the KV cache, one block of attention, the merge of blocks.
 *
 * Channels of a head come in any number. Rows of queries, keys, values and results hold heads side by side, so a head's last channels are
 * read and written one by one where they do not fill a vector; rows in scratch and in partials are padded to 16 v16 channels. */
#ifndef INGOT_CODEGEN_ATTENTION_H
#define INGOT_CODEGEN_ATTENTION_H

#include "codegen/kernels/rows.h"

typedef struct attn_dims {      /* i64 unless said */
  val context, kv_heads, group, head_dim, v16, scale, pairs, q16, k16, v_row16, y16;
  val halves, magnitude, sinks; /* i1: pairs lie pairs channels apart; f32; i1: heads have sinks */
  val window;                   /* the last positions that a query sees; more than any context where there is none */
  val cap;                      /* f32: of the scores; null where there is none */
  val row, partial;             /* bytes of 16 v16 floats; the same and a line for maximum and sum */
} attn_dims;
attn_dims attn_load_dims(ig_kb *b, const ig_kernel_ref *ref, ig_kernel_values k);

/* Copies n floats (not a multiple of 16) between rows of which neither may be touched beyond them. */
void attn_copy(ig_kb *b, val from, val to, val n);

/* Rotation. `scratch` is the first 448 v16 bytes; fills the table of sines and cosines of a position. */
typedef struct attn_rope {
  val turns, cosines, sines, row, halves;
} attn_rope;
attn_rope attn_rope_at(ig_kb *b, const attn_dims *d, val scratch);
void attn_rope_table(ig_kb *b, const attn_dims *d, const attn_rope *rope, val frequencies, val position);
/* Rotates a head; from == to is allowed. Multiplies by the scale of q where scaled. */
void attn_rotate(ig_kb *b, const attn_dims *d, const attn_rope *rope, val from, val to, bool scaled);
/* Rotates a head of k into the cache, rounds a head of v into its own. */
void attn_write_kv(ig_kb *b, const attn_dims *d, const attn_rope *rope, val k, val v, val k_cache, val v_cache, val head, val position);
val attn_k_line(ig_kb *b, const attn_dims *d, val k_cache, val head, val line); /* the first channel of 16 positions */
val attn_v_row(ig_kb *b, const attn_dims *d, val v_cache, val head, val position);

/* One block of up to 128 positions, for queries `first` .. `end` - 1. */
typedef struct attn_block {
  val k, v;                     /* the block: lines of 16 positions, rows of 16 v16 channels */
  bool half;                    /* they are f16 as in the cache, else f32 */
  val q;                        /* rows of 16 v16 floats, rotated and scaled */
  val scores;                   /* scratch: ATTN_SCORES bytes */
  val o, o_bytes;               /* the weighted sums of v: rows o_bytes apart; row i where `rows_by_query`, else of the queries at hand */
  bool rows_by_query;
} attn_block;
/* The first n positions of a block from the caches to f32: INGOT_KV_BLOCK rows of 64 v16 bytes for each. */
void attn_widen(ig_kb *b, const attn_dims *d, val k, val v, val n, val to_k, val to_v);
enum { ATTN_QUERIES = IG_QUERIES_MOST, ATTN_SCORES = ATTN_QUERIES * INGOT_KV_BLOCK * 4 };
typedef struct attn_hooks {
  /* Query i sees the positions [lowest, visible) of the block, 1 .. 128 of them, both growing with i; the same for all where `same`. */
  val (*visible)(ig_kb *b, void *user, val query);
  val (*lowest)(ig_kb *b, void *user, val query);
  bool same;
  /* After the queries `query` .. `query` + n - 1: their maxima and sums. */
  void (*done)(ig_kb *b, void *user, val query, int n, const val *maximum, const val *sum);
  void *user;
} attn_hooks;
void attn_attend(ig_kb *b, const attn_dims *d, const attn_block *block, val first, val end, const attn_hooks *hooks);

/* row = {16 v16 channels, maximum, sum} becomes row merged with the next block's (o, maximum, sum); o null: zeros. */
void attn_merge(ig_kb *b, const attn_dims *d, val row, val o, val maximum, val sum);
/* Merges the head's sink, where there are sinks, and divides the row by its sum in place. */
void attn_finish(ig_kb *b, const attn_dims *d, val row, val sinks, val head);
/* Zeroes the floats of a row of y after its heads. */
void attn_zero_padding(ig_kb *b, const attn_dims *d, val y_row);

#endif
