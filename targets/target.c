#include "targets/target.h"

#include <stddef.h>
#include <string.h>

static const ig_target *const targets[] = {&ig_target_x86_64, &ig_target_aarch64, &ig_target_riscv64, &ig_target_wasm32};

static const ig_platform platforms[] = {
#define PLATFORM(name, target, triple, format, page) {name, &ig_target_##target, triple, IG_##format, page},
#include "targets/platforms.def"
};

static const struct alias {
  const char *name, *platform;
} aliases[] = {
#if defined(__x86_64__)
  {"native", "x86_64-linux-gnu"},
#elif defined(__aarch64__)
  {"native", "aarch64-linux-gnu"},
#elif defined(__riscv)
  {"native", "riscv64-linux-gnu"},
#endif
#define ALIAS(name, platform) {name, platform},
#include "targets/platforms.def"
};

const ig_target *ig_target_at(int index) { return index >= 0 && index < (int)(sizeof targets / sizeof *targets) ? targets[index] : NULL; }

const ig_platform *ig_platform_at(int index) { return index >= 0 && index < (int)(sizeof platforms / sizeof *platforms) ? &platforms[index] : NULL; }

const char *ig_platform_alias(int index, const ig_platform **platform) {
  if (index < 0 || index >= (int)(sizeof aliases / sizeof *aliases)) return NULL;
  *platform = ig_platform_find(aliases[index].platform);
  return aliases[index].name;
}

const ig_platform *ig_platform_find(const char *name) {
  for (int i = 0; i < (int)(sizeof aliases / sizeof *aliases); i++)
    if (!strcmp(name, aliases[i].name)) name = aliases[i].platform; /* no alias of an alias: rows name platforms */
  for (const ig_platform *p = platforms; p < platforms + sizeof platforms / sizeof *platforms; p++)
    if (!strcmp(name, p->name) || !strcmp(name, p->target->name)) return p;
  return NULL;
}

const ig_target *ig_target_find(const char *name) {
  const ig_platform *platform = ig_platform_find(name);
  return platform ? platform->target : NULL;
}

const ig_variant *ig_variant_find(const ig_target *target, const char *name) {
  for (uint32_t i = 0; i < target->n_variants; i++)
    if (!strcmp(target->variants[i].name, name)) return &target->variants[i];
  return NULL;
}

const ig_variant *ig_form_next(const ig_target *target, const ig_variant *variant, const ig_variant *form) {
  for (const ig_variant *f = form ? form + 1 : target->variants + target->n_variants; f < target->variants + target->n_variants + target->n_forms; f++)
    if (!strcmp(f->form_of, variant->name)) return f;
  return NULL;
}
