/* Schedules: what the defaults say, which rule wins, what is refused and how (tests/golden/schedule_wrong.lua -> .txt, one text between each
 * `-- ----`; INGOT_REGENERATE=1 writes it anew), that nothing leaves the sandbox, and that random changes of a schedule do no harm. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "passes/schedule.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

static ig_arena arena;

static const ig_target *target(void) { return ig_target_find("x86_64"); }

static const char *source(const char *path) {
  const char *root = getenv("INGOT_SOURCE");
  return ig_format(&arena, "%s/%s", root ? root : ".", path);
}

static ig_str file(const char *path) {
  ig_diags diags = {0};
  ig_str text = {"", 0};
  CHECK(ig_read_small_file(source(path), 1 << 20, &arena, &text, &diags), "cannot read %s", path);
  ig_diags_finish(&diags);
  return text;
}

static bool read_text(ig_schedule *s, const char *text, ig_diags *diags) { return ig_schedule_read_text(s, target(), "t.lua", ig_str_of(text), &arena, diags); }

static ig_choice choice(const ig_schedule *s, const char *variant, ig_family family, const char *format) {
  return ig_schedule_choose(s, ig_variant_find(target(), variant), &(ig_kernel_ref){family, format ? ig_layout_find(format) : NULL, IG_ACT_F32});
}

/* ---- what is chosen ---- */

static void test_defaults(void) {
  ig_schedule s;
  ig_diags diags = {0};
  CHECK(ig_schedule_read(&s, target(), NULL, &arena, &diags) && !diags.count, "the target's own schedule is refused: %s",
        diags.count ? diags.items[0].text : "");
  ig_program_choice p = ig_schedule_program(&s);
  CHECK(p.chunk >= 64 && p.fused[IG_FUSE_NORM] && p.fused[IG_FUSE_GATE_UP] && strstr(p.chunk_place, "schedules/x86_64.lua:"), "the program's numbers");
  for (uint32_t v = 0; v < target()->n_variants; v++)
    for (int f = 0; f < IG_FAMILY_COUNT; f++)
      for (int n = 0; n < IG_NUMBERS; n++) {
        ig_choice c = ig_schedule_choose(&s, &target()->variants[v], &(ig_kernel_ref){(ig_family)f, ig_layout_find("q4_k"), IG_ACT_F32});
        CHECK(!c.place[n] == !ig_family_has((ig_family)f, (ig_number)n), "family %d: number %s", f, ig_number_name((ig_number)n));
      }
  ig_diags_finish(&diags);
}

static void test_first_match_wins(void) {
  ig_schedule s;
  ig_diags diags = {0};
  CHECK(read_text(&s,
                  "kernel {op = 'linear', phase = 'prefill', format = {'q4_k', 'q6_k'}, variant = 'avx512vnni', tokens = 5}\n"
                  "kernel {op = 'linear', phase = 'prefill', format = quants, variant = 'avx512vnni', tokens = 4, panel = 2}\n"
                  "kernel {op = {'linear', 'glu'}, phase = 'prefill', variant = 'avx512vnni', panel = 3}\n"
                  "program {chunk = 64}\n"
                  "program {chunk = 32, fuse_norm = false}\n",
                  &diags),
        "%s", diags.count ? diags.items[0].text : "");
  static const struct {
    ig_family family;
    const char *format;
    uint32_t tokens, panel;
    const char *tokens_place, *panel_place;
  } want[] = {
    {IG_LINEAR_GEMM, "q4_k", 5, 2, "t.lua:1", "t.lua:2"},
    {IG_LINEAR_GEMM, "q8_0", 4, 2, "t.lua:2", "t.lua:2"},
    {IG_GLU_GEMM, "q4_k", 4, 3, NULL, "t.lua:3"},
    {IG_LINEAR_GEMM, "f16", 12, 3, NULL, "t.lua:3"},
  };
  for (size_t i = 0; i < sizeof want / sizeof *want; i++) {
    ig_choice c = choice(&s, "avx512vnni", want[i].family, want[i].format);
    CHECK(c.value[IG_TOKENS] == want[i].tokens && c.value[IG_PANEL] == want[i].panel, "case %zu: tokens %u, panel %u", i, c.value[IG_TOKENS],
          c.value[IG_PANEL]);
    CHECK(!strcmp(c.place[IG_PANEL], want[i].panel_place), "case %zu: panel is from %s", i, c.place[IG_PANEL]);
    CHECK(want[i].tokens_place ? !strcmp(c.place[IG_TOKENS], want[i].tokens_place) : !strncmp(c.place[IG_TOKENS], "schedules/x86_64.lua:", 21),
          "case %zu: tokens is from %s", i, c.place[IG_TOKENS]);
  }
  CHECK(choice(&s, "avx2", IG_LINEAR_GEMM, "q4_k").value[IG_TOKENS] == 3, "another variant keeps its own");
  ig_program_choice p = ig_schedule_program(&s);
  CHECK(p.chunk == 64 && !p.fused[IG_FUSE_NORM] && p.fused[IG_FUSE_GATE_UP] && !strcmp(p.fused_place[IG_FUSE_NORM], "t.lua:5"), "the program's numbers");
  ig_text text = {0};
  const ig_variant *variant = ig_variant_find(target(), "avx512vnni");
  ig_schedule_explain(&s, (ig_kernel_ref[]){{IG_LINEAR_GEMM, ig_layout_find("q4_k"), IG_ACT_F32}, {IG_GLU, NULL, IG_ACT_F32}}, 2, &variant, 1, &text);
  CHECK(strstr(text.data, "t.lua:4: chunk = 64") && strstr(text.data, "t.lua:5: fuse_norm = false"), "%s", text.data);
  CHECK(strstr(text.data, "linear_q4_k_gemm         avx512vnni  schedules/x86_64.lua:"), "%s", text.data);
  CHECK(strstr(text.data, "; t.lua:1: tokens = 5; t.lua:2: panel = 2; schedules/x86_64.lua:") && strstr(text.data, ": k_block = 0\n"), "%s", text.data);
  CHECK(strstr(text.data, "has no numbers"), "%s", text.data);
  ig_text_finish(&text);
  ig_diags_finish(&diags);
}

/* ---- what is refused ---- */

/* Lines of the target's own schedule may move. */
static const char *without_line(const char *text) {
  static const char own[] = "schedules/x86_64.lua:";
  char *copy = ig_copy_string(&arena, text), *at = strstr(copy, own);
  if (!at) return copy;
  at += sizeof own - 1;
  size_t digits = strspn(at, "0123456789");
  *at++ = 'N';
  memmove(at, at - 1 + digits, strlen(at - 1 + digits) + 1);
  return copy;
}

static void test_wrong(void) {
  ig_str text = file("tests/golden/schedule_wrong.lua");
  ig_text said = {0};
  const char *at = text.data, *end = text.data + text.size;
  for (int n = 0; at < end; n++) {
    const char *stop = strstr(at, "-- ----");
    if (!stop) stop = end;
    ig_diags diags = {0};
    ig_schedule s;
    ig_text_printf(&said, "%.*s\n", (int)strcspn(at, "\n") < 100 ? (int)strcspn(at, "\n") : 100, at);
    CHECK(!ig_schedule_read_text(&s, target(), "wrong.lua", (ig_str){at, (size_t)(stop - at)}, &arena, &diags), "text %d is taken: %.60s", n, at);
    CHECK(diags.errors, "text %d: nothing is said", n);
    for (size_t i = 0; i < diags.count; i++) {
      ig_text_printf(&said, "  %s: %s\n", diags.items[i].place, without_line(diags.items[i].text));
      CHECK(!strncmp(diags.items[i].place, "wrong.lua:", 10), "text %d: the place is %s", n, diags.items[i].place);
    }
    ig_diags_finish(&diags);
    at = stop + strcspn(stop, "\n");
    at += at < end;
  }
  const char *path = source("tests/golden/schedule_wrong.txt");
  ig_diags diags = {0};
  if (getenv("INGOT_REGENERATE")) CHECK(ig_write_file(path, said.data, said.size, &diags), "cannot write %s", path);
  else CHECK(ig_str_equal(file("tests/golden/schedule_wrong.txt"), said.data), "%s is not what comes out:\n%s", path, said.data);
  ig_text_finish(&said);
  ig_diags_finish(&diags);
}

static bool refused(const char *text, const char *with) {
  ig_schedule s;
  ig_diags diags = {0};
  bool ok = !read_text(&s, text, &diags) && diags.errors && strstr(diags.items[0].text, with) && !strcmp(diags.items[0].place, "t.lua:1");
  if (!ok) printf("%s: %s: %s\n", text, diags.count ? diags.items[0].place : "taken", diags.count ? diags.items[0].text : "");
  ig_diags_finish(&diags);
  return ok;
}

static void test_sandbox(void) {
  static const char *const absent[] = {"io",       "os",     "load",      "loadstring", "loadfile",       "dofile",       "require",      "package", "debug",
                                       "string",   "table",  "coroutine", "utf8",       "collectgarbage", "getmetatable", "setmetatable", "rawget",  "rawset",
                                       "rawequal", "rawlen", "next",      "pairs",      "pcall",          "xpcall",       "print",        "warn",    "tostring",
                                       "tonumber", "_G",     "arg"};
  static const struct {
    const char *text, *with;
  } tries[] = {
    {"local x = ('x'):rep(10)", "attempt to index a string value"},
    {"local x = ('%s').format", "attempt to index a string value"},
    {"math.random()", "attempt to call a nil value (field 'random')"},
    {"math.pi = 3 local x = '3' + 1", "attempt to perform arithmetic on a string value"},
    {"_ENV.io.open('/etc/passwd')", "there is no `io`"},
    {"_ENV = {} kernel {}", "attempt to call a nil value (global 'kernel')"},
    {"\033Lua", "attempt to load a binary chunk"},
    {"kernel {op = \"linear\", format = \"q4\\0_k\", tokens = 1}", "there is no format `q4\\x00_k`"},
    {"kernel {op = \"a\\27[31m\", tokens = 1}", "there is no op `a\\x1b[31m`"},
    {"kernel {format = 'q9_9', tokens = 1}", "there is no format `q9_9`; there are f32, f16"},
    {"goto out", "no visible label 'out'"},
  };
  for (size_t i = 0; i < sizeof absent / sizeof *absent; i++)
    CHECK(refused(ig_format(&arena, "local x = %s", absent[i]), ig_format(&arena, "there is no `%s`", absent[i])), "%s is there", absent[i]);
  for (size_t i = 0; i < sizeof tries / sizeof *tries; i++) CHECK(refused(tries[i].text, tries[i].with), "try %zu", i);
}

/* Lines dropped, doubled and bytes changed: any outcome is fine but a crash, a long time, or numbers that are not legal. */
static void test_mutations(void) {
  ig_str good = file("schedules/x86_64.lua");
  const char *rounds_of = getenv("INGOT_ROUNDS");
  uint64_t seed = 88172645463325252u;
  long rounds = rounds_of ? strtol(rounds_of, NULL, 10) : 400;
  int taken = 0;
  for (long round = 0; round < rounds; round++) {
    ig_arena own = {0};
    ig_diags diags = {0};
    ig_schedule s;
    char *text = ig_alloc(&own, good.size + 1);
    memcpy(text, good.data, good.size);
    for (int change = 0; change < 1 + round % 3; change++) {
      seed ^= seed << 13, seed ^= seed >> 7, seed ^= seed << 17;
      size_t at = (size_t)(seed >> 20) % good.size, from = (size_t)(seed >> 40) % good.size;
      if (seed & 1) text[at] = good.data[from];
      else if (seed & 2) text[at] = (char)(' ' + (seed >> 8) % 95);
      else memcpy(text + at, good.data + from, (seed >> 8) % 24 < good.size - (at > from ? at : from) ? (seed >> 8) % 24 : 0);
    }
    if (ig_schedule_read_text(&s, target(), "mutated", (ig_str){text, good.size}, &own, &diags)) {
      taken++;
      ig_choice c = choice(&s, "avx2", IG_LINEAR_GEMM, "q4_k");
      const char *why = ig_choice_illegal(ig_variant_find(target(), "avx2"), &(ig_kernel_ref){IG_LINEAR_GEMM, ig_layout_find("q4_k"), IG_ACT_F32}, c.value,
                                          &own);
      CHECK(!why, "round %ld: a schedule is taken with numbers that are illegal: %s", round, why);
    } else CHECK(diags.errors, "round %ld: refused without a word", round);
    ig_diags_finish(&diags);
    ig_arena_finish(&own);
  }
  printf("%ld mutations, %d taken\n", rounds, taken);
}

/* Files that `ingot tune` wrote are schedules still. */
static void test_tuned(void) {
  const char *folder = source("schedules/tuned");
  DIR *dir = opendir(folder);
  int n = 0;
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    if (entry->d_name[0] == '.') continue;
    ig_schedule s;
    ig_diags diags = {0};
    CHECK(ig_schedule_read(&s, target(), ig_format(&arena, "%s/%s", folder, entry->d_name), &arena, &diags), "%s: %s", entry->d_name,
          diags.count ? diags.items[0].text : "");
    ig_diags_finish(&diags);
    n++;
  }
  if (dir) closedir(dir);
  CHECK(n > 0, "no file in %s", folder);
}

/* The examples of the documentation are schedules. */
static void test_documentation(void) {
  ig_str text = file("docs/SCHEDULES.md");
  int n = 0;
  for (const char *at = text.data; (at = strstr(at, "```lua\n")); n++) {
    at += 7;
    const char *end = strstr(at, "```");
    ig_schedule s;
    ig_diags diags = {0};
    CHECK(end && ig_schedule_read_text(&s, target(), "docs", (ig_str){at, end ? (size_t)(end - at) : 0}, &arena, &diags), "example %d: %s", n,
          diags.count ? diags.items[0].text : "");
    ig_diags_finish(&diags);
  }
  CHECK(n >= 2, "%d examples", n);
  for (int i = 0; i < IG_NUMBERS; i++)
    CHECK(strstr(text.data, ig_format(&arena, "`%s`", ig_number_name((ig_number)i))), "%s is not documented", ig_number_name((ig_number)i));
  for (int i = 0; i < IG_PATTERNS; i++) CHECK(strstr(text.data, ig_pattern_name((ig_pattern)i)), "%s is not documented", ig_pattern_name((ig_pattern)i));
}

int main(void) {
  clock_t from = clock();
  test_defaults();
  test_first_match_wins();
  test_documentation();
  test_tuned();
  test_wrong();
  test_sandbox();
  test_mutations();
  printf("%d failures, %.1f s\n", failures, (double)(clock() - from) / CLOCKS_PER_SEC);
  ig_arena_finish(&arena);
  return failures != 0;
}
