/* ingot inspect: what is in a model file or a bundle, as far as a person or a script wants to know before using it. */
#include "memory_need.h"

#include <string.h>
#include <sys/stat.h>
#include "driver/planned.h"
#include "driver/report.h"

/* Tensors by format. */
typedef struct share {
  const char *format;
  uint32_t gguf_type, tensors;
  uint64_t bytes, values;
  bool known;
} share;

enum { FORMATS_MOST = 64 };

static const char *format_name(cli *c, uint32_t type) {
  const char *name = ig_gguf_type_name(type);
  return name ? name : ig_format(&c->arena, "type %u", type);
}

static uint64_t values_of(const ig_tensor *t) { return t->ne[0] * t->ne[1] * t->ne[2] * t->ne[3]; }

static uint32_t count_shares(cli *c, const ig_model *m, share *shares) {
  uint32_t n = 0;
  for (uint32_t i = 0; i < m->n_tensors; i++) {
    const ig_tensor *t = &m->tensors[i];
    uint32_t k = 0;
    while (k < n && shares[k].gguf_type != t->gguf_type) k++;
    if (k == FORMATS_MOST) continue;
    if (k == n) shares[n++] = (share){.format = format_name(c, t->gguf_type), .gguf_type = t->gguf_type, .known = t->format != NULL};
    shares[k].tensors++;
    shares[k].bytes += t->bytes;
    shares[k].values += values_of(t);
  }
  for (uint32_t i = 1; i < n; i++) /* largest first */
    for (uint32_t k = i; k && shares[k - 1].bytes < shares[k].bytes; k--) {
      share swap = shares[k];
      shares[k] = shares[k - 1];
      shares[k - 1] = swap;
    }
  return n;
}

/* Contexts that people ask for, up to the model's own; 0 after the last. */
static uint64_t context_at(const ig_model *m, int i) {
  static const uint32_t usual[] = {2048, 4096, 8192, 32768, 131072};
  for (size_t k = 0; k < sizeof usual / sizeof *usual; k++)
    if (usual[k] < m->n_context && i-- == 0) return usual[k];
  return i == 0 ? m->n_context : 0;
}

/* Parameters that a token meets: all but those of the experts that it does not choose. */
static uint64_t active_values(const ig_model *m) {
  uint64_t values = 0;
  for (uint32_t i = 0; i < m->n_tensors; i++) {
    const ig_tensor *t = &m->tensors[i];
    bool experts = (t->n_dims == 3 && t->ne[2] == m->n_experts) || (t->n_dims == 2 && t->ne[1] == m->n_experts && strstr(t->name, "_exps."));
    values += experts && m->n_experts_used < m->n_experts ? values_of(t) / m->n_experts * m->n_experts_used : values_of(t);
  }
  return values;
}

static const char *shape(cli *c, const ig_tensor *t) {
  const char *text = "";
  for (uint32_t i = 0; i < t->n_dims && i < 4; i++) text = ig_format(&c->arena, "%s%s%llu", text, i ? " x " : "", (unsigned long long)t->ne[i]);
  return text;
}

/* What compiling makes of it, for this machine's target where there is one: its plan, or why there is none. */
typedef struct outcome {
  bool compiles;
  const char *why, *target;
  ig_program_plan plan;
} outcome;

static outcome outcome_of(cli *c, const char *path) {
  const ig_platform *native = ig_platform_find("native"), *platform = native ? native : ig_platform_at(0);
  ig_planned planned;
  ig_diags diags = {.count = 0};
  outcome o = {.why = "no reason is known", .target = platform->target->name};
  o.compiles = ig_plan_model(&planned, &(ig_compile_options){.model = path, .name = "inspect", .platform = platform}, &c->arena, &diags);
  if (o.compiles) o.plan = planned.plan, ig_model_close(&planned.model);
  for (size_t i = diags.count; i-- > 0;)
    if (diags.items[i].severity == IG_ERROR) o.why = ig_format(&c->arena, "%s", diags.items[i].text);
  ig_diags_finish(&diags);
  return o;
}

static void print_outcome(cli *c, const outcome *o) {
  if (!o->compiles) {
    printf("compiles      no: %s\n", o->why);
    return;
  }
  printf("compiles      for %s: weights of %s, %zu kernels for each variant:", o->target, cli_bytes(c, o->plan.weights_bytes), o->plan.n_kernels);
  int column = 200;
  for (size_t i = 0; i < o->plan.n_kernels; i++) {
    const char *name = o->plan.kernel[i].info.name;
    if (column + (int)strlen(name) > 120) column = printf("\n ") - 1;
    column += printf(" %s", name);
  }
  printf("\n");
}

static void print_text(cli *c, const ig_model *m, bool tensors) {
  share shares[FORMATS_MOST];
  uint32_t n = count_shares(c, m, shares);
  uint64_t bytes = 0, values = 0;
  for (uint32_t i = 0; i < n; i++) {
    bytes += shares[i].bytes;
    values += shares[i].values;
  }
  printf("file          %s, %s\n", cli_shown(c, m->file.path), cli_bytes(c, m->file.size));
  printf("architecture  %s%s%s\n", m->architecture ? m->architecture : "not said", m->name && *m->name ? ", " : "", m->name ? m->name : "");
  printf("shape         %u layers, %u wide, %u heads over %u KV heads of %u, feed-forward %u, context %u, %u tokens\n", m->n_layer, m->n_embd, m->n_heads,
         m->n_kv_heads, m->head_dim, m->n_ff, m->n_context, m->n_vocab);
  if (m->n_experts)
    printf("experts       %u, %u for each token, feed-forward %u each; a token meets %llu parameters\n", m->n_experts, m->n_experts_used, m->n_ff_expert,
           (unsigned long long)active_values(m));
  printf("weights       %u tensors, %llu parameters, %s, %.2f bits a parameter\n", m->n_tensors, (unsigned long long)values, cli_bytes(c, bytes),
         values ? 8.0 * (double)bytes / (double)values : 0.0);
  for (uint32_t i = 0; i < n; i++)
    printf("  %-10s  %5.1f %%  %u tensors, %s%s\n", shares[i].format, bytes ? 100.0 * (double)shares[i].bytes / (double)bytes : 0.0, shares[i].tensors,
           cli_bytes(c, shares[i].bytes), shares[i].known ? "" : "; ingot does not know this format");
  const cli_need need = cli_need_of(m);
  printf("memory        KV cache %s a position; about, all together:\n", cli_bytes(c, need.kv));
  for (int i = 0; context_at(m, i); i++)
    printf("  %7llu positions  %s\n", (unsigned long long)context_at(m, i), cli_bytes(c, cli_need_bytes(&need, context_at(m, i))));
  static const char *const kinds[] = {"SentencePiece", "byte-level BPE", "WordPiece", "unigram"};
  if (m->tokenizer.present)
    printf("tokenizer     %s, %u pieces%s\n", kinds[m->tokenizer.kind], m->tokenizer.n, m->tokenizer.add_bos ? ", begins with bos" : "");
  else printf("tokenizer     none that ingot knows%s%s\n", m->tokenizer.missing ? ": " : "", m->tokenizer.missing ? m->tokenizer.missing : "");
  printf("template      %s\n",
         m->chat_template.present
             ? ig_format(&c->arena, "yes, %zu bytes of Jinja in %u bytes of code", strlen(m->chat_template.source), m->chat_template.code_size)
             : m->chat_template.source ? "not one that ingot can run"
                                       : "none");
  const outcome o = outcome_of(c, m->file.path);
  print_outcome(c, &o);
  for (uint32_t i = 0; tensors && i < m->n_tensors; i++) {
    const ig_tensor *t = &m->tensors[i];
    printf("  %-40s %-8s %-24s %12llu bytes at %llu\n", t->name, format_name(c, t->gguf_type), shape(c, t), (unsigned long long)t->bytes,
           (unsigned long long)t->offset);
  }
}

static void json_text(const char *key, const char *text) {
  printf(", \"%s\": ", key);
  if (text) cli_json_string(stdout, text);
  else printf("null");
}

static void print_json(cli *c, const ig_model *m, bool tensors) {
  share shares[FORMATS_MOST];
  uint32_t n = count_shares(c, m, shares);
  const cli_need need = cli_need_of(m);
  printf("{\"file\": ");
  cli_json_string(stdout, m->file.path);
  printf(", \"file_bytes\": %llu", (unsigned long long)m->file.size);
  json_text("architecture", m->architecture);
  json_text("name", m->name);
  printf(", \"n_layer\": %u, \"n_embd\": %u, \"n_head\": %u, \"n_head_kv\": %u, \"head_dim\": %u, \"n_ff\": %u, \"n_context\": %u, \"n_vocab\": %u", m->n_layer,
         m->n_embd, m->n_heads, m->n_kv_heads, m->head_dim, m->n_ff, m->n_context, m->n_vocab);
  if (m->n_experts)
    printf(", \"n_experts\": %u, \"n_experts_used\": %u, \"n_ff_expert\": %u, \"active_parameters\": %llu", m->n_experts, m->n_experts_used, m->n_ff_expert,
           (unsigned long long)active_values(m));
  printf(", \"kv_bytes_per_position\": %llu, \"memory\": [", (unsigned long long)need.kv);
  for (int i = 0; context_at(m, i); i++)
    printf("%s{\"n_context\": %llu, \"bytes\": %llu}", i ? ", " : "", (unsigned long long)context_at(m, i),
           (unsigned long long)cli_need_bytes(&need, context_at(m, i)));
  printf("], \"formats\": [");
  for (uint32_t i = 0; i < n; i++) {
    printf("%s{\"format\": ", i ? ", " : "");
    cli_json_string(stdout, shares[i].format);
    printf(", \"known\": %s, \"tensors\": %u, \"bytes\": %llu, \"parameters\": %llu}", shares[i].known ? "true" : "false", shares[i].tensors,
           (unsigned long long)shares[i].bytes, (unsigned long long)shares[i].values);
  }
  printf("], \"tokenizer\": %s, \"chat_template\": %s", m->tokenizer.present ? "true" : "false", m->chat_template.present ? "true" : "false");
  const outcome o = outcome_of(c, m->file.path);
  printf(", \"compiles\": %s", o.compiles ? "true" : "false");
  if (!o.compiles) json_text("why_not", o.why);
  else {
    printf(", \"weights_bytes\": %llu, \"kernels\": [", (unsigned long long)o.plan.weights_bytes);
    for (size_t i = 0; i < o.plan.n_kernels; i++) printf("%s\"%s\"", i ? ", " : "", o.plan.kernel[i].info.name);
    printf("]");
  }
  if (tensors) printf(", \"tensors\": [");
  for (uint32_t i = 0; tensors && i < m->n_tensors; i++) {
    const ig_tensor *t = &m->tensors[i];
    printf("%s\n  {\"name\": ", i ? "," : "");
    cli_json_string(stdout, t->name);
    printf(", \"format\": ");
    cli_json_string(stdout, format_name(c, t->gguf_type));
    printf(", \"shape\": [");
    for (uint32_t k = 0; k < t->n_dims && k < 4; k++) printf("%s%llu", k ? ", " : "", (unsigned long long)t->ne[k]);
    printf("], \"offset\": %llu, \"bytes\": %llu}", (unsigned long long)t->offset, (unsigned long long)t->bytes);
  }
  printf("%s}\n", tensors ? "]" : "");
}

/* A bundle says everything in its report. */
static int print_report(cli *c, const char *bundle) {
  ig_str report;
  if (!ig_read_report(bundle, &c->arena, &report, &c->diags)) return cli_report(c), CLI_FAILED;
  fwrite(report.data, 1, report.size, stdout);
  return CLI_DONE;
}

int cmd_inspect(cli *c, int argc, char **argv) {
  bool tensors = false, json = false;
  const cli_option options[] = {
    {"--tensors", NULL, CLI_FLAG, &tensors, NULL, "every tensor too"},
    {"--json", NULL, CLI_FLAG, &json, NULL, "as one JSON object"},
  };
  if (!CLI_PARSE(c, argc, argv, "MODEL.gguf|BUNDLE", 1, 1, options)) return c->status;
  struct stat st;
  if (stat(c->args[0], &st) == 0 && S_ISDIR(st.st_mode)) return print_report(c, c->args[0]);
  ig_model m = {.n_tensors = 0};
  bool opened = ig_model_open(&m, c->args[0], &c->diags);
  int status = cli_report(c);
  if (!opened) status = CLI_FAILED;
  else if (json) print_json(c, &m, tensors);
  else print_text(c, &m, tensors);
  ig_model_close(&m);
  return status;
}
