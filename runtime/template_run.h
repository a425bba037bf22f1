/* Runs a chat template's bytecode (abi/template.h). */
#ifndef INGOT_RUNTIME_TEMPLATE_RUN_H
#define INGOT_RUNTIME_TEMPLATE_RUN_H

#include "runtime/core.h"

/* Writes up to `cap` bytes and returns how many there are, or a negative status (PLAN: the bytecode is damaged). */
int64_t ingot__template_run(ingot__vec code, ingot__vec strings, const ingot_message *messages, size_t n, bool add_assistant, char *text, size_t cap);

#endif
