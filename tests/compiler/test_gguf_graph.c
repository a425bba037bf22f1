/* The graph of a small llama: ops in order, weights where the file has them, rope with factors and scaling, tied and untied heads. */
#include "frontend/model.h"
#include "gguf_maker.h"
#include "ir/numerics.h"

static const char path[] = "test_gguf_graph.gguf";
static uint32_t failures;
static bool f32_only(const char *format) { return strcmp(format, "f32") == 0; }

static void expect(bool ok, const char *what, const char *detail) {
  if (ok) return;
  printf("%s: %s\n", what, detail);
  failures++;
}

typedef struct built {
  ig_arena arena;
  ig_diags diags;
  ig_context *context;
  ig_module module;
  ig_model model;
  bool ok;
} built;

static void build(built *b, const gguf_change *change) {
  ig_text file = {0};
  *b = (built){0};
  gguf_make(change, &file);
  gguf_write(path, &file);
  b->context = ig_context_create(&b->diags);
  b->module = ig_module_create(b->context);
  b->ok = ig_model_open(&b->model, path, &b->diags) && ig_model_graph(&b->model, b->module, f32_only, &b->diags) && ig_verify(b->module, &b->diags);
  expect(b->ok, "not built", b->diags.count ? b->diags.items[0].text : "");
  ig_text_finish(&file);
}

static void finish(built *b) {
  ig_model_close(&b->model);
  ig_module_destroy(b->module);
  ig_context_destroy(b->context);
  ig_diags_finish(&b->diags);
  ig_arena_finish(&b->arena);
}

/* Names of the ops, a weight as its tensor's. */
static void list(built *b, ig_text *out) {
  for (ig_op op = ig_first_op(ig_function_find(b->module, "forward")); op.handle; op = ig_next_op(op)) {
    bool weight = ig_kind(op) == IG_OP_weight;
    ig_text_printf(out, "%s%s", out->size ? " " : "", weight ? ig_attr_string(op, "name", &b->arena) : ig_op_name(ig_kind(op)));
  }
}

#define LAYER \
  "blk.0.attn_norm.weight rms_norm blk.0.attn_q.weight linear blk.0.attn_k.weight linear blk.0.attn_v.weight linear rope rope attention " \
  "blk.0.attn_output.weight linear add blk.0.ffn_norm.weight rms_norm blk.0.ffn_gate.weight linear blk.0.ffn_up.weight linear silu mul " \
  "blk.0.ffn_down.weight linear add"

static void test_ops(void) {
  built b;
  build(&b, &(gguf_change){0});
  if (b.ok) {
    ig_text got = {0};
    list(&b, &got);
    expect(strcmp(got.data, "rope_table token_embd.weight embed " LAYER " output_norm.weight rms_norm linear") == 0, "ops of a tied model", got.data);
    ig_text_finish(&got);
    uint32_t seen = 0;
    for (ig_op op = ig_first_op(ig_function_find(b.module, "forward")); op.handle; op = ig_next_op(op)) {
      if (ig_kind(op) == IG_OP_weight)
        for (uint32_t i = 0; i < b.model.n_tensors; i++) {
          const ig_tensor *t = &b.model.tensors[i];
          const char *name = ig_attr_string(op, "name", &b.arena);
          if (strcmp(t->name, name) != 0) continue;
          seen++;
          expect((uint64_t)ig_attr_int(op, "offset") == t->offset && (uint64_t)ig_attr_int(op, "bytes") == t->bytes, "place of a weight", name);
          expect(strcmp(ig_location(op, &b.arena), name) == 0, "location of a weight", name);
        }
      if (ig_kind(op) == IG_OP_attention)
        expect(ig_attr_int(op, "heads") == 2 && ig_attr_int(op, "kv_heads") == 1 && ig_attr_int(op, "head_dim") == 4 && ig_attr_float(op, "scale") == 0.5,
               "attention", "attributes");
    }
    expect(seen == 11, "weights", "not all seen");
    ig_op head = ig_defining_op(ig_function_result(ig_function_find(b.module, "forward")));
    expect(strcmp(ig_attr_string(ig_defining_op(ig_operand(head, 1)), "name", &b.arena), "token_embd.weight") == 0, "tied head", "another weight");
  }
  finish(&b);
}

static void test_untied(void) {
  built b;
  build(&b, &(gguf_change){.tensor = "+", .new_name = "output.weight", .n_dims = 2, .ne = {8, 8}});
  if (b.ok) {
    ig_text got = {0};
    list(&b, &got);
    expect(strcmp(got.data, "rope_table token_embd.weight embed " LAYER " output_norm.weight rms_norm output.weight linear") == 0, "ops of an untied model",
           got.data);
    ig_text_finish(&got);
  }
  finish(&b);
}

/* Frequencies with these keys and, where `factors`, the tensor rope_freqs.weight, against their definition. */
static void test_frequencies(const char *what, const gguf_change *change, double theta, double linear, bool factors) {
  built b;
  build(&b, change);
  if (b.ok) {
    double factor[2] = {1, 1};
    if (factors) {
      uint8_t bytes[8];
      const ig_tensor *t = &b.model.tensors[b.model.n_tensors - 1];
      expect(strcmp(t->name, "rope_freqs.weight") == 0 && ig_file_read(&b.model.file, t->offset, bytes, 8, &b.diags), what, "no factors");
      factor[0] = (double)ig_load_f32(bytes), factor[1] = (double)ig_load_f32(bytes + 4);
    }
    int64_t *turns;
    size_t n = ig_attr_ints(ig_first_op(ig_function_find(b.module, "forward")), "frequencies", &b.arena, &turns);
    expect(n == 2, what, "number of pairs");
    for (uint32_t i = 0; i < 2 && n == 2; i++) expect((uint64_t)turns[i] == ig_rope_frequency(theta, i, 4, factor[i] * linear), what, "frequency");
  }
  finish(&b);
}

int main(void) {
  test_ops();
  test_untied();
  test_frequencies("plain rope", &(gguf_change){0}, 10000, 1, false);
  test_frequencies("another base", &(gguf_change){.key = "llama.rope.freq_base", .type = MAKER_F32, BYTES("\0\44\364\110")}, 500000, 1, false);
  test_frequencies("linear scaling", &(gguf_change){.key = "llama.rope.scaling.factor", .type = MAKER_F32, BYTES("\0\0\0\101")}, 10000, 8, false);
  test_frequencies("linear scaling, its older name", &(gguf_change){.key = "llama.rope.scale_linear", .type = MAKER_F32, BYTES("\0\0\200\100")}, 10000, 4,
                   false);
  test_frequencies("factors", &(gguf_change){.tensor = "+", .new_name = "rope_freqs.weight", .n_dims = 1, .ne = {2}}, 10000, 1, true);
  test_frequencies(
      "factors and scaling",
      &(gguf_change){
        .tensor = "+", .new_name = "rope_freqs.weight", .n_dims = 1, .ne = {2}, .key = "llama.rope.scaling.factor", .type = MAKER_F32, BYTES("\0\0\0\100")},
      10000, 2, true);
  remove(path);
  return failures ? 1 : 0;
}
