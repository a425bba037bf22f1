/* ingot cache: the folder where run, bench, logits and greedy leave compiled model files. */
#include "cli.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { DEPTH_MOST = 8 };

/* Walks `path`, adding sizes; with `remove` also unlinking. Links are not followed. False: *failed is the path in the way. */
static bool walk(cli *c, const char *path, bool remove, int depth, uint64_t *bytes, const char **failed) {
  struct stat st;
  *failed = path;
  if (lstat(path, &st) != 0) return errno == ENOENT; /* another process may clean too */
  if (!S_ISDIR(st.st_mode)) {
    *bytes += (uint64_t)st.st_size;
    return !remove || unlink(path) == 0 || errno == ENOENT;
  }
  DIR *folder = depth < DEPTH_MOST ? opendir(path) : NULL;
  if (!folder) return false;
  bool fine = true;
  for (struct dirent *entry; fine && (entry = readdir(folder)); ) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    fine = walk(c, ig_format(&c->arena, "%s/%s", path, entry->d_name), remove, depth + 1, bytes, failed);
  }
  closedir(folder);
  if (!fine) return false;
  *failed = path;
  return !remove || rmdir(path) == 0;
}

int cmd_cache(cli *c, int argc, char **argv) {
  const char *cache = c->cache;
  const cli_option options[] = {{"--cache", NULL, CLI_TEXT, &cache, "FOLDER", "the folder (default: XDG_CACHE_HOME/ingot)"}};
  if (!CLI_PARSE(c, argc, argv, "list|clean", 1, 1, options)) return c->status;
  bool clean = strcmp(c->args[0], "clean") == 0;
  if (!clean && strcmp(c->args[0], "list") != 0) return cli_usage(c, "`%s` is neither list nor clean", c->args[0]);
  if (!cache) return cli_fail(c, "no cache folder: neither XDG_CACHE_HOME nor HOME is set; give --cache");
  DIR *folder = opendir(cache);
  if (!folder && errno != ENOENT) return cli_fail(c, "%s: %s", cache, strerror(errno));
  uint64_t total = 0;
  uint32_t count = 0;
  int status = CLI_DONE;
  for (struct dirent *entry; folder && (entry = readdir(folder)); ) {
    if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0) continue;
    const char *path = ig_format(&c->arena, "%s/%s", cache, entry->d_name), *failed = path;
    uint64_t bytes = 0;
    if (!walk(c, path, clean, 0, &bytes, &failed)) status = cli_fail(c, "%s: %s", failed, strerror(errno));
    if (!clean) printf("%s  %s\n", path, cli_bytes(c, bytes));
    total += bytes;
    count++;
  }
  if (folder) closedir(folder);
  printf("%s: %u entries, %s%s\n", cache, count, cli_bytes(c, total), clean ? ", removed" : "");
  return status;
}
