/* The template's machine: one instruction after another, every operand looked at before it is used. */
#include "runtime/template_value.h"

static jvalue damaged(jmachine *m) { return ingot__j_fail(m, INGOT_ERROR_PLAN, "damaged"); }

static void push(jmachine *m, jvalue v) {
  if (m->depth == INGOT_TEMPLATE_STACK) ingot__j_error(m, "macros or expressions are nested too deep");
  else if (!m->status) m->stack[m->depth++] = v;
}

static jvalue pop(jmachine *m) { return m->depth ? m->stack[--m->depth] : damaged(m); }

/* The n topmost values, still on the stack; NULL where there are fewer. */
static jvalue *top(jmachine *m, uint32_t n) { return n <= m->depth ? m->stack + (m->depth - n) : (damaged(m), NULL); }

static jvalue constant(jmachine *m, uint32_t offset, uint32_t size) {
  if (offset > m->strings.count || size > m->strings.count - offset) return damaged(m);
  return ingot__j_string((const char *)m->strings.data + offset, size);
}

static jvalue *variable(jmachine *m, uint32_t number) {
  static const uint32_t bottom = 0x80000000u;
  const uint64_t place = number & bottom ? number - bottom : (uint64_t)m->base + number;
  return place < m->depth ? m->stack + place : (damaged(m), NULL);
}

static void jump(jmachine *m, uint32_t target) {
  if (target >= m->code.count) damaged(m);
  else m->at = target;
}

/* ---- operators ---------------------------------------------------------------------------------------------------------- */

static jvalue repeat(jmachine *m, jvalue what, int64_t times) {
  const size_t start = m->size;
  if (what.kind == J_STRING) {
    for (; times > 0 && what.size && !m->status && ingot__j_spend(m, 1); times--) ingot__j_put(m, what.as.text, what.size);
    return ingot__j_cut(m, start);
  }
  jvalue list = ingot__j_list(m, 0, what.flag);
  for (; times > 0 && what.as.list->n && !m->status; times--)
    for (uint32_t i = 0; i < what.as.list->n && ingot__j_spend(m, 1); i++) ingot__j_append(m, list, what.as.list->items[i]);
  return list;
}

static jvalue concat(jmachine *m, jvalue a, jvalue b) {
  const size_t start = m->size;
  ingot__j_write(m, a);
  ingot__j_write(m, b);
  return ingot__j_cut(m, start);
}

static jvalue add_lists(jmachine *m, jvalue a, jvalue b) {
  jvalue list = ingot__j_list(m, 0, a.flag);
  for (uint32_t i = 0; i < a.as.list->n && ingot__j_spend(m, 1); i++) ingot__j_append(m, list, a.as.list->items[i]);
  for (uint32_t i = 0; i < b.as.list->n && ingot__j_spend(m, 1); i++) ingot__j_append(m, list, b.as.list->items[i]);
  return list;
}

/* Python's // and %: the quotient rounds down, the rest has the divisor's sign. */
static int64_t divide(int64_t a, int64_t b, int64_t *rest) {
  int64_t q = a / b;
  *rest = a % b;
  if (*rest && (*rest < 0) != (b < 0)) q--, *rest += b;
  return q;
}

static bool multiply_fits(int64_t a, int64_t b) {
  if (!a || !b) return true;
  if (a > 0) return b > 0 ? a <= INT64_MAX / b : b >= INT64_MIN / a;
  return b > 0 ? a >= INT64_MIN / b : b >= INT64_MAX / a;
}

static jvalue compute(jmachine *m, unsigned op, jvalue a, jvalue b) {
  static const char *const words[] = {"+", "-", "*", "//", "%"};
  if (op == INGOT_TEMPLATE_QUOTIENT) {
    if (ingot__j_is_number(a) && ingot__j_is_number(b)) return ingot__j_divide(m, a.as.number, b.as.number);
    return ingot__j_error(m, "%s / %s", ingot__j_kind_name(a), ingot__j_kind_name(b));
  }
  const bool lists = a.kind == J_LIST && b.kind == J_LIST && !((a.flag | b.flag) & J_LAZY) && a.flag == b.flag;
  if (op == INGOT_TEMPLATE_ADD && a.kind == J_STRING && b.kind == J_STRING) return concat(m, a, b);
  if (op == INGOT_TEMPLATE_ADD && lists) return add_lists(m, a, b);
  if (op == INGOT_TEMPLATE_MULTIPLY && b.kind == J_INT && (a.kind == J_STRING || (a.kind == J_LIST && !(a.flag & J_LAZY)))) return repeat(m, a, b.as.number);
  if (op == INGOT_TEMPLATE_MULTIPLY && a.kind == J_INT && b.kind == J_STRING) return repeat(m, b, a.as.number);
  if (!ingot__j_is_number(a) || !ingot__j_is_number(b))
    return ingot__j_error(m, "%s %s %s", ingot__j_kind_name(a), words[op - INGOT_TEMPLATE_ADD], ingot__j_kind_name(b));
  const int64_t x = a.as.number, y = b.as.number;
  int64_t rest = 0;
  bool fits = true;
  switch (op) {
  case INGOT_TEMPLATE_ADD: fits = y >= 0 ? x <= INT64_MAX - y : x >= INT64_MIN - y; break;
  case INGOT_TEMPLATE_SUBTRACT: fits = y >= 0 ? x >= INT64_MIN + y : x <= INT64_MAX + y; break;
  case INGOT_TEMPLATE_MULTIPLY: fits = multiply_fits(x, y); break;
  default:
    if (!y) return ingot__j_error(m, "a division by zero");
    fits = y != -1 || x != INT64_MIN;
  }
  if (!fits) return ingot__j_error(m, "a number beyond 64 bits");
  switch (op) {
  case INGOT_TEMPLATE_ADD: return ingot__j_int(x + y);
  case INGOT_TEMPLATE_SUBTRACT: return ingot__j_int(x - y);
  case INGOT_TEMPLATE_MULTIPLY: return ingot__j_int(x * y);
  case INGOT_TEMPLATE_DIVIDE: return ingot__j_int(divide(x, y, &rest));
  default: divide(x, y, &rest); return ingot__j_int(rest);
  }
}

static void binary(jmachine *m, unsigned op) {
  const jvalue b = pop(m), a = pop(m);
  if (m->status) return;
  switch (op) {
  case INGOT_TEMPLATE_EQUAL: push(m, ingot__j_bool(ingot__j_equal(m, a, b))); break;
  case INGOT_TEMPLATE_LESS: push(m, ingot__j_bool(ingot__j_less(m, a, b, false))); break;
  case INGOT_TEMPLATE_LESS_EQUAL: push(m, ingot__j_bool(ingot__j_less(m, a, b, true))); break;
  case INGOT_TEMPLATE_IN: push(m, ingot__j_bool(ingot__j_in(m, a, b))); break;
  case INGOT_TEMPLATE_SUBSCRIPT: push(m, ingot__j_subscript(m, a, b)); break;
  case INGOT_TEMPLATE_CONCAT: push(m, concat(m, a, b)); break;
  default: push(m, compute(m, op, a, b));
  }
}

static jvalue negated(jmachine *m, jvalue v) {
  const bool negative = v.size && v.as.text[0] == '-';
  const size_t start = m->size;
  if (!negative) ingot__j_put(m, "-", 1);
  ingot__j_put(m, v.as.text + negative, v.size - negative);
  v = ingot__j_cut(m, start);
  if (!m->status) v.kind = J_FRACTION;
  return v;
}

static void unary(jmachine *m, unsigned op) {
  const jvalue v = pop(m);
  if (op == INGOT_TEMPLATE_NOT) push(m, ingot__j_bool(!ingot__j_true(v)));
  else if (v.kind == J_FRACTION) push(m, negated(m, v));
  else push(m, compute(m, INGOT_TEMPLATE_SUBTRACT, ingot__j_int(0), v));
}

/* ---- lists, loops ------------------------------------------------------------------------------------------------------- */

static void make_list(jmachine *m, uint32_t n, uint8_t flag) {
  const jvalue *items = top(m, n), list = ingot__j_list(m, items ? n : 0, flag);
  for (uint32_t i = 0; items && i < n; i++) ingot__j_append(m, list, items[i]);
  if (items) m->depth -= n;
  push(m, list);
}

static void make_dict(jmachine *m, uint32_t n, uint8_t flag) {
  const jvalue *items = n <= INGOT_TEMPLATE_STACK ? top(m, 2 * n) : (damaged(m), NULL), dict = ingot__j_dict(m, items ? n : 0, flag);
  for (size_t i = 0; items && i < n; i++) ingot__j_set(m, dict, items[2 * i], items[2 * i + 1]);
  if (items) m->depth -= 2 * n;
  push(m, dict);
}

static void begin_loop(jmachine *m, uint32_t number, uint32_t past) {
  const jvalue list = ingot__j_iterate(m, pop(m));
  jvalue *to = variable(m, number);
  jloop *loop = ingot__j_alloc(m, sizeof *loop);
  if (m->status) return;
  *loop = (jloop){list.as.list, 0, {.kind = J_MISSING}};
  *to = (jvalue){.kind = J_LOOP, .as.loop = loop};
  if (!list.as.list->n) jump(m, past);
}

static jloop *loop_at(jmachine *m, uint32_t number) {
  const jvalue *v = variable(m, number);
  return v && v->kind == J_LOOP && v->as.loop->index < v->as.loop->list->n ? v->as.loop : (damaged(m), NULL);
}

static void next_item(jmachine *m, uint32_t number, uint32_t body) {
  jloop *loop = loop_at(m, number);
  if (loop && loop->index + 1 < loop->list->n) loop->index++, jump(m, body);
}

static void unpack(jmachine *m, uint32_t n) {
  const jvalue v = pop(m);
  if (m->status) return;
  const jvalue list = ingot__j_iterate(m, v);
  if (m->status) return;
  if (list.as.list->n != n) {
    ingot__j_error(m, "%u values where there should be %u", list.as.list->n, n);
    return;
  }
  while (n && !m->status) push(m, list.as.list->items[--n]);
}

static void set_attribute(jmachine *m, jvalue name) {
  const jvalue to = pop(m), v = pop(m);
  if (m->status) return;
  if (to.kind == J_DICT && (to.flag & J_NAMESPACE)) ingot__j_set(m, to, name, v);
  else ingot__j_error(m, "an attribute of %s is set", ingot__j_kind_name(to));
}

/* ---- calls -------------------------------------------------------------------------------------------------------------- */

static void call(jmachine *m, uint32_t function) {
  const unsigned n = function < INGOT_CALLS ? ingot_template_arguments(function) : 0;
  const jvalue *a = n ? top(m, n) : (damaged(m), NULL);
  if (!a) return;
  const jvalue result = ingot__j_call(m, function, a);
  m->depth -= n;
  push(m, result);
}

/* The number of the parameter by this name, in names that each end with a zero byte. */
static uint32_t parameter(jvalue names, jvalue name) {
  for (uint32_t i = 0, from = 0, at = 0; at < names.size; at++) {
    if (names.as.text[at]) continue;
    if (at - from == name.size && !memcmp(names.as.text + from, name.as.text, name.size)) return i;
    from = at + 1;
    i++;
  }
  return UINT32_MAX;
}

/* The stack: macro, n arguments, k names and values. The arguments become the macro's first variables where they are. */
static void call_macro(jmachine *m, uint32_t n, uint32_t k) {
  enum { NAMED = 32 };
  jvalue named[2 * NAMED];
  const uint32_t most = INGOT_TEMPLATE_STACK;
  const jvalue *callee = n < most && k <= NAMED ? top(m, 1 + n + 2 * k) : (damaged(m), NULL);
  if (!callee || m->status) return;
  if (callee->kind != J_MACRO) {
    ingot__j_error(m, "%s is called", ingot__j_kind_name(*callee));
    return;
  }
  if (m->n_frames == INGOT_TEMPLATE_CALLS) {
    ingot__j_error(m, "macros call one another too deep");
    return;
  }
  const uint32_t enter = (uint32_t)callee->as.number;
  if (enter >= m->code.count || m->code.count - enter < 17 || m->code.data[enter] != INGOT_TEMPLATE_ENTER) {
    damaged(m);
    return;
  }
  const uint8_t *operands = m->code.data + enter + 1;
  const jvalue names = constant(m, ingot__load32(operands), ingot__load32(operands + 4));
  const uint32_t n_parameters = ingot__load32(operands + 8), n_places = ingot__load32(operands + 12);
  if (!ingot__j_spend(m, n_places / 4 + (uint64_t)k * names.size / 8)) return;
  if (n_parameters > n_places || n_places > most) damaged(m);
  else if (n > n_parameters) ingot__j_error(m, "a macro of %u parameters is called with %u", n_parameters, n);
  if (m->status) return;
  memcpy(named, callee + 1 + n, 2 * (size_t)k * sizeof *named);
  m->frames[m->n_frames++] = (struct jframe){m->at, m->base, m->size};
  m->depth -= 2 * k;
  m->base = m->depth - n;
  for (uint32_t i = n; i < n_places && !m->status; i++) push(m, (jvalue){.kind = i < n_parameters ? J_MISSING : J_UNDEFINED});
  for (size_t i = 0; i < k && !m->status; i++) {
    const uint32_t place = named[2 * i].kind == J_STRING ? parameter(names, named[2 * i]) : UINT32_MAX;
    if (place >= n_parameters || m->stack[m->base + place].kind != J_MISSING)
      ingot__j_error(m, "a macro is called with `%.*s`, which it does not take here", (int)(named[2 * i].size < 60 ? named[2 * i].size : 60),
                     named[2 * i].kind == J_STRING ? named[2 * i].as.text : "");
    else m->stack[m->base + place] = named[2 * i + 1];
  }
  m->at = enter + 17;
}

static void leave_macro(jmachine *m) {
  if (!m->n_frames || !m->base || m->base > m->depth) {
    damaged(m);
    return;
  }
  const struct jframe frame = m->frames[--m->n_frames];
  const jvalue text = ingot__j_cut(m, frame.start);
  if (frame.start > m->size) damaged(m);
  m->depth = m->base - 1; /* the macro itself goes too */
  m->base = frame.base;
  m->at = frame.back;
  push(m, text);
}

static void captured(jmachine *m) {
  const jvalue start = pop(m);
  if (start.kind != J_INT || start.as.number < 0 || (uint64_t)start.as.number > m->size) damaged(m);
  else push(m, ingot__j_cut(m, (size_t)start.as.number));
}

/* ---- the machine -------------------------------------------------------------------------------------------------------- */

static jvalue input(jmachine *m, jvalue name) {
  jvalue v;
  if (ingot__j_is(name, "add_generation_prompt")) return ingot__j_bool(m->talk->add_assistant);
  if (ingot__j_is(name, "messages") && m->talk->messages) return m->messages;
  return ingot__j_find(m, m->given, name, &v) ? v : ingot__j_undefined();
}

static jvalue load(jmachine *m, uint32_t number) {
  const jvalue *v = variable(m, number);
  return v && v->kind != J_MISSING ? *v : ingot__j_undefined();
}

/* One instruction; false after the last. */
static bool step(jmachine *m) {
  const uint32_t here = m->at;
  if (here >= m->code.count) return damaged(m), false;
  const unsigned op = m->code.data[here], n = ingot_template_operands(op);
  if (op >= INGOT_TEMPLATE_OPS || 4 * n > m->code.count - here - 1) return damaged(m), false;
  const uint8_t *operands = m->code.data + here + 1;
  const uint32_t a = n > 0 ? ingot__load32(operands) : 0, b = n > 1 ? ingot__load32(operands + 4) : 0;
  jvalue v, *to;
  m->at = here + 1 + 4 * n;
  switch (op) {
  case INGOT_TEMPLATE_END: return false;
  case INGOT_TEMPLATE_TEXT:
    v = constant(m, a, b);
    if (!m->status) ingot__j_put(m, v.as.text, v.size);
    break;
  case INGOT_TEMPLATE_OUTPUT:
    v = pop(m);
    ingot__j_write(m, v);
    break;
  case INGOT_TEMPLATE_STRING: push(m, constant(m, a, b)); break;
  case INGOT_TEMPLATE_INT: push(m, ingot__j_int((int64_t)(a | (uint64_t)b << 32))); break;
  case INGOT_TEMPLATE_TRUE: push(m, ingot__j_bool(true)); break;
  case INGOT_TEMPLATE_FALSE: push(m, ingot__j_bool(false)); break;
  case INGOT_TEMPLATE_NONE: push(m, ingot__j_none()); break;
  case INGOT_TEMPLATE_UNDEFINED: push(m, ingot__j_undefined()); break;
  case INGOT_TEMPLATE_MISSING: push(m, (jvalue){.kind = J_MISSING}); break;
  case INGOT_TEMPLATE_INPUT: push(m, input(m, constant(m, a, b))); break;
  case INGOT_TEMPLATE_RESERVE:
    for (uint32_t i = 0; i < a && ingot__j_spend(m, 1); i++) push(m, ingot__j_undefined());
    break;
  case INGOT_TEMPLATE_LOAD: push(m, load(m, a)); break;
  case INGOT_TEMPLATE_STORE:
    v = pop(m);
    to = variable(m, a);
    if (to) *to = v;
    break;
  case INGOT_TEMPLATE_ATTRIBUTE:
    v = pop(m);
    push(m, ingot__j_attribute(m, v, constant(m, a, b)));
    break;
  case INGOT_TEMPLATE_SLICE:
    to = top(m, 4);
    if (to) v = ingot__j_slice(m, to), m->depth -= 4, push(m, v);
    break;
  case INGOT_TEMPLATE_SUBSCRIPT:
  case INGOT_TEMPLATE_EQUAL:
  case INGOT_TEMPLATE_LESS:
  case INGOT_TEMPLATE_LESS_EQUAL:
  case INGOT_TEMPLATE_IN:
  case INGOT_TEMPLATE_ADD:
  case INGOT_TEMPLATE_SUBTRACT:
  case INGOT_TEMPLATE_MULTIPLY:
  case INGOT_TEMPLATE_DIVIDE:
  case INGOT_TEMPLATE_MODULO:
  case INGOT_TEMPLATE_CONCAT:
  case INGOT_TEMPLATE_QUOTIENT: binary(m, op); break;
  case INGOT_TEMPLATE_FRACTION:
    v = constant(m, a, b);
    if (!m->status) v = ingot__j_fraction(m, v.as.text, v.size, false);
    if (!m->status && v.kind != J_FRACTION) damaged(m);
    push(m, v);
    break;
  case INGOT_TEMPLATE_NOT:
  case INGOT_TEMPLATE_NEGATE: unary(m, op); break;
  case INGOT_TEMPLATE_JUMP: jump(m, a); break;
  case INGOT_TEMPLATE_JUMP_FALSE:
    if (!ingot__j_true(pop(m))) jump(m, a);
    break;
  case INGOT_TEMPLATE_AND:
  case INGOT_TEMPLATE_OR:
    v = pop(m);
    if (ingot__j_true(v) == (op == INGOT_TEMPLATE_OR)) push(m, v), jump(m, a);
    break;
  case INGOT_TEMPLATE_FOR: begin_loop(m, a, b); break;
  case INGOT_TEMPLATE_NEXT: next_item(m, a, b); break;
  case INGOT_TEMPLATE_ITEM: {
    const jloop *loop = loop_at(m, a);
    if (loop) push(m, loop->list->items[loop->index]);
    break;
  }
  case INGOT_TEMPLATE_APPEND:
    v = pop(m);
    to = variable(m, a);
    if (to) ingot__j_append(m, *to, v);
    break;
  case INGOT_TEMPLATE_UNPACK: unpack(m, a); break;
  case INGOT_TEMPLATE_LIST: make_list(m, a, 0); break;
  case INGOT_TEMPLATE_TUPLE: make_list(m, a, J_TUPLE); break;
  case INGOT_TEMPLATE_DICT: make_dict(m, a, 0); break;
  case INGOT_TEMPLATE_NAMESPACE: make_dict(m, a, J_NAMESPACE); break;
  case INGOT_TEMPLATE_SET_ATTRIBUTE: set_attribute(m, constant(m, a, b)); break;
  case INGOT_TEMPLATE_CAPTURE: push(m, ingot__j_int((int64_t)m->size)); break;
  case INGOT_TEMPLATE_CAPTURED: captured(m); break;
  case INGOT_TEMPLATE_CALL: call(m, a); break;
  case INGOT_TEMPLATE_MACRO: push(m, (jvalue){.kind = J_MACRO, .as.number = a}); break;
  case INGOT_TEMPLATE_CALL_MACRO: call_macro(m, a, b); break;
  case INGOT_TEMPLATE_DEFAULT:
    to = variable(m, a);
    if (to && to->kind != J_MISSING) jump(m, b);
    break;
  case INGOT_TEMPLATE_RETURN: leave_macro(m); break;
  default: damaged(m); /* ENTER is stepped over by the call */
  }
  return !m->status;
}

/* Messages as dicts of role and content, what is given by name; the stack. */
static bool prepare(jmachine *m) {
  const ingot__conversation *talk = m->talk;
  m->stack = ingot__j_alloc(m, INGOT_TEMPLATE_STACK * sizeof *m->stack);
  m->given = talk->json ? ingot__j_parse_json(m, talk->json, talk->json_size) : ingot__j_undefined();
  if (talk->json && !m->status && m->given.kind != J_DICT) ingot__j_error(m, "the JSON is no object");
  if (m->status || talk->n > INGOT_TEMPLATE_MEMORY) return false;
  m->messages = ingot__j_list(m, (uint32_t)talk->n, 0);
  for (size_t i = 0; i < talk->n && !m->status; i++) {
    const char *const values[2] = {talk->messages[i].role, talk->messages[i].content};
    jvalue message = ingot__j_dict(m, 2, 0);
    for (int k = 0; k < 2; k++) {
      const size_t size = values[k] ? strlen(values[k]) : 0;
      if (size > INGOT_TEMPLATE_MEMORY) ingot__j_error(m, "a message is longer than %d MiB", INGOT_TEMPLATE_MEMORY >> 20);
      if (values[k]) ingot__j_set(m, message, k ? ingot__j_string("content", 7) : ingot__j_string("role", 4), ingot__j_string(values[k], size));
    }
    ingot__j_append(m, m->messages, message);
  }
  return !m->status;
}

ingot_status ingot__template_run(ingot__vec code, ingot__vec strings, const ingot__conversation *talk, const ingot_allocator *allocator, ingot__rendered *out,
                                 ingot_error *error) {
  jmachine m = {.code = code, .strings = strings, .allocator = allocator, .talk = talk, .work = INGOT_TEMPLATE_WORK};
  *out = (ingot__rendered){NULL, 0, 0};
  if (talk->json_size > INGOT_TEMPLATE_MEMORY) ingot__j_error(&m, "the JSON is longer than %d MiB", INGOT_TEMPLATE_MEMORY >> 20);
  else if (prepare(&m))
    while (ingot__j_spend(&m, 1) && step(&m)) {}
  ingot__j_finish(&m);
  if (!m.status) {
    *out = (ingot__rendered){m.out, m.size, m.capacity};
    return INGOT_OK;
  }
  ingot__release(allocator, m.out, m.capacity);
  if (m.status == INGOT_ERROR_PLAN) return ingot__fail(error, m.status, "the chat template cannot be run; compile the model again");
  if (m.status == INGOT_ERROR_MEMORY) return ingot__fail(error, m.status, "%s", m.why);
  return ingot__fail(error, m.status, "the chat template refuses the conversation: %s", m.why);
}
