/* The `ingot` command: finds the subcommand in the table and runs it. */
#include "cli.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const cli_command commands[] = {
#define HERE false
#define APART true
#define COMMAND(name, process, summary) {#name, summary, process, cmd_##name},
#include "commands.def"
#undef COMMAND
  {NULL, NULL, false, NULL}};

const cli_command *cli_command_at(int index) { return commands[index].name ? &commands[index] : NULL; }

static const char *command_name(const void *user, int index) {
  (void)user;
  return commands[index].name;
}

static const cli_command *find(const char *name) {
  if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) name = "help";
  if (strcmp(name, "--version") == 0) name = "version";
  for (const cli_command *k = commands; k->name; k++)
    if (strcmp(k->name, name) == 0) return k;
  return NULL;
}

static const char *set(const char *name) {
  const char *value = getenv(name);
  return value && *value ? value : NULL;
}

static void read_environment(cli *c) {
  c->variant = set("INGOT_VARIANT");
  if (set("XDG_CACHE_HOME")) c->cache = ig_format(&c->arena, "%s/ingot", set("XDG_CACHE_HOME"));
  else if (set("HOME")) c->cache = ig_format(&c->arena, "%s/.cache/ingot", set("HOME"));
  if (set("XDG_STATE_HOME")) c->state = ig_format(&c->arena, "%s/ingot", set("XDG_STATE_HOME"));
  else if (set("HOME")) c->state = ig_format(&c->arena, "%s/.local/state/ingot", set("HOME"));
  const char *term = set("TERM");
  c->terminal = isatty(STDERR_FILENO) != 0;
  c->dumb = !term || strcmp(term, "dumb") == 0;
  c->color = c->terminal && !set("NO_COLOR") && !(term && c->dumb);
}

int cli_end(cli *c, int status) {
  if ((fflush(stdout) || ferror(stdout)) && status == CLI_DONE) status = cli_fail(c, "standard output cannot be written");
  ig_diags_finish(&c->diags);
  ig_arena_finish(&c->arena);
  return status;
}

typedef struct call {
  const cli_command *command;
  int argc;
  char **argv;
} call;

static int run(cli *c, void *user) {
  const call *k = user;
  return k->command->run(c, k->argc, k->argv);
}

int main(int argc, char **argv) {
  cli c = {.command = NULL};
  ig_on_no_memory(cli_no_memory);
  signal(SIGPIPE, SIG_IGN); /* a closed pipe is a failed write, reported below */
  read_environment(&c);
  int status;
  const cli_command *command = argc > 1 ? find(argv[1]) : NULL;
  if (argc < 2) {
    status = CLI_USAGE;
    fputs("usage: ingot COMMAND ...   `ingot help` lists the commands\n", stderr);
  } else if (!command) {
    const char *near = cli_nearest(argv[1], command_name, NULL);
    status = near ? cli_usage(&c, "there is no command `%s`; did you mean `%s`?", argv[1], near)
                  : cli_usage(&c, "there is no command `%s`; `ingot help` lists them", argv[1]);
  } else {
    c.command = command->name;
    call k = {command, argc - 2, argv + 2};
    cli_memory_may_fail(!command->apart);
    status = command->apart ? cli_apart(&c, command->name, NULL, run, &k) : run(&c, &k);
  }
  return cli_end(&c, status);
}
