#define _POSIX_C_SOURCE 200809L
#include "driver/kernel_probe.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "ir/format.h"
#include "ir/numerics.h"

enum {
  SHAPES_MOST = 6,               /* the most frequent ones */
  WEIGHT_BYTES = 12 << 20,       /* of a weight: more than the caches of one core hold, so that tiles come from afar as they do in a model */
  TILES_AT_ONCE = 48,            /* of a product in one timed call: some milliseconds; a multiple of most panels */
  POSITION = 1024                /* attention looks back so far, where the context allows */
};

typedef struct shape {
  ingot_kernel_args args;
  uint64_t bytes[INGOT_MAX_OPERANDS];
  uint32_t tiles, all_tiles, at_once, next; /* there, in the model, in a call, and where the next call begins */
  uint32_t calls;
  uint32_t weight;               /* of the plan */
} shape;

struct ig_kernel_probe {
  ig_kernel_ref ref;
  ingot_kernel_info info;
  shape shapes[SHAPES_MOST];
  uint32_t n_shapes;
  void *scratch;
  uint64_t scratch_bytes;
};

/* What operands hold: Activations of the layout, Weights, f32, Half, Turns, or the result (Y). */
static const char *const operands_of[IG_FAMILY_COUNT] = {
  [IG_LINEAR_GEMM] = "AWY",
  [IG_GLU_GEMM] = "AWWY",
  [IG_GEGLU_GEMM] = "AWWY",
  [IG_ATTENTION] = "FHHYF",
  [IG_ATTENTION_CAPPED] = "FHHYF",
  [IG_ATTENTION_DECODE] = "FFFHHTY",
  [IG_ATTENTION_DECODE_CAPPED] = "FFFHHTY",
};

bool ig_probe_knows(const ig_kernel_ref *kernel) { return operands_of[kernel->family] != NULL; }

static uint64_t extent(const ingot_extent *e, const uint32_t *dim) {
  uint64_t sum = 0;
  for (int t = 0; t < INGOT_MAX_TERMS && e->term[t].scale; t++) {
    uint64_t product = e->term[t].scale;
    for (uint32_t d = 0; d < INGOT_MAX_DIMS; d++)
      if (e->term[t].dims >> d & 1) product *= dim[d];
    sum += product;
  }
  return sum;
}

static uint32_t next_random(uint64_t *state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*state >> 32);
}
static float random_float(uint64_t *state) { return (float)(int32_t)next_random(state) * 0x1p-31f; }

/* ---- operands --------------------------------------------------------------------------------------------------------- */

static uint64_t columns(const ig_layout *layout, const uint32_t *dim) {
  return (uint64_t)dim[IG_LIN_UNITS] * layout->unit_values + (uint64_t)dim[IG_LIN_ODD] * layout->odd_values;
}

static void fill_activations(const ig_kernel_ref *ref, const uint32_t *dim, uint8_t *to, uint64_t *state) {
  const ig_layout *layout = ref->layout;
  uint64_t k = columns(layout, dim), row = ig_activation_bytes(layout->activation, k);
  float *values = ig_heap_aligned(INGOT_ALIGN, k * sizeof *values);
  for (uint64_t t = 0; t < (uint64_t)dim[INGOT_DIM_TOKENS] * (uint64_t)ig_digits(ref); t++, to += row) {
    for (uint64_t i = 0; i < k; i++) values[i] = random_float(state);
    if (layout->activation == IG_ACT_F32) memcpy(to, values, k * sizeof *values);
    else (layout->activation == IG_ACT_A32 ? ig_quantize_a32 : ig_quantize_a256)(values, k, to);
  }
  free(values);
}

/* The model's own first rows, packed, again and again. */
static bool fill_weights(const ig_packed_weight *w, const ig_file *file, uint8_t *to, uint64_t bytes, ig_diags *diags) {
  uint32_t units, odd;
  ig_units(w->layout, w->cols, &units, &odd);
  uint64_t tile = (uint64_t)w->layout->unit_bytes * units + (uint64_t)w->layout->odd_bytes * odd, row = w->file_bytes / w->rows;
  uint32_t rows = w->rows < INGOT_ROWS ? (uint32_t)w->rows : INGOT_ROWS;
  uint8_t *source = ig_heap_aligned(INGOT_ALIGN, row * rows);
  bool ok = ig_file_read(file, w->file_offset, source, row * rows, diags) && ig_pack_tile(w->layout, source, rows, w->cols, to);
  for (uint64_t at = tile; ok && at + tile <= bytes; at += tile) memcpy(to + at, to, tile);
  free(source);
  return ok;
}

static bool fill(ig_kernel_probe *p, shape *s, const ig_program_plan *plan, const ig_file *file, ig_diags *diags) {
  uint64_t state = 7;
  const char *kinds = operands_of[p->ref.family];
  for (int i = 0; kinds[i]; i++) {
    s->bytes[i] = extent(&p->info.operand[i].bytes, s->args.dim);
    uint8_t *to = s->args.operand[i] = ig_heap_aligned(INGOT_ALIGN, s->bytes[i]);
    float *floats = s->args.operand[i];
    uint16_t *halves = s->args.operand[i];
    uint64_t *turns = s->args.operand[i];
    switch (kinds[i]) {
    case 'A': fill_activations(&p->ref, s->args.dim, to, &state); break;
    case 'W':
      if (!fill_weights(&plan->weight[s->weight], file, to, s->bytes[i], diags)) return false;
      break;
    case 'F':
      for (uint64_t n = 0; n < s->bytes[i] / 4; n++) floats[n] = random_float(&state);
      break;
    case 'H':
      for (uint64_t n = 0; n < s->bytes[i] / 2; n++) halves[n] = ig_f32_to_f16(random_float(&state));
      break;
    case 'T':
      for (uint64_t n = 0; n < s->bytes[i] / 8; n++) turns[n] = UINT64_MAX / (7 + 13 * n);
      break;
    default: break;
    }
  }
  return true;
}

/* ---- shapes ----------------------------------------------------------------------------------------------------------- */

static void dims_of(shape *s, const ig_program_plan *plan, ig_phase_kind phase, const ig_plan_part *part, bool product) {
  uint32_t *dim = s->args.dim;
  memcpy(dim + INGOT_DIM_STATIC, part->dim, part->n_dims * sizeof *dim);
  dim[INGOT_DIM_TOKENS] = plan->phase[phase].max_tokens;
  dim[INGOT_DIM_CONTEXT] = plan->n_context < POSITION ? plan->n_context : POSITION;
  if (dim[INGOT_DIM_TOKENS] > dim[INGOT_DIM_CONTEXT]) dim[INGOT_DIM_TOKENS] = dim[INGOT_DIM_CONTEXT];
  dim[INGOT_DIM_POSITION] = dim[INGOT_DIM_CONTEXT] - dim[INGOT_DIM_TOKENS];
  dim[INGOT_DIM_BLOCKS] = dim[INGOT_DIM_CONTEXT] / INGOT_KV_BLOCK;
  dim[INGOT_DIM_QUERY_TILES] = (dim[INGOT_DIM_TOKENS] + INGOT_QUERY_TILE - 1) / INGOT_QUERY_TILE;
  if (product) {
    uint64_t tile = plan->weight[s->weight].bytes / dim[IG_LIN_TILES], most = WEIGHT_BYTES / tile + 1;
    s->all_tiles = dim[IG_LIN_TILES];
    if (dim[IG_LIN_TILES] > most) dim[IG_LIN_TILES] = (uint32_t)most;
  }
}

static void add_call(ig_kernel_probe *p, const ig_program_plan *plan, ig_phase_kind phase, const ig_plan_part *part) {
  bool product = p->ref.layout != NULL;
  shape new = {.calls = 1};
  if (product) new.weight = part->operand[1].index;
  dims_of(&new, plan, phase, part, product);
  for (uint32_t i = 0; i < p->n_shapes; i++)
    if (!memcmp(p->shapes[i].args.dim, new.args.dim, sizeof new.args.dim)) {
      p->shapes[i].calls++;
      return;
    }
  if (p->n_shapes == SHAPES_MOST) return;
  new.tiles = (uint32_t)extent(&p->info.tiles, new.args.dim);
  if (!product) new.all_tiles = new.tiles;
  new.at_once = product && new.tiles > TILES_AT_ONCE ? TILES_AT_ONCE : new.tiles;
  p->shapes[p->n_shapes++] = new;
}

ig_kernel_probe *ig_probe_create(const ig_program_plan *plan, const ig_model *model, uint32_t kernel, ig_diags *diags) {
  ig_kernel_probe *p = ig_heap_zeroed(1, sizeof *p);
  p->ref = plan->kernel[kernel].ref;
  p->info = plan->kernel[kernel].info;
  assert(operands_of[p->ref.family]);
  for (int phase = 0; phase < IG_PHASES; phase++)
    for (size_t s = 0; s < plan->phase[phase].n_steps; s++)
      for (uint32_t i = 0; i < plan->phase[phase].step[s].n_parts; i++)
        if (plan->phase[phase].step[s].part[i].kernel == kernel) add_call(p, plan, (ig_phase_kind)phase, &plan->phase[phase].step[s].part[i]);
  bool ok = p->n_shapes > 0;
  for (uint32_t i = 0; ok && i < p->n_shapes; i++) ok = fill(p, &p->shapes[i], plan, &model->file, diags);
  if (ok) return p;
  ig_probe_destroy(p);
  return NULL;
}

void ig_probe_destroy(ig_kernel_probe *p) {
  if (!p) return;
  for (uint32_t s = 0; s < p->n_shapes; s++)
    for (int i = 0; i < INGOT_MAX_OPERANDS; i++) free(p->shapes[s].args.operand[i]);
  free(p->scratch);
  free(p);
}

const char *ig_probe_shapes(const ig_kernel_probe *p, ig_arena *arena) {
  const shape *s = &p->shapes[0];
  const uint32_t *dim = s->args.dim;
  const char *more = p->n_shapes > 1 ? ig_format(arena, " and %u more shapes", p->n_shapes - 1) : "";
  if (p->ref.layout)
    return ig_format(arena, "%u x %llu x %u tokens%s", INGOT_ROWS * s->all_tiles, (unsigned long long)columns(p->ref.layout, dim), dim[INGOT_DIM_TOKENS], more);
  return ig_format(arena, "%u x %u heads of %u, %u token%s from position %u", dim[IG_ATTN_KV_HEADS], dim[IG_ATTN_GROUP], dim[IG_ATTN_HEAD_DIM],
                   dim[INGOT_DIM_TOKENS], dim[INGOT_DIM_TOKENS] == 1 ? "" : "s", dim[INGOT_DIM_POSITION]);
}

double ig_probe_work(const ig_kernel_probe *p) {
  double work = 0;
  for (uint32_t i = 0; i < p->n_shapes && p->ref.layout; i++) {
    const shape *s = &p->shapes[i];
    double one = (double)INGOT_ROWS * s->all_tiles * (double)columns(p->ref.layout, s->args.dim) * s->args.dim[INGOT_DIM_TOKENS];
    work += one * s->calls * (operands_of[p->ref.family][2] == 'W' ? 2 : 1);
  }
  return work;
}

/* ---- code and time ---------------------------------------------------------------------------------------------------- */

bool ig_probe_compile(ig_probe_code *code, const ig_kernel_probe *p, const ig_schedule *schedule, const ig_variant *variant, ig_diags *diags) {
  ig_object object = {0};
  char symbol[128];
  *code = (ig_probe_code){.jit = ig_jit_create("kernel"), .scratch = ig_kernel_scratch(&p->ref, schedule)};
  snprintf(symbol, sizeof symbol, "tune__%s_%s", variant->name, p->info.name);
  bool ok = ig_compile_kernels(ig_platform_find(schedule->target->name), schedule, variant, "tune", &p->ref, 1, IG_FAST, IG_DUMP_NONE, NULL, &object, diags) &&
      ig_jit_add_object(code->jit, object.data, object.size, diags);
  void *address = ok ? ig_jit_symbol(code->jit, symbol, diags) : NULL;
  memcpy(&code->kernel, &address, sizeof address);
  free(object.data);
  if (!address) ig_probe_release(code);
  return address != NULL;
}

void ig_probe_release(ig_probe_code *code) {
  ig_jit_destroy(code->jit);
  *code = (ig_probe_code){0};
}

static void reserve_scratch(ig_kernel_probe *p, const ig_probe_code *code) {
  for (uint32_t i = 0; i < p->n_shapes; i++) {
    uint64_t bytes = extent(&code->scratch, p->shapes[i].args.dim);
    if (bytes <= p->scratch_bytes) continue;
    free(p->scratch);
    p->scratch = ig_heap_aligned(INGOT_ALIGN, bytes);
    p->scratch_bytes = bytes;
  }
}

/* Of this thread alone: a kernel never waits, and what others do with the core meanwhile is not its time. */
static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static double timed(const ig_kernel_probe *p, const shape *s, const ig_probe_code *code) {
  double from = now();
  code->kernel(&s->args, p->scratch, s->next, s->next + s->at_once);
  return now() - from;
}

void ig_probe_pair(ig_kernel_probe *p, const ig_probe_code *a, const ig_probe_code *b, double *seconds_a, double *seconds_b) {
  *seconds_a = *seconds_b = 0;
  reserve_scratch(p, a), reserve_scratch(p, b);
  for (uint32_t i = 0; i < p->n_shapes; i++) {
    shape *s = &p->shapes[i];
    double scale = 0.5 * s->calls * s->all_tiles / s->at_once; /* who is second finds the tiles in the caches: each is once */
    for (int turn = 0; turn < 2; turn++) {
      double first = timed(p, s, turn ? b : a), second = timed(p, s, turn ? a : b);
      *seconds_a += scale * (turn ? second : first);
      *seconds_b += scale * (turn ? first : second);
      s->next = s->next + 2 * s->at_once <= s->tiles ? s->next + s->at_once : 0;
    }
  }
}

bool ig_probe_same(ig_kernel_probe *p, const ig_probe_code *a, const ig_probe_code *b) {
  reserve_scratch(p, a), reserve_scratch(p, b);
  const char *kinds = operands_of[p->ref.family];
  size_t y = (size_t)(strchr(kinds, 'Y') - kinds); /* caches are rewritten with the same values */
  bool same = true;
  for (uint32_t i = 0; i < p->n_shapes && same; i++) {
    shape *s = &p->shapes[i];
    void *kept = ig_heap_aligned(INGOT_ALIGN, s->bytes[y]);
    memset(s->args.operand[y], 0, s->bytes[y]); /* products may add to it */
    a->kernel(&s->args, p->scratch, 0, s->tiles);
    memcpy(kept, s->args.operand[y], s->bytes[y]);
    memset(s->args.operand[y], 0, s->bytes[y]);
    b->kernel(&s->args, p->scratch, 0, s->tiles);
    same = !memcmp(kept, s->args.operand[y], s->bytes[y]);
    free(kept);
  }
  return same;
}
