/* What a decoded token reads of a model of 64 experts, counted page by page: the weights lie in memory that may not be touched; each page that is
 * touched all the same is let in by the signal's handler, and counted. It has to be what the plan's own accounting says, and no more. */
#define _GNU_SOURCE
#include <signal.h>
#include <sys/mman.h>
#include <unistd.h>

#include "driver/bundle_folder.h"
#include "driver/report.h"
#include "gguf_maker.h"
#include "whole_model.h"

enum { WIDTH = 256, EXPERTS = 64, USED = 4, LAYERS = 2, WORDS = 80, HEADS = 4, PAGE = 4096, TOKENS = 6 };

/* ---- the model -------------------------------------------------------------------------------------------------------- */

typedef struct maker {
  ig_text keys, infos, data;
  uint64_t n_keys, n_tensors;
} maker;

static void add_key(maker *m, const char *name, uint32_t type, const char *text, uint32_t bits) {
  ig_text value = {0};
  if (text) maker_string(&value, text);
  else maker_u32(&value, bits);
  maker_key(&m->keys, name, type, value.data, value.size, &m->n_keys);
  ig_text_finish(&value);
}

/* Matrices in q8_0, vectors and the router in f32. */
static void add_tensor(maker *m, const char *name, uint32_t n_dims, uint64_t rows, uint64_t experts) {
  const bool floats = n_dims == 1 || rows == EXPERTS;
  const ig_block_format *f = ig_format_find(floats ? "f32" : "q8_0");
  maker_tensor(&m->infos, name, n_dims, (uint64_t[]){WIDTH, rows, experts}, f->gguf_type, m->data.size, &m->n_tensors);
  for (uint64_t i = 0; i < rows * experts * WIDTH / f->block_values; i++) {
    if (floats) maker_u32(&m->data, ig_f32_bits(n_dims == 1 ? 1.0f : (float)((int)(random_u32() % 2001) - 1000) / 4000.0f));
    else ig_text_add(&m->data, (uint8_t[]){0x66, 0x10}, 2); /* 2^-11 and a bit */
    for (uint32_t k = 0; !floats && k < 32; k += 4) maker_u32(&m->data, random_u32());
  }
}

static void write_model(const char *path) {
  maker m = {0};
  ig_text file = {0};
  static const struct {
    const char *name;
    uint32_t value;
  } numbers[] = {
    {"context_length", 128},         {"embedding_length", WIDTH}, {"block_count", LAYERS},   {"feed_forward_length", WIDTH},
    {"attention.head_count", HEADS}, {"vocab_size", WORDS},       {"expert_count", EXPERTS}, {"expert_used_count", USED},
  };
  add_key(&m, "general.architecture", MAKER_STRING, "llama", 0);
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) add_key(&m, ig_format(&arena, "llama.%s", numbers[i].name), MAKER_U32, NULL, numbers[i].value);
  add_key(&m, "llama.attention.layer_norm_rms_epsilon", MAKER_F32, NULL, ig_f32_bits(1e-5f));
  add_tensor(&m, "token_embd.weight", 2, WORDS, 1);
  add_tensor(&m, "output_norm.weight", 1, 1, 1);
  static const struct {
    const char *name;
    uint32_t dims, rows, experts;
  } tensors[] = {
    {"attn_norm", 1, 1, 1},
    {"attn_q", 2, WIDTH, 1},
    {"attn_k", 2, WIDTH, 1},
    {"attn_v", 2, WIDTH, 1},
    {"attn_output", 2, WIDTH, 1},
    {"ffn_norm", 1, 1, 1},
    {"ffn_gate_inp", 2, EXPERTS, 1},
    {"ffn_gate_exps", 3, WIDTH, EXPERTS},
    {"ffn_up_exps", 3, WIDTH, EXPERTS},
    {"ffn_down_exps", 3, WIDTH, EXPERTS},
  };
  for (uint32_t l = 0; l < LAYERS; l++)
    for (size_t i = 0; i < sizeof tensors / sizeof *tensors; i++)
      add_tensor(&m, ig_format(&arena, "blk.%u.%s.weight", l, tensors[i].name), tensors[i].dims, tensors[i].rows, tensors[i].experts);
  maker_file(&file, m.n_keys, &m.keys, m.n_tensors, &m.infos, &m.data);
  gguf_write(path, &file);
  ig_text_finish(&m.keys), ig_text_finish(&m.infos), ig_text_finish(&m.data), ig_text_finish(&file);
}

/* ---- counting --------------------------------------------------------------------------------------------------------- */

static uint8_t *closed;                 /* the weights */
static size_t closed_size;
static volatile sig_atomic_t pages;

static void let_in(int number, siginfo_t *info, void *context) {
  uint8_t *at = (uint8_t *)info->si_addr;
  (void)number, (void)context;
  if (at < closed || at >= closed + closed_size) _exit(3);
  uint8_t *page = closed + (size_t)(at - closed) / PAGE * PAGE;
  if (mprotect(page, PAGE, PROT_READ) != 0) _exit(4);
  pages++;
}

static void count_from_here(void) {
  pages = 0;
  if (mprotect(closed, closed_size, PROT_NONE) != 0) abort();
}

/* Reads the weights into memory of their own. */
static size_t read_weights(const char *path) {
  ig_diags diags = {0};
  ig_file file;
  if (!ig_file_open(&file, path, &arena, &diags)) abort();
  size_t size = (size_t)file.size;
  closed_size = (size + PAGE - 1) / PAGE * PAGE;
  closed = mmap(NULL, closed_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (closed == MAP_FAILED || !ig_file_read(&file, 0, closed, size, &diags)) abort();
  ig_file_close(&file);
  return size;
}

/* The workers of a step one after another, in this thread: others take no signals. */
static void one_by_one(void *user, uint32_t n, void (*work)(void *context, uint32_t worker), void *context) {
  (void)user;
  for (uint32_t i = 0; i < n; i++) work(context, i);
}

static void test_reads(const ig_loaded *loaded, uint64_t expected, size_t size, uint32_t threads) {
  ingot_error error = {INGOT_OK, ""};
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_model_options options = {
    .size = sizeof options, .plan_path = loaded->plan_path, .weights = closed, .weights_size = size, .n_threads = threads, .parallel_for = one_by_one};
  mprotect(closed, closed_size, PROT_READ);
  bool ok = ingot_model_open(loaded->program, &options, &model, &error) == INGOT_OK && ingot_session_open(model, NULL, &session, &error) == INGOT_OK;
  /* each matrix begins and ends within a page; what lies between matrices that are read may share one */
  const uint64_t matrices = LAYERS * (5 + 3 * USED) + 2, slack = (matrices + LAYERS * 2 + 3) * PAGE;
  for (ingot_token t = 0; ok && t < TOKENS; t++) {
    count_from_here();
    ok = ingot_append(session, &t, 1, &error) == INGOT_OK;
    uint64_t read = (uint64_t)pages * PAGE;
    CHECK(!ok || (read + slack >= expected && read <= expected + slack), "%u threads, token %d: %llu bytes in whole pages, %llu expected", threads, (int)t,
          (unsigned long long)read, (unsigned long long)expected);
    if (t == 0 && threads == 1)
      printf("a token reads %llu of %llu bytes in whole pages; the plan says %llu\n", (unsigned long long)read, (unsigned long long)size,
             (unsigned long long)expected);
  }
  CHECK(ok, "%s", error.message);
  ingot_session_close(session);
  ingot_model_close(model);
}

int main(void) {
  char folder[] = "/tmp/ingot-experts-XXXXXX";
  if (!mkdtemp(folder)) return perror(folder), 1;
  const char *path = ig_format(&arena, "%s/experts.gguf", folder), *bundle;
  ig_diags diags = {0};
  ig_loaded loaded;
  ig_str report = {NULL, 0};
  uint64_t expected = 0;
  random_state = 5;
  write_model(path);
  ig_compile_options o = {.model = path, .parent = folder, .platform = ig_platform_find("native")};
  bool ok = ig_compile(&o, &arena, &bundle, &diags) && ig_load_bundle(&loaded, bundle, &arena, &diags) &&
      ig_read_small_file(ig_format(&arena, "%s/report.json", bundle), 1 << 20, &arena, &report, &diags) &&
      ig_report_number(report.data, "decode_tensor_bytes", &expected);
  CHECK(ok, "does not compile");
  show(&diags);
  if (ok) {
    size_t size = read_weights(loaded.weights_path);
    struct sigaction action = {.sa_sigaction = let_in, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &action, NULL);
    test_reads(&loaded, expected, size, 1);
    test_reads(&loaded, expected, size, 2);
    ig_unload(&loaded);
  }
  ig_remove_tree(folder);
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
  printf("%d failures\n", failures);
  return failures > 0;
}
