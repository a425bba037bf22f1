/* ingot tokenize: text -> ids, with a model file's tokenizer or a bundle's. A model file is not compiled: its tables go to the runtime as
 * the plan would hold them, so files that hold a vocabulary alone serve too. */
#include "cli.h"
#include "driver/token_view.h"
#include "frontend/model.h"
#include "runtime/abi/kernel.h"
#include "runtime/tokens.h"

#include <string.h>
#include <sys/stat.h>

/* The open tokenizer: of a bundle (model), or of a model file (view). */
typedef struct source {
  cli_model bundle;
  ig_model file;
  ingot__tokenizer view;
  ingot_allocator allocator;
  bool is_bundle;
} source;

static bool open_file(cli *c, source *s, const char *path) {
  bool opened = ig_model_open(&s->file, path, &c->diags);
  const ig_tokenizer *t = &s->file.tokenizer;
  if (cli_report(c) != CLI_DONE) opened = false;
  else if (opened && !t->present) cli_fail(c, "%s: it has no tokenizer that ingot knows%s%s", path, t->missing ? ": " : "", t->missing ? t->missing : "");
  if (!opened || !t->present) {
    ig_model_close(&s->file);
    return false;
  }
  s->view = ig_token_view(t);
  s->allocator = (ingot_allocator){ingot__os_allocate, ingot__os_release, NULL};
  return true;
}

static int64_t tokenize(const source *s, ig_str text, bool special, ingot_token *tokens, int32_t cap) {
  if (s->is_bundle) return ingot_tokenize(s->bundle.model, text.data, text.size, special, tokens, cap);
  return ingot__tokenize(&s->view, &s->allocator, text.data, text.size, special, tokens, (size_t)cap);
}

typedef struct bytes {
  char text[256];
  size_t n;
} bytes;

static void put(void *to, const uint8_t *from, size_t n) {
  bytes *b = to;
  if (n > sizeof b->text - 1 - b->n) n = sizeof b->text - 1 - b->n;
  memcpy(b->text + b->n, from, n);
  b->n += n;
}

static void print_piece(cli *c, const source *s, ingot_token id) {
  bytes b = {.n = 0};
  bool leading = false;
  if (s->is_bundle) {
    int32_t n = ingot_detokenize(s->bundle.model, &id, 1, b.text, sizeof b.text - 1);
    b.n = n < 0 ? 0 : n < (int32_t)sizeof b.text ? (size_t)n : sizeof b.text - 1;
  } else {
    ingot__token_text(&s->view, (uint32_t)id, &leading, put, &b);
  }
  printf("%d\t%s\n", id, ig_str_printable(&c->arena, (ig_str){b.text, b.n}));
}

int cmd_tokenize(cli *c, int argc, char **argv) {
  const char *prompt = NULL, *file = NULL;
  bool special = false, bos = false, pieces = false;
  const cli_option options[] = {
    {"-p", "--prompt", CLI_TEXT, &prompt, "TEXT", "the text"},
    {"-f", "--file", CLI_TEXT, &file, "FILE", "the text, from a file (- is standard input)"},
    {"--special", NULL, CLI_FLAG, &special, NULL, "special tokens in the text are taken as such"},
    {"--bos", NULL, CLI_FLAG, &bos, NULL, "begin with bos and end with eos where the model wants them"},
    {"--pieces", NULL, CLI_FLAG, &pieces, NULL, "one id a line, with its text"},
  };
  if (!CLI_PARSE(c, argc, argv, "MODEL|BUNDLE", 1, 1, options)) return c->status;
  if (!prompt == !file) return cli_usage(c, "give the text, by -p or by -f");
  ig_str text = {prompt, prompt ? strlen(prompt) : 0};
  if (file && !cli_read_text(c, file, &text)) return CLI_FAILED;
  if (text.size > INT32_MAX / 2) return cli_fail(c, "%zu bytes of text are too many", text.size);

  struct stat st;
  source s = {.is_bundle = stat(c->args[0], &st) == 0 && S_ISDIR(st.st_mode)};
  const cli_model_options o = {.threads = 1, .context = INGOT_KV_BLOCK};
  if (s.is_bundle ? !cli_open(c, &s.bundle, c->args[0], &o, NULL) : !open_file(c, &s, c->args[0])) return CLI_FAILED;
  const ingot__tokenizer *t = s.is_bundle ? &s.bundle.model->tokenizer : &s.view;
  const bool begins = bos && t->add_bos && t->bos <= INT32_MAX, ends = bos && t->add_eos && t->eos <= INT32_MAX;

  int status = CLI_DONE;
  int64_t n = tokenize(&s, text, special, NULL, 0);
  ingot_token *tokens = ig_alloc_array(&c->arena, n > 0 ? (size_t)n : 1, sizeof *tokens);
  if (n >= 0) n = tokenize(&s, text, special, tokens, (int32_t)n);
  if (n < 0) status = cli_fail(c, "%s: the text cannot be tokenised%s", c->args[0], n == INGOT_ERROR_UNSUPPORTED ? ": there is no tokenizer" : "");
  bool first = true;
  for (int64_t i = begins ? -1 : 0; n >= 0 && i < n + ends; i++) {
    ingot_token id = (ingot_token)(i < 0 ? t->bos : i == n ? t->eos : (uint32_t)tokens[i]);
    if (pieces) print_piece(c, &s, id);
    else printf("%s%d", first ? "" : " ", id);
    first = false;
  }
  if (!pieces && status == CLI_DONE) putchar('\n');
  if (s.is_bundle) cli_close(&s.bundle);
  else ig_model_close(&s.file);
  return status;
}
