#include "codegen/kernels/kernels.h"

ingot_extent ig_kernel_scratch(const ig_kernel_ref *ref, const ig_schedule *schedule) {
  switch (ref->family) {
  case IG_EMBED:
  case IG_LINEAR_GEMV:
  case IG_LINEAR_GEMM:
  case IG_GLU_GEMV:
  case IG_GLU_GEMM:
  case IG_EXPERTS_GEMV:
  case IG_EXPERTS_GEMM:
  case IG_EXPERTS_SUM_GEMV:
  case IG_EXPERTS_SUM_GEMM:
  case IG_GEGLU_GEMV:
  case IG_GEGLU_GEMM: return ig_linear_scratch(ref, schedule);
  case IG_ROPE_KV:
  case IG_ATTENTION:
  case IG_ATTENTION_DECODE:
  case IG_ATTENTION_CAPPED:
  case IG_ATTENTION_DECODE_CAPPED:
  case IG_ATTENTION_MERGE: return ig_attention_scratch(ref);
  case IG_NORM:
  case IG_QUANT:
  case IG_GLU:
  case IG_ROUTE:
  case IG_GROUP:
  case IG_GATHER:
  case IG_EXPERTS_GLU:
  case IG_GEGLU:
  case IG_NORM_ADD:
  case IG_SCALE:
  case IG_SOFTCAP:
  case IG_FAMILY_COUNT: break;
  }
  return (ingot_extent){{{0, 0}}};
}
