#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "runtime/abi/memory.h"
#include "runtime/plan_check.h"
#include "runtime/plan_read.h"

/* Fields in the order of abi/plan.fbs. */
enum { PLAN_VERSION = 2 };
enum {
  P_VERSION,
  P_NAME,
  P_ARCHITECTURE,
  P_TARGET,
  P_N_VOCAB,
  P_N_EMBD,
  P_N_LAYER,
  P_N_CONTEXT,
  P_CHUNK,
  P_ARENA_BYTES,
  P_PRIVATE_BYTES,
  P_KV_BYTES,
  P_TOKENS_OFFSET,
  P_HIDDEN_OFFSET,
  P_HIDDEN_ROW_BYTES,
  P_LOGITS_OFFSET,
  P_LOGITS_ROW_BYTES,
  P_KERNELS,
  P_PHASES,
  P_WEIGHTS,
  P_WEIGHTS_BYTES,
  P_WEIGHTS_ROOT,
  P_TOKENIZER_OFFSET,
  P_TOKENIZER_BYTES,
  P_CHAT_TEMPLATE,
  P_SOURCE,
  P_CACHES
};
enum { PHASE_KIND, PHASE_MAX_TOKENS, PHASE_STEPS };
enum { STEP_PRIVATE, STEP_PARTS };
enum { PART_KERNEL, PART_OPERANDS, PART_DIMS };
enum { WEIGHT_NAME, WEIGHT_FORMAT, WEIGHT_LAYOUT, WEIGHT_ROWS, WEIGHT_COLS, WEIGHT_OFFSET, WEIGHT_BYTES };
enum { C_CODE, C_STRINGS, C_SOURCE };
enum { OPERAND_BYTES = 16, CACHE_BYTES = 8 };

/* Bounds on what a plan may ask for, so that sums of them cannot overflow and an absurd plan is named as such. */
static const uint64_t MOST_BYTES = UINT64_C(1) << 40, MOST_KV_BYTES = UINT64_C(1) << 28;
enum { MOST_CONTEXT = 1 << 28, MOST_CHUNK = 1 << 16, MOST_VOCAB = 1 << 24 };

typedef struct opener {
  ingot__plan *plan;
  plan_reader reader;
  plan_table root;
  const ingot_program *program;
  const ingot_variant *variant;
  uint64_t kernel_scratch;
  uint32_t n_steps, n_parts;  /* counted so far, also where nothing is filled */
  bool fill;
  ingot_error *error;
} opener;

#define READ(bytes, table, field, missing, name) ingot__read_scalar(&o->reader, table, field, bytes, missing, name)
#define READ32(table, field, name) ((uint32_t)READ(4, table, field, 0, name))
#define READ64(table, field, name) READ(8, table, field, 0, name)

_Static_assert(sizeof(ingot__part) <= INGOT_PART_BYTES && sizeof(ingot__step) <= INGOT_STEP_BYTES, "memory.h promises the room");

static bool refuse(opener *o, const char *format, ...) INGOT_PRINTF(2, 3);
static bool refuse(opener *o, const char *format, ...) {
  char text[160];
  va_list arguments;
  va_start(arguments, format);
  vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  ingot__fail(o->error, INGOT_ERROR_PLAN, "plan of '%.64s': %s; compile the model again", o->program->name, text);
  return false;
}

static bool sound(opener *o) { return o->reader.bad ? refuse(o, "field '%s' is damaged", o->reader.bad) : true; }

static bool in_weights(const opener *o, uint64_t offset, uint64_t bytes) {
  return offset % INGOT_ALIGN == 0 && offset <= o->plan->weights_bytes && bytes <= o->plan->weights_bytes - offset;
}

static bool read_numbers(opener *o) {
  ingot__plan *p = o->plan;
  const plan_table *t = &o->root;
  uint32_t version = READ32(t, P_VERSION, "version");
  if (!sound(o)) return false;
  if (version != PLAN_VERSION) return refuse(o, "version %u, this runtime reads version %d", version, PLAN_VERSION);
  p->name = ingot__read_string(&o->reader, t, P_NAME, "name");
  p->architecture = ingot__read_string(&o->reader, t, P_ARCHITECTURE, "architecture");
  ingot__read_string(&o->reader, t, P_TARGET, "target");
  p->source = ingot__read_string(&o->reader, t, P_SOURCE, "source");
  p->n_vocab = READ32(t, P_N_VOCAB, "n_vocab");
  p->n_embd = READ32(t, P_N_EMBD, "n_embd");
  p->n_layer = READ32(t, P_N_LAYER, "n_layer");
  p->n_context = READ32(t, P_N_CONTEXT, "n_context");
  p->chunk = READ32(t, P_CHUNK, "chunk");
  p->arena_bytes = READ64(t, P_ARENA_BYTES, "arena_bytes");
  p->private_bytes = READ64(t, P_PRIVATE_BYTES, "private_bytes");
  p->kv_bytes = READ64(t, P_KV_BYTES, "kv_bytes_per_position");
  p->tokens_offset = READ64(t, P_TOKENS_OFFSET, "tokens_offset");
  p->hidden_offset = READ64(t, P_HIDDEN_OFFSET, "hidden_offset");
  p->hidden_row_bytes = READ32(t, P_HIDDEN_ROW_BYTES, "hidden_row_bytes");
  p->logits_offset = READ64(t, P_LOGITS_OFFSET, "logits_offset");
  p->logits_row_bytes = READ32(t, P_LOGITS_ROW_BYTES, "logits_row_bytes");
  p->weights_bytes = READ64(t, P_WEIGHTS_BYTES, "weights_bytes");
  p->weights_root = ingot__read_vector(&o->reader, t, P_WEIGHTS_ROOT, 1, "weights_root");
  p->tokenizer_offset = READ64(t, P_TOKENIZER_OFFSET, "tokenizer_offset");
  p->tokenizer_bytes = READ64(t, P_TOKENIZER_BYTES, "tokenizer_bytes");
  if (!sound(o)) return false;
  if (!p->n_vocab || p->n_vocab > MOST_VOCAB) return refuse(o, "n_vocab is %u", p->n_vocab);
  if (!p->n_context || p->n_context % INGOT_KV_BLOCK || p->n_context > MOST_CONTEXT)
    return refuse(o, "n_context is %u, not a multiple of %d", p->n_context, INGOT_KV_BLOCK);
  if (!p->chunk || p->chunk > MOST_CHUNK) return refuse(o, "chunk is %u", p->chunk);
  if (p->arena_bytes > MOST_BYTES || p->private_bytes > MOST_BYTES || p->weights_bytes > MOST_BYTES || p->kv_bytes > MOST_KV_BYTES)
    return refuse(o, "it asks for more memory than any machine has");
  if (p->private_bytes % INGOT_ALIGN) return refuse(o, "private_bytes is not a multiple of %d", INGOT_ALIGN);
  if (p->weights_root.count != INGOT_SHA256_SIZE) return refuse(o, "weights_root has %u bytes", p->weights_root.count);
  if (!in_weights(o, p->tokenizer_offset, p->tokenizer_bytes)) return refuse(o, "the tokenizer does not lie in the weights");
  return true;
}

static bool read_caches(opener *o) {
  ingot__vec caches = ingot__read_vector(&o->reader, &o->root, P_CACHES, CACHE_BYTES, "caches");
  uint64_t sum = 0;
  for (uint32_t i = 0; i < caches.count && sum <= MOST_KV_BYTES; i++) {
    const uint8_t *cache = caches.data + CACHE_BYTES * (size_t)i;
    sum += ingot__round_up((uint64_t)ingot__load32(cache) * ingot__load32(cache + 4), INGOT_ALIGN);
  }
  o->plan->caches = caches;
  return !sound(o) ? false : sum == o->plan->kv_bytes ? true : refuse(o, "caches are not kv_bytes_per_position together");
}

/* `rows` rows of `row_bytes` at `offset` of the arena, each with `used` bytes. */
static bool in_arena(opener *o, const char *what, uint64_t offset, uint64_t rows, uint64_t row_bytes, uint64_t used) {
  const ingot__plan *p = o->plan;
  if (offset % INGOT_ALIGN || offset > p->arena_bytes || row_bytes < used || rows * row_bytes > p->arena_bytes - offset)
    return refuse(o, "%s do not lie in the arena", what);
  return (rows <= 1 || row_bytes % INGOT_ALIGN == 0) || refuse(o, "%s: not a multiple of %d bytes apart", what, INGOT_ALIGN);
}

static bool check_kernels(opener *o) {
  plan_list names = ingot__read_list(&o->reader, &o->root, P_KERNELS, "kernels");
  if (!sound(o)) return false;
  if (names.count != o->program->n_kernels) return refuse(o, "%u kernels, the library has %u", names.count, o->program->n_kernels);
  for (uint32_t i = 0; i < names.count; i++) {
    ingot__vec name = ingot__read_item_string(&o->reader, names, i, "kernels");
    const char *row = o->program->info[i].name;
    size_t size = 0;
    while (size < sizeof o->program->info[i].name && row[size]) size++;
    if (!sound(o)) return false;
    if (name.count != size || memcmp(name.data, row, size)) return refuse(o, "kernel %u is not the library's '%.48s'", i, row);
  }
  return true;
}

/* Multiplies the constants into the terms, so that a call evaluates only what changes from call to call. */
static void fold_tiles(ingot__part *part, const ingot_extent *tiles) {
  for (int i = 0; i < INGOT_MAX_TERMS && tiles->term[i].scale; i++) {
    uint64_t scale = tiles->term[i].scale;
    for (uint32_t d = 0; d < part->n_static; d++)
      if (tiles->term[i].dims >> (INGOT_DIM_STATIC + d) & 1) scale *= part->dim[d];
    part->tiles[i] = (ingot__term){scale, tiles->term[i].dims & ((1u << INGOT_DIM_STATIC) - 1)};
  }
}

static bool read_part(opener *o, plan_list list, uint32_t index, const char *where, const plan_bounds *bounds, uint64_t *tiles) {
  plan_table t = ingot__read_item(&o->reader, list, index, "phases.steps.parts");
  uint32_t kernel = READ32(&t, PART_KERNEL, "phases.steps.parts.kernel");
  ingot__vec operands = ingot__read_vector(&o->reader, &t, PART_OPERANDS, OPERAND_BYTES, "phases.steps.parts.operands");
  ingot__vec dims = ingot__read_vector(&o->reader, &t, PART_DIMS, 4, "phases.steps.parts.dims");
  if (!sound(o)) return false;
  if (o->n_parts++ == UINT32_MAX) return refuse(o, "too many parts");
  if (!o->fill) return true;
  if (kernel >= o->program->n_kernels) return refuse(o, "%s: kernel %u, the library has %u", where, kernel, o->program->n_kernels);
  if (operands.count > INGOT_MAX_OPERANDS || dims.count > INGOT_MAX_DIMS - INGOT_DIM_STATIC)
    return refuse(o, "%s: %u operands and %u dims", where, operands.count, dims.count);
  const ingot_kernel_info *info = &o->program->info[kernel];
  ingot__part *part = &o->plan->parts[o->n_parts - 1];
  part->kernel = o->variant->kernels[kernel];
  part->n_operands = operands.count;
  part->n_static = dims.count;
  for (uint32_t i = 0; i < operands.count; i++) {
    const uint8_t *operand = operands.data + OPERAND_BYTES * (size_t)i;
    uint32_t place = ingot__load32(operand + 12);
    part->offset[i] = ingot__load64(operand);
    part->row_bytes[i] = ingot__load32(operand + 8);
    part->place[i] = (uint8_t)(place < INGOT_PLACE_ANY_BUFFER ? place : INGOT_PLACE_ANY_BUFFER);
  }
  for (uint32_t i = 0; i < dims.count; i++) part->dim[i] = ingot__load32(dims.data + 4 * (size_t)i);
  const char *wrong = ingot__check_part(part, info, bounds, tiles, &o->kernel_scratch);
  if (wrong) return refuse(o, "%s, kernel %.48s: %s", where, info->name, wrong);
  if (*tiles > INT32_MAX) return refuse(o, "%s, kernel %.48s: too many tiles", where, info->name);
  fold_tiles(part, &info->tiles);
  return true;
}

static bool read_step(opener *o, plan_list list, uint32_t index, const char *phase, const plan_bounds *bounds) {
  plan_table t = ingot__read_item(&o->reader, list, index, "phases.steps");
  plan_list own = ingot__read_list(&o->reader, &t, STEP_PRIVATE, "phases.steps.private");
  plan_list parts = ingot__read_list(&o->reader, &t, STEP_PARTS, "phases.steps.parts");
  if (!sound(o)) return false;
  char where[48];
  snprintf(where, sizeof where, "phase %s, step %u", phase, index);
  uint32_t first = o->n_parts;
  for (uint32_t i = 0; i < own.count; i++) {
    uint64_t tiles = 0;
    if (!read_part(o, own, i, where, bounds, &tiles)) return false;
  }
  uint64_t tiles = 0;
  for (uint32_t i = 0; i < parts.count; i++)
    if (!read_part(o, parts, i, where, bounds, &tiles)) return false;
  if (o->n_steps++ == UINT32_MAX) return refuse(o, "too many steps");
  if (o->fill) o->plan->steps[o->n_steps - 1] = (ingot__step){first, own.count, parts.count};
  return true;
}

static bool read_phases(opener *o) {
  static const char *const names[INGOT__PHASES] = {"prefill", "decode", "head", "head rows"};
  const ingot__plan *p = o->plan;
  bool there[INGOT__PHASES] = {false};
  plan_list list = ingot__read_list(&o->reader, &o->root, P_PHASES, "phases");
  o->n_steps = o->n_parts = 0;
  for (uint32_t i = 0; sound(o) && i < list.count; i++) {
    plan_table t = ingot__read_item(&o->reader, list, i, "phases");
    uint32_t kind = READ32(&t, PHASE_KIND, "phases.kind"), tokens = READ32(&t, PHASE_MAX_TOKENS, "phases.max_tokens");
    plan_list steps = ingot__read_list(&o->reader, &t, PHASE_STEPS, "phases.steps");
    if (!sound(o)) return false;
    if (kind >= INGOT__PHASES || there[kind]) return refuse(o, "phase %u is of kind %u", i, kind);
    bool one = kind == INGOT__DECODE || kind == INGOT__HEAD;
    if (!tokens || tokens > (one ? 1 : p->chunk)) return refuse(o, "phase %s takes %u tokens", names[kind], tokens);
    there[kind] = true;
    plan_bounds bounds = {p->arena_bytes, p->private_bytes, p->kv_bytes, p->weights_bytes,
                          p->n_context,   p->chunk,         tokens,      kind == INGOT__HEAD || kind == INGOT__HEAD_ROWS};
    o->plan->phase[kind] = (ingot__phase){tokens, o->n_steps, steps.count};
    for (uint32_t s = 0; s < steps.count; s++)
      if (!read_step(o, steps, s, names[kind], &bounds)) return false;
  }
  if (!sound(o)) return false;
  for (int k = 0; k < INGOT__PHASES; k++)
    if (!there[k]) return refuse(o, "there is no phase %s", names[k]);
  return true;
}

/* The table of weights is for people and checks; steps address the file by themselves. */
static bool read_weights(opener *o) {
  plan_list list = ingot__read_list(&o->reader, &o->root, P_WEIGHTS, "weights");
  for (uint32_t i = 0; sound(o) && i < list.count; i++) {
    plan_table t = ingot__read_item(&o->reader, list, i, "weights");
    ingot__vec name = ingot__read_string(&o->reader, &t, WEIGHT_NAME, "weights.name");
    ingot__read_string(&o->reader, &t, WEIGHT_FORMAT, "weights.format");
    ingot__read_string(&o->reader, &t, WEIGHT_LAYOUT, "weights.layout");
    uint64_t offset = READ64(&t, WEIGHT_OFFSET, "weights.offset"), bytes = READ64(&t, WEIGHT_BYTES, "weights.bytes");
    if (!sound(o)) return false;
    if (!in_weights(o, offset, bytes)) return refuse(o, "weight '%.64s' does not lie in the weights", (const char *)name.data);
  }
  return sound(o);
}

static bool read_template(opener *o) {
  ingot__plan *p = o->plan;
  plan_table t = ingot__read_table(&o->reader, &o->root, P_CHAT_TEMPLATE, &p->has_template, "chat_template");
  if (p->has_template) {
    p->template_code = ingot__read_vector(&o->reader, &t, C_CODE, 1, "chat_template.code");
    p->template_strings = ingot__read_vector(&o->reader, &t, C_STRINGS, 1, "chat_template.strings");
    ingot__read_string(&o->reader, &t, C_SOURCE, "chat_template.source");
  }
  return sound(o);
}

ingot_status ingot__plan_open(ingot__plan *plan, const uint8_t *data, uint64_t size, const ingot_program *program, const ingot_variant *variant,
                              const ingot_allocator *allocator, ingot_error *error) {
  memset(plan, 0, sizeof *plan);
  opener state = {.plan = plan, .program = program, .variant = variant, .error = error}, *o = &state;
  o->root = ingot__read_root(&o->reader, data, size, "INGP");
  if (!read_numbers(o) || !in_arena(o, "tokens", plan->tokens_offset, 1, 4 * (uint64_t)plan->chunk, 4 * (uint64_t)plan->chunk) ||
      !in_arena(o, "hidden rows", plan->hidden_offset, plan->chunk, plan->hidden_row_bytes, 1) || !read_caches(o) || !check_kernels(o) || !read_weights(o) ||
      !read_template(o) || !read_phases(o))
    return INGOT_ERROR_PLAN;
  if (!in_arena(o, "logits", plan->logits_offset, plan->phase[INGOT__HEAD_ROWS].max_tokens, plan->logits_row_bytes, 4 * (uint64_t)plan->n_vocab))
    return INGOT_ERROR_PLAN;
  const uint64_t parts_bytes = INGOT_PART_BYTES * (uint64_t)o->n_parts;
  plan->table_bytes = parts_bytes + INGOT_STEP_BYTES * (uint64_t)o->n_steps;
  if (plan->table_bytes) {
    uint8_t *table = plan->table = ingot__allocate(allocator, plan->table_bytes, 16);
    if (!table) return ingot__fail(error, INGOT_ERROR_MEMORY, "no memory for the plan's %u parts", o->n_parts);
    plan->parts = (ingot__part *)(void *)table;
    plan->steps = (ingot__step *)(void *)(table + parts_bytes);
  }
  o->fill = true;
  o->reader.visits = size;
  if (!read_phases(o)) {
    ingot__plan_close(plan, allocator);
    return INGOT_ERROR_PLAN;
  }
  if (o->kernel_scratch > MOST_BYTES) {
    ingot__plan_close(plan, allocator);
    refuse(o, "a kernel asks for more scratch than any machine has");
    return INGOT_ERROR_PLAN;
  }
  plan->scratch_bytes = ingot__round_up(plan->private_bytes + o->kernel_scratch, INGOT_ALIGN);
  return INGOT_OK;
}

void ingot__plan_close(ingot__plan *plan, const ingot_allocator *allocator) {
  ingot__release(allocator, plan->table, plan->table_bytes);
  plan->table = NULL;
}
