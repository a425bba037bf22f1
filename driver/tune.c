#include "driver/tune.h"

#include <math.h>
#include <string.h>

#include "driver/kernel_probe.h"
#include "driver/planned.h"

enum { QUICK_PAIRS = 5, PAIRS = 25, CANDIDATES_MOST = 64 };
static const double gain_least = 1.01; /* after the spread is taken off: less is not worth a rule */

typedef struct numbers {
  uint32_t value[IG_NUMBERS];
} numbers;

typedef struct tuning {
  const ig_compile_options *o;
  const ig_planned *planned;
  const ig_variant *variant;
  ig_arena *arena;
  ig_diags *diags;
  ig_tune_counts *counts;
  uint32_t kernels;              /* to tune */
} tuning;

/* How a kernel with other numbers compares with the default: median ratio of times (above 1: faster), and the spread around it. */
typedef struct result {
  double ratio, spread, seconds, default_seconds;
} result;

/* ---- what to try ------------------------------------------------------------------------------------------------------ */

typedef struct list {
  numbers at[CANDIDATES_MOST];
  uint32_t n;
} list;

static void try_numbers(list *l, const tuning *t, const ig_kernel_ref *ref, numbers n, const numbers *base) {
  if (l->n == CANDIDATES_MOST || !memcmp(&n, base, sizeof n) || ig_choice_illegal(t->variant, ref, n.value, t->arena)) return;
  l->at[l->n++] = n;
}

/* Two looks: first the register tile, then what stays in the caches, around the best tile. Attention has one. */
enum { LOOKS = 2 };
static list candidates(const tuning *t, const ig_kernel_ref *ref, int look, const numbers *base) {
  static const uint32_t panels[] = {1, 2, 4}, blocks[] = {0, 256, 512, 1024, 2048};
  list l = {.n = 0};
  numbers n = *base;
  if (ig_family_has(ref->family, IG_QUERIES)) {
    for (uint32_t queries = 1; look == 0 && queries <= IG_QUERIES_MOST; queries *= 2)
      for (uint32_t sums = 1; sums <= IG_SUMS_MOST; sums *= 2) n.value[IG_QUERIES] = queries, n.value[IG_SUMS] = sums, try_numbers(&l, t, ref, n, base);
  } else if (look == 0) {
    for (uint32_t rows = 1; rows <= IG_ROWS_MOST; rows++)
      for (uint32_t tokens = 2; tokens <= IG_TOKENS_MOST; tokens++)
        if (2 * rows * tokens >= base->value[IG_ROWS] * base->value[IG_TOKENS])
          n.value[IG_ROWS] = rows, n.value[IG_TOKENS] = tokens, try_numbers(&l, t, ref, n, base);
  } else {
    for (size_t p = 0; p < sizeof panels / sizeof *panels; p++)
      for (size_t k = 0; k < sizeof blocks / sizeof *blocks; k++)
        n.value[IG_PANEL] = panels[p], n.value[IG_K_BLOCK] = blocks[k], try_numbers(&l, t, ref, n, base);
  }
  return l;
}

/* ---- measuring -------------------------------------------------------------------------------------------------------- */

static double median(double *x, int n) {
  for (int i = 1; i < n; i++)
    for (int j = i; j > 0 && x[j] < x[j - 1]; j--) {
      double swap = x[j];
      x[j] = x[j - 1], x[j - 1] = swap;
    }
  return n % 2 ? x[n / 2] : (x[n / 2 - 1] + x[n / 2]) / 2;
}

/* The spread is three standard errors of the median, from the median distance to it: what a few disturbed pairs do not move. */
static result compare(ig_kernel_probe *probe, const ig_probe_code *standard, const ig_probe_code *code, int pairs) {
  double ratio[PAIRS], mine[PAIRS], theirs[PAIRS];
  for (int i = 0; i < pairs; i++) {
    ig_probe_pair(probe, standard, code, &theirs[i], &mine[i]);
    ratio[i] = theirs[i] / mine[i];
  }
  result r = {.ratio = median(ratio, pairs), .seconds = median(mine, pairs), .default_seconds = median(theirs, pairs)};
  for (int i = 0; i < pairs; i++) ratio[i] = fabs(ratio[i] - r.ratio);
  r.spread = 3 * 1.2533 * 1.4826 * median(ratio, pairs) / sqrt(pairs);
  return r;
}

/* The target's schedule with one rule before it. */
static bool compile(const tuning *t, ig_probe_code *code, const ig_kernel_probe *probe, const ig_kernel_ref *ref, const numbers *n) {
  const ig_schedule *base = &t->planned->schedule;
  ig_schedule s = *base;
  s.kernel = ig_alloc_array(t->arena, base->n_kernel + 1, sizeof *s.kernel);
  memcpy(s.kernel + 1, base->kernel, base->n_kernel * sizeof *s.kernel);
  s.n_kernel = base->n_kernel + 1;
  s.kernel[0] = (ig_kernel_rule){.place = "tune", .families = 1u << ref->family, .any_format = true, .variants = 1u << (t->variant - s.target->variants)};
  for (int i = 0; i < IG_NUMBERS; i++)
    if (ig_family_has(ref->family, (ig_number)i)) s.kernel[0].value[i] = n->value[i], s.kernel[0].stated |= 1u << i;
  return ig_probe_compile(code, probe, &s, t->variant, t->diags);
}

typedef struct tuned {
  numbers best;
  result result;
  uint32_t tried;
} tuned;

static bool look_at(const tuning *t, ig_kernel_probe *probe, const ig_kernel_ref *ref, const ig_probe_code *standard, const numbers *n, int pairs, result *r) {
  ig_probe_code code;
  if (!compile(t, &code, probe, ref, n)) return false;
  bool same = ig_probe_same(probe, standard, &code);
  if (same) *r = compare(probe, standard, &code, pairs);
  ig_probe_release(&code);
  ig_text text = {0};
  if (!same) ig_print_numbers(&text, ref->family, n->value);
  if (!same) ig_error(t->diags, t->variant->name, "%s gives other bits than the default: a defect of the compiler, please report it", text.data);
  ig_text_finish(&text);
  return same;
}

static bool tune_kernel(const tuning *t, ig_kernel_probe *probe, const ig_kernel_ref *ref, const numbers *base, tuned *out) {
  ig_probe_code standard;
  char name[48];
  *out = (tuned){.best = *base, .result = {.ratio = 1}};
  ig_kernel_name(name, ref->family, ref->layout, ref->activation);
  if (!compile(t, &standard, probe, ref, base)) return false;
  bool ok = true;
  for (int look = 0; ok && look < LOOKS; look++) {
    list l = candidates(t, ref, look, &out->best);
    for (uint32_t i = 0; ok && i < l.n; i++) {
      double done = (look + (double)i / l.n) / LOOKS;
      if (t->o->progress) t->o->progress(t->o->user, name, (t->counts->kernels + done) / t->kernels);
      result r;
      ok = look_at(t, probe, ref, &standard, &l.at[i], QUICK_PAIRS, &r);
      if (ok && r.ratio > out->result.ratio) out->best = l.at[i], out->result = r;
      out->tried++;
    }
  }
  if (ok && memcmp(&out->best, base, sizeof *base)) ok = look_at(t, probe, ref, &standard, &out->best, PAIRS, &out->result);
  ig_probe_release(&standard);
  return ok;
}

/* ---- telling ---------------------------------------------------------------------------------------------------------- */

static const char *speed(const ig_kernel_probe *probe, double seconds, ig_arena *arena) {
  double work = ig_probe_work(probe);
  return work > 0 ? ig_format(arena, "%.1f GOP/s", 2e-9 * work / seconds) : ig_format(arena, "%.3f ms", 1e3 * seconds);
}

static void write_rule(const tuning *t, const ig_kernel_probe *probe, const ig_kernel_ref *ref, const numbers *base, const tuned *found, ig_text *rules) {
  char name[48];
  const result *r = &found->result;
  bool other = memcmp(&found->best, base, sizeof *base) != 0, taken = other && r->ratio - r->spread > gain_least;
  ig_kernel_name(name, ref->family, ref->layout, ref->activation);
  ig_text_printf(rules, "\n-- %s, %s: %u candidates\n-- default ", name, ig_probe_shapes(probe, t->arena), found->tried);
  ig_print_numbers(rules, ref->family, base->value);
  if (!other) {
    ig_text_printf(rules, ": stays, none was faster\n");
    return;
  }
  ig_text_printf(rules, ": %s; ", speed(probe, r->default_seconds, t->arena));
  if (!taken) {
    ig_text_printf(rules, "it stays\n-- best other ");
    ig_print_numbers(rules, ref->family, found->best.value);
    ig_text_printf(rules, ": %s, %.3f times as fast, +- %.3f\n", speed(probe, r->seconds, t->arena), r->ratio, r->spread);
    return;
  }
  ig_text_printf(rules, "this: %s, %.3f times as fast, +- %.3f (median of %d pairs)\nkernel {op = \"%s\", ", speed(probe, r->seconds, t->arena), r->ratio,
                 r->spread, PAIRS, ig_family_op(ref->family));
  if (ig_family_phase(ref->family)) ig_text_printf(rules, "phase = \"%s\", ", ig_family_phase(ref->family));
  if (ref->layout) ig_text_printf(rules, "format = \"%s\", ", ref->layout->format);
  ig_text_printf(rules, "variant = \"%s\", ", t->variant->name);
  ig_print_numbers(rules, ref->family, found->best.value);
  ig_text_printf(rules, "}\n");
  t->counts->taken++;
}

static bool has_numbers(const ig_kernel_ref *ref) {
  for (int i = 0; i < IG_NUMBERS; i++)
    if (ig_family_has(ref->family, (ig_number)i)) return true;
  return false;
}

/* Whether `name` is one of `names`, which have commas between names. */
static bool is_in(const char *names, const char *name) {
  size_t n = strlen(name);
  for (const char *at = names; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
    if (!strncmp(at, name, n) && (!at[n] || at[n] == ',')) return true;
  return false;
}

/* Which kernels of the plan to tune; a name that is none of them is an error. */
static bool choose(const tuning *t, const char *only, bool *wanted, uint32_t *count) {
  const char *names = "";
  uint32_t asked = 0;
  for (const char *at = only; at; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL) asked++;
  for (uint32_t i = 0; i < t->planned->plan.n_kernels; i++) {
    const char *name = t->planned->plan.kernel[i].info.name;
    if (!has_numbers(&t->planned->plan.kernel[i].ref) || !ig_probe_knows(&t->planned->plan.kernel[i].ref)) continue;
    names = ig_format(t->arena, "%s%s%s", names, *names ? ", " : "", name);
    wanted[i] = !only || is_in(only, name);
    *count += wanted[i];
  }
  return !only || *count == asked || ig_error(t->diags, only, "names a kernel that this model does not have, or one without numbers; there are %s", names);
}

bool ig_tune(const ig_compile_options *options, const ig_variant *variant, const char *only, ig_text *rules, ig_tune_counts *counts, ig_arena *arena,
             ig_diags *diags) {
  ig_planned planned;
  *counts = (ig_tune_counts){0};
  if (!ig_plan_model(&planned, options, arena, diags)) return false;
  tuning t = {.o = options, .planned = &planned, .variant = variant, .arena = arena, .diags = diags, .counts = counts};
  bool *wanted = ig_alloc_array(arena, planned.plan.n_kernels, sizeof *wanted), ok = choose(&t, only, wanted, &t.kernels);
  for (uint32_t i = 0; ok && i < planned.plan.n_kernels; i++) {
    const ig_kernel_ref *ref = &planned.plan.kernel[i].ref;
    if (!wanted[i]) continue;
    numbers base;
    tuned found;
    ig_choice choice = ig_schedule_choose(&planned.schedule, variant, ref);
    memcpy(base.value, choice.value, sizeof base.value);
    ig_kernel_probe *probe = ig_probe_create(&planned.plan, &planned.model, i, diags);
    ok = probe && tune_kernel(&t, probe, ref, &base, &found);
    if (ok) write_rule(&t, probe, ref, &base, &found, rules);
    ig_probe_destroy(probe);
    counts->kernels++;
    counts->candidates += ok ? found.tried : 0;
  }
  ig_model_close(&planned.model);
  return ok;
}
