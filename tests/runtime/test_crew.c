/* Which threads a model gets, and where: from capacities as /sys tells them, on made-up trees of phones. */
#define _GNU_SOURCE
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "check.h"
#include "runtime/core.h"

/* As CHECK, and tells more. */
#define TELL(ok, ...) \
  do { \
    if (!check((ok), #ok, __FILE__, __LINE__)) fprintf(stderr, "  " __VA_ARGS__), fputs("\n", stderr); \
  } while (0)

static char root[] = "/tmp/ingot-crew-XXXXXX";

/* A tree of cores 0.., the text of each cpu_capacity; NULL ends, "" has no such file. */
static uint32_t tree(const char *const *capacities, ingot__core *cores) {
  uint32_t n = 0;
  char path[128];
  for (; capacities[n]; n++) {
    snprintf(path, sizeof path, "%s/cpu%u", root, n);
    mkdir(path, 0777);
    snprintf(path, sizeof path, "%s/cpu%u/cpu_capacity", root, n);
    unlink(path);
    FILE *file = *capacities[n] ? fopen(path, "w") : NULL;
    if (file) fputs(capacities[n], file), fclose(file);
    cores[n] = (ingot__core){(uint16_t)n, 0};
  }
  ingot__os_read_capacities(root, cores, n);
  return n;
}

static ingot__crew crew_of(const char *const *capacities, const ingot_model_options *options) {
  ingot__core cores[INGOT__MAX_CORES];
  ingot__crew crew;
  ingot_error error = {INGOT_OK, ""};
  uint32_t n = tree(capacities, cores);
  CHECK_EQUAL(ingot__choose_crew(&crew, cores, n, options, &error), INGOT_OK);
  return crew;
}

static void test_phones(void) {
  static const struct {
    const char *what, *capacity[12];
    uint32_t threads, decode, fast;
    bool pinned;
  } machines[] = {
    {"one fastest, three fast, four small", {"250\n", "250\n", "250\n", "250\n", "870\n", "870\n", "870\n", "1024\n"}, 7, 3, 4, true},
    {"two fast, six small", {"300", "300", "300", "300", "300", "300", "1024", "1024"}, 7, 2, 2, true},
    {"one fast, three small", {"1024", "200", "200", "200"}, 3, 1, 1, true},
    {"all fast, though not equally", {"1024", "900", "900", "700"}, 3, 3, 4, true},
    {"two, not equal", {"1024", "400"}, 1, 1, 1, true},
    {"a laptop: equal", {"1024", "1024", "1024", "1024"}, 4, 4, 4, false},
    {"a kernel that does not tell", {"", "", ""}, 3, 3, 3, false},
    {"a single core", {"1024"}, 1, 1, 1, false},
    {"files that are no numbers", {"big\n", "-5", "99999", ""}, 4, 4, 4, false},
  };
  for (size_t i = 0; i < sizeof machines / sizeof *machines; i++) {
    ingot__crew crew = crew_of(machines[i].capacity, &(ingot_model_options){0});
    TELL(crew.n_workers == machines[i].threads && crew.n_decode == machines[i].decode && crew.n_fast == machines[i].fast && crew.pinned == machines[i].pinned,
         "%s: %u threads, %u decode, %u fast", machines[i].what, crew.n_workers, crew.n_decode, crew.n_fast);
    for (uint32_t k = 1; k < crew.n_cores; k++)
      TELL(k == crew.n_fast || 2 * crew.core[k].capacity >= crew.core[0].capacity || k > crew.n_fast, "%s: core %u is not in its place", machines[i].what, k);
  }
}

static void test_asked(void) {
  static const char *const phone[] = {"250", "250", "870", "870", "1024", NULL};
  ingot__crew crew = crew_of(phone, &(ingot_model_options){.n_threads = 3}); /* who says how many means it */
  TELL(crew.n_workers == 3 && crew.n_decode == 3, "3 threads: %u, %u", crew.n_workers, crew.n_decode);
  crew = crew_of(phone, &(ingot_model_options){.n_threads = 5, .n_decode_threads = 2});
  TELL(crew.n_workers == 5 && crew.n_decode == 2, "5 threads, 2 of decode: %u, %u", crew.n_workers, crew.n_decode);
  crew = crew_of(phone, &(ingot_model_options){.cores = (const uint32_t[]){4, 0}, .n_cores = 2});
  TELL(crew.n_cores == 2 && crew.core[0].cpu == 4 && crew.core[1].cpu == 0 && crew.n_fast == 1 && crew.n_workers == 1 && crew.pinned, "cores 4 and 0");
  crew = crew_of(phone, &(ingot_model_options){.cores = (const uint32_t[]){2, 3}, .n_cores = 2});
  TELL(crew.n_workers == 2 && crew.n_decode == 2 && crew.n_fast == 2 && crew.pinned, "two equal cores: %u threads", crew.n_workers);

  ingot__core cores[INGOT__MAX_CORES];
  ingot_error error;
  uint32_t n = tree(phone, cores);
  CHECK_EQUAL(ingot__choose_crew(&crew, cores, n, &(ingot_model_options){.cores = (const uint32_t[]){1, 9}, .n_cores = 2}, &error), INGOT_ERROR_ARGUMENT);
  TELL(strstr(error.message, "cores[1] is 9") != NULL, "%s", error.message);
  CHECK_EQUAL(ingot__choose_crew(&crew, cores, n, &(ingot_model_options){.n_threads = 2, .n_decode_threads = 3}, &error), INGOT_ERROR_ARGUMENT);
  TELL(strstr(error.message, "n_decode_threads is 3, more than the 2") != NULL, "%s", error.message);
  CHECK_EQUAL(ingot__choose_crew(&crew, cores, n, &(ingot_model_options){.n_threads = 65}, &error), INGOT_ERROR_ARGUMENT);
}

/* Runs of both sizes in every order: each worker that is wanted works, nobody else, and they stay on their cores. */
typedef struct log {
  ingot__pool *pool;
  _Atomic uint32_t ran[INGOT__MAX_THREADS], elsewhere;
} record;

static void note(void *context, uint32_t worker) {
  record *r = context;
  const ingot__crew *crew = r->pool->crew;
  atomic_fetch_add(&r->ran[worker], 1);
  for (int i = 0; i < 3; i++) ingot__pool_meet(r->pool);
  cpu_set_t set;
  if (worker && crew->pinned && sched_getaffinity(0, sizeof set, &set) == 0)
    if (CPU_COUNT(&set) != (int)(worker < crew->n_decode ? crew->n_fast : crew->n_cores) || !CPU_ISSET(crew->core[0].cpu, &set))
      atomic_fetch_add(&r->elsewhere, 1);
  ingot__pool_meet(r->pool);
}

static void test_runs(void) {
  ingot__core cores[INGOT__MAX_CORES];
  static ingot__crew crew;
  static ingot__pool pool;
  static record r;
  const uint32_t n = ingot__os_cores(cores);
  TELL(n >= 1, "no cores");
  CHECK_EQUAL(ingot__choose_crew(&crew, cores, n,
                                 &(ingot_model_options){.n_threads = 5, .n_decode_threads = 2, .cores = (const uint32_t[]){cores[n - 1].cpu}, .n_cores = 1},
                                 NULL),
              INGOT_OK);
  r.pool = &pool;
  CHECK_EQUAL(ingot__pool_start(&pool, &crew), 0);
  uint32_t all = 0, few = 0, seed = 1;
  for (int i = 0; i < 2000; i++) {
    seed = seed * 1664525 + 1013904223;
    const bool decode = seed >> 30 != 0;
    ingot__pool_run(&pool, decode ? 2 : 5, note, &r);
    if (decode) few++;
    else all++;
  }
  ingot__pool_stop(&pool);
  for (uint32_t w = 0; w < 5; w++) TELL(r.ran[w] == all + (w < 2 ? few : 0), "worker %u ran %u times of %u and %u", w, r.ran[w], all, few);
  TELL(r.elsewhere == 0, "%u times a worker was not where it belongs", r.elsewhere);
}

/* The lock that sessions take: four threads, one counter. */
typedef struct shared {
  ingot__gate turn;
  uint64_t count;
} shared;

static void *take_turns(void *context) {
  shared *s = context;
  for (int i = 0; i < 20000; i++) {
    ingot__turn_take(&s->turn);
    s->count++;
    ingot__turn_give(&s->turn);
  }
  return NULL;
}

static void test_turns(void) {
  static shared s;
  pthread_t thread[4];
  CHECK_EQUAL(ingot__os_gate_open(&s.turn), 0);
  for (int i = 0; i < 4; i++) CHECK_EQUAL(pthread_create(&thread[i], NULL, take_turns, &s), 0);
  for (int i = 0; i < 4; i++) pthread_join(thread[i], NULL);
  ingot__os_gate_close(&s.turn);
  TELL(s.count == 80000, "%llu turns of 80000", (unsigned long long)s.count);
}

int main(void) {
  if (!mkdtemp(root)) return perror(root), 1;
  test_phones();
  test_asked();
  test_runs();
  test_turns();
  for (int i = 0; i < 12; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/cpu%d/cpu_capacity", root, i), unlink(path);
    snprintf(path, sizeof path, "%s/cpu%d", root, i), rmdir(path);
  }
  rmdir(root);
  return finish();
}
