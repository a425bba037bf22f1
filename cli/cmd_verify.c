/* ingot verify: the library vouches for the plan, the plan for the weights, by SHA-256; a saved prefix for itself. */
#include "cli.h"

#include <string.h>
#include <unistd.h>

enum { PIECE = 64 << 20 };

/* All of the weights, also beyond a place that is damaged. */
static bool verify_weights(cli *c, ingot_model *model, uint64_t size, const char *path) {
  bool ok = true;
  for (uint64_t at = 0; at < size; at += PIECE) {
    ingot_error error = {INGOT_OK, ""};
    cli_progress(c, "hashing", (double)at / (double)size);
    if (ingot_model_verify(model, at, size - at < PIECE ? size - at : PIECE, &error) == INGOT_OK) continue;
    cli_progress_end(c);
    cli_fail(c, "%s: %s", path, error.message);
    ok = false;
  }
  cli_progress_end(c);
  return ok;
}

static bool verify_prefix(cli *c, ingot_model *model, const char *plan) {
  const char *path = ig_format(&c->arena, "%.*s.prefix", (int)(strlen(plan) - strlen(".plan")), plan);
  ingot_session *session = NULL;
  ingot_error error = {INGOT_OK, ""};
  if (access(path, F_OK) != 0) return true;
  bool ok = ingot_session_open(model, NULL, &session, &error) == INGOT_OK && ingot_session_load_file(session, path, &error) == INGOT_OK;
  if (!ok) cli_fail(c, "%s", error.message);
  ingot_session_close(session);
  return ok;
}

int cmd_verify(cli *c, int argc, char **argv) {
  uint32_t threads = 0;
  const cli_option options[] = {{"-t", "--threads", CLI_U32, &threads, "N", "threads (0: one per core, at most 16)"}};
  if (!CLI_PARSE(c, argc, argv, "BUNDLE", 1, 1, options)) return c->status;
  const char *bundle = c->args[0];
  ig_loaded loaded;
  bool ok = ig_load_bundle(&loaded, bundle, &c->arena, &c->diags);
  if (cli_report(c) == CLI_FAILED || !ok) return CLI_FAILED;
  ingot_model *model;
  ingot_error error = {INGOT_OK, ""};
  ingot_model_options o = {.size = sizeof o, .plan_path = loaded.plan_path, .weights_path = loaded.weights_path, .n_threads = threads};
  ingot_model_info info = {.size = sizeof info};
  if (ingot_model_open(loaded.program, &o, &model, &error) < 0) ok = false, cli_fail(c, "%s: %s", bundle, error.message);
  else {
    ingot_model_get_info(model, &info);
    ok = verify_weights(c, model, info.weights_bytes, loaded.weights_path) & verify_prefix(c, model, loaded.plan_path);
    if (ok) printf("%s: library, plan and %s of weights belong together and are whole\n", bundle, cli_bytes(c, info.weights_bytes));
    ingot_model_close(model);
  }
  ig_unload(&loaded);
  return ok ? CLI_DONE : CLI_FAILED;
}
