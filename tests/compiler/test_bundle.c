/* Bundles on disk, with the bundled model: the same bytes every time, only the promised symbols, swapped whole or not at all, and nothing
 * written on error. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "driver/bundle_folder.h"
#include "driver/driver.h"
#include "runtime/abi/kernel.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

static ig_arena arena;
static char root[] = "/tmp/ingot-bundle-XXXXXX";
static const char *model; /* a copy of the bundled one, in `root` */
static const char *fast[] = {"base"}; /* the best of this CPU */

static const char *in_root(const char *name) { return ig_format(&arena, "%s/%s", root, name); }
static bool exists(const char *path) {
  struct stat st;
  return lstat(path, &st) == 0;
}

static void show(const ig_diags *diags) {
  for (size_t i = 0; i < diags->count; i++) printf("  %s: %s\n", diags->items[i].place, diags->items[i].text);
}

static bool says(const ig_diags *diags, const char *what) {
  for (size_t i = 0; i < diags->count; i++)
    if (strstr(diags->items[i].text, what)) return true;
  return false;
}

static ig_compile_options options_for(const char *parent) {
  return (ig_compile_options){.model = model, .parent = parent, .platform = ig_platform_find("x86_64"), .variants = fast, .n_variants = 1, .name = "fable"};
}

static ig_str slurp(const char *path) {
  ig_diags diags = {0};
  ig_str text = {"", 0};
  CHECK(ig_read_small_file(path, 64 << 20, &arena, &text, &diags), "cannot read %s", path);
  ig_diags_finish(&diags);
  return text;
}

static int entries(const char *path) {
  int n = 0;
  DIR *dir = opendir(path);
  for (struct dirent *e; dir && (e = readdir(dir));) n += strcmp(e->d_name, ".") && strcmp(e->d_name, "..");
  if (dir) closedir(dir);
  return n;
}

static const char *const files[] = {"fable.h", "report.json", "x86_64-linux-gnu/libfable.a", "x86_64-linux-gnu/fable.plan", "x86_64-linux-gnu/fable.weights"};
enum { FILES = sizeof files / sizeof *files };

static bool contains(ig_str text, const char *what) {
  size_t n = strlen(what);
  for (size_t i = 0; i + n <= text.size; i++)
    if (memcmp(text.data + i, what, n) == 0) return true;
  return false;
}

static void test_identical(void) {
  ig_diags diags = {0};
  const char *bundles[2];
  for (int i = 0; i < 2; i++) {
    ig_compile_options o = options_for(in_root(i ? "second" : "first"));
    o.n_variants = 0, o.variants = NULL; /* all of them */
    o.jobs = i ? 1 : 3;
    o.depfile = i ? NULL : in_root("deps.d");
    CHECK(ig_compile(&o, &arena, &bundles[i], &diags), "compile %d fails", i);
    show(&diags);
    if (failures) return;
  }
  CHECK(entries(bundles[0]) == 3 && entries(ig_format(&arena, "%s/x86_64-linux-gnu", bundles[0])) == 3 && entries(in_root("first")) == 1,
        "there is more or less than a bundle");
  for (int f = 0; f < FILES; f++) {
    ig_str a = slurp(ig_format(&arena, "%s/%s", bundles[0], files[f])), b = slurp(ig_format(&arena, "%s/%s", bundles[1], files[f]));
    CHECK(a.size && a.size == b.size && !memcmp(a.data, b.data, a.size), "%s differs from one build to the next", files[f]);
    CHECK(!contains(a, root) && !contains(a, "/tmp/"), "%s holds a path of this machine", files[f]);
  }
  ig_str deps = slurp(in_root("deps.d"));
  CHECK(ig_str_equal(deps, ig_format(&arena, "%s/x86_64-linux-gnu/libfable.a: %s\n", bundles[0], model)), "the depfile says %s", deps.data);
  ig_str weights = slurp(ig_format(&arena, "%s/%s", bundles[0], files[4])), source = slurp(model);
  CHECK((double)weights.size < 1.03 * (double)source.size, "weights of %zu bytes from a file of %zu", weights.size, source.size);
  ig_diags_finish(&diags);
}

static const char *output_of(const char *command) {
  ig_text text = {0};
  char line[512];
  FILE *from = popen(command, "r");
  while (from && fgets(line, sizeof line, from)) ig_text_printf(&text, "%s", line);
  if (from) pclose(from);
  const char *copy = ig_copy_string(&arena, text.data ? text.data : "");
  ig_text_finish(&text);
  return copy;
}

static void test_symbols(void) {
  const char *library = in_root("first/fable.ingot/x86_64-linux-gnu/libfable.a");
  if (system("readelf --version > /dev/null 2>&1") != 0) {
    printf("no readelf here: symbols are not looked at\n");
    return;
  }
  const char *visible = output_of(
      ig_format(&arena, "readelf -sW '%s' | awk '($5 == \"GLOBAL\" || $5 == \"WEAK\") && $6 == \"DEFAULT\" && $7 != \"UND\" {print $8}'", library));
  CHECK(!strcmp(visible, "fable_program\n"), "visible outside the library:\n%s", visible);
  const char *needed = output_of(ig_format(&arena, "nm -u '%s' | awk 'NF == 2 {print $2}' | grep -v '^fable__'", library));
  CHECK(!strcmp(needed, "ingot__tokens_sentence\n"), "the library needs\n%s", needed);
  const char *alien = output_of(ig_format(&arena, "nm -g --defined-only '%s' | awk 'NF == 3 {print $3}' | grep -v '^fable_'", library));
  CHECK(!*alien, "globals without the model's name:\n%s", alien);
  const char *sections = output_of(
      ig_format(&arena, "readelf -SW '%s' | grep -E 'init_array|ctors|\\.bss +NOBITS +[0-9a-f]+ [0-9a-f]+ [0-9a-f]*[1-9a-f]'", library));
  CHECK(!*sections, "constructors or zeroed data:\n%s", sections);
  const char *source = getenv("INGOT_SOURCE");
  const char *header = in_root("first/fable.ingot/fable.h");
  if (source && system("cc --version > /dev/null 2>&1") == 0)
    CHECK(system(ig_format(&arena, "cc -std=c11 -Wall -Wextra -Werror -fsyntax-only -I '%s/runtime' -x c '%s'", source, header)) == 0,
          "the header does not compile");
}

static void test_load(void) {
  ig_diags diags = {0};
  ig_loaded loaded;
  CHECK(ig_load_bundle(&loaded, in_root("first/fable.ingot"), &arena, &diags), "the bundle does not load");
  show(&diags);
  if (failures) return;
  CHECK(loaded.program->n_variants == ig_target_find("x86_64")->n_variants && !strcmp(loaded.program->name, "fable"), "the program is another");
  CHECK(exists(loaded.plan_path) && exists(loaded.weights_path), "paths lead nowhere");
  ig_unload(&loaded);
  CHECK(!ig_load_bundle(&loaded, root, &arena, &diags) && says(&diags, "is not a bundle"), "a folder that is no bundle loads");
  ig_diags_finish(&diags);
}

/* Nothing may be there that was not before. */
static void refused(const char *what, ig_compile_options o, const char *complaint) {
  ig_diags diags = {0};
  const char *bundle;
  int before = entries(root);
  CHECK(!ig_compile(&o, &arena, &bundle, &diags), "%s: compiles", what);
  CHECK(says(&diags, complaint), "%s: nobody says `%s`", what, complaint);
  if (!says(&diags, complaint)) show(&diags);
  CHECK(!exists(in_root("none")) || !entries(in_root("none")), "%s: something was written", what);
  CHECK(entries(root) <= before + 1, "%s: something was written beside", what);
  ig_remove_tree(in_root("none"));
  ig_diags_finish(&diags);
}

static void touch_model(void *user, const char *what, double fraction) {
  (void)user, (void)fraction;
  if (strstr(what, "weights")) utimensat(0, model, (struct timespec[2]){{.tv_sec = 12345, .tv_nsec = 678}, {.tv_sec = 12345, .tv_nsec = 678}}, 0);
}

static void test_refusals(void) {
  ig_compile_options o = options_for(in_root("none"));
  o.name = "two words";
  refused("a bad name", o, "is no name for a bundle");
  o = options_for(in_root("none"));
  o.variants = (const char *const[]){"sse9"};
  refused("a bad variant", o, "is not a variant");
  o = options_for(in_root("none"));
  o.stage = "nowhere";
  refused("a bad stage", o, "is no stage");
  o = options_for(in_root("none"));
  o.model = in_root("deps.d");
  refused("a file that is no model", o, "");
  o = options_for(in_root("none"));
  o.progress = touch_model;
  refused("a model that changes meanwhile", o, "was changed while");

  mkdir(in_root("mine"), 0777);
  mkdir(in_root("mine/fable.ingot"), 0777);
  mkdir(in_root("mine/fable.ingot/notes"), 0777);
  CHECK(ig_write_file(in_root("mine/fable.ingot/notes/one"), "1", 1, &(ig_diags){0}), "cannot write");
  o = options_for(in_root("mine"));
  refused("somebody's folder", o, "is not a bundle that ingot made");
  CHECK(entries(in_root("mine")) == 1 && entries(in_root("mine/fable.ingot/notes")) == 1, "somebody's folder was touched");
  unlink(in_root("mine/fable.ingot/notes/one")); /* ninja makes the folders of what it expects: without a file they are no loss */
  ig_diags diags = {0};
  const char *bundle;
  CHECK(ig_compile(&o, &arena, &bundle, &diags) && entries(in_root("mine/fable.ingot")) == 3, "empty folders are in the way");
  ig_diags_finish(&diags);
}

/* A device that fills up, here by a limit on the size of files; in a child, for limits cannot be raised again. */
static void test_full_disk(void) {
  fflush(stdout);
  pid_t child = fork();
  if (child == 0) {
    signal(SIGXFSZ, SIG_IGN);
    setrlimit(RLIMIT_FSIZE, &(struct rlimit){2 << 20, 2 << 20});
    failures = 0;
    refused("a full disk", options_for(in_root("none")), "cannot be written");
    fflush(stdout);
    _exit(failures);
  }
  int status;
  waitpid(child, &status, 0);
  CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0, "a full disk ends with %d", status);
}

static bool whole_bundle(const char *bundle) {
  ig_diags diags = {0};
  ig_loaded loaded;
  ingot_error error = {INGOT_OK, ""};
  ingot_model *opened = NULL;
  bool ok = ig_load_bundle(&loaded, bundle, &arena, &diags);
  if (ok) {
    ingot_model_options o = {.size = sizeof o, .plan_path = loaded.plan_path, .weights_path = loaded.weights_path, .n_threads = 1, .verify_weights = true};
    ok = ingot_model_open(loaded.program, &o, &opened, &error) == INGOT_OK;
    if (!ok) printf("  %s\n", error.message);
    ingot_model_close(opened);
    ig_unload(&loaded);
  }
  show(&diags);
  ig_diags_finish(&diags);
  return ok;
}

/* Killed at any moment: an old bundle of another shape (a context of 128) or the new one, each whole; and the next compile cleans up. */
static void test_kill(void) {
  const char *parent = in_root("killed"), *bundle = in_root("killed/fable.ingot");
  ig_diags diags = {0};
  const char *made;
  ig_compile_options old = options_for(parent), fresh = options_for(parent);
  old.n_context = 128;
  fresh.n_context = 256;
  struct timespec before, after;
  clock_gettime(CLOCK_MONOTONIC, &before);
  CHECK(ig_compile(&old, &arena, &made, &diags), "the first bundle does not compile");
  clock_gettime(CLOCK_MONOTONIC, &after);
  long whole = (after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec;
  show(&diags);
  enum { KILLS = 16 };
  int replaced = 0;
  for (int i = 0; i < KILLS && !failures; i++) {
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
      ig_compile(&fresh, &arena, &made, &diags);
      _exit(0);
    }
    long wait = whole / (KILLS - 4) * i; /* the last ones come about when the folders are swapped, or after */
    nanosleep(&(struct timespec){wait / 1000000000, wait % 1000000000}, NULL);
    kill(child, SIGKILL);
    int status;
    waitpid(child, &status, 0);
    replaced += WIFEXITED(status);
    CHECK(whole_bundle(bundle), "killed after %ld us there is no whole bundle", wait / 1000);
  }
  const char *busy = in_root("killed/.fable.ingot.77.part");
  mkdir(busy, 0777);
  int lock = open(busy, O_RDONLY | O_DIRECTORY);
  flock(lock, LOCK_EX);
  CHECK(ig_compile(&old, &arena, &made, &diags) && entries(parent) == 2 && exists(busy), "what another compiler builds was removed");
  close(lock);
  CHECK(ig_compile(&old, &arena, &made, &diags) && entries(parent) == 1, "what killed compilers left is still there");
  ig_diags_finish(&diags);
  printf("%d compiles killed, %d of them too late\n", KILLS, replaced);
}

static void test_cache(void) {
  ig_diags diags = {0};
  ig_loaded loaded;
  struct stat first, second;
  const char *cache = in_root("cache");
  ig_compile_options like = {.platform = ig_platform_find("native"), .n_context = 128};
  for (int i = 0; i < 3; i++) {
    bool ok = ig_load_any(&loaded, model, NULL, &like, cache, &arena, &diags);
    CHECK(ok, "the model does not load");
    if (!ok) return show(&diags);
    CHECK(stat(loaded.weights_path, i ? &second : &first) == 0, "no weights");
    if (i == 1) {
      CHECK(first.st_ino == second.st_ino, "compiled again, though nothing changed");
      like.n_context = 256;
    }
    CHECK(i < 2 || first.st_ino != second.st_ino, "not compiled again for another context");
    ig_unload(&loaded);
  }
  CHECK(ig_load_any(&loaded, model, NULL, &like, cache, &arena, &diags), "the model does not load again");
  const char *library = ig_format(&arena, "%.*s/libmodel.a", (int)(strrchr(loaded.plan_path, '/') - loaded.plan_path), loaded.plan_path);
  ig_unload(&loaded);
  CHECK(truncate(library, 1000) == 0 && ig_load_any(&loaded, model, NULL, &like, cache, &arena, &diags), "a damaged entry of the cache is not made anew");
  ig_unload(&loaded);
  CHECK(entries(cache) == 2, "the cache has %d entries", entries(cache));
  CHECK(ig_load_any(&loaded, in_root("first/fable.ingot"), NULL, &like, NULL, &arena, &diags), "a bundle does not load without a cache");
  ig_unload(&loaded);
  CHECK(!ig_load_any(&loaded, model, NULL, &like, NULL, &arena, &diags) && says(&diags, "no folder to compile it into"), "a model loads without a cache");
  ig_diags_finish(&diags);
}

int main(void) {
  const char *source = getenv("INGOT_SOURCE");
  ig_diags diags = {0};
  const ig_variant *here = ig_variant_here(ig_target_find("native"));
  if (here) fast[0] = here->name;
  if (!mkdtemp(root)) return perror(root), 1;
  model = in_root("fable.gguf");
  ig_str bytes = slurp(ig_format(&arena, "%s/models/fable/fable-f16.gguf", source ? source : "."));
  CHECK(ig_write_file(model, bytes.data, bytes.size, &diags), "cannot copy the model");
  if (!failures) test_identical();
  if (!failures) {
    test_symbols();
    test_load();
    test_refusals();
    test_full_disk();
    test_kill();
    test_cache();
  }
  ig_remove_tree(root);
  ig_arena_finish(&arena);
  return failures > 0;
}
