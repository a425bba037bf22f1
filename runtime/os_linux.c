/* What is Linux's and Android's own: waiting on words, and which cores there are. */
#if defined(__linux__)
#define _GNU_SOURCE
#include "runtime/os.h"

#include <fcntl.h>
#include <linux/futex.h>
#include <sched.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <unistd.h>

int ingot__os_gate_open(ingot__gate *gate) { return atomic_store(&gate->word, 0), 0; }
void ingot__os_gate_close(ingot__gate *gate) { (void)gate; }
void ingot__os_gate_wait(ingot__gate *gate, uint32_t value) { syscall(SYS_futex, &gate->word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0); }
void ingot__os_gate_wake(ingot__gate *gate) { syscall(SYS_futex, &gate->word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0); }

/* A number of at most four digits and a newline; 0 where there is none: of cores that are all the same, many kernels say nothing. */
static uint16_t read_capacity(const char *root, uint32_t cpu) {
  char path[256], text[8];
  if (snprintf(path, sizeof path, "%s/cpu%u/cpu_capacity", root, cpu) >= (int)sizeof path) return 0;
  int descriptor = open(path, O_RDONLY | O_CLOEXEC);
  if (descriptor < 0) return 0;
  ssize_t n = read(descriptor, text, sizeof text);
  close(descriptor);
  uint32_t value = 0;
  for (ssize_t i = 0; i < n && text[i] != '\n'; i++) {
    if (text[i] < '0' || text[i] > '9' || i > 3) return 0;
    value = value * 10 + (uint32_t)(text[i] - '0');
  }
  return (uint16_t)value;
}

void ingot__os_read_capacities(const char *root, ingot__core *cores, uint32_t n) {
  for (uint32_t i = 0; i < n; i++) cores[i].capacity = read_capacity(root, cores[i].cpu);
}

uint32_t ingot__os_cores(ingot__core cores[INGOT__MAX_CORES]) {
  cpu_set_t set;
  uint32_t n = 0;
  CPU_ZERO(&set);
  if (!sched_getaffinity(0, sizeof set, &set))
    for (uint32_t cpu = 0; cpu < CPU_SETSIZE && n < INGOT__MAX_CORES; cpu++)
      if (CPU_ISSET(cpu, &set)) cores[n++] = (ingot__core){(uint16_t)cpu, 0};
  if (!n) cores[n++] = (ingot__core){0, 0};
  ingot__os_read_capacities("/sys/devices/system/cpu", cores, n);
  return n;
}

void ingot__os_pin(const ingot__core *cores, uint32_t n) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (uint32_t i = 0; i < n; i++) CPU_SET(cores[i].cpu, &set);
  sched_setaffinity(0, sizeof set, &set);
}
#endif
