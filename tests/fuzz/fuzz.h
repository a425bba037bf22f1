/* A fuzz target is one function over bytes, with the inputs that it is good to begin from. It is linked with guided.c and libFuzzer (./dev fuzz), or
 * with replay.c, which runs the seeds, the corpus and random changes of them as an ordinary test. */
#ifndef INGOT_TESTS_FUZZ_H
#define INGOT_TESTS_FUZZ_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A property that does not hold ends the process: FUZZ_CHECK. */
void fuzz_one(const uint8_t *data, size_t size);

typedef void fuzz_add(void *user, const void *data, size_t size);
/* Calls add(user, ...) for each seed. */
void fuzz_seeds(fuzz_add *add, void *user);

#define FUZZ_CHECK(what) ((what) ? (void)0 : (fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #what), abort()))

/* A file of the tree, from INGOT_SOURCE; the bytes stay allocated. */
static inline void fuzz_add_file(fuzz_add *add, void *user, const char *name, size_t most) {
  char path[8192];
  const char *source = getenv("INGOT_SOURCE");
  snprintf(path, sizeof path, "%s/%s", source ? source : ".", name);
  FILE *from = fopen(path, "rb");
  if (!from) fprintf(stderr, "%s is not there\n", path), exit(1);
  uint8_t *bytes = malloc(most);
  if (!bytes) abort();
  const size_t size = fread(bytes, 1, most, from);
  fclose(from);
  add(user, bytes, size);
  free(bytes);
}

#endif
