/* Linked with a compiled model: every truncation of its plan, and random changes of it, each sealed with a new hash, are refused or run.
 * All memory, the weights too, lies between pages that nobody may touch; weights cannot be written.
 * usage: hostile_plan PLAN WEIGHTS CHANGES */
#include "tests/runtime/guard.h"
#include "tests/runtime/bounds.h"
#include "tests/runtime/check.h"
#include "runtime/abi/kernel.h"
#include "runtime/abi/sha256.h"
#include "hostile.h"

enum { MOST_MEMORY = 64 << 20, TOKENS = 40 };

typedef struct file {
  uint8_t *bytes;
  size_t size;
} file;

static file read_file(const char *path) {
  file f = {NULL, 0};
  FILE *in = fopen(path, "rb");
  if (!in) abort();
  fseek(in, 0, SEEK_END);
  f.size = (size_t)ftell(in);
  f.bytes = malloc(f.size);
  if (!f.bytes || fseek(in, 0, SEEK_SET) || fread(f.bytes, 1, f.size, in) != f.size) abort();
  fclose(in);
  return f;
}

static bool any_row(void *user, uint32_t position, const float *logits, uint32_t n) { return (void)user, (void)position, logits && n; }
static bool any_piece(void *user, const ingot_piece *piece) { return (void)user, piece->text != NULL; }

/* All phases of whatever opened; true: all ran. */
static bool use(ingot_model *model, uint32_t n_context) {
  ingot_session *session = NULL;
  const ingot_session_options options = {.size = sizeof options, .n_context = n_context};
  if (ingot_session_open(model, &options, &session, NULL) != INGOT_OK) return false;
  ingot_token tokens[TOKENS];
  ingot_piece piece;
  for (int i = 0; i < TOKENS; i++) tokens[i] = i * 37 % 1000;
  bool ran = ingot_append(session, tokens, TOKENS, NULL) == INGOT_OK && ingot_next(session, &piece, NULL) >= INGOT_OK &&
      ingot_append_logits(session, tokens, TOKENS / 2, any_row, NULL, NULL) == INGOT_OK;
  ingot_chat(session, &(ingot_message){"user", "Tell me a story."}, 1, 1, any_piece, NULL, NULL);
  ingot_session_close(session);
  return ran;
}

static bool try_plan(const uint8_t *plan, size_t size, const file *weights, uint32_t n_context) {
  ingot_program program = hostile_program;
  guard g = {.most = MOST_MEMORY, .pages = true};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  ingot_error error = {INGOT_OK, ""};
  ingot_model *model = NULL;
  ingot_model_options options = {
    .size = sizeof options, .plan = plan, .plan_size = size, .weights = weights->bytes, .weights_size = weights->size, .n_threads = 1, .allocator = &allocator};
  ingot__sha256_of(plan, size, program.plan_hash);
  bool ran = ingot_model_open(&program, &options, &model, &error) == INGOT_OK && use(model, n_context);
  CHECK(model || error.message[0]);
  ingot_model_close(model);
  CHECK_EQUAL(g.blocks, 0);
  return ran;
}

/* Changes of single bytes anywhere, and of words in the part that describes steps, which lies in front. */
static void change(uint8_t *plan, size_t size, uint64_t *random) {
  for (uint64_t n = 1 + random_next(random) % 3; n; n--) {
    size_t within = random_next(random) % 4 ? size / 3 : size, at = random_next(random) % within, word = at / 4 * 4;
    uint32_t value;
    memcpy(&value, plan + word, 4);
    switch (random_next(random) % 6) {
    case 0: plan[at] ^= (uint8_t)(1u << random_next(random) % 8); continue;
    case 1: plan[at] = (uint8_t)random_next(random); continue;
    case 2: value = random_next(random) & 1 ? 0 : UINT32_MAX; break;
    case 3: value++; break;
    case 4: value--; break;
    default: value = random_next(random) & 1 ? value / 2 : value * 2;
    }
    memcpy(plan + word, &value, 4);
  }
}

int main(int argc, char **argv) {
  if (argc != 4) return 2;
  const file plan = read_file(argv[1]), source = read_file(argv[2]);
  const int changes = atoi(argv[3]);
  file weights = {guard_map(source.size), source.size};
  memcpy(weights.bytes, source.bytes, source.size);
  uintptr_t first = (uintptr_t)weights.bytes / GUARD_PAGE * GUARD_PAGE, end = (uintptr_t)weights.bytes + (source.size + 63) / 64 * 64;
  if (mprotect((void *)first, end - first, PROT_READ)) abort();
  uint64_t random = UINT64_C(88172645463325252);
  int ran = 0;
  CHECK(try_plan(plan.bytes, plan.size, &weights, 0) && try_plan(plan.bytes, plan.size, &weights, 128));
  for (size_t n = 0; n < plan.size; n++) try_plan(plan.bytes, n, &weights, 0);
  uint8_t *changed = malloc(plan.size);
  bounds_begin();
  for (int i = 0; i < changes && changed; i++) {
    bounds_next((uint32_t)i);
    memcpy(changed, plan.bytes, plan.size);
    change(changed, plan.size, &random);
    ran += try_plan(changed, plan.size, &weights, i % 2 ? 128 : 0);
  }
  printf("%zu truncations, %d changes: %d ran\n", plan.size, changes, ran);
  CHECK(bounds_end());
  CHECK(ran > changes / 50 && ran < changes);
  free(changed);
  free(plan.bytes);
  free(source.bytes);
  return finish();
}
