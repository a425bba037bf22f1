/* ingot perplexity: bos + the text, tokenised once, in whole windows; the first token of each is bos again; tokens of the second half
 * are scored by the positions before them. What llama-perplexity does, so that the numbers can be laid side by side. */
#include "cli.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* Sums of the negative log-likelihood of the tokens seen so far. */
typedef struct score {
  const ingot_token *window;     /* the window's tokens; row p is scored against window[p + 1] */
  double sum, squares;
  uint64_t n;
} score;

static bool add_row(void *user, uint32_t position, const float *logits, uint32_t n_vocab) {
  score *s = user;
  float highest = logits[0];
  for (uint32_t i = 1; i < n_vocab; i++) highest = logits[i] > highest ? logits[i] : highest;
  double total = 0.0;
  for (uint32_t i = 0; i < n_vocab; i++) total += exp((double)logits[i] - (double)highest);
  double nll = log(total) - ((double)logits[s->window[position + 1]] - (double)highest);
  s->sum += nll;
  s->squares += nll * nll;
  s->n++;
  return true;
}

/* Standard error of the perplexity, by the delta method. */
static double error_of(const score *s) {
  double mean = s->sum / (double)s->n, variance = s->squares / (double)s->n - mean * mean;
  return s->n > 1 && variance > 0.0 ? sqrt(variance / (double)(s->n - 1)) * exp(mean) : 0.0;
}

static ingot_status score_window(cli_model *m, score *s, uint32_t size, ingot_error *error) {
  ingot_status status = ingot_rewind(m->session, 0, error);
  if (status == INGOT_OK) status = ingot_append(m->session, s->window, size / 2, error);
  if (status == INGOT_OK) status = ingot_append_logits(m->session, s->window + size / 2, size - size / 2 - 1, add_row, s, error);
  return status;
}

/* bos (where the model has one) and the text's tokens. */
static bool tokens_of(cli *c, const cli_model *m, const char *path, ig_str text, ingot_token **tokens, size_t *n) {
  if (text.size > INT32_MAX / 2) {
    cli_fail(c, "%s: %zu bytes are too many", path, text.size);
    return false;
  }
  int32_t count = ingot_tokenize(m->model, text.data, text.size, false, NULL, 0);
  size_t first = m->info.bos >= 0;
  if (count >= 0) {
    *tokens = ig_alloc_array(&c->arena, (size_t)count + 1, sizeof **tokens);
    **tokens = m->info.bos;
    *n = (size_t)count + first;
    count = ingot_tokenize(m->model, text.data, text.size, false, *tokens + first, count);
  }
  if (count < 0) cli_fail(c, "%s: the model cannot tokenise it%s", path, m->info.has_tokenizer ? "" : ": it has no tokenizer that ingot knows");
  return count >= 0;
}

int cmd_perplexity(cli *c, int argc, char **argv) {
  cli_model_options o = {.threads = 0};
  uint32_t size = 512, most = 0;
  const char *file = NULL;
  const cli_option options[] = {
    CLI_MODEL_OPTIONS(o),
    {"-f", "--file", CLI_TEXT, &file, "TEXT", "the text (- is standard input)"},
    {"-c", "--ctx", CLI_U32, &size, "N", "tokens of a window (default: 512)"},
    {"--chunks", NULL, CLI_U32, &most, "N", "at most N windows (default: all)"},
  };
  if (!CLI_PARSE(c, argc, argv, "MODEL -f TEXT", 1, 1, options)) return c->status;
  if (!file) return cli_usage(c, "-f is missing: the text to score");
  if (size < 4) return cli_usage(c, "-c %u: a window has at least 4 tokens", size);
  ig_str text;
  cli_model m;
  o.context = size;
  if (!cli_read_text(c, file, &text) || !cli_open(c, &m, c->args[0], &o, NULL)) return CLI_FAILED;

  ingot_token *tokens = NULL;
  size_t n = 0;
  int status = tokens_of(c, &m, file, text, &tokens, &n) ? CLI_DONE : CLI_FAILED;
  size_t windows = n / size;
  if (most && windows > most) windows = most;
  if (status == CLI_DONE && !windows) status = cli_fail(c, "%s: %zu tokens do not fill one window of %u", file, n, size);
  score s = {.n = 0};
  for (size_t w = 0; w < windows && status == CLI_DONE; w++) {
    ingot_error error = {INGOT_OK, ""};
    if (m.info.bos >= 0) tokens[w * size] = m.info.bos;
    s.window = tokens + w * size;
    if (score_window(&m, &s, size, &error) < 0) status = cli_fail(c, "%s: %s", c->args[0], error.message);
    else printf("[%zu]%.4f,%s", w + 1, exp(s.sum / (double)s.n), w + 1 == windows || (w + 1) % 8 == 0 ? "\n" : "");
    fflush(stdout);
  }
  if (status == CLI_DONE) printf("Final estimate: PPL = %.4f +/- %.5f\n", exp(s.sum / (double)s.n), error_of(&s));
  cli_close(&m);
  return status;
}
