/* ingot verify: every file of every platform by the SHA-256 in the reports; of this machine's also the chain that an app goes by: the library vouches for
 * the plan, the plan for the weights. */
#include "cli.h"
#include "driver/verify.h"

#include <string.h>
#include <unistd.h>

static bool verify_prefix(cli *c, const char *bundle, ingot_model *model, const char *plan) {
  const char *path = ig_format(&c->arena, "%.*s.prefix", (int)(strlen(plan) - strlen(".plan")), plan);
  ingot_session *session = NULL;
  ingot_error error = {INGOT_OK, ""};
  if (access(path, F_OK) != 0) return true;
  bool ok = ingot_session_open(model, NULL, &session, &error) == INGOT_OK && ingot_session_load_file(session, path, &error) == INGOT_OK;
  if (!ok) ig_error(&c->diags, bundle, "%s", error.message);
  ingot_session_close(session);
  return ok;
}

/* This machine's part of the chain: what an app's open goes by. */
static bool verify_chain(cli *c, const char *bundle, uint32_t threads) {
  ig_loaded loaded;
  bool ok = ig_load_bundle(&loaded, bundle, &c->arena, &c->diags);
  if (!ok) return false;
  ingot_model *model;
  ingot_error error = {INGOT_OK, ""};
  ingot_model_options o = {.size = sizeof o, .plan_path = loaded.plan_path, .weights_path = loaded.weights_path, .n_threads = threads};
  if (ingot_model_open(loaded.program, &o, &model, &error) == INGOT_ERROR_CPU) ok = true; /* its files are whole; they are for another CPU of this kind */
  else if (error.status < 0) ok = ig_error(&c->diags, bundle, "%s", error.message);
  else {
    ok = verify_prefix(c, bundle, model, loaded.plan_path);
    ingot_model_close(model);
  }
  ig_unload(&loaded);
  return ok;
}

int cmd_verify(cli *c, int argc, char **argv) {
  uint32_t threads = 0;
  const cli_option options[] = {{"-t", "--threads", CLI_U32, &threads, "N", "threads (0: one per core, at most 16)"}};
  if (!CLI_PARSE(c, argc, argv, "BUNDLE", 1, 1, options)) return c->status;
  const char *bundle = c->args[0];
  ig_verified verified;
  cli_bundle at = cli_bundle_at(bundle);
  while (!(ig_verify_files(bundle, threads, cli_progress, c, &verified, &c->arena, &c->diags) && (!verified.here || verify_chain(c, bundle, threads))) &&
         cli_bundle_replaced(&at))
    ig_diags_finish(&c->diags);
  if (cli_report(c) == CLI_FAILED) return CLI_FAILED;
  printf("%s: library, plan and %s of weights belong together and are whole", cli_shown(c, bundle), cli_bytes(c, verified.weights_bytes));
  if (verified.platforms > 1) printf(" (%u platforms)", verified.platforms);
  putchar('\n');
  return CLI_DONE;
}
