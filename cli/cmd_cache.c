/* ingot cache: the folder where run, bench, logits and greedy leave compiled model files. */
#include "cli.h"
#include "driver/bundle_folder.h"

#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { DEPTH_MOST = 8 };

/* Entries are folders whose name is a key: 32 hexadecimal digits. Nothing else in the folder is ours to list or remove. */
static bool is_entry(const char *name) { return strlen(name) == 32 && strspn(name, "0123456789abcdef") == 32; }

/* Bytes of the files below `path`; links are not followed. */
static uint64_t bytes_below(cli *c, const char *path, int depth) {
  struct stat st;
  if (lstat(path, &st) != 0) return 0; /* another process may clean too */
  if (!S_ISDIR(st.st_mode)) return (uint64_t)st.st_size;
  DIR *folder = depth < DEPTH_MOST ? opendir(path) : NULL;
  uint64_t bytes = 0;
  for (struct dirent *entry; folder && (entry = readdir(folder));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) bytes += bytes_below(c, ig_format(&c->arena, "%s/%s", path, entry->d_name), depth + 1);
  if (folder) closedir(folder);
  return bytes;
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
  for (struct dirent *entry; folder && (entry = readdir(folder));) {
    if (!is_entry(entry->d_name)) continue;
    const char *path = ig_format(&c->arena, "%s/%s", cache, entry->d_name);
    uint64_t bytes = bytes_below(c, path, 0);
    if (clean && !ig_remove_tree(path)) status = cli_fail(c, "%s: cannot be removed", path);
    if (!clean) printf("%s  %s\n", path, cli_bytes(c, bytes));
    total += bytes;
    count++;
  }
  if (folder) closedir(folder);
  printf("%s: %u entries, %s%s\n", cache, count, cli_bytes(c, total), clean ? ", removed" : "");
  return status;
}
