/* The bytecode of chat templates: made by the compiler from Jinja, run by the runtime.
 *
 * A stack machine that writes text. It sees the conversation and what the caller gives by name, nothing else. Code and strings are the
 * vectors of the plan's Template: hostile bytes like the rest of a plan.
 *
 * Values are those of Python that templates use: undefined, none, bool, int (64 bits, overflow is an error), numbers with a fraction (as
 * Python writes them; with one that is not exact in 15 digits nothing is reckoned), string (UTF-8), list and tuple, dict, namespace, loop, macro.
 *
 * An instruction is an opcode byte and its operands (template_ops.def), u32 little endian, unaligned. Targets are offsets into the code.
 * A run ends with INGOT_ERROR_PLAN where an opcode is unknown, an instruction or a target passes the end of the code, a range the end of the
 * strings, a variable the stack, or an operand is of a kind that no compiler gives; with INGOT_ERROR_ARGUMENT where the template refuses the
 * conversation (raise_exception, or what Jinja raises an error for) or a limit below is met.
 */
#ifndef INGOT_ABI_TEMPLATE_H
#define INGOT_ABI_TEMPLATE_H

enum {
  INGOT_TEMPLATE_CODE_MOST = 1 << 20,    /* bytes of code */
  INGOT_TEMPLATE_STRINGS_MOST = 1 << 20,
  INGOT_TEMPLATE_STACK = 2048,           /* values */
  INGOT_TEMPLATE_CALLS = 64,             /* macros inside one another */
  INGOT_TEMPLATE_NESTING = 64,           /* lists and dicts inside one another, where they are compared, written or read */
  INGOT_TEMPLATE_WORK = 20000000,        /* instructions, and bytes looked at in units of 8 */
  INGOT_TEMPLATE_MEMORY = 256 << 20      /* bytes of values and of text */
};

typedef enum ingot_template_op {
#define OP(name, operands) INGOT_TEMPLATE_##name,
#include "runtime/abi/template_ops.def"
#undef OP
  INGOT_TEMPLATE_OPS
} ingot_template_op;

typedef enum ingot_template_call {
#define CALL(id, kind, arguments, required, name, parameters) INGOT_CALL_##id,
#define ALIAS(id, kind, name)
#include "runtime/abi/template_calls.def"
#undef CALL
#undef ALIAS
  INGOT_CALLS
} ingot_template_call;

/* How many u32 operands an opcode takes; 0 for those that are none. */
static inline unsigned ingot_template_operands(unsigned op) {
  switch (op) {
#define OP(name, operands) \
  case INGOT_TEMPLATE_##name: return operands;
#include "runtime/abi/template_ops.def"
#undef OP
  default: return 0;
  }
}

/* How many arguments a function takes, its subject among them; 0 for those that are none. */
static inline unsigned ingot_template_arguments(unsigned call) {
  switch (call) {
#define CALL(id, kind, arguments, required, name, parameters) \
  case INGOT_CALL_##id: return arguments;
#define ALIAS(id, kind, name)
#include "runtime/abi/template_calls.def"
#undef CALL
#undef ALIAS
  default: return 0;
  }
}

#endif
