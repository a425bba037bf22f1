/* ingot fit: whether a model and its context fit into so much memory, with 20 % left over; and if not, which context would. */
#include "memory_need.h"

int cmd_fit(cli *c, int argc, char **argv) {
  uint32_t context = 0;
  uint64_t ram = 0;
  bool json = false;
  const cli_option options[] = {
    {"--ram", NULL, CLI_SIZE, &ram, "SIZE", "the memory there is: 4GiB, 512MiB, ..."},
    {"-c", "--ctx", CLI_U32, &context, "N", "positions of the context (default: the model's, at most 4096)"},
    {"--json", NULL, CLI_FLAG, &json, NULL, "as one JSON object"},
  };
  if (!CLI_PARSE(c, argc, argv, "MODEL.gguf", 1, 1, options)) return c->status;
  if (!ram) return cli_usage(c, "--ram is missing: the memory there is, say 4GiB");
  ig_model m = {.n_tensors = 0};
  const bool opened = ig_model_open(&m, c->args[0], &c->diags);
  int status = cli_report(c);
  if (!opened) {
    ig_model_close(&m);
    return CLI_FAILED;
  }
  if (!context) context = m.n_context && m.n_context < 4096 ? m.n_context : 4096;
  const cli_need need = cli_need_of(&m);
  const uint64_t bytes = cli_need_bytes(&need, context), most = m.n_context ? m.n_context : UINT32_MAX, longest = cli_need_context(&need, ram, most);
  const bool fits = bytes <= ram / 6 * 5, beyond = m.n_context && context > m.n_context;
  if (json)
    printf("{\"fits\": %s, \"n_context\": %u, \"ram_bytes\": %llu, \"need_bytes\": %llu, \"weights_bytes\": %llu, \"working_bytes\": %llu, "
           "\"kv_bytes_per_position\": %llu, "
           "\"longest_context\": %llu}\n",
           fits && !beyond ? "true" : "false", context, (unsigned long long)ram, (unsigned long long)bytes, (unsigned long long)need.weights,
           (unsigned long long)need.working, (unsigned long long)need.kv, (unsigned long long)longest);
  else {
    printf("%s: about %s for a context of %u: weights %s, context %s, working memory %s\n", fits && !beyond ? "fits" : "does not fit", cli_bytes(c, bytes),
           context, cli_bytes(c, need.weights), cli_bytes(c, cli_need_bytes(&need, context) - cli_need_bytes(&need, 0)), cli_bytes(c, need.working));
    if (beyond) printf("the model was trained for a context of %u\n", m.n_context);
    if (longest) printf("with 20 %% left over %s hold a context of %llu\n", cli_bytes(c, ram), (unsigned long long)longest);
    else printf("with 20 %% left over %s hold no context at all: it takes %s and more\n", cli_bytes(c, ram), cli_bytes(c, cli_need_bytes(&need, 128) / 5 * 6));
  }
  if (status == CLI_DONE && (!fits || beyond)) status = CLI_FAILED;
  ig_model_close(&m);
  return status;
}
