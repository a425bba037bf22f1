#define _GNU_SOURCE
#include "driver/bundle_folder.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

const char ig_report_mark[] = "{\n  \"ingot\": ";

bool ig_make_folders(const char *path, ig_arena *arena, ig_diags *diags) {
  char *copy = ig_copy_string(arena, path);
  for (char *c = copy; *c; c++) {
    if (*c != '/' || c == copy) continue;
    *c = 0;
    mkdir(copy, 0777); /* what matters is whether the whole path can be made */
    *c = '/';
  }
  struct stat st;
  if (mkdir(copy, 0777) == 0 || (stat(copy, &st) == 0 && S_ISDIR(st.st_mode))) return true;
  return ig_error(diags, path, "cannot make this folder: %s", strerror(errno));
}

static bool remove_at(int parent, const char *name, int depth) {
  enum { DEPTH_MOST = 16 };
  if (unlinkat(parent, name, 0) == 0 || errno == ENOENT) return true;
  int fd = depth < DEPTH_MOST ? openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC) : -1;
  DIR *dir = fd >= 0 ? fdopendir(fd) : NULL;
  if (!dir) {
    if (fd >= 0) close(fd);
    return false;
  }
  for (struct dirent *entry; (entry = readdir(dir));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) remove_at(dirfd(dir), entry->d_name, depth + 1);
  closedir(dir);
  return unlinkat(parent, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool ig_remove_tree(const char *path) { return remove_at(AT_FDCWD, path, 0); }

/* The folder itself, locked by whoever builds in it: the lock goes with its process, however that ends. -1: taken, or gone meanwhile. */
static int lock_folder(const char *path, int how) {
  int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
  struct stat by_name, by_fd;
  if (fd >= 0 && flock(fd, how) == 0 && fstat(fd, &by_fd) == 0 && lstat(path, &by_name) == 0 && by_fd.st_ino == by_name.st_ino &&
      by_fd.st_dev == by_name.st_dev)
    return fd;
  if (fd >= 0) close(fd);
  return -1;
}

/* Parts whose compiler is no longer there: names that begin and end so. */
static void remove_stale(const char *parent, const char *prefix, const char *ending, ig_arena *arena) {
  DIR *dir = opendir(parent);
  size_t n = strlen(prefix), m = strlen(ending);
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    size_t size = strlen(entry->d_name);
    if (strncmp(entry->d_name, prefix, n) || size < n + m || strcmp(entry->d_name + size - m, ending)) continue;
    const char *path = ig_format(arena, "%s/%s", parent, entry->d_name);
    int lock = lock_folder(path, LOCK_EX | LOCK_NB);
    if (lock < 0) continue;
    ig_remove_tree(path);
    close(lock);
  }
  if (dir) closedir(dir);
}

static bool is_bundle(const char *path, ig_arena *arena) {
  char head[32] = {0};
  FILE *report = fopen(ig_format(arena, "%s/report.json", path), "rb");
  if (!report) return false;
  size_t n = fread(head, 1, sizeof head - 1, report);
  fclose(report);
  return n > 0 && strncmp(head, ig_report_mark, strlen(ig_report_mark)) == 0;
}

/* Folders in folders and no file: build tools make the folders of what they expect beforehand. Nothing is lost with them. */
static bool holds_nothing(const char *path, int depth, ig_arena *arena) {
  enum { DEPTH_MOST = 4 };
  bool nothing = depth < DEPTH_MOST;
  DIR *dir = nothing ? opendir(path) : NULL;
  for (struct dirent *entry; dir && nothing && (entry = readdir(dir));)
    if (strcmp(entry->d_name, ".") && strcmp(entry->d_name, "..")) nothing = holds_nothing(ig_format(arena, "%s/%s", path, entry->d_name), depth + 1, arena);
  if (dir) closedir(dir);
  return dir && nothing;
}

bool ig_bundle_begin(ig_bundle_folder *folder, const char *parent, const char *name, ig_arena *arena, ig_diags *diags) {
  struct stat st;
  if (!ig_make_folders(parent, arena, diags)) return false;
  folder->final = ig_format(arena, "%s/%s.ingot", parent, name);
  if (lstat(folder->final, &st) == 0 && (!S_ISDIR(st.st_mode) || !(is_bundle(folder->final, arena) || holds_nothing(folder->final, 0, arena))))
    return ig_error(diags, folder->final, "exists and is not a bundle that ingot made (it has no report.json of ours); move it away or choose another --name");
  const char *prefix = ig_format(arena, ".%s.ingot.", name);
  remove_stale(parent, prefix, ".part", arena);
  folder->part = ig_format(arena, "%s/%s%ld.part", parent, prefix, (long)getpid());
  for (int tries = 0; tries < 8; tries++) { /* another compiler may take it for stale before it is locked, and remove it */
    if (mkdir(folder->part, 0777) != 0) break;
    if ((folder->lock = lock_folder(folder->part, LOCK_EX)) >= 0) return true;
  }
  ig_error(diags, folder->part, "cannot make this folder: %s", strerror(errno));
  folder->part = NULL;
  return false;
}

static bool swap_in(const ig_bundle_folder *folder, ig_diags *diags) {
  for (int tries = 0; tries < 8; tries++) { /* another compiler may come or go between the two calls */
    if (renameat2(AT_FDCWD, folder->part, AT_FDCWD, folder->final, RENAME_NOREPLACE) == 0) return true;
    if (errno != EEXIST) break;
    if (renameat2(AT_FDCWD, folder->part, AT_FDCWD, folder->final, RENAME_EXCHANGE) == 0) {
      ig_remove_tree(folder->part); /* now the old bundle; left to the next compile where it cannot be removed */
      return true;
    }
    if (errno != ENOENT) break;
  }
  if (errno != EINVAL && errno != ENOSYS) return ig_error(diags, folder->final, "cannot be put in place: %s", strerror(errno));
  /* A file system without exchange: for a moment there is no bundle, but never a part of one. */
  if (!ig_remove_tree(folder->final) || rename(folder->part, folder->final) != 0)
    return ig_error(diags, folder->final, "cannot be replaced: %s", strerror(errno));
  return true;
}

static void unlock(ig_bundle_folder *folder) {
  if (folder->part) close(folder->lock);
  folder->part = NULL;
}

bool ig_bundle_commit(ig_bundle_folder *folder, ig_diags *diags) {
  if (!swap_in(folder, diags)) return false;
  unlock(folder);
  return true;
}

void ig_bundle_abandon(ig_bundle_folder *folder) {
  if (folder->part) ig_remove_tree(folder->part);
  unlock(folder);
}

void ig_bundle_remove_left(const char *parent, long process, ig_arena *arena) {
  remove_stale(parent, ".", ig_format(arena, ".ingot.%ld.part", process), arena);
}
