/* Windows 8 and later. Descriptors are the C library's, paths UTF-8, codes GetLastError's. */
#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#define _WIN32_WINNT 0x0602
#include <windows.h>

#include "runtime/os.h"

#include <fcntl.h>
#include <io.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { STACK = 1 << 20, LARGE = 1 << 18, PATH_MOST = 1024 };

/* Large blocks come from the system zeroed and untouched: a cache that is never filled takes no memory. */
void *ingot__os_allocate(void *user, size_t size, size_t align) {
  (void)user;
  if (size >= LARGE && align <= 4096) return VirtualAlloc(NULL, size, MEM_RESERVE | MEM_COMMIT, PAGE_READWRITE);
  void *p = _aligned_malloc(size, align);
  return p ? memset(p, 0, size) : NULL;
}

void ingot__os_release(void *user, void *memory, size_t size) {
  (void)user;
  if (size >= LARGE) VirtualFree(memory, 0, MEM_RELEASE);
  else _aligned_free(memory);
}

static int last(void) {
  int code = (int)GetLastError();
  return code ? code : ERROR_GEN_FAILURE;
}

static int wide(const char *path, wchar_t out[PATH_MOST]) {
  return MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, path, -1, out, PATH_MOST) > 0 ? 0 : last();
}

static HANDLE handle_of(int descriptor) { return (HANDLE)_get_osfhandle(descriptor); }

/* A descriptor that owns the handle. */
static int adopt(HANDLE file, int flags, int *descriptor) {
  *descriptor = _open_osfhandle((intptr_t)file, flags | _O_BINARY | _O_NOINHERIT);
  if (*descriptor >= 0) return 0;
  CloseHandle(file);
  return ERROR_TOO_MANY_OPEN_FILES;
}

int ingot__os_size(int descriptor, uint64_t *size) {
  LARGE_INTEGER bytes;
  if (GetFileType(handle_of(descriptor)) != FILE_TYPE_DISK) return ERROR_BAD_FILE_TYPE;
  if (!GetFileSizeEx(handle_of(descriptor), &bytes)) return last();
  *size = (uint64_t)bytes.QuadPart;
  return 0;
}

int ingot__os_open(const char *path, int *descriptor, uint64_t *size) {
  wchar_t name[PATH_MOST];
  int code = wide(path, name);
  if (code) return code;
  HANDLE file = CreateFileW(name, GENERIC_READ, FILE_SHARE_READ | FILE_SHARE_DELETE, NULL, OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, NULL);
  if (file == INVALID_HANDLE_VALUE) return last();
  if ((code = adopt(file, _O_RDONLY, descriptor))) return code;
  if ((code = ingot__os_size(*descriptor, size))) _close(*descriptor);
  return code;
}

void ingot__os_close(int descriptor) { _close(descriptor); }

int ingot__os_read(int descriptor, uint64_t offset, void *to, uint64_t size) {
  for (uint8_t *out = to; size;) {
    OVERLAPPED at = {.Offset = (DWORD)offset, .OffsetHigh = (DWORD)(offset >> 32)};
    DWORD got = 0;
    if (!ReadFile(handle_of(descriptor), out, size < (1u << 30) ? (DWORD)size : 1u << 30, &got, &at)) return last();
    if (!got) return ERROR_HANDLE_EOF;
    out += got, offset += got, size -= got;
  }
  return 0;
}

/* Not shared: whoever else writes it is refused, and a part that a killed process left is free. */
int ingot__os_replace_begin(const char *part, int *descriptor) {
  wchar_t name[PATH_MOST];
  int code = wide(part, name);
  if (code) return code;
  HANDLE file = CreateFileW(name, GENERIC_WRITE | DELETE, 0, NULL, CREATE_ALWAYS, FILE_ATTRIBUTE_NORMAL, NULL);
  return file == INVALID_HANDLE_VALUE ? last() : adopt(file, _O_WRONLY, descriptor);
}

int ingot__os_write(int descriptor, const void *bytes, uint64_t size) {
  for (const uint8_t *at = bytes; size;) {
    DWORD n = 0;
    if (!WriteFile(handle_of(descriptor), at, size < (1u << 30) ? (DWORD)size : 1u << 30, &n, NULL)) return last();
    if (!n) return ERROR_DISK_FULL;
    at += n, size -= n;
  }
  return 0;
}

int ingot__os_replace_end(int descriptor, const char *part, const char *path, bool keep) {
  wchar_t from[PATH_MOST], to[PATH_MOST];
  int code = wide(part, from);
  if (!code && keep) code = wide(path, to);
  if (!code && keep && !FlushFileBuffers(handle_of(descriptor))) code = last();
  _close(descriptor);
  if (!code && keep && !MoveFileExW(from, to, MOVEFILE_REPLACE_EXISTING | MOVEFILE_WRITE_THROUGH)) code = last();
  if (code || !keep) DeleteFileW(from);
  return code;
}

int ingot__os_map(int descriptor, uint64_t offset, uint64_t size, ingot__map *map) {
  SYSTEM_INFO info;
  GetSystemInfo(&info);
  const uint64_t skip = offset % info.dwAllocationGranularity, from = offset - skip;
  HANDLE mapping = CreateFileMappingW(handle_of(descriptor), NULL, PAGE_READONLY, 0, 0, NULL);
  if (!mapping) return last();
  void *address = MapViewOfFile(mapping, FILE_MAP_READ, (DWORD)(from >> 32), (DWORD)from, (size_t)(size + skip));
  int code = address ? 0 : last();
  CloseHandle(mapping); /* the view keeps it */
  if (code) return code;
  *map = (ingot__map){address, (size_t)(size + skip), (const uint8_t *)address + skip};
  return 0;
}

void ingot__os_unmap(ingot__map *map) {
  if (map->address) UnmapViewOfFile(map->address);
  map->address = NULL;
}

void ingot__os_error_text(int code, char text[96]) {
  wchar_t words[512];
  char bytes[3 * 512 + 1];
  DWORD n = FormatMessageW(FORMAT_MESSAGE_FROM_SYSTEM | FORMAT_MESSAGE_IGNORE_INSERTS, NULL, (DWORD)code, 0, words, 512, NULL);
  while (n && words[n - 1] <= L' ') n--;
  int size = n ? WideCharToMultiByte(CP_UTF8, 0, words, (int)n, bytes, sizeof bytes - 1, NULL, NULL) : 0;
  if (size > 95)
    for (size = 95; size && (bytes[size] & 0xc0) == 0x80;) size--; /* whole characters */
  memcpy(text, bytes, (size_t)size);
  text[size] = 0;
  if (!size) strcpy(text, "an error that Windows has no words for");
}

uint64_t ingot__os_nanoseconds(void) {
  LARGE_INTEGER now, rate;
  QueryPerformanceCounter(&now);
  QueryPerformanceFrequency(&rate);
  const uint64_t ticks = (uint64_t)now.QuadPart, second = (uint64_t)rate.QuadPart;
  return ticks / second * UINT64_C(1000000000) + ticks % second * UINT64_C(1000000000) / second;
}

int64_t ingot__os_now(void) {
  FILETIME t; /* 100 ns since 1601 */
  GetSystemTimeAsFileTime(&t);
  return (int64_t)(((uint64_t)t.dwHighDateTime << 32 | t.dwLowDateTime) / 10000000) - INT64_C(11644473600);
}

void ingot__os_pause(void) { YieldProcessor(); }
void ingot__os_yield(void) { SwitchToThread(); }

typedef struct door {
  SRWLOCK lock;
  CONDITION_VARIABLE changed;
} door;
_Static_assert(sizeof(door) <= sizeof((ingot__gate *)0)->system, "a gate has no room for a door");

static door *of(ingot__gate *gate) { return (door *)(void *)gate->system; }

int ingot__os_gate_open(ingot__gate *gate) {
  InitializeSRWLock(&of(gate)->lock);
  InitializeConditionVariable(&of(gate)->changed);
  return 0;
}

void ingot__os_gate_close(ingot__gate *gate) { (void)gate; }

void ingot__os_gate_wait(ingot__gate *gate, uint32_t value) {
  AcquireSRWLockExclusive(&of(gate)->lock);
  if (atomic_load(&gate->word) == value) SleepConditionVariableSRW(&of(gate)->changed, &of(gate)->lock, INFINITE, 0);
  ReleaseSRWLockExclusive(&of(gate)->lock);
}

void ingot__os_gate_wake(ingot__gate *gate) {
  AcquireSRWLockExclusive(&of(gate)->lock);
  ReleaseSRWLockExclusive(&of(gate)->lock); /* who saw the old word is asleep now */
  WakeAllConditionVariable(&of(gate)->changed);
}

static DWORD WINAPI begin(void *thread) {
  const ingot__thread *t = thread;
  t->main(t->context);
  return 0;
}

int ingot__os_thread(ingot__thread *thread, void (*main)(void *), void *context) {
  *thread = (ingot__thread){main, context, 0};
  HANDLE handle = CreateThread(NULL, STACK, begin, thread, STACK_SIZE_PARAM_IS_A_RESERVATION, NULL);
  thread->handle = (uintptr_t)handle;
  return handle ? 0 : last();
}

void ingot__os_join(ingot__thread *thread) {
  WaitForSingleObject((HANDLE)thread->handle, INFINITE);
  CloseHandle((HANDLE)thread->handle);
}

/* Of the processor group that the process runs in: at most 64. */
uint32_t ingot__os_cores(ingot__core cores[INGOT__MAX_CORES]) {
  DWORD_PTR process = 0, system = 0;
  uint32_t n = 0;
  if (GetProcessAffinityMask(GetCurrentProcess(), &process, &system))
    for (uint32_t cpu = 0; cpu < sizeof process * 8; cpu++)
      if (process >> cpu & 1) cores[n++] = (ingot__core){(uint16_t)cpu, 0};
  if (!n) cores[n++] = (ingot__core){0, 0};
  return n;
}

void ingot__os_pin(const ingot__core *cores, uint32_t n) {
  DWORD_PTR mask = 0;
  for (uint32_t i = 0; i < n; i++) mask |= (DWORD_PTR)1 << cores[i].cpu % (sizeof mask * 8);
  if (mask) SetThreadAffinityMask(GetCurrentThread(), mask);
}
#endif
