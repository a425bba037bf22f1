/* A talk in the terminal with the model that is linked in: a line is a message, Ctrl-C ends an answer, Ctrl-D the talk.
 *
 *   ./talk fable.plan fable.weights
 *
 * The whole talk is handed to ingot_chat each time; what the context holds of it already is kept, so that only the new message is read. */
#define _POSIX_C_SOURCE 200809L
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fable.h"

enum { LONGEST_ANSWER = 512, LONGEST_TEXT = 1 << 16 };

static ingot_session *session; /* for the signal handler: ingot_cancel may be called there */
static volatile sig_atomic_t answering;

static void interrupt(int number) {
  if (answering) ingot_cancel(session);
  else _Exit(128 + number);
}

typedef struct answer {
  char text[LONGEST_TEXT];
  size_t size;
} answer;

static bool hear(void *user, const ingot_piece *piece) {
  answer *a = user;
  if (piece->size >= sizeof a->text - a->size) return false;
  memcpy(a->text + a->size, piece->text, piece->size);
  a->size += piece->size;
  a->text[a->size] = 0;
  fwrite(piece->text, 1, piece->size, stdout);
  return fflush(stdout) == 0;
}

static ingot_message *messages;
static size_t n_messages;

static void say(const char *role, const char *content) {
  messages = realloc(messages, (n_messages + 1) * sizeof *messages);
  char *copy = strdup(content);
  if (!messages || !copy) abort();
  messages[n_messages++] = (ingot_message){role, copy};
}

int main(int argc, char **argv) {
  ingot_model_options options = {.size = sizeof options, .plan_path = argc > 1 ? argv[1] : NULL, .weights_path = argc > 2 ? argv[2] : NULL};
  ingot_sampling sampling;
  ingot_error error;
  ingot_model *model;
  ingot_sampling_default(&sampling);
  sampling.temperature = 0.7f, sampling.top_p = 0.95f, sampling.seed = 1;
  ingot_session_options session_options = {.size = sizeof session_options, .sampling = &sampling};
  if (ingot_model_open(&fable_program, &options, &model, &error) < 0 || ingot_session_open(model, &session_options, &session, &error) < 0)
    return fprintf(stderr, "talk: %s\n", error.message), 1;
  sigaction(SIGINT, &(struct sigaction){.sa_handler = interrupt}, NULL);

  static char line[LONGEST_TEXT];
  static answer a;
  ingot_status status = INGOT_OK;
  while (fputs("> ", stdout), fflush(stdout), fgets(line, sizeof line, stdin)) {
    line[strcspn(line, "\n")] = 0;
    if (!*line) continue;
    say("user", line);
    a.size = 0, a.text[0] = 0;
    answering = 1;
    status = ingot_chat(session, messages, n_messages, LONGEST_ANSWER, hear, &a, &error);
    answering = 0;
    putchar('\n');
    if (status < 0) {
      fprintf(stderr, "talk: %s\n", error.message);
      break;
    }
    say("assistant", a.text); /* also what was said before Ctrl-C */
  }
  ingot_session_close(session);
  ingot_model_close(model);
  for (size_t i = 0; i < n_messages; i++) free((void *)(uintptr_t)messages[i].content);
  free(messages);
  return status < 0;
}
