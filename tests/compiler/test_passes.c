/* Each pass against golden text: tests/golden/<pass>.in.mlir -> <pass>.out.mlir. INGOT_REGENERATE=1 writes what the passes make now (read the diff).
 * Then the whole pipeline, and what passes and verifier say about wrong graphs: tests/golden/wrong.mlir -> wrong.txt, one module between each `// ----`. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "passes/pipeline.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

enum { ROUNDS = 400 };
static ig_arena arena;
static const ig_pass_options options = {.layout = "x86_64.r16"};

static const char *golden(const char *name, const char *end) {
  const char *root = getenv("INGOT_SOURCE");
  return ig_format(&arena, "%s/tests/golden/%s%s", root ? root : ".", name, end);
}

static ig_str read_file(const char *path) {
  ig_diags diags = {0};
  ig_str text = {"", 0};
  CHECK(ig_read_small_file(path, 1 << 20, &arena, &text, &diags), "cannot read %s", path);
  ig_diags_finish(&diags);
  return text;
}

static void show(const ig_diags *diags) {
  for (size_t i = 0; i < diags->count; i++) printf("  %s: %s\n", diags->items[i].place, diags->items[i].text);
}

static void compare(const char *path, const char *made) {
  if (getenv("INGOT_REGENERATE")) {
    ig_diags diags = {0};
    CHECK(ig_write_file(path, made, strlen(made), &diags), "cannot write %s", path);
    ig_diags_finish(&diags);
    return;
  }
  ig_str want = read_file(path);
  CHECK(ig_str_equal(want, made), "%s is not what comes out:\n%s", path, made);
}

static void test_pass(const ig_pass *pass) {
  ig_diags diags = {0};
  ig_context *context = ig_context_create(&diags);
  ig_module module = {0}, again;
  const char *path = golden(pass->name, ".in.mlir");
  if (ig_module_parse(context, read_file(path), path, &module, &diags) && ig_verify(module, &diags) && pass->run(module, &options, &diags) &&
      ig_verify(module, &diags)) {
    ig_text made = {0}, twice = {0};
    ig_module_print(module, &made);
    compare(golden(pass->name, ".out.mlir"), made.data);
    CHECK(ig_module_parse(context, (ig_str){made.data, made.size}, "out", &again, &diags), "%s: its output does not parse", pass->name);
    if (strcmp(pass->name, "split") != 0) { /* a pass has nothing to do on its own output */
      CHECK(pass->run(again, &options, &diags), "%s fails on its own output", pass->name);
      ig_module_print(again, &twice);
      CHECK(!strcmp(made.data, twice.data), "%s changes its own output", pass->name);
      ig_text_finish(&twice);
    }
    ig_module_destroy(again);
    ig_text_finish(&made);
  }
  CHECK(!diags.errors, "%s reports errors", pass->name);
  show(&diags);
  ig_module_destroy(module);
  ig_context_destroy(context);
  ig_diags_finish(&diags);
}

static void count(void *user, const char *pass, const char *text) {
  ig_text_printf(user, "%s ", pass);
  CHECK(text && strstr(text, "module"), "no text after %s", pass);
}

static void test_pipeline(void) {
  ig_diags diags = {0};
  ig_context *context = ig_context_create(&diags);
  ig_module module;
  const char *path = golden("canonicalize", ".in.mlir");
  ig_text names = {0};
  ig_pass_options all = {.layout = "x86_64.r16", .dump = count, .user = &names};
  if (ig_module_parse(context, read_file(path), path, &module, &diags)) {
    CHECK(ig_run_passes(module, &all, &diags), "the pipeline fails");
    CHECK(names.data && !strcmp(names.data, "canonicalize fold dead_code fuse split layout "), "passes: %s", names.data ? names.data : "none");
    CHECK(!ig_function_find(module, "forward").handle && ig_function_find(module, "head_rows").handle, "functions after the pipeline");
    ig_op head = ig_function_find(module, "head");
    CHECK(head.handle && ig_kind(ig_defining_op(ig_function_result(head))) == IG_OP_fused_linear, "the head");
    ig_module_destroy(module);
  }
  show(&diags);
  CHECK(!diags.errors, "the pipeline reports errors");
  if (ig_module_parse(context, read_file(path), path, &module, &diags)) {
    ig_pass_options some = {.stop_after = "dead_code"};
    CHECK(ig_run_passes(module, &some, &diags) && ig_function_find(module, "forward").handle, "stop_after");
    ig_pass_options wrong = {.stop_after = "fuze"};
    CHECK(!ig_run_passes(module, &wrong, &diags) && diags.errors == 1, "a pass that does not exist");
    ig_pass_options no_layout = {0};
    CHECK(!ig_run_passes(module, &no_layout, &diags) && diags.errors == 2, "no layout");
    ig_module_destroy(module);
  }
  ig_text_finish(&names);
  ig_context_destroy(context);
  ig_diags_finish(&diags);
}

/* Every module of wrong.mlir through parser, verifier and passes; all that is said, one line each. */
static void test_wrong(void) {
  ig_str text = read_file(golden("wrong", ".mlir"));
  ig_text said = {0};
  const char *at = text.data, *end = text.data + text.size;
  for (int n = 0; at < end; n++) {
    const char *stop = strstr(at, "// ----");
    if (!stop) stop = end;
    ig_diags diags = {0};
    ig_context *context = ig_context_create(&diags);
    ig_module module;
    const char *title = strncmp(at, "// ", 3) ? "?" : at + 3;
    ig_text_printf(&said, "%.*s\n", (int)strcspn(title, "\n"), title);
    if (ig_module_parse(context, (ig_str){at, (size_t)(stop - at)}, "wrong", &module, &diags)) {
      CHECK(!ig_run_passes(module, &options, &diags), "module %d of wrong.mlir passes", n);
      ig_module_destroy(module);
    }
    CHECK(diags.errors, "module %d of wrong.mlir: nothing is said", n);
    for (size_t i = 0; i < diags.count; i++) ig_text_printf(&said, "  %s: %s\n", diags.items[i].place, diags.items[i].text);
    ig_context_destroy(context);
    ig_diags_finish(&diags);
    at = stop + strcspn(stop, "\n");
    at += at < end;
  }
  compare(golden("wrong", ".txt"), said.data ? said.data : "");
  ig_text_finish(&said);
}

/* Words of a good module swapped, dropped and changed at random: every outcome is fine but a crash, and what passes prints itself again. */
static void test_mutations(void) {
  static const char *const inputs[] = {"canonicalize", "fuse", "split", "fold"};
  uint64_t seed = 88172645463325252u;
  int passed = 0;
  for (int round = 0; round < ROUNDS; round++) {
    ig_str good = read_file(golden(inputs[round % 4], round / 4 % 2 ? ".out.mlir" : ".in.mlir"));
    char *text = ig_alloc(&arena, good.size + 1);
    memcpy(text, good.data, good.size);
    for (int k = 0; k < 1 + round % 2; k++) {
      seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
      size_t at = seed % good.size, from = seed / 7919 % good.size;
      if (seed >> 40 & 1) text[at] = good.data[from];
      else
        while (at < good.size && (text[at] < '0' || text[at] > '9')) at++;
      if (at < good.size) text[at] = (char)(seed >> 40 & 1 ? text[at] : '0' + (char)(seed >> 50) % 10);
    }
    ig_diags diags = {0};
    ig_context *context = ig_context_create(&diags);
    ig_module module;
    if (ig_module_parse(context, (ig_str){text, good.size}, "mutation", &module, &diags)) {
      if (ig_run_passes(module, &options, &diags)) {
        ig_text once = {0}, twice = {0};
        ig_module again;
        ig_module_print(module, &once);
        CHECK(ig_module_parse(context, (ig_str){once.data, once.size}, "again", &again, &diags), "mutation %d does not parse back", round);
        ig_module_print(again, &twice);
        CHECK(!strcmp(once.data, twice.data), "mutation %d prints differently", round);
        ig_text_finish(&once), ig_text_finish(&twice);
        ig_module_destroy(again);
        passed++;
      }
      ig_module_destroy(module);
    }
    for (size_t i = 0; i < diags.count; i++) CHECK(!strstr(diags.items[i].text, "bug of the compiler"), "mutation %d: %s", round, diags.items[i].text);
    ig_context_destroy(context);
    ig_diags_finish(&diags);
  }
  printf("mutations: %d of %d pass\n", passed, ROUNDS);
}

int main(void) {
  for (int i = 0; ig_pass_at(i); i++) test_pass(ig_pass_at(i));
  test_pipeline();
  test_wrong();
  test_mutations();
  ig_arena_finish(&arena);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
