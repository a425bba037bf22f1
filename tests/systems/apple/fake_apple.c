/* An iPhone's two fast and four small cores, for os_apple.c on this machine. */
#include <pthread/qos.h>
#include <string.h>
#include <sys/sysctl.h>

int sysctlbyname(const char *name, void *old, size_t *old_size, void *new_value, size_t new_size) {
  static const struct {
    const char *name;
    int value;
  } known[] = {{"hw.perflevel0.logicalcpu", 2}, {"hw.perflevel1.logicalcpu", 4}};
  for (size_t i = 0; i < sizeof known / sizeof *known; i++)
    if (!strcmp(name, known[i].name) && *old_size == sizeof(int) && !new_value && !new_size) return memcpy(old, &known[i].value, sizeof(int)), 0;
  return -1;
}

int pthread_set_qos_class_self_np(qos_class_t qos_class, int relative_priority) { return qos_class != QOS_CLASS_USER_INITIATED || relative_priority; }
