#include "targets/target.h"

#include <stddef.h>
#include <string.h>

extern const ig_target ig_target_x86_64;

static const ig_target *const targets[] = {&ig_target_x86_64};

const ig_target *ig_target_at(int index) { return index >= 0 && index < (int)(sizeof targets / sizeof *targets) ? targets[index] : NULL; }

const ig_target *ig_target_find(const char *name) {
  if (!strcmp(name, "native")) return targets[0];
  for (int i = 0; ig_target_at(i); i++)
    if (!strcmp(name, targets[i]->name) || !strcmp(name, targets[i]->platform)) return targets[i];
  return NULL;
}

const ig_variant *ig_variant_find(const ig_target *target, const char *name) {
  for (uint32_t i = 0; i < target->n_variants; i++)
    if (!strcmp(target->variants[i].name, name)) return &target->variants[i];
  return NULL;
}
