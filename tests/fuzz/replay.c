/* usage: fuzz_TARGET [--seeds FOLDER] [FILE|FOLDER]...
 * Runs the seeds and the files, then INGOT_ROUNDS (2000) random changes of them, each within its bounds; --seeds writes the seeds instead, for
 * libFuzzer. An input that ends the process is left in the file `finding`. */
#include "fuzz.h"
#include "tests/runtime/bounds.h"

#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>

typedef struct input {
  uint8_t *data;
  size_t size;
} input;

static input running; /* what a signal's handler can see */

static void leave(int number) {
  const int to = open("finding", O_WRONLY | O_CREAT | O_TRUNC, 0666);
  if (to < 0 || write(to, running.data, running.size) < 0) _exit(2);
  signal(number, SIG_DFL);
  raise(number);
}

static void run(input i) {
  running = i;
  fuzz_one(i.data, i.size);
}

typedef struct inputs {
  input *v;
  size_t n;
} inputs;

static void keep(void *user, const void *data, size_t size) {
  inputs *all = user;
  all->v = realloc(all->v, (all->n + 1) * sizeof *all->v);
  uint8_t *copy = malloc(size ? size : 1);
  if (!all->v || !copy) abort();
  if (size) memcpy(copy, data, size);
  all->v[all->n++] = (input){copy, size};
}

static void read_file(inputs *all, const char *path) {
  FILE *from = fopen(path, "rb");
  struct stat st;
  if (!from || fstat(fileno(from), &st)) perror(path), exit(1);
  uint8_t *data = malloc((size_t)st.st_size + 1);
  if (!data) abort();
  keep(all, data, fread(data, 1, (size_t)st.st_size, from));
  free(data);
  fclose(from);
}

/* Files of a folder in the order of their names; a folder that is not there has none. */
static void read_path(inputs *all, const char *path) {
  struct stat st;
  struct dirent **entries = NULL;
  if (stat(path, &st)) return;
  if (!S_ISDIR(st.st_mode)) {
    read_file(all, path);
    return;
  }
  const int n = scandir(path, &entries, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    char name[4096];
    snprintf(name, sizeof name, "%s/%s", path, entries[i]->d_name);
    if (entries[i]->d_name[0] != '.') read_file(all, name);
    free(entries[i]);
  }
  free(entries);
}

static uint64_t next(uint64_t *state) {
  *state ^= *state >> 12, *state ^= *state << 25, *state ^= *state >> 27;
  return *state * UINT64_C(2685821657736338717);
}

/* One to four changes: a bit, a byte, a word that readers trip over, a piece of another input, a cut, a piece twice. */
static input change(const inputs *all, uint64_t *random) {
  static const uint64_t sore[] = {
    0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, UINT64_C(1) << 63, UINT64_MAX, UINT64_MAX - 7};
  const input from = all->v[next(random) % all->n], other = all->v[next(random) % all->n];
  input to = {malloc(2 * from.size + other.size + 16), from.size};
  if (!to.data) abort();
  if (from.size) memcpy(to.data, from.data, from.size);
  for (uint64_t k = 1 + next(random) % 4; k && to.size; k--) {
    const size_t at = next(random) % (next(random) & 1 ? to.size : to.size < 512 ? to.size : 512), left = to.size - at;
    const uint64_t word = sore[next(random) % (sizeof sore / sizeof *sore)];
    size_t n = (size_t)1 << next(random) % 4;
    switch (next(random) % 6) {
    case 0: to.data[at] ^= (uint8_t)(1u << next(random) % 8); break;
    case 1: to.data[at] = (uint8_t)next(random); break;
    case 2: memcpy(to.data + at, &word, n < left ? n : left); break;
    case 3:
      if (other.size) n = next(random) % other.size, memcpy(to.data + at, other.data + n, other.size - n < left ? other.size - n : left);
      break;
    case 4: to.size = next(random) % 8 ? to.size : at; break;
    default:
      if (next(random) % 8 || to.size > from.size) break;
      n = left < from.size ? left : from.size;
      memmove(to.data + at + n, to.data + at, left);
      to.size += n;
    }
  }
  return to;
}

static void write_all(const inputs *all, const char *folder) {
  for (size_t i = 0; i < all->n; i++) {
    char name[4096];
    snprintf(name, sizeof name, "%s/seed%zu", folder, i);
    FILE *to = fopen(name, "wb");
    if (!to || fwrite(all->v[i].data, 1, all->v[i].size, to) != all->v[i].size || fclose(to)) perror(name), exit(1);
  }
}

static bool run_all(inputs *all, char **paths, int n_paths) {
  const uint32_t rounds = bounds_rounds(2000);
  const size_t seeds = all->n;
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < n_paths; i++) read_path(all, paths[i]);
  signal(SIGABRT, leave), signal(SIGSEGV, leave), signal(SIGBUS, leave), signal(SIGFPE, leave);
  bounds_begin();
  for (size_t i = 0; i < all->n; i++) {
    bounds_next((uint32_t)i);
    run(all->v[i]);
  }
  for (uint32_t i = 0; i < rounds; i++) {
    input changed = change(all, &random);
    bounds_next(i);
    run(changed);
    free(changed.data);
  }
  printf("%zu seeds, %zu files, %u changes\n", seeds, all->n - seeds, rounds);
  return bounds_end();
}

int main(int argc, char **argv) {
  inputs all = {NULL, 0};
  fuzz_seeds(keep, &all);
  if (!all.n) return 1;
  bool fine = true;
  if (argc > 2 && !strcmp(argv[1], "--seeds")) write_all(&all, argv[2]);
  else fine = run_all(&all, argv + 1, argc - 1);
  for (size_t i = 0; i < all.n; i++) free(all.v[i].data);
  free(all.v);
  return !fine;
}
