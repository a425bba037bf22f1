/* Files and clocks by the calls of POSIX: Linux, Android, Apple, and WebAssembly with a C library. */
#if defined(__linux__) || defined(__APPLE__) || defined(__wasi__) || defined(__EMSCRIPTEN__)
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "runtime/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#if !defined(ENODATA) /* WASI */
#define ENODATA EIO
#endif

int ingot__os_size(int descriptor, uint64_t *size) {
  struct stat status;
  if (fstat(descriptor, &status)) return errno;
  if (!S_ISREG(status.st_mode)) return S_ISDIR(status.st_mode) ? EISDIR : ESPIPE;
  *size = (uint64_t)status.st_size;
  return 0;
}

int ingot__os_open(const char *path, int *descriptor, uint64_t *size) {
  *descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO would block before it can be refused */
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
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return errno;
    if (got == 0) return ENODATA;
    out += got, offset += (uint64_t)got, size -= (uint64_t)got;
  }
  return 0;
}

int ingot__os_write(int descriptor, const void *bytes, uint64_t size) {
  for (const uint8_t *at = bytes; size;) {
    ssize_t n = write(descriptor, at, size < (1u << 30) ? (size_t)size : 1u << 30);
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return n ? errno : ENOSPC;
    at += n, size -= (uint64_t)n;
  }
  return 0;
}

int ingot__os_replace_end(int descriptor, const char *part, const char *path, bool keep) {
  struct stat there;
  int code = keep && !lstat(path, &there) && !S_ISREG(there.st_mode) ? S_ISDIR(there.st_mode) ? EISDIR : ESPIPE : 0; /* a device is no file to replace */
  if (!code && keep && (fsync(descriptor) || rename(part, path))) code = errno;
  if (code || !keep) unlink(part);
  close(descriptor);
  return code;
}

void ingot__os_error_text(int code, char text[96]) {
  if (code == ENODATA) strcpy(text, "the file is shorter than it was");
  else if (code == ESPIPE) strcpy(text, "not a regular file");
  else if (strerror_r(code, text, 96)) strcpy(text, "an error that the system has no words for");
}

uint64_t ingot__os_nanoseconds(void) {
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  return (uint64_t)now.tv_sec * UINT64_C(1000000000) + (uint64_t)now.tv_nsec;
}

int64_t ingot__os_now(void) {
  struct timespec t;
  return clock_gettime(CLOCK_REALTIME, &t) ? 0 : (int64_t)t.tv_sec;
}
#endif
