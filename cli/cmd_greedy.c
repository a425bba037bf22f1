/* ingot greedy: the most likely continuation of given token ids, one id a line; ends of text do not end it. */
#include "cli.h"

static ingot_token best(const ingot_session *session) {
  uint32_t n = 0, at = 0;
  const float *logits = ingot_logits(session, &n);
  for (uint32_t i = 1; i < n; i++)
    if (logits[i] > logits[at]) at = i;
  return (ingot_token)at;
}

int cmd_greedy(cli *c, int argc, char **argv) {
  cli_model_options o = {.threads = 1};
  uint32_t n = 64;
  const char *file = NULL;
  const cli_option options[] = {
    CLI_MODEL_OPTIONS(o),
    {"-n", "--predict", CLI_U32, &n, "N", "ids to print (default: 64)"},
    {"-f", "--file", CLI_TEXT, &file, "IDS.txt", "ids from a file, before those of the command line"},
  };
  if (!CLI_PARSE(c, argc, argv, "MODEL [id ...]", 1, -1, options)) return c->status;
  cli_ids ids;
  cli_model m;
  if (!cli_read_ids(c, 1, file, &ids) || !cli_open_for_ids(c, &m, c->args[0], &o, &ids, n)) return CLI_FAILED;

  int status = CLI_DONE;
  ingot_error error = {INGOT_OK, ""};
  ingot_status s = n ? ingot_append(m.session, ids.v, ids.n, &error) : INGOT_OK;
  for (uint32_t k = 0; k < n && s == INGOT_OK; k++) {
    ingot_token id = best(m.session);
    printf("%d\n", id);
    fflush(stdout);
    if (ferror(stdout)) break; /* main tells it */
    if (k + 1 < n) s = ingot_append(m.session, &id, 1, &error);
  }
  if (s < 0) status = cli_fail(c, "%s: %s", c->args[0], error.message);
  cli_close(&m);
  return status;
}
