/* What Linux, Android and Apple's systems have in common. */
#if defined(__linux__) || defined(__APPLE__)
#define _DEFAULT_SOURCE
#define _DARWIN_C_SOURCE
#include "runtime/os.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { HUGE_PAGE = 2 << 20, LARGE = 1 << 18, STACK = 1 << 20 };

/* Large blocks come from the kernel zeroed and untouched: a cache that is never filled takes no memory. */
void *ingot__os_allocate(void *user, size_t size, size_t align) {
  (void)user;
  if (size >= LARGE && align <= 4096) {
    void *p = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    return p == MAP_FAILED ? NULL : p;
  }
  void *p = NULL;
  if (posix_memalign(&p, align, size)) return NULL;
  return memset(p, 0, size);
}

void ingot__os_release(void *user, void *memory, size_t size) {
  (void)user;
  if (size >= LARGE) munmap(memory, size);
  else free(memory);
}

/* Reserves room enough to place the file at a multiple of 2 MiB, maps it there, and gives back the rest. */
int ingot__os_map(int descriptor, uint64_t offset, uint64_t size, ingot__map *map) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), skip = (size_t)(offset % page);
  size_t length = (size_t)(size + skip), reserve = length + HUGE_PAGE + page;
  length = (length + page - 1) / page * page;
  uint8_t *room = mmap(NULL, reserve, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (room == MAP_FAILED) return errno;
  uint8_t *at = room + ((size_t)HUGE_PAGE - (uintptr_t)room % HUGE_PAGE) % HUGE_PAGE;
  if (at > room) munmap(room, (size_t)(at - room));
  uint8_t *end = room + (reserve + page - 1) / page * page;
  if (end > at + length) munmap(at + length, (size_t)(end - at) - length);
  if (mmap(at, length, PROT_READ, MAP_SHARED | MAP_FIXED, descriptor, (off_t)(offset - skip)) == MAP_FAILED) {
    int code = errno;
    munmap(at, length);
    return code;
  }
#if defined(MADV_HUGEPAGE)
  madvise(at, length, MADV_HUGEPAGE); /* advice: refused by kernels that cannot */
#endif
  *map = (ingot__map){at, length, at + skip};
  return 0;
}

void ingot__os_unmap(ingot__map *map) {
  if (map->address) munmap(map->address, map->length);
  map->address = NULL;
}

void ingot__os_pause(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#elif defined(__riscv)
  __asm__ volatile(".word 0x0100000f"); /* pause of Zihintpause; elsewhere a fence of nothing */
#endif
}

void ingot__os_yield(void) { sched_yield(); }

static void *begin(void *thread) {
  const ingot__thread *t = thread;
  t->main(t->context);
  return NULL;
}

int ingot__os_thread(ingot__thread *thread, void (*main)(void *), void *context) {
  pthread_attr_t attributes;
  pthread_t id;
  sigset_t all, before;
  int code = pthread_attr_init(&attributes);
  if (code) return code;
  *thread = (ingot__thread){main, context, 0};
  pthread_attr_setstacksize(&attributes, STACK);
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* the app's handlers run on the app's threads */
  code = pthread_create(&id, &attributes, begin, thread);
  if (code == EINVAL) code = pthread_create(&id, NULL, begin, thread); /* the app's thread-local variables, which lie on the stack, take too much of it */
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  pthread_attr_destroy(&attributes);
  if (!code) thread->handle = (uintptr_t)id;
  return code;
}

void ingot__os_join(ingot__thread *thread) { pthread_join((pthread_t)thread->handle, NULL); }
#endif
