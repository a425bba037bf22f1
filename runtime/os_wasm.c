/* WebAssembly with a C library (WASI's, Emscripten's): files are read into memory, which is all an app has; nothing locks them. Without a C library it
 * is a system of os_none.c. */
#if defined(__wasi__) || defined(__EMSCRIPTEN__)
#define _DEFAULT_SOURCE
#include "runtime/os.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

void *ingot__os_allocate(void *user, size_t size, size_t align) {
  void *p = NULL;
  (void)user;
  return posix_memalign(&p, align, size) ? NULL : memset(p, 0, size);
}

void ingot__os_release(void *user, void *memory, size_t size) {
  (void)user, (void)size;
  free(memory);
}

/* A part that a killed app left is written anew: nobody else is known to write it. */
int ingot__os_replace_begin(const char *part, int *descriptor) {
  *descriptor = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW, 0600);
  return *descriptor < 0 ? errno : 0;
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
#endif
