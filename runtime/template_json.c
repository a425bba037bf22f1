/* JSON: written as Python's json.dumps(ensure_ascii=False) does, and read. */
#include "runtime/template_value.h"

#include <stdio.h>

/* ---- written ------------------------------------------------------------------------------------------------------------ */

typedef struct style {
  jvalue item, key;              /* separators */
  bool lines, sorted;
  uint32_t indent;
} style;

static void put(jmachine *m, const char *text) { ingot__j_put(m, text, strlen(text)); }

static void write_string(jmachine *m, jvalue s) {
  put(m, "\"");
  for (uint32_t i = 0, from = 0; i <= s.size && !m->status; i++) {
    const uint8_t c = i < s.size ? (uint8_t)s.as.text[i] : 0;
    if (i < s.size && c >= 32 && c != '"' && c != '\\') continue;
    ingot__j_put(m, s.as.text + from, i - from);
    from = i + 1;
    static const char plain[] = "\"\\\b\f\n\r\t", names[] = "\"\\bfnrt";
    const char *found = i < s.size ? ingot__j_index(plain, (char)c) : NULL;
    char escape[8];
    if (found) snprintf(escape, sizeof escape, "\\%c", names[found - plain]);
    else snprintf(escape, sizeof escape, "\\u%04x", c);
    if (i < s.size) put(m, escape);
  }
  put(m, "\"");
}

static void new_line(jmachine *m, const style *s, int depth) {
  if (!s->lines) return;
  put(m, "\n");
  for (uint64_t n = (uint64_t)s->indent * (uint64_t)depth; n && !m->status; n--) put(m, " ");
}

static void separate(jmachine *m, const style *s, bool first, int depth) {
  if (!first) ingot__j_put(m, s->item.as.text, s->item.size);
  new_line(m, s, depth);
}

static void write_key(jmachine *m, jvalue key) {
  if (key.kind == J_STRING) write_string(m, key);
  else if (key.kind == J_NONE) put(m, "\"null\"");
  else if (key.kind == J_BOOL) put(m, key.as.number ? "\"true\"" : "\"false\"");
  else {
    put(m, "\"");
    ingot__j_write(m, key);
    put(m, "\"");
  }
}

/* The pair that comes after `last` in the order of keys, for sort_keys. */
static const jpair *next_sorted(jmachine *m, const jdict *dict, const jpair *last) {
  const jpair *best = NULL;
  for (const jpair *p = dict->pairs; p < dict->pairs + dict->n; p++)
    if ((!last || ingot__j_less(m, last->key, p->key, false)) && (!best || ingot__j_less(m, p->key, best->key, false))) best = p;
  return best;
}

static void write(jmachine *m, jvalue v, const style *s, int depth) {
  if (m->status) return;
  if (depth > INGOT_TEMPLATE_NESTING) {
    ingot__j_error(m, "values are nested too deep for tojson");
    return;
  }
  switch (v.kind) {
  case J_NONE: put(m, "null"); break;
  case J_BOOL: put(m, v.as.number ? "true" : "false"); break;
  case J_INT:
  case J_FRACTION: ingot__j_write(m, v); break;
  case J_STRING: write_string(m, v); break;
  case J_LIST: {
    const jlist *list = v.as.list;
    put(m, "[");
    for (uint32_t i = 0; i < list->n && !m->status; i++) separate(m, s, i == 0, depth + 1), write(m, list->items[i], s, depth + 1);
    if (list->n) new_line(m, s, depth);
    put(m, "]");
    break;
  }
  case J_DICT: {
    const jdict *dict = v.as.dict;
    const jpair *p = NULL;
    put(m, "{");
    for (uint32_t i = 0; i < dict->n && !m->status; i++) {
      p = s->sorted ? next_sorted(m, dict, p) : &dict->pairs[i];
      if (!p) break;
      separate(m, s, i == 0, depth + 1);
      write_key(m, p->key);
      ingot__j_put(m, s->key.as.text, s->key.size);
      write(m, p->value, s, depth + 1);
    }
    if (dict->n) new_line(m, s, depth);
    put(m, "}");
    break;
  }
  default: ingot__j_error(m, "tojson of %s", ingot__j_kind_name(v));
  }
}

void ingot__j_write_json(jmachine *m, jvalue v, const jvalue o[4]) {
  style s = {.item = ingot__j_string(", ", 2), .key = ingot__j_string(": ", 2), .sorted = ingot__j_true(o[3])};
  if (ingot__j_true(o[0])) ingot__j_error(m, "tojson with ensure_ascii");
  if (ingot__j_is_number(o[1])) {
    s.lines = true;
    s.indent = o[1].as.number < 0 ? 0 : o[1].as.number > 64 ? 64 : (uint32_t)o[1].as.number;
    s.item.size = 1;
  } else if (o[1].kind != J_MISSING && o[1].kind != J_NONE) ingot__j_error(m, "tojson with an indent of %s", ingot__j_kind_name(o[1]));
  if (o[2].kind == J_LIST && o[2].as.list->n == 2 && o[2].as.list->items[0].kind == J_STRING && o[2].as.list->items[1].kind == J_STRING)
    s.item = o[2].as.list->items[0], s.key = o[2].as.list->items[1];
  else if (o[2].kind != J_MISSING && o[2].kind != J_NONE) ingot__j_error(m, "tojson with separators other than two strings");
  write(m, v, &s, 0);
}

/* ---- read --------------------------------------------------------------------------------------------------------------- */

typedef struct reader {
  jmachine *m;
  const char *text;
  size_t size, at;
} reader;

static jvalue bad(reader *r, const char *what) { return ingot__j_error(r->m, "the JSON is damaged at byte %zu: %s", r->at, what); }

static char peek(reader *r) {
  while (r->at < r->size && (r->text[r->at] == ' ' || r->text[r->at] == '\n' || r->text[r->at] == '\t' || r->text[r->at] == '\r')) r->at++;
  return r->at < r->size ? r->text[r->at] : 0;
}

static bool accept(reader *r, const char *word) {
  size_t n = strlen(word);
  if (peek(r) != *word || r->size - r->at < n || memcmp(r->text + r->at, word, n) != 0) return false;
  r->at += n;
  return true;
}

/* Four hex digits, or a value beyond 16 bits. */
static uint32_t hex(reader *r) {
  uint32_t v = 0;
  for (int i = 0; i < 4; i++, r->at++) {
    const char c = r->at < r->size ? r->text[r->at] : 0, low = (char)(c | 32);
    if (c >= '0' && c <= '9') v = v * 16 + (uint32_t)(c - '0');
    else if (low >= 'a' && low <= 'f') v = v * 16 + (uint32_t)(low - 'a' + 10);
    else return UINT32_MAX;
  }
  return v;
}

static size_t utf8(uint32_t c, char out[4]) {
  if (c < 0x80) return out[0] = (char)c, 1;
  size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
  for (size_t i = n; --i; c >>= 6) out[i] = (char)(0x80 | (c & 0x3f));
  out[0] = (char)((0xf00 >> n) | c);
  return n;
}

static size_t escape(reader *r, char out[4]) {
  static const char names[] = "\"\\/bfnrt", plain[] = "\"\\/\b\f\n\r\t";
  const char c = r->at < r->size ? r->text[r->at++] : 0;
  const char *found = ingot__j_index(names, c);
  if (found) return out[0] = plain[found - names], 1;
  uint32_t code = c == 'u' ? hex(r) : UINT32_MAX;
  if (code >> 10 == 0x36 && r->size - r->at >= 2 && r->text[r->at] == '\\' && r->text[r->at + 1] == 'u') {
    r->at += 2;
    uint32_t low = hex(r);
    code = low >> 10 == 0x37 ? 0x10000 + ((code & 0x3ff) << 10) + (low & 0x3ff) : UINT32_MAX;
  }
  if (code == UINT32_MAX || code >> 11 == 0x1b) return bad(r, "an escape that is none"), 0;
  return utf8(code, out);
}

static jvalue read_string(reader *r) {
  const size_t begin = ++r->at;
  bool plain = true;
  for (; r->at < r->size && r->text[r->at] != '"'; r->at++)
    if (r->text[r->at] == '\\') plain = false, r->at++;
    else if ((uint8_t)r->text[r->at] < 32) return bad(r, "a control character in a string");
  if (r->at >= r->size) return bad(r, "a string without end");
  const size_t end = r->at++;
  if (plain) return ingot__j_string(r->text + begin, end - begin);
  char *text = ingot__j_alloc(r->m, end - begin);
  size_t n = 0;
  if (!text) return ingot__j_undefined();
  for (r->at = begin; r->at < end && !r->m->status;) {
    if (r->text[r->at] != '\\') text[n++] = r->text[r->at++];
    else {
      char bytes[4];
      r->at++;
      size_t size = escape(r, bytes);
      memcpy(text + n, bytes, size);
      n += size;
    }
  }
  if (r->at != end) return bad(r, "an escape that is none");
  r->at++;
  return ingot__j_string(text, n);
}

static jvalue read_number(reader *r) {
  const size_t begin = r->at;
  bool whole = true, fits = true, negative = r->text[r->at] == '-';
  int64_t v = 0;
  size_t digits = 0;
  for (r->at += negative; r->at < r->size; r->at++) {
    const char c = r->text[r->at];
    if (c == '.' || (c | 32) == 'e' || ((c == '+' || c == '-') && r->at > begin && (r->text[r->at - 1] | 32) == 'e')) whole = false;
    else if (c < '0' || c > '9') break;
    else {
      digits++;
      fits = fits && v >= (INT64_MIN + (c - '0')) / 10; /* counted downwards, where there is one more */
      v = fits ? v * 10 - (c - '0') : 0;
    }
  }
  if (!digits) return bad(r, "a value that is none");
  if (whole && fits && (negative || v != INT64_MIN)) return ingot__j_int(negative ? v : -v);
  const uint32_t size = (uint32_t)(r->at - begin);
  if (whole) return (jvalue){.kind = J_FRACTION, .size = size, .as.text = r->text + begin}; /* beyond 64 bits */
  const jvalue number = ingot__j_fraction(r->m, r->text + begin, size, true);
  return number.kind == J_FRACTION ? number : bad(r, "a number that is none");
}

static jvalue read_value(reader *r, int depth) {
  const char c = peek(r);
  if (r->m->status || !ingot__j_spend(r->m, 1)) return ingot__j_undefined();
  if (depth > INGOT_TEMPLATE_NESTING) return bad(r, "nesting too deep");
  if (c == '"') return read_string(r);
  if (accept(r, "true")) return ingot__j_bool(true);
  if (accept(r, "false")) return ingot__j_bool(false);
  if (accept(r, "null")) return ingot__j_none();
  if (accept(r, "[")) {
    jvalue list = ingot__j_list(r->m, 0, 0);
    if (accept(r, "]")) return list;
    do ingot__j_append(r->m, list, read_value(r, depth + 1));
    while (!r->m->status && accept(r, ","));
    return accept(r, "]") ? list : bad(r, "`]` is missing");
  }
  if (accept(r, "{")) {
    jvalue dict = ingot__j_dict(r->m, 0, 0);
    if (accept(r, "}")) return dict;
    do {
      if (peek(r) != '"') return bad(r, "a key that is no string");
      jvalue key = read_string(r);
      if (!accept(r, ":")) return bad(r, "`:` is missing");
      ingot__j_set(r->m, dict, key, read_value(r, depth + 1));
    } while (!r->m->status && accept(r, ","));
    return accept(r, "}") ? dict : bad(r, "`}` is missing");
  }
  return c == '-' || (c >= '0' && c <= '9') ? read_number(r) : bad(r, "a value that is none");
}

jvalue ingot__j_parse_json(jmachine *m, const char *text, size_t size) {
  reader r = {m, text, size, 0};
  jvalue v = read_value(&r, 0);
  if (!m->status && peek(&r)) bad(&r, "more after the value");
  return m->status ? ingot__j_undefined() : v;
}
