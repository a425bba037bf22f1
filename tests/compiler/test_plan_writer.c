/* Plan and tokenizer as flatc reads them by their schemas: small ones made by hand, with every table and every field in use, against golden JSON.
 * INGOT_REGENERATE=1 writes the golden text anew. Skipped where there is no flatc. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/flat_builder.h"
#include "codegen/plan_writer.h"
#include "codegen/tokens_writer.h"
#include "driver/bundle_folder.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

static ig_arena arena;

static void make(ig_text *out) {
  static ig_buffer buffers[] = {{.name = "tokens", .row_bytes = 4, .bytes = 16, .offset = 0},
                                {.name = "hidden", .row_bytes = 128, .bytes = 512, .offset = 64},
                                {.name = "logits", .row_bytes = 192, .bytes = 192, .offset = 576},
                                {.name = "own", .row_bytes = 128, .bytes = 128, .worker = true}};
  static ig_packed_weight weights[] = {
    {.kind = IG_WEIGHT_TILES, .name = "token_embd.weight", .format = "q4_k", .rows = 40, .cols = 32, .offset = 0, .bytes = UINT64_C(5) << 32},
    {.kind = IG_WEIGHT_VECTOR, .name = "n\"orm", .format = "f16", .rows = 1, .cols = 32, .offset = UINT64_C(5) << 32, .bytes = 128},
    {.kind = IG_WEIGHT_TURNS, .name = "rope.turns", .format = "u64", .rows = 1, .cols = 4, .offset = (UINT64_C(5) << 32) + 128, .bytes = 64},
    {.kind = IG_WEIGHT_TOKENS, .name = "tokenizer", .format = "u8", .rows = 1, .cols = 100, .offset = (UINT64_C(5) << 32) + 192, .bytes = 128}};
  static ig_cache caches[] = {{"k.0", 2, 32, 64, 0}, {"v.0", 3, 30, 128, 64}};
  static ig_plan_kernel kernels[2];
  snprintf(kernels[0].info.name, sizeof kernels[0].info.name, "embed_q4_k");
  snprintf(kernels[1].info.name, sizeof kernels[1].info.name, "rms_norm_f32");
  static ig_plan_part parts[] = {{.kernel = 1,
                                  .n_operands = 3,
                                  .n_dims = 3,
                                  .operand = {{INGOT_PLACE_ARENA, 1, true}, {INGOT_PLACE_WEIGHTS, 1, false}, {INGOT_PLACE_SCRATCH, 3, false}},
                                  .dim = {2, 32, 925353388}},
                                 {.kernel = 0,
                                  .n_operands = 3,
                                  .n_dims = 3,
                                  .operand = {{INGOT_PLACE_ARENA, 0, false}, {INGOT_PLACE_WEIGHTS, 0, false}, {INGOT_PLACE_KV, 1, false}},
                                  .dim = {1, 0, 3}}};
  static ig_plan_step both = {parts, 1, 2, 128}, alone = {parts + 1, 0, 1, 0};
  ig_program_plan plan = {.n_context = 256,
                          .chunk = 4,
                          .kernel = kernels,
                          .n_kernels = 2,
                          .buffer = buffers,
                          .n_buffers = 4,
                          .weight = weights,
                          .n_weights = 4,
                          .cache = caches,
                          .n_caches = 2,
                          .tokens = 0,
                          .hidden = 1,
                          .logits = 2,
                          .arena_bytes = 768,
                          .private_bytes = 128,
                          .weights_bytes = (UINT64_C(5) << 32) + 320,
                          .kv_position_bytes = 192};
  plan.phase[IG_PHASE_PREFILL] = (ig_plan_phase){4, &alone, 1, 1};
  plan.phase[IG_PHASE_DECODE] = (ig_plan_phase){1, &alone, 1, 1};
  plan.phase[IG_PHASE_HEAD] = (ig_plan_phase){1, &both, 1, 1};
  plan.phase[IG_PHASE_HEAD_ROWS] = (ig_plan_phase){3, &both, 1, 1};
  static const uint8_t code[] = {1, 2, 255};
  ig_template template = {.present = true, .code = code, .code_size = 3, .strings = "user", .strings_size = 4, .source = "{{ a }}\n"};
  ig_plan_facts facts = {.name = "chat",
                         .architecture = "llama",
                         .target = "x86_64",
                         .layout = "x86_64.r16",
                         .source = "chat.gguf (Chat)",
                         .n_vocab = 40,
                         .n_embd = 32,
                         .n_layer = 1,
                         .chat_template = &template};
  for (int i = 0; i < 32; i++) facts.weights_root[i] = (uint8_t)(i * 8);
  ig_write_plan(&plan, &facts, out);
}

static void make_tokens(ig_text *out) {
  static ig_piece pieces[] = {{0, 5, 3, 4}, {5, 1, 1, 1}, {6, 3, 6, 0}};
  static float scores[] = {0, -1.5f, 3.25f};
  static uint32_t hash[] = {0, 3, 1, 0, 2, 0, 0, 0}, specials[] = {0}, end[] = {0, 2};
  static ig_merge merges[] = {{0, 0, UINT32_MAX, 0}, {1, 1, 0, 2}};
  static uint16_t pages[] = {1, 0}, transitions[] = {0, 0, 0x8001, 1};
  static uint8_t blocks[8] = {1};
  static uint32_t passes[] = {0};
  static ig_fold folds[] = {{65, 97}};
  ig_tokenizer tokenizer = {.present = true,
                            .n = 3,
                            .kind = IG_TOKENS_BYTES,
                            .merges = merges,
                            .merges_size = 2,
                            .eos = 2,
                            .whole_words = true,
                            .folds = folds,
                            .n_folds = 1,
                            .longest = 5,
                            .charsmap = (uint8_t[]){1, 2},
                            .charsmap_size = 2,
                            .prefixes = (uint8_t[]){255, 1},
                            .prefixes_size = 2,
                            .unknown_score = -12.5f,
                            .merges_spaces = true,
                            .splitter = {pages, 2, blocks, 8, 1, transitions, 4, passes, 1},
                            .text = "<eos>ab\xc3\xa9",
                            .text_size = 9,
                            .pieces = pieces,
                            .scores = scores,
                            .hash = hash,
                            .hash_size = 8,
                            .specials = specials,
                            .n_specials = 1,
                            .bos = 0,
                            .unknown = UINT32_MAX,
                            .end = end,
                            .n_end = 2,
                            .add_bos = true,
                            .add_space_prefix = true};
  for (int i = 0; i < 256; i++) tokenizer.bytes[i] = i == 65 ? 1 : UINT32_MAX;
  ig_write_tokens(&tokenizer, out);
}

/* Tables of every alignment, shared and different shapes, in a buffer that grows: what lies where, as the format says. */
static void test_builder(void) {
  ig_flat f = {0};
  ig_flat_ref rows[200];
  for (uint32_t i = 0; i < 200; i++) {
    ig_flat_scalar(&f, 0, 1, i & 1, 0);
    ig_flat_scalar(&f, 1, 8, i, 0);
    ig_flat_scalar(&f, 2, 4, i * 3, 0);
    ig_flat_scalar(&f, 3, 2, 7, 7);
    rows[i] = ig_flat_table(&f);
  }
  CHECK(f.n_shapes == 3, "tables of 3 forms have %d shapes", f.n_shapes);
  ig_flat_child(&f, 0, ig_flat_refs(&f, rows, 200));
  ig_flat_finish(&f, ig_flat_table(&f), "TEST");
  const uint8_t *start = f.data + f.capacity - f.size;
  CHECK(f.size % 8 == 0 && !memcmp(start + 4, "TEST", 4), "the buffer is not whole");
  const uint8_t *root = start + ig_load_u32(start), *shape = root - (int32_t)ig_load_u32(root), *field = root + ig_load_u16(shape + 4);
  const uint8_t *vector = field + ig_load_u32(field);
  CHECK(ig_load_u32(vector) == 200, "the vector has %u elements", ig_load_u32(vector));
  for (uint32_t i = 0; i < 200; i++) {
    const uint8_t *slot = vector + 4 + 4 * i, *table = slot + ig_load_u32(slot), *vtable = table - (int32_t)ig_load_u32(table);
    uint32_t n = (ig_load_u16(vtable) - 4u) / 2, at = n > 1 ? ig_load_u16(vtable + 6) : 0;
    CHECK(at ? ig_load_u64(table + at) == i && (size_t)(table + at - start) % 8 == 0 : i == 0, "table %u has a wrong or unaligned value", i);
    CHECK(n <= 3, "a default was written");
  }
  ig_flat_finish_memory(&f);
}

/* What a schema says of our bytes, and that flatc's own bytes, made from it, say the same. */
static void check(const char *folder, const char *source, const char *schema, const char *name, void (*make_bytes)(ig_text *)) {
  ig_text bytes = {0}, again = {0};
  ig_diags diags = {0};
  make_bytes(&bytes);
  make_bytes(&again);
  CHECK(bytes.size == again.size && !memcmp(bytes.data, again.data, bytes.size), "%s: the same content gives other bytes", name);
  CHECK(bytes.size > 8 && bytes.size % 8 == 0, "%s is not whole", name);
  const char *file = ig_format(&arena, "%s/%s.%s", folder, name, schema), *golden = ig_format(&arena, "%s/tests/golden/%s.json", source, name);
  CHECK(ig_write_file(file, bytes.data, bytes.size, &diags), "cannot write %s", file);
  int status = system(ig_format(&arena, "cd '%s' && flatc --json --strict-json '%s/runtime/abi/%s.fbs' -- '%s'", folder, source, schema, file));
  CHECK(status == 0, "flatc cannot read %s", file);
  ig_str made = {"", 0}, want = {"", 0};
  CHECK(ig_read_small_file(ig_format(&arena, "%s/%s.json", folder, name), 1 << 20, &arena, &made, &diags), "flatc wrote nothing");
  if (getenv("INGOT_REGENERATE")) CHECK(ig_write_file(golden, made.data, made.size, &diags), "cannot write %s", golden);
  else CHECK(ig_read_small_file(golden, 1 << 20, &arena, &want, &diags) && ig_str_equal(want, made.data), "%s is not what flatc reads:\n%s", golden, made.data);
  status = system(ig_format(&arena,
                            "cd '%s' && flatc --binary -o back '%s/runtime/abi/%s.fbs' %s.json && flatc --json --strict-json -o back "
                            "'%s/runtime/abi/%s.fbs' -- back/%s.%s && cmp %s.json back/%s.json",
                            folder, source, schema, name, source, schema, name, schema, name, name));
  CHECK(status == 0, "flatc's own %s differs from ours", name);
  ig_diags_finish(&diags);
  ig_text_finish(&bytes);
  ig_text_finish(&again);
}

int main(void) {
  const char *source = getenv("INGOT_SOURCE");
  if (!source) source = ".";
  test_builder();
  if (system("flatc --version > /dev/null 2>&1") != 0) {
    printf("skipped: there is no flatc\n");
    return failures ? 1 : 77;
  }
  char folder[] = "/tmp/ingot-plan-XXXXXX";
  if (!mkdtemp(folder)) return perror(folder), 1;
  check(folder, source, "plan", "plan_writer", make);
  check(folder, source, "tokens", "tokens_writer", make_tokens);
  ig_remove_tree(folder);
  ig_arena_finish(&arena);
  return failures > 0;
}
