/* Systems on which all is done by the caller's thread: those of os_none.c and os_wasm.c. */
#if !defined(__linux__) && !defined(__APPLE__) && !defined(_WIN32)
#include "runtime/os.h"

enum { NO_THREADS = 1 };

void ingot__os_pause(void) {}
void ingot__os_yield(void) {}

int ingot__os_gate_open(ingot__gate *gate) { return atomic_store(&gate->word, 0), 0; }
void ingot__os_gate_close(ingot__gate *gate) { (void)gate; }
void ingot__os_gate_wait(ingot__gate *gate, uint32_t value) { (void)gate, (void)value; }
void ingot__os_gate_wake(ingot__gate *gate) { (void)gate; }

int ingot__os_thread(ingot__thread *thread, void (*main)(void *), void *context) { return (void)thread, (void)main, (void)context, NO_THREADS; }
void ingot__os_join(ingot__thread *thread) { (void)thread; }

uint32_t ingot__os_cores(ingot__core cores[INGOT__MAX_CORES]) { return cores[0] = (ingot__core){0, 0}, 1; }
void ingot__os_pin(const ingot__core *cores, uint32_t n) { (void)cores, (void)n; }
#endif
