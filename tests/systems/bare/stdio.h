/* All of stdio.h that the runtime takes from a platform without a C library. */
#ifndef BARE_STDIO_H
#define BARE_STDIO_H
#include <stdarg.h>
#include <stddef.h>
int snprintf(char *restrict text, size_t size, const char *restrict format, ...);
int vsnprintf(char *restrict text, size_t size, const char *restrict format, va_list arguments);
#endif
