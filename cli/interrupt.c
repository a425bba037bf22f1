/* SIGINT while an answer is being made cancels the answer. A thread waits for the signal, so that no handler needs a global. */
#include "cli.h"

#include <pthread.h>
#include <signal.h>
#include <unistd.h>

struct cli_interrupt {
  pthread_mutex_t lock;
  ingot_session *session;        /* to cancel; NULL: nothing runs, the signal ends the process ... */
  const char *idle;              /* ... or writes this to stderr */
};

static void *wait_for_signal(void *user) {
  cli_interrupt *i = user;
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  int number;
  for (bool cancelled = true; cancelled;) {
    if (sigwait(&set, &number)) continue;
    pthread_mutex_lock(&i->lock);
    cancelled = i->session != NULL;
    if (cancelled) ingot_cancel(i->session);
    else if (i->idle) fputs(i->idle, stderr), cancelled = true;
    pthread_mutex_unlock(&i->lock);
  }
  signal(SIGINT, SIG_DFL); /* nothing to cancel: end as an interrupted process does */
  pthread_sigmask(SIG_UNBLOCK, &set, NULL);
  kill(getpid(), SIGINT);
  return NULL;
}

cli_interrupt *cli_interrupt_start(cli *c) {
  cli_interrupt *i = ig_alloc(&c->arena, sizeof *i);
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGINT);
  pthread_mutex_init(&i->lock, NULL);
  pthread_sigmask(SIG_BLOCK, &set, NULL);
  pthread_t thread;
  if (pthread_create(&thread, NULL, wait_for_signal, i)) pthread_sigmask(SIG_UNBLOCK, &set, NULL); /* SIGINT then ends the process */
  else pthread_detach(thread);
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
