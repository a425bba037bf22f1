/* What a frontend gives the compiler: a checked container, the graph, the tokenizer's tables and the chat template. */
#ifndef INGOT_FRONTEND_MODEL_H
#define INGOT_FRONTEND_MODEL_H

#include "ir/format.h"
#include "ir/ops.h"
#include "ir/token_tables.h"

typedef struct ig_tensor {
  const char *name;
  const ig_block_format *format; /* NULL where the type is known by name only or unknown */
  uint32_t gguf_type;
  uint32_t n_dims;
  uint64_t ne[4];               /* ne[0] contiguous; 1 beyond n_dims */
  uint64_t offset, bytes;       /* in the file, or the files of the set one after the other; checked against their sizes */
} ig_tensor;

typedef struct ig_meta ig_meta; /* a metadata table, see gguf.h */

typedef struct ig_model {
  ig_arena arena;
  ig_file file;
  const char *architecture, *name, *source; /* source: file name and general.name, for people */
  uint32_t n_vocab, n_embd, n_layer, n_context; /* n_context as trained */
  uint32_t n_heads, n_kv_heads, head_dim, n_ff;
  uint32_t n_experts, n_experts_used, n_ff_expert; /* 0 experts: none */
  uint32_t context;             /* what it is compiled for, set by whoever opened it; 0: as trained. Some families turn positions by it */
  ig_tensor *tensors;
  uint32_t n_tensors;
  size_t tensor_capacity;
  ig_meta *meta;
  ig_tokenizer tokenizer;
  ig_template chat_template;
} ig_model;

/* Reads and checks a model file, or a set of shards by the name of any of them: container, metadata, tokenizer, template. Every problem found is reported, and what to do; false if
 * any. Weights are left on disk. Architectures and formats are judged by ig_model_graph. */
bool ig_model_open(ig_model *model, const char *path, ig_diags *diags);
/* What to do about errors that lie in the file. */
void ig_model_blame_file(const ig_model *model, ig_diags *diags);
void ig_model_close(ig_model *model);
/* The path of shard `no`, from 0, of the set that a file of this name belongs to; NULL where the name is not a shard's, and after the last. */
const char *ig_shard_path(const char *path, uint32_t no, ig_arena *arena);

/* Lowers the model to @forward in `module`. One error names all that is not supported: architecture, tensors whose format has no
 * kernels (`supported` says), unknown tensors, missing ones. */
bool ig_model_graph(const ig_model *model, ig_module module, bool (*supported)(const char *format), ig_diags *diags);

#endif
