/* The functions of templates by number: filters, tests, methods. */
#include "runtime/template_value.h"

static jvalue length(jmachine *m, jvalue v) {
  switch (v.kind) {
  case J_UNDEFINED: return ingot__j_int(0);
  case J_STRING: return ingot__j_spend(m, v.size / 8) ? ingot__j_int(ingot__j_characters(v)) : ingot__j_undefined();
  case J_LIST:
    if (!(v.flag & J_LAZY)) return ingot__j_int(v.as.list->n);
    break;
  case J_DICT:
    if (!v.flag) return ingot__j_int(v.as.dict->n);
    break;
  default: break;
  }
  return ingot__j_error(m, "the length of %s", ingot__j_kind_name(v));
}

static jvalue range(jmachine *m, const jvalue *a) {
  enum { MOST = 100000 }; /* as Jinja's sandbox has it */
  for (int i = 0; i < 3; i++)
    if (!ingot__j_is_number(a[i]) && (a[i].kind != J_MISSING || i == 0)) return ingot__j_error(m, "range of %s", ingot__j_kind_name(a[i]));
  int64_t from = a[1].kind == J_MISSING ? 0 : a[0].as.number, to = a[1].kind == J_MISSING ? a[0].as.number : a[1].as.number;
  const int64_t step = a[2].kind == J_MISSING ? 1 : a[2].as.number, far = (int64_t)1 << 40;
  if (!step || from < -far || from > far || to < -far || to > far || step < -far || step > far)
    return ingot__j_error(m, "range of numbers beyond what it takes");
  int64_t n = step > 0 ? (to - from + step - 1) / step : (from - to - step - 1) / -step;
  if (n < 0) n = 0;
  if (n > MOST) return ingot__j_error(m, "range of more than %d numbers", MOST);
  jvalue list = ingot__j_list(m, (uint32_t)n, 0);
  for (; n && !m->status; n--, from += step) ingot__j_append(m, list, ingot__j_int(from));
  return list;
}

/* int(): digits with a sign, the part before a point; the default for all else. */
static jvalue int_of(jmachine *m, jvalue v, jvalue otherwise) {
  if (otherwise.kind == J_MISSING) otherwise = ingot__j_int(0);
  if (ingot__j_is_number(v)) return ingot__j_int(v.as.number);
  if (v.kind == J_UNDEFINED) return ingot__j_error(m, "`int` of an undefined value");
  if (v.kind != J_STRING && v.kind != J_FRACTION) return otherwise;
  jvalue s = v;
  if (v.kind == J_STRING) s = ingot__j_call_text(m, INGOT_CALL_STRIP, (const jvalue[]){v, {.kind = J_MISSING}});
  if (!ingot__j_spend(m, s.size / 8)) return ingot__j_undefined();
  const bool negative = s.size && s.as.text[0] == '-';
  uint32_t i = s.size && (s.as.text[0] == '-' || s.as.text[0] == '+'), begin = i, digits = 0;
  int64_t n = 0;
  for (; i < s.size && s.as.text[i] >= '0' && s.as.text[i] <= '9'; i++, digits++) {
    if (n > (INT64_MAX - 9) / 10) return ingot__j_error(m, "`int` of too large a number");
    n = n * 10 + (s.as.text[i] - '0');
  }
  if (i < s.size && s.as.text[i] == '.')
    for (i++; i < s.size && s.as.text[i] >= '0' && s.as.text[i] <= '9'; i++) digits++;
  if (i < s.size && (s.as.text[i] | 32) == 'e' && digits) return ingot__j_error(m, "`int` of a number with an exponent");
  return i < s.size || !digits || begin == s.size ? otherwise : ingot__j_int(negative ? -n : n);
}

/* float(): the default, or 0.0, for what is no number. */
static jvalue float_of(jmachine *m, jvalue v, jvalue otherwise) {
  if (v.kind == J_UNDEFINED) return ingot__j_error(m, "`float` of an undefined value");
  if (v.kind == J_FRACTION) return v;
  if (ingot__j_is_number(v)) return ingot__j_divide(m, v.as.number, 1);
  if (v.kind == J_STRING) {
    const jvalue s = ingot__j_call_text(m, INGOT_CALL_STRIP, (const jvalue[]){v, {.kind = J_MISSING}});
    if (m->status) return s;
    v = ingot__j_fraction(m, s.as.text, s.size, false);
    if (m->status || v.kind == J_FRACTION) return v;
  }
  return otherwise.kind == J_MISSING ? ingot__j_fraction(m, "0", 1, false) : otherwise;
}

static jvalue of_loop(jmachine *m, unsigned call, jvalue of, jvalue values) {
  if (of.kind != J_LOOP || values.kind != J_LIST) return ingot__j_fail(m, INGOT_ERROR_PLAN, "a loop's method of another value");
  if (call == INGOT_CALL_CHANGED) {
    const bool same = of.as.loop->last.kind != J_MISSING && ingot__j_equal(m, of.as.loop->last, values);
    of.as.loop->last = values;
    return ingot__j_bool(!same);
  }
  if (!values.as.list->n) return ingot__j_error(m, "`loop.cycle` through nothing");
  return values.as.list->items[of.as.loop->index % values.as.list->n];
}

static jvalue join(jmachine *m, jvalue of, jvalue between, jvalue attribute, bool strings) {
  jvalue list = ingot__j_iterate(m, of);
  if (between.kind == J_MISSING) between = ingot__j_string("", 0);
  else if (!strings) between = ingot__j_text(m, between);
  const size_t start = m->size;
  for (uint32_t i = 0; !m->status && i < list.as.list->n; i++) {
    jvalue item = list.as.list->items[i];
    if (attribute.kind != J_MISSING && attribute.kind != J_NONE) item = ingot__j_subscript(m, item, attribute);
    if (strings && item.kind != J_STRING) return ingot__j_error(m, "`join` of %s", ingot__j_kind_name(item));
    if (i) ingot__j_put(m, between.as.text, between.size);
    ingot__j_write(m, item);
  }
  return ingot__j_cut(m, start);
}

static jvalue pairs(jmachine *m, jvalue dict, bool lazy) {
  if (dict.kind == J_UNDEFINED && lazy) return ingot__j_list(m, 0, J_LAZY);
  if (dict.kind != J_DICT || dict.flag) return ingot__j_error(m, "`items` of %s", ingot__j_kind_name(dict));
  jvalue list = ingot__j_list(m, dict.as.dict->n, lazy ? J_LAZY : 0);
  for (uint32_t i = 0; !m->status && i < dict.as.dict->n; i++) {
    jvalue pair = ingot__j_list(m, 2, J_TUPLE);
    ingot__j_append(m, pair, dict.as.dict->pairs[i].key);
    ingot__j_append(m, pair, dict.as.dict->pairs[i].value);
    ingot__j_append(m, list, pair);
  }
  return list;
}

static jvalue reverse(jmachine *m, jvalue v) {
  if (v.kind == J_STRING) return ingot__j_slice(m, (const jvalue[]){v, ingot__j_none(), ingot__j_none(), ingot__j_int(-1)});
  jvalue from = ingot__j_iterate(m, v), list = ingot__j_list(m, 0, J_LAZY);
  for (uint32_t i = m->status ? 0 : from.as.list->n; i-- && !m->status;) ingot__j_append(m, list, from.as.list->items[i]);
  return list;
}

jvalue ingot__j_by_path(jmachine *m, jvalue of, jvalue path) {
  if (path.kind != J_STRING) return ingot__j_subscript(m, of, path);
  if (!ingot__j_spend(m, 1 + path.size / 8)) return ingot__j_undefined();
  for (uint32_t from = 0, at = 0; at <= path.size && !m->status; at++)
    if (at == path.size || path.as.text[at] == '.') of = ingot__j_subscript(m, of, ingot__j_string(path.as.text + from, at - from)), from = at + 1;
  return of;
}

/* A function by its number in an argument; those that take one themselves are none. */
static jvalue nested(jmachine *m, jvalue id, const jvalue *a) {
  const bool fits = id.kind == J_INT && id.as.number > INGOT_CALL_STRFTIME && id.as.number < INGOT_CALL_STRIP &&
      !(id.as.number >= INGOT_CALL_MAP && id.as.number <= INGOT_CALL_REJECTATTR);
  return fits ? ingot__j_call(m, (unsigned)id.as.number, a) : ingot__j_fail(m, INGOT_ERROR_PLAN, "a filter by the number of none");
}

static jvalue map(jmachine *m, unsigned call, const jvalue *a) {
  jvalue from = ingot__j_iterate(m, a[0]), list = ingot__j_list(m, 0, J_LAZY);
  for (uint32_t i = 0; !m->status && i < from.as.list->n && ingot__j_spend(m, 1); i++) {
    jvalue item = from.as.list->items[i];
    if (call == INGOT_CALL_MAP) item = nested(m, a[1], (const jvalue[]){item, a[2], a[3], a[4], {.kind = J_MISSING}});
    else {
      item = ingot__j_by_path(m, item, a[1]);
      if (item.kind == J_UNDEFINED && a[2].kind != J_MISSING) item = a[2];
    }
    ingot__j_append(m, list, item);
  }
  return list;
}

static jvalue select(jmachine *m, jvalue of, jvalue attribute, jvalue test, jvalue value, bool wanted) {
  jvalue from = ingot__j_iterate(m, of), list = ingot__j_list(m, 0, J_LAZY);
  for (uint32_t i = 0; !m->status && i < from.as.list->n && ingot__j_spend(m, 1); i++) {
    jvalue item = from.as.list->items[i], v = attribute.kind == J_MISSING ? item : ingot__j_by_path(m, item, attribute);
    if (test.kind != J_MISSING) v = nested(m, test, (const jvalue[]){v, value, {.kind = J_MISSING}, {.kind = J_MISSING}, {.kind = J_MISSING}});
    if (ingot__j_true(v) == wanted) ingot__j_append(m, list, item);
  }
  return list;
}

static jvalue test(jmachine *m, unsigned call, const jvalue *a) {
  const jvalue v = a[0];
  const bool number = ingot__j_is_number(v);
  switch (call) {
  case INGOT_CALL_IS_DEFINED: return ingot__j_bool(v.kind != J_UNDEFINED);
  case INGOT_CALL_IS_UNDEFINED: return ingot__j_bool(v.kind == J_UNDEFINED);
  case INGOT_CALL_IS_NONE: return ingot__j_bool(v.kind == J_NONE);
  case INGOT_CALL_IS_BOOLEAN: return ingot__j_bool(v.kind == J_BOOL);
  case INGOT_CALL_IS_TRUE: return ingot__j_bool(v.kind == J_BOOL && v.as.number);
  case INGOT_CALL_IS_FALSE: return ingot__j_bool(v.kind == J_BOOL && !v.as.number);
  case INGOT_CALL_IS_STRING: return ingot__j_bool(v.kind == J_STRING);
  case INGOT_CALL_IS_NUMBER: return ingot__j_bool(number || v.kind == J_FRACTION);
  case INGOT_CALL_IS_INTEGER: return ingot__j_bool(v.kind == J_INT);
  case INGOT_CALL_IS_FLOAT: return ingot__j_bool(v.kind == J_FRACTION);
  case INGOT_CALL_IS_MAPPING: return ingot__j_bool(v.kind == J_DICT && !v.flag);
  case INGOT_CALL_IS_SEQUENCE:
    return ingot__j_bool(v.kind == J_STRING || (v.kind == J_LIST && !(v.flag & J_LAZY)) || (v.kind == J_DICT && !v.flag) || v.kind == J_UNDEFINED);
  case INGOT_CALL_IS_ITERABLE: return ingot__j_bool(v.kind == J_STRING || v.kind == J_LIST || (v.kind == J_DICT && !v.flag) || v.kind == J_UNDEFINED);
  case INGOT_CALL_IS_ODD:
  case INGOT_CALL_IS_EVEN:
    if (!number) return ingot__j_error(m, "whether %s is even", ingot__j_kind_name(v));
    return ingot__j_bool((v.as.number % 2 != 0) == (call == INGOT_CALL_IS_ODD));
  case INGOT_CALL_IS_DIVISIBLE:
    if (!number || !ingot__j_is_number(a[1]) || !a[1].as.number) return ingot__j_error(m, "%s divided by %s", ingot__j_kind_name(v), ingot__j_kind_name(a[1]));
    return ingot__j_bool(a[1].as.number == -1 || v.as.number % a[1].as.number == 0);
  case INGOT_CALL_IS_EQUAL: return ingot__j_bool(ingot__j_equal(m, v, a[1]));
  case INGOT_CALL_IS_NOT_EQUAL: return ingot__j_bool(!ingot__j_equal(m, v, a[1]));
  case INGOT_CALL_IS_LESS: return ingot__j_bool(ingot__j_less(m, v, a[1], false));
  case INGOT_CALL_IS_GREATER: return ingot__j_bool(ingot__j_less(m, a[1], v, false));
  case INGOT_CALL_IS_LESS_EQUAL: return ingot__j_bool(ingot__j_less(m, v, a[1], true));
  case INGOT_CALL_IS_GREATER_EQUAL: return ingot__j_bool(ingot__j_less(m, a[1], v, true));
  case INGOT_CALL_IS_CALLABLE: return ingot__j_bool(v.kind == J_MACRO);
  case INGOT_CALL_IS_IN: return ingot__j_bool(ingot__j_in(m, v, a[1]));
  default: { /* upper, lower: of the text */ jvalue text = ingot__j_text(m, v); return m->status ? text : ingot__j_call_text(m, call, &text);
  }
  }
}

static jvalue method(jmachine *m, unsigned call, const jvalue *a) {
  if (a[0].kind == J_DICT && !a[0].flag && call >= INGOT_CALL_M_ITEMS) {
    jvalue value, list;
    switch (call) {
    case INGOT_CALL_M_ITEMS: return pairs(m, a[0], false);
    case INGOT_CALL_GET: return ingot__j_find(m, a[0], a[1], &value) ? value : a[2].kind == J_MISSING ? ingot__j_none() : a[2];
    default:
      list = ingot__j_list(m, a[0].as.dict->n, 0);
      for (uint32_t i = 0; !m->status && i < a[0].as.dict->n; i++)
        ingot__j_append(m, list, call == INGOT_CALL_KEYS ? a[0].as.dict->pairs[i].key : a[0].as.dict->pairs[i].value);
      return list;
    }
  }
  if (a[0].kind != J_STRING || call >= INGOT_CALL_M_ITEMS) return ingot__j_error(m, "%s has no such method", ingot__j_kind_name(a[0]));
  return call == INGOT_CALL_M_JOIN ? join(m, a[1], a[0], (jvalue){.kind = J_MISSING}, true) : ingot__j_call_text(m, call, a);
}

/* Filters of text take anything as text. */
static jvalue text_filter(jmachine *m, unsigned call, const jvalue *a) {
  jvalue texts[5];
  const unsigned n = ingot_template_arguments(call);
  for (unsigned i = 0; i < n && i < 5; i++) texts[i] = i == 0 || (call == INGOT_CALL_REPLACE && i < 3) ? ingot__j_text(m, a[i]) : a[i];
  return m->status ? ingot__j_undefined() : ingot__j_call_text(m, call, texts);
}

jvalue ingot__j_call(jmachine *m, unsigned call, const jvalue *a) {
  const jvalue missing = {.kind = J_MISSING};
  if (!ingot__j_spend(m, 1)) return ingot__j_undefined();
  if (call >= INGOT_CALL_STRIP) return method(m, call, a);
  if (call >= INGOT_CALL_IS_DEFINED) return test(m, call, a);
  switch (call) {
  case INGOT_CALL_RANGE: return range(m, a);
  case INGOT_CALL_CHANGED:
  case INGOT_CALL_CYCLE: return of_loop(m, call, a[0], a[1]);
  case INGOT_CALL_SORT:
  case INGOT_CALL_DICTSORT:
  case INGOT_CALL_UNIQUE:
  case INGOT_CALL_MIN:
  case INGOT_CALL_MAX:
  case INGOT_CALL_SUM:
  case INGOT_CALL_BATCH: return ingot__j_call_sort(m, call, a);
  case INGOT_CALL_FLOAT_OF: return float_of(m, a[0], a[1]);
  case INGOT_CALL_STRFTIME: return ingot__j_strftime(m, a[0]);
  case INGOT_CALL_RAISE: {
    jvalue text = ingot__j_text(m, a[0]);
    return m->status ? text : ingot__j_error(m, "%.*s", (int)(text.size < 150 ? text.size : 150), text.as.text);
  }
  case INGOT_CALL_LENGTH: return length(m, a[0]);
  case INGOT_CALL_TEXT_OF: return ingot__j_text(m, a[0]);
  case INGOT_CALL_SAFE: return a[0];
  case INGOT_CALL_INT_OF: return int_of(m, a[0], a[1]);
  case INGOT_CALL_ABS:
    if (!ingot__j_is_number(a[0]) || a[0].as.number == INT64_MIN) return ingot__j_error(m, "`abs` of %s", ingot__j_kind_name(a[0]));
    return ingot__j_int(a[0].as.number < 0 ? -a[0].as.number : a[0].as.number);
  case INGOT_CALL_FIRST:
  case INGOT_CALL_LAST: {
    jvalue list = ingot__j_iterate(m, a[0]);
    if (m->status || !list.as.list->n) return ingot__j_undefined();
    return list.as.list->items[call == INGOT_CALL_FIRST ? 0 : list.as.list->n - 1];
  }
  case INGOT_CALL_LIST_OF: {
    jvalue from = ingot__j_iterate(m, a[0]), list = ingot__j_list(m, m->status ? 0 : from.as.list->n, 0);
    for (uint32_t i = 0; !m->status && i < from.as.list->n; i++) ingot__j_append(m, list, from.as.list->items[i]);
    return list;
  }
  case INGOT_CALL_ITEMS_OF: return pairs(m, a[0], true);
  case INGOT_CALL_REVERSE: return reverse(m, a[0]);
  case INGOT_CALL_JOIN: return join(m, a[0], a[1], a[2], false);
  case INGOT_CALL_DEFAULT:
    if (a[0].kind != J_UNDEFINED && !(ingot__j_true(a[2]) && !ingot__j_true(a[0]))) return a[0];
    return a[1].kind == J_MISSING ? ingot__j_string("", 0) : a[1];
  case INGOT_CALL_TOJSON: {
    const size_t start = m->size;
    ingot__j_write_json(m, a[0], a + 1);
    return ingot__j_cut(m, start);
  }
  case INGOT_CALL_MAP:
  case INGOT_CALL_MAP_ATTRIBUTE: return map(m, call, a);
  case INGOT_CALL_SELECT: return select(m, a[0], missing, a[1], a[2], true);
  case INGOT_CALL_REJECT: return select(m, a[0], missing, a[1], a[2], false);
  case INGOT_CALL_SELECTATTR: return select(m, a[0], a[1], a[2], a[3], true);
  case INGOT_CALL_REJECTATTR: return select(m, a[0], a[1], a[2], a[3], false);
  default: return text_filter(m, call, a);
  }
}
