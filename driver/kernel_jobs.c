#include "driver/kernel_jobs.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "codegen/program_object.h"

/* Kernels of one object. Few enough that one variant keeps two cores busy; the split must not depend on the number of threads, for the
 * library's bytes do not. */
enum { SLICE = 8 };

typedef struct job {
  const ig_variant *variant;
  uint32_t first, n;
  bool ok;
  ig_object object;
  ig_text text;
  ig_diags diags;      /* of its own: diagnostics belong to one thread at a time */
} job;

struct ig_kernel_jobs {
  const ig_platform *platform;
  const ig_program_plan *plan;
  const char *name;
  const ig_schedule *schedule;
  ig_dump dump;
  ig_kernel_ref *refs;
  job *jobs;
  uint32_t n_jobs, n_threads;
  bool joined;
  atomic_uint next, done;
  pthread_t threads[];
};

static void *work(void *user) {
  ig_kernel_jobs *j = user;
  for (unsigned i; (i = atomic_fetch_add(&j->next, 1)) < j->n_jobs; atomic_fetch_add(&j->done, 1)) {
    job *one = &j->jobs[i];
    one->ok = ig_compile_kernels(j->platform, j->schedule, one->variant, j->name, j->refs + one->first, one->n, j->dump, &one->text, &one->object, &one->diags);
  }
  return NULL;
}

static void *zeroed(size_t count, size_t size) {
  void *p = calloc(count ? count : 1, size);
  if (!p) abort();
  return p;
}

ig_kernel_jobs *ig_kernel_jobs_start(const ig_platform *platform, const ig_program_plan *plan, const char *name, const ig_schedule *schedule,
                                     const ig_variant *const *variants, uint32_t n_variants, uint32_t n_threads, ig_dump dump) {
  ig_kernel_jobs *j = zeroed(1, sizeof *j + n_threads * sizeof *j->threads);
  uint32_t n_kernels = (uint32_t)plan->n_kernels, slices = (n_kernels + SLICE - 1) / SLICE;
  j->platform = platform, j->plan = plan, j->name = name, j->schedule = schedule, j->dump = dump;
  j->n_jobs = n_variants * slices;
  j->jobs = zeroed(j->n_jobs, sizeof *j->jobs);
  j->refs = zeroed(n_kernels, sizeof *j->refs);
  for (uint32_t i = 0; i < n_kernels; i++) j->refs[i] = plan->kernel[i].ref;
  for (uint32_t v = 0; v < n_variants; v++)
    for (uint32_t s = 0; s < slices; s++) {
      uint32_t left = n_kernels - s * SLICE;
      j->jobs[v * slices + s] = (job){.variant = variants[v], .first = s * SLICE, .n = left < SLICE ? left : SLICE};
    }
  for (uint32_t t = 0; t < n_threads && t < j->n_jobs; t++) {
    if (pthread_create(&j->threads[j->n_threads], NULL, work, j) != 0) break;
    j->n_threads++;
  }
  return j;
}

double ig_kernel_jobs_done(const ig_kernel_jobs *jobs) { return jobs->n_jobs ? (double)atomic_load(&jobs->done) / jobs->n_jobs : 1; }

static void wait_for(ig_kernel_jobs *j) {
  if (j->joined) return;
  work(j); /* this thread helps, and does it all where no thread could be made */
  for (uint32_t t = 0; t < j->n_threads; t++) pthread_join(j->threads[t], NULL);
  j->joined = true;
}

bool ig_kernel_jobs_join(ig_kernel_jobs *j, ig_arena *arena, ig_archive_member **members, size_t *n_members, ig_text *dump_out, ig_diags *diags) {
  bool ok = true;
  wait_for(j);
  *members = ig_alloc_array(arena, j->n_jobs, sizeof **members);
  *n_members = j->n_jobs;
  for (uint32_t i = 0; i < j->n_jobs; i++) {
    job *one = &j->jobs[i];
    for (size_t d = 0; d < one->diags.count; d++) ig_report(diags, one->diags.items[d].severity, one->diags.items[d].place, "%s", one->diags.items[d].text);
    if (!one->ok && !one->diags.errors) ig_error(diags, one->variant->name, "the kernels of this variant could not be compiled");
    ok &= one->ok;
    if (dump_out && one->text.size) ig_text_add(dump_out, one->text.data, one->text.size);
    const char **symbols = ig_alloc_array(arena, one->n, sizeof *symbols);
    for (uint32_t k = 0; k < one->n; k++) symbols[k] = ig_kernel_symbol(arena, j->name, one->variant, &j->plan->kernel[one->first + k].info);
    (*members)[i] = (ig_archive_member){ig_format(arena, "%s.%u.o", one->variant->name, one->first / SLICE), one->object.data, one->object.size, symbols,
                                        one->n};
  }
  return ok;
}

void ig_kernel_jobs_destroy(ig_kernel_jobs *j) {
  if (!j) return;
  atomic_store(&j->next, j->n_jobs); /* what has not begun is not wanted any more */
  wait_for(j);
  for (uint32_t i = 0; i < j->n_jobs; i++) {
    free(j->jobs[i].object.data);
    ig_text_finish(&j->jobs[i].text);
    ig_diags_finish(&j->jobs[i].diags);
  }
  free(j->jobs);
  free(j->refs);
  free(j);
}
