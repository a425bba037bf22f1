/* The model's threads. Waiting spins for about as long as a step's shares differ; then it lets others have the core, among them the
 * thread waited for where there are fewer cores than threads; then it sleeps in the kernel. */
#include "runtime/core.h"

static const uint64_t SPIN_NANOSECONDS = 10000, YIELD_NANOSECONDS = 60000;

/* Returns once the word differs from `value`. The sleepers' count and the word are both sequentially consistent: either the changer sees
 * the sleeper and wakes it, or the sleeper sees the change and does not sleep. */
static void wait_change(ingot__gate *gate, uint32_t value) {
  uint64_t start = 0, waited = 0;
  for (uint32_t i = 1; waited < YIELD_NANOSECONDS; i++) {
    if (atomic_load_explicit(&gate->word, memory_order_acquire) != value) return;
    if (waited > SPIN_NANOSECONDS) ingot__os_yield();
    else ingot__os_pause();
    if (i % 32 && waited <= SPIN_NANOSECONDS) continue;
    uint64_t now = ingot__os_nanoseconds();
    if (!start) start = now;
    waited = now - start;
  }
  atomic_fetch_add(&gate->sleepers, 1);
  while (atomic_load(&gate->word) == value) ingot__os_gate_wait(gate, value);
  atomic_fetch_sub(&gate->sleepers, 1);
}

static void change(ingot__gate *gate) {
  atomic_fetch_add(&gate->word, 1);
  if (atomic_load(&gate->sleepers)) ingot__os_gate_wake(gate);
}

static void worker_main(void *context) {
  struct ingot__worker *self = context;
  ingot__pool *pool = self->pool;
  const ingot__crew *crew = pool->crew;
  const bool decodes = self->index < crew->n_decode;
  if (crew->pinned) ingot__os_pin(crew->core, decodes ? crew->n_fast : crew->n_cores);
  for (uint32_t seen = 0;; seen++) {
    wait_change(&pool->epoch[!decodes], seen);
    if (atomic_load(&pool->quit)) return;
    pool->work(pool->context, self->index);
  }
}

int ingot__pool_start(ingot__pool *pool, const ingot__crew *crew) {
  int code = 0;
  pool->crew = crew;
  pool->n_workers = 1;
  ingot__gate *const gates[] = {&pool->epoch[0], &pool->epoch[1], &pool->meeting};
  for (; !code && pool->n_gates < 3; pool->n_gates += !code) code = ingot__os_gate_open(gates[pool->n_gates]);
  for (uint32_t i = 1; !code && i < crew->n_workers; i++) {
    pool->worker[i].pool = pool;
    pool->worker[i].index = i;
    code = ingot__os_thread(&pool->worker[i].thread, worker_main, &pool->worker[i]);
    if (!code) pool->n_workers = i + 1;
  }
  if (code) ingot__pool_stop(pool);
  return code;
}

void ingot__pool_stop(ingot__pool *pool) {
  ingot__gate *const gates[] = {&pool->epoch[0], &pool->epoch[1], &pool->meeting};
  atomic_store(&pool->quit, true);
  if (pool->n_workers > 1) change(&pool->epoch[0]), change(&pool->epoch[1]);
  for (uint32_t i = 1; i < pool->n_workers; i++) ingot__os_join(&pool->worker[i].thread);
  while (pool->n_gates) ingot__os_gate_close(gates[--pool->n_gates]);
  pool->n_workers = 0;
}

void ingot__pool_run(ingot__pool *pool, uint32_t n, ingot__work *work, void *context) {
  pool->work = work;
  pool->context = context;
  pool->n_active = n;
  if (n > 1) change(&pool->epoch[0]);
  if (n > pool->crew->n_decode) change(&pool->epoch[1]);
  work(context, 0);
}

void ingot__pool_meet(ingot__pool *pool) {
  const uint32_t meeting = atomic_load_explicit(&pool->meeting.word, memory_order_relaxed), n = pool->n_active; /* read before the others may go on */
  if (n < 2) return;
  if (atomic_fetch_add(&pool->arrived, 1) + 1 < n) {
    wait_change(&pool->meeting, meeting);
    return;
  }
  atomic_store_explicit(&pool->arrived, 0, memory_order_relaxed); /* published by the next line */
  change(&pool->meeting);
}

/* The word: 0 free, 1 taken, 2 taken and waited for. */
void ingot__turn_take(ingot__gate *turn) {
  uint32_t seen = 0;
  if (atomic_compare_exchange_strong(&turn->word, &seen, 1)) return;
  if (seen != 2) seen = atomic_exchange(&turn->word, 2);
  while (seen) {
    ingot__os_gate_wait(turn, 2);
    seen = atomic_exchange(&turn->word, 2);
  }
}

void ingot__turn_give(ingot__gate *turn) {
  if (atomic_exchange(&turn->word, 0) == 2) ingot__os_gate_wake(turn);
}
