/* What every part of the compiler stands on: arena, strings, checked numbers, diagnostics, files.
 *
 * Threads: every object here belongs to one thread at a time. Nothing here prints or exits, but where memory runs out: that is
 * the host's matter, not the input's, and ends the process as the host has set (`ig_on_no_memory`); sizes that come from input
 * are checked against limits before they are asked for.
 */
#ifndef INGOT_IR_BASE_H
#define INGOT_IR_BASE_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define IG_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define IG_PRINTF(fmt, args)
#endif

/* ---- heap ------------------------------------------------------------------------------------------------------------- */

/* Memory that `free` gives back; never NULL: where there is none, `ig_no_memory` ends the process. */
void *ig_heap_zeroed(size_t count, size_t size);
void *ig_heap_grow(void *old, size_t size); /* like realloc */
void *ig_heap_aligned(size_t align, size_t size); /* zeroed; `align` a power of two, `size` is rounded up to it */
/* What ends the process where `bytes` more were refused, on the thread that asked; it must neither return nor allocate. NULL, as at first: abort.
 * Set it before there are threads. */
void ig_on_no_memory(void (*end)(size_t bytes));
_Noreturn void ig_no_memory(size_t bytes);

/* ---- arena ------------------------------------------------------------------------------------------------------------ */

/* A bump allocator. Memory lives until `ig_arena_finish`; nothing is freed alone. Zero-initialise to start. */
typedef struct ig_arena {
  struct ig_arena_chunk *chunk;
} ig_arena;

/* `size` zeroed bytes, 16-byte aligned; never NULL (size 0 gives a valid pointer). */
void *ig_alloc(ig_arena *arena, size_t size);
/* `count * size` zeroed bytes; the product must not overflow (assert). */
void *ig_alloc_array(ig_arena *arena, size_t count, size_t size);
/* printf into the arena; NUL-terminated. */
char *ig_format(ig_arena *arena, const char *format, ...) IG_PRINTF(2, 3);
char *ig_copy_string(ig_arena *arena, const char *text);
void ig_arena_finish(ig_arena *arena);

/* Room for one more element in an arena-grown array: returns the (possibly moved) array; doubles `*capacity` when
 * `count == *capacity`. */
void *ig_grow(ig_arena *arena, void *array, size_t count, size_t *capacity, size_t size);

/* ---- strings ---------------------------------------------------------------------------------------------------------- */

/* Bytes with a length, not NUL-terminated: what readers of files return. Borrowed, never owned. */
typedef struct ig_str {
  const char *data;
  size_t size;
} ig_str;

bool ig_str_equal(ig_str a, const char *b);
ig_str ig_str_of(const char *text);
/* NUL-terminated copy; bytes below 0x20 and above 0x7e become \xNN, so that a diagnostic is always printable. */
char *ig_str_printable(ig_arena *arena, ig_str s);

/* Bytes of the character at the beginning where it is one that may be shown: whole UTF-8 and no control character, be it ASCII's or one of U+0080 to
 * U+009F, which terminals obey too. Else 0. */
size_t ig_character(ig_str s);

/* A growing text buffer (heap). Zero-initialise; `ig_text_finish` frees. `data` is NUL-terminated once anything was added. */
typedef struct ig_text {
  char *data;
  size_t size, capacity;
} ig_text;
void ig_text_add(ig_text *text, const void *bytes, size_t size);
void ig_text_printf(ig_text *text, const char *format, ...) IG_PRINTF(2, 3);
void ig_text_vprintf(ig_text *text, const char *format, va_list args);
/* For people, on a terminal: bytes that are no character to be shown become \xNN, but for those in `kept` (a string, such as "\n"). */
void ig_text_add_shown(ig_text *text, ig_str s, const char *kept);
/* A string of JSON, quoted; bytes that are no UTF-8 become U+FFFD. */
void ig_text_add_json(ig_text *text, ig_str s);
void ig_text_finish(ig_text *text);

/* ---- checked numbers -------------------------------------------------------------------------------------------------- */

/* false on overflow, `*out` untouched then. */
bool ig_mul_u64(uint64_t a, uint64_t b, uint64_t *out);
bool ig_add_u64(uint64_t a, uint64_t b, uint64_t *out);
/* x rounded up to a multiple of `to` (a power of two); the caller knows that it fits. */
static inline uint64_t ig_round_up(uint64_t x, uint64_t to) { return (x + to - 1) & ~(to - 1); }
static inline uint64_t ig_ceil_div(uint64_t x, uint64_t by) { return x / by + (x % by != 0); }

uint32_t ig_load_u32(const void *p); /* little endian, unaligned */
uint64_t ig_load_u64(const void *p);
uint16_t ig_load_u16(const void *p);
float ig_load_f32(const void *p);
float ig_f16_to_f32(uint16_t h);  /* IEEE half, exact; NaN stays NaN */
uint16_t ig_f32_to_f16(float f);     /* round to nearest even, saturating to infinity as IEEE does */
uint32_t ig_f32_bits(float f);
float ig_f32_of_bits(uint32_t bits);

/* ---- diagnostics ------------------------------------------------------------------------------------------------------ */

typedef enum ig_severity { IG_NOTE, IG_WARNING, IG_ERROR } ig_severity;

typedef struct ig_diagnostic {
  ig_severity severity;
  const char *place; /* "model.gguf: tensor blk.0.attn_q.weight", "x86_64.lua:12", never NULL */
  const char *text;  /* what is wrong and what to do about it */
} ig_diagnostic;

/* Collects diagnostics; the command prints them as `place: error: text`. Report all that can be found, then fail. */
typedef struct ig_diags {
  ig_arena arena;
  ig_diagnostic *items;
  size_t count, capacity;
  size_t errors;
} ig_diags;

void ig_report(ig_diags *diags, ig_severity severity, const char *place, const char *format, ...) IG_PRINTF(4, 5);
/* Reports an error and returns false, so that a check reads `return ig_error(...)`. */
bool ig_error(ig_diags *diags, const char *place, const char *format, ...) IG_PRINTF(3, 4);
void ig_diags_finish(ig_diags *diags);

/* ---- files ------------------------------------------------------------------------------------------------------------ */

/* A file opened for positioned reading. Errors are reported with the path and errno's text. Files that are read as one, each behind the
 * one before it, are a list; no read reaches over the end of one of them. */
typedef struct ig_file {
  int descriptor;
  uint64_t size;        /* with those that follow */
  const char *path;     /* borrowed from the arena given at open */
  uint64_t own;         /* its own bytes, where others follow */
  struct ig_file *next; /* or NULL */
} ig_file;

bool ig_file_open(ig_file *file, const char *path, ig_arena *arena, ig_diags *diags); /* regular files only */
/* Exactly `size` bytes at `offset`, or an error (also when the file shrank meanwhile). */
bool ig_file_read(const ig_file *file, uint64_t offset, void *to, size_t size, ig_diags *diags);
void ig_file_close(ig_file *file); /* and those that follow */

/* The whole of a small file (at most `limit` bytes) in the arena, NUL-terminated. */
bool ig_read_small_file(const char *path, size_t limit, ig_arena *arena, ig_str *out, ig_diags *diags);
/* Writes a file through a temporary neighbour, fsync and rename: the old bytes or the new ones, never a part. What is there and no regular file, such as
 * /dev/null or a link, stays and is written to. */
bool ig_write_file(const char *path, const void *bytes, size_t size, ig_diags *diags);

#endif
