/* The schedule: numbers that decide how fast a kernel is and never a bit of what it computes. They come from Lua (docs/SCHEDULES.md): rules
 * that match kernels by op, phase, format and variant, tried from the first to the last; for each number the first rule that states it wins.
 * The target's own rules (schedules/<target>.lua) come after those of the user's file, so that a file holds only what it changes.
 *
 * Everything is judged when the schedule is read: each rule's words and ranges, then the numbers of every kernel that any model may need on
 * every variant. A schedule that was read is complete and legal: choosing from it cannot fail, changes nothing, and may be done by many threads.
 */
#ifndef INGOT_PASSES_SCHEDULE_H
#define INGOT_PASSES_SCHEDULE_H

#include "ir/kernel_family.h"
#include "targets/target.h"
#include "ir/base/base.h"

/* Numbers of kernels, in the order of docs/SCHEDULES.md. */
typedef enum ig_number {
  IG_ROWS,             /* gemm: row tiles of 16 in the register tile */
  IG_TOKENS,           /* gemm: tokens in the register tile */
  IG_PANEL,            /* gemm: register tiles one above the other that stay in the cache while all tokens pass over them */
  IG_K_BLOCK,          /* gemm: values of K of a panel at a time; 0: all */
  IG_QUERIES,          /* attention: queries that share what is loaded of k and v */
  IG_SUMS,             /* attention: vectors of 16 sums in registers */
  IG_NUMBERS
} ig_number;
enum { IG_SCHEDULE_LONGEST = 1 << 20 }; /* bytes of a file */
enum { IG_ROWS_MOST = 2, IG_TOKENS_MOST = 12, IG_PANEL_MOST = 8, IG_QUERIES_MOST = 4, IG_SUMS_MOST = 16 };

/* One kernel's numbers on one variant. Where its family does not have a number: 0 and NULL. */
typedef struct ig_choice {
  uint32_t value[IG_NUMBERS];
  const char *place[IG_NUMBERS]; /* "schedules/x86_64.lua:12": the rule that states it */
  bool small;                    /* not the schedule's: little code rather than fast code (ig_brevity) */
} ig_choice;

/* Patterns of passes/fuse.c that may be left apart. */
typedef enum ig_pattern { IG_FUSE_GATE_UP, IG_FUSE_NORM, IG_PATTERNS } ig_pattern;

typedef struct ig_kernel_rule {
  const char *place;
  uint32_t families;             /* bits of ig_family */
  uint32_t formats, variants;    /* bits by ig_layout_at's and the target's order; all ones: not asked for */
  bool any_format;
  uint32_t value[IG_NUMBERS], stated; /* `stated`: bits of ig_number */
} ig_kernel_rule;

typedef struct ig_program_rule {
  const char *place;
  uint32_t chunk;                /* tokens of a prefill call; 0: not stated */
  uint32_t fused, stated;        /* bits of ig_pattern */
} ig_program_rule;

typedef struct ig_schedule {
  const ig_target *target;
  ig_arena *arena;
  ig_kernel_rule *kernel;
  size_t n_kernel, kernel_capacity;
  ig_program_rule *program;
  size_t n_program, program_capacity;
} ig_schedule;

/* Reads the file at `path` (NULL: none), then the target's own rules. Reports all that is wrong, with file and line. */
bool ig_schedule_read(ig_schedule *schedule, const ig_target *target, const char *path, ig_arena *arena, ig_diags *diags);
/* The same for a text; `name` stands for the file in diagnostics. */
bool ig_schedule_read_text(ig_schedule *schedule, const ig_target *target, const char *name, ig_str text, ig_arena *arena, ig_diags *diags);

ig_choice ig_schedule_choose(const ig_schedule *schedule, const ig_variant *variant, const ig_kernel_ref *kernel);

/* Numbers of the whole program. */
typedef struct ig_program_choice {
  uint32_t chunk;
  bool fused[IG_PATTERNS];
  const char *chunk_place, *fused_place[IG_PATTERNS];
} ig_program_choice;
ig_program_choice ig_schedule_program(const ig_schedule *schedule);

/* NULL where the numbers may be those of the kernel on the variant, else why not; in `arena`. What `ingot tune` asks before it tries some. */
const char *ig_choice_illegal(const ig_variant *variant, const ig_kernel_ref *kernel, const uint32_t value[IG_NUMBERS], ig_arena *arena);
bool ig_family_has(ig_family family, ig_number number);
const char *ig_number_name(ig_number number);
const char *ig_pattern_name(ig_pattern pattern);
/* How a rule names a family: its op, and its phase or NULL where the op has one kernel for all. */
const char *ig_family_op(ig_family family);
const char *ig_family_phase(ig_family family);
/* As a rule says it: "rows = 2, tokens = 6". */
void ig_print_numbers(ig_text *out, ig_family family, const uint32_t value[IG_NUMBERS]);

/* One line for the program and one for each kernel and variant: the numbers, and the rule that chose them. */
void ig_schedule_explain(const ig_schedule *schedule, const ig_kernel_ref *kernels, size_t n, const ig_variant *const *variants, uint32_t n_variants,
                         ig_text *out);

/* ---- between schedule.c and schedule_lua.c ---- */

/* One entry of a rule's table. */
typedef enum ig_entry_kind { IG_ENTRY_NUMBER, IG_ENTRY_BOOLEAN, IG_ENTRY_TEXTS, IG_ENTRY_OTHER } ig_entry_kind;
typedef struct ig_entry {
  const char *key;               /* "[1]" for an entry without a name */
  ig_entry_kind kind;
  double number;
  bool boolean, integer;
  const char *const *texts;      /* a string is a list of one */
  size_t n_texts;
  const char *type;              /* Lua's word for what the value is */
} ig_entry;

/* What the Lua file calls for `kernel { ... }` and `program { ... }`: judges and appends a rule. */
void ig_schedule_add(ig_schedule *schedule, bool program, const char *place, const ig_entry *entries, size_t n, ig_diags *diags);
/* Runs `text`, after lib.lua, in the sandbox; false after an error of Lua's. `lib`, `text`: NUL-terminated sources. */
bool ig_schedule_run(ig_schedule *schedule, ig_str lib, const char *name, ig_str text, ig_diags *diags);

#endif
