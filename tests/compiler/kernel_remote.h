/* Kernels of other machines under an emulator: the object is linked into a static program (kernel_server.c) that runs calls from a pipe, so that tests
 * are the same for all targets: operands go over, and what the kernel wrote comes back to be compared here with the reference. */
#ifndef INGOT_TESTS_KERNEL_REMOTE_H
#define INGOT_TESTS_KERNEL_REMOTE_H

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "codegen/library.h"
#include "tests/compiler/kernel_call.h"

typedef struct remote {
  pid_t process;                 /* 0: none */
  FILE *to, *from;
  const ig_kernel_ref *refs;     /* the server's table */
  uint32_t n_refs;
  char folder[32];               /* the server's files */
} remote;

static inline bool remote_wasm(const char *target) { return !strcmp(target, "wasm32"); }

/* Whether the target's compiler and what runs its programs are here; says so where not. */
static inline bool remote_tools(const char *target) {
  static const char wasm[] = "command -v clang-22 && command -v node && test -d /usr/include/wasm32-wasi";
  char command[128];
  snprintf(command, sizeof command, "command -v %s-linux-gnu-gcc && command -v qemu-%s", target, target);
  return system(remote_wasm(target) ? wasm : command) == 0 || (printf("skipped: not there: %s\n", remote_wasm(target) ? wasm : command), false);
}

static inline void remote_close(remote *r) {
  char command[64];
  if (!r->process) return;
  fclose(r->to);
  fclose(r->from);
  waitpid(r->process, NULL, 0);
  snprintf(command, sizeof command, "rm -r %s", r->folder);
  if (system(command) != 0) printf("%s stays\n", r->folder);
  r->process = 0;
}

/* The server, from its source, table.c and kernels.o in the folder. */
static inline bool remote_build(const char *target, const char *source, const char *folder) {
  char compiler[64], include[4096], server[4096], table[64], kernels[64], to[64];
  snprintf(compiler, sizeof compiler, "%s-linux-gnu-gcc", target);
  snprintf(include, sizeof include, "-I%s", source);
  snprintf(server, sizeof server, "%s/tests/compiler/kernel_server.c", source);
  snprintf(table, sizeof table, "%s/table.c", folder);
  snprintf(kernels, sizeof kernels, "%s/kernels.o", folder);
  snprintf(to, sizeof to, "%s/server", folder);
  int how = 1;
  fflush(stdout);
  const pid_t process = fork();
  if (process == 0) {
    if (remote_wasm(target))
      execlp("clang-22", "clang-22", "--target=wasm32-wasi", "-Wno-deprecated", "-O1", include, "-o", to, server, table, kernels, (char *)NULL);
    else execlp(compiler, compiler, "-static", "-O1", include, "-o", to, server, table, kernels, (char *)NULL);
    _exit(127);
  }
  return process > 0 && waitpid(process, &how, 0) == process && how == 0;
}

/* Starts a server on the emulated `cpu` with the kernels of the object, whose symbols are test__VARIANT_KERNEL. `refs` outlives it. */
static inline bool remote_open(remote *r, const char *target, const char *cpu, const char *variant, const ig_kernel_ref *refs, uint32_t n,
                               const ig_object *object) {
  char folder[] = "/tmp/ingot-remote.XXXXXX", path[128], name[48];
  const char *source = getenv("INGOT_SOURCE");
  if (!source || !mkdtemp(folder)) return false;
  snprintf(path, sizeof path, "%s/kernels.o", folder);
  FILE *f = fopen(path, "wb");
  bool ok = f && fwrite(object->data, 1, object->size, f) == object->size && fclose(f) == 0;
  snprintf(path, sizeof path, "%s/table.c", folder);
  if (!ok || !(f = fopen(path, "w"))) return false;
  fprintf(f, "#include \"runtime/abi/kernel.h\"\n");
  for (int table = 0; table < 2; table++) {
    if (table) fprintf(f, "ingot_kernel_fn *const kernels[] = {");
    for (uint32_t i = 0; i < n; i++) {
      const bool called = refs[i].family == IG_PRODUCT; /* by kernels, not from here */
      ig_kernel_name(name, refs[i].family, refs[i].layout, refs[i].activation);
      if (called) fprintf(f, table ? "0,\n" : "\n");
      else fprintf(f, table ? "test__%s_%s,\n" : "extern ingot_kernel_fn test__%s_%s;\n", variant, name);
    }
  }
  fprintf(f, "};\n");
  ok = fclose(f) == 0;
  ok = ok && remote_build(target, source, folder);
  int down[2], up[2];
  if (!ok || pipe(down) || pipe(up)) return false;
  fflush(stdout);
  pid_t process = fork();
  if (process == 0) {
    char server[128], qemu[64];
    snprintf(server, sizeof server, "%s/server", folder);
    snprintf(qemu, sizeof qemu, "qemu-%s", target);
    dup2(down[0], 0), dup2(up[1], 1);
    close(down[1]), close(up[0]);
    if (!remote_wasm(target)) execlp(qemu, qemu, "-cpu", cpu, server, (char *)NULL);
    else if (chdir(source) == 0)
      execlp("node", "node", "--no-warnings", "--experimental-wasi-unstable-preview1", "tests/systems/wasi.mjs", server, (char *)NULL);
    _exit(127);
  }
  close(down[0]), close(up[1]);
  *r = (remote){.process = process, .to = fdopen(down[1], "wb"), .from = fdopen(up[0], "rb"), .refs = refs, .n_refs = n};
  memcpy(r->folder, folder, sizeof folder);
  return process > 0 && r->to && r->from;
}

static inline void remote_call(remote *r, const ig_kernel_ref *ref, const ingot_kernel_args *args, const ingot_kernel_info *info, const uint64_t *sizes,
                               uint64_t scratch, uint32_t begin, uint32_t end) {
  kernel_call call = {.begin = begin, .end = end, .scratch = scratch};
  memcpy(call.dim, args->dim, sizeof call.dim);
  for (const ig_kernel_ref *k = r->refs; call.kernel < r->n_refs && (k->family != ref->family || k->layout != ref->layout || k->activation != ref->activation);
       k++)
    call.kernel++;
  for (int i = 0; i < INGOT_MAX_OPERANDS; i++) {
    call.given[i] = args->operand[i] != NULL, call.size[i] = call.given[i] ? sizes[i] : 0;
    call.written[i] = call.given[i] && (info->operand[i].access & INGOT_WRITE);
  }
  bool ok = call.kernel < r->n_refs && fwrite(&call, sizeof call, 1, r->to) == 1;
  for (int i = 0; i < INGOT_MAX_OPERANDS; i++)
    if (call.given[i]) ok = ok && fwrite(args->operand[i], 1, call.size[i], r->to) == call.size[i];
  ok = ok && fflush(r->to) == 0;
  for (int i = 0; i < INGOT_MAX_OPERANDS; i++)
    if (call.written[i]) ok = ok && fread(args->operand[i], 1, call.size[i], r->from) == call.size[i];
  if (ok) return;
  printf("FAIL %s: the kernel's process ended\n", info->name); /* a fault in the kernel, or an instruction that the machine lacks */
  remote_close(r);
  exit(1);
}

#endif
