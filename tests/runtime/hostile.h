/* A plan, whatever its bytes say, opened and used on the toy model's library, whose kernels touch the first and the last byte that their rows
 * state, between guard pages. */
#ifndef INGOT_TEST_HOSTILE_H
#define INGOT_TEST_HOSTILE_H

#include "tests/runtime/guard.h"
#include <stdatomic.h>
#include "tests/runtime/check.h"
#include "tests/runtime/toy.h"

static inline uint64_t extent(const ingot_extent *e, const uint32_t *dim) {
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
static inline void touch(void *memory, uint64_t bytes, bool write) {
  _Atomic uint8_t *at = memory;
  if (!bytes) return;
  uint8_t first = atomic_load(at), last = atomic_load(at + bytes - 1);
  if (write) atomic_store(at, (uint8_t)(first + 1)), atomic_store(at + bytes - 1, (uint8_t)(last + 1));
}

static inline void touch_all(const ingot_kernel_info *info, const ingot_kernel_args *a, void *scratch, uint32_t begin, uint32_t end) {
  for (int o = 0; o < INGOT_MAX_OPERANDS && info->operand[o].access; o++) {
    CHECK((uintptr_t)a->operand[o] % INGOT_ALIGN == 0);
    touch(a->operand[o], extent(&info->operand[o].bytes, a->dim), info->operand[o].access & INGOT_WRITE);
  }
  CHECK((uintptr_t)scratch % INGOT_ALIGN == 0);
  touch(scratch, extent(&info->scratch, a->dim), true);
  CHECK(begin < end && end <= extent(&info->tiles, a->dim));
}

#define TOUCH(n) \
  static void touch_##n(const ingot_kernel_args *a, void *s, uint32_t b, uint32_t e) { touch_all(&toy_info[n], a, s, b, e); }
TOUCH(0) TOUCH(1) TOUCH(2) TOUCH(3) TOUCH(4) static ingot_kernel_fn *const touching[TOY_KERNELS] = {touch_0, touch_1, touch_2, touch_3, touch_4};
static const ingot_variant variants[] = {{"touch", 0, touching}};

static uint32_t opened, ran;

static inline bool any_row(void *user, uint32_t position, const float *logits, uint32_t n) {
  (void)user, (void)position;
  touch((void *)(uintptr_t)logits, 4 * (uint64_t)n, false);
  return true;
}
static inline bool any_piece(void *user, const ingot_piece *piece) {
  (void)user;
  return CHECK(piece->text[piece->size] == 0);
}

static inline void use_text(ingot_model *model) {
  static const char text[] = "hello world <|user|>\xc3\xa9<|end|>aaa <s>\xff";
  ingot_token tokens[100];
  char back[300];
  int32_t n = ingot_tokenize(model, text, sizeof text - 1, true, tokens, 100);
  if (n > 0) ingot_detokenize(model, tokens, (size_t)(n < 100 ? n : 100), back, sizeof back);
  const ingot_message messages[] = {{"user", "hello"}, {"assistant", "a"}};
  ingot_chat_format(model, messages, 2, true, back, sizeof back);
}

static inline void use_session(ingot_model *model, uint32_t n_context) {
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

/* Opens the plan's bytes, sealed, and uses whatever opens; whether it did. */
static inline bool hostile_run(const uint8_t *plan, uint32_t size, const uint8_t *weights, uint32_t n_threads) {
  guard g = {.most = 1 << 21, .pages = true};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ingot_program program = {.abi_version = INGOT_ABI_VERSION,
                           .size = sizeof program,
                           .name = "toy",
                           .n_kernels = TOY_KERNELS,
                           .n_variants = 1,
                           .info = toy_info,
                           .variants = variants,
                           .tokens = &ingot__tokens_sentence};
  ingot__sha256_of(plan, size, program.plan_hash);
  ingot_model_options options = {
    .size = sizeof options, .plan = plan, .plan_size = size, .weights = weights, .weights_size = TOY_FILE, .n_threads = n_threads, .allocator = &allocator};
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

#endif
