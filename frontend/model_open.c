/* Opening a model file: the container, what it says of itself, the tokenizer, the template. */
#include "frontend/model.h"

#include <string.h>

#include "frontend/gguf.h"
#include "frontend/tokenizer.h"

enum { LAYERS_MOST = 512, HEADS_MOST = 65536 };

typedef struct job {
  ig_model *model;
  ig_diags *diags;
  bool ok;
} job;

static const char *key(job *j, const char *name) { return ig_format(&j->model->arena, "%s.%s", j->model->architecture, name); }

static void fail(job *j, const char *name, uint32_t value, const char *why) {
  j->ok = ig_error(j->diags, j->model->file.path, "metadata key %s is %u; %s", key(j, name), value, why);
}

/* The number under <architecture>.<name>; 0 where absent. Some files give one number per layer: it serves where all are equal,
 * else the number stays 0 and the graph, which knows what it needs, refuses it. */
static uint32_t number(job *j, const char *name, uint32_t most) {
  const ig_meta *meta = j->model->meta;
  const char *k = key(j, name);
  const ig_meta_entry *e = ig_meta_find(meta, k);
  uint32_t value = 0;
  if (!e) return 0;
  if (e->type == IG_META_ARRAY && (e->element == IG_META_U32 || e->element == IG_META_I32)) {
    for (uint64_t i = 0; i < e->count; i++) {
      if (i && ig_meta_word(meta, e, i) != value) return 0;
      value = ig_meta_word(meta, e, i);
    }
  } else if (!ig_meta_u32(meta, k, &value, j->diags)) return j->ok = false, 0u;
  if (value == 0) fail(j, name, value, "it cannot be 0");
  else if (value > most) fail(j, name, value, ig_format(&j->model->arena, "at most %u is possible", most));
  else return value;
  return 0;
}

/* The same where 0 is as good as absent. */
static uint32_t count(job *j, const char *name) {
  uint32_t value = 0;
  if (!ig_meta_u32(j->model->meta, key(j, name), &value, j->diags)) j->ok = false;
  return value;
}

static void read_shape(job *j) {
  ig_model *m = j->model;
  m->n_context = number(j, "context_length", UINT32_MAX);
  m->n_embd = number(j, "embedding_length", 1u << 24);
  m->n_layer = number(j, "block_count", LAYERS_MOST);
  m->n_ff = number(j, "feed_forward_length", 1u << 28);
  m->n_heads = number(j, "attention.head_count", HEADS_MOST);
  m->n_kv_heads = number(j, "attention.head_count_kv", HEADS_MOST);
  if (!m->n_kv_heads && !ig_meta_find(m->meta, key(j, "attention.head_count_kv"))) m->n_kv_heads = m->n_heads;
  m->head_dim = number(j, "attention.key_length", 1u << 16);
  m->n_experts = count(j, "expert_count");
  m->n_experts_used = count(j, "expert_used_count");
  m->n_ff_expert = count(j, "expert_feed_forward_length");
  if (!m->n_ff_expert) m->n_ff_expert = m->n_ff;
  if (m->n_heads && m->n_kv_heads && m->n_heads % m->n_kv_heads)
    fail(j, "attention.head_count", m->n_heads, ig_format(&m->arena, "it must be a multiple of attention.head_count_kv, %u", m->n_kv_heads));
  if (!m->head_dim && m->n_embd && m->n_heads) {
    if (m->n_embd % m->n_heads)
      fail(j, "embedding_length", m->n_embd,
           ig_format(&m->arena, "it must be a multiple of attention.head_count, %u, as there is no attention.key_length", m->n_heads));
    else m->head_dim = m->n_embd / m->n_heads;
  }
}

/* From vocab_size, the tokens' count and the embedding's rows, in that order; they must agree. */
static void read_vocabulary(job *j) {
  ig_model *m = j->model;
  const ig_meta_entry *tokens = ig_meta_find(m->meta, "tokenizer.ggml.tokens");
  uint32_t size = number(j, "vocab_size", INT32_MAX / 8);
  uint64_t count = tokens && tokens->type == IG_META_ARRAY && tokens->element == IG_META_STRING ? tokens->count : 0;
  if (size && count && size != count)
    fail(j, "vocab_size", size, ig_format(&m->arena, "it differs from the %llu tokens of tokenizer.ggml.tokens", (unsigned long long)count));
  m->n_vocab = size ? size : count <= INT32_MAX / 8 ? (uint32_t)count : 0;
  for (uint32_t i = 0; !m->n_vocab && i < m->n_tensors; i++)
    if (strcmp(m->tensors[i].name, "token_embd.weight") == 0 && m->tensors[i].ne[1] <= INT32_MAX / 8) m->n_vocab = (uint32_t)m->tensors[i].ne[1];
}

static void read_names(job *j) {
  ig_model *m = j->model;
  ig_str architecture = {0}, name = {0}, kind = {0};
  if (!ig_meta_string(m->meta, "general.architecture", &architecture, j->diags)) j->ok = false;
  else if (!architecture.size || architecture.size > 63)
    j->ok = ig_error(j->diags, m->file.path, "metadata key general.architecture is missing or longer than 63 bytes: this is not a model");
  if (!ig_meta_string(m->meta, "general.name", &name, j->diags)) j->ok = false;
  if (!ig_meta_string(m->meta, "general.type", &kind, j->diags)) j->ok = false;
  if (kind.data && !ig_str_equal(kind, "model"))
    j->ok = ig_error(j->diags, m->file.path, "is of type \"%s\" (general.type), not a model", ig_str_printable(&m->arena, kind));
  if (name.size > 255) name.size = 255;
  m->architecture = ig_str_printable(&m->arena, architecture.size <= 63 ? architecture : (ig_str){0});
  m->name = ig_str_printable(&m->arena, name);
  const char *file = strrchr(m->file.path, '/');
  file = file ? file + 1 : m->file.path;
  m->source = name.size ? ig_format(&m->arena, "%s (%s)", file, m->name) : ig_copy_string(&m->arena, file);
}

void ig_model_blame_file(const ig_model *model, ig_diags *diags) {
  if (model->file.descriptor < 0) return; /* not even opened, or one of a set: told already */
  ig_report(diags, IG_NOTE, model->file.path, "what is wrong is in the file itself: fetch it again, or convert the model again with a current converter");
}

static bool read_model(ig_model *model, const char *path, ig_diags *diags) {
  if (!ig_model_files(model, path, diags)) return false;
  job j = {model, diags, true};
  read_names(&j);
  read_shape(&j);
  read_vocabulary(&j);
  bool tables = ig_tokenizer_read(model, diags);
  return (!tables || ig_template_read(model, diags)) && tables && j.ok;
}

bool ig_model_open(ig_model *model, const char *path, ig_diags *diags) {
  *model = (ig_model){.file.descriptor = -1};
  bool ok = read_model(model, path, diags);
  if (!ok) ig_model_blame_file(model, diags);
  return ok;
}

void ig_model_close(ig_model *model) {
  ig_gguf_finish(model->meta);
  ig_file_close(&model->file);
  ig_arena_finish(&model->arena);
  *model = (ig_model){.file.descriptor = -1};
}
