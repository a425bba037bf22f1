/* LLVM's machine for a platform and a variant, and the objects it makes. */
#ifndef INGOT_CODEGEN_MACHINE_H
#define INGOT_CODEGEN_MACHINE_H

#include <llvm-c/TargetMachine.h>

#include "codegen/library.h"

/* NULL, with an error at `place`, where LLVM lacks the platform. The variant's features also say how objects pass floats (RISC-V's linker asks). */
LLVMTargetMachineRef ig_machine_create(const ig_platform *platform, const ig_variant *variant, const char *place, ig_diags *diags);
/* The module is for this machine: its data layout and triple. Verified. */
bool ig_machine_take(LLVMTargetMachineRef machine, LLVMModuleRef module, const char *place, ig_diags *diags);
/* The module's object, data from malloc. */
bool ig_machine_emit(LLVMTargetMachineRef machine, LLVMModuleRef module, const char *place, ig_object *object, ig_diags *diags);

#endif
