/* Preloaded into a process, makes calls of the C library fail: INGOT_FAULT="KIND FIRST COUNT ERRNO" says that COUNT calls of a kind, from the FIRST
 * on (counted from 1), fail with that errno; ERRNO 0: they are short (of one byte) instead. INGOT_FAULT_COUNT names a file that gets how many
 * calls of each kind there were, a line for each process.
 * INGOT_FAULT_SWEEP="OURS OTHERS FILE": every OURS-th allocation of ours is refused, and every OTHERS-th of LLVM, MLIR and C++'s library, each in a
 * process of its own, forked there, while this one goes on as if nothing were. FILE gets "NUMBER went on" for one that made a thousand allocations more
 * or came to where it would change a file, which is this process's too, and was ended there; "NUMBER exit STATUS", "NUMBER hung"; at the end how many
 * were visited of all, and how many a signal ended. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MEMORY, READ, WRITE, SYNC, RENAME, CREATE, FOLDER, THREAD, KINDS };
static const char *const names[KINDS] = {"memory", "read", "write", "sync", "rename", "create", "folder", "thread"};

/* One state for the process: set once before main, then only counted. */
static struct {
  int kind, error;
  unsigned long first, count;
  atomic_ulong seen[KINDS];
} fault = {.kind = KINDS};

static struct {
  unsigned long every[2], seen[2], visited, ended; /* ours, others */
  char file[256];
  bool refused; /* in the process that is forked to be refused */
  unsigned long more; /* its allocations since */
  struct {
    uintptr_t from, to;
  } foreign[16];
  int n_foreign;
} sweep;
enum { WENT_ON = 99, SECONDS = 60, MINUTES = 10, MORE = 1000 }; /* SECONDS of processor time, MINUTES of the clock on the wall */

static int add_foreign(struct dl_phdr_info *library, size_t size, void *user) {
  (void)size, (void)user;
  const bool is = strstr(library->dlpi_name, "LLVM") || strstr(library->dlpi_name, "MLIR") || strstr(library->dlpi_name, "stdc++");
  for (int i = 0; is && i < library->dlpi_phnum; i++) {
    const ElfW(Phdr) *h = &library->dlpi_phdr[i];
    if (h->p_type != PT_LOAD || !(h->p_flags & PF_X) || sweep.n_foreign == 16) continue;
    sweep.foreign[sweep.n_foreign].from = library->dlpi_addr + h->p_vaddr;
    sweep.foreign[sweep.n_foreign++].to = library->dlpi_addr + h->p_vaddr + h->p_memsz;
  }
  return 0;
}

__attribute__((constructor)) static void begin(void) {
  const char *text = getenv("INGOT_FAULT_SWEEP");
  char kind[16];
  if (text && sscanf(text, "%lu %lu %255s", &sweep.every[0], &sweep.every[1], sweep.file) != 3) sweep.every[0] = 0;
  if (sweep.every[0]) dl_iterate_phdr(add_foreign, NULL);
  text = getenv("INGOT_FAULT");
  if (!text || sscanf(text, "%15s %lu %lu %d", kind, &fault.first, &fault.count, &fault.error) != 4) return;
  for (int k = 0; k < KINDS; k++)
    if (!strcmp(kind, names[k])) fault.kind = k;
}

static void tell(const char *path, const char *format, ...) {
  char line[128];
  va_list arguments;
  va_start(arguments, format);
  const int n = vsnprintf(line, sizeof line, format, arguments), to = (int)syscall(SYS_openat, AT_FDCWD, path, O_WRONLY | O_CREAT | O_APPEND, 0666);
  va_end(arguments);
  if (to < 0 || syscall(SYS_write, to, line, (size_t)n) != n) abort();
  syscall(SYS_close, to);
}

__attribute__((destructor)) static void end(void) {
  const char *path = getenv("INGOT_FAULT_COUNT");
  char line[256];
  int n = 0;
  if (sweep.every[0] && !sweep.refused)
    tell(sweep.file, "visited %lu of %lu allocations, %lu of them ours: %lu ended by a signal\n", sweep.visited, sweep.seen[0] + sweep.seen[1], sweep.seen[0],
         sweep.ended);
  if (!path) return;
  for (int k = 0; k < KINDS; k++) n += snprintf(line + n, sizeof line - (size_t)n, "%s %lu\n", names[k], atomic_load(&fault.seen[k]));
  fault.kind = KINDS;
  FILE *to = fopen(path, "a");
  if (to) fwrite(line, 1, (size_t)n, to), fclose(to);
}

/* Files that are open get places of their own: what the forked process reads must not move where the other one reads on. */
static void own_places(void) {
  enum { MOST = 64 };
  char path[32];
  struct stat st;
  for (int fd = STDERR_FILENO + 1; fd < MOST; fd++) {
    if (fstat(fd, &st) || !S_ISREG(st.st_mode)) continue;
    const off_t at = lseek(fd, 0, SEEK_CUR);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    const int own = (int)syscall(SYS_openat, AT_FDCWD, path, O_RDONLY);
    if (own >= 0) lseek(own, at, SEEK_SET), dup2(own, fd), close(own);
  }
}

/* True in the process where this allocation, the n-th, is refused. */
static bool refused_apart(unsigned long n, uintptr_t caller) {
  if (!sweep.every[0] || sweep.refused) return false;
  int other = 0;
  for (int i = 0; i < sweep.n_foreign; i++) other |= caller >= sweep.foreign[i].from && caller < sweep.foreign[i].to;
  if (sweep.seen[other]++ % sweep.every[other]) return false;
  sweep.visited++;
  int how;
  const pid_t child = fork();
  if (child == 0) {
    const int nowhere = (int)syscall(SYS_openat, AT_FDCWD, "/dev/null", O_WRONLY);
    const struct itimerval works = {{0, 0}, {SECONDS, 0}};
    signal(SIGALRM, SIG_DFL), signal(SIGPROF, SIG_DFL);
    dup2(nowhere, STDOUT_FILENO), dup2(nowhere, STDERR_FILENO);
    alarm(60 * MINUTES), setitimer(ITIMER_PROF, &works, NULL);
    own_places();
    return sweep.refused = true;
  }
  if (child < 0 || waitpid(child, &how, 0) != child) abort();
  const bool hung = WIFSIGNALED(how) && (WTERMSIG(how) == SIGALRM || WTERMSIG(how) == SIGPROF);
  if (WIFSIGNALED(how) && !hung) sweep.ended++;
  else if (hung) tell(sweep.file, "%lu hung\n", n);
  else if (WEXITSTATUS(how) == WENT_ON) tell(sweep.file, "%lu went on\n", n);
  else tell(sweep.file, "%lu exit %d\n", n, WEXITSTATUS(how));
  return false;
}

/* Whether this call fails: -1 with errno set, or is short: 1. */
static int strikes_from(int kind, uintptr_t caller) {
  const unsigned long n = atomic_fetch_add(&fault.seen[kind], 1) + 1;
  if (sweep.refused && kind == MEMORY ? ++sweep.more > MORE : sweep.refused && kind != READ && kind != THREAD) _exit(WENT_ON);
  if (kind == MEMORY && refused_apart(n, caller)) return errno = ENOMEM, -1;
  if (kind != fault.kind || n < fault.first || n - fault.first >= fault.count) return 0;
  if (fault.error) errno = fault.error;
  return fault.error ? -1 : 1;
}

static int strikes(int kind) { return strikes_from(kind, 0); }

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* glibc's own names for what cannot be looked up before there is memory. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

#define MEMORY_STRIKES strikes_from(MEMORY, (uintptr_t)__builtin_return_address(0))

void *malloc(size_t size) { return MEMORY_STRIKES ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return MEMORY_STRIKES ? NULL : __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { return MEMORY_STRIKES ? NULL : __libc_realloc(old, size); }
void *aligned_alloc(size_t align, size_t size) { return MEMORY_STRIKES ? NULL : __libc_memalign(align, size); }

ssize_t read(int fd, void *to, size_t size) {
  const int hit = strikes(READ);
  return hit < 0 ? -1 : REAL(read)(fd, to, hit && size ? 1 : size);
}
ssize_t pread(int fd, void *to, size_t size, off_t at) {
  const int hit = strikes(READ);
  return hit < 0 ? -1 : REAL(pread)(fd, to, hit && size ? 1 : size, at);
}
ssize_t write(int fd, const void *from, size_t size) {
  const int hit = fd > STDERR_FILENO ? strikes(WRITE) : 0;
  return hit < 0 ? -1 : REAL(write)(fd, from, hit && size ? 1 : size);
}
ssize_t pwrite(int fd, const void *from, size_t size, off_t at) {
  const int hit = strikes(WRITE);
  return hit < 0 ? -1 : REAL(pwrite)(fd, from, hit && size ? 1 : size, at);
}
int fsync(int fd) { return strikes(SYNC) ? -1 : REAL(fsync)(fd); }
int fdatasync(int fd) { return strikes(SYNC) ? -1 : REAL(fdatasync)(fd); }
int rename(const char *from, const char *to) { return strikes(RENAME) ? -1 : REAL(rename)(from, to); }
int renameat2(int a, const char *from, int b, const char *to, unsigned flags) { return strikes(RENAME) ? -1 : REAL(renameat2)(a, from, b, to, flags); }
int unlink(const char *path) { return sweep.refused ? _exit(WENT_ON), -1 : REAL(unlink)(path); }
int unlinkat(int at, const char *path, int flags) { return sweep.refused ? _exit(WENT_ON), -1 : REAL(unlinkat)(at, path, flags); }
int rmdir(const char *path) { return sweep.refused ? _exit(WENT_ON), -1 : REAL(rmdir)(path); }
int mkdir(const char *path, mode_t mode) { return strikes(FOLDER) ? -1 : REAL(mkdir)(path, mode); }

int open(const char *path, int flags, ...) {
  va_list arguments;
  va_start(arguments, flags);
  const mode_t mode = flags & O_CREAT ? va_arg(arguments, mode_t) : 0;
  va_end(arguments);
  return (flags & O_CREAT) && strikes(CREATE) ? -1 : REAL(open)(path, flags, mode);
}

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*main)(void *), void *context) {
  return strikes(THREAD) ? EAGAIN : REAL(pthread_create)(thread, attributes, main, context);
}
