#define _POSIX_C_SOURCE 200809L
#include "codegen/leaf_writer.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "runtime/abi/sha256.h"

typedef struct leaf {
  struct leaf *next;
  uint64_t index;
  size_t filled;
  uint8_t bytes[INGOT_HASH_LEAF];
} leaf;

struct ig_leaf_writer {
  int descriptor;
  const char *path;
  uint64_t bytes, position, n_leaves;
  uint8_t *hashes;               /* of all leaves */
  leaf *current;                 /* being filled */
  pthread_mutex_t mutex;         /* guards what follows */
  pthread_cond_t changed;
  leaf *idle, *full, **full_end; /* full: in the order of the file */
  int error;                     /* errno of the first write that failed, -1: the device takes no more */
  bool closing;
  uint32_t n_threads;
  pthread_t threads[];
};

static int write_at(int descriptor, const uint8_t *bytes, size_t size, uint64_t offset) {
  while (size) {
    ssize_t n = pwrite(descriptor, bytes, size, (off_t)offset);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n ? errno : -1;
    bytes += n;
    size -= (size_t)n;
    offset += (uint64_t)n;
  }
  return 0;
}

static int handle(ig_leaf_writer *w, const leaf *l) {
  ingot__sha256_of(l->bytes, l->filled, w->hashes + l->index * INGOT_SHA256_SIZE);
  return write_at(w->descriptor, l->bytes, l->filled, l->index * INGOT_HASH_LEAF);
}

static void *work(void *user) {
  ig_leaf_writer *w = user;
  pthread_mutex_lock(&w->mutex);
  for (;;) {
    while (!w->full && !w->closing) pthread_cond_wait(&w->changed, &w->mutex);
    leaf *l = w->full;
    if (!l) break;
    if (!(w->full = l->next)) w->full_end = &w->full;
    bool failed = w->error;
    pthread_mutex_unlock(&w->mutex);
    int error = failed ? 0 : handle(w, l);
    pthread_mutex_lock(&w->mutex);
    if (error && !w->error) w->error = error;
    l->next = w->idle;
    w->idle = l;
    pthread_cond_broadcast(&w->changed);
  }
  pthread_mutex_unlock(&w->mutex);
  return NULL;
}

ig_leaf_writer *ig_leaf_writer_create(int descriptor, const char *path, uint64_t bytes, uint32_t n_threads) {
  ig_leaf_writer *w = ig_heap_zeroed(1, sizeof *w + n_threads * sizeof *w->threads);
  w->descriptor = descriptor, w->path = path, w->bytes = bytes;
  w->n_leaves = ig_ceil_div(bytes, INGOT_HASH_LEAF);
  w->hashes = ig_heap_zeroed(1, (size_t)w->n_leaves * INGOT_SHA256_SIZE + 1);
  w->full_end = &w->full;
  pthread_mutex_init(&w->mutex, NULL);
  pthread_cond_init(&w->changed, NULL);
  for (uint32_t i = 0; i < n_threads; i++)
    if (pthread_create(&w->threads[w->n_threads], NULL, work, w) == 0) w->n_threads++;
  w->current = ig_heap_zeroed(1, sizeof *w->current);
  for (uint32_t i = 0; i < w->n_threads + (w->n_threads > 0); i++) { /* one being written by each, one waiting */
    leaf *l = ig_heap_zeroed(1, sizeof *l);
    l->next = w->idle;
    w->idle = l;
  }
  return w;
}

/* Hands the current leaf over, and takes an idle one. */
static bool pass_on(ig_leaf_writer *w) {
  leaf *l = w->current;
  if (!w->n_threads) {
    if (!w->error) w->error = handle(w, l);
    l->index++;
    l->filled = 0;
    return !w->error;
  }
  pthread_mutex_lock(&w->mutex);
  l->next = NULL;
  *w->full_end = l;
  w->full_end = &l->next;
  pthread_cond_broadcast(&w->changed);
  while (!w->idle) pthread_cond_wait(&w->changed, &w->mutex);
  w->current = w->idle;
  w->idle = w->current->next;
  bool ok = !w->error;
  pthread_mutex_unlock(&w->mutex);
  w->current->index = l->index + 1;
  w->current->filled = 0;
  return ok;
}

bool ig_leaf_writer_add(ig_leaf_writer *w, const void *bytes, uint64_t size) {
  assert(size <= w->bytes - w->position);
  for (uint64_t done = 0; done < size;) {
    leaf *l = w->current;
    size_t room = INGOT_HASH_LEAF - l->filled, n = size - done < room ? (size_t)(size - done) : room;
    if (bytes) memcpy(l->bytes + l->filled, (const uint8_t *)bytes + done, n);
    else memset(l->bytes + l->filled, 0, n);
    l->filled += n;
    done += n;
    w->position += n;
    if (l->filled == INGOT_HASH_LEAF && !pass_on(w)) return false;
  }
  return true;
}

uint64_t ig_leaf_writer_position(const ig_leaf_writer *w) { return w->position; }

const uint8_t *ig_leaf_writer_hashes(const ig_leaf_writer *w, uint64_t *bytes) {
  *bytes = w->n_leaves * INGOT_SHA256_SIZE;
  return w->hashes;
}

static void join(ig_leaf_writer *w) {
  pthread_mutex_lock(&w->mutex);
  w->closing = true;
  pthread_cond_broadcast(&w->changed);
  pthread_mutex_unlock(&w->mutex);
  for (uint32_t i = 0; i < w->n_threads; i++) pthread_join(w->threads[i], NULL);
  w->n_threads = 0;
}

bool ig_leaf_writer_finish(ig_leaf_writer *w, uint8_t root[32], ig_diags *diags) {
  if (w->current->filled) pass_on(w);
  join(w);
  if (!w->error && fdatasync(w->descriptor) != 0) w->error = errno;
  if (w->error) return ig_error(diags, w->path, "cannot be written: %s", w->error > 0 ? strerror(w->error) : "the device takes no more");
  if (w->position != w->bytes) return false; /* the caller gave up, and said why */
  ingot__sha256_of(w->hashes, (size_t)w->n_leaves * INGOT_SHA256_SIZE, root);
  return true;
}

static void free_leaves(leaf *l) {
  for (leaf *next; l; l = next) {
    next = l->next;
    free(l);
  }
}

void ig_leaf_writer_destroy(ig_leaf_writer *w) {
  if (!w) return;
  join(w);
  free_leaves(w->idle);
  free_leaves(w->full);
  free(w->current);
  free(w->hashes);
  pthread_mutex_destroy(&w->mutex);
  pthread_cond_destroy(&w->changed);
  free(w);
}
