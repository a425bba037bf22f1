/* What the runtime asks of an operating system. Each system has its file, and compilers' own macros choose: a build may compile all of os_*.c.
 *   os_posix.c os_replace.c   Linux, Android, Apple: memory, mapping, threads
 *   os_linux.c                Linux and Android: waiting, cores
 *   os_apple.c                macOS and iOS: waiting, cores
 *   os_wasm.c                 WebAssembly with a C library: memory; files are read, not mapped
 *   os_files.c                all of these: files, clocks
 *   os_windows.c              all of it
 *   os_none.c                 anything else: no files; plan and weights embedded or in memory, an allocator of the app's
 *   os_single.c               WebAssembly and anything else: no threads
 * Codes that come back are 0 or the system's own (errno, GetLastError): what they mean is ingot__os_error_text's to say. */
#ifndef INGOT_RUNTIME_OS_H
#define INGOT_RUNTIME_OS_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- memory and files --------------------------------------------------------------------------------------------------- */

typedef struct ingot__map {
  void *address;          /* what the system mapped */
  size_t length;
  const uint8_t *data;    /* the range asked for */
} ingot__map;

/* Memory of the default allocator; the first is zeroed. */
void *ingot__os_allocate(void *user, size_t size, size_t align);
void ingot__os_release(void *user, void *memory, size_t size);
int ingot__os_open(const char *path, int *descriptor, uint64_t *size); /* regular files only */
void ingot__os_close(int descriptor);
int ingot__os_size(int descriptor, uint64_t *size);
int ingot__os_read(int descriptor, uint64_t offset, void *to, uint64_t size); /* all of it */
/* A file replaced whole. begin: makes `part` empty and locks it (busy: another process writes it). end: `keep` puts it in the place of `path`, to
 * stay there whatever happens next; else, and on errors, it is gone. */
int ingot__os_replace_begin(const char *part, int *descriptor);
int ingot__os_write(int descriptor, const void *bytes, uint64_t size);
int ingot__os_replace_end(int descriptor, const char *part, const char *path, bool keep);
/* Read-only, at an address aligned to 2 MiB where the offset allows, with advice to use huge pages. */
int ingot__os_map(int descriptor, uint64_t offset, uint64_t size, ingot__map *map);
void ingot__os_unmap(ingot__map *map);
void ingot__os_error_text(int code, char text[96]);

/* ---- time and threads --------------------------------------------------------------------------------------------------- */

uint64_t ingot__os_nanoseconds(void);
int64_t ingot__os_now(void); /* seconds since 1970, UTC */
void ingot__os_pause(void); /* a hint to the core that this is a waiting loop */
void ingot__os_yield(void); /* to another thread that wants this core */

/* A word that threads wait on to change. Opened once, closed when nobody waits. */
typedef struct ingot__gate {
  _Alignas(64) _Atomic uint32_t word;
  _Atomic uint32_t sleepers;
  _Alignas(16) unsigned char system[112]; /* a mutex and a condition, where the system cannot wait on words */
} ingot__gate;
int ingot__os_gate_open(ingot__gate *gate);
void ingot__os_gate_close(ingot__gate *gate);
/* Sleeps while the word is `value` (may wake early); wakes all sleepers. Who changes the word does so before it wakes. */
void ingot__os_gate_wait(ingot__gate *gate, uint32_t value);
void ingot__os_gate_wake(ingot__gate *gate);

/* A thread with a small stack that takes no signals; the struct stays where it is until it is joined. */
typedef struct ingot__thread {
  void (*main)(void *context);
  void *context;
  uintptr_t handle;
} ingot__thread;
int ingot__os_thread(ingot__thread *thread, void (*main)(void *), void *context);
void ingot__os_join(ingot__thread *thread);

/* ---- cores -------------------------------------------------------------------------------------------------------------- */

enum { INGOT__MAX_CORES = 256 };

typedef struct ingot__core {
  uint16_t cpu;           /* the system's number */
  uint16_t capacity;      /* beside the fastest core's 1024; 0: the system does not say */
} ingot__core;

/* The cores that this process may use, at most INGOT__MAX_CORES; at least one. */
uint32_t ingot__os_cores(ingot__core cores[INGOT__MAX_CORES]);
/* The calling thread runs on these cores only (Apple: on fast ones first, the system chooses which). Systems that refuse are obeyed. */
void ingot__os_pin(const ingot__core *cores, uint32_t n);
/* os_linux.c's part of ingot__os_cores, for tests: sets the capacities of cores as a tree like /sys/devices/system/cpu tells them. */
void ingot__os_read_capacities(const char *root, ingot__core *cores, uint32_t n);

#endif
