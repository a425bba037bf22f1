/* Lowering: the plan of a small model with mixed formats against golden text; the memory of every plan by running it symbolically; the
 * number of meetings; ops that fuse left alone; and what has no kernel. INGOT_REGENERATE=1 writes the golden text anew. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/format.h"
#include "passes/lower.h"
#include "passes/pipeline.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

static ig_arena arena;

/* ---- a llama of any formats ------------------------------------------------------------------------------------------- */

typedef struct shape {
  uint32_t layers, embd, heads, kv_heads, head_dim, ff, vocab;
  const char *embed, *q, *k, *v, *o, *gate, *up, *down;
  uint32_t experts;  /* 0: none; two are chosen */
} shape;

static uint64_t file_at;

static ig_value matrix(ig_builder *b, const char *name, const char *format, uint64_t rows, uint64_t cols) {
  const ig_block_format *f = ig_format_find(format);
  uint64_t bytes = rows * (cols / f->block_values) * f->block_bytes, at = file_at;
  file_at += bytes;
  b->location = name;
  return ig_build_weight(b, name, format, rows, cols, at, bytes);
}

static ig_value vector(ig_builder *b, const char *name, uint64_t n) {
  uint64_t at = file_at;
  file_at += 4 * n;
  b->location = name;
  return ig_build_weight(b, name, "f32", 0, n, at, 4 * n);
}

static ig_value experts(ig_builder *b, const char *name, const char *format, uint64_t n, uint64_t rows, uint64_t cols) {
  const ig_block_format *f = ig_format_find(format);
  uint64_t bytes = n * rows * (cols / f->block_values) * f->block_bytes, at = file_at;
  file_at += bytes;
  b->location = name;
  return ig_build_expert_weights(b, name, format, n, rows, cols, at, bytes, NULL);
}

static const char *layer_name(uint32_t layer, const char *what) { return ig_format(&arena, "blk.%u.%s.weight", layer, what); }

static ig_value layer(ig_builder *b, const shape *s, uint32_t i, ig_value x, ig_value pos, ig_value table) {
  ig_value n = ig_build_rms_norm(b, x, vector(b, layer_name(i, "attn_norm"), s->embd), 1e-5f);
  ig_value q = ig_build_linear(b, n, matrix(b, layer_name(i, "attn_q"), s->q, s->heads * s->head_dim, s->embd));
  ig_value k = ig_build_linear(b, n, matrix(b, layer_name(i, "attn_k"), s->k, s->kv_heads * s->head_dim, s->embd));
  ig_value v = ig_build_linear(b, n, matrix(b, layer_name(i, "attn_v"), s->v, s->kv_heads * s->head_dim, s->embd));
  q = ig_build_rope(b, q, pos, table, s->heads, s->head_dim);
  k = ig_build_rope(b, k, pos, table, s->kv_heads, s->head_dim);
  ig_value a = ig_build_attention(b, q, k, v, pos, i, s->heads, s->kv_heads, s->head_dim, 0.125f, (ig_value){0});
  x = ig_build_add(b, x, ig_build_linear(b, a, matrix(b, layer_name(i, "attn_output"), s->o, s->embd, s->heads * s->head_dim)));
  n = ig_build_rms_norm(b, x, vector(b, layer_name(i, "ffn_norm"), s->embd), 1e-5f);
  if (s->experts) {
    ig_value mix[IG_EXPERTS_ROLES] = {
      [IG_EXPERTS_RESIDUAL] = x,
      [IG_EXPERTS_X] = n,
      [IG_EXPERTS_SCORES] = ig_build_linear(b, n, matrix(b, layer_name(i, "ffn_gate_inp"), "f32", s->experts, s->embd)),
      [IG_EXPERTS_GATE] = experts(b, layer_name(i, "ffn_gate_exps"), s->gate, s->experts, s->ff, s->embd),
      [IG_EXPERTS_UP] = experts(b, layer_name(i, "ffn_up_exps"), s->up, s->experts, s->ff, s->embd),
      [IG_EXPERTS_DOWN] = experts(b, layer_name(i, "ffn_down_exps"), s->down, s->experts, s->embd, s->ff),
      [IG_EXPERTS_DOWN_BIAS] = matrix(b, layer_name(i, "ffn_down_exps_bias"), "f32", s->experts, s->embd),
    };
    return ig_result(ig_build_experts(b, mix, 2, 0, 0, 0), 0);
  }
  ig_value gate = ig_build_silu(b, ig_build_linear(b, n, matrix(b, layer_name(i, "ffn_gate"), s->gate, s->ff, s->embd)));
  ig_value up = ig_build_linear(b, n, matrix(b, layer_name(i, "ffn_up"), s->up, s->ff, s->embd));
  return ig_build_add(b, x, ig_build_linear(b, ig_build_mul(b, gate, up), matrix(b, layer_name(i, "ffn_down"), s->down, s->embd, s->ff)));
}

static void build(ig_module module, const shape *s) {
  static const uint64_t turns[] = {UINT64_C(1) << 61, UINT64_C(1) << 60, UINT64_C(1) << 59, UINT64_C(1) << 58};
  file_at = 4096;
  ig_builder b = {.module = module, .function = ig_function_create(module, "forward")};
  ig_value tokens = ig_function_argument(b.function, 0), pos = ig_function_argument(b.function, 1), table = ig_build_rope_table(&b, turns, 4);
  ig_value embed = matrix(&b, "token_embd.weight", s->embed, s->vocab, s->embd), x = ig_build_embed(&b, tokens, embed);
  for (uint32_t i = 0; i < s->layers; i++) x = layer(&b, s, i, x, pos, table);
  ig_value n = ig_build_rms_norm(&b, x, vector(&b, "output_norm.weight", s->embd), 1e-5f);
  ig_function_return(b.function, ig_build_linear(&b, n, embed));
}

/* ---- a symbolic run --------------------------------------------------------------------------------------------------- */

typedef struct extent {
  uint64_t low, high;
} extent;

static extent bytes_of(const ig_program_plan *p, const ig_plan_operand *o) {
  const ig_buffer *b = &p->buffer[o->index];
  return (extent){b->offset, b->offset + b->bytes};
}

static bool overlap(extent a, extent b) { return a.low < b.high && b.low < a.high; }
static uint32_t access_of(const ig_program_plan *p, const ig_plan_part *part, uint32_t i) { return p->kernel[part->kernel].info.operand[i].access; }
static bool is_buffer(const ig_plan_operand *o) { return o->place == INGOT_PLACE_ARENA || o->place == INGOT_PLACE_SCRATCH; }

/* Parts of a step run in any order on any worker: no two may touch the same bytes if one writes, but through one buffer in the order that
 * private parts have. */
static void check_step(const ig_program_plan *p, const ig_plan_step *step, const char *where) {
  for (uint32_t a = 0; a < step->n_parts; a++)
    for (uint32_t b = 0; b < step->n_parts; b++)
      for (uint32_t i = 0; i < step->part[a].n_operands; i++)
        for (uint32_t j = 0; j < step->part[b].n_operands; j++) {
          const ig_plan_operand *x = &step->part[a].operand[i], *y = &step->part[b].operand[j];
          if (!(access_of(p, &step->part[a], i) & INGOT_WRITE) || (a == b && i == j)) continue;
          if (x->place == INGOT_PLACE_KV && y->place == INGOT_PLACE_KV) CHECK(x->index != y->index, "%s: a cache is written and used in one step", where);
          if (!is_buffer(x) || x->place != y->place || !overlap(bytes_of(p, x), bytes_of(p, y)) || (a == b && x->index == y->index)) continue; /* in place */
          bool own = x->place == INGOT_PLACE_SCRATCH && a < b && x->index == y->index;
          CHECK(own || (x->place == INGOT_PLACE_SCRATCH && a > b && x->index == y->index), "%s: %s and %s share bytes that one writes", where,
                p->buffer[x->index].name, p->buffer[y->index].name);
        }
}

/* Whoever reads a buffer must find what was last written there by that buffer's maker. */
static void run(const ig_program_plan *p, int kind) {
  const ig_plan_phase *phase = &p->phase[kind];
  bool *valid = ig_alloc_array(&arena, p->n_buffers, sizeof *valid);
  valid[p->tokens] = kind < IG_PHASE_HEAD;
  valid[p->hidden] = kind >= IG_PHASE_HEAD;
  for (size_t s = 0; s < phase->n_steps; s++) {
    const char *where = ig_format(&arena, "phase %d step %zu", kind, s);
    const ig_plan_step *step = &phase->step[s];
    check_step(p, step, where);
    CHECK(step->n_parts > step->n_private, "%s has no shared part", where);
    for (uint32_t a = 0; a < step->n_parts; a++)
      for (int write = 0; write < 2; write++)
        for (uint32_t i = 0; i < step->part[a].n_operands; i++) {
          const ig_plan_operand *o = &step->part[a].operand[i];
          if (!is_buffer(o)) continue;
          uint32_t access = access_of(p, &step->part[a], i);
          const char *kernel = p->kernel[step->part[a].kernel].info.name;
          bool assigns = !strncmp(kernel, "linear", 6) && step->part[a].dim[IG_LIN_EPILOGUE - IG_D0] == 0; /* the row says read and write for both epilogues */
          if (!write && (access & INGOT_READ) && !(assigns && (access & INGOT_WRITE)))
            CHECK(valid[o->index], "%s: %s reads %s, which nobody has written or others have overwritten", where, kernel, p->buffer[o->index].name);
          if (!write || !(access & INGOT_WRITE)) continue;
          extent e = bytes_of(p, o);
          CHECK(e.high <= (o->place == INGOT_PLACE_ARENA ? p->arena_bytes : p->private_bytes) && e.low % INGOT_ALIGN == 0, "%s: %s lies outside", where,
                p->buffer[o->index].name);
          for (uint32_t b = 0; b < p->n_buffers; b++)
            if (p->buffer[b].worker == (o->place == INGOT_PLACE_SCRATCH) && overlap(e, (extent){p->buffer[b].offset, p->buffer[b].offset + p->buffer[b].bytes}))
              valid[b] = false;
          valid[o->index] = true;
        }
    for (uint32_t b = 0; b < p->n_buffers; b++)
      if (p->buffer[b].worker) valid[b] = false; /* private memory means nothing after a meeting */
  }
  CHECK(valid[kind < IG_PHASE_HEAD ? p->hidden : p->logits], "phase %d does not leave its result", kind);
}

/* ---- cases ------------------------------------------------------------------------------------------------------------ */

static bool plan_of(const char *what, ig_context *context, ig_module module, ig_program_plan *plan, ig_diags *diags) {
  (void)context;
  *plan = (ig_program_plan){0};
  ig_lower_options options = {.n_context = 1024, .chunk = 32};
  bool ok = ig_make_plan(module, &options, &arena, plan, diags);
  for (int kind = 0; ok && kind < IG_PHASES; kind++) run(plan, kind);
  if (ok) CHECK(plan->weights_bytes % INGOT_ALIGN == 0, "%s: weights end unaligned", what);
  return ok;
}

static void show(const ig_diags *diags) {
  for (size_t i = 0; i < diags->count; i++) printf("  %s: %s\n", diags->items[i].place, diags->items[i].text);
}

static void compare(const char *name, const char *made) {
  const char *root = getenv("INGOT_SOURCE"), *path = ig_format(&arena, "%s/tests/golden/%s", root ? root : ".", name);
  ig_diags diags = {0};
  ig_str want = {"", 0};
  if (getenv("INGOT_REGENERATE")) CHECK(ig_write_file(path, made, strlen(made), &diags), "cannot write %s", path);
  else CHECK(ig_read_small_file(path, 1 << 20, &arena, &want, &diags) && ig_str_equal(want, made), "%s is not what comes out:\n%s", path, made);
  ig_diags_finish(&diags);
}

/* `steps`: meetings of one decoded token, the head apart. */
static void test_shape(const char *name, const shape *s, size_t steps, const char *golden) {
  ig_diags diags = {0};
  ig_context *context = ig_context_create(&diags);
  ig_module module = ig_module_create(context);
  ig_program_plan plan;
  build(module, s);
  bool ok = ig_run_passes(module, &(ig_pass_options){.layout = "x86_64.r16"}, &diags) && plan_of(name, context, module, &plan, &diags);
  CHECK(ok, "%s does not lower", name);
  show(&diags);
  if (ok) {
    CHECK(plan.phase[IG_PHASE_DECODE].n_steps == steps, "%s: decode takes %zu steps, not %zu", name, plan.phase[IG_PHASE_DECODE].n_steps, steps);
    CHECK(plan.phase[IG_PHASE_HEAD].n_steps == 1, "%s: the head takes %zu steps", name, plan.phase[IG_PHASE_HEAD].n_steps);
  }
  if (ok && golden) {
    ig_text text = {0};
    ig_plan_print(&plan, &text);
    compare(golden, text.data);
    ig_text_finish(&text);
  }
  ig_module_destroy(module);
  ig_context_destroy(context);
  ig_diags_finish(&diags);
}

/* Functions as text, for what the pipeline would never leave. `body` makes %9 of %0 and %1 (the embedding). */
static void test_text(const char *body, const char *complaint) {
  const char *types = "tensor<?x64xf32>";
  ig_text text = {0};
  ig_text_printf(&text, "module {\n");
  for (int i = 0; i < 2; i++)
    ig_text_printf(&text,
                   "func.func @%s(%%t: tensor<?xi32>, %%p: i32) -> %s {\n"
                   "%%w = \"ig.weight\"() {bytes = 131072 : i64, name = \"e\", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = \"f32\", layout = "
                   "\"x86_64.r16\"}>\n"
                   "%%m = \"ig.weight\"() {bytes = 16384 : i64, name = \"m\", offset = 204800 : i64} : () -> tensor<64x64xi8, {format = \"f32\", layout = "
                   "\"x86_64.r16\"}>\n"
                   "%%g = \"ig.weight\"() {bytes = 256 : i64, name = \"g\", offset = 221184 : i64} : () -> tensor<64xf32, {format = \"f32\"}>\n"
                   "%%x = \"ig.embed\"(%%t, %%w) : (tensor<?xi32>, tensor<512x64xi8, {format = \"f32\", layout = \"x86_64.r16\"}>) -> %s\n%s"
                   "return %%y : %s }\n",
                   i ? "decode" : "prefill", types, types, body, types);
  for (int i = 0; i < 2; i++)
    ig_text_printf(&text,
                   "func.func @%s(%%x: %s) -> tensor<?x512xf32> {\n"
                   "%%w = \"ig.weight\"() {bytes = 131072 : i64, name = \"e\", offset = 4096 : i64} : () -> tensor<512x64xi8, {format = \"f32\", layout = "
                   "\"x86_64.r16\"}>\n"
                   "%%y = \"ig.linear\"(%%x, %%w) : (%s, tensor<512x64xi8, {format = \"f32\", layout = \"x86_64.r16\"}>) -> tensor<?x512xf32>\n"
                   "return %%y : tensor<?x512xf32> }\n",
                   i ? "head_rows" : "head", types, types);
  ig_text_printf(&text, "}\n");
  ig_diags diags = {0};
  ig_context *context = ig_context_create(&diags);
  ig_module module;
  ig_program_plan plan;
  bool parsed = ig_module_parse(context, (ig_str){text.data, text.size}, "test", &module, &diags) && ig_verify(module, &diags);
  CHECK(parsed, "the test's own graph does not parse");
  bool ok = parsed && plan_of("text", context, module, &plan, &diags);
  CHECK(ok == !complaint, "lowering %s where it should not", ok ? "succeeds" : "fails");
  bool said = !complaint;
  for (size_t i = 0; i < diags.count; i++) said |= complaint && strstr(diags.items[i].text, complaint);
  CHECK(said, "nobody says `%s`", complaint);
  if (!said || (!ok && !complaint)) show(&diags);
  if (parsed) ig_module_destroy(module);
  ig_context_destroy(context);
  ig_diags_finish(&diags);
  ig_text_finish(&text);
}

#define X "tensor<?x64xf32>"
#define M "tensor<64x64xi8, {format = \"f32\", layout = \"x86_64.r16\"}>"
#define ATTENTION(q, k) \
  "%a = \"ig.attention\"(" q ", " k ", %k, %p) {head_dim = 8 : i64, heads = 8 : i64, kv_heads = 8 : i64, layer = 0 : i64, scale = 1.0 : f32} : (" X ", " X \
  ", " X ", i32) -> " X "\n"
#define FUSED_ADD(y, x, residual) \
  y " = \"ig.fused_linear\"(" x ", %m, " residual \
    ") {epilogue = \"add\", operandSegmentSizes = array<i32: 1, 0, 1, 0, 0, 1, 0, 0, 0>, resultSegmentSizes = array<i32: 1, 0, 0>} : (" X ", " M ", " X \
    ") -> " X "\n"

int main(void) {
  shape mixed = {1, 256, 4, 2, 64, 512, 1000, "q6_k", "q4_k", "q8_0", "f16", "q4_k", "q4_k", "q8_0", "q6_k", 0};
  test_shape("mixed", &mixed, 7, "plan_mixed.txt"); /* gate and up of two formats meet once more */
  shape f32 = {3, 64, 8, 4, 8, 172, 512, "f32", "f32", "f32", "f32", "f32", "f32", "f32", "f32", 0};
  test_shape("f32", &f32, 1 + 5 * 3, NULL);
  shape q4 = {12, 512, 8, 8, 64, 1536, 32000, "q4_0", "q4_0", "q4_0", "q4_0", "q4_0", "q4_0", "q4_0", "q4_0", 0};
  test_shape("q4_0", &q4, 1 + 5 * 12, NULL);
  shape k_m = {2, 256, 4, 4, 64, 768, 300000, "q6_k", "q4_k", "q4_k", "q6_k", "q4_k", "q4_k", "q4_k", "q6_k", 0};
  test_shape("a vocabulary whose rows are beyond a MiB", &k_m, 1 + 5 * 2, NULL);

  shape mixture = {1, 256, 4, 2, 64, 512, 1000, "q8_0", "q8_0", "q8_0", "q8_0", "q8_0", "q4_k", "q4_k", "q6_k", 8};
  test_shape("experts", &mixture, 1 + 6, "plan_experts.txt"); /* the router's meeting more */

  /* Ops that stand alone: norm and linear have kernels, also a gate by itself; the sum is where the residual is. */
  test_text("%n = \"ig.rms_norm\"(%x, %g) {eps = 1.0e-5 : f32} : (" X ", tensor<64xf32, {format = \"f32\"}>) -> " X "\n"
            "%a = \"ig.linear\"(%n, %m) : (" X ", " M ") -> " X "\n%b = \"ig.linear\"(%n, %m) : (" X ", " M ") -> " X "\n"
            "%s = \"ig.silu\"(%a) : (" X ") -> " X "\n%c = \"ig.mul\"(%b, %s) : (" X ", " X ") -> " X "\n" FUSED_ADD("%y", "%c", "%x"),
            NULL);
  test_text("%a = \"ig.linear\"(%x, %m) : (" X ", " M ") -> " X "\n%y = \"ig.add\"(%x, %a) : (" X ", " X ") -> " X "\n", "ig.add in @decode has no kernel");
  test_text("%a = \"ig.linear\"(%x, %m) : (" X ", " M ") -> " X "\n"
            "%y = \"ig.rms_norm\"(%a, %g, %x) {eps = 1.0e-5 : f32} : (" X ", tensor<64xf32, {format = \"f32\"}>, " X ") -> " X "\n",
            NULL);
  test_text("%y = \"ig.rms_norm\"(%x, %g, %x) {eps = 1.0e-5 : f32} : (" X ", tensor<64xf32, {format = \"f32\"}>, " X ") -> " X "\n",
            "adds to a value that it also reads");
  test_text("%y = \"ig.scale\"(%x) {factor = 8.0 : f32} : (" X ") -> " X "\n", NULL);
  test_text("%a = \"ig.scale\"(%x) {factor = 8.0 : f32} : (" X ") -> " X "\n" FUSED_ADD("%y", "%a", "%x"), "works in place");
  test_text("%q = \"ig.linear\"(%x, %m) : (" X ", " M ") -> " X "\n%k = \"ig.linear\"(%x, %m) : (" X ", " M ") -> " X "\n" ATTENTION("%q", "%k")
                FUSED_ADD("%y", "%a", "%x"),
            NULL); /* without positions */
  test_text("%t1 = \"ig.rope_table\"() {frequencies = array<i64: 7>} : () -> tensor<1xi64>\n%q = \"ig.linear\"(%x, %m) : (" X ", " M ") -> " X "\n"
            "%k = \"ig.linear\"(%x, %m) : (" X ", " M ") -> " X "\n"
            "%r = \"ig.rope\"(%q, %p, %t1) {head_dim = 8 : i64, heads = 8 : i64} : (" X ", i32, tensor<1xi64>) -> " X "\n" ATTENTION("%r", "%k")
                FUSED_ADD("%y", "%a", "%x"),
            "ropes of one table, or both from none");
  test_text("%y = \"ig.linear\"(%x, %m) : (" X ", " M ") -> " X "\n", "does not end in the rows that the embedding began");
  test_text("%a = \"ig.linear\"(%x, %m) : (" X ", " M ") -> " X "\n" FUSED_ADD("%b", "%a", "%x") FUSED_ADD("%c", "%b", "%x") FUSED_ADD("%y", "%c", "%b"),
            "read again later");
  test_text(FUSED_ADD("%y", "%x", "%x"), "adds to a value that it also reads");
  ig_arena_finish(&arena);
  return failures > 0;
}
