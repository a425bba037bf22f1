/* Preloaded into a process, makes calls of the C library fail: INGOT_FAULT="KIND FIRST COUNT ERRNO" says that COUNT calls of a kind, from the FIRST
 * on (counted from 1), fail with that errno; ERRNO 0: they are short (of one byte) instead. INGOT_FAULT_COUNT names a file that gets how many
 * calls of each kind there were, a line for each process. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

enum { MEMORY, READ, WRITE, SYNC, RENAME, CREATE, FOLDER, THREAD, KINDS };
static const char *const names[KINDS] = {"memory", "read", "write", "sync", "rename", "create", "folder", "thread"};

/* One state for the process: set once before main, then only counted. */
static struct {
  int kind, error;
  unsigned long first, count;
  atomic_ulong seen[KINDS];
} fault = {.kind = KINDS};

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("INGOT_FAULT");
  char kind[16];
  if (!text || sscanf(text, "%15s %lu %lu %d", kind, &fault.first, &fault.count, &fault.error) != 4) return;
  for (int k = 0; k < KINDS; k++)
    if (!strcmp(kind, names[k])) fault.kind = k;
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("INGOT_FAULT_COUNT");
  char line[256];
  int n = 0;
  if (!path) return;
  for (int k = 0; k < KINDS; k++) n += snprintf(line + n, sizeof line - (size_t)n, "%s %lu\n", names[k], atomic_load(&fault.seen[k]));
  fault.kind = KINDS;
  FILE *to = fopen(path, "a");
  if (to) fwrite(line, 1, (size_t)n, to), fclose(to);
}

/* Whether this call fails: -1 with errno set, or is short: 1. */
static int strikes(int kind) {
  const unsigned long n = atomic_fetch_add(&fault.seen[kind], 1) + 1;
  if (kind != fault.kind || n < fault.first || n - fault.first >= fault.count) return 0;
  if (fault.error) errno = fault.error;
  return fault.error ? -1 : 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* glibc's own names for what cannot be looked up before there is memory. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size) { return strikes(MEMORY) ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return strikes(MEMORY) ? NULL : __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { return strikes(MEMORY) ? NULL : __libc_realloc(old, size); }
void *aligned_alloc(size_t align, size_t size) { return strikes(MEMORY) ? NULL : __libc_memalign(align, size); }

ssize_t read(int fd, void *to, size_t size) {
  const int hit = strikes(READ);
  return hit < 0 ? -1 : REAL(read)(fd, to, hit && size ? 1 : size);
}
ssize_t pread(int fd, void *to, size_t size, off_t at) {
  const int hit = strikes(READ);
  return hit < 0 ? -1 : REAL(pread)(fd, to, hit && size ? 1 : size, at);
}
ssize_t write(int fd, const void *from, size_t size) {
  const int hit = fd > STDERR_FILENO ? strikes(WRITE) : 0;
  return hit < 0 ? -1 : REAL(write)(fd, from, hit && size ? 1 : size);
}
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
  const int hit = strikes(WRITE);
  return hit < 0 ? -1 : REAL(pwrite)(fd, from, hit && size ? 1 : size, at);
}
int fsync(int fd) { return strikes(SYNC) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return strikes(SYNC) ? -1 : REAL(fdatasync)(fd); }
int rename(const char *from, const char *to) { return strikes(RENAME) ? -1 : REAL(rename)(from, to); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return strikes(RENAME) ? -1 : REAL(renameat2)(a, from, b, to, flags); }
int mkdir(const char *path, mode_t mode) { return strikes(FOLDER) ? -1 : REAL(mkdir)(path, mode); }

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return (flags & O_CREAT) && strikes(CREATE) ? -1 : REAL(open)(path, flags, mode);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*main)(void *), void *context) {
  return strikes(THREAD) ? EAGAIN : REAL(pthread_create)(thread, attributes, main, context);
}
