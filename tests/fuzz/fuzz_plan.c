/* A plan of the toy model's library, sealed again: refused by name, or run within its buffers, which kernels touch to their ends. */
#include "tests/runtime/hostile.h"
#include "fuzz.h"

void fuzz_one(const uint8_t *data, size_t size) {
  toy t;
  if (!size || size > 1 << 20) return;
  toy_make(&t);
  hostile_run(data, (uint32_t)size, (const uint8_t *)t.weights, 1);
  FUZZ_CHECK(!failures);
  toy_finish(&t);
}

void fuzz_seeds(fuzz_add *add, void *user) {
  toy t;
  toy_make(&t);
  add(user, t.plan.data, t.plan.size);
  toy_finish(&t);
}
