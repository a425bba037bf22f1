/* The inner loops of Arm's prefill hold what docs/PERFORMANCE.md says, and no register waits on the stack: LLVM fits them into all 32 registers or spills
 * dozens, by little. Nothing is run: instructions are read from the object. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/library.h"
#include "ir/format.h"
#include "passes/schedule.h"
#include "targets/target.h"

static int failures;

/* Of the loop with the most dot products: its instructions, and of these sdot or smmla. */
typedef struct loop {
  const char *variant, *format;
  uint32_t all, dots;
} loop;
static const loop expected[] = {
  {"dotprod", "q4_k", 478, 384}, {"dotprod", "q5_k", 478, 384}, {"dotprod", "iq4_xs", 478, 384}, {"dotprod", "q6_k", 266, 192}, {"dotprod", "q2_k", 426, 384},
  {"dotprod", "q3_k", 426, 384}, {"dotprod", "q8_0", 148, 96},  {"dotprod", "q4_0", 148, 96},    {"dotprod", "q4_1", 174, 96},  {"i8mm", "q4_k", 274, 192},
  {"i8mm", "q5_k", 274, 192},    {"i8mm", "iq4_xs", 274, 192},  {"i8mm", "q6_k", 164, 96},       {"i8mm", "q2_k", 222, 192},    {"i8mm", "q3_k", 222, 192},
  {"i8mm", "q8_0", 98, 48},      {"i8mm", "q4_0", 98, 48},      {"i8mm", "q4_1", 124, 48},
};

/* ---- instructions (Arm ARM, C4.1) ---- */

static bool is_dot(uint32_t i) { return (i & 0xffe0fc00) == 0x4e80a400 /* smmla */ || (i & 0xffc0f400) == 0x4f80e000 /* sdot by element */; }
/* A load or store of registers of 128 bits whose base is the stack pointer. */
static bool on_stack(uint32_t i) {
  bool one = (i & 0xff800000) == 0x3d800000 /* str, ldr */, two = (i & 0xfe000000) == 0xac000000 /* stp, ldp */;
  return (one || two) && (i >> 5 & 31) == 31;
}
/* By how many instructions a conditional branch goes back; 0: it is none, or goes on. */
static uint32_t back(uint32_t i) {
  bool nineteen = (i & 0xff000010) == 0x54000000 /* b.cond */ || (i & 0x7e000000) == 0x34000000 /* cbz, cbnz */, fourteen = (i & 0x7e000000) == 0x36000000;
  uint32_t bits = nineteen ? 19 : 14, distance = i >> 5 & ((1u << bits) - 1);
  return (nineteen || fourteen) && distance >> (bits - 1) ? (1u << bits) - distance : 0;
}

/* ---- the object's code: ELF, 64 bits, of this machine's byte order ---- */

static uint64_t number(const uint8_t *at, size_t bytes) {
  uint64_t v = 0;
  for (size_t i = bytes; i-- > 0;) v = v << 8 | at[i];
  return v;
}

/* The section that holds instructions and is the largest of these. */
static const uint8_t *code_of(const ig_object *object, uint64_t *n) {
  enum { SECTION = 64, EXECUTED = 4 };
  const uint8_t *elf = object->data, *code = NULL, *section = elf + number(elf + 40, 8);
  *n = 0;
  for (uint64_t i = number(elf + 60, 2); i; i--, section += SECTION)
    if ((number(section + 8, 8) & EXECUTED) && number(section + 32, 8) / 4 > *n) code = elf + number(section + 24, 8), *n = number(section + 32, 8) / 4;
  return code;
}

static void check(const loop *want, const ig_object *object) {
  uint64_t n;
  const uint8_t *code = code_of(object, &n);
  uint32_t all = 0, dots = 0, spills = 0;
  for (uint64_t end = 0; end < n; end++) {
    uint64_t length = back((uint32_t)number(code + 4 * end, 4));
    uint32_t in = 0, stack = 0;
    bool inner = length && length <= end;
    for (uint64_t i = end - length; inner && i <= end; i++) {
      uint32_t word = (uint32_t)number(code + 4 * i, 4), inside = back(word);
      in += is_dot(word), stack += on_stack(word);
      if (i < end && inside && inside <= i - (end - length)) inner = false;
    }
    if (inner && in > dots) all = (uint32_t)length + 1, dots = in, spills = stack;
  }
  if (all <= want->all && dots == want->dots && !spills) return;
  printf("FAIL %s %s: a loop of %u instructions, %u of them sdot or smmla, %u on the stack; %u at most, %u and none are expected\n", want->variant,
         want->format, all, dots, spills, want->all, want->dots);
  failures++;
}

int main(void) {
  const ig_target *target = ig_target_find("aarch64");
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_schedule schedule;
  ig_codegen_init();
  if (!ig_schedule_read_text(&schedule, target, "none", ig_str_of(""), &arena, &diags)) return 1;
  for (size_t i = 0; i < 2 * sizeof expected / sizeof *expected; i++) {
    const loop *want = &expected[i / 2];
    const ig_layout *layout = ig_layout_in(target->layout, want->format);
    const ig_kernel_ref ref = {IG_LINEAR_GEMM, layout, i % 2 ? ig_two_digits(layout->activation) : IG_ACT_F32}; /* digits are more rows of x to the same loop */
    ig_object object = {0};
    if (!ig_compile_kernels(ig_platform_find("aarch64"), &schedule, ig_variant_find(target, want->variant), "test", &ref, 1, IG_FAST, IG_DUMP_NONE, NULL,
                            &object, &diags))
      return printf("FAIL %s %s is not compiled\n", want->variant, want->format), 1;
    check(want, &object);
    free(object.data);
  }
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
  printf("%d failures\n", failures);
  return failures != 0;
}
