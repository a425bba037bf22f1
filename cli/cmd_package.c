/* ingot package: a bundle for the build tools of apps. */
#define _POSIX_C_SOURCE 200809L
#include "cli.h"
#include "driver/package.h"

#include <string.h>
#include <unistd.h>

static const char *format_name(const void *user, int index) { return (void)user, ig_package_format(index); }

/* The runtime's sources beside the command: where they are installed, or the tree that it was built in. */
static const char *find_sources(cli *c) {
  char self[4096];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return NULL;
  self[n] = 0;
  if (strrchr(self, '/')) *strrchr(self, '/') = 0;
  const char *places[] = {ig_format(&c->arena, "%s/../share/ingot/src", self), ig_format(&c->arena, "%s/..", self)};
  for (int i = 0; i < 2; i++)
    if (access(ig_format(&c->arena, "%s/runtime/ingot.h", places[i]), R_OK) == 0) return places[i];
  return NULL;
}

int cmd_package(cli *c, int argc, char **argv) {
  const char *format = NULL, *parent = ".", *sources = NULL, *made = NULL;
  const cli_option options[] = {
    {"--format", NULL, CLI_TEXT, &format, "FORMAT", "xcframework, swiftpm, aar or cmake"},
    {"-o", "--output", CLI_TEXT, &parent, "FOLDER", "where the package goes (default: here)"},
    {"--sources", NULL, CLI_TEXT, &sources, "FOLDER", "in which the runtime's sources lie as runtime/ (default: those installed with the command)"},
  };
  if (!CLI_PARSE(c, argc, argv, "BUNDLE", 1, 1, options)) return c->status;
  if (!format) return cli_usage(c, "--format is missing: xcframework, swiftpm, aar or cmake");
  const char *near = cli_nearest(format, format_name, NULL);
  if (!near || strcmp(near, format) != 0)
    return near ? cli_usage(c, "there is no format `%s`; did you mean `%s`?", format, near)
                : cli_usage(c, "there is no format `%s`: xcframework, swiftpm, aar or cmake", format);
  if (!sources && !(sources = find_sources(c))) return cli_fail(c, "the runtime's sources are not beside the command: say where by --sources");
  bool ok = ig_package(c->args[0], format, parent, sources, &c->arena, &made, &c->diags);
  int status = cli_report(c);
  if (ok && status == CLI_DONE) printf("%s\n", made);
  return ok ? status : CLI_FAILED;
}
