/* usage: fuzz_TARGET [--seeds FOLDER] [FILE|FOLDER]...
 * Runs the seeds and the files, then INGOT_ROUNDS (2000) random changes of them; --seeds writes the seeds instead, for libFuzzer. */
#include "fuzz.h"

#include <dirent.h>
#include <sys/stat.h>

typedef struct input {
  uint8_t *data;
  size_t size;
} input;

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

static void run_all(inputs *all, char **paths, int n_paths) {
  const char *text = getenv("INGOT_ROUNDS");
  const unsigned long rounds = text ? strtoul(text, NULL, 10) : 2000;
  const size_t seeds = all->n;
  uint64_t random = 88172645463325252u;
  for (int i = 0; i < n_paths; i++) read_path(all, paths[i]);
  for (size_t i = 0; i < all->n; i++) LLVMFuzzerTestOneInput(all->v[i].data, all->v[i].size);
  for (unsigned long i = 0; i < rounds; i++) {
    input changed = change(all, &random);
    LLVMFuzzerTestOneInput(changed.data, changed.size);
    free(changed.data);
  }
  printf("%zu seeds, %zu files, %lu changes\n", seeds, all->n - seeds, rounds);
}

int main(int argc, char **argv) {
  inputs all = {NULL, 0};
  fuzz_seeds(keep, &all);
  if (!all.n) return 1;
  if (argc > 2 && !strcmp(argv[1], "--seeds")) write_all(&all, argv[2]);
  else run_all(&all, argv + 1, argc - 1);
  for (size_t i = 0; i < all.n; i++) free(all.v[i].data);
  free(all.v);
  return 0;
}
