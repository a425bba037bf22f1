/* What is macOS's and iOS's own. Waiting on words has no public call on the older systems, so a gate is a mutex and a condition. */
#if defined(__APPLE__)
#define _DARWIN_C_SOURCE
#include "runtime/os.h"

#include <pthread.h>
#include <pthread/qos.h>
#include <sys/sysctl.h>

typedef struct door {
  pthread_mutex_t mutex;
  pthread_cond_t changed;
} door;
_Static_assert(sizeof(door) <= sizeof((ingot__gate *)0)->system, "a gate has no room for a door");

static door *of(ingot__gate *gate) { return (door *)(void *)gate->system; }

int ingot__os_gate_open(ingot__gate *gate) {
  int code = pthread_mutex_init(&of(gate)->mutex, NULL);
  if (code) return code;
  code = pthread_cond_init(&of(gate)->changed, NULL);
  if (code) pthread_mutex_destroy(&of(gate)->mutex);
  return code;
}

void ingot__os_gate_close(ingot__gate *gate) {
  pthread_cond_destroy(&of(gate)->changed);
  pthread_mutex_destroy(&of(gate)->mutex);
}

void ingot__os_gate_wait(ingot__gate *gate, uint32_t value) {
  pthread_mutex_lock(&of(gate)->mutex);
  if (atomic_load(&gate->word) == value) pthread_cond_wait(&of(gate)->changed, &of(gate)->mutex);
  pthread_mutex_unlock(&of(gate)->mutex);
}

void ingot__os_gate_wake(ingot__gate *gate) {
  pthread_mutex_lock(&of(gate)->mutex);
  pthread_cond_broadcast(&of(gate)->changed);
  pthread_mutex_unlock(&of(gate)->mutex);
}

static uint32_t count(const char *name) {
  int value = 0;
  size_t size = sizeof value;
  return sysctlbyname(name, &value, &size, NULL, 0) || value < 0 ? 0 : (uint32_t)value;
}

/* Levels of performance, the fastest first; their capacities are not told, their order is. */
uint32_t ingot__os_cores(ingot__core cores[INGOT__MAX_CORES]) {
  static const char *const names[] = {"hw.perflevel0.logicalcpu", "hw.perflevel1.logicalcpu"};
  uint32_t n = 0;
  for (uint32_t level = 0; level < 2; level++)
    for (uint32_t i = count(names[level]); i && n < INGOT__MAX_CORES; i--, n++) cores[n] = (ingot__core){(uint16_t)n, level ? 256 : 1024};
  if (n) return n;
  for (uint32_t i = count("hw.logicalcpu"); i && n < INGOT__MAX_CORES; i--, n++) cores[n] = (ingot__core){(uint16_t)n, 0};
  if (!n) cores[n++] = (ingot__core){0, 0};
  return n;
}

/* Threads cannot be bound to cores here; this class is what gives them the fast ones. */
void ingot__os_pin(const ingot__core *cores, uint32_t n) {
  (void)cores, (void)n;
  pthread_set_qos_class_self_np(QOS_CLASS_USER_INITIATED, 0);
}
#endif
