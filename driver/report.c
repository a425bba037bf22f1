#include "driver/report.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "driver/bundle_folder.h"
#include "driver/token_cost.h"
#include "driver/verify.h"
#include "runtime/ingot.h"

static void field(ig_text *out, const char *name, const char *value) {
  ig_text_printf(out, "  \"%s\": ", name);
  ig_text_add_json(out, ig_str_of(value));
  ig_text_printf(out, ",\n");
}

static void number(ig_text *out, const char *name, uint64_t value) { ig_text_printf(out, "  \"%s\": %llu,\n", name, (unsigned long long)value); }

static uint64_t meetings(const ig_program_plan *plan, ig_phase_kind kind) { return plan->phase[kind].n_steps; }

/* The last entry vouches for the text before it: a report tells what to verify, so a damaged one must be found too. */
static const char *ending(const char *text, size_t size, ig_arena *arena) {
  return ig_format(arena, "  \"report_sha256\": \"%s\"\n}\n", ig_sha256_text(text, size, arena));
}

static bool vouches_for_itself(ig_str report, ig_arena *arena) {
  const size_t size = strlen(ending("", 0, arena));
  return report.size > size && !strcmp(report.data + report.size - size, ending(report.data, report.size - size, arena));
}

void ig_write_report(const ig_program_plan *plan, const ig_report_facts *f, ig_text *out) {
  ig_token_cost cost = ig_cost_of_token(plan);
  ig_text_printf(out, "%s", ig_report_mark);
  ig_text_add_json(out, ig_str_of(ingot_version()));
  ig_text_printf(out, ",\n");
  field(out, "name", f->plan->name);
  field(out, "source", f->plan->source ? f->plan->source : "");
  field(out, "architecture", f->plan->architecture);
  field(out, "platform", f->platform->name);
  ig_text_printf(out, "  \"platforms\": [\"%s\"", f->leading->name);
  for (uint32_t i = 0; i < f->n_more; i++) ig_text_printf(out, ", \"%s\"", f->more[i]->name);
  ig_text_printf(out, "],\n");
  field(out, "layout", f->platform->target->layout);
  number(out, "n_vocab", f->plan->n_vocab);
  number(out, "n_embd", f->plan->n_embd);
  number(out, "n_layer", f->plan->n_layer);
  number(out, "n_context", plan->n_context);
  number(out, "chunk", plan->chunk);
  number(out, "source_bytes", f->source_bytes);
  field(out, "main_format", cost.main_format);
  number(out, "parameters", cost.parameters);
  number(out, "tensor_bytes", cost.tensor_bytes);
  number(out, "decode_tensor_bytes", cost.decode_tensor_bytes);
  number(out, "decode_offset", cost.decode_offset);
  number(out, "decode_bytes", cost.decode_bytes);
  number(out, "prefill_macs_int8", cost.prefill_macs_int8);
  number(out, "prefill_macs_f32", cost.prefill_macs_f32);
  number(out, "weights_bytes", plan->weights_bytes);
  number(out, "plan_bytes", f->plan_bytes);
  number(out, "library_bytes", f->library_bytes);
  number(out, "arena_bytes", plan->arena_bytes);
  number(out, "private_bytes_per_thread", plan->private_bytes);
  number(out, "kv_bytes_per_position", plan->kv_position_bytes);
  number(out, "kv_bytes_at_most", plan->kv_position_bytes * plan->n_context);
  number(out, "model_bytes", f->promise.model);
  number(out, "scratch_bytes_per_thread", f->promise.scratch);
  number(out, "session_bytes_at_most", f->promise.kv + f->promise.arena + f->promise.session);
  number(out, "decode_steps", meetings(plan, IG_PHASE_DECODE) + meetings(plan, IG_PHASE_HEAD));
  number(out, "prefill_steps", meetings(plan, IG_PHASE_PREFILL));
  if (f->prefix_tokens) number(out, "prefix_tokens", f->prefix_tokens);
  field(out, "header_sha256", f->header_sha256);
  field(out, "library_sha256", f->library_sha256);
  field(out, "plan_sha256", f->plan_sha256);
  if (f->prefix_sha256) field(out, "prefix_sha256", f->prefix_sha256);
  field(out, "weights_root", f->weights_root);
  ig_text_printf(out, "  \"variants\": [");
  for (uint32_t i = 0; i < f->n_variants; i++) ig_text_printf(out, "%s\"%s\"", i ? ", " : "", f->variants[i]->name);
  ig_text_printf(out, "],\n  \"code_bytes\": {");
  for (uint32_t i = 0; i < f->n_variants; i++) ig_text_printf(out, "%s\"%s\": %llu", i ? ", " : "", f->variants[i]->name, (unsigned long long)f->code[i].bytes);
  ig_text_printf(out, "},\n  \"short_kernels\": {");
  for (uint32_t i = 0; i < f->n_variants; i++) ig_text_printf(out, "%s\"%s\": %u", i ? ", " : "", f->variants[i]->name, f->code[i].n_short);
  ig_text_printf(out, "},\n  \"kernels\": [");
  for (size_t i = 0; i < plan->n_kernels; i++) ig_text_printf(out, "%s\n    \"%s\"", i ? "," : "", plan->kernel[i].info.name);
  ig_text_printf(out, "\n  ],\n");
  ig_arena arena = {0};
  const char *end = ending(out->data, out->size, &arena);
  ig_text_add(out, end, strlen(end));
  ig_arena_finish(&arena);
}

/* Each entry of a report is a line of its own: two spaces, the name, the value. */
static const char *value_of(const char *report, const char *name) {
  for (const char *line = report; line; line = strchr(line, '\n')) {
    line += *line == '\n';
    size_t n = strlen(name);
    if (!strncmp(line, "  \"", 3) && !strncmp(line + 3, name, n) && !strncmp(line + 3 + n, "\": ", 3)) return line + 3 + n + 3;
  }
  return NULL;
}

bool ig_report_number(const char *report, const char *name, uint64_t *value) {
  const char *at = value_of(report, name);
  if (!at || *at < '0' || *at > '9') return false;
  *value = strtoull(at, NULL, 10);
  return true;
}

const char *ig_report_word(const char *report, const char *name, ig_arena *arena) {
  const char *at = value_of(report, name);
  if (!at || *at != '"') return NULL;
  size_t n = strcspn(at + 1, "\"\\\n");
  return at[1 + n] == '"' ? ig_format(arena, "%.*s", (int)n, at + 1) : NULL;
}

bool ig_report_lists(const char *report, const char *name, const char *word) {
  const char *at = value_of(report, name);
  if (!at || *at != '[') return false;
  const size_t line = strcspn(at, "\n"), n = strlen(word);
  for (const char *c = at; (c = memchr(c, '"', line - (size_t)(c - at))); c++)
    if (!strncmp(c + 1, word, n) && c[1 + n] == '"') return true;
  return false;
}

bool ig_is_bundle_name(const char *name) {
  if (!isalpha((unsigned char)*name)) return false; /* a leading underscore belongs to the C library */
  for (; *name; name++)
    if (!isalnum((unsigned char)*name) && *name != '_') return false;
  return true;
}

bool ig_read_report(const char *folder, ig_arena *arena, ig_str *report, ig_diags *diags) {
  enum { MOST = 1 << 24 };
  const char *path = ig_format(arena, "%s/report.json", folder);
  if (!ig_read_small_file(path, MOST, arena, report, diags)) return false;
  bool ok = !strncmp(report->data, ig_report_mark, strlen(ig_report_mark));
  for (size_t i = 0, n; ok && i < report->size; i += n) {
    n = report->data[i] == '\n' ? 1 : ig_character((ig_str){report->data + i, report->size - i});
    ok = n > 0;
  }
  const char *name = ok ? ig_report_word(report->data, "name", arena) : NULL;
  return (name && ig_is_bundle_name(name) && vouches_for_itself(*report, arena)) ||
      ig_error(diags, path, "was not written by ingot, or is damaged: take the bundle again from where it came");
}
