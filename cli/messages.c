/* Everything that goes to stderr: errors, diagnostics, the progress bar. */
#include "cli.h"

#include <string.h>
#include <time.h>

static void head(const cli *c, const char *place, ig_severity severity) {
  static const char *const words[] = {"note", "warning", "error"}, *const colors[] = {"\033[36m", "\033[33m", "\033[31m"};
  fprintf(stderr, "%s: %s%s:%s ", place, c->color ? colors[severity] : "", words[severity], c->color ? "\033[0m" : "");
}

int cli_fail(cli *c, const char *format, ...) {
  cli_progress_end(c);
  head(c, "ingot", IG_ERROR);
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return CLI_FAILED;
}

int cli_usage(cli *c, const char *format, ...) {
  fprintf(stderr, "ingot%s%s: ", c->command ? " " : "", c->command ? c->command : "");
  va_list args;
  va_start(args, format);
  vfprintf(stderr, format, args);
  va_end(args);
  fputc('\n', stderr);
  return CLI_USAGE;
}

int cli_report(cli *c) {
  cli_progress_end(c);
  int status = c->diags.errors ? CLI_FAILED : CLI_DONE;
  for (size_t i = 0; i < c->diags.count; i++) {
    head(c, c->diags.items[i].place, c->diags.items[i].severity);
    fprintf(stderr, "%s\n", c->diags.items[i].text);
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
  fputc('"', to);
  for (; *text; text++) {
    unsigned char b = (unsigned char)*text;
    if (b == '"' || b == '\\') fprintf(to, "\\%c", b);
    else if (b < 0x20) fprintf(to, "\\u%04x", b);
    else fputc(b, to);
  }
  fputc('"', to);
}

const char *cli_bytes(cli *c, uint64_t bytes) {
  static const char *const units[] = {"bytes", "KiB", "MiB", "GiB", "TiB"};
  double v = (double)bytes;
  int unit = 0;
  for (; v >= 1024.0 && unit < 4; unit++) v /= 1024.0;
  return ig_format(&c->arena, unit ? "%.1f %s" : "%.0f %s", v, units[unit]);
}
