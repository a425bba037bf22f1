/* Hostile plans. Every truncation of a plan and 10,000 random changes, all sealed with a new hash, are refused or run; what runs
 * touches the first and the last byte that its kernels' rows state, between guard pages. */
#include "tests/runtime/guard.h"
#include <stdatomic.h>
#include "tests/runtime/check.h"
#include "tests/runtime/toy.h"

enum { CHANGES = 10000 };

static uint64_t extent(const ingot_extent *e, const uint32_t *dim) {
  uint64_t sum = 0;
  for (int i = 0; i < INGOT_MAX_TERMS; i++) {
    uint64_t value = e->term[i].scale;
    for (int d = 0; d < INGOT_MAX_DIMS; d++)
      if (e->term[i].dims >> d & 1) value *= dim[d];
    sum += value;
  }
  return sum;
}

/* Atomic: the workers touch the same bytes, which real kernels do not. */
static void touch(void *memory, uint64_t bytes, bool write) {
  _Atomic uint8_t *at = memory;
  if (!bytes) return;
  uint8_t first = atomic_load(at), last = atomic_load(at + bytes - 1);
  if (write) atomic_store(at, (uint8_t)(first + 1)), atomic_store(at + bytes - 1, (uint8_t)(last + 1));
}

static void touch_all(const ingot_kernel_info *info, const ingot_kernel_args *a, void *scratch, uint32_t begin, uint32_t end) {
  for (int o = 0; o < INGOT_MAX_OPERANDS && info->operand[o].access; o++) {
    CHECK((uintptr_t)a->operand[o] % INGOT_ALIGN == 0);
    touch(a->operand[o], extent(&info->operand[o].bytes, a->dim), info->operand[o].access & INGOT_WRITE);
  }
  CHECK((uintptr_t)scratch % INGOT_ALIGN == 0);
  touch(scratch, extent(&info->scratch, a->dim), true);
  CHECK(begin < end && end <= extent(&info->tiles, a->dim));
}

#define TOUCH(n) static void touch_##n(const ingot_kernel_args *a, void *s, uint32_t b, uint32_t e) { touch_all(&toy_info[n], a, s, b, e); }
TOUCH(0) TOUCH(1) TOUCH(2) TOUCH(3) TOUCH(4)
static ingot_kernel_fn *const touching[TOY_KERNELS] = {touch_0, touch_1, touch_2, touch_3, touch_4};
static const ingot_variant variants[] = {{"touch", 0, touching}};

static uint32_t opened, ran;

static bool any_row(void *user, uint32_t position, const float *logits, uint32_t n) {
  (void)user, (void)position;
  touch((void *)(uintptr_t)logits, 4 * (uint64_t)n, false);
  return true;
}
static bool any_piece(void *user, const ingot_piece *piece) {
  (void)user;
  return CHECK(piece->text[piece->size] == 0);
}

static void use_text(ingot_model *model) {
  static const char text[] = "hello world <|user|>\xc3\xa9<|end|>aaa <s>\xff";
  ingot_token tokens[100];
  char back[300];
  int32_t n = ingot_tokenize(model, text, sizeof text - 1, true, tokens, 100);
  if (n > 0) ingot_detokenize(model, tokens, (size_t)(n < 100 ? n : 100), back, sizeof back);
  const ingot_message messages[] = {{"user", "hello"}, {"assistant", "a"}};
  ingot_chat_format(model, messages, 2, true, back, sizeof back);
}

static void use_session(ingot_model *model, uint32_t n_context) {
  ingot_session *session = NULL;
  if (ingot_session_open(model, &(ingot_session_options){.size = sizeof(ingot_session_options), .n_context = n_context}, &session, NULL) != INGOT_OK) return;
  ingot_token tokens[128] = {0};
  ingot_piece piece;
  const ingot_message message = {"user", "hello"};
  uint32_t n = n_context ? 128 : 60;
  bool ok = ingot_append(session, tokens, n - 2, NULL) == INGOT_OK && ingot_next(session, &piece, NULL) >= 0;
  ok = ok && ingot_rewind(session, 0, NULL) == INGOT_OK && ingot_append_logits(session, tokens, n, any_row, NULL, NULL) == INGOT_OK;
  ingot_rewind(session, 0, NULL);
  ingot_chat(session, &message, 1, 3, any_piece, NULL, NULL);
  ran += ok;
  ingot_session_close(session);
}

/* Opens the plan's bytes, sealed, and uses whatever opens. */
static bool run(const uint8_t *plan, uint32_t size, const uint8_t *weights, uint32_t n_threads) {
  guard g = {.most = 1 << 21, .pages = true};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ingot_program program = {.abi_version = INGOT_ABI_VERSION, .size = sizeof program, .name = "toy", .n_kernels = TOY_KERNELS, .n_variants = 1,
                           .info = toy_info, .variants = variants};
  ingot__sha256_of(plan, size, program.plan_hash);
  ingot_model_options options = {.size = sizeof options, .plan = plan, .plan_size = size, .weights = weights, .weights_size = TOY_FILE,
                                 .n_threads = n_threads, .allocator = &allocator};
  ingot_model *model = NULL;
  ingot_error error = {INGOT_OK, ""};
  ingot_status status = ingot_model_open(&program, &options, &model, &error);
  if (status == INGOT_OK) {
    opened++;
    use_text(model);
    use_session(model, 0);
    use_session(model, 128);
    ingot_model_close(model);
  } else CHECK(status == error.status && error.message[0] && model == NULL);
  CHECK_EQUAL(g.blocks, 0);
  CHECK_EQUAL(g.held, 0);
  return status == INGOT_OK;
}

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
  ingot_program program = {.abi_version = INGOT_ABI_VERSION, .size = sizeof program, .name = "toy", .n_kernels = TOY_KERNELS, .n_variants = 1,
                           .info = toy_info, .variants = variants};
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
  CHECK(run(t.plan.data, size, weights, 1) && run(t.plan.data, size, weights, 2));
  CHECK_EQUAL(ran, 4);
  test_messages(&t.plan, weights);
  for (uint32_t n = 0; n < size; n++) {
    uint8_t *cut = guard_map(n ? n : 1), *end = cut + (n + 63) / 64 * 64; /* its last byte is the last before a forbidden page */
    memcpy(end - n, t.plan.data, n);
    CHECK(!run(end - n, n, weights, 1) || n + 40 > size); /* what people read comes last, and may be gone */
    guard_unmap(cut, n ? n : 1);
  }
  opened = ran = 0;
  uint8_t *changed = malloc(size);
  for (uint32_t i = 0; i < CHANGES; i++) {
    memcpy(changed, t.plan.data, size);
    change(changed, size, &random);
    run(changed, size, weights, 1 + i % 50 / 49);
  }
  printf("%d changes of %u bytes: %u opened, %u sessions ran through\n", CHANGES, size, opened, ran);
  CHECK(opened > CHANGES / 20 && opened < CHANGES);
  free(changed);
  toy_finish(&t);
  return finish();
}
