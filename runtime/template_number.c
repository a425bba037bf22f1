/* Numbers with a fraction. They are kept as Python writes them, and as decimals they are compared: of 15 digits and less no two are the
 * same double, and what Python writes for the double nearest to one is that one. Others are refused. */
#include "runtime/template_value.h"

#include <stdio.h>

enum { DIGITS = 15 };

typedef struct decimal {
  bool negative;
  uint64_t digits;      /* without zeros at its end */
  int exponent;         /* the value is digits * 10^exponent */
} decimal;

static decimal whole(int64_t n) {
  decimal d = {n < 0, n < 0 ? 0 - (uint64_t)n : (uint64_t)n, 0};
  for (; d.digits && d.digits % 10 == 0; d.exponent++) d.digits /= 10;
  return d;
}

/* The whole text as a number: sign, digits with a point, an exponent. */
static bool read(const char *text, uint32_t size, decimal *d, uint32_t *n_digits) {
  enum { FAR = 400 };
  uint32_t at = size && (text[0] == '-' || text[0] == '+'), any = 0;
  int exponent = 0, given = 0;
  bool point = false, fits = true;
  *d = (decimal){size && text[0] == '-', 0, 0};
  *n_digits = 0;
  for (; at < size && ((text[at] >= '0' && text[at] <= '9') || (text[at] == '.' && !point)); at++) {
    if (text[at] == '.') {
      point = true;
      continue;
    }
    any++;
    if (exponent < -FAR || exponent > FAR) fits = false;
    if (*n_digits < DIGITS + 3 && (d->digits || text[at] != '0')) d->digits = d->digits * 10 + (uint64_t)(text[at] - '0'), ++*n_digits;
    else if (d->digits) fits = fits && text[at] == '0', exponent += 1;
    exponent -= point;
  }
  if (!any) return false;
  if (at < size && (text[at] | 32) == 'e') {
    const bool down = at + 1 < size && text[at + 1] == '-';
    at += at + 1 < size && (text[at + 1] == '-' || text[at + 1] == '+') ? 2 : 1;
    if (at == size) return false;
    for (; at < size && text[at] >= '0' && text[at] <= '9'; at++) given = given < 10000 ? given * 10 + (text[at] - '0') : given;
    if (down) given = -given;
  }
  for (; d->digits && d->digits % 10 == 0; exponent++) d->digits /= 10, --*n_digits;
  if (!fits) *n_digits = DIGITS + 1;
  d->exponent = d->digits ? exponent + given : 0;
  return at == size;
}

/* As Python's repr of a float. */
static jvalue written(jmachine *m, decimal d) {
  char text[80], digits[24];
  const int n = snprintf(digits, sizeof digits, "%llu", (unsigned long long)d.digits), point = d.digits ? n + d.exponent : 1; /* digits before the point */
  int size;
  if (d.digits && (point < -3 || point > 16)) {
    size = snprintf(text, sizeof text, "%s%c%s%se%c%02d", d.negative ? "-" : "", digits[0], n > 1 ? "." : "", digits + 1, point > 0 ? '+' : '-',
                    point > 0 ? point - 1 : 1 - point);
  } else if (point <= 0) {
    size = snprintf(text, sizeof text, "%s0.%.*s%s", d.negative ? "-" : "", -point, "000", digits);
  } else if (point >= n) {
    size = snprintf(text, sizeof text, "%s%s%.*s.0", d.negative ? "-" : "", digits, point - n, "0000000000000000");
  } else {
    size = snprintf(text, sizeof text, "%s%.*s.%s", d.negative ? "-" : "", point, digits, digits + point);
  }
  char *copy = ingot__j_alloc(m, (uint64_t)size);
  if (!copy) return ingot__j_undefined();
  memcpy(copy, text, (size_t)size);
  return (jvalue){.kind = J_FRACTION, .size = (uint32_t)size, .as.text = copy};
}

jvalue ingot__j_fraction(jmachine *m, const char *text, uint32_t size, bool kept) {
  decimal d;
  uint32_t n;
  if (!read(text, size, &d, &n)) return ingot__j_undefined();
  if (n <= DIGITS && d.exponent > -280 && d.exponent < 280) return written(m, d);
  if (kept) return (jvalue){.kind = J_FRACTION, .size = size, .as.text = text};
  return ingot__j_error(m, "a number with a fraction that is not exact in %d digits: %.*s", DIGITS, (int)(size < 40 ? size : 40), text);
}

jvalue ingot__j_divide(jmachine *m, int64_t x, int64_t y) {
  const int64_t exact = (int64_t)1 << 53;
  if (!y) return ingot__j_error(m, "a division by zero");
  if (x > exact || x < -exact || y > exact || y < -exact) return ingot__j_error(m, "`/` of numbers beyond 53 bits");
  const uint64_t a = (uint64_t)(x < 0 ? -x : x), b = (uint64_t)(y < 0 ? -y : y);
  decimal d = {(x < 0) != (y < 0), a / b, 0};
  uint64_t rest = a % b;
  for (; rest && d.digits < 100000000000000 && d.exponent > -40; d.exponent--) {
    rest *= 10;
    d.digits = d.digits * 10 + rest / b;
    rest %= b;
  }
  if (rest || (d.exponent && d.digits >= 1000000000000000)) return ingot__j_error(m, "%lld / %lld has more than %d digits", (long long)x, (long long)y, DIGITS);
  for (; d.digits && d.digits % 10 == 0; d.exponent++) d.digits /= 10;
  return written(m, d);
}

static bool decimal_of(jmachine *m, jvalue v, decimal *d) {
  uint32_t n = 0;
  if (v.kind == J_FRACTION && ingot__j_spend(m, v.size / 8)) read(v.as.text, v.size, d, &n);
  else *d = whole(v.as.number);
  if (n > DIGITS) ingot__j_error(m, "a number with a fraction of more than %d digits is compared", DIGITS);
  return !m->status;
}

static int magnitude(decimal a, decimal b) {
  const uint64_t most = UINT64_MAX / 10;
  if (!a.digits || !b.digits) return (a.digits != 0) - (b.digits != 0);
  for (; a.exponent > b.exponent; a.exponent--) {
    if (a.digits > most) return 1;
    a.digits *= 10;
  }
  for (; b.exponent > a.exponent; b.exponent--) {
    if (b.digits > most) return -1;
    b.digits *= 10;
  }
  return (a.digits > b.digits) - (a.digits < b.digits);
}

int ingot__j_compare(jmachine *m, jvalue a, jvalue b) {
  decimal x, y;
  if (a.kind != J_FRACTION && b.kind != J_FRACTION) return (a.as.number > b.as.number) - (a.as.number < b.as.number);
  if (!decimal_of(m, a, &x) || !decimal_of(m, b, &y)) return 0;
  const bool below = x.negative && x.digits, other = y.negative && y.digits;
  if (below != other) return below ? -1 : 1;
  return below ? magnitude(y, x) : magnitude(x, y);
}
