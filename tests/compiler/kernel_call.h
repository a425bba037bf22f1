/* A call of a kernel on another machine, little endian as this one: this, then the bytes of each operand that is given; the answer: the
 * bytes of each that may be written. */
#ifndef INGOT_TESTS_KERNEL_CALL_H
#define INGOT_TESTS_KERNEL_CALL_H

#include "runtime/abi/kernel.h"

typedef struct kernel_call {
  uint32_t kernel, begin, end;     /* kernel: its place in the server's table */
  uint32_t given[INGOT_MAX_OPERANDS], written[INGOT_MAX_OPERANDS];
  uint64_t size[INGOT_MAX_OPERANDS], scratch;
  uint32_t dim[INGOT_MAX_DIMS];
} kernel_call;

#endif
