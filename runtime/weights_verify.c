/* Weights against their hashes: all of them, or the region that an app asks about. */
#include <string.h>
#include "runtime/abi/weights.h"
#include "runtime/core.h"

typedef struct verifier {
  const uint8_t *data, *leaves;
  uint64_t size, end;            /* of the weights; the leaf after the last to look at */
  _Atomic uint64_t next, damaged; /* damaged: the first leaf that differs, or `end` */
} verifier;

static void compare_leaves(void *context, uint32_t worker) {
  (void)worker;
  verifier *v = context;
  for (uint64_t leaf; (leaf = atomic_fetch_add(&v->next, 1)) < v->end;) {
    const uint64_t at = leaf * INGOT_HASH_LEAF, bytes = v->size - at < INGOT_HASH_LEAF ? v->size - at : INGOT_HASH_LEAF;
    uint8_t hash[INGOT_SHA256_SIZE];
    ingot__sha256_of(v->data + at, (size_t)bytes, hash);
    if (!memcmp(hash, v->leaves + leaf * INGOT_SHA256_SIZE, sizeof hash)) continue;
    for (uint64_t first = atomic_load(&v->damaged); leaf < first && !atomic_compare_exchange_weak(&v->damaged, &first, leaf);) {}
  }
}

ingot_status ingot_model_verify(ingot_model *model, uint64_t offset, uint64_t size, ingot_error *error) {
  if (!model) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "model is NULL");
  const uint64_t bytes = model->plan.weights_bytes, n = ingot__leaves(bytes);
  if (offset > bytes || size > bytes - offset)
    return ingot__fail(error, INGOT_ERROR_ARGUMENT, "the weights have %llu bytes: no %llu from %llu on", (unsigned long long)bytes, (unsigned long long)size,
                       (unsigned long long)offset);
  if (!bytes) return INGOT_OK;
  verifier v = {.data = model->weights.data, .leaves = model->weights.data + bytes + sizeof(ingot_seal), .size = bytes};
  uint8_t root[INGOT_SHA256_SIZE];
  ingot__sha256_of(v.leaves, (size_t)(n * INGOT_SHA256_SIZE), root);
  bool whole = !memcmp(root, model->plan.weights_root.data, sizeof root);
  for (uint64_t i = n * INGOT_SHA256_SIZE; i % 64; i++) whole = whole && !v.leaves[i]; /* the file's last zeros */
  if (!whole) return ingot__fail(error, INGOT_ERROR_WEIGHTS, "the weights are damaged where their hashes are: take them again from where they came");
  v.end = size ? ingot__leaves(offset + size) : n;
  atomic_init(&v.next, offset / INGOT_HASH_LEAF);
  atomic_init(&v.damaged, v.end);
  ingot__model_run(model, compare_leaves, &v);
  const uint64_t first = atomic_load(&v.damaged);
  if (first == v.end) return INGOT_OK;
  return ingot__fail(error, INGOT_ERROR_WEIGHTS, "the weights are damaged in the MiB from byte %llu on: take them again from where they came",
                     (unsigned long long)(first * INGOT_HASH_LEAF));
}
