#include "driver/prefix.h"

#include "driver/verify.h"

enum { PROMPT_MOST = 64 << 20 };

static bool keep(void *user, const void *bytes, size_t size) {
  ig_text_add(user, bytes, size);
  return true;
}

static bool nobody(void *user, const ingot_piece *piece) {
  (void)user;
  return piece->size == 0;
}

static bool run(const ig_loaded *loaded, ig_str text, const char *prompt, const char *path, uint32_t threads, ig_arena *arena, uint32_t *tokens,
                const char **sha256, ig_diags *diags) {
  ingot_error error = {INGOT_OK, ""};
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_model_options options = {.size = sizeof options, .plan_path = loaded->plan_path, .weights_path = loaded->weights_path, .n_threads = threads};
  bool ok = ingot_model_open(loaded->program, &options, &model, &error) == INGOT_OK && ingot_session_open(model, NULL, &session, &error) == INGOT_OK &&
      ingot_generate(session, text.data, text.size, 0, nobody, NULL, &error) == INGOT_OK;
  *tokens = ok ? ingot_position(session) : 0;
  if (!ok) ig_error(diags, prompt, "cannot be the bundle's prefix: %s", error.message);
  else if (!*tokens) ok = ig_error(diags, prompt, "cannot be the bundle's prefix: it has no tokens");
  ig_text state = {0};
  ok = ok && ingot_session_save(session, keep, &state, NULL) == INGOT_OK && ig_write_file(path, state.data, state.size, diags);
  if (ok) *sha256 = ig_sha256_text(state.data, state.size, arena);
  ig_text_finish(&state);
  ingot_session_close(session);
  ingot_model_close(model);
  return ok;
}

bool ig_write_prefix(const char *folder, const char *prompt, const char *path, uint32_t threads, ig_arena *arena, uint32_t *tokens, const char **sha256,
                     ig_diags *diags) {
  ig_str text;
  ig_loaded loaded;
  if (!ig_read_small_file(prompt, PROMPT_MOST, arena, &text, diags) || !ig_load_bundle(&loaded, folder, arena, diags)) return false;
  bool ok = run(&loaded, text, prompt, path, threads, arena, tokens, sha256, diags);
  ig_unload(&loaded);
  return ok;
}
