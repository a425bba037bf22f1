/* Lines that are typed and edited in a terminal, with a history. */
#ifndef INGOT_CLI_LINE_EDIT_H
#define INGOT_CLI_LINE_EDIT_H

#include "cli.h"
#include "line_history.h"

#include <termios.h>

typedef enum cli_key_result { CLI_LINE_READ, CLI_LINE_INTERRUPTED, CLI_LINE_ENDED } cli_key_result;

typedef struct cli_line_editor {
  cli *c;
  cli_interrupt *interrupt;
  cli_history *history;
} cli_line_editor;

/* Reads a line (pasted text may hold several) from standard input, which is a terminal, into `line`, without its end. INTERRUPTED: Ctrl-C
 * threw it away; ENDED: Ctrl-D on an empty line, or no more input. */
cli_key_result cli_line_read(cli_line_editor *editor, const char *prompt, ig_text *line);

/* Columns that a character takes: 0 where it joins the one before, 2 for wide ones. */
int cli_width(uint32_t code_point);
/* The character at `at`, and where the next begins; U+FFFD, a byte further, for what is not UTF-8. */
uint32_t cli_character(const ig_text *text, size_t at, size_t *next);

#endif
