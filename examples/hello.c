/* A whole app: three questions to the model that is linked into it. The library and its header come from `ingot compile`:
 *
 *   cc -I runtime -I fable.ingot examples/hello.c fable.ingot/PLATFORM/libfable.a build/libingot.a -lpthread -o hello
 *   ./hello fable.ingot/PLATFORM/fable.plan fable.ingot/PLATFORM/fable.weights
 *
 * INGOT_VARIANT forces a variant of the library, INGOT_THREADS the number of threads. */
#include <stdio.h>
#include <stdlib.h>
#include "fable.h"
#include "ingot.h"

static bool print(void *user, const ingot_piece *piece) {
  (void)user;
  fwrite(piece->text, 1, piece->size, stdout);
  fflush(stdout);
  return true;
}

int main(int argc, char **argv) {
  static const char *const questions[] = {"Tell me a story.", "What is 3 plus 4?", "What day comes after Sunday?"};
  const char *threads = getenv("INGOT_THREADS"), *variant = getenv("INGOT_VARIANT");
  ingot_model_options options = {.size = sizeof options,
                                 .plan_path = argc > 1 ? argv[1] : NULL,
                                 .weights_path = argc > 2 ? argv[2] : NULL,
                                 .variant = variant && *variant ? variant : NULL,
                                 .n_threads = threads ? (uint32_t)strtoul(threads, NULL, 10) : 0};
  ingot_error error;
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_status status = ingot_model_open(&fable_program, &options, &model, &error);
  if (status == INGOT_OK) status = ingot_session_open(model, NULL, &session, &error);
  for (size_t i = 0; i < sizeof questions / sizeof *questions && status >= INGOT_OK; i++) {
    printf("> %s\n", questions[i]);
    status = ingot_chat(session, &(ingot_message){"user", questions[i]}, 1, 256, print, NULL, &error);
    printf("\n\n");
  }
  if (status < INGOT_OK) fprintf(stderr, "hello: %s\n", error.message);
  ingot_session_close(session);
  ingot_model_close(model);
  return status < INGOT_OK;
}
