#define _POSIX_C_SOURCE 200809L
#include "ir/base/base.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool ig_file_open(ig_file *file, const char *path, ig_arena *arena, ig_diags *diags) {
  *file = (ig_file){.descriptor = -1, .path = ig_copy_string(arena, path)};
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0) return ig_error(diags, path, "cannot open the file: %s", strerror(errno));
  struct stat st;
  if (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode)) {
    close(fd);
    return ig_error(diags, path, "is not a regular file; give the path of one");
  }
  file->descriptor = fd;
  file->size = (uint64_t)st.st_size;
  return true;
}

bool ig_file_read(const ig_file *file, uint64_t offset, void *to, size_t size, ig_diags *diags) {
  size_t done = 0;
  for (; file->next && offset >= file->own; file = file->next) offset -= file->own;
  while (done < size) {
    ssize_t n = pread(file->descriptor, (char *)to + done, size - done, (off_t)(offset + done));
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) return ig_error(diags, file->path, "cannot read %zu bytes at offset %llu: %s", size, (unsigned long long)offset, strerror(errno));
    if (n == 0)
      return ig_error(diags, file->path, "ends before offset %llu: the file is truncated or was changed while it was read",
                      (unsigned long long)(offset + size));
    done += (size_t)n;
  }
  return true;
}

void ig_file_close(ig_file *file) {
  for (; file; file = file->next) {
    if (file->descriptor >= 0) close(file->descriptor);
    file->descriptor = -1;
  }
}

bool ig_read_small_file(const char *path, size_t limit, ig_arena *arena, ig_str *out, ig_diags *diags) {
  ig_file file;
  if (!ig_file_open(&file, path, arena, diags)) return false;
  if (file.size > limit) {
    ig_file_close(&file);
    return ig_error(diags, path, "is %llu bytes long, more than the %zu allowed for such a file", (unsigned long long)file.size, limit);
  }
  char *bytes = ig_alloc(arena, (size_t)file.size + 1);
  bool ok = ig_file_read(&file, 0, bytes, (size_t)file.size, diags);
  *out = (ig_str){bytes, (size_t)file.size};
  ig_file_close(&file);
  return ok;
}

bool ig_write_file(const char *path, const void *bytes, size_t size, ig_diags *diags) {
  ig_arena arena = {0};
  struct stat st;
  const bool in_place = lstat(path, &st) == 0 && !S_ISREG(st.st_mode); /* a device or a link is no file of ours to replace */
  const char *part = in_place ? path : ig_format(&arena, "%s.part.%ld", path, (long)getpid());
  int fd = open(part, O_WRONLY | O_TRUNC | O_CLOEXEC | (in_place ? 0 : O_CREAT | O_NOFOLLOW), 0666);
  bool ok = fd >= 0;
  for (size_t done = 0; ok && done < size;) {
    ssize_t n = write(fd, (const char *)bytes + done, size - done);
    if (n < 0 && errno == EINTR) continue;
    ok = n > 0;
    if (ok) done += (size_t)n;
  }
  ok = ok && (in_place || fsync(fd) == 0);
  if (fd >= 0) ok = close(fd) == 0 && ok;
  ok = ok && (in_place || rename(part, path) == 0);
  if (!ok) {
    ig_error(diags, path, "cannot write %zu bytes: %s", size, strerror(errno));
    if (!in_place) unlink(part);
  }
  ig_arena_finish(&arena);
  return ok;
}
