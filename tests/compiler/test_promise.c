/* What compiling promises of memory is what the runtime asks its allocator for, to the byte. */
#include "tests/runtime/guard.h"
#include <stdlib.h>
#include <unistd.h>

#include "driver/bundle_folder.h"
#include "driver/report.h"
#include "tests/compiler/whole_model.h"

static uint64_t promised(const char *report, const char *name) {
  uint64_t value = 0;
  CHECK(ig_report_number(report, name, &value), "the report says no %s", name);
  return value;
}

static void test_bundle(const char *bundle, uint32_t threads) {
  guard g = {.most = SIZE_MAX};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ig_diags diags = {0};
  ig_loaded loaded;
  ig_str report;
  ingot_error error = {INGOT_OK, ""};
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  if (!ig_load_bundle(&loaded, bundle, &arena, &diags) || !ig_read_small_file(ig_format(&arena, "%s/report.json", bundle), 1 << 20, &arena, &report, &diags)) {
    show(&diags);
    CHECK(false, "cannot load the bundle");
    return;
  }
  ingot_model_options options = {
    .size = sizeof options, .plan_path = loaded.plan_path, .weights_path = loaded.weights_path, .n_threads = threads, .allocator = &allocator};
  CHECK(ingot_model_open(loaded.program, &options, &model, &error) == INGOT_OK, "%s", error.message);
  const uint64_t model_bytes = promised(report.data, "model_bytes"), scratch = promised(report.data, "scratch_bytes_per_thread");
  CHECK(g.held == model_bytes + threads * scratch, "a model with %u threads asked for %zu bytes, promised were %llu and %llu a thread", threads, g.held,
        (unsigned long long)model_bytes, (unsigned long long)scratch);
  const size_t before = g.held;
  CHECK(ingot_session_open(model, NULL, &session, &error) == INGOT_OK, "%s", error.message);
  const uint64_t at_most = promised(report.data, "session_bytes_at_most");
  CHECK(g.held - before == at_most && ingot_model_memory(model, 0) == at_most, "a session asked for %zu bytes, promised were %llu", g.held - before,
        (unsigned long long)at_most);
  CHECK(access(loaded.weights_path, R_OK) == 0, "no weights");
  ingot_session_close(session);
  ingot_model_close(model);
  ig_unload(&loaded);
  ig_diags_finish(&diags);
}

int main(void) {
  const char *source = getenv("INGOT_SOURCE");
  char folder[] = "/tmp/ingot-promise-XXXXXX";
  static const char *const variants[] = {"base", "avx2"};
  if (!mkdtemp(folder)) return perror(folder), 1;
  for (uint32_t n = 1; n <= 2; n++) {
    ig_diags diags = {0};
    const char *bundle;
    ig_compile_options o = {.model = ig_format(&arena, "%s/models/fable/fable-f16.gguf", source ? source : "."),
                            .parent = folder,
                            .name = "promise",
                            .platform = ig_platform_find("native"),
                            .n_context = n * 256,
                            .chunk = n * 33};
    if (!strcmp(o.platform->target->name, "x86_64")) o.variants = variants, o.n_variants = n;
    const bool ok = ig_compile(&o, &arena, &bundle, &diags);
    show(&diags);
    CHECK(ok, "does not compile");
    if (ok) test_bundle(bundle, n), test_bundle(bundle, 3);
    ig_diags_finish(&diags);
  }
  ig_remove_tree(folder);
  ig_arena_finish(&arena);
  return failures > 0;
}
