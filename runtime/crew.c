/* Which threads work on what, and where: see ingot__crew. */
#include <string.h>
#include "runtime/core.h"

enum { BY_DEFAULT = 16 };

/* The cores the app names, those of `cores` alone; an unknown number is an error. */
static ingot_status named(ingot__crew *crew, const ingot__core *cores, uint32_t n, const ingot_model_options *options, ingot_error *error) {
  if (options->n_cores > INGOT__MAX_CORES) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "n_cores is %u, the most is %d", options->n_cores, INGOT__MAX_CORES);
  for (uint32_t i = 0; i < options->n_cores; i++) {
    uint32_t at = 0;
    while (at < n && cores[at].cpu != options->cores[i]) at++;
    if (at == n) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "cores[%u] is %u: this process may not use such a core", i, options->cores[i]);
    crew->core[crew->n_cores++] = cores[at];
  }
  crew->pinned = true;
  return INGOT_OK;
}

/* Fast ones first, in the order they are in; the number of fast ones. */
static uint32_t divide(ingot__crew *crew) {
  ingot__core slow[INGOT__MAX_CORES];
  uint32_t most = 0, n_fast = 0, n_slow = 0;
  for (uint32_t i = 0; i < crew->n_cores; i++) most = crew->core[i].capacity > most ? crew->core[i].capacity : most;
  for (uint32_t i = 0; i < crew->n_cores; i++)
    if (2 * crew->core[i].capacity >= most) crew->core[n_fast++] = crew->core[i];
    else slow[n_slow++] = crew->core[i];
  memcpy(crew->core + n_fast, slow, n_slow * sizeof *slow);
  return n_fast;
}

static bool alike(const ingot__crew *crew) {
  for (uint32_t i = 1; i < crew->n_cores; i++)
    if (crew->core[i].capacity != crew->core[0].capacity) return false;
  return true;
}

ingot_status ingot__choose_crew(ingot__crew *crew, const ingot__core *cores, uint32_t n, const ingot_model_options *options, ingot_error *error) {
  const uint32_t asked = options->n_threads, asked_decode = options->n_decode_threads;
  memset(crew, 0, sizeof *crew);
  if (asked > INGOT__MAX_THREADS) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "n_threads is %u, the most is %d", asked, INGOT__MAX_THREADS);
  if (options->n_cores) {
    ingot_status status = named(crew, cores, n, options, error);
    if (status) return status;
  } else memcpy(crew->core, cores, (crew->n_cores = n) * sizeof *cores);
  const bool same = alike(crew);
  crew->n_fast = divide(crew);
  crew->pinned |= !same;
  const uint32_t free_cores = crew->n_cores > 1 && !same ? crew->n_cores - 1 : crew->n_cores;
  crew->n_workers = asked ? asked : free_cores < BY_DEFAULT ? free_cores : BY_DEFAULT;
  const uint32_t fast = !same && crew->n_fast > 2 ? crew->n_fast - 1 : crew->n_fast;
  crew->n_decode = asked_decode ? asked_decode : asked || same || fast > crew->n_workers ? crew->n_workers : fast;
  if (crew->n_decode > crew->n_workers)
    return ingot__fail(error, INGOT_ERROR_ARGUMENT, "n_decode_threads is %u, more than the %u threads in all (n_threads)", asked_decode, crew->n_workers);
  return INGOT_OK;
}
