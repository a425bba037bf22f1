/* Text to tokens and back: the borrowed memory, and what every kind of tokenizer shares. */
#include <string.h>
#include "runtime/tokens_special.h"

static const uint8_t space_mark[3] = {0xe2, 0x96, 0x81}; /* U+2581, which stands for a space */

float ingot__load_f32(const uint8_t *p) {
  uint32_t bits = ingot__load32(p);
  float f;
  memcpy(&f, &bits, sizeof f);
  return f;
}

uint32_t ingot__find_hashed(const ingot__tokenizer *t, const uint8_t *text, uint32_t size, uint32_t hash) {
  uint32_t mask = t->hash.count - 1;
  for (uint32_t probes = 0; probes <= mask; probes++) {
    uint32_t entry = ingot__id_at(t->hash, (hash + probes) & mask);
    if (!entry) return NO_TOKEN;
    token_piece p = ingot__piece(t, entry - 1);
    if (p.size != size || p.type == CONTROL || p.type == UNKNOWN || p.type == BYTE || memcmp(p.text, text, size)) continue;
    return entry - 1;
  }
  return NO_TOKEN;
}

uint32_t ingot__find_piece(const ingot__tokenizer *t, const uint8_t *text, uint32_t size) {
  uint32_t hash = ingot__hash_start();
  for (uint32_t i = 0; i < size; i++) hash = ingot__hash_byte(hash, text[i]);
  return ingot__find_hashed(t, text, size, hash);
}

uint32_t ingot__character_size(const uint8_t *text, size_t left) {
  uint32_t size = text[0] < 0xc0 ? 1 : text[0] < 0xe0 ? 2 : text[0] < 0xf0 ? 3 : text[0] < 0xf8 ? 4 : 1;
  if (size > left) return 1;
  for (uint32_t i = 1; i < size; i++)
    if ((text[i] & 0xc0) != 0x80) return 1;
  return size;
}

uint32_t ingot__code_point(const uint8_t *text, uint32_t size) {
  if (size == 1) return text[0] < 0x80 ? text[0] : 0xfffd;
  uint32_t code_point = text[0] & (0x7fu >> size);
  for (uint32_t i = 1; i < size; i++) code_point = code_point << 6 | (text[i] & 0x3fu);
  return code_point;
}

uint32_t ingot__class(const ingot__tokenizer *t, uint32_t code_point) {
  enum { PAGE_BITS = 7 }; /* tokens.fbs, Tokenizer.class_pages */
  uint32_t page = code_point >> PAGE_BITS;
  if (page >= t->class_pages.count) return 0;
  uint32_t at = ingot__load16(t->class_pages.data + 2 * (size_t)page) << PAGE_BITS | (code_point & ((1u << PAGE_BITS) - 1));
  uint32_t class = at < t->class_blocks.count ? t->class_blocks.data[at] : 0;
  return class < t->n_classes ? class : 0;
}

bool ingot__token_ends(const ingot__tokenizer *t, uint32_t id) {
  for (uint32_t i = 0; i < t->end.count; i++)
    if (ingot__id_at(t->end, i) == id) return true;
  return false;
}

bool ingot__token_is_special(const ingot__tokenizer *t, uint32_t id) {
  uint32_t type = ingot__piece(t, id).type;
  return type == CONTROL || type == USER_DEFINED;
}

/* ---- text to tokens --------------------------------------------------------------------------------------------------------- */

void ingot__emit_bytes(token_job *job, const uint8_t *text, uint32_t size) {
  for (uint32_t i = 0; i < size; i++) {
    uint32_t id = ingot__id_at(job->t->bytes, text[i]);
    if (id >= job->t->pieces.count) id = job->t->unknown;
    if (id != NO_TOKEN) ingot__emit(job, id);
  }
}

static void use_few(token_job *job) {
  job->text = job->few_text;
  job->symbols = job->few_symbols;
  job->heap = job->few_pairs;
  job->room = TOKENS_FEW;
}

static void give_back(token_job *job) {
  ingot__release(job->allocator, job->memory, job->memory_bytes);
  job->memory = NULL;
  use_few(job);
}

bool ingot__make_room(token_job *job, size_t size) {
  if (size <= job->room) return true;
  give_back(job);
  const size_t symbol_bytes = (size + 1) * sizeof(token_symbol), pair_bytes = 2 * (size + 1) * sizeof(token_pair);
  job->memory_bytes = symbol_bytes + pair_bytes + 3 * size + 4;
  job->memory = ingot__allocate(job->allocator, job->memory_bytes, 16);
  if (!job->memory) return job->failed = true, false;
  job->symbols = (token_symbol *)(void *)job->memory;
  job->heap = (token_pair *)(void *)(job->memory + symbol_bytes);
  job->text = job->memory + symbol_bytes + pair_bytes;
  job->room = (uint32_t)size;
  return true;
}

int64_t ingot__tokenize(const ingot__tokenizer *t, const ingot_allocator *allocator, const char *text, size_t size, bool special, ingot_token *tokens,
                        size_t cap) {
  if (!t->present) return INGOT_ERROR_UNSUPPORTED;
  if (size > INT32_MAX / 4) return INGOT_ERROR_ARGUMENT;
  token_job job;
  token_specials specials;
  size_t begin, end;
  job = (token_job){.t = t, .allocator = allocator, .tokens = tokens, .cap = cap};
  use_few(&job);
  ingot__specials_start(&specials, t, text, size, special);
  for (uint32_t id = 0; id != NO_TOKEN && !job.failed;) {
    id = ingot__specials_next(&specials, &begin, &end);
    if (end > begin) t->code->tokenize(&job, (const uint8_t *)text + begin, end - begin);
    if (id != NO_TOKEN) ingot__emit(&job, id);
  }
  give_back(&job);
  return job.failed ? INGOT_ERROR_MEMORY : (int64_t)job.count;
}

int32_t ingot_tokenize(const ingot_model *model, const char *text, size_t size, bool special, ingot_token *tokens, int32_t cap) {
  if (!model || (!text && size) || (!tokens && cap > 0)) return INGOT_ERROR_ARGUMENT;
  return (int32_t)ingot__tokenize(&model->tokenizer, &model->allocator, text, size, special, tokens, cap > 0 ? (size_t)cap : 0);
}

/* ---- tokens to text --------------------------------------------------------------------------------------------------------- */

void ingot__token_text(const ingot__tokenizer *t, uint32_t id, bool *leading, ingot__put *put, void *to) {
  token_piece p = ingot__piece(t, id);
  if (p.type == CONTROL || p.type == USER_DEFINED) {
    *leading = true;
    if (p.type == CONTROL) return;
  }
  if (p.type == BYTE) {
    for (uint32_t b = 0; b < 256; b++) {
      const uint8_t byte = (uint8_t)b;
      if (ingot__id_at(t->bytes, b) != id) continue;
      put(to, &byte, 1);
      *leading = false;
      return;
    }
    return;
  }
  if (t->kind == INGOT__TOKENS_BYTES) {
    if (p.size) put(to, p.text, p.size);
    return;
  }
  bool plain = p.type != USER_DEFINED;
  for (uint32_t i = 0, from = 0; i < p.size;) {
    bool space = p.size - i >= sizeof space_mark && !memcmp(p.text + i, space_mark, sizeof space_mark);
    i += space ? (uint32_t)sizeof space_mark : 1;
    if (!space && i < p.size) continue;
    uint32_t end = space ? i - (uint32_t)sizeof space_mark : i;
    if (end > from) put(to, p.text + from, end - from);
    if (space && !(plain && *leading && end == 0 && t->add_space_prefix)) put(to, (const uint8_t *)" ", 1);
    from = i;
  }
  if (plain && p.size) *leading = false;
}

typedef struct text_output {
  char *text;
  size_t cap, size;
} text_output;

static void append_text(void *to, const uint8_t *bytes, size_t n) {
  text_output *out = to;
  if (out->size < out->cap) memcpy(out->text + out->size, bytes, n < out->cap - out->size ? n : out->cap - out->size);
  out->size += n;
}

int32_t ingot_detokenize(const ingot_model *model, const ingot_token *tokens, size_t n, char *text, int32_t cap) {
  if (!model || (!tokens && n) || (!text && cap > 0)) return INGOT_ERROR_ARGUMENT;
  if (!model->tokenizer.present) return INGOT_ERROR_UNSUPPORTED;
  text_output out = {text, cap > 0 ? (size_t)cap : 0, 0};
  bool leading = true;
  for (size_t i = 0; i < n; i++) {
    if (tokens[i] < 0 || (uint32_t)tokens[i] >= model->plan.n_vocab) return INGOT_ERROR_ARGUMENT;
    ingot__token_text(&model->tokenizer, (uint32_t)tokens[i], &leading, append_text, &out);
    if (out.size > INT32_MAX) return INGOT_ERROR_ARGUMENT;
  }
  return (int32_t)out.size;
}
