/* Files that are replaced whole: written under another name, then renamed. For Linux, Android and Apple, as os_posix.c. */
#if defined(__linux__) || defined(__APPLE__)
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "runtime/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* The lock tells a part that somebody writes from one that a killed process left; it goes with its process. Between open and lock the file
 * may have been renamed by whoever held it: then it is no longer the part. */
int ingot__os_replace_begin(const char *part, int *descriptor) {
  for (;;) {
    struct stat by_name, by_fd;
    int fd = open(part, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK, 0600), code;
    if (fd < 0) return errno;
    if (flock(fd, LOCK_EX | LOCK_NB)) code = errno == EWOULDBLOCK ? EBUSY : errno;
    else if (fstat(fd, &by_fd)) code = errno;
    else if (!S_ISREG(by_fd.st_mode)) code = EINVAL;
    else if (lstat(part, &by_name)) code = errno == ENOENT ? EAGAIN : errno;
    else if (by_name.st_ino != by_fd.st_ino || by_name.st_dev != by_fd.st_dev) code = EAGAIN;
    else code = fchmod(fd, 0600) || ftruncate(fd, 0) ? errno : 0;
    if (!code) *descriptor = fd;
    else close(fd);
    if (code != EAGAIN) return code;
  }
}

int ingot__os_write(int descriptor, const void *bytes, uint64_t size) {
  for (const uint8_t *at = bytes; size;) {
    ssize_t n = write(descriptor, at, size < (1u << 30) ? size : 1u << 30);
    if (n < 0 && errno == EINTR) continue;
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
#endif
