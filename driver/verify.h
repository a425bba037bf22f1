/* Every file of a bundle against what its reports say of it, for all of its platforms, whatever machine this is. */
#ifndef INGOT_DRIVER_VERIFY_H
#define INGOT_DRIVER_VERIFY_H

#include "ir/base/base.h"

/* The header, and of every platform library, plan, prefix and weights (by the hashes of their MiBs, whose root the report has; a file that several
 * platforms share once). Reports each that differs. `threads` 0: one per core, at most 16; `progress` may be NULL. Gives how many platforms and
 * weights files there are. */
typedef struct ig_verified {
  uint32_t platforms, weights;
  uint64_t weights_bytes;
  bool here; /* whether this machine is one of the platforms */
} ig_verified;
bool ig_verify_files(const char *bundle, uint32_t threads, void (*progress)(void *user, const char *what, double fraction), void *user, ig_verified *verified,
                     ig_arena *arena, ig_diags *diags);

/* SHA-256 in hexadecimal, as reports have it. */
const char *ig_sha256_text(const void *bytes, size_t size, ig_arena *arena);
const char *ig_digest_text(const uint8_t digest[32], ig_arena *arena);

#endif
