/* ingot chat: a talk in the terminal. A line is a message, `/help` lists what else it can be; Ctrl-C ends an answer and keeps the talk. */
#include "answer.h"
#include "line_edit.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* The talk so far, in the command's arena. */
typedef struct talk {
  cli *c;
  const cli_generate *g;
  cli_model m;
  cli_interrupt *interrupt;
  ingot_message *messages;
  size_t n, capacity;
  ig_text answer;
  cli_stream stream;
  uint32_t answers, tokens;      /* of the whole talk */
  double seconds;
  int status;
  bool ended;
} talk;

static void say(talk *t, const char *role, const char *content) {
  t->messages = ig_grow(&t->c->arena, t->messages, t->n, &t->capacity, sizeof *t->messages);
  t->messages[t->n++] = (ingot_message){role, ig_copy_string(&t->c->arena, content)};
}

static bool hear(void *user, const ingot_piece *piece) {
  talk *t = user;
  ig_text_add(&t->answer, piece->text, piece->size);
  return cli_stream_piece(&t->stream, piece);
}

static void count(talk *t) {
  if (!t->stream.tokens) return;
  t->answers++;
  t->tokens += t->stream.tokens;
  t->seconds += t->stream.last - t->stream.started;
}

/* One answer to the last message. What a cancelled answer had said stays in the talk. */
static void answer(talk *t) {
  ingot_error error = {INGOT_OK, ""};
  t->answer.size = 0;
  t->stream = (cli_stream){.started = cli_now()};
  cli_interrupt_watch(t->interrupt, t->m.session);
  ingot_status s = ingot_chat(t->m.session, t->messages, t->n, t->g->n, hear, t, &error);
  cli_interrupt_watch(t->interrupt, NULL);
  putchar('\n');
  fflush(stdout);
  count(t);
  cli_print_stats(t->c, t->g, &t->m, &t->stream);
  if (s == INGOT_CANCELLED && t->stream.tokens == 0) t->n--; /* the message was never read */
  else if (s >= 0) say(t, "assistant", t->answer.size ? t->answer.data : "");
  else {
    t->status = cli_fail(t->c, "%s: %s", t->g->model, error.message);
    if (s == INGOT_ERROR_CONTEXT && t->stream.tokens) say(t, "assistant", t->answer.data); /* what there was room for */
    else t->n--;
    if (s == INGOT_ERROR_CONTEXT) fputs("/reset begins anew; -c N opens a larger context\n", stderr);
    t->ended = s == INGOT_ERROR_UNSUPPORTED || (s == INGOT_ERROR_CONTEXT && !isatty(STDIN_FILENO));
  }
  if (ferror(stdout)) t->ended = true;
}

/* ---- commands ----------------------------------------------------------------------------------------------------------- */

/* Begins anew; the system message stays. */
static void reset(talk *t, const char *argument) {
  (void)argument;
  const bool system = t->n && strcmp(t->messages[0].role, "system") == 0;
  t->n = system ? 1 : 0;
  fprintf(stderr, system ? "a new talk, with the same system message\n" : "a new talk\n");
}

static void stats(talk *t, const char *argument) {
  (void)argument;
  fprintf(stderr, "%zu messages; %u answers of %u tokens, %.1f tokens/s; %u of %u positions used; %s, %u threads; weights %s, session %s\n", t->n, t->answers,
          t->tokens, t->seconds > 0.0 ? t->tokens / t->seconds : 0.0, ingot_position(t->m.session),
          t->g->open.context ? t->g->open.context : t->m.info.n_context, t->m.info.variant, t->m.info.n_threads, cli_bytes(t->c, t->m.info.weights_bytes),
          cli_bytes(t->c, ingot_model_memory(t->m.model, t->g->open.context)));
}

/* The talk as JSON: the object that ingot_chat_json takes. */
static void save(talk *t, const char *path) {
  FILE *to = *path ? fopen(path, "w") : NULL;
  if (!to) {
    if (*path) cli_say("%s: %s", path, strerror(errno));
    else cli_say("/save FILE: the file is missing");
    return;
  }
  fputs("{\"messages\": [", to);
  for (size_t i = 0; i < t->n; i++) {
    fputs(i ? ",\n  {\"role\": " : "\n  {\"role\": ", to);
    cli_json_string(to, t->messages[i].role);
    fputs(", \"content\": ", to);
    cli_json_string(to, t->messages[i].content);
    fputc('}', to);
  }
  fputs("\n]}\n", to);
  const bool failed = ferror(to) != 0;
  if (fclose(to) || failed) cli_say("%s: %s", path, strerror(errno));
  else cli_say("%zu messages in %s", t->n, path);
}

/* Shows, sets or (with "-") drops the system message; the talk goes on. */
static void set_system(talk *t, const char *text) {
  const bool there = t->n && strcmp(t->messages[0].role, "system") == 0;
  if (!*text) cli_say("%s", there ? t->messages[0].content : "no system message; /system TEXT sets one");
  else if (strcmp(text, "-") == 0) {
    if (there) memmove(t->messages, t->messages + 1, --t->n * sizeof *t->messages);
    fputs("no system message\n", stderr);
  } else {
    if (!there) {
      say(t, "system", "");
      ingot_message last = t->messages[t->n - 1];
      memmove(t->messages + 1, t->messages, (t->n - 1) * sizeof *t->messages);
      t->messages[0] = last;
    }
    t->messages[0].content = ig_copy_string(&t->c->arena, text);
    fputs("the system message is set\n", stderr);
  }
}

static void leave(talk *t, const char *argument) { (void)argument, t->ended = true; }
static void help(talk *t, const char *argument);

static const struct {
  const char *name, *argument, *help;
  void (*run)(talk *t, const char *argument);
} commands[] = {{"/reset", "", "begin anew, with the same system message", reset},
                {"/system", " TEXT", "set the system message; without TEXT show it, - drops it", set_system},
                {"/stats", "", "tokens, speed, room in the context, memory", stats},
                {"/save", " FILE", "write the talk to a file, as JSON", save},
                {"/help", "", "this list", help},
                {"/exit", "", "end (so does Ctrl-D)", leave}};

static void help(talk *t, const char *argument) {
  (void)t, (void)argument;
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    fprintf(stderr, "  %s%-*s %s\n", commands[i].name, (int)(16 - strlen(commands[i].name)), commands[i].argument, commands[i].help);
  fputs("  //TEXT           a message that begins with /\n  a \\ at the end of a line goes on in the next one\n", stderr);
}

static void command(talk *t, const char *line) {
  const size_t n = strcspn(line, " \t");
  const char *argument = line + n + strspn(line + n, " \t");
  for (size_t i = 0; i < sizeof commands / sizeof *commands; i++)
    if (strlen(commands[i].name) == n && memcmp(commands[i].name, line, n) == 0) {
      commands[i].run(t, argument);
      return;
    }
  cli_say("there is no %.*s; /help lists what there is", (int)n, line);
}

/* ---- lines -------------------------------------------------------------------------------------------------------------- */

static const char idle[] = "(nothing runs; Ctrl-D or /exit ends the talk)\n";

/* A message: a line, and those after it where it ends with a backslash. False at the end of the input. */
static bool read_message(talk *t, bool prompts, ig_text *message) {
  char *line = NULL;
  size_t capacity = 0;
  bool more = true, read = false;
  message->size = 0;
  for (const char *prompt = "> "; more; prompt = ". ") {
    if (prompts) fprintf(stderr, t->c->color ? "\033[1m%s\033[0m" : "%s", prompt);
    ssize_t size = getline(&line, &capacity, stdin);
    if (size < 0) break;
    read = true;
    size_t n = strcspn(line, "\r\n");
    more = n && line[n - 1] == '\\';
    ig_text_add(message, line, more ? n - 1 : n);
    if (more) ig_text_add(message, "\n", 1);
  }
  free(line);
  return read;
}

/* The same from a terminal's editor of lines. */
static bool edit_message(cli_line_editor *editor, ig_text *message) {
  ig_text line = {0};
  bool more = true, read = false;
  message->size = 0;
  for (const char *prompt = "> "; more; prompt = ". ") {
    const cli_key_result result = cli_line_read(editor, prompt, &line);
    if (result == CLI_LINE_ENDED) break;
    if (result == CLI_LINE_INTERRUPTED) {
      fputs(idle, stderr);
      message->size = 0;
    }
    read = true;
    more = result == CLI_LINE_READ && line.size && line.data[line.size - 1] == '\\';
    if (result == CLI_LINE_READ) ig_text_add(message, line.data ? line.data : "", more ? line.size - 1 : line.size);
    if (more) ig_text_add(message, "\n", 1);
  }
  ig_text_finish(&line);
  return read;
}

int cmd_chat(cli *c, int argc, char **argv) {
  cli_generate g;
  cli_generate_init(&g);
  const char *system = NULL;
  bool no_history = false;
  const cli_option options[] = {
    CLI_GENERATE_OPTIONS(g),
    {"--system", NULL, CLI_TEXT, &system, "TEXT", "a system message that opens the conversation"},
    {"--no-history", NULL, CLI_FLAG, &no_history, NULL, "keep no lines for the next talk (else: XDG_STATE_HOME/ingot/history)"},
  };
  if (!CLI_PARSE(c, argc, argv, "", 0, 0, options)) return c->status;
  talk t = {.c = c, .g = &g};
  g.open.interrupt = &t.interrupt;
  int status;
  if (!cli_generate_open(c, &g, true, &t.m, &status)) return status;
  if (system) say(&t, "system", system);
  const bool prompts = c->terminal && isatty(STDIN_FILENO);
  if (prompts) cli_say("%s; a line is a message, /help lists commands, Ctrl-C ends an answer, Ctrl-D the talk", t.m.info.name);
  const bool edits = prompts && isatty(STDOUT_FILENO) && !c->dumb;
  cli_history history;
  cli_line_editor editor = {c, t.interrupt, &history};
  cli_history_open(c, &history, edits && !no_history && c->state ? ig_format(&c->arena, "%s/history", c->state) : NULL);
  if (prompts) cli_interrupt_idle(t.interrupt, ig_format(&c->arena, "\n%s%s", idle, edits ? "" : "> "));
  ig_text message = {0};
  while (!t.ended && (edits ? edit_message(&editor, &message) : read_message(&t, prompts, &message))) {
    const char *text = message.size ? message.data : "";
    if (!*text) continue;
    if (*text == '/' && text[1] != '/') command(&t, text);
    else {
      say(&t, "user", text + (*text == '/'));
      answer(&t);
    }
  }
  cli_history_close(&history);
  ig_text_finish(&message);
  ig_text_finish(&t.answer);
  cli_close(&t.m);
  return t.status;
}
