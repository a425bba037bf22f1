/* Every truncation of a valid file is refused; thousands of files with random bytes changed are read without harm and without
 * memory that the file does not justify. Run it under a sanitizer to see the first half of that. */
#define _DEFAULT_SOURCE
#include <sys/resource.h>
#include <unistd.h>

#include "frontend/model.h"
#include "gguf_maker.h"
#include "tests/runtime/bounds.h"

static const char path[] = "test_gguf_hostile.gguf";
static bool f32_only(const char *format) { return strcmp(format, "f32") == 0; }

static bool read_model(ig_context *context, size_t *reports) {
  ig_diags diags = {0};
  ig_model model;
  bool ok = ig_model_open(&model, path, &diags);
  if (ok && context) {
    ig_module module = ig_module_create(context);
    ok = ig_model_graph(&model, module, f32_only, &diags) && ig_verify(module, &diags);
    ig_module_destroy(module);
  }
  *reports = diags.errors;
  ig_model_close(&model);
  ig_diags_finish(&diags);
  return ok;
}

static bool truncations(const ig_text *file) {
  bool ok = true;
  gguf_write(path, file);
  for (size_t size = file->size; size-- > 0;) {
    size_t reports = 0;
    if (truncate(path, (off_t)size) != 0) return perror(path), false;
    if (read_model(NULL, &reports) || reports == 0) ok = printf("cut to %zu of %zu bytes, the file is still taken\n", size, file->size) < 0;
  }
  return ok;
}

/* xorshift: the same files on every machine */
static uint32_t next(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

/* Bytes that readers trip over. */
static const uint8_t sore[] = {0, 1, 2, 8, 9, 13, 0x7f, 0x80, 0xff};

static bool mutations(ig_context *context, const ig_text *file, size_t head, uint32_t rounds) {
  uint32_t random = 20240607;
  bool ok = true;
  uint32_t taken = 0;
  bounds_begin();
  for (uint32_t i = 0; i < rounds; i++) {
    bounds_next(i);
    ig_text copy = {0};
    size_t reports = 0;
    ig_text_add(&copy, file->data, file->size);
    for (uint32_t n = 1 + next(&random) % 3; n; n--) {
      size_t at = next(&random) % head, run = next(&random) % 4 ? 1 : 8;
      for (size_t j = at; j < at + run && j < head; j++) copy.data[j] = (char)(next(&random) % 2 ? sore[next(&random) % sizeof sore] : (uint8_t)next(&random));
    }
    gguf_write(path, &copy);
    bool taken_now = read_model(context, &reports);
    taken += taken_now;
    if (taken_now != (reports == 0)) ok = printf("mutation %u: read %d, but %zu errors reported\n", i, taken_now, reports) < 0;
    ig_text_finish(&copy);
  }
  /* Changes of names and numbers that mean little are taken; that all are refused would be as wrong as that none is. */
  printf("%u of %u mutations taken\n", taken, rounds);
  return bounds_end() && ok && taken > 0 && taken < rounds;
}

/* Factors of 0 would make infinite frequencies; they lie in the data, where no table of keys reaches. */
static bool zero_factors(ig_context *context) {
  gguf_change with = {.tensor = "+", .new_name = "rope_freqs.weight", .n_dims = 1, .ne = {2}};
  ig_text file = {0};
  size_t reports = 0;
  gguf_make(&with, &file);
  memset(file.data + file.size - 32, 0, 32);
  gguf_write(path, &file);
  bool refused = !read_model(context, &reports) && reports == 1;
  if (!refused) printf("rope factors of 0 are taken\n");
  ig_text_finish(&file);
  return refused;
}

int main(void) {
  ig_diags own = {0};
  ig_context *context = ig_context_create(&own);
  ig_text file = {0};
  gguf_make(&(gguf_change){0}, &file);
  size_t head = file.size - 1888; /* about: a few bytes of data among the changed ones do no harm */
  struct rusage before, after;
  getrusage(RUSAGE_SELF, &before);
  bool ok = truncations(&file);
  ok = mutations(context, &file, head, bounds_rounds(4000)) && ok;
  ok = zero_factors(context) && ok;
  getrusage(RUSAGE_SELF, &after);
#ifndef __SANITIZE_ADDRESS__
  if (after.ru_maxrss - before.ru_maxrss > 32 << 10) ok = printf("files of 3 KB took %ld KiB of memory\n", after.ru_maxrss - before.ru_maxrss) < 0;
#endif
  if (own.errors) ok = printf("MLIR: %s\n", own.items[0].text) < 0;
  ig_text_finish(&file);
  ig_context_destroy(context);
  ig_diags_finish(&own);
  remove(path);
  return ok ? 0 : 1;
}
