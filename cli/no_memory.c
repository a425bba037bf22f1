/* Where memory runs out. What reads and compiles models stands on LLVM, MLIR and C++'s library, which then end the process, some of them by a write
 * through NULL. So in this command no allocation of theirs fails: the one that would tells that and ends the process, which has nothing of its own to
 * lose (supervise.c). The runtime gives an error back instead, so where a model runs malloc is the C library's (`cli_memory_may_fail`). */
#define _GNU_SOURCE
#include "cli.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

static _Noreturn void end(size_t bytes) {
  static atomic_flag told = ATOMIC_FLAG_INIT;
  char line[160];
  while (atomic_flag_test_and_set(&told)) pause(); /* another thread is ending this */
  const int n = snprintf(line, sizeof line,
                         "ingot: error: memory ran out: %zu bytes more were refused; close other programs, or raise the limit that holds here\n", bytes);
  const ssize_t written = write(STDERR_FILENO, line, (size_t)n); /* what is on its way to stdout is not written: it may be half a line */
  (void)written;
  _exit(CLI_FAILED);
}

void cli_no_memory(size_t bytes) { end(bytes); }

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define OWN_ALLOCATOR 1 /* they end the process themselves */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer) || __has_feature(memory_sanitizer)
#define OWN_ALLOCATOR 1
#endif
#endif

#if !defined(__linux__) || defined(OWN_ALLOCATOR)

void cli_memory_may_fail(bool may) { (void)may; }

#else

#include <dlfcn.h>

static atomic_bool may_fail; /* false from before main on: LLVM allocates while it is loaded */

void cli_memory_may_fail(bool may) { atomic_store(&may_fail, may); }

static void *checked(void *p, size_t bytes) {
  if (!p && !atomic_load(&may_fail)) end(bytes);
  return p;
}

/* The next library's function of this name: the C library's, or what is preloaded. Looked up once; twice by two threads does no harm. */
#define NEXT(name) \
  static _Atomic(__typeof__(&name)) found; \
  __typeof__(&name) next = atomic_load(&found); \
  if (!next) atomic_store(&found, next = (__typeof__(&name))dlsym(RTLD_NEXT, #name));

void *malloc(size_t size) {
  NEXT(malloc)
  return checked(next(size), size);
}

void *calloc(size_t n, size_t size) {
  NEXT(calloc)
  return checked(next(n, size), n * size);
}

void *realloc(void *old, size_t size) {
  NEXT(realloc)
  void *p = next(old, size);
  return size || !old ? checked(p, size) : p; /* to no bytes: `old` is freed, and NULL right */
}

void *aligned_alloc(size_t align, size_t size) {
  NEXT(aligned_alloc)
  return checked(next(align, size), size);
}

int posix_memalign(void **to, size_t align, size_t size) {
  NEXT(posix_memalign)
  const int error = next(to, align, size);
  if (error == ENOMEM) checked(NULL, size);
  return error;
}

#endif
