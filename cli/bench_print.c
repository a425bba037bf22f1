/* The table of `ingot bench`: llama-bench's columns first, under its names and in its order, then ours. */
#include "bench.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

double bench_mean(const double *v, uint32_t n) {
  double sum = 0.0;
  for (uint32_t i = 0; i < n; i++) sum += v[i];
  return n ? sum / n : NAN;
}

double bench_deviation(const double *v, uint32_t n) {
  double mean = bench_mean(v, n), squares = 0.0;
  for (uint32_t i = 0; i < n; i++) squares += (v[i] - mean) * (v[i] - mean);
  return n > 1 ? sqrt(squares / (n - 1)) : 0.0;
}

static int by_value(const void *a, const void *b) {
  double x = *(const double *)a, y = *(const double *)b;
  return x < y ? -1 : x > y;
}

double bench_percentile(double *v, size_t n, double share) {
  if (!n) return NAN;
  qsort(v, n, sizeof *v, by_value);
  size_t rank = (size_t)ceil(share * (double)n);
  return v[rank ? rank - 1 : 0];
}

/* ---- one row as fields -------------------------------------------------------------------------------------------------- */

typedef struct field {
  const char *key;
  enum { TEXT, WHOLE, REAL } kind;
  const char *text;
  uint64_t whole;
  double real;                   /* NAN: not measured */
} field;

enum { FIELDS = 48 };

static field text(const char *key, const char *value) { return (field){key, TEXT, value ? value : "", 0, 0.0}; }
static field whole(const char *key, uint64_t value) { return (field){key, WHOLE, NULL, value, 0.0}; }
static field real(const char *key, double value) { return (field){key, REAL, NULL, 0, value}; }

static const char *time_now(cli *c) {
  char buffer[32] = "";
  time_t now = time(NULL);
  struct tm utc;
  if (gmtime_r(&now, &utc)) strftime(buffer, sizeof buffer, "%Y-%m-%dT%H:%M:%SZ", &utc);
  return ig_copy_string(&c->arena, buffer);
}

static double *speeds(cli *c, const bench_row *r) {
  double *v = ig_alloc_array(&c->arena, r->reps, sizeof *v);
  for (uint32_t i = 0; i < r->reps; i++) v[i] = (r->prompt + r->gen) / r->seconds[i];
  return v;
}

static int fields_of(cli *c, const bench_row *r, field *f) {
  const double *ts = speeds(c, r);
  const bench_model *m = r->model;
  int n = 0;
  f[n++] = text("build_commit", ig_format(&c->arena, "ingot %s", ingot_version()));
  f[n++] = text("cpu_info", r->cpu);
  f[n++] = text("gpu_info", "");
  f[n++] = text("backends", "CPU");
  f[n++] = text("model_filename", m->path);
  f[n++] = text("model_type", m->type);
  f[n++] = whole("model_size", m->tensor_bytes ? m->tensor_bytes : m->weights_bytes);
  f[n++] = whole("model_n_params", m->parameters);
  f[n++] = whole("n_batch", m->chunk);
  f[n++] = whole("n_ubatch", m->chunk);
  f[n++] = whole("n_threads", r->threads);
  f[n++] = text("type_k", "f16");
  f[n++] = text("type_v", "f16");
  f[n++] = whole("n_prompt", r->prompt);
  f[n++] = whole("n_gen", r->gen);
  f[n++] = whole("n_depth", r->depth);
  f[n++] = text("test_time", time_now(c));
  f[n++] = whole("avg_ns", (uint64_t)(1e9 * bench_mean(r->seconds, r->reps)));
  f[n++] = whole("stddev_ns", (uint64_t)(1e9 * bench_deviation(r->seconds, r->reps)));
  f[n++] = real("avg_ts", bench_mean(ts, r->reps));
  f[n++] = real("stddev_ts", bench_deviation(ts, r->reps));
  f[n++] = text("variant", r->variant);
  f[n++] = whole("reps", r->reps);
  f[n++] = real("p50_ms", r->p50);
  f[n++] = real("p90_ms", r->p90);
  f[n++] = real("p95_ms", r->p95);
  f[n++] = real("p99_ms", r->p99);
  f[n++] = real("bound_ts", r->bound);
  f[n++] = real("of_bound", r->of_bound);
  f[n++] = real("probe_int8_ops", r->int8_ops);
  f[n++] = real("probe_f32_ops", r->f32_ops);
  f[n++] = real("probe_read_bytes", r->read_bytes);
  f[n++] = real("first_warm_ms", r->warm_ms);
  f[n++] = real("first_warm_start_ms", r->warm_start_ms);
  f[n++] = real("first_cold_ms", r->cold_ms);
  f[n++] = real("first_cold_start_ms", r->cold_start_ms);
  f[n++] = real("peak_rss_bytes", r->peak_rss);
  f[n++] = real("base_rss_bytes", r->base_rss);
  f[n++] = whole("weights_bytes", m->weights_bytes);
  f[n++] = r->weights.address ? whole("weights_resident_bytes", r->weights.resident) : real("weights_resident_bytes", NAN);
  f[n++] = r->weights.address ? whole("weights_huge_bytes", r->weights.huge) : real("weights_huge_bytes", NAN);
  return n;
}

/* ---- forms ---------------------------------------------------------------------------------------------------------------- */

static void quoted(const char *value) { /* as CSV has it */
  putchar('"');
  for (; *value; value++) {
    if (*value == '"') putchar('"');
    putchar(*value);
  }
  putchar('"');
}

static void print_csv(const field *f, int n, bool first) {
  for (int i = 0; first && i < n; i++) printf("%s%s", f[i].key, i + 1 < n ? "," : "\n");
  for (int i = 0; i < n; i++) {
    if (f[i].kind == TEXT) quoted(f[i].text);
    else if (f[i].kind == WHOLE) printf("\"%llu\"", (unsigned long long)f[i].whole);
    else if (isnan(f[i].real)) printf("\"\"");
    else printf("\"%.6f\"", f[i].real);
    putchar(i + 1 < n ? ',' : '\n');
  }
}

static void print_json(cli *c, const bench_row *r, const field *f, int n, bool first) {
  const double *ts = speeds(c, r);
  printf("%s  {\n", first ? "[\n" : ",\n");
  for (int i = 0; i < n; i++) {
    printf("    \"%s\": ", f[i].key);
    if (f[i].kind == TEXT) cli_json_string(stdout, f[i].text);
    else if (f[i].kind == WHOLE) printf("%llu", (unsigned long long)f[i].whole);
    else if (isnan(f[i].real)) printf("null");
    else printf("%.6f", f[i].real);
    printf(",\n");
  }
  printf("    \"samples_ns\": [ ");
  for (uint32_t i = 0; i < r->reps; i++) printf("%s%.0f", i ? ", " : "", 1e9 * r->seconds[i]);
  printf(" ],\n    \"samples_ts\": [ ");
  for (uint32_t i = 0; i < r->reps; i++) printf("%s%.6f", i ? ", " : "", ts[i]);
  printf(" ]\n  }");
}

static const char *cell(cli *c, const char *format, double value) {
  if (isnan(value)) return "";
  char buffer[32];
  snprintf(buffer, sizeof buffer, format, value);
  return ig_copy_string(&c->arena, buffer);
}

static const char *count(cli *c, uint64_t n) {
  return n >= 1000000000u ? ig_format(&c->arena, "%.2f B", (double)n * 1e-9) : ig_format(&c->arena, "%.2f M", (double)n * 1e-6);
}

static void print_markdown(cli *c, const bench_row *r, bool first) {
  static const char *const heads[] = {"model", "size", "params", "backend", "threads", "test", "t/s", "p50 ms", "p90 ms", "p95 ms", "p99 ms", "of bound"};
  static const int widths[] = {-24, 10, 10, -10, 7, 15, 18, 8, 8, 8, 8, 8};
  enum { COLUMNS = sizeof heads / sizeof *heads };
  const bench_model *m = r->model;
  const double *ts = speeds(c, r);
  const char *test = ig_format(&c->arena, r->prompt ? "pp%u" : "tg%u", r->prompt ? r->prompt : r->gen);
  if (r->depth) test = ig_format(&c->arena, "%s @ d%u", test, r->depth);
  const char *cells[COLUMNS] = {m->type,
                                cli_bytes(c, m->tensor_bytes ? m->tensor_bytes : m->weights_bytes),
                                m->parameters ? count(c, m->parameters) : "",
                                r->variant,
                                ig_format(&c->arena, "%u", r->threads),
                                test,
                                ig_format(&c->arena, "%.2f ± %.2f", bench_mean(ts, r->reps), bench_deviation(ts, r->reps)),
                                cell(c, "%.2f", r->p50),
                                cell(c, "%.2f", r->p90),
                                cell(c, "%.2f", r->p95),
                                cell(c, "%.2f", r->p99),
                                cell(c, "%.1f %%", 100.0 * r->of_bound)};
  for (int i = 0; first && i < COLUMNS; i++) printf("| %*s%s", widths[i], heads[i], i + 1 < COLUMNS ? " " : " |\n");
  for (int i = 0; first && i < COLUMNS; i++) {
    int width = abs(widths[i]) - (widths[i] > 0);
    printf("| %.*s%s%s", width, "------------------------", widths[i] > 0 ? ":" : "", i + 1 < COLUMNS ? " " : " |\n");
  }
  for (int i = 0; i < COLUMNS; i++) printf("| %*s%s", widths[i] + (i == 6), cells[i], i + 1 < COLUMNS ? " " : " |\n"); /* ± is two bytes */
}

void bench_print(cli *c, const bench_row *row, bench_form form, bool first) {
  field f[FIELDS];
  int n = form == BENCH_MARKDOWN ? 0 : fields_of(c, row, f);
  if (form == BENCH_MARKDOWN) print_markdown(c, row, first);
  else if (form == BENCH_CSV) print_csv(f, n, first);
  else print_json(c, row, f, n, first);
  fflush(stdout);
}

void bench_print_threads(cli *c, const bench_row *r, bench_form form, bool first) {
  if (form != BENCH_MARKDOWN) return;
  printf("%s%u thread%s", first ? "\n" : "", r->threads, r->threads == 1 ? "" : "s");
  const char *gap = ": ";
  if (!isnan(r->warm_ms)) {
    printf("%sfirst token %.0f ms after exec (%.0f ms of it until the command begins)", gap, r->warm_ms, r->warm_start_ms);
    if (!isnan(r->cold_ms)) printf(", %.0f ms with the weights not in the page cache", r->cold_ms);
    else printf(", without the page cache not measured (it could not be dropped)");
    gap = "; ";
  }
  if (!isnan(r->peak_rss))
    printf("%speak RSS %s, %s of it before the model is opened", gap, cli_bytes(c, (uint64_t)r->peak_rss), cli_bytes(c, (uint64_t)r->base_rss)), gap = "; ";
  if (r->weights.address)
    printf("%sweights %s, %s in memory, %s in huge pages", gap, cli_bytes(c, r->model->weights_bytes), cli_bytes(c, r->weights.resident),
           cli_bytes(c, r->weights.huge)),
        gap = "; ";
  if (r->int8_ops > 0.0) printf("%sint8 peak %.0f GOP/s", gap, 1e-9 * r->int8_ops), gap = "; ";
  if (r->f32_ops > 0.0) printf("%sf32 peak %.0f GFLOP/s", gap, 1e-9 * r->f32_ops), gap = "; ";
  if (r->read_bytes > 0.0) printf("%sreads %.1f GB/s", gap, 1e-9 * r->read_bytes);
  printf("\n");
  fflush(stdout);
}
