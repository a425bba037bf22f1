/* Filters that put values in order: sort, dictsort, unique, min, max; and those that count and part them: sum, batch. */
#include "runtime/template_value.h"

/* What an item is compared by: itself, or what is found by a path; strings without their case. */
static jvalue key_of(jmachine *m, jvalue item, jvalue path, bool case_sensitive) {
  if (path.kind != J_MISSING && path.kind != J_NONE) item = ingot__j_by_path(m, item, path);
  if (case_sensitive || item.kind != J_STRING || m->status) return item;
  return ingot__j_call_text(m, INGOT_CALL_LOWER, &item);
}

typedef struct order {
  jmachine *m;
  const jvalue *keys;   /* n_parts of each item */
  uint32_t n_parts;
  bool reverse;
} order;

/* Whether the second of two neighbours has to come first. */
static bool comes_first(const order *o, uint32_t second, uint32_t first) {
  const jvalue *a = o->keys + (size_t)(o->reverse ? first : second) * o->n_parts, *b = o->keys + (size_t)(o->reverse ? second : first) * o->n_parts;
  for (uint32_t i = 0; i < o->n_parts && ingot__j_spend(o->m, 1); i++) {
    if (ingot__j_less(o->m, a[i], b[i], false)) return true;
    if (i + 1 < o->n_parts && ingot__j_less(o->m, b[i], a[i], false)) return false;
  }
  return false;
}

/* Merges runs that are twice as long each time; equals stay as they are. */
static const uint32_t *sorted(const order *o, uint32_t n) {
  uint32_t *from = ingot__j_alloc(o->m, 4 * (uint64_t)n), *to = ingot__j_alloc(o->m, 4 * (uint64_t)n);
  if (o->m->status) return NULL;
  for (uint32_t i = 0; i < n; i++) from[i] = i;
  for (uint64_t run = 1; run < n && ingot__j_spend(o->m, n / 4); run *= 2) {
    for (uint64_t begin = 0; begin < n && !o->m->status; begin += 2 * run) {
      const uint64_t middle = begin + run < n ? begin + run : n, end = begin + 2 * run < n ? begin + 2 * run : n;
      uint64_t a = begin, b = middle;
      for (uint64_t i = begin; i < end; i++) to[i] = b < end && (a == middle || comes_first(o, from[b], from[a])) ? from[b++] : from[a++];
    }
    uint32_t *swap = from;
    from = to;
    to = swap;
  }
  return o->m->status ? NULL : from;
}

/* "a,b": by a, and of those that have the same by b. */
static jvalue paths_of(jmachine *m, jvalue attribute) {
  jvalue list = ingot__j_list(m, 1, 0);
  if (attribute.kind != J_STRING) ingot__j_append(m, list, attribute);
  else if (ingot__j_spend(m, attribute.size / 8))
    for (uint32_t from = 0, at = 0; at <= attribute.size; at++)
      if (at == attribute.size || attribute.as.text[at] == ',') ingot__j_append(m, list, ingot__j_string(attribute.as.text + from, at - from)), from = at + 1;
  return list;
}

static jvalue sort_items(jmachine *m, jvalue items, jvalue paths, bool reverse, bool case_sensitive) {
  if (m->status) return ingot__j_undefined();
  const uint32_t n = items.as.list->n, n_parts = paths.as.list->n;
  jvalue *keys = ingot__j_alloc(m, (uint64_t)n * n_parts * sizeof *keys);
  for (uint32_t i = 0; i < n; i++)
    for (uint32_t k = 0; k < n_parts && !m->status; k++)
      keys[(size_t)i * n_parts + k] = key_of(m, items.as.list->items[i], paths.as.list->items[k], case_sensitive);
  if (m->status) return ingot__j_undefined();
  const order o = {m, keys, n_parts, reverse};
  const uint32_t *places = sorted(&o, n);
  jvalue list = ingot__j_list(m, n, 0);
  for (uint32_t i = 0; i < n && !m->status; i++) ingot__j_append(m, list, items.as.list->items[places[i]]);
  return list;
}

static jvalue dictsort(jmachine *m, const jvalue *a) {
  const bool by_value = ingot__j_is(a[2], "value");
  if (a[2].kind != J_MISSING && !by_value && !ingot__j_is(a[2], "key")) return ingot__j_error(m, "dictsort by anything but key or value");
  if (a[0].kind != J_DICT || a[0].flag) return ingot__j_error(m, "dictsort of %s", ingot__j_kind_name(a[0]));
  jvalue paths = ingot__j_list(m, 1, 0), none = {.kind = J_MISSING};
  ingot__j_append(m, paths, ingot__j_int(by_value));
  return sort_items(m, ingot__j_call(m, INGOT_CALL_M_ITEMS, (const jvalue[]){a[0], none}), paths, ingot__j_true(a[3]), ingot__j_true(a[1]));
}

static jvalue unique(jmachine *m, jvalue items, jvalue path, bool case_sensitive) {
  jvalue seen = ingot__j_dict(m, 0, 0), list = ingot__j_list(m, 0, J_LAZY), there;
  for (uint32_t i = 0; !m->status && i < items.as.list->n; i++) {
    const jvalue key = key_of(m, items.as.list->items[i], path, case_sensitive);
    if (m->status || ingot__j_find(m, seen, key, &there)) continue;
    ingot__j_set(m, seen, key, ingot__j_none());
    ingot__j_append(m, list, items.as.list->items[i]);
  }
  return list;
}

static jvalue extreme(jmachine *m, jvalue items, jvalue path, bool case_sensitive, bool most) {
  jvalue best = ingot__j_undefined(), best_key = best;
  for (uint32_t i = 0; !m->status && i < items.as.list->n; i++) {
    const jvalue key = key_of(m, items.as.list->items[i], path, case_sensitive);
    if (i && !(most ? ingot__j_less(m, best_key, key, false) : ingot__j_less(m, key, best_key, false))) continue;
    best = items.as.list->items[i];
    best_key = key;
  }
  return m->status ? ingot__j_undefined() : best;
}

static jvalue sum(jmachine *m, jvalue items, jvalue path, jvalue start) {
  int64_t total = 0;
  if (start.kind != J_MISSING && !ingot__j_is_number(start)) return ingot__j_error(m, "sum from %s", ingot__j_kind_name(start));
  if (start.kind != J_MISSING) total = start.as.number;
  for (uint32_t i = 0; !m->status && i < items.as.list->n && ingot__j_spend(m, 1); i++) {
    const jvalue v = path.kind == J_MISSING || path.kind == J_NONE ? items.as.list->items[i] : ingot__j_by_path(m, items.as.list->items[i], path);
    if (m->status) break;
    if (!ingot__j_is_number(v)) return ingot__j_error(m, "sum of %s", ingot__j_kind_name(v));
    if (v.as.number >= 0 ? total > INT64_MAX - v.as.number : total < INT64_MIN - v.as.number) return ingot__j_error(m, "a number beyond 64 bits");
    total += v.as.number;
  }
  return ingot__j_int(total);
}

static jvalue batch(jmachine *m, jvalue items, jvalue size, jvalue fill) {
  jvalue list = ingot__j_list(m, 0, J_LAZY), row = ingot__j_undefined();
  if (m->status) return list;
  if (size.kind != J_INT || size.as.number < 1) return ingot__j_error(m, "batch of rows of anything but a number above 0");
  for (uint32_t i = 0; !m->status && i < items.as.list->n && ingot__j_spend(m, 1); i++) {
    if (i % (uint64_t)size.as.number == 0) row = ingot__j_list(m, 0, 0), ingot__j_append(m, list, row);
    ingot__j_append(m, row, items.as.list->items[i]);
  }
  if (!m->status && row.kind == J_LIST && fill.kind != J_MISSING && fill.kind != J_NONE)
    while (row.as.list->n < size.as.number && ingot__j_spend(m, 1)) ingot__j_append(m, row, fill);
  return list;
}

jvalue ingot__j_call_sort(jmachine *m, unsigned call, const jvalue *a) {
  if (call == INGOT_CALL_DICTSORT) return dictsort(m, a);
  const jvalue items = ingot__j_iterate(m, a[0]);
  if (m->status) return items;
  switch (call) {
  case INGOT_CALL_SORT: return sort_items(m, items, paths_of(m, a[3]), ingot__j_true(a[1]), ingot__j_true(a[2]));
  case INGOT_CALL_UNIQUE: return unique(m, items, a[2], ingot__j_true(a[1]));
  case INGOT_CALL_SUM: return sum(m, items, a[1], a[2]);
  case INGOT_CALL_BATCH: return batch(m, items, a[1], a[2]);
  default: return extreme(m, items, a[2], ingot__j_true(a[1]), call == INGOT_CALL_MAX);
  }
}
