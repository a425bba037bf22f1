/* A toy model with kernels in C: the greedy answer to a token is the one that `toy_after` says, and every position of the context
 * leaves a trace in the logits. Its tokenizer spells "hello", its template writes the messages between marks. */
#ifndef INGOT_TEST_TOY_H
#define INGOT_TEST_TOY_H

#include <math.h>
#include <stdio.h>
#include "runtime/abi/cpu.h"
#include "runtime/core.h"
#include "runtime/abi/kernel.h"
#include "runtime/abi/weights.h"
#include "runtime/abi/template.h"
#include "runtime/ingot.h"
#include "tests/runtime/plan_maker.h"

enum {
  TOY_UNKNOWN,
  TOY_BOS,
  TOY_EOS,
  TOY_BYTE, /* 256 of them */
  TOY_WORDS = TOY_BYTE + 256,
  TOY_VOCAB = 320,
  TOY_TILES = TOY_VOCAB / 16,
  TOY_CONTEXT = 512,
  TOY_CHUNK = 24,
  TOY_SLICE = 5
};

static const struct {
  const char *text;
  float score;
  int type;
} toy_words[] = {{"\xe2\x96\x81", -1, 1},
                 {"h", -2, 1},
                 {"e", -3, 1},
                 {"l", -4, 1},
                 {"o", -5, 1},
                 {"he", -10, 1},
                 {"ll", -9, 1},
                 {"hell", -11, 1},
                 {"hello", -12, 1},
                 {"\xe2\x96\x81hello", -13, 1},
                 {"lo", -8.5f, 1},
                 {"w", -20, 1},
                 {"r", -20, 1},
                 {"d", -20, 1},
                 {"wo", -30, 1},
                 {"rl", -31, 1},
                 {"rld", -32, 1},
                 {"world", -33, 1},
                 {"\xe2\x96\x81world", -34, 1},
                 {"<|user|>", 0, 4},
                 {"<|end|>", 0, 3},
                 {"<|end|>>", 0, 4},
                 {"\xc3\xa9", -40, 1},
                 {".", -41, 1},
                 {"aa", -42, 1},
                 {"a", -43, 1},
                 {"aaa", -42, 1},
                 {"<s>", 0, 1}};
enum {
  W_SPACE = TOY_WORDS,
  W_H,
  W_E,
  W_L,
  W_O,
  W_HE,
  W_LL,
  W_HELL,
  W_HELLO,
  W__HELLO,
  W_LO,
  W_W,
  W_R,
  W_D,
  W_WO,
  W_RL,
  W_RLD,
  W_WORLD,
  W__WORLD,
  W_USER,
  W_END,
  W_END2,
  W_EACUTE,
  W_DOT,
  W_AA,
  W_A,
  W_AAA,
  W_FAKE_BOS,
  W_COUNT
};

/* The greedy successor of a token; tests fill in what they want, the others count up. */
static uint32_t toy_after[TOY_VOCAB];
/* Called by the store kernel, on whatever thread runs it. */
static void (*toy_hook)(void *);
static void *toy_hook_user;

static inline void toy_embed(const ingot_kernel_args *a, void *scratch, uint32_t begin, uint32_t end) {
  const uint32_t *tokens = a->operand[0];
  const float *w = a->operand[1];
  float *y = a->operand[2];
  (void)scratch;
  for (uint32_t t = begin; t < end; t++) {
    uint32_t id = tokens[t] < 16 * a->dim[INGOT_DIM_STATIC] ? tokens[t] : 0;
    for (uint32_t c = 0; c < 16; c++) y[16 * t + c] = w[16 * id + c];
  }
}

static inline void toy_store(const ingot_kernel_args *a, void *scratch, uint32_t begin, uint32_t end) {
  const float *x = a->operand[0];
  float *kv = a->operand[1];
  (void)scratch;
  if (toy_hook && begin == 0) toy_hook(toy_hook_user);
  for (uint32_t t = begin; t < end; t++)
    for (uint32_t c = 0; c < 16; c++) kv[16 * (a->dim[INGOT_DIM_POSITION] + t) + c] = x[16 * t + c];
}

static inline void toy_attend(const ingot_kernel_args *a, void *scratch, uint32_t begin, uint32_t end) {
  float *x = a->operand[0], *sum = scratch;
  const float *kv = a->operand[1];
  for (uint32_t t = begin; t < end; t++) {
    memset(sum, 0, 64);
    for (uint32_t p = 0; p <= a->dim[INGOT_DIM_POSITION] + t; p++)
      for (uint32_t c = 0; c < 16; c++) sum[c] += kv[16 * p + c] / (float)(p + 2);
    for (uint32_t c = 0; c < 16; c++) x[16 * t + c] += 1e-3f * sum[c];
  }
}

static inline void toy_scale(const ingot_kernel_args *a, void *scratch, uint32_t begin, uint32_t end) {
  const float *x = a->operand[0];
  float *y = a->operand[1], factor;
  (void)scratch;
  memcpy(&factor, &a->dim[INGOT_DIM_STATIC], 4);
  for (uint32_t i = 16 * begin; i < 16 * end; i++) y[i] = x[i] * factor;
}

static inline void toy_head(const ingot_kernel_args *a, void *scratch, uint32_t begin, uint32_t end) {
  const float *x = a->operand[0], *w = a->operand[1];
  float *y = a->operand[2];
  uint32_t rows = 16 * a->dim[INGOT_DIM_STATIC];
  (void)scratch;
  for (uint32_t t = 0; t < a->dim[INGOT_DIM_TOKENS]; t++)
    for (uint32_t r = 16 * begin; r < 16 * end; r++) {
      float dot = 0;
      for (uint32_t c = 0; c < 16; c++) dot += x[16 * t + c] * w[16 * r + c];
      y[rows * t + r] = dot;
    }
}

enum { TOY_EMBED, TOY_STORE, TOY_ATTEND, TOY_SCALE, TOY_HEAD, TOY_KERNELS };
#define TOY_T (1u << INGOT_DIM_TOKENS)
#define TOY_C (1u << INGOT_DIM_CONTEXT)
#define TOY_D (1u << INGOT_DIM_STATIC)
#define BUFFER(access, scale, dims) \
  { \
    access, INGOT_PLACE_ANY_BUFFER, { \
      { \
        { scale, dims } \
      } \
    } \
  }
static const ingot_kernel_info toy_info[TOY_KERNELS] = {
  {"toy_embed",
   INGOT_DIM_STATIC + 1,
   0,
   {{{1, TOY_T}}},
   {{{0, 0}}},
   {BUFFER(INGOT_READ, 4, TOY_T), {INGOT_READ, INGOT_PLACE_WEIGHTS, {{{1024, TOY_D}}}}, BUFFER(INGOT_WRITE, 64, TOY_T)},
   {{{1, 0}, {1, TOY_D}}}},
  {"toy_store",
   INGOT_DIM_STATIC,
   0,
   {{{1, TOY_T}}},
   {{{0, 0}}},
   {BUFFER(INGOT_READ, 64, TOY_T), {INGOT_WRITE, INGOT_PLACE_KV, {{{64, TOY_C}}}}},
   {{{0, 0}, {0, 0}}}},
  {"toy_attend",
   INGOT_DIM_STATIC,
   0,
   {{{1, TOY_T}}},
   {{{64, 0}}},
   {BUFFER(INGOT_READ | INGOT_WRITE, 64, TOY_T), {INGOT_READ, INGOT_PLACE_KV, {{{64, TOY_C}}}}},
   {{{0, 0}, {0, 0}}}},
  {"toy_scale", INGOT_DIM_STATIC + 1, 0, {{{1, TOY_T}}}, {{{0, 0}}}, {BUFFER(INGOT_READ, 64, TOY_T), BUFFER(INGOT_WRITE, 64, TOY_T)}, {{{0, 0}, {0, 0}}}},
  {"toy_head",
   INGOT_DIM_STATIC + 1,
   0,
   {{{1, TOY_D}}},
   {{{0, 0}}},
   {BUFFER(INGOT_READ, 64, TOY_T), {INGOT_READ, INGOT_PLACE_WEIGHTS, {{{1024, TOY_D}}}}, BUFFER(INGOT_WRITE, 64, TOY_T | TOY_D)},
   {{{1, 0}, {1, TOY_D}}}},
};
#undef BUFFER

static ingot_kernel_fn *const toy_kernels[TOY_KERNELS] = {toy_embed, toy_store, toy_attend, toy_scale, toy_head};
/* The second variant asks for a feature that no CPU has. */
static const ingot_variant toy_variants[] = {{"future", UINT64_C(1) << 63, toy_kernels}, {"plain", 0, toy_kernels}, {"spare", 0, toy_kernels}};

typedef struct toy_operand {
  uint64_t offset;
  uint32_t row_bytes, place;
} toy_operand;
typedef struct toy_part {
  uint32_t kernel, n_operands;
  toy_operand operand[3];
  uint32_t n_dims, dim;
} toy_part;

static inline void toy_put_parts(maker *m, uint32_t step, uint32_t field, const toy_part *parts, uint32_t n) {
  uint32_t list = mk_vector(m, step, field, NULL, n, 4, 4);
  for (uint32_t i = 0; i < n; i++) {
    uint32_t part = mk_table(m, "4rr");
    mk_link(m, list + 4 * i, part);
    mk_set(m, part, 0, parts[i].kernel, 4);
    mk_vector(m, part, 1, parts[i].operand, parts[i].n_operands, sizeof(toy_operand), 8);
    mk_vector(m, part, 2, &parts[i].dim, parts[i].n_dims, 4, 4);
  }
}

static inline void toy_put_step(maker *m, uint32_t slot, const toy_part *own, uint32_t n_own, const toy_part *parts, uint32_t n_parts) {
  uint32_t step = mk_table(m, "rr");
  mk_link(m, slot, step);
  toy_put_parts(m, step, 0, own, n_own);
  toy_put_parts(m, step, 1, parts, n_parts);
}

static inline uint32_t toy_put_phase(maker *m, uint32_t slot, uint32_t kind, uint32_t tokens, uint32_t n_steps) {
  uint32_t phase = mk_table(m, "44r");
  mk_link(m, slot, phase);
  mk_set(m, phase, 0, kind, 4);
  mk_set(m, phase, 1, tokens, 4);
  return mk_vector(m, phase, 2, NULL, n_steps, 4, 4);
}

/* Arena: tokens, hidden rows, logits, scaled rows. Weights: the table, the head, then the tokenizer. */
enum {
  TOY_AT_TOKENS = 0,
  TOY_AT_HIDDEN = 128,
  TOY_AT_LOGITS = TOY_AT_HIDDEN + 64 * TOY_CHUNK,
  TOY_AT_SCALED = TOY_AT_LOGITS + 4 * TOY_VOCAB * TOY_SLICE,
  TOY_ARENA = TOY_AT_SCALED + 64 * TOY_SLICE,
  TOY_TABLES = 2 * 64 * TOY_VOCAB,
  TOY_TABLES_MOST = 14 << 10,
  TOY_WEIGHTS = TOY_TABLES + TOY_TABLES_MOST,
  TOY_FILE = TOY_WEIGHTS + 64 + 64 /* the seal, the hash of one leaf */
};

static inline void toy_put_phases(maker *m, uint32_t plan, uint32_t field) {
  uint32_t phases = mk_vector(m, plan, field, NULL, 4, 4, 4), two, one_bits = 0x3f800000;
  for (uint32_t kind = 0; kind < 2; kind++) { /* prefill, decode */
    const toy_part body[3] = {{TOY_EMBED, 3, {{TOY_AT_TOKENS, 0, 0}, {0, 0, 1}, {TOY_AT_HIDDEN, 0, 0}}, 1, TOY_TILES},
                              {TOY_STORE, 2, {{TOY_AT_HIDDEN, 0, 0}, {0, 0, 2}, {0, 0, 0}}, 0, 0},
                              {TOY_ATTEND, 2, {{TOY_AT_HIDDEN, 0, 0}, {0, 0, 2}, {0, 0, 0}}, 0, 0}};
    uint32_t steps = toy_put_phase(m, phases + 4 * kind, kind, kind ? 1 : TOY_CHUNK, 3);
    for (uint32_t s = 0; s < 3; s++) toy_put_step(m, steps + 4 * s, NULL, 0, &body[s], 1);
  }
  const uint32_t half = TOY_TILES / 2;
  const toy_part own = {TOY_SCALE, 2, {{TOY_AT_HIDDEN, 64, 0}, {0, 0, 3}, {0, 0, 0}}, 1, one_bits};
  const toy_part head[2] = {{TOY_HEAD, 3, {{0, 0, 3}, {64 * TOY_VOCAB, 0, 1}, {TOY_AT_LOGITS, 0, 0}}, 1, half},
                            {TOY_HEAD, 3, {{0, 0, 3}, {64 * TOY_VOCAB + 1024 * half, 0, 1}, {TOY_AT_LOGITS + 64 * half, 0, 0}}, 1, TOY_TILES - half}};
  toy_put_step(m, toy_put_phase(m, phases + 8, 2, 1, 1), &own, 1, head, 2);
  const toy_part scale = {TOY_SCALE, 2, {{TOY_AT_HIDDEN, 64, 0}, {TOY_AT_SCALED, 0, 0}, {0, 0, 0}}, 1, one_bits};
  const toy_part rows = {TOY_HEAD, 3, {{TOY_AT_SCALED, 0, 0}, {64 * TOY_VOCAB, 0, 1}, {TOY_AT_LOGITS, 0, 0}}, 1, TOY_TILES};
  two = toy_put_phase(m, phases + 12, 3, TOY_SLICE, 2);
  toy_put_step(m, two, NULL, 0, &scale, 1);
  toy_put_step(m, two + 4, NULL, 0, &rows, 1);
}

/* The tokenizer's bytes; the caller frees maker.data. */
static inline maker toy_tokens(void) {
  enum { HASH = 1024 };
  struct {
    uint32_t offset;
    uint16_t size;
    uint8_t type, reserved;
  } pieces[W_COUNT];
  float scores[W_COUNT] = {0};
  uint32_t hash[HASH] = {0}, bytes[256], specials[] = {TOY_EOS, TOY_BOS, W_END, W_END2, W_USER}, end[] = {TOY_EOS, W_END};
  char text[8192];
  uint32_t size = 0, longest = 0;
  memset(pieces, 0, sizeof pieces);
  for (uint32_t id = 0; id < W_COUNT; id++) {
    char byte[8];
    const char *piece = id == TOY_UNKNOWN ? "<unk>" : id == TOY_BOS ? "<s>" : id == TOY_EOS ? "</s>" : byte;
    snprintf(byte, sizeof byte, "<0x%02X>", (id - (uint32_t)TOY_BYTE) & 255);
    int type = id == TOY_UNKNOWN ? 2 : id < TOY_BYTE ? 3 : 6;
    if (id >= TOY_WORDS) piece = toy_words[id - TOY_WORDS].text, type = toy_words[id - TOY_WORDS].type, scores[id] = toy_words[id - TOY_WORDS].score;
    pieces[id].offset = size;
    pieces[id].size = (uint16_t)strlen(piece);
    pieces[id].type = (uint8_t)type;
    memcpy(text + size, piece, pieces[id].size);
    uint32_t h = 2166136261u;
    for (uint32_t i = 0; i < pieces[id].size; i++) h = (h ^ (uint8_t)piece[i]) * 16777619u;
    while (hash[h %= HASH]) h++;
    hash[h] = id + 1;
    size += pieces[id].size;
    if (pieces[id].size > longest) longest = pieces[id].size;
  }
  for (uint32_t b = 0; b < 256; b++) bytes[b] = TOY_BYTE + b;
  maker made = {0}, *m = &made;
  uint32_t root = mk_room(m, 8, 8), t = mk_table(m, "rrrrrr44r111----------4");
  memcpy(m->data + 4, "INGT", 4);
  mk_link(m, root, t);
  mk_vector(m, t, 0, text, size, 1, 1);
  mk_vector(m, t, 1, pieces, W_COUNT, 8, 4);
  mk_vector(m, t, 2, scores, W_COUNT, 4, 4);
  mk_vector(m, t, 3, hash, HASH, 4, 4);
  mk_vector(m, t, 4, specials, sizeof specials / 4, 4, 4);
  mk_vector(m, t, 5, bytes, 256, 4, 4);
  mk_set(m, t, 6, TOY_BOS, 4);
  mk_set(m, t, 7, TOY_UNKNOWN, 4);
  mk_vector(m, t, 8, end, 2, 4, 4);
  mk_set(m, t, 9, 1, 1);
  mk_set(m, t, 11, 1, 1);
  mk_set(m, t, 22, longest, 4);
  return made;
}

/* {% for m in messages %}<|user|>{{ m.content }}<|end|>{% endfor %}{% if add_generation_prompt %}<|user|>{% endif %} */
static inline void toy_put_template(maker *m, uint32_t plan, uint32_t field) {
  static const char strings[] = "<|user|><|end|>messagescontentadd_generation_prompt";
  const uint8_t code[] = {INGOT_TEMPLATE_RESERVE,    1,  0, 0, 0,                                   /* 0 */
                          INGOT_TEMPLATE_INPUT,      15, 0, 0, 0, 8,  0, 0, 0,                        /* 5 */
                          INGOT_TEMPLATE_FOR,        0,  0, 0, 0, 65, 0, 0, 0,                          /* 14 */
                          INGOT_TEMPLATE_TEXT,       0,  0, 0, 0, 8,  0, 0, 0,                          /* 23 */
                          INGOT_TEMPLATE_ITEM,       0,  0, 0, 0,                                      /* 32 */
                          INGOT_TEMPLATE_ATTRIBUTE,  23, 0, 0, 0, 7,  0, 0, 0,                    /* 37 */
                          INGOT_TEMPLATE_OUTPUT,                                                /* 46 */
                          INGOT_TEMPLATE_TEXT,       8,  0, 0, 0, 7,  0, 0, 0,                          /* 47 */
                          INGOT_TEMPLATE_NEXT,       0,  0, 0, 0, 23, 0, 0, 0,                         /* 56 */
                          INGOT_TEMPLATE_INPUT,      30, 0, 0, 0, 21, 0, 0, 0,                       /* 65 */
                          INGOT_TEMPLATE_JUMP_FALSE, 88, 0, 0, 0,                               /* 74 */
                          INGOT_TEMPLATE_TEXT,       0,  0, 0, 0, 8,  0, 0, 0,                          /* 79 */
                          INGOT_TEMPLATE_END};                                                  /* 88 */
  uint32_t t = mk_table(m, "rrr");
  mk_link(m, mk_slot(m, plan, field), t);
  mk_vector(m, t, 0, code, sizeof code, 1, 1);
  mk_vector(m, t, 1, strings, sizeof strings - 1, 1, 1);
  mk_string(m, t, 2, "for, if");
}

static inline void toy_hash_weights(const uint8_t *weights, uint8_t root[32]) {
  uint8_t leaf[32];
  ingot__sha256_of(weights, TOY_WEIGHTS, leaf); /* less than a MiB: one leaf */
  ingot__sha256_of(leaf, 32, root);
}

/* The plan's bytes; the caller frees maker.data. */
static inline maker toy_plan(const uint8_t *weights, uint32_t tokens_size) {
  maker made = {0}, *m = &made;
  uint8_t root_hash[32];
  toy_hash_weights(weights, root_hash);
  uint32_t root = mk_room(m, 8, 8);
  memcpy(m->data + 4, "INGP", 4);
  uint32_t plan = mk_table(m,
                           "4rrr44444888884"
                           "84rrr8r88rrr");
  mk_link(m, root, plan);
  const struct {
    uint32_t field, bytes;
    uint64_t value;
  } numbers[] = {{0, 4, 2},
                 {4, 4, TOY_VOCAB},
                 {5, 4, 16},
                 {6, 4, 1},
                 {7, 4, TOY_CONTEXT},
                 {8, 4, TOY_CHUNK},
                 {9, 8, TOY_ARENA},
                 {10, 8, 64},
                 {11, 8, 64},
                 {12, 8, TOY_AT_TOKENS},
                 {13, 8, TOY_AT_HIDDEN},
                 {14, 4, 64},
                 {15, 8, TOY_AT_LOGITS},
                 {16, 4, 4 * TOY_VOCAB},
                 {20, 8, TOY_WEIGHTS},
                 {22, 8, TOY_TABLES},
                 {23, 8, tokens_size}};
  for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) mk_set(m, plan, numbers[i].field, numbers[i].value, numbers[i].bytes);
  mk_string(m, plan, 1, "toy");
  mk_string(m, plan, 2, "toys");
  mk_string(m, plan, 3, "x86_64");
  uint32_t names = mk_vector(m, plan, 17, NULL, TOY_KERNELS, 4, 4);
  for (uint32_t i = 0; i < TOY_KERNELS; i++) mk_string_at(m, names + 4 * i, toy_info[i].name);
  toy_put_phases(m, plan, 18);
  uint32_t list = mk_vector(m, plan, 19, NULL, 2, 4, 4);
  for (uint32_t i = 0; i < 2; i++) {
    uint32_t w = mk_table(m, "rrr8888");
    mk_link(m, list + 4 * i, w);
    mk_string(m, w, 0, i ? "output.weight" : "token_embd.weight");
    mk_string(m, w, 1, "f32");
    mk_string(m, w, 2, "plain");
    mk_set(m, w, 3, TOY_VOCAB, 8);
    mk_set(m, w, 4, 16, 8);
    mk_set(m, w, 5, 64 * TOY_VOCAB * i, 8);
    mk_set(m, w, 6, 64 * TOY_VOCAB, 8);
  }
  mk_vector(m, plan, 21, root_hash, 32, 1, 1);
  toy_put_template(m, plan, 24);
  mk_string(m, plan, 25, "made by hand");
  mk_vector(m, plan, 26, (const uint32_t[]){1, 64}, 1, 8, 4);
  return made;
}

/* Rows of the table are random unit vectors; the head's row of a token is that of the token before it. */
static inline void toy_weights(float *weights) {
  uint32_t state = 12345;
  float *head = weights + 16 * TOY_VOCAB;
  for (uint32_t id = 0; id < TOY_VOCAB; id++) {
    float sum = 0, *row = weights + 16 * id;
    for (int c = 0; c < 16; c++) {
      state = state * 1664525u + 1013904223u;
      row[c] = (float)(state >> 16) / 32768.0f - 1;
      sum += row[c] * row[c];
    }
    const float scale = 1 / sqrtf(sum);
    for (int c = 0; c < 16; c++) row[c] *= scale;
  }
  memset(head, 0, 64 * TOY_VOCAB);
  for (uint32_t id = 0; id < TOY_VOCAB; id++) {
    uint32_t next = toy_after[id] ? toy_after[id] : (id + 1) % TOY_VOCAB;
    for (uint32_t c = 0; c < 16; c++) head[16 * next + c] += weights[16 * id + c];
  }
}

typedef struct toy {
  maker plan;
  float *weights;
  ingot_program program;
} toy;

static inline void toy_seal(toy *t) { ingot__sha256_of(t->plan.data, t->plan.size, t->program.plan_hash); }

static inline void toy_make(toy *t) {
  maker tokens = toy_tokens();
  t->weights = aligned_alloc(64, TOY_FILE);
  if (!t->weights || tokens.size > TOY_TABLES_MOST) abort();
  memset(t->weights, 0, TOY_FILE);
  toy_weights(t->weights);
  memcpy((uint8_t *)t->weights + TOY_TABLES, tokens.data, tokens.size);
  ingot_seal seal = {.magic = INGOT_SEAL_MAGIC};
  toy_hash_weights((const uint8_t *)t->weights, seal.root);
  memcpy((uint8_t *)t->weights + TOY_WEIGHTS, &seal, sizeof seal);
  ingot__sha256_of(t->weights, TOY_WEIGHTS, (uint8_t *)t->weights + TOY_WEIGHTS + sizeof seal);
  t->plan = toy_plan((const uint8_t *)t->weights, tokens.size);
  free(tokens.data);
  t->program = (ingot_program){.abi_version = INGOT_ABI_VERSION,
                               .size = sizeof t->program,
                               .name = "toy",
                               .n_kernels = TOY_KERNELS,
                               .n_variants = 3,
                               .info = toy_info,
                               .variants = toy_variants,
                               .tokens = &ingot__tokens_sentence};
  toy_seal(t);
}

static inline ingot_model_options toy_options(const toy *t) {
  return (ingot_model_options){
    .size = sizeof(ingot_model_options), .plan = t->plan.data, .plan_size = t->plan.size, .weights = t->weights, .weights_size = TOY_FILE, .n_threads = 1};
}

static inline void toy_finish(toy *t) {
  free(t->plan.data);
  free(t->weights);
}

#endif
