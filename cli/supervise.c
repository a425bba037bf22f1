/* Work in a process of its own, which ends where memory runs out (no_memory.c), by the kernel where all of it runs out, by the user where it takes too
 * long. Whatever ends it, the bundle that it had begun to write is removed, and the reason is told. */
#define _GNU_SOURCE
#include "cli.h"
#include "driver/bundle_folder.h"

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
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

static void watch(sigset_t *watched, sigset_t *before) {
  sigemptyset(watched);
  sigaddset(watched, SIGINT);
  sigaddset(watched, SIGTERM);
  sigaddset(watched, SIGHUP);
  sigaddset(watched, SIGCHLD);
  signal(SIGCHLD, SIG_DFL); /* a shell may have it ignored, and then there is nothing to wait for */
  pthread_sigmask(SIG_BLOCK, watched, before);
}

static _Noreturn void run_child(cli *c, pid_t parent, const sigset_t *mask, int (*work)(cli *c, void *user), void *user) {
#ifdef __linux__
  prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
  if (getppid() != parent) _exit(CLI_FAILED);
  pthread_sigmask(SIG_SETMASK, mask, NULL);
  cli_memory_may_fail(false);
  exit(cli_end(c, work(c, user)));
}

int cli_apart(cli *c, const char *what, const char *parent, int (*work)(cli *c, void *user), void *user) {
  sigset_t watched, before;
  fflush(NULL); /* or both would write it */
  watch(&watched, &before);
  const pid_t self = getpid(), child = fork();
  if (child == 0) run_child(c, self, &before, work, user);
  if (child < 0) { /* no process to be had */
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    cli_memory_may_fail(false);
    const int status = work(c, user);
    cli_memory_may_fail(true);
    return status;
  }
  const int how = wait_for(child, &watched), number = WIFSIGNALED(how) ? WTERMSIG(how) : 0;
  if (how && parent) ig_bundle_remove_left(parent, (long)child, &c->arena);
  if (asked(number)) { /* end as it did */
    signal(number, SIG_DFL);
    sigdelset(&before, number);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    raise(number);
  }
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (!number) return WEXITSTATUS(how);
  return cli_fail(c, "%s was ended by signal %d (%s)%s%s", what, number, strsignal(number),
                  number == SIGKILL ? ", most likely by the kernel because memory ran out" : "", parent ? "; nothing was written" : "");
}

static int compile(cli *c, void *user) {
  const char *bundle;
  const bool done = ig_compile(user, &c->arena, &bundle, &c->diags);
  return cli_report(c) == CLI_DONE && done ? CLI_DONE : CLI_FAILED;
}

bool cli_compile_apart(void *c, const ig_compile_options *options, ig_arena *arena, ig_diags *diags) {
  (void)arena, (void)diags; /* those of the command, which are empty: the other process has copies and tells what it finds */
  ig_compile_options o = *options;
  return cli_apart(c, "compiling", o.parent, compile, &o) == CLI_DONE;
}
