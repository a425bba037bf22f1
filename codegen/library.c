#include "codegen/library.h"

#include <llvm-c/Core.h>
#include <llvm-c/ErrorHandling.h>
#include <llvm-c/Target.h>
#include <llvm-c/Transforms/PassBuilder.h>
#include <mlir-c/Diagnostics.h>
#include <mlir-c/Pass.h>
#include <mlir-c/RegisterEverything.h>
#include <mlir-c/Target/LLVMIR.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "codegen/builder.h"
#include "codegen/generate.h"
#include "codegen/kernels/kernels.h"
#include "codegen/machine.h"

/* Constant and tested once by every build: MLIR answers a wrong one with an error, LLVM's fatal handler never sees it. */
static const char lowering[] =
    "builtin.module(canonicalize,cse,convert-scf-to-cf,convert-vector-to-llvm,convert-math-to-llvm,convert-arith-to-llvm,convert-index-to-llvm,"
    "convert-func-to-llvm,convert-cf-to-llvm,reconcile-unrealized-casts)";
static const char optimisation[] = "function(early-cse,simplifycfg)";

/* What the thread is compiling, for LLVM's fatal handler, which gets no context of its own. */
static _Thread_local const char *compiling;

static void fatal(const char *reason) { /* LLVM aborts when this returns; nothing has been written yet */
  fprintf(stderr, "error: the code generator cannot compile %s: %s\n", compiling ? compiling : "a kernel", reason);
  _exit(1);
}

static void initialise(void) {
  LLVMInstallFatalErrorHandler(fatal);
  LLVMInitializeX86TargetInfo();
  LLVMInitializeX86Target();
  LLVMInitializeX86TargetMC();
  LLVMInitializeX86AsmPrinter();
  LLVMInitializeAArch64TargetInfo();
  LLVMInitializeAArch64Target();
  LLVMInitializeAArch64TargetMC();
  LLVMInitializeAArch64AsmPrinter();
  LLVMInitializeRISCVTargetInfo();
  LLVMInitializeRISCVTarget();
  LLVMInitializeRISCVTargetMC();
  LLVMInitializeRISCVAsmPrinter();
  LLVMInitializeWebAssemblyTargetInfo();
  LLVMInitializeWebAssemblyTarget();
  LLVMInitializeWebAssemblyTargetMC();
  LLVMInitializeWebAssemblyAsmPrinter();
  mlirRegisterAllPasses();
}

void ig_codegen_init(void) {
  static pthread_once_t once = PTHREAD_ONCE_INIT;
  pthread_once(&once, initialise);
}

typedef struct job {
  const ig_platform *platform;
  const ig_variant *variant;
  ig_diags *diags;
  char what[160];
} job;

static MlirLogicalResult on_diagnostic(MlirDiagnostic diagnostic, void *user);

static void append_text(MlirStringRef s, void *text) { ig_text_add(text, s.data, s.length); }

static MlirLogicalResult on_diagnostic(MlirDiagnostic diagnostic, void *user) {
  job *j = user;
  if (mlirDiagnosticGetSeverity(diagnostic) != MlirDiagnosticError) return mlirLogicalResultSuccess();
  ig_text text = {0};
  mlirDiagnosticPrint(diagnostic, append_text, &text);
  ig_error(j->diags, j->what, "MLIR: %s", text.data ? text.data : "error");
  ig_text_finish(&text);
  return mlirLogicalResultSuccess();
}

const char *ig_symbol_of(ig_arena *arena, const char *prefix, const ig_variant *variant, const ig_kernel_ref *kernel) {
  char name[48];
  ig_kernel_name(name, kernel->family, kernel->layout, kernel->activation);
  return ig_format(arena, "%s__%s_%s", prefix, variant->name, name);
}

/* Builds and lowers all units into one module; null on error. */
static MlirModule lower(job *j, MlirContext context, const char *what, const ig_unit *units, uint32_t n) {
  ig_arena arena = {0};
  size_t errors = j->diags->errors;
  MlirModule module = mlirModuleCreateEmpty(mlirLocationUnknownGet(context));
  for (uint32_t i = 0; i < n; i++) {
    snprintf(j->what, sizeof j->what, "%s", units[i].symbol);
    ig_kb b = {context,
               module,
               mlirModuleGetBody(module),
               mlirLocationUnknownGet(context),
               j->platform->target,
               units[i].form ? units[i].form : j->variant,
               units[i].choice,
               &arena,
               units[i].symbol,
               j->diags};
    units[i].generate(&b, units[i].ref, units[i].symbol);
  }
  snprintf(j->what, sizeof j->what, "%s of variant %s", what, j->variant->name);
  bool ok = j->diags->errors == errors && mlirOperationVerify(mlirModuleGetOperation(module));
  if (ok) {
    MlirPassManager passes = mlirPassManagerCreate(context);
    mlirPassManagerEnableVerifier(passes, false);
    ok = mlirLogicalResultIsSuccess(
             mlirParsePassPipeline(mlirPassManagerGetAsOpPassManager(passes), mlirStringRefCreateFromCString(lowering), append_text, &(ig_text){0})) &&
        mlirLogicalResultIsSuccess(mlirPassManagerRunOnOp(passes, mlirModuleGetOperation(module)));
    mlirPassManagerDestroy(passes);
  }
  if (!ok && j->diags->errors == errors) ig_error(j->diags, j->what, "MLIR refuses the kernel: this is a defect of the compiler, please report it");
  ig_arena_finish(&arena);
  if (ok) return module;
  mlirModuleDestroy(module);
  return (MlirModule){NULL};
}

static bool emit(job *j, LLVMModuleRef module, LLVMTargetMachineRef machine, ig_dump dump, ig_text *dump_out, ig_object *object) {
  for (LLVMValueRef f = LLVMGetFirstFunction(module); f; f = LLVMGetNextFunction(f)) {
    if (LLVMIsDeclaration(f)) {
      if (!LLVMGetIntrinsicID(f)) LLVMSetVisibility(f, LLVMHiddenVisibility);
      continue;
    }
    if (LLVMGetLinkage(f) == LLVMExternalLinkage) LLVMSetVisibility(f, LLVMHiddenVisibility);
    LLVMAddTargetDependentFunctionAttr(f, "target-cpu", j->variant->cpu);
    if (*j->variant->llvm_features) LLVMAddTargetDependentFunctionAttr(f, "target-features", j->variant->llvm_features);
  }
  if (!ig_machine_take(machine, module, j->what, j->diags)) return false;
  LLVMPassBuilderOptionsRef options = LLVMCreatePassBuilderOptions();
  LLVMErrorRef error = LLVMRunPasses(module, optimisation, machine, options);
  LLVMDisposePassBuilderOptions(options);
  if (error) {
    char *text = LLVMGetErrorMessage(error);
    ig_error(j->diags, j->what, "LLVM's passes: %s", text);
    LLVMDisposeErrorMessage(text);
    return false;
  }
  if (dump == IG_DUMP_LLVM) {
    char *text = LLVMPrintModuleToString(module);
    ig_text_add(dump_out, text, strlen(text));
    LLVMDisposeMessage(text);
  }
  if (dump == IG_DUMP_ASM) {
    LLVMModuleRef copy = LLVMCloneModule(module); /* emission changes the module */
    LLVMMemoryBufferRef buffer;
    char *message = NULL;
    if (!LLVMTargetMachineEmitToMemoryBuffer(machine, copy, LLVMAssemblyFile, &message, &buffer)) {
      ig_text_add(dump_out, LLVMGetBufferStart(buffer), LLVMGetBufferSize(buffer));
      LLVMDisposeMemoryBuffer(buffer);
    }
    LLVMDisposeModule(copy);
  }
  return ig_machine_emit(machine, module, j->what, object, j->diags);
}

bool ig_compile_units(const ig_platform *platform, const ig_variant *variant, const char *what, const ig_unit *units, uint32_t n, ig_dump dump,
                      ig_text *dump_out, ig_object *object, ig_diags *diags) {
  job j = {.platform = platform, .variant = variant, .diags = diags};
  compiling = j.what;
  MlirDialectRegistry registry = mlirDialectRegistryCreate();
  mlirRegisterAllDialects(registry);
  MlirContext context = mlirContextCreateWithRegistry(registry, false);
  mlirDialectRegistryDestroy(registry);
  static const char *const dialects[] = {"func", "arith", "scf", "vector", "math", "llvm"};
  for (size_t i = 0; i < sizeof dialects / sizeof *dialects; i++) mlirContextGetOrLoadDialect(context, mlirStringRefCreateFromCString(dialects[i]));
  mlirRegisterAllLLVMTranslations(context);
  mlirContextAttachDiagnosticHandler(context, on_diagnostic, &j, NULL);

  bool ok = false;
  MlirModule module = lower(&j, context, what, units, n);
  if (module.ptr) {
    if (dump == IG_DUMP_MLIR) mlirOperationPrint(mlirModuleGetOperation(module), append_text, dump_out);
    LLVMContextRef llvm = LLVMContextCreate();
    LLVMModuleRef translated = mlirTranslateModuleToLLVMIR(mlirModuleGetOperation(module), llvm);
    LLVMTargetMachineRef machine = translated ? ig_machine_create(platform, variant, j.what, diags) : NULL;
    if (!translated && !diags->errors) ig_error(diags, j.what, "MLIR cannot translate the kernel to LLVM IR");
    ok = machine && emit(&j, translated, machine, dump, dump_out, object);
    if (machine) LLVMDisposeTargetMachine(machine);
    if (translated) LLVMDisposeModule(translated);
    LLVMContextDispose(llvm);
    mlirModuleDestroy(module);
  }
  mlirContextDestroy(context);
  compiling = NULL;
  return ok;
}

bool ig_compile_kernels(const ig_platform *platform, const ig_schedule *schedule, const ig_variant *variant, const char *prefix, const ig_kernel_ref *kernels,
                        uint32_t n, ig_brevity brevity, ig_dump dump, ig_text *dump_out, ig_object *object, ig_diags *diags) {
  const ig_target *target = schedule->target;
  ig_arena arena = {0};
  uint32_t forms = 0, n_units = 0;
  for (const ig_variant *f = NULL; brevity == IG_FAST && (f = ig_form_next(target, variant, f));) forms++;
  ig_unit *units = ig_alloc_array(&arena, n * (1 + (size_t)forms + (forms > 0)), sizeof *units);
  for (uint32_t i = 0; i < n; i++) {
    const char *name = ig_symbol_of(&arena, prefix, variant, &kernels[i]), *own = forms ? ig_format(&arena, "%s_any", name) : name;
    ig_generator *generate = ig_generators[kernels[i].family];
    ig_choice choice = {{0}, {NULL}, false};
    if (kernels[i].family != IG_PRODUCT) choice = ig_schedule_choose(schedule, variant, &kernels[i]);
    choice.small = brevity == IG_SMALL;
    if (choice.small && choice.value[IG_QUERIES]) choice.value[IG_QUERIES] = choice.value[IG_SUMS] = 1;
    units[n_units++] = (ig_unit){own, generate, &kernels[i], choice, NULL};
    for (const ig_variant *f = NULL; forms && (f = ig_form_next(target, variant, f));)
      units[n_units++] = (ig_unit){ig_format(&arena, "%s_%u", name, 32 * f->lanes), generate, &kernels[i], ig_schedule_choose(schedule, f, &kernels[i]), f};
    if (forms) units[n_units++] = (ig_unit){name, ig_gen_by_length, NULL, {{0}, {NULL}, false}, NULL};
  }
  bool ok = ig_compile_units(platform, variant, "kernels", units, n_units, dump, dump_out, object, diags);
  ig_arena_finish(&arena);
  return ok;
}
