#include "codegen/plan_writer.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/flat_builder.h"

/* Fields by their place in plan.fbs. */
enum { PART_KERNEL, PART_OPERANDS, PART_DIMS };
enum { STEP_PRIVATE, STEP_PARTS };
enum { PHASE_KIND, PHASE_MAX_TOKENS, PHASE_STEPS };
enum { WEIGHT_NAME, WEIGHT_FORMAT, WEIGHT_LAYOUT, WEIGHT_ROWS, WEIGHT_COLS, WEIGHT_OFFSET, WEIGHT_BYTES };
enum { TEMPLATE_CODE, TEMPLATE_STRINGS, TEMPLATE_SOURCE };
enum {
  PLAN_VERSION,
  PLAN_NAME,
  PLAN_ARCHITECTURE,
  PLAN_TARGET,
  PLAN_N_VOCAB,
  PLAN_N_EMBD,
  PLAN_N_LAYER,
  PLAN_N_CONTEXT,
  PLAN_CHUNK,
  PLAN_ARENA_BYTES,
  PLAN_PRIVATE_BYTES,
  PLAN_KV_BYTES,
  PLAN_TOKENS,
  PLAN_HIDDEN,
  PLAN_HIDDEN_ROW,
  PLAN_LOGITS,
  PLAN_LOGITS_ROW,
  PLAN_KERNELS,
  PLAN_PHASES,
  PLAN_WEIGHTS,
  PLAN_WEIGHTS_BYTES,
  PLAN_WEIGHTS_ROOT,
  PLAN_TOKENIZER_OFFSET,
  PLAN_TOKENIZER_BYTES,
  PLAN_TEMPLATE,
  PLAN_SOURCE,
  PLAN_CACHES
};
enum { SCHEMA_VERSION = 2 };

static void put(uint8_t *to, uint64_t value, size_t size) {
  for (size_t i = 0; i < size; i++) to[i] = (uint8_t)(value >> 8 * i);
}

static ig_flat_ref write_part(ig_flat *f, const ig_program_plan *p, const ig_plan_part *part) {
  enum { SIZE = 16 }; /* struct Operand */
  uint8_t operands[SIZE * INGOT_MAX_OPERANDS];
  for (uint32_t i = 0; i < part->n_operands; i++) {
    const ig_plan_operand *o = &part->operand[i];
    uint64_t offset = o->place == INGOT_PLACE_WEIGHTS ? p->weight[o->index].offset
        : o->place == INGOT_PLACE_KV                  ? p->cache[o->index].offset
                                                      : p->buffer[o->index].offset;
    put(operands + SIZE * i, offset, 8);
    put(operands + SIZE * i + 8, o->from_row ? p->buffer[o->index].row_bytes : 0, 4);
    put(operands + SIZE * i + 12, o->place, 4);
  }
  ig_flat_ref vector = ig_flat_vector(f, operands, part->n_operands, SIZE, 8);
  ig_flat_ref dims = ig_flat_vector(f, part->dim, part->n_dims, 4, 4);
  ig_flat_scalar(f, PART_KERNEL, 4, part->kernel, 0);
  ig_flat_child(f, PART_OPERANDS, vector);
  ig_flat_child(f, PART_DIMS, dims);
  return ig_flat_table(f);
}

static ig_flat_ref write_step(ig_flat *f, const ig_program_plan *p, const ig_plan_step *step) {
  ig_flat_ref *parts = ig_heap_zeroed(step->n_parts, sizeof *parts);
  for (uint32_t i = 0; i < step->n_parts; i++) parts[i] = write_part(f, p, &step->part[i]);
  ig_flat_ref private = step->n_private ? ig_flat_refs(f, parts, step->n_private) : 0;
  ig_flat_ref shared = ig_flat_refs(f, parts + step->n_private, step->n_parts - step->n_private);
  free(parts);
  ig_flat_child(f, STEP_PRIVATE, private);
  ig_flat_child(f, STEP_PARTS, shared);
  return ig_flat_table(f);
}

static ig_flat_ref write_phase(ig_flat *f, const ig_program_plan *p, uint32_t kind) {
  const ig_plan_phase *phase = &p->phase[kind];
  ig_flat_ref *steps = ig_heap_zeroed(phase->n_steps, sizeof *steps);
  for (size_t i = 0; i < phase->n_steps; i++) steps[i] = write_step(f, p, &phase->step[i]);
  ig_flat_ref vector = ig_flat_refs(f, steps, phase->n_steps);
  free(steps);
  ig_flat_scalar(f, PHASE_KIND, 4, kind, 0);
  ig_flat_scalar(f, PHASE_MAX_TOKENS, 4, phase->max_tokens, 0);
  ig_flat_child(f, PHASE_STEPS, vector);
  return ig_flat_table(f);
}

static ig_flat_ref write_weight(ig_flat *f, const ig_packed_weight *w, const char *layout) {
  ig_flat_ref name = ig_flat_string(f, w->name), format = ig_flat_string(f, w->kind == IG_WEIGHT_VECTOR ? "f32" : w->format);
  ig_flat_ref placed = ig_flat_string(f, w->kind == IG_WEIGHT_TILES ? layout : "plain");
  ig_flat_child(f, WEIGHT_NAME, name);
  ig_flat_child(f, WEIGHT_FORMAT, format);
  ig_flat_child(f, WEIGHT_LAYOUT, placed);
  ig_flat_scalar(f, WEIGHT_ROWS, 8, w->rows * ig_matrices(w), 0);
  ig_flat_scalar(f, WEIGHT_COLS, 8, w->cols, 0);
  ig_flat_scalar(f, WEIGHT_OFFSET, 8, w->offset, 0);
  ig_flat_scalar(f, WEIGHT_BYTES, 8, w->bytes, 0);
  return ig_flat_table(f);
}

static ig_flat_ref write_template(ig_flat *f, const ig_template *t) {
  if (!t || !t->present) return 0;
  ig_flat_ref code = ig_flat_vector(f, t->code, t->code_size, 1, 1), strings = ig_flat_vector(f, t->strings, t->strings_size, 1, 1);
  ig_flat_ref source = ig_flat_string(f, t->source);
  ig_flat_child(f, TEMPLATE_CODE, code);
  ig_flat_child(f, TEMPLATE_STRINGS, strings);
  ig_flat_child(f, TEMPLATE_SOURCE, source);
  return ig_flat_table(f);
}

static ig_flat_ref write_kernels(ig_flat *f, const ig_program_plan *p) {
  ig_flat_ref *names = ig_heap_zeroed(p->n_kernels, sizeof *names);
  for (size_t i = 0; i < p->n_kernels; i++) names[i] = ig_flat_string(f, p->kernel[i].info.name);
  ig_flat_ref vector = ig_flat_refs(f, names, p->n_kernels);
  free(names);
  return vector;
}

static ig_flat_ref write_caches(ig_flat *f, const ig_program_plan *p) {
  enum { SIZE = 8 }; /* struct Cache */
  uint8_t *caches = ig_heap_zeroed(p->n_caches, SIZE);
  for (size_t i = 0; i < p->n_caches; i++) {
    put(caches + SIZE * i, p->cache[i].planes, 4);
    put(caches + SIZE * i + 4, p->cache[i].plane_bytes, 4);
  }
  ig_flat_ref vector = ig_flat_vector(f, caches, (uint32_t)p->n_caches, SIZE, 4);
  free(caches);
  return vector;
}

static ig_flat_ref write_weights(ig_flat *f, const ig_program_plan *p, const char *layout) {
  ig_flat_ref *weights = ig_heap_zeroed(p->n_weights, sizeof *weights);
  for (size_t i = 0; i < p->n_weights; i++) weights[i] = write_weight(f, &p->weight[i], layout);
  ig_flat_ref vector = ig_flat_refs(f, weights, p->n_weights);
  free(weights);
  return vector;
}

void ig_write_plan(const ig_program_plan *p, const ig_plan_facts *facts, ig_text *out) {
  ig_flat flat = {0}, *f = &flat;
  /* People's strings last in the file, what every step reads together in front. */
  ig_flat_ref source = ig_flat_string(f, facts->source), template = write_template(f, facts->chat_template);
  ig_flat_ref weights = write_weights(f, p, facts->layout), root = ig_flat_vector(f, facts->weights_root, 32, 1, 1);
  ig_flat_ref caches = write_caches(f, p), kernels = write_kernels(f, p), phase[IG_PHASES];
  for (uint32_t i = 0; i < IG_PHASES; i++) phase[i] = write_phase(f, p, i);
  ig_flat_ref phases = ig_flat_refs(f, phase, IG_PHASES);
  ig_flat_ref name = ig_flat_string(f, facts->name), architecture = ig_flat_string(f, facts->architecture), target = ig_flat_string(f, facts->target);
  const ig_buffer *tokens = &p->buffer[p->tokens], *hidden = &p->buffer[p->hidden], *logits = &p->buffer[p->logits];
  ig_flat_scalar(f, PLAN_VERSION, 4, SCHEMA_VERSION, 0);
  ig_flat_child(f, PLAN_NAME, name);
  ig_flat_child(f, PLAN_ARCHITECTURE, architecture);
  ig_flat_child(f, PLAN_TARGET, target);
  ig_flat_scalar(f, PLAN_N_VOCAB, 4, facts->n_vocab, 0);
  ig_flat_scalar(f, PLAN_N_EMBD, 4, facts->n_embd, 0);
  ig_flat_scalar(f, PLAN_N_LAYER, 4, facts->n_layer, 0);
  ig_flat_scalar(f, PLAN_N_CONTEXT, 4, p->n_context, 0);
  ig_flat_scalar(f, PLAN_CHUNK, 4, p->chunk, 0);
  ig_flat_scalar(f, PLAN_ARENA_BYTES, 8, p->arena_bytes, 0);
  ig_flat_scalar(f, PLAN_PRIVATE_BYTES, 8, p->private_bytes, 0);
  ig_flat_scalar(f, PLAN_KV_BYTES, 8, p->kv_position_bytes, 0);
  ig_flat_scalar(f, PLAN_TOKENS, 8, tokens->offset, 0);
  ig_flat_scalar(f, PLAN_HIDDEN, 8, hidden->offset, 0);
  ig_flat_scalar(f, PLAN_HIDDEN_ROW, 4, hidden->row_bytes, 0);
  ig_flat_scalar(f, PLAN_LOGITS, 8, logits->offset, 0);
  ig_flat_scalar(f, PLAN_LOGITS_ROW, 4, logits->row_bytes, 0);
  ig_flat_child(f, PLAN_KERNELS, kernels);
  ig_flat_child(f, PLAN_PHASES, phases);
  ig_flat_child(f, PLAN_WEIGHTS, weights);
  ig_flat_scalar(f, PLAN_WEIGHTS_BYTES, 8, p->weights_bytes, 0);
  ig_flat_child(f, PLAN_WEIGHTS_ROOT, root);
  for (size_t i = 0; i < p->n_weights; i++) {
    if (p->weight[i].kind != IG_WEIGHT_TOKENS) continue;
    ig_flat_scalar(f, PLAN_TOKENIZER_OFFSET, 8, p->weight[i].offset, 0);
    ig_flat_scalar(f, PLAN_TOKENIZER_BYTES, 8, p->weight[i].cols, 0);
  }
  ig_flat_child(f, PLAN_TEMPLATE, template);
  ig_flat_child(f, PLAN_SOURCE, source);
  ig_flat_child(f, PLAN_CACHES, caches);
  ig_flat_ref plan = ig_flat_table(f);
  ig_flat_finish(f, plan, "INGP");
  ig_text_add(out, f->data + f->capacity - f->size, f->size);
  ig_flat_finish_memory(f);
}
