/* The other side of kernel_remote.h: a program for the kernels' machine that runs them on operands from stdin and writes back what they may have
 * written. Each operand ends at a page that faults; in WebAssembly, which has none, at bytes that have to stay. Linked with the kernels and a table of them. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#if !defined(__wasm__)
#include <sys/mman.h>
#include <unistd.h>
#endif

#include "tests/compiler/kernel_call.h"

extern ingot_kernel_fn *const kernels[];

static void get(void *to, size_t size) {
  if (fread(to, 1, size, stdin) != size) exit(0); /* no more calls */
}

static struct {
  char *base;
  size_t size;
} mapped[INGOT_MAX_OPERANDS + 1];
static int n_mapped;

#if defined(__wasm__)
enum { GUARD = 4096, UNTOUCHED = 0xa5 };

static char *buffer(size_t size) {
  size_t body = (size + 63) / 64 * 64;
  char *base = aligned_alloc(64, body + 2 * GUARD);
  if (!base) abort();
  memset(base, UNTOUCHED, body + 2 * GUARD);
  mapped[n_mapped].base = base, mapped[n_mapped++].size = body;
  return base + GUARD;
}

static void release(void) {
  while (n_mapped) {
    n_mapped--;
    const unsigned char *base = (unsigned char *)mapped[n_mapped].base;
    for (size_t i = 0; i < GUARD; i++)
      if (base[i] != UNTOUCHED || base[GUARD + mapped[n_mapped].size + i] != UNTOUCHED) abort();
    free(mapped[n_mapped].base);
  }
}
#else
static char *buffer(size_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (size + page - 1) / page * page;
  char *base = mmap(NULL, body + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED) abort();
  mprotect(base, page, PROT_NONE);
  mprotect(base + page + body, page, PROT_NONE);
  memset(base + page, 0xa5, body);
  mapped[n_mapped].base = base, mapped[n_mapped++].size = body + 2 * page;
  return base + page + (body - size) / 64 * 64;
}

static void release(void) {
  while (n_mapped) n_mapped--, munmap(mapped[n_mapped].base, mapped[n_mapped].size);
}
#endif

int main(void) {
  for (;;) {
    kernel_call call;
    ingot_kernel_args args;
    get(&call, sizeof call);
    memcpy(args.dim, call.dim, sizeof args.dim);
    for (int i = 0; i < INGOT_MAX_OPERANDS; i++) {
      args.operand[i] = call.given[i] ? buffer((size_t)call.size[i]) : NULL;
      if (call.given[i]) get(args.operand[i], (size_t)call.size[i]);
    }
    kernels[call.kernel](&args, buffer((size_t)call.scratch), call.begin, call.end);
    for (int i = 0; i < INGOT_MAX_OPERANDS; i++)
      if (call.written[i]) fwrite(args.operand[i], 1, (size_t)call.size[i], stdout);
    fflush(stdout);
    release();
  }
}
