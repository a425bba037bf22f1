/* The whole way on a trained model: a GGUF file compiled, loaded, and run greedily gives the golden ids of a float64 forward pass.
 * usage: test_golden_ids [FILE...]; the environment names the data folder (INGOT_DATA). */
#define _POSIX_C_SOURCE 200809L
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "driver/bundle_folder.h"
#include "driver/driver.h"
#include "runtime/abi/cpu.h"

typedef struct ids {
  int v[512];
  int n;
} ids;

/* The array of numbers after `"key": ` from `*at` on. */
static bool read_ids(const char **at, const char *key, ids *out) {
  const char *p = strstr(*at, key);
  if (!p || !(p = strchr(p, '['))) return false;
  out->n = 0;
  for (p++; *p && *p != ']';) {
    while (*p == ' ' || *p == ',') p++;
    if (!isdigit((unsigned char)*p) || out->n == 512) return false;
    out->v[out->n++] = (int)strtol(p, (char **)&p, 10);
  }
  *at = p;
  return true;
}

static int say(const ig_diags *diags) {
  for (size_t i = 0; i < diags->count; i++) fprintf(stderr, "%s: %s\n", diags->items[i].place, diags->items[i].text);
  return 1;
}

static bool greedy(const ig_loaded *loaded, const char *variant, uint32_t threads, const ids *prompt, const ids *want, const char *what) {
  ingot_model_options options = {.size = sizeof options,
                                 .plan_path = loaded->plan_path,
                                 .weights_path = loaded->weights_path,
                                 .variant = variant,
                                 .n_threads = threads,
                                 .verify_weights = true};
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_error error = {INGOT_OK, ""};
  bool ok = ingot_model_open(loaded->program, &options, &model, &error) == INGOT_OK && ingot_session_open(model, NULL, &session, &error) == INGOT_OK;
  ingot_token first[512];
  for (int i = 0; i < prompt->n; i++) first[i] = prompt->v[i];
  ok = ok && ingot_append(session, first, (size_t)prompt->n, &error) == INGOT_OK;
  for (int i = prompt->n; ok && i < want->n; i++) {
    ingot_piece piece;
    ingot_status status = ingot_next(session, &piece, &error);
    if (status < 0) ok = false;
    else if (piece.token != want->v[i]) {
      fprintf(stderr, "%s, %s, %u threads: token %d is %d, not %d\n", what, variant, threads, i, piece.token, want->v[i]);
      ok = false;
    }
  }
  if (error.status) fprintf(stderr, "%s, %s: %s\n", what, variant, error.message);
  ingot_session_close(session);
  ingot_model_close(model);
  return ok;
}

static bool check_file(const char *data, const char *file, const char *golden, const char *folder, ig_arena *arena) {
  ig_diags diags = {0};
  ig_loaded loaded;
  const char *bundle;
  const ig_target *target = ig_target_find("native");
  ig_compile_options o = {.model = ig_format(arena, "%s/gguf/%s", data, file), .parent = folder, .platform = ig_platform_find("native"), .chunk = 24};
  if (!ig_compile(&o, arena, &bundle, &diags) || !ig_load_bundle(&loaded, bundle, arena, &diags)) return say(&diags), false;
  bool ok = true;
  int variants = 0;
  for (uint32_t v = 0; v < target->n_variants; v++) {
    if (target->variants[v].features & ~ingot__cpu_features()) continue;
    const char *at = golden;
    ids prompt, want;
    for (int n = 0; read_ids(&at, "\"prompt_ids\"", &prompt) && read_ids(&at, "\"ids\"", &want); n++)
      ok &= greedy(&loaded, target->variants[v].name, 1 + (uint32_t)n % 2, &prompt, &want, ig_format(arena, "%s, prompt %d", file, n));
    variants++;
  }
  ig_unload(&loaded);
  ig_diags_finish(&diags);
  printf("%s: %s on %d variants\n", file, ok ? "golden ids" : "WRONG", variants);
  return ok && variants > 0;
}

int main(int argc, char **argv) {
  static const char *const files[] = {"stories260K-f32.gguf",       "stories260K-f16.gguf",      "stories260K-untied-f32.gguf",
                                      "stories260K-qwen2-f32.gguf", "stories260K-phi3-f32.gguf", "stories260K-dense256-f16.gguf"};
  const char *data = getenv("INGOT_DATA");
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_str golden;
  const char *path = ig_format(&arena, "%s/golden/stories260K-greedy.json", data ? data : ".");
  if (!data || access(path, R_OK) != 0) {
    printf("skipped: no data at %s\n", path);
    return 77;
  }
  if (!ig_read_small_file(path, 1 << 20, &arena, &golden, &diags)) return say(&diags);
  char folder[] = "/tmp/ingot-golden-XXXXXX";
  if (!mkdtemp(folder)) return perror(folder), 1;
  bool ok = true;
  if (argc > 1)
    for (int i = 1; i < argc; i++) ok &= check_file(data, argv[i], golden.data, folder, &arena);
  else
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) ok &= check_file(data, files[i], golden.data, folder, &arena);
  ig_remove_tree(folder);
  ig_arena_finish(&arena);
  return !ok;
}
