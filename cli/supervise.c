/* Compiling in a process of its own: LLVM ends the process where memory runs out, the kernel where it runs out of all, the user where it takes too
 * long. Whatever ends it, what it had begun to write is removed, and the reason is told. */
#define _GNU_SOURCE
#include "cli.h"
#include "driver/bundle_folder.h"

#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>
#ifdef __linux__
#include <sys/prctl.h>
#endif

static bool asked(int signal) { return signal == SIGINT || signal == SIGTERM || signal == SIGHUP; }

/* Waits for the child's end; signals that ask this process to end are its to obey. */
static int wait_for(pid_t child, const sigset_t *watched) {
  int how = 0, number;
  for (;;) {
    if (sigwait(watched, &number)) continue;
    if (asked(number)) kill(child, number);
    if (waitpid(child, &how, WNOHANG) == child) return how;
  }
}

bool cli_supervise(cli *c, const char *parent, int *status) {
  sigset_t watched, before;
  sigemptyset(&watched);
  sigaddset(&watched, SIGINT);
  sigaddset(&watched, SIGTERM);
  sigaddset(&watched, SIGHUP);
  sigaddset(&watched, SIGCHLD);
  signal(SIGCHLD, SIG_DFL); /* a shell may have it ignored, and then there is nothing to wait for */
  sigprocmask(SIG_BLOCK, &watched, &before);
  const pid_t self = getpid(), child = fork();
  if (child <= 0) { /* without a child all is done here */
#ifdef __linux__
    if (!child) prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
    if (!child && getppid() != self) _exit(CLI_FAILED);
    sigprocmask(SIG_SETMASK, &before, NULL);
    return true;
  }
  const int how = wait_for(child, &watched), number = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
  *status = number ? CLI_FAILED : WEXITSTATUS(how);
  if (*status) ig_bundle_remove_left(parent, (long)child, &c->arena);
  if (!number) return sigprocmask(SIG_SETMASK, &before, NULL), false;
  if (asked(number)) { /* end as it did */
    signal(number, SIG_DFL);
    sigprocmask(SIG_SETMASK, &before, NULL);
    raise(number);
  }
  const bool memory = number == SIGABRT || number == SIGKILL;
  sigprocmask(SIG_SETMASK, &before, NULL);
  cli_fail(c, "compiling was ended by signal %d (%s)%s; nothing was written", number, strsignal(number), memory ? ", most likely because memory ran out" : "");
  return false;
}
