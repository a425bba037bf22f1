/* Every family against the evaluator, bit for bit, past a block of positions.
 * usage: test_families [FOLDER]: model files are left there. */
#define _POSIX_C_SOURCE 200809L
#include <unistd.h>

#include "driver/bundle_folder.h"
#include "family_maker.h"

enum { TOKENS = 150 };

/* docs/MODELS.md has a row for each architecture here, and none for others. */
static void check_table(void) {
  const char *root = getenv("INGOT_SOURCE");
  ig_diags diags = {0};
  ig_str text = {"", 0};
  CHECK(ig_read_small_file(ig_format(&arena, "%s/docs/MODELS.md", root ? root : "."), 1 << 20, &arena, &text, &diags), "no docs/MODELS.md");
  ig_diags_finish(&diags);
  for (size_t i = 0; i < N_FAMILIES; i++)
    CHECK(strstr(text.data, ig_format(&arena, "\n| `%s` |", families[i].architecture)), "docs/MODELS.md has no row for %s", families[i].architecture);
  for (const char *row = strstr(text.data, "\n| `"); row; row = strstr(row + 1, "\n| `")) {
    int n = (int)strcspn(row + 4, "`");
    bool runs = false;
    for (size_t i = 0; i < N_FAMILIES; i++) runs |= !strncmp(families[i].architecture, row + 4, (size_t)n) && !families[i].architecture[n];
    CHECK(runs, "docs/MODELS.md has a row for %.*s, which does not run here", n, row + 4);
  }
}

int main(int argc, char **argv) {
  char made[] = "/tmp/ingot-families-XXXXXX";
  if (argc < 2 && !mkdtemp(made)) return perror(made), 1;
  const char *folder = argc < 2 ? made : argv[1];
  check_table();
  for (size_t i = 0; i < N_FAMILIES; i++) {
    random_state = 11 + i;
    rounded_tolerance = families[i].has & EXPERTS ? 0.05 : 0.02; /* a rounding may choose another expert */
    test_model(families[i].name, write_model(&families[i], families[i].format, NULL, folder), folder, TOKENS, VOCAB);
  }
  if (argc < 2) ig_remove_tree(folder);
  ig_arena_finish(&arena);
  printf("%d models, %d failures\n", N_FAMILIES, failures);
  return failures > 0;
}
