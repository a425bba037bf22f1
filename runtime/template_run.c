#include "runtime/template_run.h"

#include <string.h>
#include "runtime/abi/template.h"

typedef enum kind { UNDEFINED, BOOL, STRING, LIST, MESSAGE } kind;

typedef struct value {
  kind kind;
  bool truth;              /* BOOL */
  const char *text;        /* STRING */
  size_t size;
  size_t index;            /* MESSAGE */
} value;

typedef struct machine {
  ingot__vec code, strings;
  const ingot_message *messages;
  size_t n_messages;
  bool prompt;
  char *out;
  uint64_t cap, size;
  uint32_t at;             /* of the instruction after this one */
  value stack[INGOT_TEMPLATE_STACK];
  uint32_t depth;
  bool loops;
  size_t turn;             /* the loop's message */
  bool bad;
} machine;

static value truth(bool is) { return (value){.kind = BOOL, .truth = is}; }
static value string(const char *text, size_t size) { return (value){.kind = STRING, .text = text, .size = size}; }
static value bad(machine *m) { return m->bad = true, (value){UNDEFINED, false, NULL, 0, 0}; }

static void push(machine *m, value v) {
  if (m->depth == INGOT_TEMPLATE_STACK) m->bad = true;
  else m->stack[m->depth++] = v;
}

static value pop(machine *m) { return m->depth ? m->stack[--m->depth] : bad(m); }

static bool is_true(const machine *m, value v) {
  switch (v.kind) {
  case UNDEFINED: return false;
  case BOOL: return v.truth;
  case STRING: return v.size != 0;
  case LIST: return m->n_messages != 0;
  case MESSAGE: return true;
  }
  return false;
}

static void write_text(machine *m, const char *text, size_t size) {
  if (m->size < m->cap) memcpy(m->out + m->size, text, size < m->cap - m->size ? size : (size_t)(m->cap - m->size));
  m->size += size;
  if (m->size > INT32_MAX) m->bad = true;
}

static void write_value(machine *m, value v) {
  if (v.kind == STRING) write_text(m, v.text, v.size);
  else if (v.kind == BOOL) write_text(m, v.truth ? "True" : "False", v.truth ? 4 : 5);
  else if (v.kind != UNDEFINED) m->bad = true;
}

static value constant(machine *m, uint32_t offset, uint32_t size) {
  if (offset > m->strings.count || size > m->strings.count - offset) return bad(m);
  return string((const char *)m->strings.data + offset, size);
}

static value item(machine *m, value list, uint32_t index) {
  if (list.kind != LIST) return bad(m);
  uint64_t n = m->n_messages, i = index < 0x80000000u ? index : n - (UINT64_C(0x100000000) - index); /* wraps where there is none */
  return i < n ? (value){.kind = MESSAGE, .index = (size_t)i} : (value){.kind = UNDEFINED};
}

static value field(machine *m, value v, bool role) {
  if (v.kind == UNDEFINED) return v;
  if (v.kind != MESSAGE) return bad(m);
  const char *text = role ? m->messages[v.index].role : m->messages[v.index].content;
  return text ? string(text, strlen(text)) : (value){.kind = UNDEFINED};
}

static bool is_space(char c) { return c == ' ' || (c >= 9 && c <= 13); }

static value trim(machine *m, value v) {
  if (v.kind == UNDEFINED) return v;
  if (v.kind != STRING) return bad(m);
  while (v.size && is_space(v.text[0])) v.text++, v.size--;
  while (v.size && is_space(v.text[v.size - 1])) v.size--;
  return v;
}

static bool equal(value a, value b) {
  if (a.kind != b.kind) return false;
  if (a.kind == STRING) return a.size == b.size && (!a.size || !memcmp(a.text, b.text, a.size));
  return a.kind == UNDEFINED || (a.kind == BOOL && a.truth == b.truth);
}

/* Jumps go forward, so that only `next` repeats anything. */
static void jump(machine *m, uint32_t target) {
  if (target < m->at || target >= m->code.count) m->bad = true;
  else m->at = target;
}

static void begin_loop(machine *m, uint32_t past) {
  if (m->loops || pop(m).kind != LIST) m->bad = true;
  m->turn = 0;
  m->loops = m->n_messages != 0;
  if (!m->loops) jump(m, past);
  else if (past < m->at || past >= m->code.count) m->bad = true;
}

static void next_turn(machine *m, uint32_t here, uint32_t body) {
  if (!m->loops || body >= here) {
    m->bad = true;
  } else if (++m->turn < m->n_messages) {
    m->at = body;
  } else m->loops = false;
}

static void in_loop(machine *m, value v) { m->loops ? push(m, v) : (void)bad(m); }

/* One instruction; false after the last. */
static bool step(machine *m) {
  const uint32_t here = m->at;
  if (here >= m->code.count) return bad(m), false;
  const unsigned op = m->code.data[here], n = ingot_template_operands(op);
  if (4 * n > m->code.count - here - 1) return bad(m), false;
  const uint32_t a = n > 0 ? ingot__load32(m->code.data + here + 1) : 0, b = n > 1 ? ingot__load32(m->code.data + here + 5) : 0;
  m->at = here + 1 + 4 * n;
  switch (op) {
  case INGOT_TEMPLATE_END: return false;
  case INGOT_TEMPLATE_TEXT: write_value(m, constant(m, a, b)); break;
  case INGOT_TEMPLATE_OUTPUT: write_value(m, pop(m)); break;
  case INGOT_TEMPLATE_STRING: push(m, constant(m, a, b)); break;
  case INGOT_TEMPLATE_TRUE: push(m, truth(true)); break;
  case INGOT_TEMPLATE_FALSE: push(m, truth(false)); break;
  case INGOT_TEMPLATE_UNDEFINED: push(m, (value){.kind = UNDEFINED}); break;
  case INGOT_TEMPLATE_MESSAGES: push(m, (value){.kind = LIST}); break;
  case INGOT_TEMPLATE_PROMPT: push(m, truth(m->prompt)); break;
  case INGOT_TEMPLATE_MESSAGE: in_loop(m, (value){.kind = MESSAGE, .index = m->turn}); break;
  case INGOT_TEMPLATE_FIRST: in_loop(m, truth(m->turn == 0)); break;
  case INGOT_TEMPLATE_LAST: in_loop(m, truth(m->turn + 1 == m->n_messages)); break;
  case INGOT_TEMPLATE_ITEM: push(m, item(m, pop(m), a)); break;
  case INGOT_TEMPLATE_ROLE: push(m, field(m, pop(m), true)); break;
  case INGOT_TEMPLATE_CONTENT: push(m, field(m, pop(m), false)); break;
  case INGOT_TEMPLATE_TRIM: push(m, trim(m, pop(m))); break;
  case INGOT_TEMPLATE_EQUAL: {
    value right = pop(m), left = pop(m);
    push(m, truth(equal(left, right)));
    break;
  }
  case INGOT_TEMPLATE_NOT: push(m, truth(!is_true(m, pop(m)))); break;
  case INGOT_TEMPLATE_JUMP: jump(m, a); break;
  case INGOT_TEMPLATE_JUMP_FALSE:
    if (!is_true(m, pop(m))) jump(m, a);
    break;
  case INGOT_TEMPLATE_AND:
  case INGOT_TEMPLATE_OR: {
    value top = pop(m);
    if (is_true(m, top) == (op == INGOT_TEMPLATE_OR)) push(m, top), jump(m, a);
    break;
  }
  case INGOT_TEMPLATE_FOR: begin_loop(m, a); break;
  case INGOT_TEMPLATE_NEXT: next_turn(m, here, a); break;
  default: m->bad = true;
  }
  return !m->bad;
}

int64_t ingot__template_run(ingot__vec code, ingot__vec strings, const ingot_message *messages, size_t n, bool add_assistant, char *text, size_t cap) {
  machine m = {.code = code, .strings = strings, .messages = messages, .n_messages = n, .prompt = add_assistant, .out = text, .cap = cap};
  /* A loop over messages can be entered again only by code that comes later: this many steps bound every run. */
  for (uint64_t steps = ((uint64_t)n + 1) * ((uint64_t)code.count + 1); steps && step(&m);) steps--;
  return m.bad ? INGOT_ERROR_PLAN : (int64_t)m.size;
}
