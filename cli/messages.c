/* Everything that goes to stderr: errors, diagnostics, the progress bar. */
#include "cli.h"

#include <string.h>
#include <time.h>
#include <unistd.h>

/* Paths, names and arguments that a message quotes may hold anything: no control character of theirs reaches the terminal. Lines stay lines. */
static void put(const char *text, const char *kept) {
  ig_text shown = {0};
  ig_text_add_shown(&shown, ig_str_of(text), kept);
  if (shown.size) fwrite(shown.data, 1, shown.size, stderr);
  ig_text_finish(&shown);
}

static void put_line(const char *format, va_list args) {
  ig_text text = {0};
  ig_text_vprintf(&text, format, args);
  put(text.data, "\n\t");
  fputc('\n', stderr);
  ig_text_finish(&text);
}

static void head(const cli *c, const char *place, ig_severity severity) {
  static const char *const words[] = {"note", "warning", "error"}, *const colors[] = {"\033[36m", "\033[33m", "\033[31m"};
  put(place, "");
  fprintf(stderr, ": %s%s:%s ", c->color ? colors[severity] : "", words[severity], c->color ? "\033[0m" : "");
}

int cli_fail(cli *c, const char *format, ...) {
  cli_progress_end(c);
  head(c, "ingot", IG_ERROR);
  va_list args;
  va_start(args, format);
  put_line(format, args);
  va_end(args);
  return CLI_FAILED;
}

int cli_usage(cli *c, const char *format, ...) {
  fprintf(stderr, "ingot%s%s: ", c->command ? " " : "", c->command ? c->command : "");
  va_list args;
  va_start(args, format);
  put_line(format, args);
  va_end(args);
  return CLI_USAGE;
}

void cli_say(const char *format, ...) {
  va_list args;
  va_start(args, format);
  put_line(format, args);
  va_end(args);
}

int cli_report(cli *c) {
  cli_progress_end(c);
  int status = c->diags.errors ? CLI_FAILED : CLI_DONE;
  for (size_t i = 0; i < c->diags.count; i++) {
    head(c, c->diags.items[i].place, c->diags.items[i].severity);
    put(c->diags.items[i].text, "\n\t");
    fputc('\n', stderr);
  }
  ig_diags_finish(&c->diags);
  c->diags = (ig_diags){.count = 0};
  return status;
}

double cli_now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

void cli_progress(void *user, const char *what, double fraction) {
  enum { WIDTH = 30 };
  cli *c = user;
  double now = cli_now();
  if (!c->started) c->started = now;
  if (!c->terminal || now - c->started < 1.0 || now - c->drawn < 0.1) return;
  c->drawn = now;
  if (!(fraction >= 0.0)) fraction = 0.0;
  if (fraction > 1.0) fraction = 1.0;
  int full = (int)(fraction * WIDTH);
  char bar[WIDTH + 1];
  memset(bar, '.', WIDTH);
  memset(bar, '#', (size_t)full);
  bar[WIDTH] = 0;
  fprintf(stderr, "\r[%s] %3d%% %-40.40s", bar, (int)(fraction * 100.0), what);
  fflush(stderr);
}

void cli_progress_end(cli *c) {
  if (c->drawn > 0.0) fprintf(stderr, "\r%80s\r", "");
  c->started = c->drawn = 0.0;
}

void cli_json_string(FILE *to, const char *text) {
  ig_text quoted = {0};
  ig_text_add_json(&quoted, ig_str_of(text));
  fwrite(quoted.data, 1, quoted.size, to);
  ig_text_finish(&quoted);
}

const char *cli_shown(cli *c, const char *text) {
  ig_text shown = {0};
  ig_text_add_shown(&shown, ig_str_of(text), "");
  const char *copy = ig_copy_string(&c->arena, shown.size ? shown.data : "");
  ig_text_finish(&shown);
  return copy;
}

void cli_write_text(const char *text, size_t size) {
  ig_text shown = {0};
  const bool terminal = isatty(STDOUT_FILENO) != 0;
  if (terminal) ig_text_add_shown(&shown, (ig_str){text, size}, "\n\t");
  fwrite(terminal && shown.size ? shown.data : text, 1, terminal ? shown.size : size, stdout);
  ig_text_finish(&shown);
}

const char *cli_bytes(cli *c, uint64_t bytes) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double v = (double)bytes;
  int unit = 0;
  for (; v >= 1024.0 && unit < 4; unit++) v /= 1024.0;
  return ig_format(&c->arena, unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
}
