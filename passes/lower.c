#include "passes/lower.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* A value of the function being lowered: the buffer it lies in. rope and silu have no kernels of their own: they wait here for
 * the attention or product that takes them. */
typedef struct bound {
  ig_value value;
  uint32_t buffer;
  ig_op pending;
} bound;

/* An activation already made from a buffer in its present state. */
typedef struct derived {
  uint32_t source, version, gain, made;
  ig_activation activation;
} derived;

enum { NONE = UINT32_MAX };

typedef struct lowering {
  ig_program_plan *plan;
  ig_arena *arena;
  ig_diags *diags;
  ig_phase_kind kind;
  uint32_t tokens;                 /* the phase's max_tokens */
  bound *bound;
  size_t n_bound, bound_capacity;
  derived *derived;
  size_t n_derived, derived_capacity;
  uint32_t *version;
  size_t version_capacity; /* of buffers: counts writes in place */
} lowering;

static const char *const functions[IG_PHASES] = {"prefill", "decode", "head", "head_rows"};

/* ---- tables ----------------------------------------------------------------------------------------------------------- */

static uint32_t add_buffer(ig_program_plan *p, const char *name, uint64_t row_bytes, uint64_t bytes, uint32_t phase) {
  p->buffer = ig_grow(p->arena, p->buffer, p->n_buffers, &p->buffer_capacity, sizeof *p->buffer);
  p->buffer[p->n_buffers] = (ig_buffer){.name = name, .row_bytes = row_bytes, .bytes = bytes, .phase = phase};
  return (uint32_t)p->n_buffers++;
}

static uint32_t new_rows(lowering *l, const char *name, uint64_t row_bytes) {
  return add_buffer(l->plan, name, row_bytes, row_bytes * l->tokens, (uint32_t)l->kind);
}

static uint32_t kernel_row(ig_program_plan *p, ig_family family, const ig_layout *layout, ig_activation activation) {
  for (size_t i = 0; i < p->n_kernels; i++) {
    const ig_kernel_ref *r = &p->kernel[i].ref;
    if (r->family == family && r->layout == layout && r->activation == activation) return (uint32_t)i;
  }
  p->kernel = ig_grow(p->arena, p->kernel, p->n_kernels, &p->kernel_capacity, sizeof *p->kernel);
  ig_plan_kernel *k = &p->kernel[p->n_kernels];
  k->ref = (ig_kernel_ref){family, layout, activation};
  ig_kernel_info(&k->info, family, layout, activation);
  return (uint32_t)p->n_kernels++;
}

static uint32_t cache(ig_program_plan *p, const char *name, uint32_t planes, uint32_t plane_bytes) {
  for (size_t i = 0; i < p->n_caches; i++)
    if (!strcmp(p->cache[i].name, name)) return (uint32_t)i;
  p->cache = ig_grow(p->arena, p->cache, p->n_caches, &p->cache_capacity, sizeof *p->cache);
  p->cache[p->n_caches] = (ig_cache){
    .name = name, .planes = planes, .plane_bytes = plane_bytes, .position_bytes = ig_round_up((uint64_t)planes * plane_bytes, INGOT_ALIGN)};
  return (uint32_t)p->n_caches++;
}

static uint32_t add_weight(ig_program_plan *p, ig_packed_weight w) {
  p->weight = ig_grow(p->arena, p->weight, p->n_weights, &p->weight_capacity, sizeof *p->weight);
  p->weight[p->n_weights] = w;
  return (uint32_t)p->n_weights++;
}

/* The weight an operand names. A tensor used twice (the tied head) is packed once: it is known by its place in the file. */
static uint32_t weight(lowering *l, ig_value value, ig_weight_kind kind) {
  ig_program_plan *p = l->plan;
  ig_op op = ig_defining_op(value);
  const char *name = ig_attr_string(op, "name", l->arena);
  uint64_t offset = (uint64_t)ig_attr_int(op, "offset");
  for (size_t i = 0; i < p->n_weights; i++) {
    const ig_packed_weight *w = &p->weight[i];
    if (w->kind == kind && w->file_offset == offset && !strcmp(w->name, name)) return (uint32_t)i;
  }
  ig_packed_weight w = {
    .kind = kind, .name = name, .format = ig_weight_format(value, l->arena), .file_offset = offset, .file_bytes = (uint64_t)ig_attr_int(op, "bytes")};
  int rank = ig_rank(value);
  w.rows = rank > 1 ? (uint64_t)ig_dim(value, rank - 2) : 1;
  w.cols = (uint64_t)ig_dim(value, rank - 1);
  w.experts = rank > 2 ? (uint64_t)ig_dim(value, 0) : 0;
  int64_t *parts;
  if (ig_has_attr(op, "parts") && ig_attr_ints(op, "parts", l->arena, &parts)) w.parts = parts;
  if (w.rows > INT32_MAX || w.cols > INT32_MAX || w.experts > UINT16_MAX) { /* dims of kernels are 32 bits */
    ig_error(l->diags, name, "has %llu x %llu values; kernels take at most %d a side", (unsigned long long)w.rows, (unsigned long long)w.cols, INT32_MAX);
    return NONE;
  }
  if (kind == IG_WEIGHT_VECTOR) {
    w.bytes = w.rows * ig_ceil_div(w.cols, 16) * 64;
    return add_weight(p, w);
  }
  const char *layout = ig_weight_layout(value, l->arena);
  w.layout = layout ? ig_layout_in(layout, w.format) : ig_layout_find(w.format);
  uint32_t units, odd;
  if (!w.layout) {
    ig_error(l->diags, name, "has the format %s, for which the target has no kernels", w.format);
    return NONE;
  }
  if (!ig_units(w.layout, w.cols, &units, &odd)) {
    ig_error(l->diags, name, "has rows of %llu values, which do not divide into blocks of %s", (unsigned long long)w.cols, w.format);
    return NONE;
  }
  uint64_t tile = (uint64_t)w.layout->unit_bytes * units + (uint64_t)w.layout->odd_bytes * odd;
  uint64_t tiles = ig_ceil_div(w.rows, INGOT_ROWS);
  w.bytes = tile * tiles; /* 2^31 / 16 tiles of at most 2^31 x 64 bytes */
  if (!ig_mul_u64(w.bytes, ig_matrices(&w), &w.bytes)) {
    ig_error(l->diags, name, "is larger than any machine could map");
    return NONE;
  }
  return add_weight(p, w);
}

static uint32_t rope_table(lowering *l, const int64_t *turns, size_t n) {
  ig_program_plan *p = l->plan;
  uint32_t number = 0;
  for (size_t i = 0; i < p->n_weights; i++) {
    const ig_packed_weight *w = &p->weight[i];
    if (w->kind != IG_WEIGHT_TURNS) continue;
    if (w->cols == n && !memcmp(w->turns, turns, n * sizeof *turns)) return (uint32_t)i;
    number++;
  }
  return add_weight(p,
                    (ig_packed_weight){.kind = IG_WEIGHT_TURNS,
                                       .name = number ? ig_format(l->arena, "rope.turns.%u", number) : "rope.turns",
                                       .format = "u64",
                                       .rows = 1,
                                       .cols = n,
                                       .turns = turns,
                                       .bytes = ig_round_up(8 * n, INGOT_ALIGN)});
}

/* How a rope_table says to rotate; handle NULL: not at all. The operand of no pairs has to lie somewhere: at a table that turns nothing. */
typedef struct turns {
  uint32_t table, pairs, halves;
  float magnitude;
} turns;
static turns turns_of(lowering *l, ig_value value) {
  static const int64_t still[1] = {0};
  if (!value.handle) return (turns){rope_table(l, still, 1), 0, 0, 1};
  ig_op op = ig_defining_op(value);
  int64_t *frequencies;
  size_t n = ig_attr_ints(op, "frequencies", l->arena, &frequencies);
  return (turns){rope_table(l, frequencies, n), (uint32_t)n, ig_has_attr(op, "halves") && ig_attr_int(op, "halves"),
                 ig_has_attr(op, "magnitude") ? (float)ig_attr_float(op, "magnitude") : 1};
}

/* ---- parts ------------------------------------------------------------------------------------------------------------ */

static ig_plan_operand rows(const lowering *l, uint32_t buffer) {
  bool head = l->kind == IG_PHASE_HEAD || l->kind == IG_PHASE_HEAD_ROWS;
  return (ig_plan_operand){INGOT_PLACE_ARENA, buffer, head && buffer == l->plan->hidden};
}
static ig_plan_operand packed(uint32_t w) { return (ig_plan_operand){INGOT_PLACE_WEIGHTS, w, false}; }
static ig_plan_operand kept(uint32_t c) { return (ig_plan_operand){INGOT_PLACE_KV, c, false}; }

#define OPERANDS(...) \
  (int)(sizeof((ig_plan_operand[]){__VA_ARGS__}) / sizeof(ig_plan_operand)), (ig_plan_operand[]) { __VA_ARGS__ }
#define DIMS(...) \
  (int)(sizeof((uint32_t[]){__VA_ARGS__}) / sizeof(uint32_t)), (uint32_t[]) { __VA_ARGS__ }

/* One step of one part. */
static void emit(lowering *l, uint32_t kernel, int n_operands, const ig_plan_operand *operands, int n_dims, const uint32_t *dims) {
  ig_plan_phase *phase = &l->plan->phase[l->kind];
  ig_plan_part *part = ig_alloc(l->arena, sizeof *part);
  part->kernel = kernel;
  part->n_operands = (uint32_t)n_operands;
  memcpy(part->operand, operands, (size_t)n_operands * sizeof *operands);
  part->n_dims = l->plan->kernel[kernel].info.n_dims - INGOT_DIM_STATIC;
  assert((uint32_t)n_dims >= part->n_dims); /* families that share a list of dims may leave out the last */
  memcpy(part->dim, dims, part->n_dims * sizeof *dims);
  phase->step = ig_grow(l->arena, phase->step, phase->n_steps, &phase->capacity, sizeof *phase->step);
  phase->step[phase->n_steps++] = (ig_plan_step){.part = part, .n_parts = 1};
}

static uint32_t version_of(lowering *l, uint32_t buffer) { return buffer < l->version_capacity ? l->version[buffer] : 0; }

static void written_in_place(lowering *l, uint32_t buffer) {
  while (buffer >= l->version_capacity) l->version = ig_grow(l->arena, l->version, l->version_capacity, &l->version_capacity, sizeof *l->version);
  l->version[buffer]++;
}

static uint32_t find_derived(lowering *l, uint32_t source, uint32_t gain, ig_activation activation) {
  for (size_t i = 0; i < l->n_derived; i++) {
    const derived *d = &l->derived[i];
    if (d->source == source && d->gain == gain && d->activation == activation && d->version == version_of(l, source)) return d->made;
  }
  return NONE;
}

static uint32_t keep_derived(lowering *l, uint32_t source, uint32_t gain, ig_activation activation, uint32_t made) {
  l->derived = ig_grow(l->arena, l->derived, l->n_derived, &l->derived_capacity, sizeof *l->derived);
  l->derived[l->n_derived++] = (derived){source, version_of(l, source), gain, made, activation};
  return made;
}

static uint32_t activation_blocks(ig_activation a, uint64_t n) { return (uint32_t)ig_ceil_div(n, ig_activation_block(a)); }

static uint32_t norm(lowering *l, uint32_t x, uint32_t gain, uint32_t pieces, float eps, ig_activation activation) {
  uint32_t known = find_derived(l, x, gain, activation);
  if (known != NONE) return known;
  const ig_packed_weight *g = &l->plan->weight[gain];
  uint32_t n = (uint32_t)g->cols, y = new_rows(l, g->name, ig_activation_bytes(activation, n) * pieces);
  emit(l, kernel_row(l->plan, IG_NORM, NULL, activation), OPERANDS(rows(l, x), packed(gain), rows(l, y)),
       DIMS(activation_blocks(activation, n), n, ig_f32_bits(eps), pieces));
  return keep_derived(l, x, gain, activation, y);
}

/* How many digits of x the products of an op take, as ig_kernel_ref has it; weights of floats take floats. */
static ig_activation digits_of(ig_op op, const ig_packed_weight *w) {
  return ig_has_attr(op, "digits") && ig_attr_int(op, "digits") == 2 ? ig_two_digits(w->layout->activation) : IG_ACT_F32;
}

/* `x` as a linear of this layout takes it: normalised where there is a gain, quantised where the layout asks. */
static uint32_t activation_for(lowering *l, uint32_t x, uint32_t gain, float eps, const ig_packed_weight *w, ig_activation digits) {
  ig_activation activation = digits == IG_ACT_F32 ? w->layout->activation : digits;
  if (gain != NONE) return norm(l, x, gain, 1, eps, activation);
  if (activation == IG_ACT_F32) return x;
  uint32_t known = find_derived(l, x, NONE, activation);
  if (known != NONE) return known;
  uint32_t y = new_rows(l, ig_format(l->arena, "%s.x", w->name), ig_activation_bytes(activation, w->cols));
  emit(l, kernel_row(l->plan, IG_QUANT, NULL, activation), OPERANDS(rows(l, x), rows(l, y)), DIMS(activation_blocks(activation, w->cols)));
  return keep_derived(l, x, NONE, activation, y);
}

static uint32_t row_tiles(const ig_packed_weight *w) { return (uint32_t)ig_ceil_div(w->rows, INGOT_ROWS); }

/* y (=, +=) w x + bias; `y` NONE makes a buffer, `bias` NONE is none. */
static uint32_t linear(lowering *l, uint32_t x, uint32_t w_index, ig_activation digits, uint32_t bias, uint32_t y, uint32_t epilogue) {
  const ig_packed_weight *w = &l->plan->weight[w_index];
  uint32_t units, odd;
  ig_units(w->layout, w->cols, &units, &odd);
  if (y == NONE) y = new_rows(l, w->name, (uint64_t)row_tiles(w) * 64);
  emit(l, kernel_row(l->plan, l->tokens == 1 ? IG_LINEAR_GEMV : IG_LINEAR_GEMM, w->layout, digits),
       OPERANDS(rows(l, x), packed(w_index), rows(l, y), packed(bias != NONE ? bias : w_index)), DIMS(units, odd, row_tiles(w), epilogue, bias != NONE));
  return y;
}

static uint32_t width16(const lowering *l, uint32_t buffer) { return (uint32_t)(l->plan->buffer[buffer].row_bytes / 64); }

/* y = silu(y) * up, or gelu(y) * up */
static void gate_product(lowering *l, uint32_t y, uint32_t up, bool gelu) {
  emit(l, kernel_row(l->plan, gelu ? IG_GEGLU : IG_GLU, NULL, IG_ACT_F32), OPERANDS(rows(l, y), rows(l, up)), DIMS(width16(l, y)));
  written_in_place(l, y);
}

static uint32_t gate_up(lowering *l, ig_op op, const uint32_t x[2], uint32_t gate, uint32_t up, bool gelu) {
  const ig_packed_weight *g = &l->plan->weight[gate], *u = &l->plan->weight[up];
  if (g->layout != u->layout) {
    uint32_t y = linear(l, x[0], gate, digits_of(op, g), NONE, NONE, 0), other = linear(l, x[1], up, digits_of(op, u), NONE, NONE, 0);
    gate_product(l, y, other, gelu);
    return y;
  }
  uint32_t units, odd;
  ig_units(g->layout, g->cols, &units, &odd);
  uint32_t y = new_rows(l, g->name, (uint64_t)row_tiles(g) * 64);
  ig_family family = l->tokens == 1 ? gelu ? IG_GEGLU_GEMV : IG_GLU_GEMV : gelu ? IG_GEGLU_GEMM : IG_GLU_GEMM;
  emit(l, kernel_row(l->plan, family, g->layout, digits_of(op, g)), OPERANDS(rows(l, x[0]), packed(gate), packed(up), rows(l, y)),
       DIMS(units, odd, row_tiles(g)));
  return y;
}

static uint32_t attention(lowering *l, ig_op op, uint32_t q, uint32_t k, uint32_t v, ig_value table, uint32_t sinks) {
  ig_program_plan *p = l->plan;
  uint32_t heads = (uint32_t)ig_attr_int(op, "heads"), kv = (uint32_t)ig_attr_int(op, "kv_heads"), dim = (uint32_t)ig_attr_int(op, "head_dim");
  unsigned layer = (unsigned)ig_attr_int(op, "layer");
  turns t = turns_of(l, table);
  bool capped = ig_has_attr(op, "softcap");
  uint32_t v16 = (dim + 15) / 16, y16 = (heads * dim + 15) / 16;
  uint32_t k_cache = cache(p, ig_format(l->arena, "k.%u", layer), kv, dim * 2);
  uint32_t v_cache = cache(p, ig_format(l->arena, "v.%u", layer), kv, v16 * 32);
  uint32_t y = new_rows(l, ig_format(l->arena, "attention.%u", layer), (uint64_t)y16 * 64);
  uint32_t dims[] = {kv,
                     heads / kv,
                     dim,
                     v16,
                     ig_f32_bits((float)ig_attr_float(op, "scale")),
                     t.pairs,
                     width16(l, q),
                     width16(l, k),
                     width16(l, v),
                     y16,
                     t.halves,
                     ig_f32_bits(t.magnitude),
                     ig_has_attr(op, "window") ? (uint32_t)ig_attr_int(op, "window") : 0,
                     sinks != NONE,
                     capped ? ig_f32_bits((float)ig_attr_float(op, "softcap")) : 0};
  if (sinks == NONE) sinks = t.table; /* something that is there; it is not touched */
  enum { N = sizeof dims / sizeof *dims };
  if (l->tokens > 1) {
    emit(l, kernel_row(p, IG_ROPE_KV, NULL, IG_ACT_F32), OPERANDS(rows(l, q), rows(l, k), rows(l, v), kept(k_cache), kept(v_cache), packed(t.table)), N, dims);
    emit(l, kernel_row(p, capped ? IG_ATTENTION_CAPPED : IG_ATTENTION, NULL, IG_ACT_F32),
         OPERANDS(rows(l, q), kept(k_cache), kept(v_cache), rows(l, y), packed(sinks)), N, dims);
    return y;
  }
  uint64_t partial_bytes = (uint64_t)(p->n_context / INGOT_KV_BLOCK) * heads * (v16 + 1) * 64;
  uint32_t partials = add_buffer(p, ig_format(l->arena, "partials.%u", layer), 0, partial_bytes, (uint32_t)l->kind);
  emit(l, kernel_row(p, capped ? IG_ATTENTION_DECODE_CAPPED : IG_ATTENTION_DECODE, NULL, IG_ACT_F32),
       OPERANDS(rows(l, q), rows(l, k), rows(l, v), kept(k_cache), kept(v_cache), packed(t.table), rows(l, partials)), N, dims);
  emit(l, kernel_row(p, IG_ATTENTION_MERGE, NULL, IG_ACT_F32), OPERANDS(rows(l, partials), rows(l, y), packed(sinks)), N, dims);
  return y;
}

/* ---- experts ---------------------------------------------------------------------------------------------------------- */

typedef struct mixture {
  uint32_t scores, experts, used;
  uint32_t x[2];                   /* as gate and up take it */
  uint32_t gate, up, down, gate_bias, up_bias, down_bias; /* weights; NONE: no bias */
  uint32_t glu[3];                 /* alpha, limit, shift */
} mixture;

static uint32_t choices(lowering *l, const mixture *m) {
  uint32_t y = new_rows(l, ig_format(l->arena, "%s.choices", l->plan->weight[m->gate].name), 128);
  emit(l, kernel_row(l->plan, IG_ROUTE, NULL, IG_ACT_F32), OPERANDS(rows(l, m->scores), rows(l, y)), DIMS(m->experts, m->used, width16(l, m->scores)));
  return y;
}

/* The product of all experts; `groups`: choices or starts; `made`: into this buffer adding with the weights of `slots`, or NONE: a row for each slot. */
static uint32_t experts_linear(lowering *l, const mixture *m, uint32_t x, uint32_t groups, uint32_t slots, uint32_t w_index, uint32_t bias, uint32_t made) {
  const ig_packed_weight *w = &l->plan->weight[w_index];
  uint32_t units, odd, y = made;
  bool many = l->tokens > 1, sums = made != NONE;
  ig_units(w->layout, w->cols, &units, &odd);
  if (!sums) y = new_rows(l, w->name, (uint64_t)row_tiles(w) * 64 * m->used);
  uint32_t kernel = kernel_row(l->plan,
                               sums       ? (many ? IG_EXPERTS_SUM_GEMM : IG_EXPERTS_SUM_GEMV)
                                   : many ? IG_EXPERTS_GEMM
                                          : IG_EXPERTS_GEMV,
                               w->layout, IG_ACT_F32);
  ig_plan_operand operands[] = {
    rows(l, x), rows(l, groups), packed(w_index), rows(l, y), packed(bias != NONE ? bias : w_index), rows(l, many && sums ? slots : x)};
  emit(l, kernel, many && sums ? 6 : 5, operands, DIMS(units, odd, row_tiles(w), m->experts, bias != NONE, m->used));
  return y;
}

/* A product's rows for the next one: gated, and quantised where it asks. In decode into buffers of their own, so that every worker may do it for itself. */
static uint32_t gated(lowering *l, const mixture *m, uint32_t gate, uint32_t up) {
  const ig_packed_weight *g = &l->plan->weight[m->gate], *down = &l->plan->weight[m->down];
  const uint32_t n16 = row_tiles(g) * m->used;
  uint32_t h = l->tokens > 1 ? gate : new_rows(l, ig_format(l->arena, "%s.product", g->name), (uint64_t)n16 * 64);
  emit(l, kernel_row(l->plan, IG_EXPERTS_GLU, NULL, IG_ACT_F32), OPERANDS(rows(l, h), rows(l, gate), rows(l, up)), DIMS(n16, m->glu[0], m->glu[1], m->glu[2]));
  ig_activation activation = down->layout->activation;
  if (activation == IG_ACT_F32) return h;
  uint32_t y = new_rows(l, ig_format(l->arena, "%s.x", down->name), ig_activation_bytes(activation, down->cols) * m->used);
  emit(l, kernel_row(l->plan, IG_QUANT, NULL, activation), OPERANDS(rows(l, h), rows(l, y)), DIMS(activation_blocks(activation, down->cols) * m->used));
  return y;
}

/* One token. The choice is made twice: each time it rides with another step, where a step of its own would be a meeting more. */
static void mixture_of_one(lowering *l, const mixture *m, uint32_t y) {
  uint32_t first = choices(l, m);
  uint32_t gate = experts_linear(l, m, m->x[0], first, NONE, m->gate, m->gate_bias, NONE),
           up = experts_linear(l, m, m->x[1], first, NONE, m->up, m->up_bias, NONE);
  uint32_t second = choices(l, m);
  experts_linear(l, m, gated(l, m, gate, up), second, NONE, m->down, m->down_bias, y);
}

static uint32_t gather(lowering *l, const mixture *m, uint32_t x, uint32_t slots) {
  const ig_buffer *from = &l->plan->buffer[x];
  uint64_t row_bytes = from->row_bytes;
  uint32_t y = new_rows(l, ig_format(l->arena, "%s.slots", from->name), row_bytes * m->used);
  emit(l, kernel_row(l->plan, IG_GATHER, NULL, IG_ACT_F32), OPERANDS(rows(l, x), rows(l, slots), rows(l, y)), DIMS(m->used, (uint32_t)(row_bytes / 8)));
  return y;
}

/* Many tokens: their choices are sorted by expert, so that each expert's weights are read once for all that chose it. */
static void mixture_of_many(lowering *l, const mixture *m, uint32_t y) {
  const char *name = l->plan->weight[m->gate].name;
  uint32_t chosen = choices(l, m), starts = add_buffer(l->plan, ig_format(l->arena, "%s.starts", name), 0, 4 * (uint64_t)m->experts + 4, (uint32_t)l->kind);
  uint32_t slots = new_rows(l, ig_format(l->arena, "%s.rows", name), 8 * (uint64_t)m->used),
           slot_of = new_rows(l, ig_format(l->arena, "%s.slots", name), 4 * (uint64_t)m->used);
  emit(l, kernel_row(l->plan, IG_GROUP, NULL, IG_ACT_F32), OPERANDS(rows(l, chosen), rows(l, starts), rows(l, slots), rows(l, slot_of)),
       DIMS(m->experts, m->used));
  uint32_t x = gather(l, m, m->x[0], slot_of), other = m->x[1] == m->x[0] ? x : gather(l, m, m->x[1], slot_of);
  uint32_t gate = experts_linear(l, m, x, starts, NONE, m->gate, m->gate_bias, NONE), up = experts_linear(l, m, other, starts, NONE, m->up, m->up_bias, NONE);
  experts_linear(l, m, gated(l, m, gate, up), starts, slots, m->down, m->down_bias, y);
}

/* ---- ops -------------------------------------------------------------------------------------------------------------- */

static bound *find(lowering *l, ig_value value) {
  for (size_t i = l->n_bound; i-- > 0;)
    if (ig_same(l->bound[i].value, value)) return &l->bound[i];
  return NULL;
}

static void bind(lowering *l, ig_value value, uint32_t buffer, ig_op pending) {
  l->bound = ig_grow(l->arena, l->bound, l->n_bound, &l->bound_capacity, sizeof *l->bound);
  l->bound[l->n_bound++] = (bound){value, buffer, pending};
}

static bool fail(lowering *l, ig_op op, const char *why) {
  return ig_error(l->diags, ig_location(op, l->arena), "ig.%s in @%s %s", ig_op_name(ig_kind(op)), functions[l->kind], why);
}

/* The buffer of an operand that has to be in memory now. */
static bool use(lowering *l, ig_op op, ig_value value, uint32_t *buffer) {
  const bound *b = find(l, value);
  if (!b) return fail(l, op, "uses a value that no op before it has made");
  if (b->pending.handle) return fail(l, op, "takes the result of a rope, silu or gelu, which only attention and the gate's product can");
  *buffer = b->buffer;
  return true;
}

/* Whether an op may add to the residual where it lies: nothing reads it any more. */
static bool may_add(lowering *l, ig_op op, ig_value residual, bool reads) {
  if (ig_use_count(residual) > 1 && reads) return fail(l, op, "adds to a value that it also reads");
  for (ig_op next = ig_next_op(op); next.handle; next = ig_next_op(next))
    for (int i = 0; i < ig_operand_count(next); i++)
      if (ig_same(ig_operand(next, i), residual)) return fail(l, op, "adds to a value that is read again later");
  return true;
}

static bool lower_fused_linear(lowering *l, ig_op op) {
  static const int roles[] = {IG_ROLE_W0, IG_ROLE_W1, IG_ROLE_W2};
  static const int biases[] = {IG_ROLE_B0, IG_ROLE_B1, IG_ROLE_B2};
  uint32_t x, gain = NONE, w[3], in[3], bias[3] = {NONE, NONE, NONE}, n = 0;
  float eps = 0;
  if (!use(l, op, ig_operand_role(op, IG_ROLE_X), &x)) return false;
  ig_value gain_value = ig_operand_role(op, IG_ROLE_GAIN), residual = ig_operand_role(op, IG_ROLE_RESIDUAL);
  if (gain_value.handle) {
    if ((gain = weight(l, gain_value, IG_WEIGHT_VECTOR)) == NONE) return false;
    eps = (float)ig_attr_float(op, "eps");
  }
  for (int i = 0; i < 3; i++) {
    ig_value value = ig_operand_role(op, roles[i]);
    if (!value.handle) continue;
    ig_value b = ig_operand_role(op, biases[i]);
    if (b.handle && (bias[n] = weight(l, b, IG_WEIGHT_VECTOR)) == NONE) return false;
    w[n] = weight(l, value, IG_WEIGHT_TILES);
    if (w[n++] == NONE) return false;
  }
  for (uint32_t i = 0; i < n; i++) in[i] = activation_for(l, x, gain, eps, &l->plan->weight[w[i]], digits_of(op, &l->plan->weight[w[i]]));
  const char *epilogue = ig_attr_string(op, "epilogue", l->arena);
  if (epilogue && *epilogue == 'g') { /* glu, geglu */
    if (n != 2) return fail(l, op, "has the epilogue of a gate but not two weights");
    bind(l, ig_result(op, 0), gate_up(l, op, in, w[0], w[1], !strcmp(epilogue, "geglu")), (ig_op){0});
    return true;
  }
  uint32_t y = NONE;
  if (residual.handle) {
    if (!use(l, op, residual, &y)) return false;
    if (!may_add(l, op, residual, y == x)) return false;
  }
  for (uint32_t i = 0; i < n; i++)
    bind(l, ig_result(op, (int)i), linear(l, in[i], w[i], digits_of(op, &l->plan->weight[w[i]]), bias[i], y, y != NONE), (ig_op){0});
  if (y != NONE) written_in_place(l, y);
  return true;
}

static bool lower_experts(lowering *l, ig_op op) {
  uint32_t x, y, gain = NONE;
  mixture m = {.experts = (uint32_t)ig_dim(ig_operand_role(op, IG_EXPERTS_SCORES), 1), .used = (uint32_t)ig_attr_int(op, "used")};
  ig_value residual = ig_operand_role(op, IG_EXPERTS_RESIDUAL), gain_value = ig_operand_role(op, IG_EXPERTS_GAIN);
  if (!use(l, op, ig_operand_role(op, IG_EXPERTS_X), &x) || !use(l, op, ig_operand_role(op, IG_EXPERTS_SCORES), &m.scores) || !use(l, op, residual, &y))
    return false;
  uint32_t *weights[] = {&m.gate, &m.up, &m.down}, *biases[] = {&m.gate_bias, &m.up_bias, &m.down_bias};
  for (int i = 0; i < 3; i++) {
    ig_value bias = ig_operand_role(op, (int)IG_EXPERTS_GATE_BIAS + i);
    *biases[i] = NONE;
    if ((*weights[i] = weight(l, ig_operand_role(op, (int)IG_EXPERTS_GATE + i), IG_WEIGHT_TILES)) == NONE) return false;
    if (bias.handle && (*biases[i] = weight(l, bias, IG_WEIGHT_VECTOR)) == NONE) return false;
  }
  if (gain_value.handle && (gain = weight(l, gain_value, IG_WEIGHT_VECTOR)) == NONE) return false;
  bool clamped = ig_has_attr(op, "alpha");
  m.glu[0] = ig_f32_bits(clamped ? (float)ig_attr_float(op, "alpha") : 1);
  m.glu[1] = ig_f32_bits(clamped ? (float)ig_attr_float(op, "limit") : INFINITY);
  m.glu[2] = ig_f32_bits(clamped);
  if (!may_add(l, op, residual, y == x && gain == NONE)) return false;
  const float eps = gain == NONE ? 0 : (float)ig_attr_float(op, "eps");
  for (int i = 0; i < 2; i++) m.x[i] = activation_for(l, x, gain, eps, &l->plan->weight[i ? m.up : m.gate], IG_ACT_F32);
  (l->tokens > 1 ? mixture_of_many : mixture_of_one)(l, &m, y);
  written_in_place(l, y);
  bind(l, ig_result(op, 0), y, (ig_op){0});
  return true;
}

/* `q` or `k`: the buffer, and the table of the rope that waited, or none. */
static bool take_rope(lowering *l, ig_op op, ig_value value, uint32_t *buffer, ig_value *table) {
  bound *b = find(l, value);
  *table = (ig_value){0};
  if (!b || !b->pending.handle || ig_kind(b->pending) != IG_OP_rope) return use(l, op, value, buffer);
  *buffer = b->buffer;
  *table = ig_operand(b->pending, 2);
  return true;
}

static bool lower_attention(lowering *l, ig_op op) {
  uint32_t q, k, v;
  ig_value table, other;
  if (!use(l, op, ig_operand(op, 2), &v) || !take_rope(l, op, ig_operand(op, 0), &q, &table) || !take_rope(l, op, ig_operand(op, 1), &k, &other)) return false;
  if (!ig_same(table, other)) return fail(l, op, "has no kernel unless its q and k come from ropes of one table, or both from none");
  if (ig_kind(op) == IG_OP_rope_attention && table.handle) return fail(l, op, "turns q and k that a rope has turned already");
  if (ig_kind(op) == IG_OP_rope_attention) table = ig_operand(op, 4);
  int at = ig_kind(op) == IG_OP_rope_attention ? 5 : 4;
  uint32_t sinks = NONE;
  if (ig_operand_count(op) > at && (sinks = weight(l, ig_operand(op, at), IG_WEIGHT_VECTOR)) == NONE) return false;
  bind(l, ig_result(op, 0), attention(l, op, q, k, v, table, sinks), (ig_op){0});
  return true;
}

static bool lower_rms_norm(lowering *l, ig_op op) {
  uint32_t x, y, w;
  if (!use(l, op, ig_operand(op, 0), &x)) return false;
  if ((w = weight(l, ig_operand(op, 1), IG_WEIGHT_VECTOR)) == NONE) return false;
  const ig_packed_weight *gain = &l->plan->weight[w];
  uint32_t n = (uint32_t)gain->cols, pieces = (uint32_t)((uint64_t)ig_dim(ig_operand(op, 0), 1) / n);
  float eps = (float)ig_attr_float(op, "eps");
  if (pieces > 1 && n % 16) return fail(l, op, "normalises pieces that are no multiple of 16 values, for which there is no kernel");
  if (ig_operand_count(op) == 2) {
    bind(l, ig_result(op, 0), norm(l, x, w, pieces, eps, IG_ACT_F32), (ig_op){0});
    return true;
  }
  if (!use(l, op, ig_operand(op, 2), &y) || !may_add(l, op, ig_operand(op, 2), y == x)) return false;
  emit(l, kernel_row(l->plan, IG_NORM_ADD, NULL, IG_ACT_F32), OPERANDS(rows(l, x), packed(w), rows(l, y)),
       DIMS(activation_blocks(IG_ACT_F32, n), n, ig_f32_bits(eps), pieces));
  written_in_place(l, y);
  bind(l, ig_result(op, 0), y, (ig_op){0});
  return true;
}

/* Works in place. */
static bool lower_point(lowering *l, ig_op op) {
  uint32_t x;
  bool scale = ig_kind(op) == IG_OP_scale;
  if (!use(l, op, ig_operand(op, 0), &x)) return false;
  if (ig_use_count(ig_operand(op, 0)) > 1) return fail(l, op, "works in place, but the value before it is used elsewhere too");
  emit(l, kernel_row(l->plan, scale ? IG_SCALE : IG_SOFTCAP, NULL, IG_ACT_F32), OPERANDS(rows(l, x)),
       DIMS(width16(l, x), ig_f32_bits((float)ig_attr_float(op, scale ? "factor" : "cap"))));
  written_in_place(l, x);
  bind(l, ig_result(op, 0), x, (ig_op){0});
  return true;
}

static bool lower_op(lowering *l, ig_op op) {
  uint32_t x, w;
  ig_program_plan *p = l->plan;
  switch (ig_kind(op)) {
  case IG_OP_weight:
  case IG_OP_rope_table: return true; /* their users fetch them */
  case IG_OP_embed: {
    if (!use(l, op, ig_operand(op, 0), &x)) return false;
    if ((w = weight(l, ig_operand(op, 1), IG_WEIGHT_TILES)) == NONE) return false;
    const ig_packed_weight *table = &p->weight[w];
    uint32_t units, odd;
    ig_units(table->layout, table->cols, &units, &odd);
    emit(l, kernel_row(p, IG_EMBED, table->layout, IG_ACT_F32), OPERANDS(rows(l, x), packed(w), rows(l, p->hidden)), DIMS(units, odd, row_tiles(table)));
    bind(l, ig_result(op, 0), p->hidden, (ig_op){0});
    return true;
  }
  case IG_OP_rms_norm: return lower_rms_norm(l, op);
  case IG_OP_linear:
    if (!use(l, op, ig_operand(op, 0), &x) || (w = weight(l, ig_operand(op, 1), IG_WEIGHT_TILES)) == NONE) return false;
    uint32_t bias = NONE;
    if (ig_operand_count(op) > 2 && (bias = weight(l, ig_operand(op, 2), IG_WEIGHT_VECTOR)) == NONE) return false;
    ig_activation digits = digits_of(op, &p->weight[w]);
    bind(l, ig_result(op, 0), linear(l, activation_for(l, x, NONE, 0, &p->weight[w], digits), w, digits, bias, NONE, 0), (ig_op){0});
    return true;
  case IG_OP_fused_linear: return lower_fused_linear(l, op);
  case IG_OP_experts: return lower_experts(l, op);
  case IG_OP_attention:
  case IG_OP_rope_attention: return lower_attention(l, op);
  case IG_OP_scale:
  case IG_OP_softcap: return lower_point(l, op);
  case IG_OP_rope:
  case IG_OP_silu:
  case IG_OP_gelu: /* their kernels work in place, so the value before must have no other reader */
    if (!use(l, op, ig_operand(op, 0), &x)) return false;
    if (ig_use_count(ig_operand(op, 0)) > 1) return fail(l, op, "works in place, but the value before it is used elsewhere too");
    bind(l, ig_result(op, 0), x, op);
    return true;
  case IG_OP_mul: {
    const bound *gate = find(l, ig_operand(op, 0));
    bool second = !gate || !gate->pending.handle;
    if (second) gate = find(l, ig_operand(op, 1));
    if (!gate || !gate->pending.handle || ig_kind(gate->pending) == IG_OP_rope)
      return fail(l, op, "has no kernel unless one of its operands is a silu or gelu");
    uint32_t y = gate->buffer;
    bool gelu = ig_kind(gate->pending) == IG_OP_gelu;
    if (!use(l, op, ig_operand(op, !second), &x)) return false;
    gate_product(l, y, x, gelu);
    bind(l, ig_result(op, 0), y, (ig_op){0});
    return true;
  }
  default: return fail(l, op, "has no kernel: the pass fuse should have joined it to a linear");
  }
}

static bool lower_phase(ig_program_plan *plan, ig_module module, ig_phase_kind kind, ig_diags *diags) {
  lowering l = {.plan = plan, .arena = plan->arena, .diags = diags, .kind = kind, .tokens = plan->phase[kind].max_tokens};
  ig_op function = ig_function_find(module, functions[kind]);
  if (!function.handle) return ig_error(diags, "lower", "the graph has no function @%s; run the pass split first", functions[kind]);
  bool head = kind >= IG_PHASE_HEAD, ok = true;
  bind(&l, ig_function_argument(function, 0), head ? plan->hidden : plan->tokens, (ig_op){0});
  for (ig_op op = ig_first_op(function); op.handle; op = ig_next_op(op)) ok &= lower_op(&l, op);
  if (!ok) return false;
  const bound *result = find(&l, ig_function_result(function));
  uint32_t want = head ? plan->logits : plan->hidden;
  if (!result || result->pending.handle) return ig_error(diags, "lower", "@%s returns what it does not make", functions[kind]);
  if (result->buffer == want) return true;
  const ig_buffer *from = &plan->buffer[result->buffer], *to = &plan->buffer[want];
  if (!head || from->row_bytes != to->row_bytes)
    return ig_error(diags, "lower", "@%s does not end in the %s", functions[kind], head ? "logits of the vocabulary" : "rows that the embedding began");
  for (size_t s = 0; s < plan->phase[kind].n_steps; s++) { /* the head's last linear writes the logits */
    ig_plan_part *part = plan->phase[kind].step[s].part;
    for (uint32_t i = 0; i < part->n_operands; i++)
      if (part->operand[i].place == INGOT_PLACE_ARENA && part->operand[i].index == result->buffer) part->operand[i].index = want;
  }
  return true;
}

/* Sizes of the buffers that outlive a phase, from the graph's own shapes. */
static bool shared_buffers(ig_program_plan *plan, ig_module module, ig_diags *diags) {
  ig_op decode = ig_function_find(module, "decode"), head = ig_function_find(module, "head");
  if (!decode.handle || !head.handle) return ig_error(diags, "lower", "the graph has no @decode and @head; run the pass split first");
  ig_value hidden = ig_function_result(decode), logits = ig_function_result(head);
  int64_t n_embd = ig_dim(hidden, 1), n_vocab = ig_dim(logits, 1);
  if (n_embd < 1 || n_vocab < 1 || n_embd > INT32_MAX / 8 || n_vocab > INT32_MAX / 8)
    return ig_error(diags, "lower", "the width of the model or its vocabulary is out of range");
  uint64_t hidden_row = ig_ceil_div((uint64_t)n_embd, 16) * 64, logits_row = ig_ceil_div((uint64_t)n_vocab, 16) * 64;
  uint64_t slice = (UINT64_C(1) << 20) / logits_row, most = plan->chunk < 16 ? plan->chunk : 16;
  slice = slice < 1 ? 1 : slice > most ? most : slice;
  plan->phase[IG_PHASE_PREFILL].max_tokens = plan->chunk;
  plan->phase[IG_PHASE_DECODE].max_tokens = plan->phase[IG_PHASE_HEAD].max_tokens = 1;
  plan->phase[IG_PHASE_HEAD_ROWS].max_tokens = (uint32_t)slice;
  plan->tokens = add_buffer(plan, "tokens", 4, (uint64_t)4 * plan->chunk, IG_PHASES);
  plan->hidden = add_buffer(plan, "hidden", hidden_row, hidden_row * plan->chunk, IG_PHASES);
  plan->logits = add_buffer(plan, "logits", logits_row, logits_row * slice, IG_PHASES);
  return true;
}

bool ig_lower(ig_module module, const ig_lower_options *options, ig_arena *arena, ig_program_plan *plan, ig_diags *diags) {
  assert(options->n_context % INGOT_KV_BLOCK == 0 && options->n_context && options->chunk);
  plan->arena = arena;
  plan->n_context = options->n_context;
  plan->chunk = options->chunk;
  if (!shared_buffers(plan, module, diags)) return false;
  /* Decode first: the weights file follows the order in which a token reads it. */
  static const ig_phase_kind order[IG_PHASES] = {IG_PHASE_DECODE, IG_PHASE_HEAD, IG_PHASE_PREFILL, IG_PHASE_HEAD_ROWS};
  bool ok = true;
  for (int i = 0; i < IG_PHASES; i++) ok &= lower_phase(plan, module, order[i], diags);
  return ok;
}

bool ig_make_plan(ig_module module, const ig_lower_options *options, ig_arena *arena, ig_program_plan *plan, ig_diags *diags) {
  if (!ig_lower(module, options, arena, plan, diags)) return false;
  ig_order_steps(plan);
  return ig_plan_memory(plan, diags) && ig_check_plan(plan, diags);
}
