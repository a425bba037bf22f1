/* The model's threads. Waiting spins for about as long as a step's shares differ; then it lets others have the core, among them the
 * thread waited for where there are fewer cores than threads; then it sleeps in the kernel. */
#include "runtime/core.h"

static const uint64_t SPIN_NANOSECONDS = 10000, YIELD_NANOSECONDS = 60000;

/* Returns once *word differs from `value`. The sleepers' count and the word are both sequentially consistent: either the changer sees
 * the sleeper and wakes it, or the sleeper sees the change and does not sleep. */
static void wait_change(_Atomic uint32_t *word, uint32_t value, _Atomic uint32_t *sleepers) {
  uint64_t start = 0, waited = 0;
  for (uint32_t i = 1; waited < YIELD_NANOSECONDS; i++) {
    if (atomic_load_explicit(word, memory_order_acquire) != value) return;
    if (waited > SPIN_NANOSECONDS) ingot__os_yield();
    else ingot__os_pause();
    if (i % 32 && waited <= SPIN_NANOSECONDS) continue;
    uint64_t now = ingot__os_nanoseconds();
    if (!start) start = now;
    waited = now - start;
  }
  atomic_fetch_add(sleepers, 1);
  while (atomic_load(word) == value) ingot__os_wait(word, value);
  atomic_fetch_sub(sleepers, 1);
}

static void change(_Atomic uint32_t *word, _Atomic uint32_t *sleepers) {
  atomic_fetch_add(word, 1);
  if (atomic_load(sleepers)) ingot__os_wake(word);
}

static void *worker_main(void *context) {
  struct ingot__worker *self = context;
  ingot__pool *pool = self->pool;
  for (uint32_t seen = 0;; seen++) {
    wait_change(&pool->epoch, seen, &pool->epoch_sleepers);
    if (atomic_load(&pool->quit)) return NULL;
    pool->work(pool->context, self->index);
  }
}

int ingot__pool_start(ingot__pool *pool, uint32_t n_workers) {
  pool->n_workers = 1;
  for (uint32_t i = 1; i < n_workers; i++) {
    pool->worker[i].pool = pool;
    pool->worker[i].index = i;
    int code = ingot__os_thread(&pool->worker[i].thread, worker_main, &pool->worker[i]);
    if (code) return ingot__pool_stop(pool), code;
    pool->n_workers = i + 1;
  }
  return 0;
}

void ingot__pool_stop(ingot__pool *pool) {
  if (pool->n_workers < 2) return;
  atomic_store(&pool->quit, true);
  change(&pool->epoch, &pool->epoch_sleepers);
  for (uint32_t i = 1; i < pool->n_workers; i++) pthread_join(pool->worker[i].thread, NULL);
  pool->n_workers = 0;
}

void ingot__pool_run(ingot__pool *pool, ingot__work *work, void *context) {
  pool->work = work;
  pool->context = context;
  if (pool->n_workers > 1) change(&pool->epoch, &pool->epoch_sleepers);
  work(context, 0);
}

void ingot__pool_meet(ingot__pool *pool) {
  uint32_t meeting = atomic_load_explicit(&pool->meeting, memory_order_relaxed);
  if (pool->n_workers < 2) return;
  if (atomic_fetch_add(&pool->arrived, 1) + 1 < pool->n_workers) {
    wait_change(&pool->meeting, meeting, &pool->meeting_sleepers);
    return;
  }
  atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed); /* published by the next line */
  change(&pool->meeting, &pool->meeting_sleepers);
}
