/* The sections of an object that an app's memory gets, by the names that the formats have for them. */
#include <assert.h>
#include <llvm-c/Core.h>
#include <llvm-c/Object.h>
#include <string.h>

#include "codegen/library.h"

uint64_t ig_code_bytes(const ig_object *object) {
  static const char *const mapped[] = {".text",  ".rodata", ".rdata",    ".data",      ".eh_frame",
                                       ".pdata", ".xdata", /* ELF, COFF: these, or beginning so */
                                       "__text", "__const", "__literal", "__eh_frame", "__compact_unwind", /* Mach-O */
                                       "CODE",   "DATA"}; /* WebAssembly */
  uint64_t bytes = 0;
  LLVMMemoryBufferRef buffer = LLVMCreateMemoryBufferWithMemoryRange(object->data, object->size, "object", false);
  char *message = NULL;
  LLVMBinaryRef binary = LLVMCreateBinary(buffer, NULL, &message);
  assert(binary); /* LLVM has written it */
  LLVMSectionIteratorRef section = LLVMObjectFileCopySectionIterator(binary);
  for (; !LLVMObjectFileIsSectionIteratorAtEnd(binary, section); LLVMMoveToNextSection(section)) {
    const char *name = LLVMGetSectionName(section);
    for (size_t i = 0; name && i < sizeof mapped / sizeof *mapped; i++)
      if (!strncmp(name, mapped[i], strlen(mapped[i]))) {
        bytes += LLVMGetSectionSize(section);
        break;
      }
  }
  LLVMDisposeSectionIterator(section);
  LLVMDisposeBinary(binary);
  LLVMDisposeMemoryBuffer(buffer);
  LLVMDisposeMessage(message);
  return bytes;
}
