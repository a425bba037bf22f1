/* An app's first token: from exec (it executes itself once more, with the clock as an argument) until the logits after a prompt of one token;
 * then, with P and N, one prefill and N decoded tokens, and the most memory it took. Nothing of the compiler is in the process. See bench/compare.
 *
 *   cc -O2 -I runtime -DPROGRAM=chat_program -o first_token bench/first_token.c chat.ingot/PLATFORM/libchat.a build/libingot.a -lpthread
 *   first_token PLAN WEIGHTS THREADS [P N]      prints: milliseconds from exec to the first token; the most memory, in bytes
 */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "ingot.h"

extern const ingot_program PROGRAM;

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static unsigned long long peak_rss(void) {
  unsigned long long kib = 0;
  char line[256];
  FILE *status = fopen("/proc/self/status", "r");
  while (status && fgets(line, sizeof line, status) && sscanf(line, "VmHWM: %llu", &kib) != 1) {}
  if (status) fclose(status);
  return kib << 10;
}

static int again(char **argv, int argc) {
  char clock[32], *args[8] = {argv[0], clock};
  for (int i = 1; i < argc; i++) args[i + 1] = argv[i];
  snprintf(clock, sizeof clock, "@%.6f", now());
  execv("/proc/self/exe", args);
  perror(argv[0]);
  return 1;
}

int main(int argc, char **argv) {
  if ((argc == 4 || argc == 6) && argv[1][0] != '@') return again(argv, argc);
  double began = argc > 1 && argv[1][0] == '@' ? strtod(argv[1] + 1, NULL) : 0.0;
  argc--, argv++;
  if (argc != 4 && argc != 6) return fputs("usage: first_token PLAN WEIGHTS THREADS [P N]\n", stderr), 2;
  ingot_model_options options = {.size = sizeof options, .plan_path = argv[1], .weights_path = argv[2], .n_threads = (uint32_t)strtoul(argv[3], NULL, 10)};
  uint32_t p = argc == 6 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0, n = argc == 6 ? (uint32_t)strtoul(argv[5], NULL, 10) : 0;
  ingot_session_options context = {.size = sizeof context, .n_context = p + n ? p + n : 1};
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_error error = {INGOT_OK, ""};
  const ingot_token token = 1;
  ingot_status status = ingot_model_open(&PROGRAM, &options, &model, &error);
  if (status == INGOT_OK) status = ingot_session_open(model, &context, &session, &error);
  if (status == INGOT_OK) status = ingot_append(session, &token, 1, &error);
  double first = now();
  if (status == INGOT_OK && p) {
    ingot_token *prompt = malloc(p * sizeof *prompt);
    if (!prompt) return 1;
    for (uint32_t i = 0; i < p; i++) prompt[i] = token;
    status = ingot_rewind(session, 0, &error);
    if (status == INGOT_OK) status = ingot_append(session, prompt, p, &error);
    free(prompt);
  }
  for (uint32_t i = 0; i < n && status == INGOT_OK; i++) status = ingot_append(session, &token, 1, &error);
  if (status != INGOT_OK) return fprintf(stderr, "%s\n", error.message), 1;
  printf("%.3f %llu\n", 1e3 * (first - began), peak_rss());
  ingot_session_close(session);
  ingot_model_close(model);
  return 0;
}
