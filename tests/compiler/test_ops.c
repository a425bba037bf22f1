/* Graphs: building, printing, parsing back, access, and what the verifier says. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ir/numerics.h"
#include "ir/ops.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

static void show(const ig_diags *diags) {
  for (size_t i = 0; i < diags->count; i++) printf("  %s: %s\n", diags->items[i].place, diags->items[i].text);
}

static const ig_value none;

static ig_value weight(ig_builder *b, const char *name, const char *format, uint64_t rows, uint64_t cols, uint64_t bytes) {
  b->location = name;
  return ig_build_weight(b, name, format, rows, cols, 64, bytes);
}

/* One of each op. */
static ig_module build(ig_context *context) {
  ig_module module = ig_module_create(context);
  ig_op f = ig_function_create(module, "forward");
  ig_builder b = {module, f, {0}, NULL};
  ig_value tokens = ig_function_argument(f, 0), pos = ig_function_argument(f, 1);
  ig_value embed = weight(&b, "token_embd.weight", "q8_0", 512, 64, 512 * 2 * 34);
  ig_value square = weight(&b, "blk.0.attn_q.weight", "f16", 64, 64, 64 * 64 * 2);
  ig_value half = weight(&b, "blk.0.attn_k.weight", "f32", 32, 64, 64 * 32 * 4);
  ig_value gain = weight(&b, "blk.0.attn_norm.weight", "f32", 0, 64, 64 * 4);
  uint64_t turns[4] = {1, 2, 3, UINT64_MAX};
  ig_value table = ig_build_rope_table(&b, turns, 4);
  ig_value x = ig_build_embed(&b, tokens, embed);
  ig_value n = ig_build_rms_norm(&b, x, gain, 1e-5f);
  ig_value q = ig_build_rope(&b, ig_build_linear(&b, n, square), pos, table, 8, 8);
  ig_value k = ig_build_linear(&b, n, half);
  ig_value y = ig_build_attention(&b, q, k, k, pos, 0, 8, 4, 8, 0.35f, (ig_value){0});
  y = ig_build_add(&b, x, y);
  y = ig_build_mul(&b, ig_build_silu(&b, y), y);
  ig_op fused = ig_build_fused_linear(&b, y, gain, (ig_value[]){square, half, half}, NULL, none, 1e-6f, "none");
  CHECK(ig_result_count(fused) == 3 && ig_dim(ig_result(fused, 1), 1) == 32, "results of a fused linear");
  CHECK(ig_same(ig_operand_role(fused, IG_ROLE_GAIN), gain) && ig_same(ig_operand_role(fused, IG_ROLE_W1), half), "roles");
  CHECK(!ig_operand_role(fused, IG_ROLE_RESIDUAL).handle, "an absent role");
  ig_op attention = ig_defining_op(ig_operand(ig_defining_op(ig_operand(ig_defining_op(y), 1)), 1));
  CHECK(ig_kind(attention) == IG_OP_attention, "defining op: %s", ig_op_name(ig_kind(attention)));
  ig_set_attr_int(attention, "layer", 1);
  ig_value r = ig_build_rope_attention(&b, ig_result(fused, 0), ig_result(fused, 1), ig_result(fused, 2), pos, table, attention);
  ig_set_attr_int(attention, "layer", 0);
  ig_op add = ig_build_fused_linear(&b, r, none, (ig_value[]){square, none, none}, NULL, x, 0, "add");
  CHECK(ig_same(ig_operand_role(add, IG_ROLE_RESIDUAL), x), "the residual's role");
  ig_op glu = ig_build_fused_linear(&b, ig_result(add, 0), none, (ig_value[]){half, half, none}, NULL, none, 0, "glu");
  CHECK(ig_result_count(glu) == 1, "results of a glu");
  b.location = "blk.0.ffn_gate_exps.weight";
  ig_value experts[3], scores = ig_build_linear(&b, n, weight(&b, "blk.0.ffn_gate_inp.weight", "f32", 4, 64, 4 * 64 * 4)),
                       bias = weight(&b, "blk.0.ffn_down_exps.bias", "f32", 4, 64, 4 * 64 * 4);
  for (int i = 0; i < 3; i++)
    experts[i] = ig_build_expert_weights(&b, "w", "f16", 4, 64, 64, 64, 4 * 64 * 64 * 2, i ? NULL : (int64_t[]){64, 20000, 40000, 60000});
  ig_op mixture = ig_build_experts(&b,
                                   (ig_value[IG_EXPERTS_ROLES]){[IG_EXPERTS_RESIDUAL] = x,
                                                                [IG_EXPERTS_X] = x,
                                                                [IG_EXPERTS_SCORES] = scores,
                                                                [IG_EXPERTS_GATE] = experts[0],
                                                                [IG_EXPERTS_UP] = experts[1],
                                                                [IG_EXPERTS_DOWN] = experts[2],
                                                                [IG_EXPERTS_GAIN] = gain,
                                                                [IG_EXPERTS_DOWN_BIAS] = bias},
                                   2, 1e-5f, 1.5f, 7);
  CHECK(ig_same(ig_operand_role(mixture, IG_EXPERTS_DOWN_BIAS), bias) && !ig_operand_role(mixture, IG_EXPERTS_UP_BIAS).handle, "roles of experts");
  ig_function_return(f, ig_result(glu, 0));
  return module;
}

static void test_round_trip(ig_context *context, ig_diags *diags) {
  ig_module module = build(context), again;
  ig_text first = {0}, second = {0};
  CHECK(ig_verify(module, diags), "the module does not verify");
  ig_module_print(module, &first);
  CHECK(ig_module_parse(context, (ig_str){first.data, first.size}, "test.mlir", &again, diags), "does not parse back");
  if (diags->errors) {
    show(diags);
    puts(first.data);
  } else {
    CHECK(ig_verify(again, diags), "does not verify after parsing");
    ig_module_print(again, &second);
    CHECK(!strcmp(first.data, second.data), "prints differently:\n%s\n%s", first.data, second.data);
    ig_arena arena = {0};
    ig_op f = ig_function_find(again, "forward"), w = ig_first_op(f);
    CHECK(!strcmp(ig_weight_format(ig_result(w, 0), &arena), "q8_0") && !ig_weight_layout(ig_result(w, 0), &arena), "format of the first weight");
    ig_weight_set_layout(w, "x86_64.r16");
    CHECK(!strcmp(ig_weight_layout(ig_result(w, 0), &arena), "x86_64.r16") && ig_dim(ig_result(w, 0), 0) == 512, "layout of the first weight");
    CHECK(ig_attr_int(w, "offset") == 64 && !strcmp(ig_attr_string(w, "name", &arena), "token_embd.weight"), "attributes of a weight");
    CHECK(!strncmp(ig_location(w, &arena), "test.mlir:", 10), "location %s", ig_location(w, &arena));
    CHECK(ig_verify(again, diags), "does not verify with a layout");
    ig_op clone = ig_function_clone(again, f, "copy");
    CHECK(ig_function_find(again, "copy").handle == clone.handle && ig_verify(again, diags), "clone");
    ig_value norm = {0};
    for (ig_op op = ig_first_op(clone); op.handle; op = ig_next_op(op))
      if (ig_kind(op) == IG_OP_fused_linear && ig_result_count(op) == 1 && !norm.handle) norm = ig_result(op, 0);
    ig_function_begin_at(clone, norm);
    CHECK(ig_verify(again, diags) && ig_dim(ig_function_argument(clone, 0), 1) == 64, "begin_at");
    int ops = 0;
    for (ig_op op = ig_first_op(clone); op.handle; op = ig_next_op(op)) ops++;
    CHECK(ops == 2, "%d ops are left after the cut", ops);
    ig_arena_finish(&arena);
    ig_module_destroy(again);
  }
  show(diags);
  ig_text_finish(&first), ig_text_finish(&second);
  ig_module_destroy(module);
}

int main(void) {
  ig_diags diags = {0};
  ig_context *context = ig_context_create(&diags);
  test_round_trip(context, &diags);
  ig_context_destroy(context);
  ig_diags_finish(&diags);
  return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
