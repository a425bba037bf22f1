/* `ingot tune` below the command: against a default that is slow on purpose a faster rule is found, it is a schedule, and its numbers are what the
 * comments say; a kernel that the model lacks is refused by name. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/tune.h"
#include "passes/schedule.h"
#include "runtime/abi/cpu.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

static void progress(void *user, const char *what, double fraction) {
  double *last = user;
  (void)what;
  CHECK(fraction >= *last && fraction <= 1, "progress goes from %g to %g", *last, fraction);
  *last = fraction;
}

int main(void) {
  const char *root = getenv("INGOT_SOURCE"), *build = getenv("INGOT_BUILD");
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_text rules = {0};
  ig_tune_counts counts;
  const ig_target *target = ig_target_find("native");
  const ig_variant *variant = target->variants;
  while (variant->features & ~ingot__cpu_features()) variant++;
  static const char slow[] = "kernel {op = 'linear', phase = 'prefill', rows = 1, tokens = 1}";
  const char *path = ig_format(&arena, "%s/tests/slow.lua", build ? build : ".");
  double last = 0;
  CHECK(ig_write_file(path, slow, sizeof slow - 1, &diags), "cannot write %s", path);
  ig_compile_options o = {.model = ig_format(&arena, "%s/models/fable/fable-f16.gguf", root ? root : "."),
                          .platform = ig_platform_find("native"),
                          .schedule = path,
                          .name = "fable",
                          .progress = progress,
                          .user = &last};
  CHECK(ig_tune(&o, variant, "linear_f16_gemm", &rules, &counts, &arena, &diags), "%s", diags.count ? diags.items[0].text : "");
  CHECK(counts.kernels == 1 && counts.taken == 1 && counts.candidates > 4, "%u kernels, %u taken, %u candidates", counts.kernels, counts.taken,
        counts.candidates);
  CHECK(rules.data && strstr(rules.data, "-- default rows = 1, tokens = 1, panel = 1, k_block = 0: ") && strstr(rules.data, " GOP/s, "), "%s",
        rules.data ? rules.data : "");

  ig_schedule s;
  CHECK(ig_schedule_read_text(&s, target, "tuned", (ig_str){rules.data, rules.size}, &arena, &diags), "%s", diags.count ? diags.items[0].text : "");
  if (!failures) {
    ig_kernel_ref ref = {IG_LINEAR_GEMM, ig_layout_find("f16"), IG_ACT_F32};
    ig_choice c = ig_schedule_choose(&s, variant, &ref);
    CHECK(c.value[IG_TOKENS] > 1 && !strncmp(c.place[IG_TOKENS], "tuned:", 6), "tokens = %u from %s", c.value[IG_TOKENS], c.place[IG_TOKENS]);
    CHECK(strstr(rules.data, ig_format(&arena, "rows = 1, tokens = %u, panel = %u, k_block = 0}", c.value[IG_TOKENS], c.value[IG_PANEL])), "%s", rules.data);
  }
  CHECK(!ig_tune(&o, variant, "linear_f16_gemm,linear_q9_gemm", &rules, &counts, &arena, &diags) && diags.errors == 1, "a kernel that is not there");
  CHECK(diags.count && strstr(diags.items[0].text, "there are ") && strstr(diags.items[0].text, "attention_decode"), "%s",
        diags.count ? diags.items[0].text : "");
  printf("%s%d failures\n", failures ? rules.data : "", failures);
  ig_text_finish(&rules);
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
  return failures != 0;
}
