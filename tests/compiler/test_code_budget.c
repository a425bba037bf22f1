/* Code of a variant stays within its bound whatever a model mixes: what is chosen, and that the least there is fits for all kernels of a model that has
 * every format everywhere. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "driver/code_budget.h"

static int failures;
#define CHECK(c, ...) ((c) ? (void)0 : (void)(printf("FAIL %s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), printf("\n"), failures++))

/* ---- the choice ---- */

/* Two kernels of one product, one of another, one without. */
static void check_choice(uint64_t most, uint64_t sum, ig_brevity a, ig_brevity b, ig_brevity c, ig_brevity d) {
  ig_kernel_code code[4] = {{{100, 60, 20}, 7, 0, IG_SMALL},
                            {{50, UINT64_MAX, 10}, 9, 0, IG_SMALL},
                            {{80, UINT64_MAX, 5}, 3, 1, IG_SMALL},
                            {{40, 30, UINT64_MAX}, UINT64_MAX, 2, IG_SMALL}};
  static const uint64_t product[3] = {15, 70, 0};
  ig_arena arena = {0};
  uint64_t got = ig_choose_brevity(code, 4, product, 3, most, &arena);
  CHECK(got == sum && code[0].brevity == a && code[1].brevity == b && code[2].brevity == c && code[3].brevity == d, "at most %llu: %llu bytes by %d %d %d %d",
        (unsigned long long)most, (unsigned long long)got, code[0].brevity, code[1].brevity, code[2].brevity, code[3].brevity);
  ig_arena_finish(&arena);
}

static void test_choice(void) {
  check_choice(270, 270, IG_FAST, IG_FAST, IG_FAST, IG_FAST);
  check_choice(269, 230, IG_ONE_FORM, IG_FAST, IG_FAST, IG_FAST); /* what has forms loses them before anything loses its tiles */
  check_choice(229, 220, IG_ONE_FORM, IG_FAST, IG_FAST, IG_ONE_FORM);
  check_choice(219, 215, IG_ONE_FORM, IG_FAST, IG_SMALL, IG_ONE_FORM); /* then the least used, with its product */
  check_choice(214, 150, IG_SMALL, IG_SMALL, IG_SMALL, IG_ONE_FORM);
  check_choice(1, 150, IG_SMALL, IG_SMALL, IG_SMALL, IG_ONE_FORM); /* and what does not fit does not */
}

/* ---- the least there is ---- */

/* Kernels of which a model has one at most, the table's format. Of these the largest counts. */
static bool has_one(ig_family family) { return family == IG_EMBED; }
/* Products whose x may be in two digits: attention's and the head's. */
static bool may_have_digits(ig_family family) { return family == IG_LINEAR_GEMV || family == IG_LINEAR_GEMM; }
static bool is_glu(ig_family family) { return family >= IG_GLU_GEMV && family <= IG_GLU_GEMM; }
static bool is_geglu(ig_family family) { return family >= IG_GEGLU_GEMV && family <= IG_GEGLU_GEMM; }
static bool of_experts(ig_family family) { return family >= IG_ROUTE && family <= IG_EXPERTS_SUM_GEMM; }
/* A model caps all scores or none, and the kernels that cap are the larger ones. */
static bool never(ig_family family) { return family == IG_ATTENTION || family == IG_ATTENTION_DECODE; }

static uint64_t least(const ig_target *target, const ig_variant *variant, const ig_schedule *schedule, ig_family family, const ig_layout *layout,
                      ig_activation activation) {
  ig_kernel_ref ref = {family, layout, activation};
  ig_object object;
  ig_diags diags = {0};
  uint64_t bytes = 0;
  if (ig_compile_kernels(ig_platform_find(target->name), schedule, variant, "test", &ref, 1, IG_SMALL, IG_DUMP_NONE, NULL, &object, &diags)) {
    bytes = ig_code_bytes(&object);
    free(object.data);
  }
  CHECK(bytes > 0 && !diags.count, "%s: family %d is not compiled", variant->name, family);
  ig_diags_finish(&diags);
  return bytes;
}

/* All that a family may be asked for; of one that a model has one of, the largest. */
static uint64_t family_bytes(const ig_target *target, const ig_variant *variant, const ig_schedule *schedule, ig_family family) {
  static const ig_activation activations[] = {IG_ACT_F32, IG_ACT_A32, IG_ACT_A256, IG_ACT_A32X2, IG_ACT_A256X2};
  char name[48], other[48];
  ig_kernel_name(name, family, ig_layout_at(0), IG_ACT_F32), ig_kernel_name(other, family, ig_layout_at(1), IG_ACT_F32);
  bool per_format = strcmp(name, other) != 0;
  ig_kernel_name(other, family, ig_layout_at(0), IG_ACT_A32);
  int n = strcmp(name, other) != 0 ? (int)(sizeof activations / sizeof *activations) : 1;
  uint64_t sum = 0;
  for (int i = 0; per_format ? ig_layout_at(i) != NULL : i < n; i++) {
    const ig_layout *layout = per_format ? ig_layout_in(target->layout, ig_layout_at(i)->format) : NULL;
    uint64_t bytes = least(target, variant, schedule, family, layout, activations[per_format ? 0 : i]);
    if (may_have_digits(family) && layout->activation != IG_ACT_F32)
      bytes += least(target, variant, schedule, family, layout, ig_two_digits(layout->activation));
    sum = !has_one(family) ? sum + bytes : bytes > sum ? bytes : sum;
  }
  return sum;
}

static void test_least(const ig_target *target, const ig_variant *variant) {
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_schedule schedule = {0};
  uint64_t all = 0, glu = 0, geglu = 0, experts = 0;
  if (!ig_schedule_read(&schedule, target, NULL, &arena, &diags)) CHECK(false, "the schedule of %s", target->name);
  for (int f = 0; f <= IG_PRODUCT; f++) {
    ig_family family = (ig_family)f;
    if (never(family)) continue;
    uint64_t bytes = family_bytes(target, variant, &schedule, family);
    *(is_glu(family) ? &glu : is_geglu(family) ? &geglu : of_experts(family) ? &experts : &all) += bytes;
  }
  uint64_t dense = all + (glu > geglu ? glu : geglu), mixture = all + experts;
  printf("%-10s of every format at least: dense %llu, mixture of experts %llu bytes\n", variant->name, (unsigned long long)dense, (unsigned long long)mixture);
  CHECK(dense <= IG_CODE_MOST && mixture <= IG_CODE_MOST, "more than %d", IG_CODE_MOST);
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
}

int main(void) {
  ig_codegen_init();
  test_choice();
  for (int t = 0; ig_target_at(t); t++)
    for (uint32_t v = 0; v < ig_target_at(t)->n_variants; v++) test_least(ig_target_at(t), &ig_target_at(t)->variants[v]);
  printf("%d failures\n", failures);
  return failures != 0;
}
