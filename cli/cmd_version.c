#include "cli.h"
#include "runtime/abi/kernel.h"

int cmd_version(cli *c, int argc, char **argv) {
  if (!cli_parse(c, argc, argv, "", 0, 0, NULL, 0)) return c->status;
  printf("ingot %s, kernel ABI %d, LLVM %s\n", ingot_version(), INGOT_ABI_VERSION, INGOT_LLVM_VERSION);
  return CLI_DONE;
}
