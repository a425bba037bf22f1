/* The bytecode of chat templates: made by the compiler from a subset of Jinja, run by the runtime.
 *
 * A stack machine over the messages of a conversation. It writes text; it allocates nothing, cannot loop without end and sees
 * nothing but the messages. Code and strings are the vectors of the plan's Template: hostile bytes like the rest of a plan.
 *
 * Values: undefined · bool · string (a range of the strings table, or of a message's role or content) · the list of messages ·
 * one message. Falsy: undefined, false, the empty string, the empty list; all else is true.
 *
 * An instruction is an opcode byte and its operands, u32 little endian, unaligned. Targets are offsets into the code.
 * The interpreter refuses the template (an error, no text) where
 *   - an opcode is unknown, an instruction or its operands pass the end of the code, or execution runs off the end without `end`
 *   - the stack would hold more than INGOT_TEMPLATE_STACK values or fewer than none
 *   - a range offset + size passes the end of the strings, or an operand is of a kind that its instruction does not take
 *   - a target of jump..., `for` is not after the instruction and below the code's size, or `next`'s is not before the instruction
 *   - `for` runs inside a loop, or `next`, `message`, `first`, `last` outside of one
 * A loop's counter only grows and its end is passed once, so a run takes at most code size x (messages + 1) instructions.
 *
 * bos_token and eos_token are strings by the time the compiler is done. A template may write the bos token's text itself: who
 * tokenises the result must not add a second one.
 */
#ifndef INGOT_ABI_TEMPLATE_H
#define INGOT_ABI_TEMPLATE_H

enum {
  INGOT_TEMPLATE_STACK = 16,
  INGOT_TEMPLATE_CODE_MOST = 65536,    /* bytes of code */
  INGOT_TEMPLATE_STRINGS_MOST = 1 << 20
};

/* "->": the values popped, the last one on top, and the one pushed. */
typedef enum ingot_template_op {
  INGOT_TEMPLATE_END = 0,              /* done */
  INGOT_TEMPLATE_TEXT = 1,             /* offset, size: writes that range of the strings */
  INGOT_TEMPLATE_OUTPUT = 2,           /* v ->      writes a string as it is, a bool as True or False, undefined as nothing; refuses messages */
  INGOT_TEMPLATE_STRING = 3,           /* offset, size: -> string */
  INGOT_TEMPLATE_TRUE = 4,             /* -> true */
  INGOT_TEMPLATE_FALSE = 5,            /* -> false */
  INGOT_TEMPLATE_UNDEFINED = 6,        /* -> undefined */
  INGOT_TEMPLATE_MESSAGES = 7,         /* -> the list of messages */
  INGOT_TEMPLATE_PROMPT = 8,           /* -> bool add_generation_prompt */
  INGOT_TEMPLATE_MESSAGE = 9,          /* -> the loop's message */
  INGOT_TEMPLATE_FIRST = 10,           /* -> bool: the loop is at the first message */
  INGOT_TEMPLATE_LAST = 11,            /* -> bool: the loop is at the last message */
  INGOT_TEMPLATE_ITEM = 12,            /* index (two's complement; -1 is the last): list -> message, or undefined beyond the ends */
  INGOT_TEMPLATE_ROLE = 13,            /* message -> string; undefined -> undefined */
  INGOT_TEMPLATE_CONTENT = 14,         /* message -> string; undefined -> undefined */
  INGOT_TEMPLATE_TRIM = 15,            /* string -> string without the white space (bytes 9 to 13, 32) at both ends; undefined -> undefined */
  INGOT_TEMPLATE_EQUAL = 16,           /* a, b -> bool: of one kind and equal (bytes of strings); never true of messages or the list */
  INGOT_TEMPLATE_NOT = 17,             /* v -> bool: v is falsy */
  INGOT_TEMPLATE_JUMP = 18,            /* target */
  INGOT_TEMPLATE_JUMP_FALSE = 19,      /* target: v ->      jumps where v is falsy */
  INGOT_TEMPLATE_AND = 20,             /* target: where the top is falsy jumps and leaves it, else pops it */
  INGOT_TEMPLATE_OR = 21,              /* target: where the top is true jumps and leaves it, else pops it */
  INGOT_TEMPLATE_FOR = 22,             /* target: list ->   the loop begins at the first message; an empty list jumps, past the loop */
  INGOT_TEMPLATE_NEXT = 23,            /* target: on to the next message and jumps back to the loop's body, or after the last leaves the loop */
  INGOT_TEMPLATE_OPS = 24
} ingot_template_op;

/* How many u32 operands an opcode takes. */
static inline unsigned ingot_template_operands(unsigned op) {
  switch (op) {
  case INGOT_TEMPLATE_TEXT: case INGOT_TEMPLATE_STRING: return 2;
  case INGOT_TEMPLATE_ITEM: case INGOT_TEMPLATE_JUMP: case INGOT_TEMPLATE_JUMP_FALSE: case INGOT_TEMPLATE_AND:
  case INGOT_TEMPLATE_OR: case INGOT_TEMPLATE_FOR: case INGOT_TEMPLATE_NEXT: return 1;
  default: return 0;
  }
}

#endif
