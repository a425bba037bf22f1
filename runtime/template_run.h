/* Runs a chat template's bytecode (abi/template.h). */
#ifndef INGOT_RUNTIME_TEMPLATE_RUN_H
#define INGOT_RUNTIME_TEMPLATE_RUN_H

#include "runtime/core.h"

typedef struct ingot__conversation {
  const ingot_message *messages;
  size_t n;
  const char *json;          /* an object whose members are the template's variables, or NULL */
  size_t json_size;
  bool add_assistant;
  int64_t now;               /* seconds since 1970, UTC: what strftime_now writes */
} ingot__conversation;

typedef struct ingot__rendered {
  char *text;                /* give back with ingot__release(allocator, text, bytes) */
  uint64_t size, bytes;
} ingot__rendered;

/* Everything else that it borrows from the allocator is given back before it returns. */
ingot_status ingot__template_run(ingot__vec code, ingot__vec strings, const ingot__conversation *talk, const ingot_allocator *allocator, ingot__rendered *out,
                                 ingot_error *error);

#endif
