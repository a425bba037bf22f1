#include "passes/lower.h"

static const char *const phases[IG_PHASES] = {"prefill", "decode", "head", "head_rows"};

static void print_part(const ig_program_plan *p, const ig_plan_part *part, bool private, ig_text *out) {
  ig_text_printf(out, "    %s%s(", private ? "private " : "", p->kernel[part->kernel].info.name);
  for (uint32_t i = 0; i < part->n_operands; i++) {
    const ig_plan_operand *o = &part->operand[i];
    ig_text_printf(out, "%s", i ? ", " : "");
    switch (o->place) {
    case INGOT_PLACE_WEIGHTS: ig_text_printf(out, "@%s", p->weight[o->index].name); break;
    case INGOT_PLACE_KV: ig_text_printf(out, "$%s", p->cache[o->index].name); break;
    case INGOT_PLACE_SCRATCH: ig_text_printf(out, "own+%llu", (unsigned long long)p->buffer[o->index].offset); break;
    default: ig_text_printf(out, "%%%llu:%s%s", (unsigned long long)p->buffer[o->index].offset, p->buffer[o->index].name, o->from_row ? "[row]" : ""); break;
    }
  }
  ig_text_printf(out, ") [");
  for (uint32_t i = 0; i < part->n_dims; i++) ig_text_printf(out, "%s%u", i ? " " : "", part->dim[i]);
  ig_text_printf(out, "]\n");
}

void ig_plan_print(const ig_program_plan *p, ig_text *out) {
  ig_text_printf(out, "plan context=%u chunk=%u arena=%llu private=%llu weights=%llu kv_per_position=%llu\n", p->n_context, p->chunk,
                 (unsigned long long)p->arena_bytes, (unsigned long long)p->private_bytes, (unsigned long long)p->weights_bytes,
                 (unsigned long long)p->kv_position_bytes);
  for (size_t i = 0; i < p->n_kernels; i++) ig_text_printf(out, "kernel %zu %s\n", i, p->kernel[i].info.name);
  for (size_t i = 0; i < p->n_weights; i++) {
    const ig_packed_weight *w = &p->weight[i];
    const char *experts = w->experts ? ig_format(p->arena, "%llux", (unsigned long long)w->experts) : "";
    ig_text_printf(out, "weight @%s %s %s%llux%llu at %llu, %llu bytes\n", w->name, w->format, experts, (unsigned long long)w->rows,
                   (unsigned long long)w->cols, (unsigned long long)w->offset, (unsigned long long)w->bytes);
  }
  for (size_t i = 0; i < p->n_caches; i++)
    ig_text_printf(out, "cache $%s at %llu, %llu bytes per position\n", p->cache[i].name, (unsigned long long)p->cache[i].offset,
                   (unsigned long long)p->cache[i].position_bytes);
  for (int kind = 0; kind < IG_PHASES; kind++) {
    const ig_plan_phase *phase = &p->phase[kind];
    ig_text_printf(out, "phase %s tokens=%u\n", phases[kind], phase->max_tokens);
    for (size_t s = 0; s < phase->n_steps; s++) {
      ig_text_printf(out, "  step %zu\n", s);
      for (uint32_t i = 0; i < phase->step[s].n_parts; i++) print_part(p, &phase->step[s].part[i], i < phase->step[s].n_private, out);
    }
  }
}
