/* big_gguf OUT.gguf LAYERS: a llama file of real shapes (2048 wide, 8192 feed-forward, 32 heads over 8, 32,000 ids) with Q4_K weights
 * that are all zero. The file is sparse: it takes no room on the disk. For tests of memory, not of answers. */
#define _POSIX_C_SOURCE 200809L
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
  WIDTH = 2048,
  FORWARD = 8192,
  HEADS = 32,
  KV_HEADS = 8,
  VOCABULARY = 32000,
  ALIGN = 32,
  F32 = 0,
  Q4_K = 12,
  U32_VALUE = 4,
  F32_VALUE = 6,
  STRING_VALUE = 8
};

static void put32(FILE *f, uint32_t v) {
  for (int i = 0; i < 4; i++) fputc((int)(v >> (8 * i) & 255), f);
}
static void put64(FILE *f, uint64_t v) {
  put32(f, (uint32_t)v);
  put32(f, (uint32_t)(v >> 32));
}
static void put_string(FILE *f, const char *s) {
  put64(f, strlen(s));
  fputs(s, f);
}

static void meta_u32(FILE *f, const char *key, uint32_t v) {
  put_string(f, key);
  put32(f, U32_VALUE);
  put32(f, v);
}

/* Counts where f is NULL. Returns the offset behind the tensor. */
static uint64_t tensor(FILE *f, uint32_t *n, uint64_t offset, uint32_t type, uint64_t cols, uint64_t rows, const char *format, uint32_t layer) {
  uint64_t bytes = type == F32 ? cols * rows * 4 : cols * rows / 256 * 144;
  char name[64];
  snprintf(name, sizeof name, "%s", format);
  if (strncmp(format, "blk.", 4) == 0) snprintf(name, sizeof name, "blk.%u.%s", layer, format + 4);
  ++*n;
  if (f) {
    put_string(f, name);
    put32(f, rows > 1 ? 2 : 1);
    put64(f, cols);
    if (rows > 1) put64(f, rows);
    put32(f, type);
    put64(f, offset);
  }
  return (offset + bytes + ALIGN - 1) / ALIGN * ALIGN;
}

static uint64_t tensors(FILE *f, uint32_t layers, uint32_t *n) {
  static const struct {
    const char *name;
    uint32_t type, cols, rows;
  } row[] = {{"blk.attn_norm.weight", F32, WIDTH, 1},
             {"blk.attn_q.weight", Q4_K, WIDTH, WIDTH},
             {"blk.attn_k.weight", Q4_K, WIDTH, WIDTH / HEADS * KV_HEADS},
             {"blk.attn_v.weight", Q4_K, WIDTH, WIDTH / HEADS * KV_HEADS},
             {"blk.attn_output.weight", Q4_K, WIDTH, WIDTH},
             {"blk.ffn_norm.weight", F32, WIDTH, 1},
             {"blk.ffn_gate.weight", Q4_K, WIDTH, FORWARD},
             {"blk.ffn_up.weight", Q4_K, WIDTH, FORWARD},
             {"blk.ffn_down.weight", Q4_K, FORWARD, WIDTH}};
  *n = 0;
  uint64_t at = tensor(f, n, 0, Q4_K, WIDTH, VOCABULARY, "token_embd.weight", 0);
  at = tensor(f, n, at, F32, WIDTH, 1, "output_norm.weight", 0);
  for (uint32_t layer = 0; layer < layers; layer++)
    for (size_t i = 0; i < sizeof row / sizeof *row; i++) at = tensor(f, n, at, row[i].type, row[i].cols, row[i].rows, row[i].name, layer);
  return at;
}

int main(int argc, char **argv) {
  uint32_t layers = argc == 3 ? (uint32_t)atoi(argv[2]) : 0, n = 0;
  FILE *f = layers ? fopen(argv[1], "wb") : NULL;
  if (!f) return fprintf(stderr, "usage: big_gguf OUT.gguf LAYERS\n"), 2;
  tensors(NULL, layers, &n);
  fputs("GGUF", f);
  put32(f, 3);
  put64(f, n);
  put64(f, 9);
  put_string(f, "general.architecture");
  put32(f, STRING_VALUE);
  put_string(f, "llama");
  meta_u32(f, "llama.block_count", layers);
  meta_u32(f, "llama.embedding_length", WIDTH);
  meta_u32(f, "llama.feed_forward_length", FORWARD);
  meta_u32(f, "llama.attention.head_count", HEADS);
  meta_u32(f, "llama.attention.head_count_kv", KV_HEADS);
  meta_u32(f, "llama.context_length", 2048);
  meta_u32(f, "llama.vocab_size", VOCABULARY);
  put_string(f, "llama.attention.layer_norm_rms_epsilon");
  put32(f, F32_VALUE);
  put32(f, 0x3727c5ac); /* 1e-5 */
  uint64_t bytes = tensors(f, layers, &n), header = ((uint64_t)ftell(f) + ALIGN - 1) / ALIGN * ALIGN;
  if (fclose(f) || truncate(argv[1], (off_t)(header + bytes))) return perror(argv[1]), 1;
  return 0;
}
