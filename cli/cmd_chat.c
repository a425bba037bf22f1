/* ingot chat: a line of stdin is a message; the whole conversation stays in the context. Ctrl-C ends the answer, twice the program. */
#include "answer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The conversation so far, in the command's arena. */
typedef struct talk {
  ingot_message *messages;
  size_t n, capacity;
  ig_text answer;
  cli_stream stream;
} talk;

static void say(cli *c, talk *t, const char *role, const char *content) {
  t->messages = ig_grow(&c->arena, t->messages, t->n, &t->capacity, sizeof *t->messages);
  t->messages[t->n++] = (ingot_message){role, ig_copy_string(&c->arena, content)};
}

static bool hear(void *user, const ingot_piece *piece) {
  talk *t = user;
  ig_text_add(&t->answer, piece->text, piece->size);
  return cli_stream_piece(&t->stream, piece);
}

/* One answer; false ends the program with *status. */
static bool answer(cli *c, const cli_generate *g, cli_model *m, cli_interrupt *interrupt, talk *t, int *status) {
  ingot_error error = {INGOT_OK, ""};
  t->answer.size = 0;
  t->stream = (cli_stream){.started = cli_now()};
  cli_interrupt_watch(interrupt, m->session);
  ingot_status s = ingot_chat(m->session, t->messages, t->n, g->n, hear, t, &error);
  cli_interrupt_watch(interrupt, NULL);
  putchar('\n');
  fflush(stdout);
  cli_print_stats(c, g, m, &t->stream);
  if (s == INGOT_CANCELLED && t->stream.tokens == 0) t->n--; /* the message was never read */
  else if (s >= 0) say(c, t, "assistant", t->answer.size ? t->answer.data : "");
  else if (s == INGOT_ERROR_CONTEXT) {
    *status = cli_fail(c, "%s: %s", g->model, error.message);
    return false;
  } else {
    cli_fail(c, "%s: %s", g->model, error.message);
    t->n--;
    *status = CLI_FAILED;
    return s != INGOT_ERROR_UNSUPPORTED;
  }
  return !ferror(stdout);
}

int cmd_chat(cli *c, int argc, char **argv) {
  cli_generate g;
  cli_generate_init(&g);
  const char *system = NULL;
  const cli_option options[] = {
    CLI_GENERATE_OPTIONS(g),
    {"--system", NULL, CLI_TEXT, &system, "TEXT", "a system message that opens the conversation"},
  };
  if (!CLI_PARSE(c, argc, argv, "", 0, 0, options)) return c->status;
  cli_interrupt *interrupt = cli_interrupt_start(c);
  cli_model m;
  int status;
  if (!cli_generate_open(c, &g, &m, &status)) return status;
  status = CLI_DONE;
  talk t = {.n = 0};
  if (system) say(c, &t, "system", system);
  bool prompts = c->terminal && isatty(STDIN_FILENO);
  if (prompts) fprintf(stderr, "%s; a line is a message, Ctrl-C ends an answer, Ctrl-D the conversation\n", m.info.name);
  char *line = NULL;
  size_t capacity = 0;
  for (;;) {
    if (prompts) fputs("> ", stderr);
    ssize_t size = getline(&line, &capacity, stdin);
    if (size < 0) break;
    line[strcspn(line, "\r\n")] = 0;
    if (!*line) continue;
    say(c, &t, "user", line);
    if (!answer(c, &g, &m, interrupt, &t, &status)) break;
  }
  free(line);
  ig_text_finish(&t.answer);
  cli_close(&m);
  return status;
}
