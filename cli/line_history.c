#include "line_history.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILE_MOST = 4 << 20 };

static void keep(cli_history *h, char *line) {
  if (h->n == CLI_HISTORY_MOST) {
    free(h->lines[0]);
    memmove(h->lines, h->lines + 1, --h->n * sizeof *h->lines);
  }
  h->lines[h->n++] = line;
}

/* A line of the file: \n and \\ are written for a newline and a backslash. NULL: no memory. */
static char *unescaped(const char *from, size_t size) {
  char *line = malloc(size + 1);
  size_t n = 0;
  for (size_t i = 0; line && i < size; i++) {
    if (from[i] == '\\' && i + 1 < size) line[n++] = from[++i] == 'n' ? '\n' : from[i];
    else if (from[i]) line[n++] = from[i];
  }
  if (line) line[n] = 0;
  return line;
}

static void add_escaped(ig_text *to, const char *line) {
  for (; *line; line++) {
    if (*line == '\n') ig_text_add(to, "\\n", 2);
    else {
      if (*line == '\\') ig_text_add(to, "\\", 1);
      ig_text_add(to, line, 1);
    }
  }
  ig_text_add(to, "\n", 1);
}

static void append(const cli_history *h, const char *line, int flags) {
  const int fd = open(h->path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
  if (fd < 0) return;
  ig_text text = {0};
  if (line) add_escaped(&text, line);
  else
    for (size_t i = 0; i < h->n; i++) add_escaped(&text, h->lines[i]);
  if (fchmod(fd, 0600) == 0)
    for (size_t at = 0; at < text.size;) {
      const ssize_t wrote = write(fd, text.data + at, text.size - at);
      if (wrote <= 0) break;
      at += (size_t)wrote;
    }
  close(fd);
  ig_text_finish(&text);
}

/* The folders on the way to the file. */
static void make_folders(cli *c, const char *path) {
  char *folder = ig_copy_string(&c->arena, path);
  for (char *p = folder + 1; *p; p++) {
    if (*p != '/') continue;
    *p = 0;
    mkdir(folder, 0700);
    *p = '/';
  }
}

void cli_history_open(cli *c, cli_history *h, const char *path) {
  ig_diags unread = {0};
  ig_str text;
  size_t lines = 0;
  *h = (cli_history){.path = path};
  if (!path) return;
  make_folders(c, path);
  if (access(path, R_OK) == 0 && ig_read_small_file(path, FILE_MOST, &c->arena, &text, &unread)) {
    for (size_t from = 0, at = 0; at < text.size; at++) {
      if (text.data[at] != '\n') continue;
      char *line = unescaped(text.data + from, at - from);
      if (line) keep(h, line);
      from = at + 1;
      lines++;
    }
  }
  ig_diags_finish(&unread);
  if (lines > 2 * CLI_HISTORY_MOST) append(h, NULL, O_TRUNC);
}

void cli_history_add(cli_history *h, const char *line) {
  if (!*line || (h->n && strcmp(h->lines[h->n - 1], line) == 0)) return;
  char *copy = malloc(strlen(line) + 1);
  if (!copy) return;
  strcpy(copy, line);
  keep(h, copy);
  if (h->path) append(h, line, O_APPEND);
}

void cli_history_close(cli_history *h) {
  for (size_t i = 0; i < h->n; i++) free(h->lines[i]);
  h->n = 0;
}
