/* The weights file: the weights at their offsets (Plan.weights_bytes), then a seal that names them, so that weights of another model are
 * refused at open without reading them all, then the hashes of every MiB, so that a region can be checked alone; zeros to a multiple of 64. */
#ifndef INGOT_ABI_WEIGHTS_H
#define INGOT_ABI_WEIGHTS_H

#include <stdint.h>

#include "runtime/abi/sha256.h"

#define INGOT_SEAL_MAGIC "ingot weights 2" /* with its NUL 16 bytes */

typedef struct ingot_seal {
  char magic[16];
  uint8_t root[INGOT_SHA256_SIZE]; /* Plan.weights_root */
  uint8_t zero[16];
} ingot_seal;

static inline uint64_t ingot__leaves(uint64_t weights_bytes) { return weights_bytes / INGOT_HASH_LEAF + (weights_bytes % INGOT_HASH_LEAF != 0); }
/* Bytes of the whole file. */
static inline uint64_t ingot__weights_file(uint64_t weights_bytes) {
  return weights_bytes + sizeof(ingot_seal) + (ingot__leaves(weights_bytes) * INGOT_SHA256_SIZE + 63) / 64 * 64;
}

_Static_assert(sizeof(ingot_seal) == 64, "the file stays a multiple of 64 bytes");

#endif
