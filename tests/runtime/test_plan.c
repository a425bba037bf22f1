/* Hostile plans. Every truncation of a plan and 10,000 (INGOT_ROUNDS) random changes, all sealed with a new hash, are refused or run; what runs
 * touches the first and the last byte that its kernels' rows state, between guard pages. */
#include "tests/runtime/hostile.h"
#include "tests/runtime/bounds.h"

static void change(uint8_t *plan, uint32_t size, uint64_t *random) {
  for (uint64_t n = 1 + random_next(random) % 3; n; n--) {
    uint32_t at = (uint32_t)(random_next(random) % size);
    switch (random_next(random) % 4) {
    case 0: plan[at] ^= (uint8_t)(1u << random_next(random) % 8); break;
    case 1: plan[at] = (uint8_t)random_next(random); break;
    case 2: plan[at] = (uint8_t)(plan[at] + (random_next(random) & 1 ? 64 : 1)); break;
    default: memset(plan + at / 4 * 4, random_next(random) & 1 ? 0xff : 0, at / 4 * 4 + 4 <= size ? 4 : 0);
    }
  }
}

/* One change with a known meaning each: the message has to name it. */
static void expect_refusal(const maker *good, const uint8_t *weights, uint32_t at, uint64_t value, uint32_t bytes, const char *words) {
  maker m = {malloc(good->size), good->size, good->size};
  memcpy(m.data, good->data, good->size);
  mk_put(&m, at, value, bytes);
  ingot_program program = {.abi_version = INGOT_ABI_VERSION,
                           .size = sizeof program,
                           .name = "toy",
                           .n_kernels = TOY_KERNELS,
                           .n_variants = 1,
                           .info = toy_info,
                           .variants = variants,
                           .tokens = &ingot__tokens_sentence};
  ingot__sha256_of(m.data, m.size, program.plan_hash);
  ingot_model_options options = {.size = sizeof options, .plan = m.data, .plan_size = m.size, .weights = weights, .weights_size = TOY_FILE, .n_threads = 1};
  ingot_model *model = NULL;
  ingot_error error = {INGOT_OK, ""};
  if (!CHECK(ingot_model_open(&program, &options, &model, &error) == INGOT_ERROR_PLAN) || !CHECK(strstr(error.message, words) != NULL))
    fprintf(stderr, "  expected '%s', found '%s'\n", words, error.message);
  ingot_model_close(model);
  free(m.data);
}

static uint32_t follow(const maker *m, uint32_t at) {
  uint32_t offset;
  memcpy(&offset, m->data + at, 4);
  return at + offset;
}

static uint32_t field(const maker *m, uint32_t table, uint32_t n) { return mk_slot(m, table, n); }
static uint32_t item(const maker *m, uint32_t table, uint32_t n, uint32_t index) { return follow(m, follow(m, field(m, table, n)) + 4 + 4 * index); }

static void test_messages(const maker *m, const uint8_t *weights) {
  uint32_t plan = follow(m, 0);
#define REFUSED(at, value, bytes, words) expect_refusal(m, weights, at, value, bytes, words)
  REFUSED(field(m, plan, 0), 1, 4, "version 1");
  REFUSED(field(m, plan, 4), 0, 4, "n_vocab is 0");
  REFUSED(field(m, plan, 4), TOY_VOCAB + 1, 4, "logits do not lie in the arena");
  REFUSED(field(m, plan, 7), 100, 4, "n_context is 100");
  REFUSED(field(m, plan, 8), 0, 4, "chunk is 0");
  REFUSED(field(m, plan, 8), 200, 4, "hidden rows do not lie in the arena");
  REFUSED(field(m, plan, 9), TOY_ARENA - 64, 8, "beyond the end");
  REFUSED(field(m, plan, 9), UINT64_C(1) << 50, 8, "more memory than any machine");
  REFUSED(field(m, plan, 10), 0, 8, "phase head, step 0, kernel toy_scale: operand: beyond the end");
  REFUSED(field(m, plan, 11), 63, 8, "caches are not kv_bytes_per_position together");
  REFUSED(follow(m, field(m, plan, 26)) + 8, 65, 4, "caches are not kv_bytes_per_position together");
  REFUSED(follow(m, field(m, plan, 26)) + 4, 0xffffffff, 4, "caches are not kv_bytes_per_position together");
  REFUSED(field(m, plan, 12), 8, 8, "tokens do not lie");
  REFUSED(field(m, plan, 13), TOY_ARENA - 64, 8, "hidden rows do not lie");
  REFUSED(field(m, plan, 14), 68, 4, "hidden rows: not a multiple of 64 bytes apart");
  REFUSED(field(m, plan, 16), 4 * TOY_VOCAB + 1, 4, "logits: not a multiple of 64 bytes apart");
  REFUSED(field(m, item(m, plan, 19, 1), 5), TOY_WEIGHTS - 64, 8, "weight 'output.weight' does not lie in the weights");
  REFUSED(follow(m, follow(m, field(m, plan, 17)) + 4) + 4, 'T', 1, "kernel 0 is not");
  REFUSED(follow(m, field(m, plan, 17)), 4, 4, "4 kernels");
  REFUSED(follow(m, field(m, plan, 21)), 31, 4, "weights_root has 31");
  REFUSED(field(m, plan, 18), 0xfffffff0u, 4, "'phases' is damaged");
  REFUSED(follow(m, field(m, plan, 18)), 3, 4, "no phase head rows");
  uint32_t prefill = item(m, plan, 18, 0), embed = item(m, item(m, prefill, 2, 0), 1, 0), head = item(m, plan, 18, 2);
  REFUSED(field(m, prefill, 0), 1, 4, "phase decode takes 24");
  REFUSED(field(m, item(m, plan, 18, 1), 0), 2, 4, "phase 2 is of kind 2");
  REFUSED(field(m, prefill, 1), TOY_CHUNK + 1, 4, "takes 25 tokens");
  REFUSED(field(m, head, 1), 2, 4, "takes 2 tokens");
  REFUSED(follow(m, field(m, item(m, item(m, prefill, 2, 1), 1, 0), 1)) + 4 + 16, 64, 8, "phase prefill, step 1, kernel toy_store: operand: beyond the end");
  REFUSED(field(m, embed, 0), TOY_KERNELS, 4, "kernel 5, the library has 5");
  REFUSED(field(m, embed, 0), TOY_STORE, 4, "dims: their number");
  uint32_t operands = follow(m, field(m, embed, 1)), dims = follow(m, field(m, embed, 2));
  REFUSED(operands, 2, 4, "operands: their number");
  REFUSED(operands + 4, 32, 8, "not a multiple of 64");
  REFUSED(operands + 4 + 12, 1, 4, "in a place the kernel does not take");
  REFUSED(operands + 4 + 12, 99, 4, "in a place the kernel does not take");
  REFUSED(operands + 4 + 16, TOY_WEIGHTS - 64 * TOY_VOCAB + 64, 8, "beyond the end");
  REFUSED(operands + 4 + 16, UINT64_C(0xffffffffffffffc0), 8, "beyond the end");
  REFUSED(dims + 4, 0, 4, "limit of the kernel");
  REFUSED(dims + 4, TOY_WEIGHTS / 1024 + 1, 4, "beyond the end");
  uint32_t scale = item(m, item(m, head, 2, 0), 0, 0), from = follow(m, field(m, scale, 1)) + 4;
  REFUSED(from + 8, 64 * 300, 4, "beyond the end");
  REFUSED(from + 8, 32, 4, "not a multiple of 64");
  REFUSED(field(m, plan, 22), TOY_TABLES + 32, 8, "the tokenizer does not lie in the weights");
  REFUSED(field(m, plan, 22), TOY_WEIGHTS, 8, "the tokenizer does not lie in the weights");
  REFUSED(field(m, plan, 23), TOY_TABLES_MOST + 1, 8, "the tokenizer does not lie in the weights");
#undef REFUSED
}

int main(void) {
  uint64_t random = 88172645463325252u;
  toy t;
  toy_make(&t);
  uint8_t *weights = guard_map(TOY_FILE);
  memcpy(weights, t.weights, TOY_FILE);
  if (mprotect((uint8_t *)((uintptr_t)weights / GUARD_PAGE * GUARD_PAGE), (TOY_FILE + GUARD_PAGE - 1) / GUARD_PAGE * GUARD_PAGE, PROT_READ)) abort();
  const uint32_t size = t.plan.size;
  CHECK(hostile_run(t.plan.data, size, weights, 1) && hostile_run(t.plan.data, size, weights, 2));
  CHECK_EQUAL(ran, 4);
  test_messages(&t.plan, weights);
  for (uint32_t n = 0; n < size; n++) {
    uint8_t *cut = guard_map(n ? n : 1), *end = cut + (n + 63) / 64 * 64; /* its last byte is the last before a forbidden page */
    memcpy(end - n, t.plan.data, n);
    CHECK(!hostile_run(end - n, n, weights, 1) || n + 40 > size); /* what people read comes last, and may be gone */
    guard_unmap(cut, n ? n : 1);
  }
  opened = ran = 0;
  uint8_t *changed = malloc(size);
  const uint32_t changes = bounds_rounds(10000);
  bounds_begin();
  for (uint32_t i = 0; i < changes; i++) {
    bounds_next(i);
    memcpy(changed, t.plan.data, size);
    change(changed, size, &random);
    hostile_run(changed, size, weights, 1 + i % 50 / 49);
  }
  CHECK(bounds_end());
  printf("%u changes of %u bytes: %u opened, %u sessions ran through\n", changes, size, opened, ran);
  CHECK(opened > changes / 20 && opened < changes);
  free(changed);
  toy_finish(&t);
  return finish();
}
