/* A graph as text: parsed, verified, passed, planned; what passes prints itself again. */
#include "fuzz.h"

#include "passes/lower.h"
#include "passes/pipeline.h"

static void plan(ig_module module, ig_diags *diags) {
  ig_arena arena = {0};
  ig_program_plan p = {0};
  if (ig_make_plan(module, &(ig_lower_options){256, 16}, &arena, &p, diags)) {
    ig_text text = {0};
    ig_plan_print(&p, &text);
    ig_text_finish(&text);
  }
  ig_arena_finish(&arena);
}

void fuzz_one(const uint8_t *data, size_t size) {
  ig_diags diags = {0};
  ig_context *context = ig_context_create(&diags);
  ig_module module, again;
  if (ig_module_parse(context, (ig_str){(const char *)data, size}, "fuzz", &module, &diags)) {
    if (ig_run_passes(module, &(ig_pass_options){.layout = "x86_64.r16"}, &diags)) {
      ig_text once = {0}, twice = {0};
      ig_module_print(module, &once);
      FUZZ_CHECK(ig_module_parse(context, (ig_str){once.data, once.size}, "again", &again, &diags));
      ig_module_print(again, &twice);
      FUZZ_CHECK(!strcmp(once.data, twice.data));
      ig_text_finish(&once);
      ig_text_finish(&twice);
      ig_module_destroy(again);
      plan(module, &diags);
    }
    ig_module_destroy(module);
  }
  static const char bug[] = "bug of the compiler";
  for (size_t i = 0; i < diags.count && !memmem(data, size, bug, sizeof bug - 1); i++) FUZZ_CHECK(!strstr(diags.items[i].text, bug));
  ig_context_destroy(context);
  ig_diags_finish(&diags);
}

void fuzz_seeds(fuzz_add *add, void *user) {
  static const char *const names[] = {"canonicalize", "dead_code", "fold", "fuse", "split", "layout"};
  char path[64];
  for (size_t i = 0; i < sizeof names / sizeof *names; i++)
    for (int out = 0; out < 2; out++) {
      snprintf(path, sizeof path, "tests/golden/%s.%s.mlir", names[i], out ? "out" : "in");
      fuzz_add_file(add, user, path, 1 << 16);
    }
}
