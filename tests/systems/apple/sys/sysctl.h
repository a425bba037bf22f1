/* What os_apple.c takes from Apple's headers, as their manual pages declare it: so that it can be compiled and run elsewhere (fake_apple.c). */
#ifndef FAKE_SYSCTL_H
#define FAKE_SYSCTL_H
#include <stddef.h>
int sysctlbyname(const char *name, void *old, size_t *old_size, void *new_value, size_t new_size);
#endif
