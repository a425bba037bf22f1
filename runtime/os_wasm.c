/* WebAssembly with a C library (WASI's, Emscripten's): files are read into memory, which is all an app has; no threads, no locks of files. Without a C library it
 * is a system of os_none.c. */
#if defined(__wasi__) || defined(__EMSCRIPTEN__)
#define _DEFAULT_SOURCE
#include "runtime/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

void *ingot__os_allocate(void *user, size_t size, size_t align) {
  void *p = NULL;
  (void)user;
  return posix_memalign(&p, align, size) ? NULL : memset(p, 0, size);
}

void ingot__os_release(void *user, void *memory, size_t size) {
  (void)user, (void)size;
  free(memory);
}

int ingot__os_size(int descriptor, uint64_t *size) {
  struct stat status;
  if (fstat(descriptor, &status)) return errno;
  if (!S_ISREG(status.st_mode)) return S_ISDIR(status.st_mode) ? EISDIR : EINVAL;
  *size = (uint64_t)status.st_size;
  return 0;
}

int ingot__os_open(const char *path, int *descriptor, uint64_t *size) {
  *descriptor = open(path, O_RDONLY | O_NONBLOCK);
  if (*descriptor < 0) return errno;
  int code = ingot__os_size(*descriptor, size);
  if (code) close(*descriptor);
  return code;
}

void ingot__os_close(int descriptor) { close(descriptor); }

int ingot__os_read(int descriptor, uint64_t offset, void *to, uint64_t size) {
  uint8_t *out = to;
  while (size) {
    ssize_t got = pread(descriptor, out, size < (1u << 30) ? (size_t)size : 1u << 30, (off_t)offset);
    if (got < 0) return errno;
    if (got == 0) return EIO;
    out += got, offset += (uint64_t)got, size -= (uint64_t)got;
  }
  return 0;
}

/* A part that a killed app left is written anew: nobody else is known to write it. */
int ingot__os_replace_begin(const char *part, int *descriptor) {
  *descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  return *descriptor < 0 ? errno : 0;
}

int ingot__os_write(int descriptor, const void *bytes, uint64_t size) {
  for (const uint8_t *at = bytes; size;) {
    ssize_t n = write(descriptor, at, size < (1u << 30) ? (size_t)size : 1u << 30);
    if (n <= 0) return n ? errno : ENOSPC;
    at += n, size -= (uint64_t)n;
  }
  return 0;
}

int ingot__os_replace_end(int descriptor, const char *part, const char *path, bool keep) {
  int code = keep && (fsync(descriptor) || rename(part, path)) ? errno : 0;
  if (code || !keep) unlink(part);
  close(descriptor);
  return code;
}

/* A copy, aligned as kernels want it: pages of files cannot be mapped. */
int ingot__os_map(int descriptor, uint64_t offset, uint64_t size, ingot__map *map) {
  void *copy = NULL;
  if (size > SIZE_MAX / 2 || posix_memalign(&copy, 64, size ? (size_t)size : 1)) return ENOMEM;
  int code = ingot__os_read(descriptor, offset, copy, size);
  if (code) free(copy);
  else *map = (ingot__map){copy, (size_t)size, copy};
  return code;
}

void ingot__os_unmap(ingot__map *map) {
  free(map->address);
  map->address = NULL;
}

void ingot__os_error_text(int code, char text[96]) {
  if (code == EIO) strcpy(text, "the file cannot be read, or is shorter than it was");
  else if (strerror_r(code, text, 96)) strcpy(text, "an error that the system has no words for");
}

static int64_t seconds_and(clockid_t clock, uint64_t *nanoseconds) {
  struct timespec t = {0};
  if (clock_gettime(clock, &t)) return 0;
  *nanoseconds = (uint64_t)t.tv_nsec;
  return (int64_t)t.tv_sec;
}
uint64_t ingot__os_nanoseconds(void) {
  uint64_t rest = 0, seconds = (uint64_t)seconds_and(CLOCK_MONOTONIC, &rest);
  return seconds * UINT64_C(1000000000) + rest;
}
int64_t ingot__os_now(void) { return seconds_and(CLOCK_REALTIME, &(uint64_t){0}); }
#endif
