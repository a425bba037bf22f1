#include "answer.h"

void cli_generate_init(cli_generate *g) {
  *g = (cli_generate){.n = 256};
  g->sampling.size = sizeof g->sampling;
  ingot_sampling_default(&g->sampling);
}

/* Sampling that is given here goes before what was saved. */
static bool load(cli *c, const cli_generate *g, cli_model *m) {
  ingot_error error = {INGOT_OK, ""};
  const ingot_sampling *s = &g->sampling;
  const bool given = s->temperature > 0 || s->top_k || s->top_p < 1 || s->min_p > 0 || s->repeat_penalty < 1 || s->repeat_penalty > 1 || s->repeat_last ||
      s->seed || s->n_stop;
  if (!g->load) return true;
  ingot_status status = ingot_session_load_file(m->session, g->load, &error);
  if (!status && given) status = ingot_session_set(m->session, s, &error);
  return status ? cli_fail(c, "%s", error.message), false : true;
}

bool cli_generate_open(cli *c, cli_generate *g, bool chat, cli_model *m, int *status) {
  if (!g->model) {
    *status = cli_usage(c, "-m is missing: the bundle or model file to use");
    return false;
  }
  g->sampling.stop = g->stop.n ? g->stop.v : NULL;
  g->sampling.n_stop = g->stop.n;
  *status = CLI_FAILED;
  if (!cli_open(c, m, g->model, &g->open, &g->sampling)) return false;
  if (m->info.has_tokenizer && (m->info.has_chat_template || !chat)) {
    if (load(c, g, m)) return true;
  } else
    cli_fail(c,
             m->info.has_tokenizer ? "%s: the model has no chat template that ingot knows; `ingot run -p TEXT` completes a text"
                                   : "%s: the model has no tokenizer that ingot knows; `ingot greedy` goes on from token ids",
             g->model);
  cli_close(m);
  return false;
}

bool cli_stream_piece(void *user, const ingot_piece *piece) {
  cli_stream *s = user;
  s->last = cli_now();
  if (!s->tokens++) s->first = s->last;
  cli_write_text(piece->text, piece->size);
  return fflush(stdout) == 0;
}

void cli_print_stats(cli *c, const cli_generate *g, const cli_model *m, const cli_stream *s) {
  if (!g->stats || !s->tokens) return;
  double after = s->last - s->first;
  fprintf(stderr, "%u tokens, first after %.1f ms, then %.1f tokens/s; %u of %u positions used; variant %s, %u threads; weights %s, session %s\n", s->tokens,
          1e3 * (s->first - s->started), after > 0.0 ? (double)(s->tokens - 1) / after : 0.0, ingot_position(m->session),
          g->open.context ? g->open.context : m->info.n_context, m->info.variant, m->info.n_threads, cli_bytes(c, m->info.weights_bytes),
          cli_bytes(c, ingot_model_memory(m->model, g->open.context)));
}
