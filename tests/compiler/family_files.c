/* Models of every family for other engines to run beside ours, and what the files' numbers say exactly; tests/families.sh drives it.
 *   family_files FOLDER                          writes FOLDER/NAME.gguf in f32 for every family and prints the names; FOLDER/ids.txt: tokens for all of them
 *   family_files --exact MODEL OUT.f32 IDS.txt   logits after each token by the evaluator, nothing rounded but as f32 rounds: neither activations nor the KV cache
 *   family_files --distance A.f32 B.f32          relative rms of A's difference from B */
#define FAMILY_WIDE
#include "family_maker.h"

enum { TOKENS = 420 }; /* past windows, and past the contexts that positions are stretched from */

static int usage(void) {
  fprintf(stderr, "usage: family_files FOLDER | --exact MODEL OUT.f32 IDS.txt | --distance A.f32 B.f32\n");
  return 2;
}

static int write_all(const char *folder) {
  FILE *ids = fopen(ig_format(&arena, "%s/ids.txt", folder), "w");
  if (!ids) return perror(folder), 1;
  random_state = 5;
  for (int i = 0; i < TOKENS; i++) fprintf(ids, "%u\n", random_u32() % VOCAB);
  if (fclose(ids)) return perror(folder), 1;
  for (size_t i = 0; i < N_FAMILIES; i++) {
    random_state = 11 + i;
    /* llama.cpp does not apply the windows of these */
    bool windows = strcmp(families[i].architecture, "llama") != 0 && strcmp(families[i].architecture, "phi3") != 0;
    write_model(&families[i], "f32", windows ? NULL : "attention.sliding_window", folder);
    printf("%s\n", families[i].name);
  }
  return 0;
}

static float *read_floats(const char *path, size_t *n) {
  ig_diags diags = {0};
  ig_str bytes = {"", 0};
  if (!ig_read_small_file(path, (size_t)1 << 30, &arena, &bytes, &diags)) show(&diags);
  *n = bytes.size / sizeof(float);
  float *values = ig_alloc_array(&arena, *n, sizeof *values);
  memcpy(values, bytes.data, *n * sizeof *values);
  ig_diags_finish(&diags);
  return values;
}

static int distance(const char *a_path, const char *b_path) {
  size_t n, m;
  const float *a = read_floats(a_path, &n), *b = read_floats(b_path, &m);
  double error = 0, size = 0;
  if (!n || n != m) return fprintf(stderr, "family_files: %s and %s hold %zu and %zu numbers\n", a_path, b_path, n, m), 1;
  for (size_t i = 0; i < n; i++) error += ((double)a[i] - (double)b[i]) * ((double)a[i] - (double)b[i]), size += (double)b[i] * (double)b[i];
  printf("%.6f\n", sqrt(error / size));
  return 0;
}

static int exact(const char *model, const char *out, const char *ids_path) {
  uint32_t ids[TOKENS], n = 0;
  FILE *f = fopen(ids_path, "r");
  if (!f) return perror(ids_path), 1;
  while (n < TOKENS && fscanf(f, "%u", &ids[n]) == 1) n++;
  fclose(f);
  const float *y = evaluate(model, ids, n, VOCAB, true);
  if (!y || !(f = fopen(out, "wb")) || fwrite(y, sizeof *y * VOCAB, n, f) != n || fclose(f))
    return fprintf(stderr, "family_files: no logits of %s\n", model), 1;
  return 0;
}

int main(int argc, char **argv) {
  int status = argc == 5 && !strcmp(argv[1], "--exact") ? exact(argv[2], argv[3], argv[4])
      : argc == 4 && !strcmp(argv[1], "--distance")     ? distance(argv[2], argv[3])
      : argc == 2 && argv[1][0] != '-'                  ? write_all(argv[1])
                                                        : usage();
  ig_arena_finish(&arena);
  return status;
}
