#include "passes/schedule.h"

#include <math.h>
#include <string.h>

static const char lib_text[] = {
#include "schedule_lib.inc"
};
static const char x86_64_text[] = {
#include "schedule_x86_64.inc"
};
static const char aarch64_text[] = {
#include "schedule_aarch64.inc"
};

static const char riscv64_text[] = {
#include "schedule_riscv64.inc"
};

static const char wasm32_text[] = {
#include "schedule_wasm32.inc"
};

static const struct {
  const char *target, *name, *text;
} built_in[] = {
  {"x86_64", "schedules/x86_64.lua", x86_64_text},
  {"aarch64", "schedules/aarch64.lua", aarch64_text},
  {"riscv64", "schedules/riscv64.lua", riscv64_text},
  {"wasm32", "schedules/wasm32.lua", wasm32_text},
};

/* ---- the words of rules ---- */

static const struct {
  const char *name;
  uint32_t least, most;
} numbers[IG_NUMBERS] = {
  [IG_ROWS] = {"rows", 1, IG_ROWS_MOST},   [IG_TOKENS] = {"tokens", 1, IG_TOKENS_MOST},    [IG_PANEL] = {"panel", 1, IG_PANEL_MOST},
  [IG_K_BLOCK] = {"k_block", 0, 1u << 16}, [IG_QUERIES] = {"queries", 1, IG_QUERIES_MOST}, [IG_SUMS] = {"sums", 1, IG_SUMS_MOST},
};

static const char *const patterns[IG_PATTERNS] = {[IG_FUSE_GATE_UP] = "fuse_gate_up", [IG_FUSE_NORM] = "fuse_norm"};
enum { CHUNK_MOST = 1 << 14 };

#define GEMM (1u << IG_ROWS | 1u << IG_TOKENS | 1u << IG_PANEL | 1u << IG_K_BLOCK)
#define ATTENTION (1u << IG_QUERIES | 1u << IG_SUMS)
static const struct {
  const char *op, *phase;
  uint32_t numbers;
  bool per_format;
} families[IG_FAMILY_COUNT] = {
  [IG_EMBED] = {"embed", NULL, 0, true},
  [IG_NORM] = {"norm", NULL, 0, false},
  [IG_QUANT] = {"quant", NULL, 0, false},
  [IG_LINEAR_GEMV] = {"linear", "decode", 0, true},
  [IG_LINEAR_GEMM] = {"linear", "prefill", GEMM, true},
  [IG_GLU_GEMV] = {"glu", "decode", 0, true},
  [IG_GLU_GEMM] = {"glu", "prefill", GEMM, true},
  [IG_GEGLU_GEMV] = {"glu", "decode", 0, true},
  [IG_GEGLU_GEMM] = {"glu", "prefill", GEMM, true},
  [IG_GLU] = {"glu_product", NULL, 0, false},
  [IG_ROUTE] = {"route", NULL, 0, false},
  [IG_GROUP] = {"group", NULL, 0, false},
  [IG_GATHER] = {"gather", NULL, 0, false},
  [IG_EXPERTS_GLU] = {"experts_product", NULL, 0, false},
  [IG_EXPERTS_GEMV] = {"experts", "decode", 0, true},
  [IG_EXPERTS_GEMM] = {"experts", "prefill", GEMM, true},
  [IG_EXPERTS_SUM_GEMV] = {"experts", "decode", 0, true},
  [IG_EXPERTS_SUM_GEMM] = {"experts", "prefill", GEMM, true},
  [IG_GEGLU] = {"glu_product", NULL, 0, false},
  [IG_NORM_ADD] = {"norm", NULL, 0, false},
  [IG_SCALE] = {"scale", NULL, 0, false},
  [IG_SOFTCAP] = {"softcap", NULL, 0, false},
  [IG_ROPE_KV] = {"rope", NULL, 0, false},
  [IG_ATTENTION] = {"attention", "prefill", ATTENTION, false},
  [IG_ATTENTION_DECODE] = {"attention", "decode", ATTENTION, false},
  [IG_ATTENTION_CAPPED] = {"attention", "prefill", ATTENTION, false},
  [IG_ATTENTION_DECODE_CAPPED] = {"attention", "decode", ATTENTION, false},
  [IG_ATTENTION_MERGE] = {"attention_merge", NULL, 0, false},
};

bool ig_family_has(ig_family family, ig_number number) { return families[family].numbers >> number & 1; }
const char *ig_number_name(ig_number number) { return numbers[number].name; }
const char *ig_pattern_name(ig_pattern pattern) { return patterns[pattern]; }
const char *ig_family_op(ig_family family) { return families[family].op; }
const char *ig_family_phase(ig_family family) { return families[family].phase; }

/* ---- one rule ---- */

typedef struct reader {
  ig_schedule *schedule;
  const char *place;
  ig_diags *diags;
} reader;

/* Names of what a rule may match, by number; NULL after the last. */
typedef const char *name_at(const ig_schedule *s, int index);
static const char *op_at(const ig_schedule *s, int index) { return (void)s, index < IG_FAMILY_COUNT ? families[index].op : NULL; }
static const char *phase_at(const ig_schedule *s, int index) { return (void)s, (const char *[]){"prefill", "decode", NULL}[index]; }
static const char *format_at(const ig_schedule *s, int index) { return (void)s, ig_layout_at(index) ? ig_layout_at(index)->format : NULL; }
static const char *variant_at(const ig_schedule *s, int index) {
  return (uint32_t)index < s->target->n_variants + s->target->n_forms ? s->target->variants[index].name : NULL;
}

static const char *list_of(const reader *r, name_at *name) {
  const char *list = "", *one;
  for (int i = 0; (one = name(r->schedule, i)); i++) {
    bool again = false;
    for (int j = 0; j < i; j++) again |= !strcmp(name(r->schedule, j), one);
    if (!again) list = ig_format(r->schedule->arena, "%s%s%s", list, i ? ", " : "", one);
  }
  return list;
}

/* The bits of the names in an entry. */
static bool match(const reader *r, const ig_entry *e, name_at *name, uint32_t *bits) {
  if (e->kind != IG_ENTRY_TEXTS) return ig_error(r->diags, r->place, "`%s` is a %s; it has to be a name or a list of names", e->key, e->type);
  if (!e->n_texts) return ig_error(r->diags, r->place, "`%s` is an empty list, which matches nothing", e->key);
  bool ok = true;
  *bits = 0;
  for (size_t t = 0; t < e->n_texts; t++) {
    uint32_t found = 0;
    for (int i = 0; name(r->schedule, i); i++) found |= !strcmp(name(r->schedule, i), e->texts[t]) ? 1u << i : 0;
    if (!found) ok = ig_error(r->diags, r->place, "there is no %s `%s`; there are %s", e->key, e->texts[t], list_of(r, name));
    *bits |= found;
  }
  return ok;
}

static bool whole(const reader *r, const ig_entry *e, uint32_t least, uint32_t most, uint32_t *value) {
  if (e->kind != IG_ENTRY_NUMBER) return ig_error(r->diags, r->place, "`%s` is a %s; it has to be a whole number", e->key, e->type);
  if (!e->integer) return ig_error(r->diags, r->place, "%s = %g: it has to be a whole number", e->key, e->number == e->number ? e->number : (double)NAN);
  if (e->number < least || e->number > most)
    return ig_error(r->diags, r->place, "%s = %.0f is out of range: it may be %u to %u", e->key, e->number, least, most);
  *value = (uint32_t)e->number;
  return true;
}

static bool unknown(const reader *r, const ig_entry *e, const char *rule, const char *keys) {
  if (*e->key == '[') return ig_error(r->diags, r->place, "a %s rule has an entry without a name; it takes name = value: %s", rule, keys);
  return ig_error(r->diags, r->place, "`%s` is unknown in a %s rule; it takes %s", e->key, rule, keys);
}

static uint32_t families_of(uint32_t ops, uint32_t phases, const ig_schedule *s) {
  uint32_t bits = 0;
  for (int f = 0; f < IG_FAMILY_COUNT; f++) {
    bool phase = phases == UINT32_MAX;
    for (int i = 0; phase_at(s, i); i++) phase |= (phases >> i & 1) && families[f].phase && !strcmp(families[f].phase, phase_at(s, i));
    bits |= (ops >> f & 1) && phase ? 1u << f : 0;
  }
  return bits;
}

static bool kernel_rule(const reader *r, const ig_entry *entries, size_t n, ig_kernel_rule *rule) {
  uint32_t ops = UINT32_MAX, phases = UINT32_MAX;
  bool ok = true;
  *rule = (ig_kernel_rule){.place = r->place, .formats = UINT32_MAX, .variants = UINT32_MAX, .any_format = true};
  for (size_t i = 0; i < n; i++) {
    const ig_entry *e = &entries[i];
    int number = 0;
    while (number < IG_NUMBERS && strcmp(e->key, numbers[number].name)) number++;
    if (number < IG_NUMBERS) {
      ok &= whole(r, e, numbers[number].least, numbers[number].most, &rule->value[number]);
      rule->stated |= 1u << number;
    } else if (!strcmp(e->key, "op")) ok &= match(r, e, op_at, &ops);
    else if (!strcmp(e->key, "phase")) ok &= match(r, e, phase_at, &phases);
    else if (!strcmp(e->key, "format")) ok &= match(r, e, format_at, &rule->formats), rule->any_format = false;
    else if (!strcmp(e->key, "variant")) ok &= match(r, e, variant_at, &rule->variants);
    else ok = unknown(r, e, "kernel", "op, phase, format, variant, rows, tokens, panel, k_block, queries, sums");
  }
  if (!ok) return false;
  rule->families = families_of(ops, phases, r->schedule);
  uint32_t has = 0;
  for (int f = 0; f < IG_FAMILY_COUNT; f++) {
    if (!rule->any_format && !families[f].per_format) rule->families &= ~(1u << f);
    if (rule->families >> f & 1) has |= families[f].numbers;
  }
  if (!rule->families) return ig_error(r->diags, r->place, "the rule matches no kernel: no op has this phase or these formats");
  if (!rule->stated) return ig_error(r->diags, r->place, "the rule states no number");
  for (int i = 0; i < IG_NUMBERS; i++)
    if (rule->stated >> i & ~(has >> i) & 1) ok = ig_error(r->diags, r->place, "`%s` is no number of the kernels that this rule matches", numbers[i].name);
  return ok;
}

static bool program_rule(const reader *r, const ig_entry *entries, size_t n, ig_program_rule *rule) {
  bool ok = true;
  *rule = (ig_program_rule){.place = r->place};
  for (size_t i = 0; i < n; i++) {
    const ig_entry *e = &entries[i];
    int p = 0;
    while (p < IG_PATTERNS && strcmp(e->key, patterns[p])) p++;
    if (!strcmp(e->key, "chunk")) ok &= whole(r, e, 1, CHUNK_MOST, &rule->chunk);
    else if (p == IG_PATTERNS) ok = unknown(r, e, "program", "chunk, fuse_gate_up, fuse_norm");
    else if (e->kind != IG_ENTRY_BOOLEAN) ok = ig_error(r->diags, r->place, "`%s` is a %s; it has to be true or false", e->key, e->type);
    else rule->stated |= 1u << p, rule->fused |= e->boolean ? 1u << p : 0;
  }
  if (ok && !rule->chunk && !rule->stated) return ig_error(r->diags, r->place, "the rule states nothing");
  return ok;
}

void ig_schedule_add(ig_schedule *s, bool program, const char *place, const ig_entry *entries, size_t n, ig_diags *diags) {
  reader r = {s, place, diags};
  if (program) {
    s->program = ig_grow(s->arena, s->program, s->n_program, &s->program_capacity, sizeof *s->program);
    s->n_program += program_rule(&r, entries, n, &s->program[s->n_program]);
  } else {
    s->kernel = ig_grow(s->arena, s->kernel, s->n_kernel, &s->kernel_capacity, sizeof *s->kernel);
    s->n_kernel += kernel_rule(&r, entries, n, &s->kernel[s->n_kernel]);
  }
}

/* ---- choosing ---- */

static bool matches(const ig_schedule *s, const ig_kernel_rule *rule, const ig_variant *variant, const ig_kernel_ref *kernel) {
  if (!(rule->families >> kernel->family & 1) || !(rule->variants >> (variant - s->target->variants) & 1)) return false;
  if (rule->any_format) return true;
  for (int i = 0; kernel->layout && ig_layout_at(i); i++)
    if (!strcmp(ig_layout_at(i)->format, kernel->layout->format)) return rule->formats >> i & 1;
  return false;
}

/* The first rule that states the number, NULL where none does. */
static const ig_kernel_rule *rule_of(const ig_schedule *s, const ig_variant *variant, const ig_kernel_ref *kernel, ig_number number) {
  for (size_t i = 0; i < s->n_kernel; i++)
    if ((s->kernel[i].stated >> number & 1) && matches(s, &s->kernel[i], variant, kernel)) return &s->kernel[i];
  return NULL;
}

ig_choice ig_schedule_choose(const ig_schedule *s, const ig_variant *variant, const ig_kernel_ref *kernel) {
  ig_choice c = {{0}, {NULL}, false};
  for (int i = 0; i < IG_NUMBERS; i++) {
    const ig_kernel_rule *rule = ig_family_has(kernel->family, (ig_number)i) ? rule_of(s, variant, kernel, (ig_number)i) : NULL;
    if (rule) c.value[i] = rule->value[i], c.place[i] = rule->place;
  }
  return c;
}

ig_program_choice ig_schedule_program(const ig_schedule *s) {
  ig_program_choice c = {0};
  for (size_t i = s->n_program; i-- > 0;) { /* from the last, so that the first wins */
    const ig_program_rule *rule = &s->program[i];
    if (rule->chunk) c.chunk = rule->chunk, c.chunk_place = rule->place;
    for (int p = 0; p < IG_PATTERNS; p++)
      if (rule->stated >> p & 1) c.fused[p] = rule->fused >> p & 1, c.fused_place[p] = rule->place;
  }
  return c;
}

/* ---- what is legal ---- */

/* Why not, and (bits) which numbers are at odds. */
static const char *illegal(const ig_variant *v, const ig_kernel_ref *kernel, const uint32_t value[IG_NUMBERS], uint32_t *which, ig_arena *arena) {
  uint32_t per_vector = 16 / v->lanes;
  if (ig_family_has(kernel->family, IG_QUERIES)) {
    uint32_t queries = value[IG_QUERIES], sums = value[IG_SUMS], need = (sums + sums / queries) * per_vector;
    *which = 1u << IG_QUERIES;
    if (queries & (queries - 1)) return "queries are halved until none is left over: 1, 2 or 4";
    *which = 1u << IG_SUMS;
    if (sums & (sums - 1)) return ig_format(arena, "sums = %u: a power of two, for they divide a block of 128 positions", sums);
    *which = 1u << IG_QUERIES | 1u << IG_SUMS;
    if (sums < queries) return ig_format(arena, "sums = %u are fewer than queries = %u: each query needs one", sums, queries);
    if (need > v->registers)
      return ig_format(arena, "queries = %u, sums = %u need %u vector registers for sums and what they are made of; there are %u", queries, sums, need,
                       v->registers);
  }
  if (ig_family_has(kernel->family, IG_ROWS)) {
    uint32_t rows = value[IG_ROWS], tokens = value[IG_TOKENS], need = (rows * tokens + rows) * per_vector;
    bool floats = kernel->layout->activation == IG_ACT_F32;
    *which = 1u << IG_ROWS;
    if (floats && rows != 1) return "rows has to be 1 for weights that are floats: a product's four sums wait in memory for one row tile";
    *which = 1u << IG_K_BLOCK;
    if (floats && value[IG_K_BLOCK]) return "k_block has to be 0 for weights that are floats: each of a product's four sums goes over all of K";
    if (value[IG_K_BLOCK] % 256) return ig_format(arena, "k_block = %u is no multiple of 256, the longest block of a format", value[IG_K_BLOCK]);
    *which = 1u << IG_ROWS | 1u << IG_TOKENS;
    if (need > v->registers)
      return ig_format(arena, "rows = %u, tokens = %u need %u vector registers for sums and weights; there are %u", rows, tokens, need, v->registers);
  }
  return NULL;
}

const char *ig_choice_illegal(const ig_variant *variant, const ig_kernel_ref *kernel, const uint32_t value[IG_NUMBERS], ig_arena *arena) {
  uint32_t which;
  for (int i = 0; i < IG_NUMBERS; i++)
    if (ig_family_has(kernel->family, (ig_number)i) && (value[i] < numbers[i].least || value[i] > numbers[i].most)) return "out of range";
  return illegal(variant, kernel, value, &which, arena);
}

/* Complains at the rule that comes first among those at odds: the user's, where the target's own are in it too. */
static void complain(const ig_schedule *s, const ig_variant *variant, const ig_kernel_ref *kernel, uint32_t which, const char *why, ig_diags *diags) {
  const ig_kernel_rule *first = NULL;
  const char *others = "";
  char name[48];
  for (int i = 0; i < IG_NUMBERS; i++) {
    const ig_kernel_rule *rule = which >> i & 1 ? rule_of(s, variant, kernel, (ig_number)i) : NULL;
    if (rule && (!first || rule < first)) first = rule;
  }
  for (int i = 0; i < IG_NUMBERS; i++) {
    const ig_kernel_rule *rule = which >> i & 1 ? rule_of(s, variant, kernel, (ig_number)i) : NULL;
    if (rule && rule != first) others = ig_format(s->arena, "%s; %s is from %s", others, numbers[i].name, rule->place);
  }
  for (size_t i = 0; i < diags->count; i++)
    if (!strcmp(diags->items[i].place, first->place)) return; /* once a rule: it may match a hundred kernels */
  ig_kernel_name(name, kernel->family, kernel->layout, kernel->activation);
  ig_error(diags, first->place, "%s on %s: %s%s", name, variant->name, why, others);
}

static bool check_kernel(const ig_schedule *s, const ig_variant *variant, const ig_kernel_ref *kernel, ig_diags *diags) {
  ig_choice c = ig_schedule_choose(s, variant, kernel);
  bool ok = true;
  uint32_t which;
  for (int i = 0; i < IG_NUMBERS; i++)
    if (ig_family_has(kernel->family, (ig_number)i) && !c.place[i])
      ok = ig_error(diags, s->target->name, "no rule states %s of op %s on %s", numbers[i].name, families[kernel->family].op, variant->name);
  if (!ok) return false;
  const char *why = illegal(variant, kernel, c.value, &which, s->arena);
  if (why) complain(s, variant, kernel, which, why, diags);
  return !why;
}

/* Every kernel that has numbers, on every variant: whatever the model, nothing else can come. */
static bool check_all(const ig_schedule *s, ig_diags *diags) {
  bool ok = true;
  for (uint32_t v = 0; v < s->target->n_variants + s->target->n_forms; v++)
    for (int f = 0; f < IG_FAMILY_COUNT; f++) {
      if (!families[f].numbers) continue;
      for (int i = 0; i == 0 || (families[f].per_format && ig_layout_at(i)); i++)
        ok &= check_kernel(s, &s->target->variants[v], &(ig_kernel_ref){(ig_family)f, families[f].per_format ? ig_layout_at(i) : NULL, IG_ACT_F32}, diags);
    }
  ig_program_choice p = ig_schedule_program(s);
  if (!p.chunk) ok = ig_error(diags, s->target->name, "no rule states chunk of the program");
  for (int i = 0; i < IG_PATTERNS; i++)
    if (!p.fused_place[i]) ok = ig_error(diags, s->target->name, "no rule states %s of the program", patterns[i]);
  return ok;
}

/* ---- reading ---- */

bool ig_schedule_read_text(ig_schedule *s, const ig_target *target, const char *name, ig_str text, ig_arena *arena, ig_diags *diags) {
  ig_str lib = {lib_text, sizeof lib_text - 1};
  size_t errors = diags->errors;
  *s = (ig_schedule){.target = target, .arena = arena};
  if (text.data && !ig_schedule_run(s, lib, name, text, diags)) return false;
  if (diags->errors != errors) return false;
  for (size_t i = 0; i < sizeof built_in / sizeof *built_in; i++)
    if (!strcmp(built_in[i].target, target->name) && !ig_schedule_run(s, lib, built_in[i].name, ig_str_of(built_in[i].text), diags)) return false;
  return diags->errors == errors && check_all(s, diags);
}

bool ig_schedule_read(ig_schedule *s, const ig_target *target, const char *path, ig_arena *arena, ig_diags *diags) {
  ig_str text = {NULL, 0};
  if (path && !ig_read_small_file(path, IG_SCHEDULE_LONGEST, arena, &text, diags)) return false;
  return ig_schedule_read_text(s, target, path ? path : "", text, arena, diags);
}

/* ---- telling ---- */

void ig_print_numbers(ig_text *out, ig_family family, const uint32_t value[IG_NUMBERS]) {
  const char *comma = "";
  for (int i = 0; i < IG_NUMBERS; i++)
    if (ig_family_has(family, (ig_number)i)) ig_text_printf(out, "%s%s = %u", comma, numbers[i].name, value[i]), comma = ", ";
}

static void explain_kernel(const ig_schedule *s, const ig_kernel_ref *kernel, const ig_variant *variant, ig_text *out) {
  char name[48];
  ig_kernel_name(name, kernel->family, kernel->layout, kernel->activation);
  ig_text_printf(out, "%-24s %-10s", name, variant->name);
  ig_choice c = ig_schedule_choose(s, variant, kernel);
  const char *place = NULL;
  for (int i = 0; i < IG_NUMBERS; i++) { /* numbers of one rule behind its place */
    if (!c.place[i]) continue;
    if (place && !strcmp(place, c.place[i])) ig_text_printf(out, ", %s = %u", numbers[i].name, c.value[i]);
    else ig_text_printf(out, "%s%s: %s = %u", place ? "; " : "  ", c.place[i], numbers[i].name, c.value[i]);
    place = c.place[i];
  }
  ig_text_printf(out, "%s\n", place ? "" : "  has no numbers");
}

void ig_schedule_explain(const ig_schedule *s, const ig_kernel_ref *kernels, size_t n, const ig_variant *const *variants, uint32_t n_variants, ig_text *out) {
  ig_program_choice p = ig_schedule_program(s);
  ig_text_printf(out, "%-24s %-10s  %s: chunk = %u", "program", "all", p.chunk_place, p.chunk);
  for (int i = 0; i < IG_PATTERNS; i++) ig_text_printf(out, "; %s: %s = %s", p.fused_place[i], patterns[i], p.fused[i] ? "true" : "false");
  ig_text_printf(out, "\n");
  for (size_t k = 0; k < n; k++)
    for (uint32_t v = 0; v < n_variants; v++)
      if (families[kernels[k].family].numbers || v == 0) explain_kernel(s, &kernels[k], families[kernels[k].family].numbers ? variants[v] : variants[0], out);
}
