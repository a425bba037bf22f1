/* The functions of strings, as Python's str has them. */
#include "runtime/template_value.h"

#include <stdio.h>

/* The character at `at`; damaged UTF-8 gives some number beyond those of characters. */
static uint32_t character(jvalue s, uint32_t at) {
  const uint8_t first = (uint8_t)s.as.text[at];
  const uint32_t n = ingot__j_after(s, at) - at, wanted = first < 0x80 ? 1 : first < 0xc0 ? 0 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  if (n != wanted) return UINT32_MAX;
  uint32_t c = n == 1 ? first : first & (0x7fu >> n);
  for (uint32_t i = 1; i < n; i++) c = c << 6 | ((uint8_t)s.as.text[at + i] & 0x3f);
  return c;
}

static bool is_space(uint32_t c) {
  return c == 32 || (c >= 9 && c <= 13) || (c >= 28 && c <= 31) || c == 0x85 || c == 0xa0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200a) || c == 0x2028 ||
      c == 0x2029 || c == 0x202f || c == 0x205f || c == 0x3000;
}

static bool ends_line(uint32_t c) { return (c >= 10 && c <= 13) || (c >= 28 && c <= 30) || c == 0x85 || c == 0x2028 || c == 0x2029; }

static jvalue part(jvalue s, uint32_t from, uint32_t to) { return ingot__j_string(s.as.text + from, to - from); }

/* ---- upper and lower ---------------------------------------------------------------------------------------------------- */

/* The other case of a character, itself where it has none, 0 where this table does not know. */
static uint32_t other_case(uint32_t c, bool upper) {
  static const struct {
    uint32_t first, last, lower;
  } pairs[] = { /* capitals, and their distance to the small ones */
               {'A', 'Z', 32}, {0xc0, 0xd6, 32}, {0xd8, 0xde, 32}, {0x391, 0x3a1, 32}, {0x3a4, 0x3ab, 32}, {0x410, 0x42f, 32}, {0x400, 0x40f, 80}};
  for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
    if (!upper && c >= pairs[i].first && c <= pairs[i].last) return c + pairs[i].lower;
    if (upper && c >= pairs[i].first + pairs[i].lower && c <= pairs[i].last + pairs[i].lower) return c - pairs[i].lower;
    if (c >= pairs[i].first && c <= pairs[i].last) return c;
    if (c >= pairs[i].first + pairs[i].lower && c <= pairs[i].last + pairs[i].lower) return c;
  }
  const bool caseless = c < 0x80 || (c >= 0x80 && c <= 0xbf && c != 0xb5) || c == 0xd7 || c == 0xf7 || (c >= 0x2000 && c <= 0x20ff) ||
      (c >= 0x2190 && c <= 0x23ff) || (c >= 0x2500 && c <= 0x2bff) || (c >= 0x2e80 && c <= 0xa63f) || (c >= 0xac00 && c <= 0xfaff) ||
      (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0x1f000 && c <= 0x1faff) || (c >= 0x20000 && c <= 0x3ffff);
  return caseless || (!upper && c == 0xdf) ? c : 0;
}

static void put_cased(jmachine *m, jvalue s, bool upper) {
  for (uint32_t at = 0, end; at < s.size && !m->status; at = end) {
    end = ingot__j_after(s, at);
    const uint32_t c = character(s, at), to = other_case(c, upper);
    char bytes[2] = {(char)(0xc0 | to >> 6), (char)(0x80 | (to & 0x3f))};
    if (c && !to) ingot__j_error(m, "`%s` of U+%04X", upper ? "upper" : "lower", c);
    else if (to == c) ingot__j_put(m, s.as.text + at, end - at);
    else if (to < 0x80) bytes[0] = (char)to, ingot__j_put(m, bytes, 1);
    else ingot__j_put(m, bytes, 2); /* all that the table knows is below 0x800 */
  }
}

static jvalue cased(jmachine *m, jvalue s, bool upper, bool capital) {
  const size_t start = m->size;
  const uint32_t first = capital && s.size ? ingot__j_after(s, 0) : 0;
  put_cased(m, part(s, 0, first), true);
  put_cased(m, part(s, first, s.size), upper);
  return ingot__j_cut(m, start);
}

/* A capital at the beginning of every run of letters that have cases. */
static jvalue title(jmachine *m, jvalue s) {
  const size_t start = m->size;
  bool inside = false;
  for (uint32_t at = 0, end; at < s.size && !m->status; at = end) {
    end = ingot__j_after(s, at);
    const uint32_t c = character(s, at);
    put_cased(m, part(s, at, end), !inside);
    inside = other_case(c, true) != c || other_case(c, false) != c;
  }
  return ingot__j_cut(m, start);
}

/* Jinja's filter: words begin after space, hyphens and opening brackets. */
static jvalue title_words(jmachine *m, jvalue s) {
  const size_t start = m->size;
  bool inside = false;
  for (uint32_t at = 0, end; at < s.size && !m->status; at = end) {
    end = ingot__j_after(s, at);
    put_cased(m, part(s, at, end), !inside);
    inside = !is_space(character(s, at)) && !ingot__j_index("-({[<", s.as.text[at]);
  }
  return ingot__j_cut(m, start);
}

/* ---- ends --------------------------------------------------------------------------------------------------------------- */

static bool strips(jvalue s, uint32_t at, jvalue chars) {
  if (chars.kind != J_STRING) return is_space(character(s, at));
  for (uint32_t i = 0; i < chars.size; i = ingot__j_after(chars, i))
    if (character(chars, i) == character(s, at)) return true;
  return false;
}

static jvalue strip(jmachine *m, jvalue s, jvalue chars, bool left, bool right) {
  if (chars.kind != J_STRING && chars.kind != J_MISSING && chars.kind != J_NONE) return ingot__j_error(m, "strip by %s", ingot__j_kind_name(chars));
  if (!ingot__j_spend(m, (uint64_t)s.size / 8 * (chars.kind == J_STRING ? chars.size / 4 + 1 : 1))) return ingot__j_undefined();
  uint32_t from = 0, to = s.size;
  while (left && from < to && strips(s, from, chars)) from = ingot__j_after(s, from);
  while (right && to > from) {
    uint32_t last = to - 1;
    while (last > from && ((uint8_t)s.as.text[last] & 0xc0) == 0x80) last--;
    if (!strips(part(s, 0, to), last, chars)) break;
    to = last;
  }
  return part(s, from, to);
}

static bool has_end(jmachine *m, jvalue s, jvalue end, bool at_end) {
  if (!ingot__j_spend(m, 1 + end.size / 64)) return false;
  return end.kind == J_STRING && end.size <= s.size && (!end.size || !memcmp(s.as.text + (at_end ? s.size - end.size : 0), end.as.text, end.size));
}

static jvalue ends(jmachine *m, jvalue s, jvalue end, bool at_end) {
  if (end.kind == J_STRING) return ingot__j_bool(has_end(m, s, end, at_end));
  if (end.kind != J_LIST || !(end.flag & J_TUPLE)) return ingot__j_error(m, "%s with %s", at_end ? "endswith" : "startswith", ingot__j_kind_name(end));
  for (uint32_t i = 0; i < end.as.list->n; i++)
    if (has_end(m, s, end.as.list->items[i], at_end)) return ingot__j_bool(true);
  return ingot__j_bool(false);
}

/* ---- pieces ------------------------------------------------------------------------------------------------------------- */

static jvalue split_spaces(jmachine *m, jvalue s, int64_t most) {
  jvalue list = ingot__j_list(m, 0, 0);
  uint32_t at = 0;
  while (!m->status) {
    while (at < s.size && is_space(character(s, at))) at = ingot__j_after(s, at);
    if (at >= s.size) break;
    uint32_t from = at;
    if (most >= 0 && list.as.list->n >= most) { /* the rest, without the spaces at its end */
      ingot__j_append(m, list, strip(m, part(s, from, s.size), ingot__j_none(), false, true));
      break;
    }
    while (at < s.size && !is_space(character(s, at))) at = ingot__j_after(s, at);
    ingot__j_append(m, list, part(s, from, at));
  }
  return list;
}

static uint32_t search_back(jmachine *m, jvalue s, jvalue what, uint32_t end) {
  if (what.size > end) return s.size + 1;
  for (uint32_t at = end - what.size + 1; at-- && ingot__j_spend(m, what.size / 64 + (at % 8 == 0));)
    if (!what.size || !memcmp(s.as.text + at, what.as.text, what.size)) return at;
  return s.size + 1;
}

static jvalue split(jmachine *m, jvalue s, jvalue separator, jvalue times, bool from_end) {
  const int64_t most = ingot__j_is_number(times) ? times.as.number : -1;
  if (!ingot__j_spend(m, s.size / 8)) return ingot__j_undefined();
  if ((separator.kind == J_MISSING || separator.kind == J_NONE) && !(from_end && most >= 0)) return split_spaces(m, s, most);
  if (separator.kind != J_STRING || !separator.size)
    return ingot__j_error(m, "split by %s", separator.kind == J_STRING ? "an empty string" : ingot__j_kind_name(separator));
  jvalue list = ingot__j_list(m, 0, 0);
  uint32_t from = 0, to = s.size;
  for (int64_t n = 0; !m->status && (most < 0 || n < most); n++) {
    uint32_t at = from_end ? search_back(m, s, separator, to) : ingot__j_search(m, s, separator, from);
    if (at > s.size) break;
    ingot__j_append(m, list, from_end ? part(s, at + separator.size, to) : part(s, from, at));
    if (from_end) to = at;
    else from = at + separator.size;
  }
  ingot__j_append(m, list, part(s, from, to));
  if (from_end && !m->status)
    for (uint32_t i = 0, n = list.as.list->n; i < n / 2; i++) {
      jvalue swap = list.as.list->items[i];
      list.as.list->items[i] = list.as.list->items[n - 1 - i];
      list.as.list->items[n - 1 - i] = swap;
    }
  return list;
}

static jvalue split_lines(jmachine *m, jvalue s) {
  jvalue list = ingot__j_list(m, 0, 0);
  if (!ingot__j_spend(m, s.size / 8)) return list;
  for (uint32_t from = 0, at = 0; at < s.size && !m->status;) {
    const uint32_t c = character(s, at), end = ingot__j_after(s, at);
    if (ends_line(c)) {
      ingot__j_append(m, list, part(s, from, at));
      from = c == '\r' && end < s.size && s.as.text[end] == '\n' ? end + 1 : end;
      at = from;
    } else {
      at = end;
      if (at == s.size) ingot__j_append(m, list, part(s, from, at));
    }
  }
  return list;
}

static jvalue replace(jmachine *m, jvalue s, jvalue old, jvalue new, jvalue times) {
  if (old.kind != J_STRING || new.kind != J_STRING) return ingot__j_error(m, "replace of %s by %s", ingot__j_kind_name(old), ingot__j_kind_name(new));
  if (!old.size) return ingot__j_error(m, "replace of an empty string");
  int64_t left = ingot__j_is_number(times) && times.as.number >= 0 ? times.as.number : INT64_MAX;
  const size_t start = m->size;
  uint32_t from = 0;
  if (!ingot__j_spend(m, s.size / 8 + (uint64_t)s.size * old.size / 64)) return ingot__j_undefined();
  for (uint32_t at = 0; left && old.size <= s.size && at <= s.size - old.size && !m->status;) {
    if (s.as.text[at] != old.as.text[0] || memcmp(s.as.text + at, old.as.text, old.size) != 0) {
      at++;
      continue;
    }
    ingot__j_put(m, s.as.text + from, at - from);
    ingot__j_put(m, new.as.text, new.size);
    from = at += old.size;
    left--;
  }
  if (!from) return s;
  ingot__j_put(m, s.as.text + from, s.size - from);
  return ingot__j_cut(m, start);
}

static jvalue indent(jmachine *m, const jvalue *a) {
  const int64_t width = a[1].kind == J_INT ? a[1].as.number : 4;
  const jvalue lines = split_lines(m, a[0]);
  const size_t start = m->size;
  for (uint32_t i = 0; !m->status && i < lines.as.list->n; i++) {
    const jvalue line = lines.as.list->items[i];
    if (i) ingot__j_put(m, "\n", 1);
    const bool indented = i ? line.size || ingot__j_true(a[3]) : ingot__j_true(a[2]);
    for (int64_t n = 0; indented && n < width && !m->status; n++) a[1].kind == J_STRING ? (void)0 : ingot__j_put(m, " ", 1);
    ingot__j_put(m, line.as.text, line.size);
  }
  if (a[0].size && ends_line((uint8_t)a[0].as.text[a[0].size - 1])) ingot__j_put(m, "\n", 1);
  return ingot__j_cut(m, start);
}

static jvalue is_all(jmachine *m, jvalue s, bool (*is)(uint32_t)) {
  if (!ingot__j_spend(m, s.size / 2)) return ingot__j_undefined();
  for (uint32_t at = 0; at < s.size; at = ingot__j_after(s, at))
    if (!is(character(s, at))) return ingot__j_bool(false);
  return ingot__j_bool(s.size != 0);
}

static bool is_digit(uint32_t c) { return c >= '0' && c <= '9'; }

static jvalue has_case(jmachine *m, jvalue s, bool upper) {
  bool any = false;
  if (!ingot__j_spend(m, s.size / 2)) return ingot__j_undefined();
  for (uint32_t at = 0; at < s.size; at = ingot__j_after(s, at)) {
    const uint32_t c = character(s, at), there = other_case(c, upper), back = other_case(c, !upper);
    if (c && (!there || !back)) return ingot__j_error(m, "the case of U+%04X", c);
    if (there != c) return ingot__j_bool(false);
    any = any || back != c;
  }
  return ingot__j_bool(any);
}

/* Characters before the byte, or -1 beyond the end. */
static jvalue number_of(jmachine *m, jvalue s, uint32_t at) {
  if (at > s.size) return ingot__j_int(-1);
  return ingot__j_spend(m, at / 8) ? ingot__j_int(ingot__j_characters(part(s, 0, at))) : ingot__j_undefined();
}

static jvalue count(jmachine *m, jvalue s, jvalue what) {
  int64_t n = 0;
  if (what.kind != J_STRING || !what.size) return ingot__j_error(m, "count of %s", what.kind == J_STRING ? "an empty string" : ingot__j_kind_name(what));
  for (uint32_t at = 0; !m->status && (at = ingot__j_search(m, s, what, at)) <= s.size; at += what.size) n++;
  return ingot__j_int(n);
}

jvalue ingot__j_call_text(jmachine *m, unsigned call, const jvalue *a) {
  const jvalue s = a[0];
  switch (call) {
  case INGOT_CALL_TRIM:
  case INGOT_CALL_STRIP: return strip(m, s, a[1], true, true);
  case INGOT_CALL_LSTRIP: return strip(m, s, a[1], true, false);
  case INGOT_CALL_RSTRIP: return strip(m, s, a[1], false, true);
  case INGOT_CALL_UPPER:
  case INGOT_CALL_M_UPPER: return cased(m, s, true, false);
  case INGOT_CALL_LOWER:
  case INGOT_CALL_M_LOWER: return cased(m, s, false, false);
  case INGOT_CALL_CAPITALIZE:
  case INGOT_CALL_M_CAPITALIZE: return cased(m, s, false, true);
  case INGOT_CALL_M_TITLE: return title(m, s);
  case INGOT_CALL_IS_UPPER: return has_case(m, s, true);
  case INGOT_CALL_IS_LOWER: return has_case(m, s, false);
  case INGOT_CALL_TITLE: return title_words(m, s);
  case INGOT_CALL_REPLACE:
  case INGOT_CALL_M_REPLACE: return replace(m, s, a[1], a[2], a[3]);
  case INGOT_CALL_INDENT: return indent(m, a);
  case INGOT_CALL_SPLIT: return split(m, s, a[1], a[2], false);
  case INGOT_CALL_RSPLIT: return split(m, s, a[1], a[2], true);
  case INGOT_CALL_SPLITLINES: return split_lines(m, s);
  case INGOT_CALL_STARTSWITH: return ends(m, s, a[1], false);
  case INGOT_CALL_ENDSWITH: return ends(m, s, a[1], true);
  case INGOT_CALL_REMOVEPREFIX: return has_end(m, s, a[1], false) ? part(s, a[1].size, s.size) : s;
  case INGOT_CALL_REMOVESUFFIX: return has_end(m, s, a[1], true) ? part(s, 0, s.size - a[1].size) : s;
  case INGOT_CALL_ISDIGIT: return is_all(m, s, is_digit);
  case INGOT_CALL_ISSPACE: return is_all(m, s, is_space);
  case INGOT_CALL_M_COUNT: return count(m, s, a[1]);
  case INGOT_CALL_FIND:
  case INGOT_CALL_RFIND:
    if (a[1].kind != J_STRING) return ingot__j_error(m, "find of %s", ingot__j_kind_name(a[1]));
    return number_of(m, s, call == INGOT_CALL_FIND ? ingot__j_search(m, s, a[1], 0) : search_back(m, s, a[1], s.size));
  default: return ingot__j_fail(m, INGOT_ERROR_PLAN, "the function %u is none of strings", call);
  }
}

/* ---- strftime_now ------------------------------------------------------------------------------------------------------- */

/* Days since 1970 to year, month, day: years begin in March, so that the leap day comes last; eras of 400 years. */
static void civil(int64_t days, int64_t *year, int *month, int *day) {
  days += 719468;
  const int64_t era = (days >= 0 ? days : days - 146096) / 146097, of_era = days - era * 146097;
  const int64_t y = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365, of_year = of_era - (365 * y + y / 4 - y / 100);
  const int64_t shifted = (5 * of_year + 2) / 153;
  *day = (int)(of_year - (153 * shifted + 2) / 5 + 1);
  *month = (int)(shifted < 10 ? shifted + 3 : shifted - 9);
  *year = y + era * 400 + (*month <= 2);
}

jvalue ingot__j_strftime(jmachine *m, jvalue format) {
  static const char days[7][10] = {"Thursday", "Friday", "Saturday", "Sunday", "Monday", "Tuesday", "Wednesday"};
  static const char months[12][10] = {"January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"};
  static const int16_t before[12] = {0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334};
  if (format.kind != J_STRING) return ingot__j_error(m, "strftime_now of %s", ingot__j_kind_name(format));
  const int64_t now = m->talk->now >= 0 ? m->talk->now : 0, second = now % 86400;
  int64_t year;
  int month, day;
  civil(now / 86400, &year, &month, &day);
  const bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
  const int hour = (int)(second / 3600), minute = (int)(second / 60 % 60), weekday = (int)(now / 86400 % 7);
  const size_t start = m->size;
  for (uint32_t i = 0; i < format.size && !m->status; i++) {
    if (format.as.text[i] != '%' || i + 1 == format.size) {
      ingot__j_put(m, format.as.text + i, 1);
      continue;
    }
    const bool bare = format.as.text[i + 1] == '-' && i + 2 < format.size;
    const char c = format.as.text[i += bare ? 2 : 1];
    char text[40];
    int width = bare ? 1 : 2, n = 0;
    switch (c) {
    case 'a': n = snprintf(text, sizeof text, "%.3s", days[weekday]); break;
    case 'A': n = snprintf(text, sizeof text, "%.9s", days[weekday]); break;
    case 'b':
    case 'h': n = snprintf(text, sizeof text, "%.3s", months[month - 1]); break;
    case 'B': n = snprintf(text, sizeof text, "%.9s", months[month - 1]); break;
    case 'd': n = snprintf(text, sizeof text, "%0*d", width, day); break;
    case 'e': n = snprintf(text, sizeof text, "%*d", width, day); break;
    case 'm': n = snprintf(text, sizeof text, "%0*d", width, month); break;
    case 'y': n = snprintf(text, sizeof text, "%0*d", width, (int)(year % 100)); break;
    case 'Y': n = snprintf(text, sizeof text, "%lld", (long long)year); break;
    case 'H': n = snprintf(text, sizeof text, "%0*d", width, hour); break;
    case 'I': n = snprintf(text, sizeof text, "%0*d", width, (hour + 11) % 12 + 1); break;
    case 'M': n = snprintf(text, sizeof text, "%0*d", width, minute); break;
    case 'S': n = snprintf(text, sizeof text, "%0*d", width, (int)(second % 60)); break;
    case 'p': n = snprintf(text, sizeof text, "%cM", hour < 12 ? 'A' : 'P'); break;
    case 'j': n = snprintf(text, sizeof text, "%0*d", bare ? 1 : 3, before[month - 1] + day + (leap && month > 2)); break;
    case 'F': n = snprintf(text, sizeof text, "%lld-%02d-%02d", (long long)year, month, day); break;
    case 'T': n = snprintf(text, sizeof text, "%02d:%02d:%02d", hour, minute, (int)(second % 60)); break;
    case 'R': n = snprintf(text, sizeof text, "%02d:%02d", hour, minute); break;
    case '%': n = snprintf(text, sizeof text, "%c", c); break;
    case 'Z':
    case 'z': break; /* empty for a time without a zone */
    default: ingot__j_error(m, "strftime_now with %%%c", c);
    }
    ingot__j_put(m, text, (size_t)n);
  }
  return ingot__j_cut(m, start);
}
