/* ingot run: the prompt and its continuation, streamed. With --system the prompt is a message and the chat template is used. */
#include "answer.h"

#include <string.h>

int cmd_run(cli *c, int argc, char **argv) {
  cli_generate g;
  cli_generate_init(&g);
  const char *prompt = NULL, *file = NULL, *system = NULL, *save = NULL;
  bool as_chat = false;
  const cli_option options[] = {
    CLI_GENERATE_OPTIONS(g),
    {"-p", "--prompt", CLI_TEXT, &prompt, "TEXT", "the text to complete"},
    {"-f", "--file", CLI_TEXT, &file, "FILE", "the text to complete, from a file (- is standard input)"},
    {"--chat", NULL, CLI_FLAG, &as_chat, NULL, "the text is a user's message: answer it by the chat template"},
    {"--save", NULL, CLI_TEXT, &save, "FILE", "save the session at its end, for --load to go on from"},
    {"--system", NULL, CLI_TEXT, &system, "TEXT", "a system message before it (implies --chat)"},
  };
  if (!CLI_PARSE(c, argc, argv, "", 0, 0, options)) return c->status;
  if (prompt && file) return cli_usage(c, "give the text to complete by -p or by -f, not by both");
  if (!prompt && !file && (!g.load || as_chat || system)) return cli_usage(c, "give the text to complete, by -p or by -f");
  ig_str text = {prompt ? prompt : "", prompt ? strlen(prompt) : 0};
  if (file && !cli_read_text(c, file, &text)) return CLI_FAILED;
  if ((as_chat || system) && strlen(text.data) != text.size) return cli_fail(c, "%s: a message cannot hold a zero byte", file);

  cli_interrupt *interrupt;
  g.open.interrupt = &interrupt;
  cli_model m;
  int status;
  const bool chat = as_chat || system;
  if (!cli_generate_open(c, &g, chat, &m, &status)) return status;
  ingot_message messages[2];
  size_t n_messages = 0;
  if (system) messages[n_messages++] = (ingot_message){"system", system};
  messages[n_messages++] = (ingot_message){"user", text.data};

  ingot_error error = {INGOT_OK, ""};
  cli_stream stream = {.started = cli_now()};
  cli_interrupt_watch(interrupt, m.session);
  if (!chat) cli_write_text(text.data, text.size);
  ingot_status s = chat ? ingot_chat(m.session, messages, n_messages, g.n, cli_stream_piece, &stream, &error)
                        : ingot_generate(m.session, text.data, text.size, g.n, cli_stream_piece, &stream, &error);
  cli_interrupt_watch(interrupt, NULL);
  if (stream.tokens || !chat) putchar('\n');
  fflush(stdout);
  status = s < 0 ? cli_fail(c, "%s: %s", g.model, error.message) : s == INGOT_CANCELLED ? CLI_FAILED : CLI_DONE;
  if (s >= 0 && save && ingot_session_save_file(m.session, save, &error) < 0) status = cli_fail(c, "%s", error.message);
  cli_print_stats(c, &g, &m, &stream);
  cli_close(&m);
  return status;
}
