/* The template's machine: instructions, every refusal of abi/template.h, its limits, JSON that is damaged, no memory, and random bytes. */
#include "tests/runtime/guard.h"
#include "runtime/abi/template.h"
#include "runtime/template_run.h"
#include "tests/runtime/check.h"

typedef struct code {
  uint8_t bytes[256];
  uint32_t size;
} code;

static const ingot_message messages[] = {{"system", "  be kind \n"}, {"user", "hi"}, {"assistant", ""}};
static const char strings[] = "messagesrolehi<>x\0y\0add_generation_prompttools";
#define MESSAGES 0, 8
#define ROLE 8, 4
#define HI 12, 2
#define OPEN 14, 1
#define X 16, 1
#define PARAMETERS 16, 4
#define TOOLS 41, 5

static void op(code *c, unsigned opcode, const uint32_t *operands) {
  unsigned n = ingot_template_operands(opcode);
  c->bytes[c->size++] = (uint8_t)opcode;
  for (unsigned i = 0; i < 4 * n; i++) c->bytes[c->size++] = (uint8_t)(operands[i / 4] >> 8 * (i % 4));
}
#define OP(name, ...) op(c, INGOT_TEMPLATE_##name, (const uint32_t[4]){__VA_ARGS__})

static ingot_status run_with(const code *c, const char *json, guard *g, char *out, size_t cap) {
  const ingot_allocator allocator = {guard_allocate, guard_release, g};
  const ingot__conversation talk = {
    .messages = json ? NULL : messages, .n = json ? 0 : 3, .json = json, .json_size = json ? strlen(json) : 0, .add_assistant = true};
  ingot__rendered text;
  ingot_error error = {INGOT_OK, ""};
  ingot_status status = ingot__template_run((ingot__vec){c->bytes, c->size}, (ingot__vec){(const uint8_t *)strings, sizeof strings - 1}, &talk, &allocator,
                                            &text, &error);
  out[0] = 0;
  if (status) CHECK(error.status == status && error.message[0] && !text.text);
  else {
    const size_t n = text.size < cap - 1 ? (size_t)text.size : cap - 1;
    if (n) memcpy(out, text.text, n);
    out[n] = 0;
    ingot__release(&allocator, text.text, text.bytes);
  }
  CHECK_EQUAL(g->blocks, 0);
  CHECK_EQUAL(g->held, 0);
  return status;
}

static ingot_status run(const code *c, char *out, size_t cap) {
  guard g = {.most = SIZE_MAX};
  return run_with(c, NULL, &g, out, cap);
}

static void expect(const code *c, const char *text) {
  char out[300];
  CHECK_EQUAL(run(c, out, sizeof out), INGOT_OK);
  CHECK_TEXT(out, text);
}

static void ends(const code *c, ingot_status status) {
  char out[300];
  CHECK_EQUAL(run(c, out, sizeof out), status);
}

static void test_values(void) {
  code z = {.size = 0}, *c = &z;
  OP(TEXT, HI), OP(STRING, HI), OP(OUTPUT), OP(TRUE), OP(OUTPUT), OP(INT, 0xfffffffe, 0xffffffff), OP(OUTPUT), OP(NONE), OP(OUTPUT), OP(UNDEFINED), OP(OUTPUT);
  OP(INPUT, MESSAGES), OP(INT, 1, 0), OP(SUBSCRIPT), OP(ATTRIBUTE, ROLE), OP(OUTPUT), OP(INPUT, TOOLS), OP(OUTPUT);
  OP(STRING, HI), OP(INT, 7, 0), OP(LIST, 2), OP(OUTPUT), OP(END);
  expect(c, "hihiTrue-2Noneuser['hi', 7]");
}

static void test_loop(void) {
  code z = {.size = 0}, *c = &z;
  OP(RESERVE, 1), OP(INPUT, MESSAGES), OP(FOR, 0, 100);
  const uint32_t body = c->size;
  OP(ITEM, 0), OP(ATTRIBUTE, ROLE), OP(OUTPUT), OP(NEXT, 0, body), OP(TEXT, OPEN), OP(END);
  expect(c, "systemuserassistant<");
}

/* f(x, y) writes x and y; called as f('hi', y='<'). */
static void test_macro(void) {
  code z = {.size = 0}, *c = &z;
  OP(MACRO, 0);
  OP(STRING, HI), OP(STRING, 18, 1), OP(STRING, OPEN), OP(CALL_MACRO, 1, 1), OP(OUTPUT), OP(END);
  c->bytes[1] = (uint8_t)c->size;
  OP(ENTER, PARAMETERS, 2, 3), OP(LOAD, 0), OP(OUTPUT), OP(LOAD, 1), OP(OUTPUT), OP(LOAD, 2), OP(OUTPUT), OP(RETURN);
  expect(c, "hi<");
}

static void test_refusals(void) {
  code z = {.size = 0}, *c = &z;
#define PLAN(...) z.size = 0, __VA_ARGS__, OP(END), ends(c, INGOT_ERROR_PLAN)
#define ARGUMENT(...) z.size = 0, __VA_ARGS__, OP(END), ends(c, INGOT_ERROR_ARGUMENT)
  ends(c, INGOT_ERROR_PLAN);                                      /* no end */
  PLAN(c->bytes[c->size++] = INGOT_TEMPLATE_OPS);
  PLAN(c->bytes[c->size++] = 255);
  z.size = 0, c->bytes[c->size++] = INGOT_TEMPLATE_TEXT, c->bytes[c->size++] = 0, ends(c, INGOT_ERROR_PLAN);
  PLAN(OP(TEXT, 0, 900));
  PLAN(OP(STRING, 0xffffffff, 2));
  PLAN(OP(OUTPUT));
  PLAN(OP(TRUE), OP(EQUAL));
  PLAN(OP(LOAD, 0));
  PLAN(OP(TRUE), OP(STORE, 0x80000000));
  PLAN(OP(JUMP, 6));
  PLAN(OP(TRUE), OP(NEXT, 0, 0));
  PLAN(OP(TRUE), OP(ITEM, 0));
  PLAN(OP(LIST, 1));
  PLAN(OP(DICT, 0x80000000));
  PLAN(OP(CALL, INGOT_CALLS));
  PLAN(OP(CALL, INGOT_CALL_TRIM));
  PLAN(OP(RETURN));
  PLAN(OP(CAPTURED));
  PLAN(OP(INT, 5, 0), OP(CAPTURED));
  PLAN(OP(MACRO, 3), OP(CALL_MACRO, 0, 0));
  PLAN(OP(MACRO, 0xffffffff), OP(CALL_MACRO, 0, 0));
  PLAN(OP(ENTER, 0, 0, 0, 0));
  PLAN(OP(INPUT, MESSAGES), OP(INT, INGOT_CALL_MAP, 0), OP(MISSING), OP(MISSING), OP(MISSING), OP(CALL, INGOT_CALL_MAP), OP(OUTPUT));
  ARGUMENT(OP(TRUE), OP(CALL_MACRO, 0, 0));
  ARGUMENT(OP(UNDEFINED), OP(ATTRIBUTE, ROLE));
  ARGUMENT(OP(NONE), OP(STRING, HI), OP(ADD));
  ARGUMENT(OP(INT, 1, 0), OP(INT, 0, 0), OP(MODULO));
  ARGUMENT(OP(INT, 0, 0x80000000), OP(INT, 0xffffffff, 0xffffffff), OP(DIVIDE));
  ARGUMENT(OP(INT, 0, 0x80000000), OP(NEGATE));
  ARGUMENT(OP(STRING, HI), OP(CALL, INGOT_CALL_RAISE));
  ARGUMENT(OP(RESERVE, 1), OP(INT, 1, 0), OP(FOR, 0, 0));
  ARGUMENT(OP(INPUT, MESSAGES), OP(UNPACK, 2));
}

/* What a template raises is quoted in a message that stays one line and moves no terminal's cursor. */
static void test_message(void) {
  static const char raised[] = "\x1b[31mred\r\n\xc2\x9b"
                               "5m\x7f\xc3\xa9";
  code z = {.size = 0}, *c = &z;
  OP(STRING, 0, sizeof raised - 1), OP(CALL, INGOT_CALL_RAISE), OP(END);
  guard g = {.most = SIZE_MAX};
  const ingot_allocator allocator = {guard_allocate, guard_release, &g};
  const ingot__conversation talk = {.messages = messages, .n = 3};
  ingot__rendered text;
  ingot_error error = {INGOT_OK, ""};
  CHECK_EQUAL(ingot__template_run((ingot__vec){c->bytes, c->size}, (ingot__vec){(const uint8_t *)raised, sizeof raised - 1}, &talk, &allocator, &text, &error),
              INGOT_ERROR_ARGUMENT);
  CHECK_TEXT(error.message, "the chat template refuses the conversation:  [31mred    5m \xc3\xa9");
}

static void test_limits(void) {
  code z = {.size = 0}, *c = &z;
  ARGUMENT(OP(RESERVE, INGOT_TEMPLATE_STACK + 1));
  ARGUMENT(OP(JUMP, 0));                                           /* for ever */
  ARGUMENT(OP(STRING, HI), OP(INT, 0, 1), OP(MULTIPLY));           /* 8 GiB */
  ARGUMENT(OP(TRUE), OP(JUMP, 0));                                 /* a stack without end */
  ARGUMENT(OP(TEXT, MESSAGES), OP(JUMP, 0));                       /* a text without end */
  z.size = 0, OP(RESERVE, 1);                                      /* a list in a list in a list ... */
  const uint32_t again = c->size;
  OP(LOAD, 0), OP(LIST, 1), OP(STORE, 0), OP(LOAD, 0), OP(OUTPUT), OP(JUMP, again), OP(END);
  ends(c, INGOT_ERROR_ARGUMENT);
  z.size = 0, OP(DICT, 0), OP(NAMESPACE, 0), OP(STORE, 0), OP(LOAD, 0), OP(LOAD, 0), OP(SET_ATTRIBUTE, X); /* a namespace in itself */
  for (int i = 0; i < 3; i++) OP(MISSING);
  z.size -= 3, OP(LOAD, 0), OP(MISSING), OP(MISSING), OP(MISSING), OP(MISSING), OP(CALL, INGOT_CALL_TOJSON), OP(END);
  ends(c, INGOT_ERROR_ARGUMENT);
  z.size = 0, OP(MACRO, 0), OP(CALL_MACRO, 0, 0), OP(END);         /* a macro that calls itself */
  c->bytes[1] = (uint8_t)c->size;
  const uint32_t self = c->size;
  OP(ENTER, 0, 0, 0, 4), OP(MACRO, self), OP(CALL_MACRO, 0, 0), OP(RETURN);
  ends(c, INGOT_ERROR_ARGUMENT);
}

static void test_json(void) {
  static const char *const good[][2] = {
    {"{\"tools\": [1, -2.50, \"\\u00e9\\ud83d\\ude00\\n\", {\"a\": null}]}", "[1, -2.5, \"\xc3\xa9\xf0\x9f\x98\x80\\n\", {\"a\": null}]"},
    {" { \"tools\" : -9223372036854775808 , \"x\":{}} ", "-9223372036854775808"},
    {"{\"tools\": 9223372036854775808}", "9223372036854775808"}};
  static const char *const bad[] = {"",
                                    "{",
                                    "[]",
                                    "{\"a\"}",
                                    "{\"a\": 1,}",
                                    "{a: 1}",
                                    "{\"a\": tru}",
                                    "{\"a\": \"\\x\"}",
                                    "{\"a\": \"\\ud800\"}",
                                    "{\"a\": \"\n\"}",
                                    "{\"a\": \"",
                                    "{\"a\": -}",
                                    "{} {}",
                                    "{\"a\": \"\\",
                                    "{\"a\": \"\\u12"};
  code z = {.size = 0}, *c = &z;
  char out[100], deep[400];
  guard g = {.most = SIZE_MAX};
  OP(INPUT, TOOLS), OP(MISSING), OP(MISSING), OP(MISSING), OP(MISSING), OP(CALL, INGOT_CALL_TOJSON), OP(OUTPUT), OP(END);
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    CHECK_EQUAL(run_with(c, good[i][0], &g, out, sizeof out), INGOT_OK);
    CHECK_TEXT(out, good[i][1]);
  }
  for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) CHECK_EQUAL(run_with(c, bad[i], &g, out, sizeof out), INGOT_ERROR_ARGUMENT);
  memset(deep, '[', sizeof deep - 1);
  memcpy(deep, "{\"tools\":", 9);
  deep[sizeof deep - 1] = 0;
  CHECK_EQUAL(run_with(c, deep, &g, out, sizeof out), INGOT_ERROR_ARGUMENT);
}

static void test_memory(void) {
  code z = {.size = 0}, *c = &z;
  char out[100];
  uint32_t refused = 0;
  OP(INPUT, MESSAGES), OP(CALL, INGOT_CALL_TEXT_OF), OP(OUTPUT), OP(END);
  for (uint32_t n = 0;; n++) {
    guard g = {.most = SIZE_MAX, .refuse_at = n + 1};
    ingot_status status = run_with(c, NULL, &g, out, sizeof out);
    if (!status) break;
    CHECK_EQUAL(status, INGOT_ERROR_MEMORY);
    refused++;
    if (n > 100) break;
  }
  CHECK(refused >= 2 && refused < 100);
}

static void test_random(void) {
  uint64_t random = 5;
  char out[64];
  uint32_t fine = 0;
  enum { ROUNDS = 6000 };
  for (int round = 0; round < ROUNDS; round++) {
    code z = {.size = 0}, *c = &z;
    OP(RESERVE, 3), OP(INPUT, MESSAGES), OP(STRING, HI), OP(INT, 2, 0);
    for (int n = 0; n < 40 && z.size < 200 && random_next(&random) % 16; n++) {
      unsigned opcode = (unsigned)(random_next(&random) % (uint64_t)INGOT_TEMPLATE_OPS);
      uint32_t operands[4];
      for (int i = 0; i < 4; i++) operands[i] = (uint32_t)(random_next(&random) % (i ? 40 : 8));
      if (opcode == INGOT_TEMPLATE_CALL) operands[0] = (uint32_t)(random_next(&random) % (INGOT_CALLS + 1));
      const bool second = opcode == INGOT_TEMPLATE_NEXT || opcode == INGOT_TEMPLATE_FOR || opcode == INGOT_TEMPLATE_DEFAULT;
      if (second || (opcode >= INGOT_TEMPLATE_JUMP && opcode <= INGOT_TEMPLATE_OR))
        operands[second] = z.size + 5 + (uint32_t)(random_next(&random) % 30); /* loops without end are tested above */
      op(&z, opcode, operands);
    }
    OP(END);
    if (round % 7 == 0) z.bytes[random_next(&random) % z.size] = (uint8_t)(random_next(&random) % 64);
    ingot_status status = run(&z, out, sizeof out);
    CHECK(status == INGOT_OK || status == INGOT_ERROR_PLAN || status == INGOT_ERROR_ARGUMENT);
    fine += !status && out[0];
  }
  CHECK(fine > 20);
  printf("%u of %d random templates write something\n", fine, ROUNDS);
}

int main(void) {
  test_values();
  test_loop();
  test_macro();
  test_refusals();
  test_message();
  test_limits();
  test_json();
  test_memory();
  test_random();
  return finish();
}
