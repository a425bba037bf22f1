/* An app for tests of other machines: `app PLAN WEIGHTS LOGITS N id ...` prints the N most likely ids that follow, one a line, and writes the logits
 * that each was chosen from to the file LOGITS. The variant it runs goes to stderr; INGOT_VARIANT forces one. */
#include <stdio.h>
#include <stdlib.h>
#include "m.h"
#include "ingot.h"

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  const char *variant = getenv("INGOT_VARIANT");
  ingot_model_options options = {
    .size = sizeof options, .plan_path = argv[1], .weights_path = argv[2], .variant = variant && *variant ? variant : NULL, .n_threads = 1};
  ingot_model_info info = {.size = sizeof info};
  ingot_error error;
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_status status = ingot_model_open(&m_program, &options, &model, &error);
  if (status == INGOT_OK)
    status = ingot_session_open(model, &(ingot_session_options){.size = sizeof(ingot_session_options), .n_context = 512}, &session, &error);
  FILE *out = fopen(argv[3], "wb");
  ingot_token prompt[256];
  size_t n = 0;
  for (int i = 5; i < argc && n < 256; i++) prompt[n++] = (ingot_token)atoi(argv[i]);
  if (status == INGOT_OK && out) {
    ingot_model_get_info(model, &info);
    fprintf(stderr, "%s\n", info.variant);
    status = ingot_append(session, prompt, n, &error);
  }
  for (int k = atoi(argv[4]); k > 0 && status == INGOT_OK && out; k--) {
    uint32_t vocabulary = 0, best = 0;
    const float *logits = ingot_logits(session, &vocabulary);
    fwrite(logits, sizeof *logits, vocabulary, out);
    for (uint32_t i = 1; i < vocabulary; i++)
      if (logits[i] > logits[best]) best = i;
    printf("%u\n", best);
    if (k > 1) status = ingot_append(session, &(ingot_token){(ingot_token)best}, 1, &error);
  }
  if (status < 0) fprintf(stderr, "%s\n", error.message);
  ingot_session_close(session);
  ingot_model_close(model);
  return !out || fclose(out) || status < 0;
}
