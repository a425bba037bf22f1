/* What the files of `ingot bench` share. */
#ifndef INGOT_CLI_BENCH_H
#define INGOT_CLI_BENCH_H

#include "cli.h"
#include "codegen/roofline.h"

/* ---- bench_roofline.c: what the machine can do at this moment ---------------------------------------------------------- */

/* Operations a second of all threads together (IG_PROBE_INT8, IG_PROBE_F32); about 10 ms. 0 where threads cannot be had. */
double bench_probe_ops(const ig_roofline *r, ig_probe probe, uint32_t threads);
/* Bytes a second that the threads read, each a share of its own, of `size` bytes at `from` (64-byte aligned); what fits a cache comes from there. */
double bench_probe_read(const ig_roofline *r, const void *from, uint64_t size, uint32_t threads);

/* ---- bench_process.c: what the system says, and runs in processes of their own ------------------------------------------ */

/* The weights' mapping in this process. */
typedef struct bench_mapping {
  const void *address;           /* NULL: not known */
  uint64_t resident, huge;       /* bytes in memory, and of these in huge pages (FilePmdMapped) */
} bench_mapping;
bench_mapping bench_weights(cli *c, const char *weights_path);
const char *bench_cpu(cli *c);   /* the CPU's name, or "" */

/* One run of the command in a process of its own. Negative: not measured. */
typedef struct bench_once {
  double first_ms;               /* from exec to the logits of the first token, a prompt of one token */
  double start_ms;               /* of that, until the command begins: the loader, LLVM's libraries */
  uint64_t read_bytes;           /* from disk until then */
  uint64_t base_rss, peak_rss;   /* as the command begins; at the end */
} bench_once;

typedef struct bench_apart {
  const char *path, *variant, *cache, *schedule;
  uint32_t threads, prompt, gen, context;
} bench_apart;
/* Runs `ingot bench --once`. False: it could not be run, or it failed (it has said why). */
bool bench_run_apart(cli *c, const bench_apart *what, bench_once *once);
/* What `--once` does. */
int bench_once_here(cli *c, const bench_apart *what, double began);
/* Asks the system to drop the file from its cache; best effort. */
void bench_drop_cache(const char *path);

/* ---- bench_print.c ----------------------------------------------------------------------------------------------------- */

typedef enum bench_form { BENCH_MARKDOWN, BENCH_CSV, BENCH_JSON } bench_form;

/* What is known of the model, from its report. 0 and NULL: not known. */
typedef struct bench_model {
  const char *type, *path;
  uint64_t parameters, tensor_bytes, weights_bytes;
  uint64_t decode_tensor_bytes, decode_offset, decode_bytes, macs_int8, macs_f32, kv_position_bytes, chunk;
} bench_model;

/* One test. Speeds are tokens a second; NAN: not measured. */
typedef struct bench_row {
  const bench_model *model;
  const char *cpu, *variant;
  uint32_t threads, prompt, gen, depth, reps;
  const double *seconds;         /* of each repetition */
  double p50, p90, p95, p99;     /* milliseconds of a decoded token */
  double int8_ops, f32_ops, read_bytes; /* a second: medians of the probes beside the repetitions */
  double bound, of_bound;        /* speed that the roofline allows; the median share of it, of each repetition and the probes around it */
  bench_mapping weights;
  double warm_ms, warm_start_ms, cold_ms, cold_start_ms;
  double base_rss, peak_rss;
} bench_row;

void bench_print(cli *c, const bench_row *row, bench_form form, bool first);
/* Below the table in markdown, a line for each number of threads: what belongs to all its rows. */
void bench_print_threads(cli *c, const bench_row *last, bench_form form, bool first);

double bench_mean(const double *v, uint32_t n);
double bench_deviation(const double *v, uint32_t n);
/* The value that a share of the values does not exceed (nearest rank); sorts. */
double bench_percentile(double *v, size_t n, double share);

#endif
