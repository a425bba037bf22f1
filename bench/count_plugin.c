/* A plugin of qemu's user mode (interface 1) that counts instructions, and of them sdot and smmla of 128 bits. At the end it writes both numbers to the
 * file that its argument `to=` names. The interface is declared here: not every qemu comes with its header. */
#include <inttypes.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef uint64_t plugin_id;
struct qemu_plugin_tb;
struct qemu_plugin_insn;
enum { ADD_U64 = 0 };
extern void qemu_plugin_register_vcpu_tb_trans_cb(plugin_id id, void (*translated)(plugin_id, struct qemu_plugin_tb *));
extern void qemu_plugin_register_vcpu_tb_exec_inline(struct qemu_plugin_tb *tb, int op, void *counter, uint64_t amount);
extern void qemu_plugin_register_atexit_cb(plugin_id id, void (*ended)(plugin_id, void *), void *user);
extern size_t qemu_plugin_tb_n_insns(const struct qemu_plugin_tb *tb);
extern struct qemu_plugin_insn *qemu_plugin_tb_get_insn(const struct qemu_plugin_tb *tb, size_t index);
extern const void *qemu_plugin_insn_data(const struct qemu_plugin_insn *insn);

#define EXPORT __attribute__((visibility("default")))
EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = 1;
EXPORT int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv);

static uint64_t all, dots;
static char path[256];

static size_t is_dot(uint32_t code) {
  bool sdot = (code & 0xffe0fc00) == 0x4e809400, by_element = (code & 0xffc0f400) == 0x4f80e000, smmla = (code & 0xffe0fc00) == 0x4e80a400;
  return sdot || by_element || smmla;
}

static void translated(plugin_id id, struct qemu_plugin_tb *tb) {
  size_t n = qemu_plugin_tb_n_insns(tb), of_dots = 0;
  for (size_t i = 0; i < n; i++) {
    uint32_t code;
    memcpy(&code, qemu_plugin_insn_data(qemu_plugin_tb_get_insn(tb, i)), sizeof code);
    of_dots += is_dot(code);
  }
  (void)id;
  qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &all, n);
  if (of_dots) qemu_plugin_register_vcpu_tb_exec_inline(tb, ADD_U64, &dots, of_dots);
}

static void ended(plugin_id id, void *user) {
  FILE *f = fopen(path, "w");
  (void)id, (void)user;
  if (f) fprintf(f, "%" PRIu64 " %" PRIu64 "\n", all, dots), fclose(f);
}

int qemu_plugin_install(plugin_id id, const void *info, int argc, char **argv) {
  (void)info;
  for (int i = 0; i < argc; i++)
    if (!strncmp(argv[i], "to=", 3)) snprintf(path, sizeof path, "%s", argv[i] + 3);
  qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
  qemu_plugin_register_atexit_cb(id, ended, NULL);
  return 0;
}
