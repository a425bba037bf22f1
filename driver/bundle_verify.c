#define _POSIX_C_SOURCE 200809L
#include "driver/verify.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "driver/report.h"
#include "runtime/abi/weights.h"
#include "targets/target.h"

enum { PLATFORMS_MOST = 64 };

typedef struct verification {
  const char *bundle, *name;
  void (*progress)(void *user, const char *what, double fraction);
  void *user;
  struct stat seen[PLATFORMS_MOST]; /* weights files that were looked at */
  uint8_t *piece;                   /* a MiB of a file */
  uint32_t threads;
  ig_verified *verified;
  ig_arena *arena;
  ig_diags *diags;
} verification;

#define F(...) ig_format(v->arena, __VA_ARGS__)

const char *ig_digest_text(const uint8_t digest[32], ig_arena *arena) {
  char text[2 * INGOT_SHA256_SIZE + 1] = "";
  for (int i = 0; i < INGOT_SHA256_SIZE; i++) text[2 * i] = "0123456789abcdef"[digest[i] >> 4], text[2 * i + 1] = "0123456789abcdef"[digest[i] & 15];
  return ig_copy_string(arena, text);
}

const char *ig_sha256_text(const void *bytes, size_t size, ig_arena *arena) {
  uint8_t digest[INGOT_SHA256_SIZE];
  ingot__sha256_of(bytes, size, digest);
  return ig_digest_text(digest, arena);
}

static bool differs(verification *v, const char *path) {
  return ig_error(v->diags, path, "is not the file that report.json vouches for: take the bundle again from where it came, or compile the model again");
}

/* SHA-256 of a file, by pieces of a MiB. */
static bool hash_file(verification *v, const ig_file *file, uint8_t digest[INGOT_SHA256_SIZE]) {
  ingot__sha256 hash;
  bool ok = true;
  ingot__sha256_init(&hash);
  for (uint64_t at = 0; ok && at < file->size; at += INGOT_HASH_LEAF) {
    const size_t size = (size_t)(file->size - at < INGOT_HASH_LEAF ? file->size - at : INGOT_HASH_LEAF);
    ok = ig_file_read(file, at, v->piece, size, v->diags);
    if (ok) ingot__sha256_add(&hash, v->piece, size);
  }
  ingot__sha256_finish(&hash, digest);
  return ok;
}

static bool whole(verification *v, const char *path, const char *report, const char *entry) {
  const char *want = ig_report_word(report, entry, v->arena);
  uint8_t digest[INGOT_SHA256_SIZE];
  ig_file file;
  if (!ig_file_open(&file, path, v->arena, v->diags)) return false;
  bool ok = hash_file(v, &file, digest);
  ig_file_close(&file);
  return ok && ((want && !strcmp(ig_digest_text(digest, v->arena), want)) || differs(v, path));
}

static bool seen(verification *v, const char *path) {
  struct stat st;
  if (stat(path, &st) != 0) return false; /* told by whoever opens it */
  for (uint32_t i = 0; i < v->verified->weights; i++)
    if (v->seen[i].st_ino == st.st_ino && v->seen[i].st_dev == st.st_dev) return true;
  v->seen[v->verified->weights] = st;
  return false;
}

/* MiBs of a weights file against their hashes, each by whatever thread comes first. */
typedef struct hashing {
  verification *v;
  const ig_file *file;
  const uint8_t *hash;
  uint8_t *differs;            /* of each MiB: whether it does, or cannot be read */
  uint64_t bytes, n;
  _Atomic uint64_t next;
} hashing;

static size_t leaf_size(const hashing *h, uint64_t i) {
  const uint64_t left = h->bytes - i * INGOT_HASH_LEAF;
  return (size_t)(left < INGOT_HASH_LEAF ? left : INGOT_HASH_LEAF);
}

static void hash_leaves(hashing *h, bool tells) {
  uint8_t *piece = ig_heap_grow(NULL, INGOT_HASH_LEAF), digest[INGOT_SHA256_SIZE];
  for (uint64_t i; (i = atomic_fetch_add(&h->next, 1)) < h->n;) {
    ig_diags unread = {0};
    if (tells && h->v->progress) h->v->progress(h->v->user, "hashing", (double)i / (double)h->n);
    const bool read = ig_file_read(h->file, i * INGOT_HASH_LEAF, piece, leaf_size(h, i), &unread);
    ig_diags_finish(&unread);
    if (read) ingot__sha256_of(piece, leaf_size(h, i), digest);
    h->differs[i] = !read || memcmp(digest, h->hash + i * INGOT_SHA256_SIZE, sizeof digest) != 0;
  }
  free(piece);
}

static void *hash_beside(void *context) { return hash_leaves(context, false), NULL; }

/* What lies behind the weights: the seal, the hashes and zeros up to a multiple of 64, all as they have to be. */
static bool whole_end(verification *v, const ig_file *file, uint64_t bytes, uint64_t n, const uint8_t *hash, const char *root) {
  const size_t size = (size_t)n * INGOT_SHA256_SIZE, padding = (size_t)(file->size - bytes - sizeof(ingot_seal) - size);
  uint8_t zeros[64] = {0}, none[64] = {0};
  ingot_seal seal, want = {.magic = INGOT_SEAL_MAGIC};
  ingot__sha256_of(hash, size, want.root);
  if (!ig_file_read(file, bytes, &seal, sizeof seal, v->diags) || !ig_file_read(file, file->size - padding, zeros, padding, v->diags)) return false;
  return (!memcmp(&seal, &want, sizeof seal) && !memcmp(zeros, none, padding) && !strcmp(ig_digest_text(want.root, v->arena), root)) || differs(v, file->path);
}

static bool leaves(verification *v, const ig_file *file, uint64_t bytes, const char *root) {
  enum { MOST = 64 };
  ig_arena arena = {0};
  hashing h = {.v = v, .file = file, .bytes = bytes, .n = ingot__leaves(bytes)};
  const size_t size = (size_t)h.n * INGOT_SHA256_SIZE;
  uint8_t *hash = ig_alloc(&arena, size);
  h.hash = hash, h.differs = ig_alloc(&arena, (size_t)h.n);
  bool ok = ig_file_read(file, bytes + sizeof(ingot_seal), hash, size, v->diags) && whole_end(v, file, bytes, h.n, hash, root);
  pthread_t threads[MOST];
  uint32_t n = 0;
  while (ok && n + 1 < v->threads && n < MOST && pthread_create(&threads[n], NULL, hash_beside, &h) == 0) n++;
  if (ok) hash_leaves(&h, true);
  while (n) pthread_join(threads[--n], NULL);
  for (uint64_t i = 0; ok && i < h.n; i++)
    if (h.differs[i])
      ig_error(v->diags, file->path, "the weights are damaged in the MiB from byte %llu on: take them again from where they came",
               (unsigned long long)(i * INGOT_HASH_LEAF));
  ig_arena_finish(&arena);
  return ok;
}

static bool weights(verification *v, const char *path, const char *report) {
  uint64_t bytes = 0;
  const char *root = ig_report_word(report, "weights_root", v->arena);
  if (seen(v, path)) return true;
  ig_file file;
  if (!root || !ig_report_number(report, "weights_bytes", &bytes)) return differs(v, path);
  if (!ig_file_open(&file, path, v->arena, v->diags)) return false;
  bool ok = bytes < UINT64_MAX / 2 && file.size == ingot__weights_file(bytes)
      ? leaves(v, &file, bytes, root)
      : ig_error(v->diags, path, "has %llu bytes, and report.json vouches for a file of another size: take it again from where it came",
                 (unsigned long long)file.size);
  ig_file_close(&file);
  v->verified->weights++;
  v->verified->weights_bytes += bytes;
  return ok;
}

static bool platform(verification *v, const ig_platform *p, const char *report) {
  const char *folder = F("%s/%s", v->bundle, p->name), *prefix = F("%s/%s.prefix", folder, v->name);
  if (!ig_report_word(report, "library_sha256", v->arena))
    return ig_error(v->diags, folder, "its report vouches for no files: the bundle was made by another version of ingot; compile the model again");
  v->verified->platforms++;
  if (p == ig_platform_find("native")) v->verified->here = true;
  bool ok = whole(v, F("%s/lib%s.a", folder, v->name), report, "library_sha256") & whole(v, F("%s/%s.plan", folder, v->name), report, "plan_sha256");
  if (ig_report_word(report, "prefix_sha256", v->arena) || access(prefix, F_OK) == 0) ok = whole(v, prefix, report, "prefix_sha256") && ok;
  return weights(v, F("%s/%s.weights", folder, v->name), report) && ok;
}

bool ig_verify_files(const char *bundle, uint32_t threads, void (*progress)(void *user, const char *what, double fraction), void *user, ig_verified *verified,
                     ig_arena *arena, ig_diags *diags) {
  verification *v = &(verification){
    .bundle = bundle, .progress = progress, .user = user, .threads = threads, .verified = verified, .arena = arena, .diags = diags};
  const long cores = sysconf(_SC_NPROCESSORS_ONLN);
  if (!threads) v->threads = cores < 1 ? 1 : cores > 16 ? 16 : (uint32_t)cores;
  ig_str leading, own;
  *verified = (ig_verified){0};
  if (!ig_read_report(bundle, arena, &leading, diags)) return false;
  v->name = ig_report_word(leading.data, "name", arena);
  const char *first = ig_report_word(leading.data, "platform", arena);
  if (!first || !ig_platform_find(first)) return ig_error(diags, bundle, "is not a bundle of ingot's");
  const size_t errors = diags->errors;
  v->piece = ig_alloc(arena, INGOT_HASH_LEAF);
  for (int i = 0; ig_platform_at(i); i++) {
    const ig_platform *p = ig_platform_at(i);
    const bool leads = !strcmp(p->name, first);
    if (!ig_report_lists(leading.data, "platforms", p->name)) continue;
    if (leads) platform(v, p, leading.data);
    else if (ig_read_report(F("%s/%s", bundle, p->name), arena, &own, diags)) platform(v, p, own.data);
  }
  if (ig_report_word(leading.data, "header_sha256", arena)) whole(v, F("%s/%s.h", bundle, v->name), leading.data, "header_sha256");
  return diags->errors == errors;
}
