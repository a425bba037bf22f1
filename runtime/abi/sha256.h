/* SHA-256 (FIPS 180-4), and the tree over it that the plan keeps for weights. Shared by the compiler and the runtime. */
#ifndef INGOT_ABI_SHA256_H
#define INGOT_ABI_SHA256_H

#include <stddef.h>
#include <stdint.h>

/* Leaves of the weights' tree: the hash of every MiB (the last may be shorter); the root is the hash of the leaves one after another. */
enum { INGOT_SHA256_SIZE = 32, INGOT_HASH_LEAF = 1 << 20 };

typedef struct ingot__sha256 {
  uint32_t state[8];
  uint64_t size;
  uint8_t block[64];
} ingot__sha256;

void ingot__sha256_init(ingot__sha256 *hash);
void ingot__sha256_add(ingot__sha256 *hash, const void *data, size_t size);
void ingot__sha256_finish(ingot__sha256 *hash, uint8_t digest[32]);
void ingot__sha256_of(const void *data, size_t size, uint8_t digest[32]);

#endif
