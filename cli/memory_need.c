#include "memory_need.h"
#include "runtime/abi/kernel.h"

enum { CHUNK = 512, BLOCK = INGOT_KV_BLOCK };

cli_need cli_need_of(const ig_model *m) {
  cli_need need = {0};
  for (uint32_t i = 0; i < m->n_tensors; i++) need.weights += m->tensors[i].bytes;
  need.kv = (uint64_t)m->n_layer * m->n_kv_heads * m->head_dim * 2 * 2;
  uint64_t row = 4 * (4 * (uint64_t)m->n_embd + 2 * (uint64_t)m->n_ff + ((uint64_t)m->n_heads + 2 * (uint64_t)m->n_kv_heads) * m->head_dim);
  if (m->n_experts) row += 4 * (uint64_t)m->n_experts_used * (3 * (uint64_t)m->n_ff_expert + m->n_embd); /* a row for each expert that is chosen */
  need.working = CHUNK * row + 64 * (uint64_t)m->n_vocab;
  return need;
}

uint64_t cli_need_bytes(const cli_need *need, uint64_t positions) {
  return need->weights + need->weights / 32 + need->working + need->kv * ((positions + BLOCK - 1) / BLOCK * BLOCK);
}

uint64_t cli_need_context(const cli_need *need, uint64_t ram, uint64_t most) {
  const uint64_t usable = ram / 6 * 5, fixed = cli_need_bytes(need, 0);
  if (usable < fixed) return 0;
  const uint64_t positions = need->kv ? (usable - fixed) / need->kv / BLOCK * BLOCK : most;
  return positions < most ? positions : most;
}
