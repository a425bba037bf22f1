/* ingot opt: a graph's text through some passes or all. What `compile --compile-to` or `--dump-phases` printed can be gone on with here. */
#include "cli.h"
#include "passes/pipeline.h"

#include <string.h>

static const char *pass_name(const void *user, int index) {
  (void)user;
  const ig_pass *pass = ig_pass_at(index);
  return pass ? pass->name : NULL;
}

static int unknown_pass(cli *c, const char *name) {
  const char *near = cli_nearest(name, pass_name, NULL), *names = "";
  if (near) return cli_usage(c, "there is no pass `%s`; did you mean `%s`?", name, near);
  for (int i = 0; ig_pass_at(i); i++) names = ig_format(&c->arena, "%s%s%s", names, i ? ", " : "", ig_pass_at(i)->name);
  return cli_usage(c, "there is no pass `%s`; there are %s", name, names);
}

/* Each pass of the list, then the verifier. */
static bool run_list(cli *c, const char *list, ig_module module, const ig_pass_options *o) {
  char *copy = ig_copy_string(&c->arena, list), *state = NULL;
  if (!ig_verify(module, &c->diags)) return false;
  for (char *name = strtok_r(copy, ",", &state); name; name = strtok_r(NULL, ",", &state))
    if (!ig_pass_find(name)->run(module, o, &c->diags) || !ig_verify(module, &c->diags)) return false;
  return true;
}

/* CLI_DONE if every name of the list is a pass. */
static int check_list(cli *c, const char *list) {
  char *copy = ig_copy_string(&c->arena, list), *state = NULL;
  for (char *name = strtok_r(copy, ",", &state); name; name = strtok_r(NULL, ",", &state))
    if (!ig_pass_find(name)) return unknown_pass(c, name);
  return CLI_DONE;
}

int cmd_opt(cli *c, int argc, char **argv) {
  const char *passes = NULL, *to = NULL, *target = "native";
  bool verify = false;
  const cli_option options[] = {
    {"--passes", NULL, CLI_TEXT, &passes, "LIST", "these passes in this order (default: all, in the compiler's order)"},
    {"--to", NULL, CLI_TEXT, &to, "PASS", "stop after this pass"},
    {"--verify", NULL, CLI_FLAG, &verify, NULL, "no pass: check the graph and print it"},
    {"--target", NULL, CLI_TEXT, &target, "PLATFORM", "whose layouts to choose (default: native)"},
  };
  if (!CLI_PARSE(c, argc, argv, "GRAPH.mlir", 1, 1, options)) return c->status;
  if ((passes != NULL) + (to != NULL) + verify > 1) return cli_usage(c, "--passes, --to and --verify exclude each other");
  if (to && !ig_pass_find(to)) return unknown_pass(c, to);
  if (passes && check_list(c, passes) != CLI_DONE) return CLI_USAGE;
  const ig_target *for_target = ig_target_find(target);
  if (!for_target) return cli_usage(c, "there is no target `%s`; `ingot targets` lists them", target);
  ig_str text;
  if (!cli_read_text(c, c->args[0], &text)) return CLI_FAILED;

  ig_pass_options o = {.layout = for_target->layout, .stop_after = to};
  ig_context *context = ig_context_create(&c->diags);
  ig_module module = {.handle = NULL};
  bool done = context && ig_module_parse(context, text, c->args[0], &module, &c->diags);
  if (done) done = verify ? ig_verify(module, &c->diags) : passes ? run_list(c, passes, module, &o) : ig_run_passes(module, &o, &c->diags);
  if (done) {
    ig_text out = {.size = 0};
    ig_module_print(module, &out);
    fwrite(out.data, 1, out.size, stdout);
    ig_text_finish(&out);
  }
  if (module.handle) ig_module_destroy(module);
  if (context) ig_context_destroy(context);
  int status = cli_report(c);
  return done ? status : CLI_FAILED;
}
