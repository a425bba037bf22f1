/* libFuzzer's way into a fuzz target. Its own -timeout counts what the clock on the wall says, and a busy machine makes any input slow; so each input
 * has processor time here: five seconds, where an ordinary build has two (tests/runtime/bounds.h), for sanitizers and counters of coverage. An input
 * that waits for something instead is -timeout's. */
#include "fuzz.h"

#include <signal.h>
#include <sys/time.h>
#include <unistd.h>

enum { SECONDS = 5 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void too_long(int number) {
  static const char line[] = "the input takes more than 5 seconds of processor time\n";
  if (write(STDERR_FILENO, line, sizeof line - 1) < 0 || number) abort();
}

static void allow(int seconds) {
  const struct itimerval left = {{0, 0}, {seconds, 0}};
  if (setitimer(ITIMER_PROF, &left, NULL)) abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
  signal(SIGPROF, too_long);
  allow(SECONDS);
  fuzz_one(data, size);
  allow(0);
  return 0;
}
