#include "cli.h"

#include <string.h>

static const char *command_name(const void *user, int index) {
  (void)user;
  const cli_command *k = cli_command_at(index);
  return k ? k->name : NULL;
}

int cmd_help(cli *c, int argc, char **argv) {
  if (!cli_parse(c, argc, argv, "[COMMAND]", 0, 1, NULL, 0)) return c->status;
  if (c->n_args) {
    for (int i = 0; cli_command_at(i); i++) {
      const cli_command *k = cli_command_at(i);
      if (strcmp(k->name, c->args[0])) continue;
      char help[] = "--help", *only[] = {help, NULL};
      c->command = k->name;
      return k->run(c, 1, only);
    }
    const char *near = cli_nearest(c->args[0], command_name, NULL);
    return near ? cli_usage(c, "there is no command `%s`; did you mean `%s`?", c->args[0], near)
                : cli_usage(c, "there is no command `%s`; `ingot help` lists them", c->args[0]);
  }
  printf("usage: ingot COMMAND ...\n\nIngot compiles a language model into a static library for the devices an app will meet.\n\n");
  for (int i = 0; cli_command_at(i); i++) printf("  %-12s %s\n", cli_command_at(i)->name, cli_command_at(i)->summary);
  printf("\n`ingot help COMMAND` lists a command's options. Exit status: 0 done, 1 failed, 2 wrong usage.\n"
         "Environment: INGOT_VARIANT (the variant to run), XDG_CACHE_HOME (compiled models), XDG_STATE_HOME (chat's history), NO_COLOR.\n");
  return CLI_DONE;
}
