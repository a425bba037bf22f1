/* A model file: container, metadata, tokenizer, chat template, graph; what makes a graph makes a plan, and tables of tokens. */
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

#include "codegen/tokens_writer.h"
#include "frontend/model.h"
#include "passes/lower.h"
#include "passes/pipeline.h"
#include "tests/compiler/gguf_maker.h"

static bool has_kernels(const char *format) { return ig_layout_find(format) != NULL; }

static void plan(const ig_model *model, ig_module module, ig_diags *diags) {
  ig_arena arena = {0};
  ig_program_plan p = {0};
  ig_text tables = {0};
  bool ok = ig_run_passes(module, &(ig_pass_options){.layout = "x86_64.r16"}, diags) && ig_make_plan(module, &(ig_lower_options){256, 16}, &arena, &p, diags);
  if (ok && model->tokenizer.present) {
    ig_write_tokens(&model->tokenizer, &tables);
    ok = ig_add_tokens(&p, tables.data, tables.size, diags);
  }
  FUZZ_CHECK(ok == !diags->errors);
  ig_text_finish(&tables);
  ig_arena_finish(&arena);
}

/* An even last byte: room for any data behind the header, so that the graph is reached. */
static bool put(int fd, const uint8_t *data, size_t size) {
  if (size && write(fd, data, size) != (ssize_t)size) return false;
  return size && data[size - 1] % 2 ? true : ftruncate(fd, (off_t)size + (64 << 20)) == 0;
}

void fuzz_one(const uint8_t *data, size_t size) {
  char path[64];
  ig_diags diags = {0};
  ig_model model;
  const int fd = memfd_create("model", MFD_CLOEXEC);
  FUZZ_CHECK(fd >= 0 && put(fd, data, size));
  snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
  bool ok = ig_model_open(&model, path, &diags);
  FUZZ_CHECK(ok == !diags.errors);
  if (ok) {
    ig_context *context = ig_context_create(&diags);
    ig_module module = ig_module_create(context);
    ok = ig_model_graph(&model, module, has_kernels, &diags);
    FUZZ_CHECK(!ok || ig_verify(module, &diags));
    if (ok) plan(&model, module, &diags);
    ig_module_destroy(module);
    ig_context_destroy(context);
  }
  ig_model_close(&model);
  ig_diags_finish(&diags);
  close(fd);
}

void fuzz_seeds(fuzz_add *add, void *user) {
  static const gguf_change changes[] = {{0}, {.tensor = "+", .new_name = "rope_freqs.weight", .n_dims = 1, .ne = {2}}};
  for (size_t i = 0; i < sizeof changes / sizeof *changes; i++) {
    ig_text file = {0};
    gguf_make(&changes[i], &file);
    add(user, file.data, file.size);
    ig_text_finish(&file);
  }
  fuzz_add_file(add, user, "models/fable/fable-f16.gguf", 48 << 10); /* its header */
}
