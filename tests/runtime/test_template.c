/* The template's machine: every instruction, every refusal of abi/template.h, and random bytes. */
#include "runtime/abi/template.h"
#include "runtime/template_run.h"
#include "tests/runtime/check.h"

typedef struct code {
  uint8_t bytes[256];
  uint32_t size;
} code;

static const ingot_message messages[] = {{"system", "  be kind \n"}, {"user", "hi"}, {"assistant", ""}};
static const char strings[] = "userhi<>";
#define USER 0, 4
#define HI 4, 2
#define OPEN 6, 1
#define CLOSE 7, 1

static void op(code *c, unsigned opcode, uint32_t a, uint32_t b) {
  unsigned n = ingot_template_operands(opcode);
  c->bytes[c->size++] = (uint8_t)opcode;
  for (unsigned i = 0; i < 4 * n; i++) c->bytes[c->size++] = (uint8_t)((i < 4 ? a : b) >> 8 * (i % 4));
}
#define OP(name) op(c, INGOT_TEMPLATE_##name, 0, 0)
#define OP1(name, a) op(c, INGOT_TEMPLATE_##name, (uint32_t)(a), 0)
#define OP2(name, range) op(c, INGOT_TEMPLATE_##name, range)

static int64_t run(const code *c, size_t n, bool prompt, char *out, size_t cap) {
  ingot__vec bytes = {c->bytes, c->size}, text = {(const uint8_t *)strings, sizeof strings - 1};
  int64_t size = ingot__template_run(bytes, text, messages, n, prompt, out, cap - 1);
  out[size >= 0 && (size_t)size < cap ? (size_t)size : 0] = 0;
  return size;
}

static void expect(const code *c, const char *text) {
  char out[200];
  CHECK_EQUAL(run(c, 3, true, out, sizeof out), strlen(text));
  CHECK_TEXT(out, text);
}

static void refused(const code *c) {
  char out[200];
  CHECK_EQUAL(run(c, 3, true, out, sizeof out), INGOT_ERROR_PLAN);
}

static void test_values(void) {
  code z = {.size = 0}, *c = &z;
  OP2(TEXT, USER);
  OP2(STRING, HI), OP(OUTPUT), OP(TRUE), OP(OUTPUT), OP(FALSE), OP(OUTPUT), OP(UNDEFINED), OP(OUTPUT), OP(PROMPT), OP(OUTPUT);
  OP(MESSAGES), OP1(ITEM, 1), OP(CONTENT), OP(OUTPUT), OP(MESSAGES), OP1(ITEM, -1), OP(ROLE), OP(OUTPUT);
  OP(MESSAGES), OP1(ITEM, 3), OP(CONTENT), OP(OUTPUT), OP(MESSAGES), OP1(ITEM, -4), OP(TRIM), OP(OUTPUT);
  OP2(TEXT, OPEN), OP(MESSAGES), OP1(ITEM, 0), OP(CONTENT), OP(TRIM), OP(OUTPUT), OP2(TEXT, CLOSE), OP(END);
  expect(c, "userhiTrueFalseTruehiassistant<be kind>");
}

static void test_equal(void) {
  code z = {.size = 0}, *c = &z;
  OP2(STRING, USER), OP(MESSAGES), OP1(ITEM, 1), OP(ROLE), OP(EQUAL), OP(OUTPUT);
  OP2(STRING, HI), OP2(STRING, USER), OP(EQUAL), OP(OUTPUT);
  OP(MESSAGES), OP(MESSAGES), OP(EQUAL), OP(OUTPUT);
  OP(UNDEFINED), OP(UNDEFINED), OP(EQUAL), OP(OUTPUT), OP(UNDEFINED), OP(FALSE), OP(EQUAL), OP(OUTPUT), OP(TRUE), OP(NOT), OP(OUTPUT);
  op(c, INGOT_TEMPLATE_STRING, 0, 0), OP(NOT), OP(OUTPUT), OP(MESSAGES), OP(NOT), OP(OUTPUT), OP(END);
  expect(c, "TrueFalseFalseTrueFalseFalseTrueFalse");
}

static void test_loops(void) {
  code z = {.size = 0}, *c = &z;
  char out[100];
  OP(MESSAGES), OP1(FOR, 0);
  uint32_t body = c->size;
  OP(FIRST), OP(OUTPUT), OP(MESSAGE), OP(ROLE), OP(OUTPUT), OP(LAST), OP(OUTPUT), OP1(NEXT, body);
  c->bytes[body - 4] = (uint8_t)c->size;
  OP2(TEXT, OPEN), OP(END);
  expect(c, "TruesystemFalseFalseuserFalseFalseassistantTrue<");
  CHECK_EQUAL(run(c, 0, true, out, sizeof out), 1);
  CHECK_EQUAL(run(c, 1, true, out, sizeof out), strlen("TruesystemTrue<"));
}

/* "v and 'hi'", "v or 'hi'", and jumps over what must not be written. */
static void test_branches(void) {
  for (int way = 0; way < 4; way++) {
    static const char *const texts[] = {"False", "hi", "hi", "True"};
    code z = {.size = 0}, *c = &z;
    way & 1 ? OP(TRUE) : OP(FALSE);
    const uint32_t past = c->size + 5 + 9;
    way & 2 ? OP1(OR, past) : OP1(AND, past);
    OP2(STRING, HI), OP(OUTPUT), OP(END);
    expect(c, texts[way]);
  }
  code z = {.size = 0}, *c = &z;
  OP(FALSE), OP1(JUMP_FALSE, c->size + 5 + 9), OP2(TEXT, USER), OP(TRUE), OP1(JUMP_FALSE, c->size + 5 + 9), OP2(TEXT, HI), OP1(JUMP, c->size + 5 + 9), OP2(TEXT, OPEN), OP(END);
  expect(c, "hi");
}

static void test_refusals(void) {
  code z = {.size = 0}, *c = &z;
  refused(c);                                                     /* no end */
#define START z.size = 0
  START, OP(TRUE), OP(OUTPUT), refused(c);
  START, c->bytes[c->size++] = INGOT_TEMPLATE_OPS, OP(END), refused(c);
  START, c->bytes[c->size++] = INGOT_TEMPLATE_TEXT, c->bytes[c->size++] = 0, refused(c);
  START, op(c, INGOT_TEMPLATE_TEXT, 0, 9), OP(END), refused(c);
  START, op(c, INGOT_TEMPLATE_TEXT, 9, 0), OP(END), refused(c);
  START, op(c, INGOT_TEMPLATE_STRING, 0xffffffff, 2), OP(END), refused(c);
  START, OP(OUTPUT), OP(END), refused(c);
  START, OP(MESSAGES), OP(OUTPUT), OP(END), refused(c);
  START, OP(MESSAGES), OP(ROLE), OP(END), refused(c);
  START, OP(TRUE), OP(TRIM), OP(END), refused(c);
  START, OP(TRUE), OP1(ITEM, 0), OP(END), refused(c);
  START, OP(MESSAGE), OP(END), refused(c);
  START, OP(FIRST), OP(END), refused(c);
  START, OP1(NEXT, 0), OP(END), refused(c);
  START, OP1(JUMP, 0), OP(END), refused(c);
  START, OP1(JUMP, 6), OP(END), refused(c);
  START, OP(TRUE), OP1(FOR, 6), OP(END), refused(c);
  START, OP(MESSAGES), OP1(FOR, 0), OP1(NEXT, 6), OP(END), refused(c);
  START, OP(MESSAGES), OP1(FOR, 12), OP(MESSAGES), OP1(FOR, 12), OP(END), refused(c);
  START, OP(MESSAGES), OP1(FOR, 11), OP1(NEXT, 6), OP(END), refused(c);
  START, OP(MESSAGES), OP1(FOR, 11), OP1(NEXT, 7), OP(END), refused(c);
  START;
  for (int i = 0; i < INGOT_TEMPLATE_STACK; i++) OP(TRUE);
  OP(END);
  expect(c, "");
  z.bytes[z.size - 1] = INGOT_TEMPLATE_TRUE;
  OP(END), refused(c);
}

static void test_random(void) {
  uint64_t random = 5;
  char out[64];
  uint32_t fine = 0;
  for (int round = 0; round < 200000; round++) {
    code z = {.size = 0};
    while (z.size < 60 && random_next(&random) % 12) {
      unsigned opcode = (unsigned)(random_next(&random) % (uint64_t)(INGOT_TEMPLATE_OPS + round % 2));
      op(&z, opcode, (uint32_t)(random_next(&random) % 64), (uint32_t)(random_next(&random) % 4));
    }
    op(&z, INGOT_TEMPLATE_END, 0, 0);
    if (round % 3 == 0) z.bytes[random_next(&random) % z.size] = (uint8_t)random_next(&random);
    int64_t size = run(&z, 3, round & 1, out, sizeof out);
    CHECK(size >= 0 || size == INGOT_ERROR_PLAN);
    fine += size > 0;
  }
  CHECK(fine > 20);
  printf("%u of 200000 random templates write something\n", fine);
}

int main(void) {
  test_values();
  test_equal();
  test_loops();
  test_branches();
  test_refusals();
  test_random();
  return finish();
}
