/* ingot targets: what can be compiled for, and which variants this CPU runs. */
#include "cli.h"
#include "runtime/abi/cpu.h"

int cmd_targets(cli *c, int argc, char **argv) {
  if (!cli_parse(c, argc, argv, "", 0, 0, NULL, 0)) return c->status;
  const ig_target *native = ig_target_find("native");
  uint64_t has = ingot__cpu_features();
  int n = 0;
  for (int i = 0; ig_target_at(i); i++) {
    const ig_target *t = ig_target_at(i);
    printf("%s  layout %s%s\n", t->name, t->layout, t == native ? ", this machine" : "");
    for (uint32_t v = 0; v < t->n_variants; v++) {
      bool runs = t == native && (t->variants[v].features & ~has) == 0;
      printf("  %-12s %u f32 lanes%s%s  %s\n", t->variants[v].name, t->variants[v].lanes, t->variants[v].fma ? ", fma" : "",
             t->variants[v].dot == IG_DOT_VNNI ? ", vnni" : "",
             t != native ? ""
                 : runs  ? "runs here"
                         : "not on this CPU");
    }
  }
  printf("\nplatforms (--target), and other names for them\n");
  for (const ig_platform *p; (p = ig_platform_at(n)); n++) {
    printf("  %-24s", p->name);
    const ig_platform *of;
    const char *alias;
    for (int a = 0; (alias = ig_platform_alias(a, &of)); a++)
      if (of == p) printf(" %s", alias);
    printf("\n");
  }
  return CLI_DONE;
}
