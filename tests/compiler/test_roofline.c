/* The probes of every variant that this CPU runs: they read all they are told to and no more, and what they count is done. */
#include "tests/compiler/kernel_harness.h"

#include "codegen/roofline.h"

enum { LINES = 5 };

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

/* Between pages that fault: lines [1, 5) are summed, line 0 is not. */
static void check_read(const ig_roofline *r) {
  harness h = {.n_buffers = 0};
  uint32_t *words = harness_buffer(&h, LINES * IG_PROBE_LINE), expected = 0, sum = 0, lanes[16];
  uint64_t state = 7;
  for (uint32_t i = 0; i < LINES * IG_PROBE_LINE / 4; i++) {
    words[i] = harness_random(&state);
    if (i >= IG_PROBE_LINE / 4) expected += words[i];
  }
  _Alignas(64) uint8_t scratch[64];
  ingot_kernel_args args = {.operand = {words}};
  r->probe[IG_PROBE_READ](&args, scratch, 1, LINES);
  memcpy(lanes, scratch, sizeof lanes);
  for (int i = 0; i < 16; i++) sum += lanes[i];
  CHECK(sum == expected, "%s: the probe read %08x, not %08x", r->variant->name, sum, expected);
  harness_free(&h);
}

/* Each round changes the sums, and leaves nothing infinite or subnormal that would slow the next. */
static void check_rounds(const ig_roofline *r, ig_probe probe) {
  _Alignas(64) uint8_t pattern[64], few[64], more[64];
  ig_probe_pattern(pattern);
  ingot_kernel_args args = {.operand = {pattern}};
  r->probe[probe](&args, few, 0, 1);
  r->probe[probe](&args, more, 0, 2);
  CHECK(memcmp(few, more, sizeof few) != 0, "%s: a second round of probe %d changes nothing", r->variant->name, probe);
  CHECK(ig_probe_round_ops(probe, r->variant) >= 2.0, "%s: probe %d counts nothing", r->variant->name, probe);
  if (probe != IG_PROBE_F32) return;
  float sums[16];
  r->probe[probe](&args, more, 0, 1000);
  memcpy(sums, more, sizeof sums);
  for (int i = 0; i < 16; i++) CHECK(sums[i] > 0.01f && sums[i] < 100.0f, "%s: sum %d is %g", r->variant->name, i, (double)sums[i]);
}

int main(void) {
  const ig_target *target = ig_target_find("native");
  int tried = 0;
  ig_codegen_init();
  for (uint32_t i = 0; i < target->n_variants; i++) {
    const ig_variant *variant = &target->variants[i];
    if (!harness_runs(variant)) continue;
    ig_roofline r;
    ig_diags diags = {0};
    bool ok = ig_roofline_open(&r, ig_platform_find("native"), variant, &diags);
    CHECK(ok, "%s: the probes do not compile: %s", variant->name, diags.count ? diags.items[0].text : "no reason");
    if (ok) check_read(&r), check_rounds(&r, IG_PROBE_INT8), check_rounds(&r, IG_PROBE_F32), tried++;
    if (ok) ig_roofline_close(&r);
    ig_diags_finish(&diags);
  }
  printf("%d variants\n", tried);
  return failures || !tried;
}
