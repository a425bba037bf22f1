/* The part of a file that is replaced whole (os_files.c), of Linux, Android and Apple's systems: locked while it is written. */
#if defined(__linux__) || defined(__APPLE__)
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "runtime/os.h"

#include <errno.h>
#include <fcntl.h>
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
    else if (!S_ISREG(by_fd.st_mode)) code = ESPIPE;
    else if (lstat(part, &by_name)) code = errno == ENOENT ? EAGAIN : errno;
    else if (by_name.st_ino != by_fd.st_ino || by_name.st_dev != by_fd.st_dev) code = EAGAIN;
    else code = fchmod(fd, 0600) || ftruncate(fd, 0) ? errno : 0;
    if (!code) *descriptor = fd;
    else close(fd);
    if (code != EAGAIN) return code;
  }
}
#endif
