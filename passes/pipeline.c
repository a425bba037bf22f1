#include "passes/pipeline.h"

#include <string.h>

static const ig_pass passes[] = {
  {"canonicalize", ig_pass_canonicalize},
  {"fold", ig_pass_fold},
  {"dead_code", ig_pass_dead_code},
  {"fuse", ig_pass_fuse},
  {"split", ig_pass_split},
  {"layout", ig_pass_layout},
};
enum { COUNT = sizeof passes / sizeof *passes };

const ig_pass *ig_pass_at(int index) { return index >= 0 && index < COUNT ? &passes[index] : NULL; }

const ig_pass *ig_pass_find(const char *name) {
  for (int i = 0; i < COUNT; i++)
    if (!strcmp(passes[i].name, name)) return &passes[i];
  return NULL;
}

static void dump(ig_module module, const ig_pass_options *options, const char *pass) {
  if (!options->dump) return;
  ig_text text = {0};
  ig_module_print(module, &text);
  options->dump(options->user, pass, text.data);
  ig_text_finish(&text);
}

bool ig_run_passes(ig_module module, const ig_pass_options *options, ig_diags *diags) {
  if (options->stop_after && !ig_pass_find(options->stop_after)) return ig_error(diags, "passes", "there is no pass %s", options->stop_after);
  if (!ig_verify(module, diags)) return false;
  for (int i = 0; i < COUNT; i++) {
    size_t errors = diags->errors;
    bool done = passes[i].run(module, options, diags);
    if (!done && diags->errors == errors) ig_error(diags, passes[i].name, "the pass failed without a reason");
    dump(module, options, passes[i].name);
    if (!done) return false;
    if (!ig_verify(module, diags)) return ig_error(diags, passes[i].name, "the graph is wrong after this pass: a bug of the compiler");
    if (options->stop_after && !strcmp(options->stop_after, passes[i].name)) break;
  }
  return true;
}
