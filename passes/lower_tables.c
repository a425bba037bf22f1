/* Entries of the plan's tables: buffers, kernels, caches, weights. */
#include "passes/lower_state.h"

#include <string.h>

uint32_t low_buffer(ig_program_plan *p, const char *name, uint64_t row_bytes, uint64_t bytes, uint32_t phase) {
  p->buffer = ig_grow(p->arena, p->buffer, p->n_buffers, &p->buffer_capacity, sizeof *p->buffer);
  p->buffer[p->n_buffers] = (ig_buffer){.name = name, .row_bytes = row_bytes, .bytes = bytes, .phase = phase};
  return (uint32_t)p->n_buffers++;
}

uint32_t low_rows(lowering *l, const char *name, uint64_t row_bytes) { return low_buffer(l->plan, name, row_bytes, row_bytes * l->tokens, (uint32_t)l->kind); }

uint32_t low_kernel(ig_program_plan *p, ig_family family, const ig_layout *layout, ig_activation activation) {
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

uint32_t low_cache(ig_program_plan *p, const char *name, uint32_t planes, uint32_t plane_bytes) {
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
uint32_t low_weight(lowering *l, ig_value value, ig_weight_kind kind) {
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

rope_turns low_turns(lowering *l, ig_value value) {
  static const int64_t still[1] = {0};
  if (!value.handle) return (rope_turns){rope_table(l, still, 1), 0, 0, 1};
  ig_op op = ig_defining_op(value);
  int64_t *frequencies;
  size_t n = ig_attr_ints(op, "frequencies", l->arena, &frequencies);
  return (rope_turns){rope_table(l, frequencies, n), (uint32_t)n, ig_has_attr(op, "halves") && ig_attr_int(op, "halves"),
                      ig_has_attr(op, "magnitude") ? (float)ig_attr_float(op, "magnitude") : 1};
}
