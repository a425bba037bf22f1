/* Measurements that need a process of their own (from exec to the first token, the most memory), and what Linux tells in /proc; where
 * there is no /proc these are left out. */
#define _XOPEN_SOURCE 700 /* realpath */
#include "bench.h"

#include <errno.h>
#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

bench_mapping bench_weights(cli *c, const char *weights_path) {
  bench_mapping m = {.address = NULL};
  char *path = realpath(weights_path, NULL), line[8192];
  FILE *maps = path ? fopen("/proc/self/smaps", "r") : NULL;
  bool ours = false;
  while (maps && fgets(line, sizeof line, maps)) {
    line[strcspn(line, "\n")] = 0;
    unsigned long long from, to, kib;
    int at = 0;
    if (sscanf(line, "%llx-%llx %*s %*s %*s %*s %n", &from, &to, &at) >= 2 && at) { /* a mapping's first line */
      ours = strcmp(line + at, path) == 0;
      if (ours && !m.address) m.address = (const void *)(uintptr_t)from;
    } else if (ours && sscanf(line, "Rss: %llu", &kib) == 1) m.resident += kib << 10;
    else if (ours && sscanf(line, "FilePmdMapped: %llu", &kib) == 1) m.huge += kib << 10;
  }
  if (maps) fclose(maps);
  free(path);
  (void)c;
  return m;
}

const char *bench_cpu(cli *c) {
  const char *name = "";
  char line[512];
  FILE *info = fopen("/proc/cpuinfo", "r");
  while (info && !*name && fgets(line, sizeof line, info)) {
    char *colon = strchr(line, ':');
    line[strcspn(line, "\n")] = 0;
    if (colon && strncmp(line, "model name", 10) == 0) name = ig_format(&c->arena, "%s", colon + 1 + strspn(colon + 1, " \t"));
  }
  if (info) fclose(info);
  return name;
}

void bench_drop_cache(const char *path) {
  int descriptor = open(path, O_RDONLY);
  if (descriptor < 0) return;
  fdatasync(descriptor); /* pages not yet written stay */
  posix_fadvise(descriptor, 0, 0, POSIX_FADV_DONTNEED);
  close(descriptor);
}

/* The most memory of this process so far. (getrusage's figure would be no less than that of the process that spawned this one.) */
static uint64_t peak_rss(void) {
  unsigned long long kib = 0;
  char line[256];
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status) && sscanf(line, "VmHWM: %llu", &kib) != 1) {}
  if (status) fclose(status);
  return kib << 10;
}

static uint64_t bytes_read(void) {
  enum { BLOCK = 512 };
  struct rusage r;
  return getrusage(RUSAGE_SELF, &r) == 0 ? (uint64_t)r.ru_inblock * BLOCK : 0;
}

/* One line: when the command began and when the token was there by the system's clock, bytes read until then, memory at both ends. */
int bench_once_here(cli *c, const bench_apart *what, double began) {
  cli_model_options o = {.variant = what->variant, .cache = what->cache, .schedule = what->schedule, .threads = what->threads, .context = what->context};
  cli_model m;
  uint64_t base = peak_rss();
  if (!cli_open(c, &m, what->path, &o, NULL)) return CLI_FAILED;
  ingot_error error = {INGOT_OK, ""};
  ingot_token token = m.info.bos >= 0 ? m.info.bos : 0, *prompt = ig_alloc_array(&c->arena, (size_t)what->prompt + 1, sizeof *prompt);
  ingot_status status = ingot_append(m.session, &token, 1, &error);
  double first = cli_now();
  uint64_t read_from_disk = bytes_read();
  if (status == INGOT_OK) status = ingot_rewind(m.session, 0, &error);
  for (uint32_t i = 0; i < what->prompt; i++) prompt[i] = (ingot_token)(i % m.info.n_vocab);
  if (status == INGOT_OK && what->prompt) status = ingot_append(m.session, prompt, what->prompt, &error);
  for (uint32_t i = 0; i < what->gen && status == INGOT_OK; i++) status = ingot_append(m.session, &token, 1, &error);
  uint64_t most = peak_rss();
  cli_close(&m);
  if (status != INGOT_OK) return cli_fail(c, "%s: %s", what->path, error.message);
  printf("%.9f %.9f %llu %llu %llu\n", began, first, (unsigned long long)read_from_disk, (unsigned long long)base, (unsigned long long)most);
  return CLI_DONE;
}

/* The command's output in `line`; its exit status, or -1. */
static int run(char *const *args, char *line, size_t size, double *began) {
  int ends[2];
  if (pipe(ends)) return -1;
  posix_spawn_file_actions_t actions;
  pid_t child;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO);
  posix_spawn_file_actions_addclose(&actions, ends[0]);
  posix_spawn_file_actions_addclose(&actions, ends[1]);
  *began = cli_now();
  int code = posix_spawn(&child, "/proc/self/exe", &actions, NULL, args, environ);
  posix_spawn_file_actions_destroy(&actions);
  close(ends[1]);
  size_t n = 0;
  for (ssize_t got; !code && n + 1 < size && (got = read(ends[0], line + n, size - 1 - n));)
    if (got > 0) n += (size_t)got;
    else if (errno != EINTR) break;
  line[n] = 0;
  close(ends[0]);
  if (code) return -1;
  int status = 0;
  while (waitpid(child, &status, 0) < 0 && errno == EINTR) {}
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

bool bench_run_apart(cli *c, const bench_apart *what, bench_once *once) {
  char threads[16], prompt[16], gen[16], depth[16], line[256];
  snprintf(threads, sizeof threads, "%u", what->threads);
  snprintf(prompt, sizeof prompt, "%u", what->prompt);
  snprintf(gen, sizeof gen, "%u", what->gen);
  snprintf(depth, sizeof depth, "%u", what->context);
  const char *args[20] = {"ingot", "bench", "--once", "-m", what->path, "-t", threads, "-p", prompt, "-n", gen, "-d", depth};
  int n = 13;
  if (what->variant) args[n++] = "--variant", args[n++] = what->variant;
  if (what->cache) args[n++] = "--cache", args[n++] = what->cache;
  if (what->schedule) args[n++] = "--schedule", args[n++] = what->schedule;
  char *copies[20] = {NULL};
  for (int i = 0; i < n; i++) copies[i] = ig_copy_string(&c->arena, args[i]);
  double spawned, began, first;
  unsigned long long read_bytes, base, peak;
  int status = run(copies, line, sizeof line, &spawned);
  if (status || sscanf(line, "%lf %lf %llu %llu %llu", &began, &first, &read_bytes, &base, &peak) != 5) return false;
  *once = (bench_once){1e3 * (first - spawned), 1e3 * (began - spawned), read_bytes, base, peak};
  return true;
}
