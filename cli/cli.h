/* What the subcommands share: options, messages, opening a model. Only this folder prints, reads the environment or exits.
 *
 * Data goes to stdout, messages to stderr. Exit status: 0 done, 1 failed (bad input, no space, ...), 2 wrong usage.
 */
#ifndef INGOT_CLI_H
#define INGOT_CLI_H

#include <stdio.h>
#include <sys/stat.h>
#include "driver/driver.h"

enum { CLI_DONE = 0, CLI_FAILED = 1, CLI_USAGE = 2 };

/* One a process, on main's stack. */
typedef struct cli {
  const char *command;           /* the subcommand's name */
  const char *variant;           /* INGOT_VARIANT, or NULL */
  const char *cache;             /* folder of compiled models: XDG_CACHE_HOME/ingot or HOME/.cache/ingot; NULL: neither is set */
  const char *state;             /* folder of what is kept between talks: XDG_STATE_HOME/ingot or HOME/.local/state/ingot; NULL: neither is set */
  bool terminal, color;          /* of stderr */
  bool dumb;                     /* the terminal, by TERM, cannot move its cursor */
  double started, drawn;         /* of the running work's progress bar, seconds; drawn 0: no bar on the screen */
  ig_arena arena;
  ig_diags diags;
  char **args;                   /* positional arguments, after cli_parse */
  int n_args;
  int status;                    /* what to return when cli_parse returns false */
} cli;

/* ---- commands --------------------------------------------------------------------------------------------------------- */

typedef struct cli_command {
  const char *name, *summary;
  bool apart;                    /* in a process of its own */
  int (*run)(cli *c, int argc, char **argv); /* argv without the command's name; returns the exit status */
} cli_command;
const cli_command *cli_command_at(int index); /* NULL after the last */

#define COMMAND(name, process, summary) int cmd_##name(cli *c, int argc, char **argv);
#include "commands.def"
#undef COMMAND

/* ---- options ---------------------------------------------------------------------------------------------------------- */

typedef enum cli_kind {
  CLI_FLAG,                      /* bool */
  CLI_TEXT,                      /* const char * */
  CLI_U32,                       /* uint32_t */
  CLI_U64,                       /* uint64_t */
  CLI_F32,                       /* float */
  CLI_SIZE,                      /* uint64_t: bytes, "512MiB", "4.5g"; units of 1024 */
  CLI_LIST,                      /* cli_list of numbers: 1,2,4 */
  CLI_TEXTS                      /* cli_texts: the option may be given several times */
} cli_kind;

typedef struct cli_list {
  uint32_t v[16];
  uint32_t n;
} cli_list;
typedef struct cli_texts {
  const char *v[16];
  uint32_t n;
} cli_texts;

typedef struct cli_option {
  const char *name, *also;       /* "-o", "--output"; `also` may be NULL */
  cli_kind kind;
  void *to;                      /* left alone unless the option is given */
  const char *value, *help;      /* "FOLDER"; what it does, its default */
} cli_option;

/* Sorts argv into options and c->args. False: c->status says how to end (--help was asked for, or a usage error was printed). */
bool cli_parse(cli *c, int argc, char **argv, const char *positional, int least, int most, const cli_option *options, size_t n_options);
#define CLI_PARSE(c, argc, argv, positional, least, most, options) \
  cli_parse(c, argc, argv, positional, least, most, options, sizeof(options) / sizeof(*(options)))

/* The name nearest to `word` if it is near enough to be a slip, else NULL. `name_at(user, i)` is NULL after the last. */
const char *cli_nearest(const char *word, const char *(*name_at)(const void *user, int index), const void *user);
/* Prints "ingot COMMAND: text" and returns CLI_USAGE. */
int cli_usage(cli *c, const char *format, ...) IG_PRINTF(2, 3);

/* ---- messages --------------------------------------------------------------------------------------------------------- */

/* Prints "ingot: error: text", returns CLI_FAILED. */
int cli_fail(cli *c, const char *format, ...) IG_PRINTF(2, 3);
/* A line to stderr that is no error. */
void cli_say(const char *format, ...) IG_PRINTF(1, 2);
/* The end of a process of the command: what is still to be written is, memory is given back. The status to exit with. */
int cli_end(cli *c, int status);
/* Prints the diagnostics collected so far and forgets them; returns CLI_FAILED if there was an error, else CLI_DONE. */
int cli_report(cli *c);
double cli_now(void);            /* seconds, monotonic */
/* Progress bar on a terminal, once the work has lasted a second. `cli_progress` fits ig_compile_options. */
void cli_progress(void *c, const char *what, double fraction);
void cli_progress_end(cli *c);
void cli_json_string(FILE *to, const char *text); /* quoted and escaped */
const char *cli_bytes(cli *c, uint64_t bytes);    /* "12.3 MiB" */
const char *cli_shown(cli *c, const char *text);  /* without control characters: \x1b */
/* A prompt's or a model's text to stdout: as it is, but to a terminal without control characters other than tabs and ends of lines. */
void cli_write_text(const char *text, size_t size);

/* ---- work that may be ended ------------------------------------------------------------------------------------------- */

/* Runs work(c, user) in a process of its own, or here where there can be none. The status of `work`, or that of its end by a signal, which is told:
 * "`what` was ended by ...". `parent`: the folder that it compiles into, where nothing half-made is left; NULL: none. */
int cli_apart(cli *c, const char *what, const char *parent, int (*work)(cli *c, void *user), void *user);
/* For ig_compile_options: ig_compile, apart; `user` is the cli. */
bool cli_compile_apart(void *c, const ig_compile_options *options, ig_arena *arena, ig_diags *diags);

/* What ends the process where memory runs out: for ig_on_no_memory. Tells how much was refused. */
void cli_no_memory(size_t bytes);
/* Whether malloc may return NULL from now on, which the runtime expects, or ends the process, as from the start, which LLVM needs. */
void cli_memory_may_fail(bool may);

/* ---- a model, opened -------------------------------------------------------------------------------------------------- */

typedef struct cli_interrupt cli_interrupt;

typedef struct cli_model_options {
  const char *variant, *cache, *schedule;
  uint32_t threads, context;     /* 0: the runtime's choice, the bundle's most */
  cli_interrupt **interrupt;     /* NULL, or what gets cli_interrupt_start's */
} cli_model_options;

typedef struct cli_model {
  ig_loaded loaded;
  ingot_model *model;
  ingot_session *session;
  ingot_model_info info;
} cli_model;

/* Rows for the tables of commands that open a model. */
#define CLI_MODEL_OPTIONS(o) \
  {"-t", "--threads", CLI_U32, &(o).threads, "N", "threads (0: one per core, at most 16)"}, \
      {"--variant", NULL, CLI_TEXT, &(o).variant, "NAME", "variant to run, refused where the CPU lacks it (default: INGOT_VARIANT, else the best)"}, \
      {"--schedule", NULL, CLI_TEXT, &(o).schedule, "FILE.lua", "what to compile a model file with (docs/SCHEDULES.md)"}, \
      {"--cache", NULL, CLI_TEXT, &(o).cache, "FOLDER", "where a model file is compiled to (default: XDG_CACHE_HOME/ingot)"}

/* Opens a bundle, or compiles a model file for this machine into the cache first. False: the reason is printed. */
bool cli_open(cli *c, cli_model *m, const char *path, const cli_model_options *o, const ingot_sampling *sampling);
void cli_close(cli_model *m);
/* Which bundle lies at a path. A compiler may put another in its place while one is read, whose files are then of both: to be read again. */
typedef struct cli_bundle {
  const char *path;
  struct stat st;                /* of the folder; of all zeros where it is none */
  int times;                     /* that it was another */
} cli_bundle;
cli_bundle cli_bundle_at(const char *path);
bool cli_bundle_replaced(cli_bundle *bundle); /* since the last look; never without end */

/* Token ids: those of the file (NULL: none), then the arguments from number `from` on. False: a reason is printed. */
typedef struct cli_ids {
  ingot_token *v;
  size_t n;
} cli_ids;
bool cli_read_ids(cli *c, int from, const char *file, cli_ids *ids);
/* cli_open for a context that holds the ids and `more` positions; ids that the model lacks are refused. */
bool cli_open_for_ids(cli *c, cli_model *m, const char *path, cli_model_options *o, const cli_ids *ids, uint32_t more);
/* The whole of a text file, or of stdin for "-"; NUL-terminated, in the arena. */
bool cli_read_text(cli *c, const char *path, ig_str *text);

/* Turns SIGINT into ingot_cancel while an answer is being made, by a thread of its own that waits for the signal. */
/* After the model is compiled, since a fork with threads knows of threads that are not there; before it is opened, so that its threads leave the signal
 * alone. cli_open does it at that moment, and commands give it the place. */
cli_interrupt *cli_interrupt_start(cli *c);
void cli_interrupt_watch(cli_interrupt *i, ingot_session *session); /* NULL: SIGINT ends the process again */
void cli_interrupt_idle(cli_interrupt *i, const char *text); /* SIGINT while nothing runs writes this instead of ending the process */
/* What standard input's terminal is given back as before SIGTERM, SIGHUP or SIGQUIT, which the caller blocks meanwhile, end the process;
 * NULL: nothing has to be. */
struct termios;
void cli_interrupt_terminal(cli_interrupt *i, const struct termios *usual);
void cli_give_terminal_back(const struct termios *usual);

#endif
