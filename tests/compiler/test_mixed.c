/* A model that has every format in every place: what its code takes stays within the bound, by kernels that were made shorter, and its logits are the
 * evaluator's bit for bit. On the best variant of this machine; what other variants would take is in test_code_budget. */
#define FAMILY_WIDE
#include "kernel_harness.h"

#include "driver/bundle_folder.h"
#include "driver/code_budget.h"
#include "family_maker.h"

enum { TOKENS = 9, MIXED_LAYERS = 18 };

static const struct family mixed = {"mixed", "llama", "f32", UNTIED, 96, {{"block_count", MAKER_U32, 0, MIXED_LAYERS, NULL}}};

static void matrix(maker *m, const char *name, const char *format, uint64_t rows, uint64_t cols) {
  const ig_block_format *f = ig_format_find(format);
  const uint64_t ne[] = {cols, rows}, blocks = rows * cols / f->block_values;
  uint8_t *bytes = ig_alloc(&arena, blocks * f->block_bytes);
  maker_tensor(&m->infos, name, 2, ne, f->gguf_type, m->data.size, &m->n_tensors);
  harness_weights(f, bytes, blocks, &random_state, -1);
  ig_text_add(&m->data, bytes, blocks * f->block_bytes);
  while (m->data.size % 32) ig_text_add(&m->data, "", 1);
}

/* Gate and up of a layer have its format, the others the next ones. */
static void add_mixed_layer(maker *m, uint32_t layer) {
  static const struct {
    const char *name;
    uint32_t rows, cols;
  } matrices[] = {{"ffn_gate", 96 * FF_TIMES, EMBD},     {"ffn_up", 96 * FF_TIMES, EMBD},       {"attn_q", HEADS * HEAD_DIM, EMBD},
                  {"attn_k", KV_HEADS * HEAD_DIM, EMBD}, {"attn_v", KV_HEADS * HEAD_DIM, EMBD}, {"attn_output", EMBD, HEADS * HEAD_DIM},
                  {"ffn_down", EMBD, 96 * FF_TIMES}};
  tensor(m, LAYER("attn_norm.weight"), 0, EMBD, 1), tensor(m, LAYER("ffn_norm.weight"), 0, EMBD, 1);
  for (uint32_t i = 0; i < sizeof matrices / sizeof *matrices; i++)
    matrix(m, ig_format(&arena, "blk.%u.%s.weight", layer, matrices[i].name), ig_layout_at((int)((layer + (i < 2 ? 0 : i)) % MIXED_LAYERS))->format,
           matrices[i].rows, matrices[i].cols);
}

static const char *write_mixed(const char *folder) {
  maker m = {.family = &mixed, .format = "f32", .ff = 96 * FF_TIMES};
  ig_text file = {0};
  add_keys(&m);
  matrix(&m, "token_embd.weight", "q4_k", VOCAB, EMBD), matrix(&m, "output.weight", "q6_k", VOCAB, EMBD);
  tensor(&m, "output_norm.weight", 0, EMBD, 1);
  for (uint32_t layer = 0; layer < MIXED_LAYERS; layer++) add_mixed_layer(&m, layer);
  ig_text_add(&file, "GGUF", 4);
  maker_u32(&file, 3), maker_u64(&file, m.n_tensors), maker_u64(&file, m.n_keys);
  ig_text_add(&file, m.keys.data, m.keys.size), ig_text_add(&file, m.infos.data, m.infos.size);
  while (file.size % 32) ig_text_add(&file, "", 1);
  ig_text_add(&file, m.data.data, m.data.size);
  const char *path = ig_format(&arena, "%s/mixed.gguf", folder);
  gguf_write(path, &file);
  ig_text_finish(&m.keys), ig_text_finish(&m.infos), ig_text_finish(&m.data), ig_text_finish(&file);
  return path;
}

/* The number after NAME on the line of `entry`. */
static uint64_t of_variant(const char *report, const char *entry, const char *name) {
  const char *line = strstr(report, ig_format(&arena, "\"%s\": {", entry)), *at = line ? strstr(line, ig_format(&arena, "\"%s\": ", name)) : NULL;
  return at ? strtoull(at + strlen(name) + 4, NULL, 10) : 0;
}

static void check_report(const char *bundle, const ig_variant *variant) {
  ig_str report = {"", 0};
  ig_diags diags = {0};
  CHECK(ig_read_small_file(ig_format(&arena, "%s/report.json", bundle), 1 << 20, &arena, &report, &diags), "no report.json");
  uint64_t bytes = of_variant(report.data, "code_bytes", variant->name), n_short = of_variant(report.data, "short_kernels", variant->name);
  printf("%s: %llu bytes of code, %llu short kernels\n", variant->name, (unsigned long long)bytes, (unsigned long long)n_short);
  CHECK(bytes > IG_CODE_MOST / 2 && bytes <= IG_CODE_MOST && n_short > 0, "not within the bound by short kernels");
  ig_diags_finish(&diags);
}

static void check_logits(const char *path, const char *bundle, const ig_variant *variant) {
  ig_diags diags = {0};
  ig_loaded loaded;
  uint32_t ids[TOKENS];
  ingot_token tokens[TOKENS];
  for (int i = 0; i < TOKENS; i++) ids[i] = random_u32() % VOCAB, tokens[i] = (ingot_token)ids[i];
  const float *want = evaluate(path, ids, TOKENS, VOCAB, false);
  bool ok = ig_load_bundle(&loaded, bundle, &arena, &diags);
  CHECK(ok && want, "cannot be loaded or evaluated");
  show(&diags);
  static float got[TOKENS * VOCAB];
  for (size_t step = 0; ok && want && step < 2; step++) {
    memset(got, 0xff, sizeof got);
    if (run(&loaded, variant->name, 2, tokens, TOKENS, step, got, VOCAB))
      compare(ig_format(&arena, "mixed on %s, step %zu", variant->name, step), got, want, TOKENS, VOCAB, variant->fma);
  }
  if (ok) ig_unload(&loaded);
  ig_diags_finish(&diags);
}

int main(void) {
  char folder[] = "/tmp/ingot-mixed-XXXXXX";
  if (!mkdtemp(folder)) return perror(folder), 1;
  random_state = 3;
  const ig_target *target = ig_target_find("native");
  const ig_variant *variant = target->variants; /* the best that runs here */
  while (variant->features & ~ingot__cpu_features()) variant++;
  ig_diags diags = {0};
  const char *path = write_mixed(folder), *bundle, *names[] = {variant->name};
  ig_compile_options o = {.model = path, .parent = folder, .platform = ig_platform_find("native"), .chunk = 5, .variants = names, .n_variants = 1};
  bool ok = ig_compile(&o, &arena, &bundle, &diags);
  CHECK(ok, "does not compile");
  show(&diags);
  ig_diags_finish(&diags);
  if (ok) check_report(bundle, variant), check_logits(path, bundle, variant);
  ig_remove_tree(folder);
  ig_arena_finish(&arena);
  printf("%d failures\n", failures);
  return failures > 0;
}
