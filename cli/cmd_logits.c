/* ingot logits: raw float32 rows, n_vocab each, of given token ids. The arguments and the output are those of llrun (README). */
#include "cli.h"

#include <errno.h>
#include <math.h>
#include <string.h>

typedef struct sink {
  FILE *to;
  uint32_t rows, argmax;
  bool finite;
} sink;

static bool write_row(void *user, uint32_t position, const float *logits, uint32_t n_vocab) {
  (void)position;
  sink *s = user;
  s->rows++;
  s->argmax = 0;
  for (uint32_t i = 0; i < n_vocab; i++) {
    if (logits[i] > logits[s->argmax]) s->argmax = i;
    s->finite &= isfinite(logits[i]) != 0;
  }
  return fwrite(logits, sizeof(float), n_vocab, s->to) == n_vocab;
}

/* `batch` tokens a call; in the end the last row, or on the way every row. */
static ingot_status feed(cli_model *m, const cli_ids *ids, size_t batch, bool all, sink *s, ingot_error *error) {
  for (size_t at = 0; at < ids->n; at += batch) {
    size_t n = ids->n - at < batch ? ids->n - at : batch;
    ingot_status status = all && n > 1 ? ingot_append_logits(m->session, ids->v + at, n, write_row, s, error) : ingot_append(m->session, ids->v + at, n, error);
    if (status != INGOT_OK) return status;
    uint32_t n_vocab = 0;
    const float *logits = ingot_logits(m->session, &n_vocab);
    bool wanted = all ? n == 1 : at + n == ids->n;
    if (wanted && !write_row(s, 0, logits, n_vocab)) return INGOT_STOPPED;
  }
  return INGOT_OK;
}

int cmd_logits(cli *c, int argc, char **argv) {
  cli_model_options o = {.threads = 1};
  bool all = false, step = false;
  uint32_t batch = 0;
  const char *file = NULL;
  const cli_option options[] = {
    CLI_MODEL_OPTIONS(o),
    {"--all", NULL, CLI_FLAG, &all, NULL, "a row for every position (default: the last only)"},
    {"--step", NULL, CLI_FLAG, &step, NULL, "token by token, as in decode (default: as one batch)"},
    {"-ub", "--batch", CLI_U32, &batch, "N", "at most N tokens a call"},
    {"-f", "--file", CLI_TEXT, &file, "IDS.txt", "ids from a file, before those of the command line"},
  };
  if (!CLI_PARSE(c, argc, argv, "MODEL OUT.f32 [id ...]", 2, -1, options)) return c->status;
  cli_ids ids;
  cli_model m;
  if (!cli_read_ids(c, 2, file, &ids) || !cli_open_for_ids(c, &m, c->args[0], &o, &ids, 8)) return CLI_FAILED;

  const char *out = c->args[1];
  int status = CLI_DONE;
  sink s = {.to = fopen(out, "wb"), .finite = true};
  if (s.to) {
    ingot_error error = {INGOT_OK, ""};
    double from = cli_now();
    ingot_status fed = feed(&m, &ids, step ? 1 : batch ? batch : ids.n, all, &s, &error);
    double took = cli_now() - from;
    int closed = fclose(s.to);
    if (fed < 0) status = cli_fail(c, "%s: %s", c->args[0], error.message);
    else if (fed != INGOT_OK || closed) status = cli_fail(c, "%s: %s", out, strerror(errno));
    else
      printf("ingot %s (%s): %u x %u float32 -> %s (%.1f ms), argmax of last %u\n", ingot_version(), m.info.variant, s.rows, m.info.n_vocab, out, 1e3 * took,
             s.argmax);
    if (status == CLI_DONE && !s.finite) status = cli_fail(c, "%s: non-finite logits", c->args[0]);
  } else {
    status = cli_fail(c, "%s: %s", out, strerror(errno));
  }
  cli_close(&m);
  return status;
}
