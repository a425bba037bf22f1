#include "runtime/plan_check.h"

/* Sizes are sums of products of dims, so they grow with every dim: the largest dims bound them. Arithmetic saturates, and
 * whatever saturates is beyond every bound. */
static uint64_t add(uint64_t a, uint64_t b) { return a > UINT64_MAX - b ? UINT64_MAX : a + b; }
static uint64_t multiply(uint64_t a, uint64_t b) { return b && a > UINT64_MAX / b ? UINT64_MAX : a * b; }

static uint64_t product(ingot_term term, const uint32_t *dim) {
  uint64_t value = term.scale;
  for (int d = 0; d < INGOT_MAX_DIMS; d++)
    if (term.dims >> d & 1) value = multiply(value, dim[d]);
  return value;
}

static uint64_t extent(const ingot_extent *e, const uint32_t *dim) {
  uint64_t sum = 0;
  for (int i = 0; i < INGOT_MAX_TERMS && e->term[i].scale; i++) sum = add(sum, product(e->term[i], dim));
  return sum;
}

static void runtime_dims(uint32_t *dim, uint32_t tokens, uint32_t n_context) {
  dim[INGOT_DIM_TOKENS] = tokens;
  dim[INGOT_DIM_POSITION] = n_context;
  dim[INGOT_DIM_CONTEXT] = n_context;
  dim[INGOT_DIM_BLOCKS] = n_context / INGOT_KV_BLOCK;
  dim[INGOT_DIM_QUERY_TILES] = tokens / INGOT_QUERY_TILE + (tokens % INGOT_QUERY_TILE != 0);
}

/* In head phases the first row r and the tokens T are free as long as r + T <= chunk: the bytes needed are linear in T, so that
 * the ends T = 1 and T = max bound them. */
static bool arena_holds(const ingot__part *part, int o, const ingot_extent *e, const uint32_t *dim, const plan_bounds *b) {
  uint64_t begin = part->offset[o];
  if (b->head) {
    uint32_t single[INGOT_MAX_DIMS];
    for (int d = 0; d < INGOT_MAX_DIMS; d++) single[d] = dim[d];
    single[INGOT_DIM_TOKENS] = 1;
    uint64_t row = part->row_bytes[o];
    uint64_t last = add(add(begin, multiply(b->chunk - 1, row)), extent(e, single));
    if (last > b->arena_bytes) return false;
    begin = add(begin, multiply(b->chunk - b->max_tokens, row));
  }
  return add(begin, extent(e, dim)) <= b->arena_bytes;
}

/* Caches lie at offset * context: what is left for this one grows linearly with the context and its size at least as fast, so that
 * the smallest and the largest context bound all between. */
static bool cache_holds(const ingot__part *part, int o, const ingot_extent *e, uint32_t *dim, const plan_bounds *b) {
  static const uint32_t smallest = INGOT_KV_BLOCK;
  const uint32_t contexts[2] = {smallest, b->n_context};
  bool fits = true;
  for (int i = 0; i < 2; i++) {
    runtime_dims(dim, b->max_tokens, contexts[i]);
    fits = fits && add(multiply(part->offset[o], contexts[i]), extent(e, dim)) <= multiply(b->kv_bytes, contexts[i]);
  }
  return fits; /* dim is back at the largest */
}

static bool place_fits(uint32_t wanted, uint32_t place) {
  return wanted == INGOT_PLACE_ANY_BUFFER ? place == INGOT_PLACE_ARENA || place == INGOT_PLACE_SCRATCH : wanted == place;
}

const char *ingot__check_part(const ingot__part *part, const ingot_kernel_info *info, const plan_bounds *b, uint64_t *tiles, uint64_t *scratch) {
  uint32_t dim[INGOT_MAX_DIMS] = {0}, least[INGOT_MAX_DIMS] = {0};
  if (info->n_dims != INGOT_DIM_STATIC + part->n_static) return "dims: their number is not the kernel's";
  for (uint32_t d = 0; d < part->n_static; d++) dim[INGOT_DIM_STATIC + d] = least[INGOT_DIM_STATIC + d] = part->dim[d];
  runtime_dims(dim, b->max_tokens, b->n_context);
  runtime_dims(least, 1, INGOT_KV_BLOCK);
  least[INGOT_DIM_POSITION] = 0;
  if (info->max_tokens && b->max_tokens > info->max_tokens) return "the kernel takes fewer tokens than the phase has";
  for (int i = 0; i < INGOT_MAX_LIMITS && info->limit[i].small.scale; i++) {
    uint64_t small = product(info->limit[i].small, dim), large = product(info->limit[i].large, least);
    if (small == UINT64_MAX || small > large) return "dims break a limit of the kernel";
  }
  for (int o = 0; o < INGOT_MAX_OPERANDS; o++) {
    const ingot_operand_info *want = &info->operand[o];
    if ((want->access != 0) != ((uint32_t)o < part->n_operands)) return "operands: their number is not the kernel's";
    if (!want->access) continue;
    uint32_t place = part->place[o];
    if (!place_fits(want->place, place)) return "operand: in a place the kernel does not take";
    if (part->offset[o] % INGOT_ALIGN || part->row_bytes[o] % INGOT_ALIGN) return "operand: not a multiple of 64";
    if (part->row_bytes[o] && place != INGOT_PLACE_ARENA) return "operand: rows of something that is not in the arena";
    bool fits = false;
    switch ((ingot_place)place) {
    case INGOT_PLACE_ARENA: fits = arena_holds(part, o, &want->bytes, dim, b); break;
    case INGOT_PLACE_WEIGHTS:
      if (want->access & INGOT_WRITE) return "operand: weights cannot be written";
      fits = add(part->offset[o], extent(&want->bytes, dim)) <= b->weights_bytes;
      break;
    case INGOT_PLACE_KV: fits = cache_holds(part, o, &want->bytes, dim, b); break;
    case INGOT_PLACE_SCRATCH: fits = add(part->offset[o], extent(&want->bytes, dim)) <= b->private_bytes; break;
    case INGOT_PLACE_ANY_BUFFER: break;
    }
    if (!fits) return "operand: beyond the end of its place";
  }
  *tiles = add(*tiles, extent(&info->tiles, dim));
  uint64_t own = extent(&info->scratch, dim);
  if (own > *scratch) *scratch = own;
  return NULL;
}
