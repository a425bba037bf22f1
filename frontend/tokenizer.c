/* Tokenizers of GGUF files as the tables of tokens.fbs. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/splitter.h"
#include "frontend/tokenizer_job.h"

enum { PIECE_MOST = 65535, NONE = -1 };

/* Control tokens that end a turn in files that name only one of their ends by key. */
static const char *const ends[] = {"<|eot_id|>",      "<|eom_id|>",    "<|im_end|>",         "<|end|>", "<|endoftext|>",
                                   "<|end_of_text|>", "<end_of_turn>", "<end_of_utterance>", "<EOT>",   "_<EOT>"};

uint32_t ig_fnv1a(const void *bytes, size_t size) {
  const uint8_t *p = bytes;
  uint32_t hash = 2166136261u;
  for (size_t i = 0; i < size; i++) hash = (hash ^ p[i]) * 16777619u;
  return hash;
}

static const char *shown(job *j, uint32_t id) {
  size_t size = j->t->pieces[id].size;
  return ig_str_printable(&j->model->arena, (ig_str){piece_text(j->t, id), size > 60 ? 60 : size});
}

/* Texts of all pieces, one after the other. */
static bool read_pieces(job *j, const ig_meta_entry *tokens) {
  ig_tokenizer *t = j->t;
  uint64_t n = tokens->count, bytes = tokens->value_size - 8 * n;
  bool ok = true;
  char *text = ig_alloc(&j->model->arena, (size_t)bytes);
  t->n = (uint32_t)n;
  t->text = j->text = text;
  t->pieces = ig_alloc_array(&j->model->arena, t->n, sizeof *t->pieces);
  size_t at = 0;
  ig_str s;
  for (uint32_t id = 0; ig_meta_next_string(j->model->meta, tokens, &at, &s); id++) {
    if (s.size > PIECE_MOST) {
      ok = ig_error(j->diags, j->path, "token %u is %zu bytes long; at most %d are possible", id, s.size, PIECE_MOST);
      s.size = 0;
    }
    memcpy(text + t->text_size, s.data, s.size);
    t->pieces[id] = (ig_piece){t->text_size, (uint16_t)s.size, NORMAL, 0};
    t->text_size += (uint32_t)s.size;
  }
  return ok;
}

static bool same_count(job *j, const ig_meta_entry *e, const char *key) {
  return e->count == j->t->n || ig_error(j->diags, j->path, "metadata key %s has %llu elements for %u tokens", key, (unsigned long long)e->count, j->t->n);
}

static bool read_scores(job *j) {
  static const char key[] = "tokenizer.ggml.scores";
  const ig_meta *meta = j->model->meta;
  if (!ig_meta_find(meta, key)) return ig_error(j->diags, j->path, "metadata key %s is missing: the tokenizer has no scores", key);
  const ig_meta_entry *e = ig_meta_array(meta, key, IG_META_F32, j->diags);
  if (!e || !same_count(j, e, key)) return false;
  j->t->scores = ig_alloc_array(&j->model->arena, j->t->n, sizeof(float));
  for (uint32_t i = 0; i < j->t->n; i++) {
    j->t->scores[i] = ig_f32_of_bits(ig_meta_word(meta, e, i));
    if (!isfinite(j->t->scores[i])) return ig_error(j->diags, j->path, "metadata key %s: the score of token %u is not a finite number", key, i);
  }
  return true;
}

/* "<0x4F>" -> 79, else NONE. */
static int byte_of(const char *text, size_t size) {
  int value = 0;
  if (size != 6 || memcmp(text, "<0x", 3) != 0 || text[5] != '>') return NONE;
  for (int i = 3; i < 5; i++) {
    char c = text[i];
    int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'A' && c <= 'F' ? c - 'A' + 10 : c >= 'a' && c <= 'f' ? c - 'a' + 10 : NONE;
    if (digit < 0) return NONE;
    value = value * 16 + digit;
  }
  return value;
}

static bool is_control_by_name(const job *j, uint32_t id) {
  static const char *const others[] = {"</s>",           "<|return|>",  "<|call|>",      "<|fim_prefix|>", "<|fim_middle|>",
                                       "<|fim_suffix|>", "<|fim_pad|>", "<|repo_name|>", "<|file_sep|>"};
  ig_str text = {piece_text(j->t, id), j->t->pieces[id].size};
  for (size_t k = 0; k < sizeof ends / sizeof *ends; k++)
    if (ig_str_equal(text, ends[k])) return true;
  for (size_t k = 0; k < sizeof others / sizeof *others; k++)
    if (ig_str_equal(text, others[k])) return true;
  return false;
}

static bool read_types(job *j) {
  static const char key[] = "tokenizer.ggml.token_type";
  const ig_meta *meta = j->model->meta;
  ig_tokenizer *t = j->t;
  bool ok = true, is_end;
  if (!ig_meta_find(meta, key) && t->kind != IG_TOKENS_SENTENCEPIECE) return true;
  if (!ig_meta_find(meta, key)) return ig_error(j->diags, j->path, "metadata key %s is missing: byte and control tokens are not known", key);
  const ig_meta_entry *e = ig_meta_array(meta, key, IG_META_I32, j->diags);
  if (!e || !same_count(j, e, key)) return false;
  for (uint32_t id = 0; id < t->n; id++) {
    uint32_t type = ig_meta_word(meta, e, id);
    if (type >= TYPES) {
      ok = ig_error(j->diags, j->path, "metadata key %s: token %u is of unknown type %d", key, id, (int32_t)type);
      continue;
    }
    is_end = type == USER_DEFINED && is_control_by_name(j, id); /* converters leave some at that, and text from outside could then end a turn */
    t->pieces[id].type = (uint8_t)(is_end ? CONTROL : type);
    if (type != BYTE || t->kind != IG_TOKENS_SENTENCEPIECE) continue;
    int byte = byte_of(piece_text(t, id), t->pieces[id].size);
    if (byte == NONE) ok = ig_error(j->diags, j->path, "token %u is a byte token, but its text is \"%s\", not <0x00> to <0xFF>", id, shown(j, id));
    else if (t->bytes[byte] == NO_ID) t->bytes[byte] = id;
  }
  return ok;
}

/* Equal pieces: the first id is found, as the reference implementation does not say and every later one would be unreachable. */
static void build_hash(job *j) {
  ig_tokenizer *t = j->t;
  t->hash_size = 16;
  while (t->hash_size < 2 * t->n) t->hash_size *= 2;
  t->hash = ig_alloc_array(&j->model->arena, t->hash_size, sizeof *t->hash);
  for (uint32_t id = 0; id < t->n; id++) {
    const ig_piece *piece = &t->pieces[id];
    if (piece->size == 0) continue;
    if (piece->size > t->longest) t->longest = piece->size;
    uint32_t slot = ig_fnv1a(piece_text(t, id), piece->size) & (t->hash_size - 1);
    for (; t->hash[slot]; slot = (slot + 1) & (t->hash_size - 1)) {
      uint32_t other = t->hash[slot] - 1;
      if (t->pieces[other].size == piece->size && memcmp(piece_text(t, other), piece_text(t, id), piece->size) == 0) break;
    }
    if (!t->hash[slot]) t->hash[slot] = id + 1;
  }
}

uint32_t ig_find_piece(const ig_tokenizer *t, const char *text, size_t size) {
  for (uint32_t slot = ig_fnv1a(text, size); t->hash[slot & (t->hash_size - 1)]; slot++) {
    uint32_t id = t->hash[slot & (t->hash_size - 1)] - 1;
    const ig_piece *p = &t->pieces[id];
    if (p->size == size && p->type != CONTROL && p->type != UNKNOWN && p->type != BYTE && memcmp(piece_text(t, id), text, size) == 0) return id;
  }
  return NO_ID;
}

/* The id under a key; `otherwise` where the key is absent and that id exists. */
static bool read_id(job *j, const char *key, uint32_t otherwise, uint32_t *id) {
  *id = otherwise < j->t->n ? otherwise : NO_ID;
  if (!ig_meta_find(j->model->meta, key)) return true;
  if (!ig_meta_u32(j->model->meta, key, id, j->diags)) return *id = NO_ID, false;
  if (*id < j->t->n) return true;
  ig_error(j->diags, j->path, "metadata key %s is %u, beyond the vocabulary of %u tokens", key, *id, j->t->n);
  *id = NO_ID;
  return false;
}

static void add_end(ig_tokenizer *t, uint32_t id) {
  if (id == NO_ID) return;
  for (uint32_t i = 0; i < t->n_end; i++)
    if (t->end[i] == id) return;
  t->end[t->n_end++] = id;
}

/* bos, eos and unknown where the file does not say: what the first models of each kind have. */
static const uint32_t usual_ids[][3] = {{1, 2, 0}, {11, 11, NO_ID}, {101, 102, 100}, {NO_ID, 1, 2}};

static bool read_ids(job *j) {
  ig_tokenizer *t = j->t;
  uint32_t eos, eot, eom, padding;
  const uint32_t *otherwise = usual_ids[t->kind];
  bool ok = read_id(j, "tokenizer.ggml.bos_token_id", otherwise[0], &t->bos);
  ok = read_id(j, "tokenizer.ggml.eos_token_id", otherwise[1], &eos) && ok;
  if (t->kind == IG_TOKENS_WORDPIECE) { /* [CLS] and [SEP] stand for them */
    ok = read_id(j, "tokenizer.ggml.cls_token_id", t->bos, &t->bos) && ok;
    ok = read_id(j, "tokenizer.ggml.seperator_token_id", eos, &eos) && ok;
  }
  ok = read_id(j, "tokenizer.ggml.unknown_token_id", otherwise[2], &t->unknown) && ok;
  ok = read_id(j, "tokenizer.ggml.eot_token_id", NO_ID, &eot) && ok;
  ok = read_id(j, "tokenizer.ggml.eom_token_id", NO_ID, &eom) && ok;
  ok = read_id(j, "tokenizer.ggml.padding_token_id", NO_ID, &padding) && ok;
  t->eos = eos;
  uint32_t named = 0;
  for (uint32_t pass = 0; pass < 2; pass++) { /* counts, then lists */
    if (pass) {
      t->end = ig_alloc_array(&j->model->arena, named + 3, sizeof *t->end);
      add_end(t, eos);
      add_end(t, eot);
      add_end(t, eom);
    }
    for (uint32_t id = 0; id < t->n; id++) {
      if (t->pieces[id].type != CONTROL) continue;
      for (size_t k = 0; k < sizeof ends / sizeof *ends; k++) {
        if (!ig_str_equal((ig_str){piece_text(t, id), t->pieces[id].size}, ends[k])) continue;
        if (pass) add_end(t, id);
        else named++;
      }
    }
  }
  return ok;
}

static const struct {
  const char *name;
  ig_token_kind kind;
} kinds[] = {{"llama", IG_TOKENS_SENTENCEPIECE}, {"gpt2", IG_TOKENS_BYTES}, {"bert", IG_TOKENS_WORDPIECE}, {"t5", IG_TOKENS_UNIGRAM}};

/* False where the kind, or its pre-tokenizer, is not known; t->missing then says it. */
static bool choose_kind(job *j, ig_str name, const ig_pre_tokenizer **pre, bool *ok) {
  ig_tokenizer *t = j->t;
  ig_arena *arena = &j->model->arena;
  ig_str rule = ig_str_of("default");
  size_t k = 0;
  while (k < sizeof kinds / sizeof *kinds && !ig_str_equal(name, kinds[k].name)) k++;
  if (k == sizeof kinds / sizeof *kinds) return t->missing = ig_format(arena, "tokenizer \"%s\" is not supported", ig_str_printable(arena, name)), false;
  t->kind = kinds[k].kind;
  if (!ig_meta_string(j->model->meta, "tokenizer.ggml.pre", &rule, j->diags)) return *ok = false;
  if (t->kind != IG_TOKENS_BYTES) return true;
  *pre = ig_pre_tokenizer_find(rule);
  if (!*pre) t->missing = ig_format(arena, "pre-tokenizer \"%s\" (tokenizer.ggml.pre) is not supported", ig_str_printable(arena, rule));
  return *pre != NULL;
}

/* What the file's flags are where it has none; then what it says. */
static bool read_flags(job *j, const ig_pre_tokenizer *pre) {
  ig_tokenizer *t = j->t;
  const ig_meta *meta = j->model->meta;
  t->add_bos = t->kind == IG_TOKENS_BYTES ? pre->add_bos : t->kind != IG_TOKENS_UNIGRAM;
  t->add_space_prefix = t->kind == IG_TOKENS_SENTENCEPIECE || t->kind == IG_TOKENS_WORDPIECE;
  t->add_eos = t->kind == IG_TOKENS_WORDPIECE || t->kind == IG_TOKENS_UNIGRAM;
  bool ok = ig_meta_bool(meta, "tokenizer.ggml.add_bos_token", &t->add_bos, j->diags);
  ok = ig_meta_bool(meta, "tokenizer.ggml.remove_extra_whitespaces", &t->merges_spaces, j->diags) && ok;
  ok = ig_meta_bool(meta, "tokenizer.ggml.add_eos_token", &t->add_eos, j->diags) && ok;
  return ig_meta_bool(meta, "tokenizer.ggml.add_space_prefix", &t->add_space_prefix, j->diags) && ok;
}

bool ig_tokenizer_read(ig_model *model, ig_diags *diags) {
  ig_tokenizer *t = &model->tokenizer;
  const ig_meta *meta = model->meta;
  job j = {model, t, diags, model->file.path, NULL};
  ig_str kind = {0};
  const ig_pre_tokenizer *pre = NULL;
  bool ok = true;
  *t = (ig_tokenizer){.bos = NO_ID, .eos = NO_ID, .unknown = NO_ID, .missing = "the file has no tokenizer"};
  for (int i = 0; i < 256; i++) t->bytes[i] = NO_ID;
  if (!ig_meta_string(meta, "tokenizer.ggml.model", &kind, diags)) return false;
  if (!kind.data) return true;
  if (!choose_kind(&j, kind, &pre, &ok)) return ok;
  if (!ig_meta_find(meta, "tokenizer.ggml.tokens"))
    return ig_error(diags, j.path, "metadata key tokenizer.ggml.tokens is missing: the tokenizer has no tokens");
  const ig_meta_entry *tokens = ig_meta_array(meta, "tokenizer.ggml.tokens", IG_META_STRING, diags);
  if (!tokens) return false;
  if (tokens->count == 0 || tokens->count > INT32_MAX / 8)
    return ig_error(diags, j.path, "metadata key tokenizer.ggml.tokens has %llu elements", (unsigned long long)tokens->count);
  ok = read_pieces(&j, tokens);
  ok = read_types(&j) && ok;
  if (t->kind == IG_TOKENS_SENTENCEPIECE || t->kind == IG_TOKENS_UNIGRAM) ok = read_scores(&j) && ok;
  ok = read_ids(&j) && ok;
  ok = read_flags(&j, pre) && ok;
  if (!ok) return false;
  if (t->kind == IG_TOKENS_BYTES) ig_pieces_to_bytes(&j);
  build_hash(&j);
  if (!ig_list_specials(&j)) return false;
  if (t->kind == IG_TOKENS_SENTENCEPIECE) ig_mark_whole(&j);
  if (t->kind == IG_TOKENS_WORDPIECE) ig_read_words(&j);
  if (t->kind == IG_TOKENS_UNIGRAM && !ig_read_unigram(&j)) return false;
  if (t->kind == IG_TOKENS_BYTES) {
    const char *wrong = ig_splitter_compile(pre->expressions, pre->n, &model->arena, &t->splitter);
    if (wrong) return ig_error(diags, j.path, "pre-tokenizer \"%s\": %s", pre->name, wrong);
    if (!ig_read_merges(&j, pre->ignore_merges)) return false;
  }
  t->present = true;
  t->missing = NULL;
  return true;
}
