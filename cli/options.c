/* Options from a table: --name value, --name=value, -x value; `--` ends them. Wrong ones are told with the nearest right one. */
#include "cli.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

typedef struct table {
  const cli_option *options;
  size_t n;
} table;

enum { WORD_MOST = 32 };

/* Edits (insert, delete, replace, swap of neighbours) between two words; longer words than WORD_MOST are far from everything. */
static size_t distance(const char *a, const char *b) {
  size_t n = strlen(a), m = strlen(b);
  if (n > WORD_MOST || m > WORD_MOST) return WORD_MOST;
  size_t d[WORD_MOST + 1][WORD_MOST + 1];
  for (size_t i = 0; i <= n; i++) {
    for (size_t j = 0; j <= m; j++) {
      if (!i || !j) {
        d[i][j] = i + j;
        continue;
      }
      size_t best = d[i - 1][j - 1] + (a[i - 1] != b[j - 1]);
      if (d[i - 1][j] + 1 < best) best = d[i - 1][j] + 1;
      if (d[i][j - 1] + 1 < best) best = d[i][j - 1] + 1;
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d[i - 2][j - 2] + 1 < best) best = d[i - 2][j - 2] + 1;
      d[i][j] = best;
    }
  }
  return d[n][m];
}

const char *cli_nearest(const char *word, const char *(*name_at)(const void *user, int index), const void *user) {
  const char *best = NULL, *name;
  size_t limit = strlen(word) < 4 ? 1 : strlen(word) / 3 + 1; /* one slip in three letters */
  for (int i = 0; (name = name_at(user, i)); i++) {
    size_t d = distance(word, name);
    if (d <= limit) {
      best = name;
      if (!d) break;
      limit = d - 1;
    }
  }
  return best;
}

/* Long names only: any two one-letter options are near each other. */
static const char *option_name(const void *user, int index) {
  const table *t = user;
  size_t i = 0;
  for (size_t k = 0; k < t->n; k++) {
    const char *names[2] = {t->options[k].name, t->options[k].also};
    for (int j = 0; j < 2; j++)
      if (names[j] && names[j][1] == '-' && i++ == (size_t)index) return names[j];
  }
  return i == (size_t)index ? "--help" : NULL;
}

static const cli_option *find(const table *t, const char *name) {
  for (size_t k = 0; k < t->n; k++)
    if (strcmp(t->options[k].name, name) == 0 || (t->options[k].also && strcmp(t->options[k].also, name) == 0)) return &t->options[k];
  return NULL;
}

static void print_help(cli *c, const char *positional, const table *t) {
  printf("usage: ingot %s%s%s%s\n", c->command, *positional ? " " : "", positional, t->n ? " [options]" : "");
  for (int i = 0; cli_command_at(i); i++)
    if (strcmp(cli_command_at(i)->name, c->command) == 0) printf("%s\n", cli_command_at(i)->summary);
  for (size_t k = 0; k < t->n; k++) {
    const cli_option *o = &t->options[k];
    const char *left = ig_format(&c->arena, "%s%s%s%s%s", o->name, o->also ? ", " : "", o->also ? o->also : "", o->value ? " " : "", o->value ? o->value : "");
    printf("  %-26s %s\n", left, o->help);
  }
}

static bool whole(const char *text, uint64_t most, uint64_t *out) {
  if (*text < '0' || *text > '9') return false;
  char *end;
  errno = 0;
  unsigned long long v = strtoull(text, &end, 10);
  if (*end || errno || v > most) return false;
  *out = v;
  return true;
}

/* "4GiB", "512M", "4.5g", "1000000": units of 1024. */
static bool read_size(const char *text, uint64_t *bytes) {
  static const char units[] = "kmgt";
  char *end;
  errno = 0;
  double v = strtod(text, &end);
  if (end == text || errno || !(v > 0.0) || v > 1e15) return false;
  const char *unit = *end ? strchr(units, *end | 32) : NULL;
  if (unit) {
    for (long n = unit - units; n >= 0; n--) v *= 1024.0;
    end++;
    if (*end == 'i') end++;
  }
  if (*end == 'B' || *end == 'b') end++;
  if (*end || v > 1e18) return false;
  *bytes = (uint64_t)v;
  return true;
}

/* False: `expected` says what the value should have been. */
static bool store(const cli_option *o, char *value, const char **expected) {
  uint64_t n;
  switch (o->kind) {
  case CLI_FLAG: *(bool *)o->to = true; return true;
  case CLI_TEXT: *(const char **)o->to = value; return true;
  case CLI_U32:
    *expected = "a whole number";
    if (!whole(value, UINT32_MAX, &n)) return false;
    *(uint32_t *)o->to = (uint32_t)n;
    return true;
  case CLI_U64: *expected = "a whole number"; return whole(value, UINT64_MAX, o->to);
  case CLI_F32: {
    *expected = "a number";
    char *end;
    float f = strtof(value, &end);
    if (end == value || *end || !(f >= -3.0e38f && f <= 3.0e38f)) return false;
    *(float *)o->to = f;
    return true;
  }
  case CLI_SIZE: *expected = "a size like 4GiB or 512MiB"; return read_size(value, o->to);
  case CLI_LIST: {
    *expected = "whole numbers with commas between them, at most 16";
    cli_list *list = o->to, read = {.n = 0};
    for (char *at = value; at;) {
      char *comma = strchr(at, ',');
      if (comma) *comma = 0;
      bool fine = read.n < 16 && whole(at, UINT32_MAX, &n);
      if (comma) *comma = ',';
      if (!fine) return false;
      read.v[read.n++] = (uint32_t)n;
      at = comma ? comma + 1 : NULL;
    }
    *list = read;
    return true;
  }
  case CLI_TEXTS: {
    *expected = "at most 16 of them";
    cli_texts *texts = o->to;
    if (texts->n == 16) return false;
    texts->v[texts->n++] = value;
    return true;
  }
  }
  return false;
}

static bool refuse(cli *c) {
  c->status = CLI_USAGE;
  return false;
}

/* Takes the option argv[*i], with the next argument where it has a value. */
static bool take(cli *c, const table *t, int argc, char **argv, int *i) {
  char *name = argv[*i], *equals = name[1] == '-' ? strchr(name, '=') : NULL;
  if (equals) name = ig_format(&c->arena, "%.*s", (int)(equals - name), name);
  const cli_option *o = find(t, name);
  if (!o) {
    const char *near = name[1] == '-' ? cli_nearest(name, option_name, t) : NULL;
    if (near) cli_usage(c, "there is no option `%s`; did you mean `%s`?", name, near);
    else cli_usage(c, "there is no option `%s`; `ingot help %s` lists them", name, c->command);
    return refuse(c);
  }
  char *value = equals ? equals + 1 : NULL;
  if (o->kind == CLI_FLAG && value) {
    cli_usage(c, "%s takes no value", name);
    return refuse(c);
  }
  if (o->kind != CLI_FLAG && !value) {
    if (*i + 1 >= argc) {
      cli_usage(c, "%s needs a value: %s %s", name, name, o->value);
      return refuse(c);
    }
    value = argv[++*i];
  }
  const char *expected = "";
  if (store(o, value, &expected)) return true;
  cli_usage(c, "%s %s: expected %s", name, value, expected);
  return refuse(c);
}

bool cli_parse(cli *c, int argc, char **argv, const char *positional, int least, int most, const cli_option *options, size_t n_options) {
  table t = {options, n_options};
  c->args = ig_alloc_array(&c->arena, (size_t)argc + 1, sizeof(char *));
  c->n_args = 0;
  bool ended = false;
  for (int i = 0; i < argc; i++) {
    if (ended || argv[i][0] != '-' || !argv[i][1]) {
      c->args[c->n_args++] = argv[i];
      continue;
    }
    if (strcmp(argv[i], "--") == 0) {
      ended = true;
      continue;
    }
    if ((strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0) && !find(&t, argv[i])) {
      print_help(c, positional, &t);
      c->status = CLI_DONE;
      return false;
    }
    if (!take(c, &t, argc, argv, &i)) return false;
  }
  if (c->n_args >= least && (most < 0 || c->n_args <= most)) return true;
  if (c->n_args < least) cli_usage(c, "too few arguments; usage: ingot %s %s", c->command, positional);
  else cli_usage(c, "unexpected argument `%s`; usage: ingot %s %s", c->args[most], c->command, positional);
  return refuse(c);
}
