/* What `run` and `chat` share: options of sampling, streaming to stdout, the line of statistics. */
#ifndef INGOT_CLI_ANSWER_H
#define INGOT_CLI_ANSWER_H

#include "cli.h"

typedef struct cli_generate {
  cli_model_options open;
  const char *model;
  ingot_sampling sampling;
  cli_texts stop;
  const char *load;
  uint32_t n;
  bool stats;
} cli_generate;

#define CLI_GENERATE_OPTIONS(g) \
  {"-m", "--model", CLI_TEXT, &(g).model, "PATH", "a bundle (NAME.ingot) or a model file"}, CLI_MODEL_OPTIONS((g).open), \
      {"-c", "--ctx", CLI_U32, &(g).open.context, "N", "positions of the context (default: the bundle's most)"}, \
      {"-n", "--predict", CLI_U32, &(g).n, "N", "the most tokens of an answer (default: 256)"}, \
      {"--temp", NULL, CLI_F32, &(g).sampling.temperature, "T", "temperature; 0 (default) takes the most likely token"}, \
      {"--top-k", NULL, CLI_U32, &(g).sampling.top_k, "K", "choose among the K most likely (0: all)"}, \
      {"--top-p", NULL, CLI_F32, &(g).sampling.top_p, "P", "choose among the most likely that together reach P"}, \
      {"--min-p", NULL, CLI_F32, &(g).sampling.min_p, "P", "leave out what is less likely than P times the most likely"}, \
      {"--repeat-penalty", NULL, CLI_F32, &(g).sampling.repeat_penalty, "R", "make tokens of the near past less likely (1: off)"}, \
      {"--repeat-last", NULL, CLI_U32, &(g).sampling.repeat_last, "N", "how far the near past reaches"}, \
      {"--seed", NULL, CLI_U64, &(g).sampling.seed, "N", "of the random choices (default: 0)"}, \
      {"--stop", NULL, CLI_TEXTS, &(g).stop, "TEXT", "end where TEXT appears; may be given up to 16 times"}, \
      {"--load", NULL, CLI_TEXT, &(g).load, "FILE", "begin from a saved session: its text, and its sampling where none is given here"}, \
      {"--stats", NULL, CLI_FLAG, &(g).stats, NULL, "times and speed, to stderr"}

/* Defaults, before cli_parse. */
void cli_generate_init(cli_generate *g);
/* After cli_parse: -m is there; opens the model, which has what text or a talk (`chat`) needs. On failure *status is what to return. */
bool cli_generate_open(cli *c, cli_generate *g, bool chat, cli_model *m, int *status);

typedef struct cli_stream {
  double started, first, last;
  uint32_t tokens;
} cli_stream;
/* ingot_stream: writes the piece to stdout (cli_write_text) at once; stops when stdout is gone. `user` is a cli_stream. */
bool cli_stream_piece(void *user, const ingot_piece *piece);
void cli_print_stats(cli *c, const cli_generate *g, const cli_model *m, const cli_stream *s);

#endif
