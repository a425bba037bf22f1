/* From a path to an open session, and the other things that several subcommands read. */
#include "cli.h"
#include "runtime/abi/kernel.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { CONTEXT_MOST_BY_DEFAULT = 4096 }; /* what ig_compile takes where nothing is said */

/* What a model file is compiled for so that a session of `positions` fits. */
static uint32_t context_for(uint32_t positions) { return positions <= CONTEXT_MOST_BY_DEFAULT ? 0 : (uint32_t)ig_round_up(positions, INGOT_KV_BLOCK); }

static bool refuse(cli *c, const char *path, const ingot_error *error) {
  cli_report(c);
  cli_fail(c, "%s: %s", path, error->message);
  return false;
}

cli_bundle cli_bundle_at(const char *path) {
  cli_bundle b = {.path = path};
  if (stat(path, &b.st) || !S_ISDIR(b.st.st_mode)) b.st = (struct stat){0};
  return b;
}

bool cli_bundle_replaced(cli_bundle *bundle) {
  enum { TIMES_MOST = 8 };
  const cli_bundle now = cli_bundle_at(bundle->path);
  const bool other = now.st.st_ino != bundle->st.st_ino || now.st.st_dev != bundle->st.st_dev;
  bundle->st = now.st;
  return other && bundle->times++ < TIMES_MOST;
}

/* False: m->loaded is empty, and c->diags or the error say why. */
static bool open_model(cli *c, cli_model *m, const char *path, const cli_model_options *o, const char *variant, ingot_error *error) {
  ig_compile_options like = {.platform = ig_platform_find("native"),
                             .n_context = context_for(o->context),
                             .schedule = o->schedule,
                             .progress = cli_progress,
                             .compile = cli_compile_apart,
                             .user = c};
  if (!ig_load_any(&m->loaded, path, variant, &like, o->cache ? o->cache : c->cache, &c->arena, &c->diags)) return false;
  if (c->diags.errors) return ig_unload(&m->loaded), false;
  if (o->interrupt && !*o->interrupt) *o->interrupt = cli_interrupt_start(c);
  ingot_model_options options = {
    .size = sizeof options, .plan_path = m->loaded.plan_path, .weights_path = m->loaded.weights_path, .variant = variant, .n_threads = o->threads};
  if (ingot_model_open(m->loaded.program, &options, &m->model, error) >= 0) return true;
  ig_unload(&m->loaded);
  return false;
}

bool cli_open(cli *c, cli_model *m, const char *path, const cli_model_options *o, const ingot_sampling *sampling) {
  *m = (cli_model){.model = NULL};
  cli_bundle bundle = cli_bundle_at(path);
  ingot_error error = {INGOT_OK, ""};
  if (o->interrupt) *o->interrupt = NULL;
  while (!open_model(c, m, path, o, o->variant ? o->variant : c->variant, &error)) {
    if (!cli_bundle_replaced(&bundle)) return error.status ? refuse(c, path, &error) : (cli_report(c), false);
    ig_diags_finish(&c->diags);
    error = (ingot_error){INGOT_OK, ""};
  }
  cli_report(c);
  m->info.size = sizeof m->info;
  ingot_session_options so = {.size = sizeof so, .n_context = o->context, .sampling = sampling};
  if (ingot_model_get_info(m->model, &m->info) < 0 || ingot_session_open(m->model, &so, &m->session, &error) < 0) {
    ingot_model_close(m->model);
    ig_unload(&m->loaded);
    return refuse(c, path, &error);
  }
  return true;
}

void cli_close(cli_model *m) {
  ingot_session_close(m->session);
  ingot_model_close(m->model);
  ig_unload(&m->loaded);
}

bool cli_read_text(cli *c, const char *path, ig_str *text) {
  enum { MOST = INT32_MAX / 4 }; /* what can be tokenised; a device may have no end */
  FILE *from = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
  if (!from) {
    cli_fail(c, "%s: %s", path, strerror(errno));
    return false;
  }
  ig_text read = {.size = 0};
  char buffer[1 << 16];
  size_t n;
  while (read.size <= MOST && (n = fread(buffer, 1, sizeof buffer, from))) ig_text_add(&read, buffer, n);
  bool fine = !ferror(from);
  int why = errno;
  if (from != stdin) fclose(from);
  if (!fine) cli_fail(c, "%s: %s", path, strerror(why));
  else if (read.size > MOST) fine = (cli_fail(c, "%s: more than %d bytes of text are too many", path, MOST), false);
  char *copy = ig_alloc(&c->arena, fine ? read.size + 1 : 1);
  if (fine && read.size) memcpy(copy, read.data, read.size);
  *text = (ig_str){copy, fine ? read.size : 0};
  ig_text_finish(&read);
  return fine;
}

static bool add_id(cli *c, cli_ids *ids, size_t *capacity, const char *word) {
  char *end;
  errno = 0;
  long v = strtol(word, &end, 10);
  if (end == word || *end || errno || v < 0 || v > INT32_MAX) {
    cli_fail(c, "`%s` is not a token id", word);
    return false;
  }
  ids->v = ig_grow(&c->arena, ids->v, ids->n, capacity, sizeof *ids->v);
  ids->v[ids->n++] = (ingot_token)v;
  return true;
}

bool cli_read_ids(cli *c, int from, const char *file, cli_ids *ids) {
  size_t capacity = 0;
  *ids = (cli_ids){NULL, 0};
  if (file) {
    ig_str text;
    if (!cli_read_text(c, file, &text)) return false;
    char *copy = ig_copy_string(&c->arena, text.data), *state = NULL;
    for (char *word = strtok_r(copy, " \t\r\n,", &state); word; word = strtok_r(NULL, " \t\r\n,", &state))
      if (!add_id(c, ids, &capacity, word)) return false;
  }
  for (int i = from; i < c->n_args; i++)
    if (!add_id(c, ids, &capacity, c->args[i])) return false;
  if (!ids->n) {
    cli_fail(c, "no token ids are given");
    return false;
  }
  return true;
}

bool cli_open_for_ids(cli *c, cli_model *m, const char *path, cli_model_options *o, const cli_ids *ids, uint32_t more) {
  enum { POSITIONS_MOST = 1 << 24 };
  if (ids->n + more > POSITIONS_MOST) {
    cli_fail(c, "%zu tokens are more than a context can hold", ids->n + more);
    return false;
  }
  o->context = (uint32_t)(ids->n + more);
  if (!cli_open(c, m, path, o, NULL)) return false;
  for (size_t i = 0; i < ids->n; i++) {
    if ((uint32_t)ids->v[i] < m->info.n_vocab) continue;
    cli_fail(c, "token id %d is out of range: the model has %u tokens", ids->v[i], m->info.n_vocab);
    cli_close(m);
    return false;
  }
  return true;
}
