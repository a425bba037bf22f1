#include "codegen/machine.h"

#include <llvm-c/Analysis.h>
#include <llvm-c/Core.h>
#include <llvm-c/Target.h>
#include <stdlib.h>
#include <string.h>

LLVMTargetMachineRef ig_machine_create(const ig_platform *platform, const ig_variant *variant, const char *place, ig_diags *diags) {
  LLVMTargetRef target;
  char *message = NULL;
  if (LLVMGetTargetFromTriple(platform->triple, &target, &message)) {
    ig_error(diags, place, "LLVM does not know the triple %s: %s", platform->triple, message);
    LLVMDisposeMessage(message);
    return NULL;
  }
  /* modules of WebAssembly are linked at fixed addresses: position-independent code would import each of them */
  LLVMRelocMode relocations = platform->format == IG_WASM ? LLVMRelocStatic : LLVMRelocPIC;
  return LLVMCreateTargetMachine(target, platform->triple, variant->cpu, variant->llvm_features, LLVMCodeGenLevelDefault, relocations, LLVMCodeModelSmall);
}

bool ig_machine_take(LLVMTargetMachineRef machine, LLVMModuleRef module, const char *place, ig_diags *diags) {
  LLVMTargetDataRef layout = LLVMCreateTargetDataLayout(machine);
  LLVMSetModuleDataLayout(module, layout);
  LLVMDisposeTargetData(layout);
  char *text = LLVMGetTargetMachineTriple(machine);
  LLVMSetTarget(module, text);
  LLVMDisposeMessage(text);
  text = NULL;
  bool ok = !LLVMVerifyModule(module, LLVMReturnStatusAction, &text);
  if (!ok) ig_error(diags, place, "LLVM refuses the module: %s", text);
  LLVMDisposeMessage(text);
  return ok;
}

bool ig_machine_emit(LLVMTargetMachineRef machine, LLVMModuleRef module, const char *place, ig_object *object, ig_diags *diags) {
  LLVMMemoryBufferRef buffer;
  char *message = NULL;
  if (LLVMTargetMachineEmitToMemoryBuffer(machine, module, LLVMObjectFile, &message, &buffer)) {
    ig_error(diags, place, "LLVM cannot emit the object: %s", message);
    LLVMDisposeMessage(message);
    return false;
  }
  object->size = LLVMGetBufferSize(buffer);
  object->data = ig_heap_grow(NULL, object->size);
  memcpy(object->data, LLVMGetBufferStart(buffer), object->size);
  LLVMDisposeMemoryBuffer(buffer);
  return true;
}
