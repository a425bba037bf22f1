/* What tests and benchmarks of kernels share: compiling some for a variant into this process (or another machine's, emulated), buffers between guard
 * pages, random weights. */
#ifndef INGOT_TESTS_KERNEL_HARNESS_H
#define INGOT_TESTS_KERNEL_HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "codegen/jit.h"
#include "codegen/library.h"
#include "ir/format.h"
#include "runtime/abi/cpu.h"
#include "tests/compiler/kernel_remote.h"

enum { HARNESS_MOST_BUFFERS = 16 };

/* What kernels run on: a variant and this CPU, or an emulated one. */
typedef struct harness_machine {
  const ig_target *target;
  const ig_variant *variant;
  const char *cpu;     /* qemu's name, or what else runs it; NULL: this machine */
} harness_machine;
enum { HARNESS_MOST_MACHINES = 16 };

typedef struct harness {
  ig_jit *jit;
  remote remote;       /* of an emulated machine */
  const ig_variant *variant;
  ig_schedule schedule;
  ig_arena arena;      /* the schedule's */
  struct {
    void *base;
    size_t size;
  } buffers[HARNESS_MOST_BUFFERS];
  int n_buffers;
} harness;

static inline bool harness_runs(const ig_variant *v) { return (ingot__cpu_features() & v->features) == v->features; }

/* The machines of a test that is given the target's name and perhaps one variant's, or nothing for this machine and all its variants. None: what
 * emulates them is not there. */
static inline int harness_machines(int argc, char **argv, harness_machine machines[HARNESS_MOST_MACHINES]) {
  static const struct {
    const char *variant, *cpu;
  } emulated[] = {
    {"neon", "cortex-a53"},
    {"dotprod", "cortex-a76"},
    {"i8mm", "max,sve=off"},
    {"sve", "a64fx,sve256=off,sve512=off"},
    {"sve", "a64fx,sve512=off"},
    {"sve", "a64fx"},
    {"sve2", "max,sve128=on,sve256=off"},
    {"sve2", "max,sve256=on,sve512=off"},
    {"sve2", "max,sve512=on,sve1024=off"},
    {"rvv", "rv64,v=true,vext_spec=v1.0,vlen=128"},
    {"rvv", "rv64,v=true,vext_spec=v1.0,vlen=256"},
    {"simd128", "node"},
  };
  const ig_target *target = ig_target_find(argc > 1 ? argv[1] : "native");
  int n = 0;
  if (argc > 1 && !remote_tools(target->name)) return 0;
  for (size_t i = 0; argc > 1 && i < sizeof emulated / sizeof *emulated; i++)
    if (ig_variant_find(target, emulated[i].variant) && (argc == 2 || !strcmp(argv[2], emulated[i].variant)))
      machines[n++] = (harness_machine){target, ig_variant_find(target, emulated[i].variant), emulated[i].cpu};
  for (uint32_t v = 0; argc <= 1 && v < target->n_variants; v++)
    if (harness_runs(&target->variants[v])) machines[n++] = (harness_machine){target, &target->variants[v], NULL};
  return n;
}
enum { HARNESS_SKIPPED = 77 };

/* `rules`: a schedule whose rules go before the target's own; NULL: none. `refs` outlive the harness; of small kernels their products go
 * first. */
static inline bool harness_open_as(harness *h, harness_machine m, const char *rules, ig_brevity brevity, const ig_kernel_ref *refs, uint32_t n) {
  ig_diags diags = {0};
  ig_object object = {0};
  *h = (harness){.jit = ig_jit_create("kernel"), .variant = m.variant};
  bool ok = ig_schedule_read_text(&h->schedule, m.target, "rules", ig_str_of(rules ? rules : ""), &h->arena, &diags) &&
      ig_compile_kernels(ig_platform_find(m.target->name), &h->schedule, m.variant, "test", refs, n, brevity, IG_DUMP_NONE, NULL, &object, &diags) &&
      (m.cpu ? remote_open(&h->remote, m.target->name, m.cpu, m.variant->name, refs, n, &object) : ig_jit_add_object(h->jit, object.data, object.size, &diags));
  for (size_t i = 0; i < diags.count; i++) printf("%s: %s\n", diags.items[i].place, diags.items[i].text);
  free(object.data);
  ig_diags_finish(&diags);
  return ok;
}

static inline bool harness_open_with(harness *h, harness_machine m, const char *rules, const ig_kernel_ref *refs, uint32_t n) {
  return harness_open_as(h, m, rules, IG_FAST, refs, n);
}
static inline bool harness_open(harness *h, harness_machine m, const ig_kernel_ref *refs, uint32_t n) { return harness_open_with(h, m, NULL, refs, n); }

static inline ingot_kernel_fn *harness_kernel(harness *h, const ig_kernel_ref *ref) {
  char name[48], symbol[128];
  ig_diags diags = {0};
  ig_kernel_name(name, ref->family, ref->layout, ref->activation);
  snprintf(symbol, sizeof symbol, "test__%s_%s", h->variant->name, name);
  void *address = ig_jit_symbol(h->jit, symbol, &diags);
  for (size_t i = 0; i < diags.count; i++) printf("%s: %s\n", diags.items[i].place, diags.items[i].text);
  ig_diags_finish(&diags);
  ingot_kernel_fn *f;
  memcpy(&f, &address, sizeof f);
  return f;
}

/* `size` bytes, 64-byte aligned, that end (but for the alignment) at a page that faults, filled with 0xa5. */
static inline void *harness_buffer(harness *h, uint64_t size) {
  size_t page = (size_t)sysconf(_SC_PAGESIZE), body = (size + page - 1) / page * page;
  char *base = mmap(NULL, body + 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (base == MAP_FAILED || h->n_buffers == HARNESS_MOST_BUFFERS) abort();
  mprotect(base, page, PROT_NONE);
  mprotect(base + page + body, page, PROT_NONE);
  memset(base + page, 0xa5, body);
  h->buffers[h->n_buffers].base = base;
  h->buffers[h->n_buffers++].size = body + 2 * page;
  return base + page + (body - size) / 64 * 64;
}
static inline void harness_free(harness *h) {
  while (h->n_buffers) h->n_buffers--, munmap(h->buffers[h->n_buffers].base, h->buffers[h->n_buffers].size);
}
static inline void harness_close(harness *h) {
  harness_free(h);
  remote_close(&h->remote);
  ig_jit_destroy(h->jit);
  ig_arena_finish(&h->arena);
}

static inline uint64_t harness_extent(const ingot_extent *e, const uint32_t *dim) {
  uint64_t sum = 0;
  for (int i = 0; i < INGOT_MAX_TERMS && e->term[i].scale; i++) {
    uint64_t product = e->term[i].scale;
    for (int d = 0; d < INGOT_MAX_DIMS; d++)
      if (e->term[i].dims >> d & 1) product *= dim[d];
    sum += product;
  }
  return sum;
}

/* Tiles [begin, end) of a kernel, here or on its machine. */
static inline void harness_call(harness *h, const ig_kernel_ref *ref, const ingot_kernel_args *args, void *scratch, uint32_t begin, uint32_t end) {
  if (!h->remote.process) {
    harness_kernel(h, ref)(args, scratch, begin, end);
    return;
  }
  ingot_kernel_info info;
  ingot_extent extent = ig_kernel_scratch(ref, &h->schedule);
  uint64_t sizes[INGOT_MAX_OPERANDS];
  ig_kernel_info(&info, ref->family, ref->layout, ref->activation);
  for (int i = 0; i < INGOT_MAX_OPERANDS; i++) sizes[i] = harness_extent(&info.operand[i].bytes, args->dim);
  remote_call(&h->remote, ref, args, &info, sizes, harness_extent(&extent, args->dim), begin, end);
}

static inline uint32_t harness_random(uint64_t *state) {
  *state = *state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
  return (uint32_t)(*state >> 32);
}
static inline float harness_float(uint64_t *state) { return (float)(int32_t)harness_random(state) * 0x1p-31f; }

/* Random blocks of a format whose scales are small halves. `fill` >= 0: all bytes but the scales have this value. */
static inline void harness_weights(const ig_block_format *f, uint8_t *bytes, size_t blocks, uint64_t *state, int fill) {
  for (size_t i = 0; i < blocks; i++, bytes += f->block_bytes) {
    for (uint32_t j = 0; j < f->block_bytes; j++) bytes[j] = fill < 0 ? (uint8_t)harness_random(state) : (uint8_t)fill;
    static const struct {
      const char *format;
      uint8_t at, second;
    } halves[] = {
                                                                                 /* where the halves lie that are not first, or two */
      {"q4_1", 0, 2}, {"q5_1", 0, 2}, {"q4_k", 0, 2}, {"q5_k", 0, 2}, {"q2_k", 80, 82}, {"q3_k", 108, 0}, {"q6_k", 208, 0}, {"tq1_0", 52, 0}, {"tq2_0", 64, 0},
    };
    uint32_t at[2] = {0, 2}, n = 1;
    for (size_t j = 0; j < sizeof halves / sizeof *halves; j++)
      if (!strcmp(f->name, halves[j].format)) at[0] = halves[j].at, at[1] = halves[j].second, n = at[1] ? 2 : 1;
    float value = harness_float(state);
    if (!f->unpack) {
      uint32_t bits = ig_f32_bits(value);
      uint16_t half = !strcmp(f->name, "f16") ? ig_f32_to_f16(value) : (uint16_t)(bits >> 16);
      if (f->block_bytes == 4) memcpy(bytes, &bits, 4);
      else memcpy(bytes, &half, 2);
      continue;
    }
    if (!strcmp(f->name, "mxfp4")) {
      bytes[0] = (uint8_t)(118 + harness_random(state) % 8);
      continue;
    }
    for (uint32_t j = 0; j < n; j++) {
      uint16_t half = ig_f32_to_f16(0.01f * harness_float(state));
      memcpy(bytes + at[j], &half, 2);
    }
  }
}

#endif
