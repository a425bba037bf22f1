#include "codegen/program_object.h"

#include <assert.h>
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <string.h>

#include "codegen/machine.h"

char *ig_kernel_symbol(ig_arena *arena, const char *name, const ig_variant *variant, const ingot_kernel_info *kernel) {
  return ig_format(arena, "%s__%s_%s", name, variant->name, kernel->name);
}

char *ig_program_symbol(ig_arena *arena, const char *name) { return ig_format(arena, "%s_program", name); }

typedef struct maker {
  LLVMContextRef context;
  LLVMModuleRef module;
  LLVMTargetDataRef layout;
  ig_arena arena;
} maker;

static LLVMValueRef u32(const maker *m, uint32_t v) { return LLVMConstInt(LLVMInt32TypeInContext(m->context), v, false); }
static LLVMValueRef u64(const maker *m, uint64_t v) { return LLVMConstInt(LLVMInt64TypeInContext(m->context), v, false); }
static LLVMValueRef bytes(const maker *m, const void *data, size_t size) { return LLVMConstStringInContext2(m->context, data, size, true); }
static LLVMTypeRef pointer(const maker *m) { return LLVMPointerTypeInContext(m->context, 0); }

/* A constant nobody outside the object sees; `name` NULL. Or an exported one. */
static LLVMValueRef global(const maker *m, LLVMValueRef value, const char *name, unsigned align) {
  LLVMValueRef g = LLVMAddGlobal(m->module, LLVMTypeOf(value), name ? name : "table");
  LLVMSetInitializer(g, value);
  LLVMSetGlobalConstant(g, true);
  LLVMSetAlignment(g, align);
  if (!name) LLVMSetLinkage(g, LLVMPrivateLinkage);
  return g;
}

/* Rows hold numbers and characters only, so the host's bytes are the target's (both little endian). */
static LLVMValueRef kernel_rows(maker *m, const ig_program_plan *plan, const ig_schedule *schedule) {
  ingot_kernel_info *rows = ig_alloc_array(&m->arena, plan->n_kernels, sizeof *rows);
  for (size_t i = 0; i < plan->n_kernels; i++) {
    rows[i] = plan->kernel[i].info;
    rows[i].scratch = ig_kernel_scratch(&plan->kernel[i].ref, schedule);
  }
  return global(m, bytes(m, rows, plan->n_kernels * sizeof *rows), NULL, 8);
}

static LLVMValueRef functions(maker *m, const ig_program_plan *plan, const char *name, const ig_variant *variant) {
  LLVMTypeRef in[] = {pointer(m), pointer(m), LLVMInt32TypeInContext(m->context), LLVMInt32TypeInContext(m->context)};
  LLVMTypeRef type = LLVMFunctionType(LLVMVoidTypeInContext(m->context), in, sizeof in / sizeof *in, false); /* ingot_kernel_fn: WebAssembly compares */
  LLVMValueRef *table = ig_alloc_array(&m->arena, plan->n_kernels, sizeof(LLVMValueRef));
  for (size_t i = 0; i < plan->n_kernels; i++) {
    table[i] = LLVMAddFunction(m->module, ig_kernel_symbol(&m->arena, name, variant, &plan->kernel[i].info), type);
    LLVMSetVisibility(table[i], LLVMHiddenVisibility);
  }
  return global(m, LLVMConstArray2(pointer(m), table, plan->n_kernels), NULL, 8);
}

static LLVMValueRef variant_rows(maker *m, const ig_program_plan *plan, const char *name, const ig_variant *const *variants, uint32_t n) {
  LLVMValueRef *rows = ig_alloc_array(&m->arena, n, sizeof(LLVMValueRef));
  for (uint32_t i = 0; i < n; i++) {
    char label[sizeof((ingot_variant *)0)->name] = {0};
    assert(strlen(variants[i]->name) < sizeof label);
    memcpy(label, variants[i]->name, strlen(variants[i]->name));
    LLVMValueRef fields[] = {bytes(m, label, sizeof label), u64(m, variants[i]->features), functions(m, plan, name, variants[i])};
    rows[i] = LLVMConstStructInContext(m->context, fields, sizeof fields / sizeof *fields, false);
  }
  return global(m, LLVMConstArray2(LLVMTypeOf(rows[0]), rows, n), NULL, 8);
}

static void build(maker *m, const ig_program_plan *plan, const char *name, const ig_schedule *schedule, const ig_variant *const *variants, uint32_t n_variants,
                  const uint8_t plan_hash[32], const ig_embedded *embedded) {
  char label[sizeof((ingot_program *)0)->name] = {0};
  assert(strlen(name) < sizeof label);
  memcpy(label, name, strlen(name));
  const ig_embedded *e = embedded;
  LLVMValueRef none = LLVMConstNull(pointer(m));
  LLVMValueRef inner_plan = e->plan_size ? global(m, bytes(m, e->plan, e->plan_size), NULL, INGOT_ALIGN) : none;
  LLVMValueRef inner_weights = e->weights_size ? global(m, bytes(m, e->weights, e->weights_size), NULL, INGOT_ALIGN) : none;
  LLVMValueRef tokens = none;
  if (e->tokens) {
    tokens = LLVMAddGlobal(m->module, LLVMInt8TypeInContext(m->context), e->tokens);
    LLVMSetVisibility(tokens, LLVMHiddenVisibility);
  }
  LLVMValueRef fields[] = {
    u32(m, INGOT_ABI_VERSION),
    u32(m, 0), /* its size, below */
    bytes(m, label, sizeof label),
    bytes(m, plan_hash, 32),
    u32(m, (uint32_t)plan->n_kernels),
    u32(m, n_variants),
    kernel_rows(m, plan, schedule),
    variant_rows(m, plan, name, variants, n_variants),
    inner_plan,
    inner_weights,
    u64(m, e->plan_size),
    u64(m, e->weights_size),
    tokens,
  };
  LLVMValueRef program = LLVMConstStructInContext(m->context, fields, sizeof fields / sizeof *fields, false);
  fields[1] = u32(m, (uint32_t)LLVMABISizeOfType(m->layout, LLVMTypeOf(program)));
  global(m, LLVMConstStructInContext(m->context, fields, sizeof fields / sizeof *fields, false), ig_program_symbol(&m->arena, name), 8);
}

bool ig_program_object(const ig_platform *platform, const ig_program_plan *plan, const char *name, const ig_schedule *schedule,
                       const ig_variant *const *variants, uint32_t n_variants, const uint8_t plan_hash[32], const ig_embedded *embedded, ig_object *object,
                       ig_diags *diags) {
  static const char place[] = "the library's table";
  assert(n_variants > 0);
  LLVMTargetMachineRef machine = ig_machine_create(platform, variants[n_variants - 1], place, diags);
  if (!machine) return false;
  maker m = {.context = LLVMContextCreate(), .layout = LLVMCreateTargetDataLayout(machine)};
  m.module = LLVMModuleCreateWithNameInContext(name, m.context);
  build(&m, plan, name, schedule, variants, n_variants, plan_hash, embedded);
  bool ok = ig_machine_take(machine, m.module, place, diags) && ig_machine_emit(machine, m.module, place, object, diags);
  LLVMDisposeTargetData(m.layout);
  LLVMDisposeTargetMachine(machine);
  LLVMDisposeModule(m.module);
  LLVMContextDispose(m.context);
  ig_arena_finish(&m.arena);
  return ok;
}
