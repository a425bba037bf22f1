#include "runtime/template_value.h"

#include <stdarg.h>
#include <stdio.h>

/* ---- failures and memory ------------------------------------------------------------------------------------------------ */

jvalue ingot__j_fail(jmachine *m, ingot_status status, const char *format, ...) {
  if (!m->status) {
    va_list args;
    va_start(args, format);
    vsnprintf(m->why, sizeof m->why, format, args);
    va_end(args);
    m->status = status;
  }
  return ingot__j_undefined();
}

jvalue ingot__j_error(jmachine *m, const char *format, ...) {
  if (m->status) return ingot__j_undefined();
  char text[160];
  va_list args;
  va_start(args, format);
  vsnprintf(text, sizeof text, format, args);
  va_end(args);
  return ingot__j_fail(m, INGOT_ERROR_ARGUMENT, "%s", text);
}

bool ingot__j_spend(jmachine *m, uint64_t work) {
  if (m->status) return false;
  if (work > m->work) ingot__j_error(m, "it runs for too long");
  else m->work -= work;
  return !m->status;
}

static bool take(jmachine *m, uint64_t bytes) {
  if (m->status) return false;
  if (bytes > INGOT_TEMPLATE_MEMORY - m->memory) ingot__j_error(m, "it needs more than %d MiB", INGOT_TEMPLATE_MEMORY >> 20);
  else m->memory += bytes;
  return !m->status;
}

void *ingot__j_alloc(jmachine *m, uint64_t size) {
  enum { BLOCK = 65536 };
  if (size > INGOT_TEMPLATE_MEMORY) return ingot__j_error(m, "it needs more than %d MiB", INGOT_TEMPLATE_MEMORY >> 20), NULL;
  size = ingot__round_up(size ? size : 1, 16);
  if (m->status) return NULL;
  if (size > m->left) {
    const uint64_t head = ingot__round_up(sizeof(jblock), 16), bytes = head + (size > BLOCK - head ? size : BLOCK - head);
    jblock *block = take(m, bytes) ? ingot__allocate(m->allocator, bytes, 16) : NULL;
    if (!block) return ingot__j_fail(m, INGOT_ERROR_MEMORY, "no memory for the chat template"), NULL;
    *block = (jblock){m->blocks, bytes};
    m->blocks = block;
    m->free = (uint8_t *)block + head;
    m->left = (size_t)(bytes - head);
  }
  void *p = m->free;
  m->free += size;
  m->left -= (size_t)size;
  return p;
}

void ingot__j_finish(jmachine *m) {
  while (m->blocks) {
    jblock *next = m->blocks->next;
    ingot__release(m->allocator, m->blocks, m->blocks->bytes);
    m->blocks = next;
  }
}

/* ---- lists and dicts ---------------------------------------------------------------------------------------------------- */

jvalue ingot__j_list(jmachine *m, uint32_t n, uint8_t flag) {
  jlist *list = ingot__j_alloc(m, sizeof *list);
  jvalue *items = ingot__j_alloc(m, (uint64_t)n * sizeof *items);
  if (!list || !items) return ingot__j_undefined();
  *list = (jlist){items, 0, n};
  return (jvalue){.kind = J_LIST, .flag = flag, .as.list = list};
}

jvalue ingot__j_dict(jmachine *m, uint32_t n, uint8_t flag) {
  jdict *dict = ingot__j_alloc(m, sizeof *dict);
  jpair *pairs = ingot__j_alloc(m, (uint64_t)n * sizeof *pairs);
  if (!dict || !pairs) return ingot__j_undefined();
  *dict = (jdict){pairs, 0, n};
  return (jvalue){.kind = J_DICT, .flag = flag, .as.dict = dict};
}

/* Room for one more: the old items, and as many places again. */
static void *grown(jmachine *m, const void *old, uint32_t n, uint32_t *capacity, size_t size) {
  uint32_t more = *capacity < 8 ? 8 : *capacity * 2;
  void *items = ingot__j_alloc(m, (uint64_t)more * size);
  if (!items) return NULL;
  memcpy(items, old, n * size);
  *capacity = more;
  return items;
}

void ingot__j_append(jmachine *m, jvalue to, jvalue item) {
  if (m->status || to.kind != J_LIST) return;
  jlist *list = to.as.list;
  if (list->n == list->capacity) {
    jvalue *items = grown(m, list->items, list->n, &list->capacity, sizeof item);
    if (!items) return;
    list->items = items;
  }
  list->items[list->n++] = item;
}

static jpair *find(jmachine *m, const jdict *dict, jvalue key) {
  if (!ingot__j_spend(m, dict->n / 4)) return NULL;
  for (uint32_t i = 0; i < dict->n; i++)
    if (ingot__j_equal(m, dict->pairs[i].key, key)) return &dict->pairs[i];
  return NULL;
}

void ingot__j_set(jmachine *m, jvalue to, jvalue key, jvalue value) {
  if (m->status || to.kind != J_DICT) return;
  if (key.kind == J_LIST || key.kind == J_DICT || key.kind == J_UNDEFINED) {
    ingot__j_error(m, "%s is the key of a dict", ingot__j_kind_name(key));
    return;
  }
  jdict *dict = to.as.dict;
  jpair *there = find(m, dict, key);
  if (there) there->value = value;
  if (there || m->status) return;
  if (dict->n == dict->capacity) {
    jpair *pairs = grown(m, dict->pairs, dict->n, &dict->capacity, sizeof *pairs);
    if (!pairs) return;
    dict->pairs = pairs;
  }
  dict->pairs[dict->n++] = (jpair){key, value};
}

bool ingot__j_find(jmachine *m, jvalue dict, jvalue key, jvalue *value) {
  jpair *there = dict.kind == J_DICT ? find(m, dict.as.dict, key) : NULL;
  *value = there ? there->value : ingot__j_undefined();
  return there != NULL;
}

uint32_t ingot__j_characters(jvalue s) {
  uint32_t n = 0;
  for (uint32_t at = 0; at < s.size; at = ingot__j_after(s, at)) n++;
  return n;
}

jvalue ingot__j_iterate(jmachine *m, jvalue v) {
  if (v.kind == J_LIST) return v;
  jvalue list = ingot__j_undefined();
  if (v.kind == J_UNDEFINED) return ingot__j_list(m, 0, 0);
  if (v.kind == J_DICT && !(v.flag & J_NAMESPACE)) {
    list = ingot__j_list(m, v.as.dict->n, 0);
    for (uint32_t i = 0; i < v.as.dict->n; i++) ingot__j_append(m, list, v.as.dict->pairs[i].key);
  } else if (v.kind == J_STRING) {
    if (!ingot__j_spend(m, v.size)) return list;
    list = ingot__j_list(m, ingot__j_characters(v), 0);
    for (uint32_t at = 0, end; at < v.size; at = end) end = ingot__j_after(v, at), ingot__j_append(m, list, ingot__j_string(v.as.text + at, end - at));
  } else return ingot__j_error(m, "%s is not a list to go through", ingot__j_kind_name(v));
  return list;
}

/* ---- what values are ---------------------------------------------------------------------------------------------------- */

const char *ingot__j_kind_name(jvalue v) {
  static const char *const names[] = {
    "an undefined value", "a missing argument", "none", "a bool", "an integer", "a number", "a string", "a list", "a dict", "a loop", "a macro"};
  return v.flag & J_NAMESPACE ? "a namespace" : names[v.kind];
}

bool ingot__j_true(jvalue v) {
  switch (v.kind) {
  case J_UNDEFINED:
  case J_MISSING:
  case J_NONE: return false;
  case J_BOOL:
  case J_INT: return v.as.number != 0;
  case J_STRING: return v.size != 0;
  case J_LIST: return v.as.list->n != 0 || (v.flag & J_LAZY);
  case J_DICT: return v.as.dict->n != 0 || (v.flag & J_NAMESPACE);
  case J_FRACTION:
    for (uint32_t i = 0; i < v.size && (v.as.text[i] | 32) != 'e'; i++)
      if (v.as.text[i] >= '1' && v.as.text[i] <= '9') return true;
    return false;
  default: return true;
  }
}

static bool is_any_number(jvalue v) { return ingot__j_is_number(v) || v.kind == J_FRACTION; }

static bool equal(jmachine *m, jvalue a, jvalue b, int depth) {
  if (!ingot__j_spend(m, 1)) return false;
  if (is_any_number(a) && is_any_number(b)) return ingot__j_compare(m, a, b) == 0 && !m->status;
  if (a.kind != b.kind) return false;
  if (depth > INGOT_TEMPLATE_NESTING) return ingot__j_error(m, "values are nested too deep"), false;
  switch (a.kind) {
  case J_STRING: return a.size == b.size && ingot__j_spend(m, a.size / 8) && (!a.size || !memcmp(a.as.text, b.as.text, a.size));
  case J_LIST:
    if (a.as.list->n != b.as.list->n || ((a.flag ^ b.flag) & J_TUPLE)) return false;
    for (uint32_t i = 0; i < a.as.list->n; i++)
      if (!equal(m, a.as.list->items[i], b.as.list->items[i], depth + 1)) return false;
    return true;
  case J_DICT: {
    if (a.as.dict == b.as.dict) return true;
    if (a.as.dict->n != b.as.dict->n || a.flag || b.flag) return false;
    jvalue other;
    for (uint32_t i = 0; i < a.as.dict->n; i++)
      if (!ingot__j_find(m, b, a.as.dict->pairs[i].key, &other) || !equal(m, a.as.dict->pairs[i].value, other, depth + 1)) return false;
    return true;
  }
  case J_LOOP: return a.as.loop == b.as.loop;
  case J_MACRO: return a.as.number == b.as.number;
  default: return true;
  }
}

bool ingot__j_equal(jmachine *m, jvalue a, jvalue b) { return equal(m, a, b, 0); }

bool ingot__j_less(jmachine *m, jvalue a, jvalue b, bool or_equal) {
  if (!ingot__j_spend(m, 1)) return false;
  if (is_any_number(a) && is_any_number(b)) {
    const int side = ingot__j_compare(m, a, b);
    return !m->status && (side < 0 || (or_equal && side == 0));
  }
  if (a.kind != J_STRING || b.kind != J_STRING) return ingot__j_error(m, "%s and %s have no order", ingot__j_kind_name(a), ingot__j_kind_name(b)), false;
  uint32_t n = a.size < b.size ? a.size : b.size;
  int order = n && ingot__j_spend(m, n / 8) ? memcmp(a.as.text, b.as.text, n) : 0;
  return order < 0 || (order == 0 && (or_equal ? a.size <= b.size : a.size < b.size));
}

uint32_t ingot__j_search(jmachine *m, jvalue s, jvalue what, uint32_t from) {
  enum { STRIDE = 16 }; /* paid for as it is gone through */
  if (what.size > s.size || from > s.size - what.size) return s.size + 1;
  for (uint32_t at = from; at <= s.size - what.size; at++) {
    if ((at - from) % STRIDE == 0 && !ingot__j_spend(m, 1)) break;
    if (what.size && s.as.text[at] != what.as.text[0]) continue;
    if (!ingot__j_spend(m, what.size / 64 + (at % 8 == 0))) break;
    if (!what.size || !memcmp(s.as.text + at, what.as.text, what.size)) return at;
  }
  return s.size + 1;
}

bool ingot__j_in(jmachine *m, jvalue item, jvalue of) {
  if (of.kind == J_STRING) {
    if (item.kind != J_STRING) return ingot__j_error(m, "%s is looked for in a string", ingot__j_kind_name(item)), false;
    return ingot__j_search(m, of, item, 0) <= of.size;
  }
  jvalue found;
  if (of.kind == J_DICT && !of.flag) return ingot__j_find(m, of, item, &found);
  if (of.kind == J_UNDEFINED) return false;
  if (of.kind != J_LIST) return ingot__j_error(m, "`in` of %s", ingot__j_kind_name(of)), false;
  for (uint32_t i = 0; i < of.as.list->n; i++)
    if (ingot__j_equal(m, of.as.list->items[i], item)) return true;
  return false;
}

/* ---- parts of values ---------------------------------------------------------------------------------------------------- */

static jvalue loop_attribute(const jloop *loop, jvalue name) {
  const int64_t n = loop->list->n, i = loop->index;
  const struct {
    const char *name;
    int64_t number;
  } numbers[] = {{"index", i + 1}, {"index0", i}, {"length", n}, {"revindex", n - i}, {"revindex0", n - i - 1}, {"depth", 1}, {"depth0", 0}};
  for (size_t k = 0; k < sizeof numbers / sizeof *numbers; k++)
    if (ingot__j_is(name, numbers[k].name)) return ingot__j_int(numbers[k].number);
  if (ingot__j_is(name, "first")) return ingot__j_bool(i == 0);
  if (ingot__j_is(name, "last")) return ingot__j_bool(i + 1 == n);
  if (ingot__j_is(name, "previtem") && i > 0) return loop->list->items[i - 1];
  if (ingot__j_is(name, "nextitem") && i + 1 < n) return loop->list->items[i + 1];
  return ingot__j_undefined();
}

jvalue ingot__j_attribute(jmachine *m, jvalue of, jvalue name) {
  jvalue value;
  switch (of.kind) {
  case J_DICT: ingot__j_find(m, of, name, &value); return value;
  case J_LOOP: return loop_attribute(of.as.loop, name);
  case J_UNDEFINED: return ingot__j_error(m, "`%.*s` of an undefined value", (int)(name.size < 80 ? name.size : 80), name.as.text);
  default: return ingot__j_undefined();
  }
}

/* Where the character with this number begins, counted from the end where negative; s.size where there is none. */
static uint32_t place_of(jvalue s, int64_t index) {
  if (index < 0) index += ingot__j_characters(s);
  if (index < 0) return s.size;
  uint32_t at = 0;
  for (; at < s.size && index; index--) at = ingot__j_after(s, at);
  return at;
}

jvalue ingot__j_subscript(jmachine *m, jvalue of, jvalue key) {
  jvalue value;
  if (of.kind == J_DICT && !of.flag) return ingot__j_find(m, of, key, &value), value;
  if (key.kind == J_STRING) return ingot__j_attribute(m, of, key);
  if (of.kind == J_UNDEFINED) return ingot__j_error(m, "an item of an undefined value");
  if (!ingot__j_is_number(key)) return ingot__j_undefined();
  int64_t index = key.as.number;
  if (of.kind == J_LIST) {
    if (of.flag & J_LAZY) return ingot__j_undefined();
    if (index < 0) index += of.as.list->n;
    return index >= 0 && index < of.as.list->n ? of.as.list->items[index] : ingot__j_undefined();
  }
  if (of.kind == J_STRING && ingot__j_spend(m, of.size / 8)) {
    uint32_t at = place_of(of, index);
    return at < of.size ? ingot__j_string(of.as.text + at, ingot__j_after(of, at) - at) : ingot__j_undefined();
  }
  return ingot__j_undefined();
}

/* Python's rule for one end of a slice over n items. */
static int64_t clip(jvalue v, int64_t n, int64_t otherwise, bool backwards) {
  if (v.kind != J_INT && v.kind != J_BOOL) return otherwise;
  int64_t i = v.as.number < 0 ? v.as.number + n : v.as.number, least = backwards ? -1 : 0, most = backwards ? n - 1 : n;
  return i < least ? least : i > most ? most : i;
}

jvalue ingot__j_slice(jmachine *m, const jvalue v[4]) {
  for (int i = 1; i < 4; i++)
    if (v[i].kind != J_NONE && !ingot__j_is_number(v[i])) return ingot__j_error(m, "a slice by %s", ingot__j_kind_name(v[i]));
  if ((v[0].kind != J_LIST || (v[0].flag & J_LAZY)) && v[0].kind != J_STRING) return ingot__j_error(m, "a slice of %s", ingot__j_kind_name(v[0]));
  const bool text = v[0].kind == J_STRING;
  if (text && !ingot__j_spend(m, v[0].size / 4)) return ingot__j_undefined();
  const int64_t n = text ? ingot__j_characters(v[0]) : v[0].as.list->n, step = v[3].kind == J_NONE ? 1 : v[3].as.number;
  if (!step || step > INT32_MAX || step < -INT32_MAX) return ingot__j_error(m, "a slice with steps of %lld", (long long)step);
  const bool back = step < 0;
  int64_t from = clip(v[1], n, back ? n - 1 : 0, back), to = clip(v[2], n, back ? -1 : n, back);
  if (text && step == 1) {
    uint32_t begin = place_of(v[0], from), end = to > from ? place_of(v[0], to) : begin;
    return ingot__j_string(v[0].as.text + begin, end - begin);
  }
  jvalue items = ingot__j_iterate(m, v[0]), out = ingot__j_list(m, 0, v[0].flag);
  const size_t start = m->size;
  for (int64_t i = from; !m->status && (back ? i > to : i < to); i += step) {
    if (!ingot__j_spend(m, 1)) break;
    if (text) ingot__j_put(m, items.as.list->items[i].as.text, items.as.list->items[i].size);
    else ingot__j_append(m, out, items.as.list->items[i]);
  }
  return text ? ingot__j_cut(m, start) : out;
}

/* ---- text --------------------------------------------------------------------------------------------------------------- */

void ingot__j_put(jmachine *m, const char *text, size_t size) {
  if (!ingot__j_spend(m, 1 + size / 8)) return;
  if (size > m->capacity - m->size) {
    uint64_t need = (uint64_t)m->size + size, bytes = 2 * (uint64_t)m->capacity > need ? 2 * (uint64_t)m->capacity : need;
    if (bytes < 4096) bytes = 4096;
    char *more = take(m, bytes) ? ingot__allocate(m->allocator, bytes, 16) : NULL;
    if (!more) {
      ingot__j_fail(m, INGOT_ERROR_MEMORY, "no memory for the conversation's text");
      return;
    }
    if (m->size) memcpy(more, m->out, m->size);
    ingot__release(m->allocator, m->out, m->capacity);
    m->memory -= m->capacity;
    m->out = more;
    m->capacity = (size_t)bytes;
  }
  if (size) memcpy(m->out + m->size, text, size);
  m->size += size;
}

static void put(jmachine *m, const char *text) { ingot__j_put(m, text, strlen(text)); }

static void write_number(jmachine *m, int64_t n) {
  char text[24];
  int size = snprintf(text, sizeof text, "%lld", (long long)n);
  ingot__j_put(m, text, (size_t)size);
}

/* As Python's repr: in single quotes where that needs no escape. */
static void write_quoted(jmachine *m, jvalue s) {
  bool one = false, two = false;
  for (uint32_t i = 0; i < s.size; i++) one = one || s.as.text[i] == '\'', two = two || s.as.text[i] == '"';
  const char quote = one && !two ? '"' : '\'';
  ingot__j_put(m, &quote, 1);
  for (uint32_t i = 0; i < s.size && !m->status; i++) {
    const char c = s.as.text[i];
    const uint8_t byte = (uint8_t)c, after = i + 1 < s.size ? (uint8_t)s.as.text[i + 1] : 0;
    char escape[8];
    int size = 1;
    if (c == quote || c == '\\') size = snprintf(escape, sizeof escape, "\\%c", c);
    else if (c == '\n' || c == '\r' || c == '\t') size = snprintf(escape, sizeof escape, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (byte < 32 || byte == 127) size = snprintf(escape, sizeof escape, "\\x%02x", byte);
    else if (byte == 0xc2 && (after <= 0xa0 || after == 0xad)) size = snprintf(escape, sizeof escape, "\\x%02x", after), i++;
    else escape[0] = c;
    ingot__j_put(m, escape, (size_t)size);
  }
  ingot__j_put(m, &quote, 1);
}

static void write_value(jmachine *m, jvalue v, bool quoted, int depth) {
  if (m->status) return;
  if (depth > INGOT_TEMPLATE_NESTING) {
    ingot__j_error(m, "values are nested too deep to be written");
    return;
  }
  switch (v.kind) {
  case J_UNDEFINED:
    if (quoted) put(m, "Undefined");
    break;
  case J_NONE: put(m, "None"); break;
  case J_BOOL: put(m, v.as.number ? "True" : "False"); break;
  case J_INT: write_number(m, v.as.number); break;
  case J_FRACTION: ingot__j_put(m, v.as.text, v.size); break;
  case J_STRING:
    if (quoted) write_quoted(m, v);
    else ingot__j_put(m, v.as.text, v.size);
    break;
  case J_LIST: {
    const jlist *list = v.as.list;
    const bool tuple = v.flag & J_TUPLE;
    if (v.flag & J_LAZY) {
      ingot__j_error(m, "what a filter goes through is written: put `| list` after it");
      return;
    }
    put(m, tuple ? "(" : "[");
    for (uint32_t i = 0; i < list->n && !m->status; i++) put(m, i ? ", " : ""), write_value(m, list->items[i], true, depth + 1);
    put(m, tuple ? (list->n == 1 ? ",)" : ")") : "]");
    break;
  }
  case J_DICT:
    if (!v.flag) {
      put(m, "{");
      for (uint32_t i = 0; i < v.as.dict->n && !m->status; i++) {
        put(m, i ? ", " : "");
        write_value(m, v.as.dict->pairs[i].key, true, depth + 1);
        put(m, ": ");
        write_value(m, v.as.dict->pairs[i].value, true, depth + 1);
      }
      put(m, "}");
      break;
    } /* fall through */
  default: ingot__j_error(m, "%s is written", ingot__j_kind_name(v));
  }
}

void ingot__j_write(jmachine *m, jvalue v) { write_value(m, v, false, 0); }

jvalue ingot__j_cut(jmachine *m, size_t start) {
  if (m->status || start > m->size) return ingot__j_undefined();
  size_t size = m->size - start;
  char *text = ingot__j_alloc(m, size);
  if (!text) return ingot__j_undefined();
  if (size) memcpy(text, m->out + start, size);
  m->size = start;
  return ingot__j_string(text, size);
}

jvalue ingot__j_text(jmachine *m, jvalue v) {
  if (v.kind == J_STRING) return v;
  const size_t start = m->size;
  ingot__j_write(m, v);
  return ingot__j_cut(m, start);
}
