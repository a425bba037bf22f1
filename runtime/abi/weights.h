/* The weights file: the weights at their offsets (Plan.weights_bytes), then a seal that names them, so that weights of another model are
 * refused at open without reading them all. */
#ifndef INGOT_ABI_WEIGHTS_H
#define INGOT_ABI_WEIGHTS_H

#include <stdint.h>

#include "runtime/abi/sha256.h"

#define INGOT_SEAL_MAGIC "ingot weights 1" /* with its NUL 16 bytes */

typedef struct ingot_seal {
  char magic[16];
  uint8_t root[INGOT_SHA256_SIZE]; /* Plan.weights_root */
  uint8_t zero[16];
} ingot_seal;

_Static_assert(sizeof(ingot_seal) == 64, "the file stays a multiple of 64 bytes");

#endif
