/* Runs phases: the parts of a step over the workers, step after step. */
#include "runtime/core.h"

#include <string.h>

typedef struct job {
  ingot_model *model;
  const ingot__memory *memory;
  const ingot__call *calls;
  uint32_t n_calls, n_workers;
  uint32_t n_steps;         /* of all calls together */
  const _Atomic bool *cancel;
  _Atomic uint32_t last;    /* the number of the step after which all stop */
  bool meets;               /* workers are the pool's, and meet after each step */
  const ingot__call *call;  /* of the one step that the app's own threads run now */
  const ingot__step *step;
  uint32_t number;          /* of that step */
} job;

static void runtime_dims(uint32_t *dim, const ingot__call *call, uint32_t n_context) {
  dim[INGOT_DIM_TOKENS] = call->tokens;
  dim[INGOT_DIM_POSITION] = call->position;
  dim[INGOT_DIM_CONTEXT] = n_context;
  dim[INGOT_DIM_BLOCKS] = (call->position + call->tokens + INGOT_KV_BLOCK - 1) / INGOT_KV_BLOCK;
  dim[INGOT_DIM_QUERY_TILES] = (call->tokens + INGOT_QUERY_TILE - 1) / INGOT_QUERY_TILE;
}

static uint32_t count_tiles(const ingot__part *part, const uint32_t *dim) {
  uint64_t sum = 0;
  for (int i = 0; i < INGOT_MAX_TERMS && part->tiles[i].scale; i++) {
    uint64_t value = part->tiles[i].scale;
    for (int d = 0; d < INGOT_DIM_STATIC; d++)
      if (part->tiles[i].dims >> d & 1) value *= dim[d];
    sum += value;
  }
  return (uint32_t)sum;
}

static void run_part(const job *j, const ingot__part *part, const ingot__call *call, const uint32_t *dim, uint32_t worker, uint32_t begin, uint32_t end) {
  const ingot__plan *plan = &j->model->plan;
  uint8_t *scratch = j->model->scratch + worker * plan->scratch_bytes;
  ingot_kernel_args args;
  for (uint32_t o = 0; o < part->n_operands; o++) {
    uint64_t offset = part->offset[o];
    switch ((ingot_place)part->place[o]) {
    case INGOT_PLACE_ARENA: args.operand[o] = j->memory->arena + offset + (uint64_t)call->row * part->row_bytes[o]; break;
    case INGOT_PLACE_KV: args.operand[o] = j->memory->kv + offset * j->memory->n_context; break;
    case INGOT_PLACE_WEIGHTS: args.operand[o] = (void *)(uintptr_t)(j->model->weights.data + offset); break; /* kernels only read it: checked */
    case INGOT_PLACE_SCRATCH:
    case INGOT_PLACE_ANY_BUFFER: args.operand[o] = scratch + offset; break;
    }
  }
  memcpy(args.dim, dim, INGOT_DIM_STATIC * sizeof *dim);
  memcpy(args.dim + INGOT_DIM_STATIC, part->dim, part->n_static * sizeof *dim);
  part->kernel(&args, scratch + plan->private_bytes, begin, end);
}

/* Tiles [from, to) of the concatenated tiles of a step's shared parts. */
static void run_tiles(const job *j, const ingot__part *part, const ingot__part *end, const ingot__call *call, const uint32_t *dim, uint32_t worker,
                      uint64_t from, uint64_t to) {
  for (uint64_t base = 0; part < end && base < to; part++) {
    uint64_t tiles = count_tiles(part, dim), begin = from > base ? from - base : 0, stop = to - base < tiles ? to - base : tiles;
    if (begin < stop) run_part(j, part, call, dim, worker, (uint32_t)begin, (uint32_t)stop);
    base += tiles;
  }
}

enum { CHUNKS = 8, LEAST_CHUNK = 4 }; /* of a share; tiles: less is not worth a turn at the counter */

/* One worker's part of a step: the private parts in full, then its contiguous share of the concatenated tiles of the others, chunk by chunk,
 * so that a worker that is done takes what is left of a slower one's. Which worker does a tile changes no bit of it. Counters take
 * turns by the step's number: all workers have left the other one, so that its owner may set it back. */
static void run_share(const job *j, const ingot__step *step, const ingot__call *call, uint32_t number, uint32_t worker) {
  uint32_t dim[INGOT_DIM_STATIC];
  runtime_dims(dim, call, j->memory->n_context);
  const ingot__part *part = j->model->plan.parts + step->first, *shared = part + step->n_private, *end = shared + step->n_parts;
  uint64_t total = 0;
  for (const ingot__part *p = shared; p < end; p++) total += count_tiles(p, dim);
  const uint32_t n = j->n_workers, turn = number & 1;
  atomic_store_explicit(&j->model->share[worker].taken[!turn], 0, memory_order_relaxed);
  if (shared < end && total * worker / n == total * (worker + 1) / n) return; /* what is private serves only the shares */
  for (; part < shared; part++) {
    uint32_t tiles = count_tiles(part, dim);
    if (tiles) run_part(j, part, call, dim, worker, 0, tiles);
  }
  if (n == 1) {
    run_tiles(j, shared, end, call, dim, worker, 0, total);
    return;
  }
  for (uint32_t i = 0; i < n; i++) {
    const uint32_t whose = (worker + i) % n;
    const uint64_t from = total * whose / n, size = total * (whose + 1) / n - from, chunk = size / CHUNKS > LEAST_CHUNK ? size / CHUNKS : LEAST_CHUNK;
    for (uint64_t at; (at = atomic_fetch_add_explicit(&j->model->share[whose].taken[turn], chunk, memory_order_relaxed)) < size;)
      run_tiles(j, shared, end, call, dim, worker, from + at, from + (chunk < size - at ? at + chunk : size));
  }
}

/* All steps of all calls, as one worker. Worker 0 looks at `cancel` and says after which step all stop; it says so before that
 * step's meeting, so that every worker knows after it. The job is on the caller's stack: nobody may look at it after the last
 * meeting, so that those who stop early meet once more. */
static void run_steps(void *context, uint32_t worker) {
  job *j = context;
  ingot__pool *pool = &j->model->pool;
  const bool meets = j->meets;
  const ingot__call *call = j->calls;
  for (uint32_t s = 0, done = 0;; s++) {
    const ingot__phase *phase = &j->model->plan.phase[call->phase];
    while (s == phase->n_steps) phase = &j->model->plan.phase[(++call)->phase], s = 0;
    run_share(j, &j->model->plan.steps[phase->first_step + s], call, done, worker);
    const bool ends = ++done == j->n_steps;
    if (worker == 0 && !ends && j->cancel && atomic_load_explicit(j->cancel, memory_order_relaxed)) atomic_store(&j->last, done);
    if (meets) ingot__pool_meet(pool);
    if (ends) return;
    if (atomic_load(&j->last) <= done) break;
  }
  if (meets) ingot__pool_meet(pool);
}

static void run_hooked_share(void *context, uint32_t worker) {
  const job *j = context;
  run_share(j, j->step, j->call, j->number, worker);
}

/* The app's own threads: one call of the hook for each step, its return is the meeting. */
static void run_hooked(job *j) {
  for (j->call = j->calls; j->call < j->calls + j->n_calls; j->call++) {
    const ingot__phase *phase = &j->model->plan.phase[j->call->phase];
    for (uint32_t s = 0; s < phase->n_steps; s++) {
      if (j->cancel && atomic_load_explicit(j->cancel, memory_order_relaxed)) {
        atomic_store(&j->last, 0);
        return;
      }
      j->step = &j->model->plan.steps[phase->first_step + s];
      j->model->parallel_for(j->model->parallel_user, j->n_workers, run_hooked_share, j);
      j->number++;
    }
  }
}

bool ingot__run(ingot_model *model, const ingot__memory *memory, const ingot__call *calls, uint32_t n_calls, const _Atomic bool *cancel) {
  job j = {.model = model,
           .memory = memory,
           .calls = calls,
           .n_calls = n_calls,
           .n_workers = model->crew.n_decode,
           .cancel = cancel,
           .last = UINT32_MAX,
           .meets = model->has_pool};
  for (uint32_t c = 0; c < n_calls; c++) {
    j.n_steps += model->plan.phase[calls[c].phase].n_steps;
    if (calls[c].tokens > 1) j.n_workers = model->crew.n_workers;
  }
  if (!j.n_steps) return true;
  ingot__turn_take(&model->turn);
  for (uint32_t w = 0; w < j.n_workers; w++) atomic_store(&model->share[w].taken[0], 0);
  if (model->parallel_for) run_hooked(&j);
  else if (model->has_pool) ingot__pool_run(&model->pool, j.n_workers, run_steps, &j);
  else run_steps(&j, 0);
  ingot__turn_give(&model->turn);
  return atomic_load(&j.last) == UINT32_MAX;
}

typedef struct plain_job {
  ingot_model *model;
  ingot__work *work;
  void *context;
} plain_job;

static void run_plain(void *context, uint32_t worker) {
  const plain_job *j = context;
  ingot__pool *pool = &j->model->pool;
  j->work(j->context, worker);
  ingot__pool_meet(pool);
}

void ingot__model_run(ingot_model *model, ingot__work *work, void *context) {
  plain_job j = {model, work, context};
  ingot__turn_take(&model->turn);
  if (model->parallel_for) model->parallel_for(model->parallel_user, model->crew.n_workers, work, context);
  else if (model->has_pool) ingot__pool_run(&model->pool, model->crew.n_workers, run_plain, &j);
  else work(context, 0);
  ingot__turn_give(&model->turn);
}
