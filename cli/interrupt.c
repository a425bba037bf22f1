/* SIGINT while an answer is being made cancels the answer; signals that end the process while a line is edited give the terminal back
 * first. A thread waits for them, so that no handler needs a global. */
#include "cli.h"

#include <pthread.h>
#include <signal.h>
#include <termios.h>
#include <unistd.h>

struct cli_interrupt {
  pthread_mutex_t lock;
  ingot_session *session;        /* to cancel; NULL: nothing runs, the signal ends the process ... */
  const char *idle;              /* ... or writes this to stderr */
  const struct termios *usual;   /* of a terminal that has to be given back; NULL: none has */
};

static void *wait_for_signal(void *user) {
  cli_interrupt *i = user;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGHUP);
  sigaddset(&set, SIGQUIT);
  int number = SIGINT;
  for (bool cancelled = true; cancelled;) {
    if (sigwait(&set, &number)) continue;
    pthread_mutex_lock(&i->lock);
    cancelled = number == SIGINT && i->session != NULL;
    if (cancelled) ingot_cancel(i->session);
    else if (number == SIGINT && i->idle) fputs(i->idle, stderr), cancelled = true;
    else if (i->usual) cli_give_terminal_back(i->usual);
    pthread_mutex_unlock(&i->lock);
  }
  signal(number, SIG_DFL); /* nothing to cancel: end as a process does that gets it */
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  kill(getpid(), number);
  return NULL;
}

cli_interrupt *cli_interrupt_start(cli *c) {
  cli_interrupt *i = ig_alloc(&c->arena, sizeof *i);
  sigset_t all, before, set;
  sigfillset(&all);
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  pthread_mutex_init(&i->lock, NULL);
  pthread_sigmask(SIG_SETMASK, &all, &before); /* the thread's: it takes the signals that it waits for and no other */
  pthread_t thread;
  const bool failed = pthread_create(&thread, NULL, wait_for_signal, i) != 0;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  if (failed) return i; /* SIGINT then ends the process */
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_detach(thread);
  return i;
}

void cli_interrupt_watch(cli_interrupt *i, ingot_session *session) {
  pthread_mutex_lock(&i->lock);
  i->session = session;
  pthread_mutex_unlock(&i->lock);
}

void cli_interrupt_idle(cli_interrupt *i, const char *text) {
  pthread_mutex_lock(&i->lock);
  i->idle = text;
  pthread_mutex_unlock(&i->lock);
}

void cli_interrupt_terminal(cli_interrupt *i, const struct termios *usual) {
  pthread_mutex_lock(&i->lock);
  i->usual = usual;
  pthread_mutex_unlock(&i->lock);
}

void cli_give_terminal_back(const struct termios *usual) {
  static const char end[] = "\033[?2004l"; /* marks around pasted text, which the editor of lines asks for */
  if (write(STDERR_FILENO, end, sizeof end - 1) < 0) return; /* the terminal is gone */
  tcsetattr(STDIN_FILENO, TCSADRAIN, usual);
}
