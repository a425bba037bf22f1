/* Internal to the template's machine: values, the memory they live in, and the text being written. */
#ifndef INGOT_RUNTIME_TEMPLATE_VALUE_H
#define INGOT_RUNTIME_TEMPLATE_VALUE_H

#include <string.h>
#include "runtime/abi/template.h"
#include "runtime/template_run.h"

typedef enum jkind { J_UNDEFINED, J_MISSING, J_NONE, J_BOOL, J_INT, J_FRACTION, J_STRING, J_LIST, J_DICT, J_LOOP, J_MACRO } jkind;

enum { J_TUPLE = 1, J_LAZY = 2, J_NAMESPACE = 4 }; /* flags; lazy: what Jinja makes a generator of, true even when empty */

typedef struct jlist jlist;
typedef struct jdict jdict;
typedef struct jloop jloop;

typedef struct jvalue {
  uint8_t kind, flag;
  uint32_t size;              /* STRING, FRACTION */
  union {
    int64_t number;           /* BOOL, INT; MACRO: its place in the code */
    const char *text;
    jlist *list;
    jdict *dict;
    jloop *loop;
  } as;
} jvalue;

typedef struct jpair {
  jvalue key, value;
} jpair;
struct jlist {
  jvalue *items;
  uint32_t n, capacity;
};
struct jdict {
  jpair *pairs;
  uint32_t n, capacity;
};
struct jloop {
  const jlist *list;
  uint32_t index;
  jvalue last;                /* what loop.changed was asked last; J_MISSING before that */
};

typedef struct jblock {
  struct jblock *next;
  uint64_t bytes;
} jblock;

typedef struct jmachine {
  ingot__vec code, strings;
  const ingot_allocator *allocator;
  const ingot__conversation *talk;
  jvalue given, messages;     /* dict, list */
  jblock *blocks;             /* all memory of values; given back at once */
  uint8_t *free;
  size_t left;
  uint64_t memory, work;      /* taken; left */
  char *out;
  size_t size, capacity;
  jvalue *stack;
  uint32_t depth, base, at;   /* at: of the instruction after this one */
  struct jframe {
    uint32_t back, base;
    size_t start;
  } frames[INGOT_TEMPLATE_CALLS];
  uint32_t n_frames;
  ingot_status status;        /* the first failure; nothing runs on after it */
  char why[200];
} jmachine;

/* All of these give `undefined`, NULL or false after a failure. */
jvalue ingot__j_fail(jmachine *m, ingot_status status, const char *format, ...) INGOT_PRINTF(3, 4);
jvalue ingot__j_error(jmachine *m, const char *format, ...) INGOT_PRINTF(2, 3); /* INGOT_ERROR_ARGUMENT */
bool ingot__j_spend(jmachine *m, uint64_t work);
void *ingot__j_alloc(jmachine *m, uint64_t size);
void ingot__j_finish(jmachine *m);

static inline jvalue ingot__j_undefined(void) { return (jvalue){.kind = J_UNDEFINED}; }
static inline jvalue ingot__j_none(void) { return (jvalue){.kind = J_NONE}; }
static inline jvalue ingot__j_bool(bool is) { return (jvalue){.kind = J_BOOL, .as.number = is}; }
static inline jvalue ingot__j_int(int64_t n) { return (jvalue){.kind = J_INT, .as.number = n}; }
static inline jvalue ingot__j_string(const char *text, size_t size) { return (jvalue){.kind = J_STRING, .size = (uint32_t)size, .as.text = text}; }
static inline bool ingot__j_is_number(jvalue v) { return v.kind == J_BOOL || v.kind == J_INT; }
static inline bool ingot__j_is(jvalue v, const char *text) { return v.kind == J_STRING && v.size == strlen(text) && !memcmp(v.as.text, text, v.size); }

/* An empty list or dict with room for n. */
jvalue ingot__j_list(jmachine *m, uint32_t n, uint8_t flag);
jvalue ingot__j_dict(jmachine *m, uint32_t n, uint8_t flag);
void ingot__j_append(jmachine *m, jvalue list, jvalue item);
void ingot__j_set(jmachine *m, jvalue dict, jvalue key, jvalue value);
bool ingot__j_find(jmachine *m, jvalue dict, jvalue key, jvalue *value);
/* What a loop over v goes through: items, keys, characters; nothing for undefined. */
jvalue ingot__j_iterate(jmachine *m, jvalue v);

const char *ingot__j_kind_name(jvalue v);
bool ingot__j_true(jvalue v);
bool ingot__j_equal(jmachine *m, jvalue a, jvalue b);
bool ingot__j_less(jmachine *m, jvalue a, jvalue b, bool or_equal);
bool ingot__j_in(jmachine *m, jvalue item, jvalue of);
jvalue ingot__j_attribute(jmachine *m, jvalue of, jvalue name);
jvalue ingot__j_subscript(jmachine *m, jvalue of, jvalue key);
jvalue ingot__j_slice(jmachine *m, const jvalue v[4]);

/* The item a of an item, and b of that, by "a.b"; or by a number. */
jvalue ingot__j_by_path(jmachine *m, jvalue of, jvalue path);

/* template_number.c: numbers with a fraction. `text` as one of them, undefined where it is no number; where it is not exact it is refused,
 * or `kept` as it is written. */
jvalue ingot__j_fraction(jmachine *m, const char *text, uint32_t size, bool kept);
jvalue ingot__j_divide(jmachine *m, int64_t a, int64_t b);
int ingot__j_compare(jmachine *m, jvalue a, jvalue b); /* of numbers: below 0, 0, above 0 */

/* The text being written; what was written since `start` can be cut off again as a string. */
void ingot__j_put(jmachine *m, const char *text, size_t size);
void ingot__j_write(jmachine *m, jvalue v);                     /* as {{ v }} */
void ingot__j_write_json(jmachine *m, jvalue v, const jvalue options[4]); /* tojson's arguments after the subject */
jvalue ingot__j_cut(jmachine *m, size_t start);
jvalue ingot__j_text(jmachine *m, jvalue v);                      /* str(v) */

/* strchr without the zero at its end. */
static inline const char *ingot__j_index(const char *set, char c) {
  while (*set && *set != c) set++;
  return *set ? set : NULL;
}
/* Where the character after the one at `at` begins. */
static inline uint32_t ingot__j_after(jvalue s, uint32_t at) {
  do at++;
  while (at < s.size && ((uint8_t)s.as.text[at] & 0xc0) == 0x80);
  return at;
}
uint32_t ingot__j_characters(jvalue s);
/* Where `what` begins in s at `from` or later, or s.size + 1. */
uint32_t ingot__j_search(jmachine *m, jvalue s, jvalue what, uint32_t from);

/* template_text.c: functions of strings; template_sort.c; template_json.c; template_call.c: all functions. Arguments are as many as the function takes. */
jvalue ingot__j_call_text(jmachine *m, unsigned call, const jvalue *a);
jvalue ingot__j_call_sort(jmachine *m, unsigned call, const jvalue *a);
jvalue ingot__j_strftime(jmachine *m, jvalue format);
jvalue ingot__j_parse_json(jmachine *m, const char *text, size_t size);
jvalue ingot__j_call(jmachine *m, unsigned call, const jvalue *a);

#endif
