/* Without an operating system that the runtime knows: plan and weights embedded or in memory, the app's allocator. */
#if !defined(__linux__) && !defined(__APPLE__) && !defined(_WIN32) && !defined(__wasi__) && !defined(__EMSCRIPTEN__)
#include "runtime/os.h"

#include <string.h>

enum { NO_SYSTEM = 1 };

void *ingot__os_allocate(void *user, size_t size, size_t align) { return (void)user, (void)size, (void)align, NULL; }
void ingot__os_release(void *user, void *memory, size_t size) { (void)user, (void)memory, (void)size; }
int ingot__os_open(const char *path, int *descriptor, uint64_t *size) { return (void)path, (void)descriptor, (void)size, NO_SYSTEM; }
void ingot__os_close(int descriptor) { (void)descriptor; }
int ingot__os_size(int descriptor, uint64_t *size) { return (void)descriptor, (void)size, NO_SYSTEM; }
int ingot__os_read(int descriptor, uint64_t offset, void *to, uint64_t size) { return (void)descriptor, (void)offset, (void)to, (void)size, NO_SYSTEM; }
int ingot__os_replace_begin(const char *part, int *descriptor) { return (void)part, (void)descriptor, NO_SYSTEM; }
int ingot__os_write(int descriptor, const void *bytes, uint64_t size) { return (void)descriptor, (void)bytes, (void)size, NO_SYSTEM; }
int ingot__os_replace_end(int descriptor, const char *part, const char *path, bool keep) {
  return (void)descriptor, (void)part, (void)path, (void)keep, NO_SYSTEM;
}
int ingot__os_map(int descriptor, uint64_t offset, uint64_t size, ingot__map *map) { return (void)descriptor, (void)offset, (void)size, (void)map, NO_SYSTEM; }
void ingot__os_unmap(ingot__map *map) { (void)map; }
void ingot__os_error_text(int code, char text[96]) {
  static const char words[] = "there are no files and no threads on this system";
  (void)code;
  memcpy(text, words, sizeof words);
}

uint64_t ingot__os_nanoseconds(void) { return 0; }
int64_t ingot__os_now(void) { return 0; }
#endif
