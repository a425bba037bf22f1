/* Lines typed before, in the order they were, and the file that keeps them. */
#ifndef INGOT_CLI_LINE_HISTORY_H
#define INGOT_CLI_LINE_HISTORY_H

#include "cli.h"

enum { CLI_HISTORY_MOST = 1000 };

typedef struct cli_history {
  char *lines[CLI_HISTORY_MOST]; /* the oldest first */
  size_t n;
  const char *path;              /* NULL: kept nowhere */
} cli_history;

/* Reads the file, where there is one. `path` is kept. What cannot be read or written is left alone: a talk does not need it. */
void cli_history_open(cli *c, cli_history *history, const char *path);
/* Adds the line, unless it is empty or the same as the last, and writes it to the file, which only its owner can read. */
void cli_history_add(cli_history *history, const char *line);
void cli_history_close(cli_history *history);

#endif
