#include "driver/kernel_jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/program_object.h"
#include "driver/code_budget.h"

/* Kernels of one object. Few enough that one variant keeps two cores busy; the split must not depend on the number of threads, for the
 * library's bytes do not. */
enum { SLICE = 8 };

typedef struct job {
  const ig_variant *variant;
  const ig_kernel_ref *refs;
  uint32_t n;          /* 0: nothing to be made */
  ig_brevity brevity;
  bool ok;
  ig_object object;
  ig_text text;
  ig_diags diags;      /* of its own: diagnostics belong to one thread at a time */
} job;

/* Jobs that threads take in turn. */
typedef struct batch {
  const ig_kernel_jobs *of;
  job *jobs;
  uint32_t n, n_threads;
  atomic_uint next, done;
  pthread_t *threads;  /* of->n_threads */
} batch;

struct ig_kernel_jobs {
  const ig_platform *platform;
  const ig_program_plan *plan;
  const char *name;
  const ig_schedule *schedule;
  const ig_variant *const *variants;
  ig_dump dump;
  ig_kernel_ref *refs;
  uint32_t n_variants, n_threads;
  batch all;           /* each variant's slices after those of the one before */
  batch *shorter;      /* of the variants that need it (n: 0 of the others) */
};

static uint32_t slices_of(const ig_kernel_jobs *j) { return ((uint32_t)j->plan->n_kernels + SLICE - 1) / SLICE; }

/* ---- batches ---- */

static void *work(void *user) {
  batch *b = user;
  const ig_kernel_jobs *j = b->of;
  for (unsigned i; (i = atomic_fetch_add(&b->next, 1)) < b->n; atomic_fetch_add(&b->done, 1)) {
    job *one = &b->jobs[i];
    one->ok = !one->n ||
        ig_compile_kernels(j->platform, j->schedule, one->variant, j->name, one->refs, one->n, one->brevity, j->dump, &one->text, &one->object, &one->diags);
  }
  return NULL;
}

static void batch_init(batch *b, const ig_kernel_jobs *of, uint32_t n) { *b = (batch){.of = of, .jobs = ig_heap_zeroed(n, sizeof(job)), .n = n}; }

static void batch_start(batch *b) {
  b->threads = ig_heap_zeroed(b->of->n_threads, sizeof *b->threads);
  for (uint32_t t = 0; t < b->of->n_threads && t < b->n; t++) {
    if (pthread_create(&b->threads[b->n_threads], NULL, work, b) != 0) break;
    b->n_threads++;
  }
}

static void batch_join(batch *b) {
  if (!b->threads) return;
  work(b); /* this thread helps, and does it all where no thread could be made */
  for (uint32_t t = 0; t < b->n_threads; t++) pthread_join(b->threads[t], NULL);
  free(b->threads);
  b->threads = NULL;
}

static void batch_finish(batch *b) {
  for (uint32_t i = 0; i < b->n; i++) {
    free(b->jobs[i].object.data);
    ig_text_finish(&b->jobs[i].text);
    ig_diags_finish(&b->jobs[i].diags);
  }
  free(b->jobs);
}

/* ---- the whole ---- */

ig_kernel_jobs *ig_kernel_jobs_start(const ig_platform *platform, const ig_program_plan *plan, const char *name, const ig_schedule *schedule,
                                     const ig_variant *const *variants, uint32_t n_variants, uint32_t n_threads, ig_dump dump) {
  ig_kernel_jobs *j = ig_heap_zeroed(1, sizeof *j);
  uint32_t n_kernels = (uint32_t)plan->n_kernels;
  *j = (ig_kernel_jobs){.platform = platform, .plan = plan, .name = name, .schedule = schedule, .variants = variants, .dump = dump};
  j->n_variants = n_variants, j->n_threads = n_threads;
  j->shorter = ig_heap_zeroed(n_variants, sizeof *j->shorter);
  j->refs = ig_heap_zeroed(n_kernels, sizeof *j->refs);
  for (uint32_t i = 0; i < n_kernels; i++) j->refs[i] = plan->kernel[i].ref;
  uint32_t slices = slices_of(j);
  batch_init(&j->all, j, n_variants * slices);
  for (uint32_t v = 0; v < n_variants; v++)
    for (uint32_t s = 0; s < slices; s++) {
      uint32_t left = n_kernels - s * SLICE;
      j->all.jobs[v * slices + s] = (job){.variant = variants[v], .refs = j->refs + s * SLICE, .n = left < SLICE ? left : SLICE};
    }
  batch_start(&j->all);
  return j;
}

double ig_kernel_jobs_done(const ig_kernel_jobs *j) { return j->all.n ? (double)atomic_load(&j->all.done) / j->all.n : 1; }

static bool tell(const job *one, ig_diags *diags) {
  for (size_t d = 0; d < one->diags.count; d++) ig_report(diags, one->diags.items[d].severity, one->diags.items[d].place, "%s", one->diags.items[d].text);
  return one->ok || one->diags.errors || ig_error(diags, one->variant->name, "the kernels of this variant could not be compiled");
}

static ig_archive_member member_of(const ig_kernel_jobs *j, const job *one, uint32_t number, ig_arena *arena) {
  const char **symbols = ig_alloc_array(arena, one->n, sizeof *symbols);
  for (uint32_t k = 0; k < one->n; k++) symbols[k] = ig_symbol_of(arena, j->name, one->variant, &one->refs[k]);
  return (ig_archive_member){ig_format(arena, "%.9s.%u.o", one->variant->name, number), one->object.data, one->object.size, symbols, one->n};
}

/* ---- less code ---- */

/* Whether a kernel has another form of such brevity than of the one before. */
static bool shortens(const ig_kernel_jobs *j, const ig_variant *variant, const ig_kernel_ref *ref, ig_brevity brevity) {
  bool forms = ig_form_next(j->platform->target, variant, NULL) != NULL;
  return brevity == IG_FAST || (brevity == IG_ONE_FORM ? forms : ig_calls_product(ref) || ig_family_has(ref->family, IG_QUERIES));
}

/* The jobs of a variant whose code is too large: each kernel alone in all brevities, then the product of each group. */
static void shorter_jobs(ig_kernel_jobs *j, uint32_t v, const ig_kernel_code *code, ig_arena *arena) {
  const uint32_t n = (uint32_t)j->plan->n_kernels, n_groups = ig_code_groups(j->plan);
  batch *b = &j->shorter[v];
  batch_init(b, j, n * IG_BREVITIES + n_groups);
  for (uint32_t i = 0; i < n * IG_BREVITIES; i++) {
    const ig_kernel_ref *ref = &j->refs[i / IG_BREVITIES];
    const ig_brevity brevity = (ig_brevity)(i % IG_BREVITIES);
    b->jobs[i] = (job){.variant = j->variants[v], .refs = ref, .n = shortens(j, j->variants[v], ref, brevity), .brevity = brevity};
  }
  for (uint32_t k = 0; k < n; k++) {
    if (!ig_calls_product(&j->refs[k])) continue;
    ig_kernel_ref *product = ig_alloc(arena, sizeof *product);
    *product = (ig_kernel_ref){IG_PRODUCT, j->refs[k].layout, IG_ACT_F32};
    b->jobs[n * IG_BREVITIES + code[k].group] = (job){.variant = j->variants[v], .refs = product, .n = 1, .brevity = IG_SMALL};
  }
}

/* Makes them, and chooses of them the ones that fit together. Gives back how many members they are; 0 after an error. */
static size_t shorten(ig_kernel_jobs *j, uint32_t v, ig_arena *arena, ig_archive_member *members, ig_code_facts *facts, ig_diags *diags) {
  const uint32_t n = (uint32_t)j->plan->n_kernels, n_groups = ig_code_groups(j->plan);
  ig_kernel_code *code = ig_alloc_array(arena, n, sizeof *code);
  uint64_t *product = ig_alloc_array(arena, n_groups, sizeof *product);
  batch *b = &j->shorter[v];
  ig_kernel_use(j->plan, code);
  shorter_jobs(j, v, code, arena);
  batch_start(b);
  batch_join(b);
  const job *products = b->jobs + n * IG_BREVITIES;
  for (uint32_t i = 0; i < b->n; i++)
    if (!b->jobs[i].ok) return tell(&b->jobs[i], diags), 0;
  for (uint32_t i = 0; i < n * IG_BREVITIES; i++)
    code[i / IG_BREVITIES].bytes[i % IG_BREVITIES] = b->jobs[i].n ? ig_code_bytes(&b->jobs[i].object) : UINT64_MAX;
  for (uint32_t g = 0; g < n_groups; g++) product[g] = products[g].n ? ig_code_bytes(&products[g].object) : 0;
  *facts = (ig_code_facts){ig_choose_brevity(code, n, product, n_groups, IG_CODE_MOST, arena), 0};
  size_t made = 0;
  bool *called = ig_alloc_array(arena, n_groups, sizeof *called);
  for (uint32_t k = 0; k < n; k++) {
    members[made++] = member_of(j, &b->jobs[k * IG_BREVITIES + code[k].brevity], k, arena);
    facts->n_short += code[k].brevity != IG_FAST;
    called[code[k].group] |= code[k].brevity == IG_SMALL && ig_calls_product(&j->refs[k]);
  }
  for (uint32_t g = 0; g < n_groups; g++)
    if (called[g]) members[made++] = member_of(j, &products[g], n + g, arena);
  if (facts->bytes > IG_CODE_MOST)
    ig_report(diags, IG_WARNING, j->variants[v]->name, "the code of this variant takes %llu bytes, more than %d, though in its shortest form",
              (unsigned long long)facts->bytes, IG_CODE_MOST);
  return made;
}

bool ig_kernel_jobs_join(ig_kernel_jobs *j, ig_arena *arena, ig_archive_member **members, size_t *n_members, ig_code_facts *code, ig_text *dump_out,
                         ig_diags *diags) {
  const uint32_t slices = slices_of(j);
  bool ok = true;
  batch_join(&j->all);
  *members = ig_alloc_array(arena, j->n_variants * (j->plan->n_kernels + ig_code_groups(j->plan)), sizeof **members);
  *n_members = 0;
  for (uint32_t v = 0; v < j->n_variants; v++) {
    const job *jobs = j->all.jobs + v * slices;
    ig_code_facts facts = {0, 0};
    for (uint32_t s = 0; s < slices; s++) {
      tell(&jobs[s], diags);
      ok &= jobs[s].ok;
      if (jobs[s].ok) facts.bytes += ig_code_bytes(&jobs[s].object);
      if (dump_out && jobs[s].text.size) ig_text_add(dump_out, jobs[s].text.data, jobs[s].text.size);
    }
    if (ok && facts.bytes > IG_CODE_MOST && j->dump == IG_DUMP_NONE) {
      const size_t n = shorten(j, v, arena, *members + *n_members, &facts, diags);
      ok = n > 0;
      *n_members += n;
    } else {
      for (uint32_t s = 0; s < slices; s++) (*members)[(*n_members)++] = member_of(j, &jobs[s], s, arena);
    }
    if (code) code[v] = facts;
  }
  return ok;
}

void ig_kernel_jobs_destroy(ig_kernel_jobs *j) {
  if (!j) return;
  atomic_store(&j->all.next, j->all.n); /* what has not begun is not wanted any more */
  batch_join(&j->all);
  batch_finish(&j->all);
  for (uint32_t v = 0; v < j->n_variants; v++) batch_finish(&j->shorter[v]);
  free(j->shorter);
  free(j->refs);
  free(j);
}
