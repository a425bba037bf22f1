/* A session of the bundled model, saved at token 300, goes on in a new process and on every variant as if it had never been interrupted: the same
 * 200 tokens, greedy and sampled. A prefix made at compile time is such a session. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <unistd.h>

#include "driver/bundle_folder.h"
#include "runtime/abi/cpu.h"
#include "tests/compiler/whole_model.h"

enum { AT = 300, MORE = 200, STORY = 100 };

typedef struct opened {
  ig_loaded loaded;
  ingot_model *model;
  ingot_session *session;
} opened;

static bool open_bundle(opened *o, const char *bundle, const char *variant, uint32_t n_context) {
  ig_diags diags = {0};
  ingot_error error = {INGOT_OK, ""};
  if (!ig_load_bundle(&o->loaded, bundle, &arena, &diags)) return show(&diags), false;
  ingot_model_options options = {
    .size = sizeof options, .plan_path = o->loaded.plan_path, .weights_path = o->loaded.weights_path, .variant = variant, .n_threads = 2};
  ingot_session_options so = {.size = sizeof so, .n_context = n_context};
  if (ingot_model_open(o->loaded.program, &options, &o->model, &error) == INGOT_OK && ingot_session_open(o->model, &so, &o->session, &error) == INGOT_OK)
    return true;
  printf("%s\n", error.message);
  return false;
}

static void close_bundle(opened *o) {
  ingot_session_close(o->session);
  ingot_model_close(o->model);
  ig_unload(&o->loaded);
}

/* n tokens; where the model ends its answer, it goes on after the token that said so. */
static bool next(ingot_session *session, uint32_t n, ingot_token *tokens) {
  for (uint32_t i = 0; i < n; i++) {
    ingot_piece piece;
    ingot_status status = ingot_next(session, &piece, NULL);
    if (status < 0 || (status == INGOT_END && ingot_append(session, &piece.token, 1, NULL) < 0)) return false;
    tokens[i] = piece.token;
  }
  return true;
}

/* The other process: test_saved_model BUNDLE SESSION VARIANT CONTEXT writes its tokens to stdout. */
static int go_on(char **argv) {
  opened o = {{0}, NULL, NULL};
  ingot_token tokens[MORE];
  ingot_error error = {INGOT_OK, ""};
  if (!open_bundle(&o, argv[1], argv[3], (uint32_t)atoi(argv[4]))) return 1;
  bool ok = ingot_session_load_file(o.session, argv[2], &error) == INGOT_OK && next(o.session, MORE, tokens);
  if (ok) ok = fwrite(tokens, sizeof tokens, 1, stdout) == 1;
  else fprintf(stderr, "%s\n", error.message);
  close_bundle(&o);
  return !ok;
}

static bool in_new_process(const char *bundle, const char *session, const char *variant, uint32_t n_context, ingot_token *tokens) {
  FILE *from = popen(ig_format(&arena, "/proc/%d/exe '%s' '%s' %s %u", (int)getpid(), bundle, session, variant, n_context), "r");
  bool ok = from && fread(tokens, sizeof *tokens, MORE, from) == MORE;
  return (from ? pclose(from) : 1) == 0 && ok;
}

static const char *const *variants_here(const ig_target *target, uint32_t *n) {
  const char **names = ig_alloc_array(&arena, target->n_variants, sizeof *names);
  for (uint32_t v = *n = 0; v < target->n_variants; v++)
    if (!(target->variants[v].features & ~ingot__cpu_features())) names[(*n)++] = target->variants[v].name;
  return names;
}

static void test_moves(const char *bundle, const char *folder, const char *const *variants, uint32_t n) {
  const ingot_sampling ways[] = {{sizeof *ways, 0, 0, 1, 0, 1, 0, 0, NULL, 0}, {sizeof *ways, 0.9f, 40, 0.95f, 0.02f, 1.1f, 64, 42, NULL, 0}};
  for (size_t way = 0; way < 2; way++) {
    const char *path = ig_format(&arena, "%s/%zu.session", folder, way);
    opened o = {{0}, NULL, NULL};
    ingot_token tokens[AT + MORE], again[MORE];
    for (uint32_t i = 0; i < STORY; i++) tokens[i] = (ingot_token)(3 + random_u32() % 500);
    bool ok = open_bundle(&o, bundle, variants[0], 0) && ingot_session_set(o.session, &ways[way], NULL) == INGOT_OK &&
        ingot_append(o.session, tokens, STORY, NULL) == INGOT_OK && next(o.session, AT - STORY, tokens + STORY) && ingot_position(o.session) == AT &&
        ingot_session_save_file(o.session, path, NULL) == INGOT_OK;
    ok = ok && next(o.session, MORE, tokens + AT);
    CHECK(ok, "way %zu: no session", way);
    for (uint32_t v = 0; ok && v < n; v++) {
      const ig_variant *variant = ig_variant_find(ig_target_find("native"), variants[v]);
      CHECK(in_new_process(bundle, path, variants[v], v & 1 ? 512 : 0, again), "%s: cannot go on", variants[v]);
      CHECK(!variant->fma || !memcmp(again, tokens + AT, sizeof again), "way %zu, %s: other tokens than uninterrupted", way, variants[v]);
    }
    close_bundle(&o);
  }
}

/* The prefix gives what its text gives. */
static void test_prefix(const char *bundle, const char *text) {
  opened o = {{0}, NULL, NULL};
  ingot_error error = {INGOT_OK, ""};
  ingot_token want[20], got[20];
  if (!open_bundle(&o, bundle, NULL, 0)) {
    CHECK(false, "cannot open the bundle");
    return;
  }
  int32_t n = ingot_tokenize(o.model, text, strlen(text), true, NULL, 0);
  const char *path = ig_format(&arena, "%s/%s/saved.prefix", bundle, ig_platform_find("native")->name);
  CHECK(ingot_session_load_file(o.session, path, &error) == INGOT_OK, "%s", error.message);
  CHECK(n > 0 && ingot_position(o.session) == (uint32_t)n + 1, "the prefix has %u tokens, the text %d and bos", ingot_position(o.session), n);
  CHECK(next(o.session, 20, got), "the prefix does not go on");
  ingot_token *tokens = ig_alloc_array(&arena, (size_t)n + 1, sizeof *tokens);
  ingot_model_info info = {.size = sizeof info};
  ingot_model_get_info(o.model, &info);
  tokens[0] = info.bos;
  ingot_tokenize(o.model, text, strlen(text), true, tokens + 1, n);
  CHECK(ingot_rewind(o.session, 0, NULL) == INGOT_OK && ingot_append(o.session, tokens, (size_t)n + 1, NULL) == INGOT_OK && next(o.session, 20, want),
        "the text does not go on");
  CHECK(!memcmp(want, got, sizeof want), "other tokens after the prefix than after its text");
  close_bundle(&o);
}

int main(int argc, char **argv) {
  if (argc == 5) return go_on(argv);
  const char *source = getenv("INGOT_SOURCE");
  char folder[] = "/tmp/ingot-saved-XXXXXX";
  if (!mkdtemp(folder)) return perror(folder), 1;
  static const char text[] = "Once upon a time there was a fox. The fox lived in a den under the old oak tree.";
  const char *model = ig_format(&arena, "%s/models/fable/fable-f16.gguf", source ? source : "."), *prompt = ig_format(&arena, "%s/prompt.txt", folder), *bundle;
  ig_diags diags = {0};
  uint32_t n;
  const ig_target *target = ig_target_find("native");
  const char *const *variants = variants_here(target, &n);
  ig_compile_options o = {.model = model,
                          .parent = folder,
                          .name = "saved",
                          .platform = ig_platform_find("native"),
                          .variants = variants,
                          .n_variants = n,
                          .n_context = 1024,
                          .prefix_prompt = prompt};
  bool ok = ig_write_file(prompt, text, strlen(text), &diags) && ig_compile(&o, &arena, &bundle, &diags);
  CHECK(ok, "does not compile");
  show(&diags);
  if (ok) test_moves(bundle, folder, variants, n);
  if (ok) test_prefix(bundle, text);
  ig_remove_tree(folder);
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
  return failures > 0;
}
