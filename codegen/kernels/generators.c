#include "codegen/kernels/kernels.h"

ig_generator *const ig_generators[IG_FAMILY_COUNT] = {
  [IG_EMBED] = ig_gen_embed,
  [IG_NORM] = ig_gen_norm,
  [IG_QUANT] = ig_gen_quant,
  [IG_LINEAR_GEMV] = ig_gen_linear,
  [IG_LINEAR_GEMM] = ig_gen_linear,
  [IG_LINEAR_X2] = ig_gen_linear_x2,
  [IG_GLU_GEMV] = ig_gen_linear,
  [IG_GLU_GEMM] = ig_gen_linear,
  [IG_GLU] = ig_gen_glu,
  [IG_ROPE_KV] = ig_gen_rope_kv,
  [IG_ATTENTION] = ig_gen_attention,
  [IG_ATTENTION_DECODE] = ig_gen_attention_decode,
  [IG_ATTENTION_MERGE] = ig_gen_attention_merge,
};
