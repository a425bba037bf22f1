#include "ir/eval.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "ir/format.h"
#include "ir/numerics.h"
#include "ir/reference.h"

/* A value of the function. Rows live from the op that makes them to their last use. */
typedef struct slot {
  ig_value value;
  size_t columns;
  size_t last_use;  /* index of a step; SIZE_MAX: the result, kept */
  float *rows;
} slot;

typedef struct cache {
  float *k, *v; /* [position][kv_heads * head_dim] */
} cache;

enum { NONE = -1, IN = IG_EXPERTS_ROLES, OUT = 3 };

typedef struct step {
  ig_op op;
  ig_op_kind kind;
  int in[IN], out[OUT]; /* slots; of a fused_linear and of experts by role */
} step;

struct ig_eval {
  ig_arena arena;
  ig_eval_source source;
  step *steps;
  slot *slots;
  size_t n_steps, n_slots, step_capacity, slot_capacity;
  int result;
  cache *caches;
  size_t n_caches;
  uint32_t context, position;
  bool exact;
};

/* ---- create ----------------------------------------------------------------------------------------------------------- */

static int find(const ig_eval *e, ig_value value) {
  for (size_t i = e->n_slots; i-- > 0;) /* most uses are near */
    if (ig_same(e->slots[i].value, value)) return (int)i;
  return NONE;
}

static int add_slot(ig_eval *e, ig_value value) {
  e->slots = ig_grow(&e->arena, e->slots, e->n_slots, &e->slot_capacity, sizeof *e->slots);
  int rank = ig_rank(value);
  e->slots[e->n_slots] = (slot){.value = value, .columns = rank == 2 && ig_dim(value, 0) < 0 ? (size_t)ig_dim(value, 1) : 0};
  return (int)e->n_slots++;
}

static void add_step(ig_eval *e, ig_op op) {
  e->steps = ig_grow(&e->arena, e->steps, e->n_steps, &e->step_capacity, sizeof *e->steps);
  step *s = &e->steps[e->n_steps];
  *s = (step){.op = op, .kind = ig_kind(op)};
  const int roles = s->kind == IG_OP_fused_linear ? (int)IG_ROLES : s->kind == IG_OP_experts ? (int)IG_EXPERTS_ROLES : 0;
  for (int i = 0; i < IN; i++) {
    ig_value v = {0};
    if (roles) v = i < roles ? ig_operand_role(op, i) : v;
    else if (i < ig_operand_count(op)) v = ig_operand(op, i);
    s->in[i] = v.handle ? find(e, v) : NONE;
    if (s->in[i] != NONE) e->slots[s->in[i]].last_use = e->n_steps;
  }
  for (int i = 0; i < OUT; i++) {
    s->out[i] = i < ig_result_count(op) ? add_slot(e, ig_result(op, i)) : NONE;
    if (s->out[i] != NONE) e->slots[s->out[i]].last_use = e->n_steps;
  }
  e->n_steps++;
}

static void add_caches(ig_eval *e) {
  for (size_t i = 0; i < e->n_steps; i++) {
    if (!ig_has_effect(e->steps[i].kind)) continue;
    int64_t layer = ig_attr_int(e->steps[i].op, "layer");
    if ((size_t)layer >= e->n_caches) e->n_caches = (size_t)layer + 1;
  }
  e->caches = ig_alloc_array(&e->arena, e->n_caches, sizeof *e->caches);
  for (size_t i = 0; i < e->n_steps; i++) {
    if (!ig_has_effect(e->steps[i].kind)) continue;
    cache *c = &e->caches[ig_attr_int(e->steps[i].op, "layer")];
    size_t n = e->slots[e->steps[i].in[1]].columns * e->context;
    c->k = ig_alloc_array(&e->arena, n, sizeof *c->k);
    c->v = ig_alloc_array(&e->arena, n, sizeof *c->v);
  }
}

ig_eval *ig_eval_create(ig_module module, const char *function, const ig_eval_source *source, uint32_t context, ig_diags *diags) {
  ig_op f = ig_function_find(module, function);
  if (!f.handle) {
    ig_error(diags, "eval", "the module has no @%s", function);
    return NULL;
  }
  ig_eval *e = ig_heap_zeroed(1, sizeof *e);
  e->source = *source;
  e->context = context;
  add_slot(e, ig_function_argument(f, 0));
  for (ig_op op = ig_first_op(f); op.handle; op = ig_next_op(op)) add_step(e, op);
  e->result = find(e, ig_function_result(f));
  if (e->result == NONE || !e->slots[e->result].columns) {
    ig_error(diags, "eval", "@%s does not return rows", function);
    ig_eval_destroy(e);
    return NULL;
  }
  e->slots[e->result].last_use = SIZE_MAX;
  add_caches(e);
  return e;
}

static void drop(slot *s) {
  free(s->rows);
  s->rows = NULL;
}

void ig_eval_destroy(ig_eval *e) {
  if (!e) return;
  for (size_t i = 0; i < e->n_slots; i++) drop(&e->slots[i]);
  ig_arena_finish(&e->arena);
  free(e);
}

size_t ig_eval_columns(const ig_eval *e) { return e->slots[e->result].columns; }

void ig_eval_exact(ig_eval *e) { e->exact = true; }

void ig_eval_rewind(ig_eval *e, uint32_t position) {
  assert(position <= e->position);
  e->position = position;
}

/* ---- weights ---------------------------------------------------------------------------------------------------------- */

/* What a run needs beside the evaluator. */
typedef struct run {
  ig_eval *e;
  ig_arena arena;   /* of one step */
  ig_diags *diags;
  const uint32_t *tokens;
  size_t n;
} run;

typedef struct weight {
  const char *name;
  const ig_block_format *format;
  size_t rows, columns, row_bytes;
  uint64_t offset;
  const int64_t *parts; /* of experts: where each lies, or NULL: one after another */
  size_t experts;       /* 0: not theirs */
} weight;

static weight weight_of(run *r, int index) {
  ig_value v = r->e->slots[index].value;
  ig_op op = ig_defining_op(v);
  int rank = ig_rank(v);
  weight w = {.name = ig_attr_string(op, "name", &r->arena),
              .format = ig_format_find(ig_weight_format(v, &r->arena)),
              .rows = rank > 1 ? (size_t)ig_dim(v, rank - 2) : 1,
              .columns = (size_t)ig_dim(v, rank - 1),
              .offset = (uint64_t)ig_attr_int(op, "offset"),
              .experts = rank == 3 ? (size_t)ig_dim(v, 0) : 0};
  w.row_bytes = w.columns / w.format->block_values * w.format->block_bytes;
  int64_t *parts;
  if (w.experts && ig_has_attr(op, "parts") && ig_attr_ints(op, "parts", &r->arena, &parts)) w.parts = parts;
  return w;
}

static bool read_rows(run *r, const weight *w, size_t first, size_t n, void *to) {
  if (r->e->source.read(r->e->source.user, w->name, w->offset + first * w->row_bytes, n * w->row_bytes, to)) return true;
  return ig_error(r->diags, w->name, "cannot read the weight");
}

/* The matrix of one expert. */
static weight expert_of(weight w, size_t expert) {
  w.offset = w.parts ? (uint64_t)w.parts[expert] : w.offset + expert * w.rows * w.row_bytes;
  return w;
}

/* One row as floats. */
static const float *read_row(run *r, int index, size_t row) {
  weight w = weight_of(r, index);
  float *values = ig_alloc_array(&r->arena, w.columns, sizeof *values);
  uint8_t *bytes = ig_alloc(&r->arena, w.row_bytes);
  if (!read_rows(r, &w, row, 1, bytes)) return NULL;
  w.format->decode(w.format, bytes, values, w.columns);
  return values;
}

static const float *read_vector(run *r, int index) { return read_row(r, index, 0); }

static float kept(const run *r, float x) { return r->e->exact ? x : ig_f16_to_f32(ig_kv_f16(x)); }

/* ---- ops -------------------------------------------------------------------------------------------------------------- */

static float *rows_of(run *r, int index) { return index == NONE ? NULL : r->e->slots[index].rows; }
static size_t columns_of(run *r, int index) { return r->e->slots[index].columns; }

static int digits(const run *r, const step *s) {
  if (r->e->exact) return 0;
  return ig_has_attr(s->op, "digits") ? (int)ig_attr_int(s->op, "digits") : 1;
}

static bool multiply(run *r, const weight *w, const float *x, size_t tokens, const float *bias, float *y, bool add, int digits) {
  size_t most = ((size_t)1 << 20) / w->row_bytes + 1;
  uint8_t *bytes = ig_alloc(&r->arena, (most < w->rows ? most : w->rows) * w->row_bytes);
  for (size_t first = 0; first < w->rows; first += most) {
    size_t n = w->rows - first < most ? w->rows - first : most;
    if (!read_rows(r, w, first, n, bytes)) return false;
    ig_ref_linear(w->format, bytes, n, w->columns, x, tokens, y + first, w->rows, bias ? bias + first : NULL, add, digits);
  }
  return true;
}

static bool product(run *r, const step *s, const float *x, int w_index, int b_index, float *y, bool add) {
  weight w = weight_of(r, w_index);
  const float *bias = b_index == NONE ? NULL : read_vector(r, b_index);
  return (b_index == NONE || bias) && multiply(r, &w, x, r->n, bias, y, add, digits(r, s));
}

static bool do_embed(run *r, const step *s) {
  weight w = weight_of(r, s->in[1]);
  uint8_t *bytes = ig_alloc(&r->arena, w.row_bytes);
  for (size_t t = 0; t < r->n; t++) {
    size_t id = r->tokens[t] < w.rows ? r->tokens[t] : w.rows - 1;
    if (!read_rows(r, &w, id, 1, bytes)) return false;
    w.format->decode(w.format, bytes, rows_of(r, s->out[0]) + t * w.columns, w.columns);
  }
  return true;
}

static bool normalise(run *r, const float *x, size_t columns, int gain, float eps, float *y) {
  const float *g = read_vector(r, gain);
  size_t n = (size_t)ig_dim(r->e->slots[gain].value, 0); /* of a piece */
  for (size_t at = 0; at < r->n * columns && g; at += n) ig_ref_rms_norm(x + at, g, n, eps, y + at);
  return g != NULL;
}

static bool do_rms_norm(run *r, const step *s) {
  size_t columns = columns_of(r, s->in[0]);
  const float *residual = rows_of(r, s->in[2]);
  float *y = rows_of(r, s->out[0]);
  if (!normalise(r, rows_of(r, s->in[0]), columns, s->in[1], (float)ig_attr_float(s->op, "eps"), y)) return false;
  for (size_t i = 0; residual && i < r->n * columns; i++) y[i] = residual[i] + y[i];
  return true;
}

static bool do_linear(run *r, const step *s) { return product(r, s, rows_of(r, s->in[0]), s->in[1], s->in[2], rows_of(r, s->out[0]), false); }

static bool do_fused_linear(run *r, const step *s) {
  size_t k = columns_of(r, s->in[IG_ROLE_X]), n = r->n * columns_of(r, s->out[0]);
  const float *x = rows_of(r, s->in[IG_ROLE_X]);
  if (s->in[IG_ROLE_GAIN] != NONE) {
    float *normal = ig_alloc_array(&r->arena, r->n * k, sizeof *normal);
    if (!normalise(r, x, k, s->in[IG_ROLE_GAIN], (float)ig_attr_float(s->op, "eps"), normal)) return false;
    x = normal;
  }
  float *y = rows_of(r, s->out[0]);
  const float *residual = rows_of(r, s->in[IG_ROLE_RESIDUAL]);
  if (residual) memcpy(y, residual, n * sizeof *y);
  if (!product(r, s, x, s->in[IG_ROLE_W0], s->in[IG_ROLE_B0], y, residual != NULL)) return false;
  if (s->out[1] == NONE && s->in[IG_ROLE_W1] != NONE) { /* glu */
    float *up = ig_alloc_array(&r->arena, n, sizeof *up);
    if (!product(r, s, x, s->in[IG_ROLE_W1], NONE, up, false)) return false;
    ig_ref_glu(y, up, n, !strcmp(ig_attr_string(s->op, "epilogue", &r->arena), "geglu"), y);
    return true;
  }
  for (int i = 1; i < OUT; i++)
    if (s->out[i] != NONE && !product(r, s, x, s->in[IG_ROLE_W0 + i], s->in[IG_ROLE_B0 + i], rows_of(r, s->out[i]), false)) return false;
  return true;
}

/* y = the product of one expert's matrix of role `role` with a row, and its bias. */
static bool expert_product(run *r, const step *s, int role, size_t expert, const float *x, float *y) {
  weight w = expert_of(weight_of(r, s->in[role]), expert);
  int b = s->in[IG_EXPERTS_GATE_BIAS + role - IG_EXPERTS_GATE];
  const float *bias = b == NONE ? NULL : read_row(r, b, expert);
  return (b == NONE || bias) && multiply(r, &w, x, 1, bias, y, false, digits(r, s));
}

static bool do_experts(run *r, const step *s) {
  size_t k = columns_of(r, s->in[IG_EXPERTS_X]), experts = columns_of(r, s->in[IG_EXPERTS_SCORES]), columns = columns_of(r, s->out[0]),
         used = (size_t)ig_attr_int(s->op, "used");
  size_t inner = (size_t)ig_dim(r->e->slots[s->in[IG_EXPERTS_GATE]].value, 1);
  const float *x = rows_of(r, s->in[IG_EXPERTS_X]);
  if (s->in[IG_EXPERTS_GAIN] != NONE) {
    float *normal = ig_alloc_array(&r->arena, r->n * k, sizeof *normal);
    if (!normalise(r, x, k, s->in[IG_EXPERTS_GAIN], (float)ig_attr_float(s->op, "eps"), normal)) return false;
    x = normal;
  }
  bool clamped = ig_has_attr(s->op, "alpha");
  const ig_ref_gate how = {clamped ? (float)ig_attr_float(s->op, "alpha") : 1, clamped ? (float)ig_attr_float(s->op, "limit") : INFINITY, clamped};
  float *gate = ig_alloc_array(&r->arena, inner, sizeof *gate), *up = ig_alloc_array(&r->arena, inner, sizeof *up),
        *v = ig_alloc_array(&r->arena, columns, sizeof *v);
  memcpy(rows_of(r, s->out[0]), rows_of(r, s->in[IG_EXPERTS_RESIDUAL]), r->n * columns * sizeof(float));
  for (size_t t = 0; t < r->n; t++) {
    uint32_t ids[IG_EXPERTS_MOST];
    float weights[IG_EXPERTS_MOST], *y = rows_of(r, s->out[0]) + t * columns;
    ig_ref_route(rows_of(r, s->in[IG_EXPERTS_SCORES]) + t * experts, experts, used, ids, weights);
    for (size_t i = 0; i < used; i++) {
      if (!expert_product(r, s, IG_EXPERTS_GATE, ids[i], x + t * k, gate) || !expert_product(r, s, IG_EXPERTS_UP, ids[i], x + t * k, up)) return false;
      ig_ref_experts_glu(gate, up, inner, &how, gate);
      if (!expert_product(r, s, IG_EXPERTS_DOWN, ids[i], gate, v)) return false;
      for (size_t c = 0; c < columns; c++) y[c] = fmaf(weights[i], v[c], y[c]);
    }
  }
  return true;
}

static void rotate(run *r, float *x, size_t columns, size_t head_dim, int table) {
  int64_t *frequencies;
  ig_op op = ig_defining_op(r->e->slots[table].value);
  ig_ref_turns turns = {.pairs = ig_attr_ints(op, "frequencies", &r->arena, &frequencies),
                        .halves = ig_has_attr(op, "halves") && ig_attr_int(op, "halves"),
                        .magnitude = ig_has_attr(op, "magnitude") ? (float)ig_attr_float(op, "magnitude") : 1};
  turns.frequencies = (const uint64_t *)frequencies;
  for (size_t t = 0; t < r->n; t++) ig_ref_rope(x + t * columns, columns / head_dim, head_dim, &turns, r->e->position + t);
}

static bool do_rope(run *r, const step *s) {
  size_t columns = columns_of(r, s->in[0]);
  memcpy(rows_of(r, s->out[0]), rows_of(r, s->in[0]), r->n * columns * sizeof(float));
  rotate(r, rows_of(r, s->out[0]), columns, (size_t)ig_attr_int(s->op, "head_dim"), s->in[2]);
  return true;
}

static float *copy(run *r, int index) {
  size_t n = r->n * columns_of(r, index);
  float *to = ig_alloc_array(&r->arena, n, sizeof *to);
  memcpy(to, rows_of(r, index), n * sizeof *to);
  return to;
}

static bool do_attention(run *r, const step *s) {
  ig_ref_heads shape = {.heads = (size_t)ig_attr_int(s->op, "heads"),
                        .kv_heads = (size_t)ig_attr_int(s->op, "kv_heads"),
                        .head_dim = (size_t)ig_attr_int(s->op, "head_dim"),
                        .scale = (float)ig_attr_float(s->op, "scale"),
                        .window = ig_has_attr(s->op, "window") ? (size_t)ig_attr_int(s->op, "window") : 0,
                        .softcap = ig_has_attr(s->op, "softcap") ? (float)ig_attr_float(s->op, "softcap") : 0};
  size_t dim = shape.head_dim, q_columns = shape.heads * dim, kv_columns = shape.kv_heads * dim;
  cache *c = &r->e->caches[ig_attr_int(s->op, "layer")];
  float *q = copy(r, s->in[0]), *k = copy(r, s->in[1]);
  const float *v = rows_of(r, s->in[2]);
  if (s->kind == IG_OP_rope_attention) {
    rotate(r, q, q_columns, dim, s->in[4]);
    rotate(r, k, kv_columns, dim, s->in[4]);
  }
  for (size_t i = 0; i < r->n * kv_columns; i++) {
    c->k[r->e->position * kv_columns + i] = kept(r, k[i]);
    c->v[r->e->position * kv_columns + i] = kept(r, v[i]);
  }
  int sinks_index = s->in[s->kind == IG_OP_rope_attention ? 5 : 4];
  if (sinks_index != NONE && !(shape.sinks = read_vector(r, sinks_index))) return false;
  for (size_t t = 0; t < r->n; t++) ig_ref_attention(&shape, q + t * q_columns, c->k, c->v, r->e->position + t, rows_of(r, s->out[0]) + t * q_columns);
  return true;
}

static bool do_plain(run *r, const step *s) {
  const float *a = rows_of(r, s->in[0]), *b = rows_of(r, s->in[1]);
  float *y = rows_of(r, s->out[0]);
  const char *number = s->kind == IG_OP_scale ? "factor" : s->kind == IG_OP_softcap ? "cap" : NULL;
  float c = number ? (float)ig_attr_float(s->op, number) : 0;
  for (size_t i = 0; i < r->n * columns_of(r, s->out[0]); i++) switch (s->kind) {
    case IG_OP_silu: y[i] = ig_silu(a[i]); break;
    case IG_OP_gelu: y[i] = ig_gelu(a[i]); break;
    case IG_OP_mul: y[i] = a[i] * b[i]; break;
    case IG_OP_scale: y[i] = a[i] * c; break;
    case IG_OP_softcap: y[i] = ig_softcap(a[i], c); break;
    default: y[i] = a[i] + b[i]; break;
    }
  return true;
}

static bool (*const ops[IG_OP_COUNT])(run *r, const step *s) = {
  [IG_OP_embed] = do_embed,
  [IG_OP_rms_norm] = do_rms_norm,
  [IG_OP_linear] = do_linear,
  [IG_OP_rope] = do_rope,
  [IG_OP_attention] = do_attention,
  [IG_OP_silu] = do_plain,
  [IG_OP_gelu] = do_plain,
  [IG_OP_scale] = do_plain,
  [IG_OP_softcap] = do_plain,
  [IG_OP_mul] = do_plain,
  [IG_OP_add] = do_plain,
  [IG_OP_fused_linear] = do_fused_linear,
  [IG_OP_rope_attention] = do_attention,
  [IG_OP_experts] = do_experts, /* weights and tables are read where they are used */
};

/* ---- run -------------------------------------------------------------------------------------------------------------- */

static bool run_step(run *r, size_t index) {
  const step *s = &r->e->steps[index];
  if (!ops[s->kind]) return true;
  for (int i = 0; i < OUT; i++) {
    if (s->out[i] == NONE) continue;
    slot *y = &r->e->slots[s->out[i]];
    drop(y);
    y->rows = ig_heap_zeroed(r->n * y->columns, sizeof *y->rows);
  }
  bool done = ops[s->kind](r, s);
  ig_arena_finish(&r->arena);
  r->arena = (ig_arena){0};
  for (int i = 0; i < IN; i++)
    if (s->in[i] != NONE && s->in[i] != 0 && r->e->slots[s->in[i]].last_use == index) drop(&r->e->slots[s->in[i]]);
  return done;
}

bool ig_eval_run(ig_eval *e, const void *input, size_t n, float *y, ig_diags *diags) {
  if (e->n_caches && n > e->context - e->position)
    return ig_error(diags, "eval", "%zu rows at position %u do not fit a context of %u", n, (unsigned)e->position, (unsigned)e->context);
  if (!n) return true;
  run r = {.e = e, .diags = diags, .n = n};
  slot *argument = &e->slots[0];
  if (argument->columns) { /* hidden rows; dropped with the other values */
    drop(argument);
    argument->rows = ig_heap_zeroed(n * argument->columns, sizeof *argument->rows);
    memcpy(argument->rows, input, n * argument->columns * sizeof *argument->rows);
  } else {
    r.tokens = input;
  }
  bool done = true;
  for (size_t i = 0; i < e->n_steps && done; i++) done = run_step(&r, i);
  if (done) memcpy(y, e->slots[e->result].rows, n * e->slots[e->result].columns * sizeof *y);
  if (done && e->n_caches) e->position += (uint32_t)n;
  return done;
}
