/* The other side of kernel_remote.h: a program for the kernels' machine that runs them on operands from stdin and writes back what they may have
 * written. Each operand ends at a page that faults. Linked with the kernels and a table of them. */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

int main(void) {
  for (;;) {
    kernel_call call;
    get(&call, sizeof call);
    for (int i = 0; i < INGOT_MAX_OPERANDS; i++) {
      call.args.operand[i] = call.given[i] ? buffer(call.size[i]) : NULL;
      if (call.given[i]) get(call.args.operand[i], call.size[i]);
    }
    kernels[call.kernel](&call.args, buffer(call.scratch), call.begin, call.end);
    for (int i = 0; i < INGOT_MAX_OPERANDS; i++)
      if (call.written[i]) fwrite(call.args.operand[i], 1, call.size[i], stdout);
    fflush(stdout);
    while (n_mapped) n_mapped--, munmap(mapped[n_mapped].base, mapped[n_mapped].size);
  }
}
