/* Preloaded into a process, makes calls of the C library fail: INGOT_FAULT="KIND FIRST COUNT ERRNO" says that COUNT calls of a kind, from the FIRST
 * on (counted from 1), fail with that errno; ERRNO 0: they are short (of one byte) instead. INGOT_FAULT_COUNT names a file that gets how many
 * calls of each kind there were, a line for each process.
 * INGOT_FAULT_SWEEP="EVERY FILE": every EVERY-th allocation is refused, each in a process of its own, forked there, while this one goes on as if nothing
 * were. FILE gets "NUMBER went on" for one that made a thousand allocations more or came to where it would change a file, which is this process's too, and
 * was ended there; "NUMBER exit STATUS", "NUMBER signal SIGNAL", "NUMBER hung"; at the end how many were visited of all, and how many of those exited
 * with 1, which are not told each. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
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
  unsigned long every, seen, visited, failed;
  char file[256];
  bool refused; /* in the process that is forked to be refused */
  unsigned long more; /* its allocations since */
} sweep;
enum { WENT_ON = 99, FAILED = 1, SECONDS = 60, MINUTES = 10, MORE = 1000 }; /* SECONDS of processor time, MINUTES of the clock on the wall */

/* Before the first call that is counted, which may come before this library's constructors have their turn. */
static void begin(void) {
  static bool begun; /* the process has one thread then */
  if (begun) return;
  begun = true;
  const char *text = getenv("INGOT_FAULT_SWEEP");
  char kind[16];
  if (text && sscanf(text, "%lu %255[^\n]", &sweep.every, sweep.file) != 2) sweep.every = 0;
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
  if (sweep.every && !sweep.refused) tell(sweep.file, "visited %lu of %lu allocations, %lu exit 1\n", sweep.visited, sweep.seen, sweep.failed);
  sweep.every = 0; /* what follows is this library's own */
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
static bool refused_apart(unsigned long n) {
  if (!sweep.every || sweep.refused || sweep.seen++ % sweep.every) return false;
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
  const int number = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
  if (number == SIGALRM || number == SIGPROF) tell(sweep.file, "%lu hung\n", n);
  else if (number) tell(sweep.file, "%lu signal %d\n", n, number);
  else if (WEXITSTATUS(how) == WENT_ON) tell(sweep.file, "%lu went on\n", n);
  else if (WEXITSTATUS(how) == FAILED) sweep.failed++;
  else tell(sweep.file, "%lu exit %d\n", n, WEXITSTATUS(how));
  return false;
}

/* Whether this call fails: -1 with errno set, or is short: 1. */
static int strikes(int kind) {
  begin();
  const unsigned long n = atomic_fetch_add(&fault.seen[kind], 1) + 1;
  if (sweep.refused && kind == MEMORY ? ++sweep.more > MORE : sweep.refused && kind != READ && kind != THREAD) _exit(WENT_ON);
  if (kind == MEMORY && refused_apart(n)) return errno = ENOMEM, -1;
  if (kind != fault.kind || n < fault.first || n - fault.first >= fault.count) return 0;
  if (fault.error) errno = fault.error;
  return fault.error ? -1 : 1;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

/* glibc's own names for what cannot be looked up before there is memory. */
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t n, size_t size);
extern void *__libc_realloc(void *old, size_t size);
extern void *__libc_memalign(size_t align, size_t size);

void *malloc(size_t size) { return strikes(MEMORY) ? NULL : __libc_malloc(size); }
void *calloc(size_t n, size_t size) { return strikes(MEMORY) ? NULL : __libc_calloc(n, size); }
void *realloc(void *old, size_t size) { return strikes(MEMORY) ? NULL : __libc_realloc(old, size); }
void *aligned_alloc(size_t align, size_t size) { return strikes(MEMORY) ? NULL : __libc_memalign(align, size); }

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
