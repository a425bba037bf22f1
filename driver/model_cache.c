/* A model file given where a bundle would do is compiled for this machine into a folder of its own in the cache.
 *
 * The key is what the result depends on: the files (path, inode, size and time of change: hashing gigabytes would cost more than it saves;
 * a file replaced in place with all of these equal is not noticed), the compiler, the target, the variant and the options. */
#define _XOPEN_SOURCE 700
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "codegen/pack_file.h"
#include "driver/bundle_folder.h"
#include "driver/driver.h"
#include "frontend/model.h"
#include "passes/schedule.h"
#include "runtime/abi/cpu.h"
#include "runtime/abi/kernel.h"
#include "runtime/abi/sha256.h"

const ig_variant *ig_variant_here(const ig_target *target) {
  const uint64_t has = ingot__cpu_features();
  for (uint32_t i = 0; i < target->n_variants; i++)
    if (!(target->variants[i].features & ~has)) return &target->variants[i];
  return NULL;
}

static const ig_variant *choose_variant(const ig_target *target, const char *name, ig_arena *arena, ig_diags *diags) {
  if (name) {
    const ig_variant *variant = ig_variant_find(target, name);
    const char *list = "";
    for (uint32_t i = 0; i < target->n_variants; i++) list = ig_format(arena, "%s%s%s", list, i ? ", " : "", target->variants[i].name);
    if (!variant) ig_error(diags, name, "is not a variant of %s, which has %s", target->name, list);
    return variant;
  }
  const ig_variant *variant = ig_variant_here(target);
  if (!variant) ig_error(diags, target->name, "this CPU runs none of its variants");
  return variant;
}

static void add_stamp(ig_text *text, const ig_file_stamp *s) {
  ig_text_printf(text, "%llu %llu %llu %lld %lld\n", (unsigned long long)s->device, (unsigned long long)s->inode, (unsigned long long)s->size,
                 (long long)s->seconds, (long long)s->nanoseconds);
}

/* The compiler itself: another build of the same version may make other kernels. */
static void add_compiler(ig_text *text) {
  struct stat st;
  ig_text_printf(text, "%s %d\n", ingot_version(), INGOT_ABI_VERSION);
  if (stat("/proc/self/exe", &st) == 0)
    add_stamp(text, &(ig_file_stamp){(uint64_t)st.st_dev, (uint64_t)st.st_ino, (uint64_t)st.st_size, (int64_t)st.st_mtim.tv_sec, (int64_t)st.st_mtim.tv_nsec});
}

static bool add_file(ig_text *text, const char *path, ig_arena *arena, ig_diags *diags) {
  ig_file file;
  ig_file_stamp stamp;
  if (!ig_file_open(&file, path, arena, diags)) return false;
  bool ok = ig_stamp_file(&file, &stamp, diags);
  ig_file_close(&file);
  char *whole = realpath(path, NULL);
  ig_text_printf(text, "%s\n", whole ? whole : path);
  if (ok) add_stamp(text, &stamp);
  free(whole);
  return ok;
}

static bool key_of(const char *path, const ig_compile_options *o, const ig_variant *variant, char key[33], ig_arena *arena, ig_diags *diags) {
  ig_text text = {0};
  const char *first = ig_shard_path(path, 0, arena), *shard;
  bool ok = add_file(&text, first ? first : path, arena, diags);
  for (uint32_t i = 1; ok && (shard = ig_shard_path(path, i, arena)); i++) ok = add_file(&text, shard, arena, diags);
  add_compiler(&text);
  ig_text_printf(&text, "%s %s %s %u %u\n", o->platform->name, o->platform->target->layout, variant->name, o->n_context, o->chunk);
  if (ok && o->schedule) {
    ig_str schedule;
    ok = ig_read_small_file(o->schedule, IG_SCHEDULE_LONGEST, arena, &schedule, diags);
    if (ok) ig_text_add(&text, schedule.data, schedule.size);
  }
  uint8_t digest[INGOT_SHA256_SIZE];
  ingot__sha256_of(text.data, text.size, digest);
  for (int i = 0; i < 16; i++) memcpy(key + 2 * i, (char[]){"0123456789abcdef"[digest[i] >> 4], "0123456789abcdef"[digest[i] & 15]}, 2);
  key[32] = 0;
  ig_text_finish(&text);
  return ok;
}

static bool compile_into(const char *folder, const char *model, const ig_variant *variant, ig_compile_options o, ig_arena *arena, ig_diags *diags) {
  const char *bundle;
  o.model = model;
  o.parent = folder;
  o.name = "model";
  o.variants = (const char *const[]){variant->name};
  o.n_variants = 1;
  o.stage = o.depfile = o.dump_phases = NULL;
  o.explain = NULL;
  if (o.compile ? o.compile(o.user, &o, arena, diags) : ig_compile(&o, arena, &bundle, diags)) return true;
  rmdir(folder); /* nothing is left of a model that does not compile */
  return false;
}

bool ig_load_any(ig_loaded *loaded, const char *path, const char *variant_name, const ig_compile_options *like, const char *cache, ig_arena *arena,
                 ig_diags *diags) {
  struct stat st;
  *loaded = (ig_loaded){0};
  if (stat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
    if (like->schedule) return ig_error(diags, path, "is a bundle, whose kernels are compiled; a schedule needs the model file");
    return ig_load_bundle(loaded, path, arena, diags);
  }
  ig_compile_options o = *like;
  if (!o.platform) o.platform = ig_platform_find("native");
  if (!cache)
    return ig_error(diags, path, "is a model file, and there is no folder to compile it into; set XDG_CACHE_HOME or give --cache, or compile it first");
  char key[33];
  const ig_variant *variant = choose_variant(o.platform->target, variant_name, arena, diags);
  if (!variant || !key_of(path, &o, variant, key, arena, diags)) return false;
  const char *folder = ig_format(arena, "%s/%s", cache, key), *bundle = ig_format(arena, "%s/model.ingot", folder);
  if (stat(bundle, &st) == 0) { /* damaged ones are made anew */
    ig_diags damage = {0};
    bool ok = ig_load_bundle(loaded, bundle, arena, &damage);
    ig_diags_finish(&damage);
    if (ok) return true;
  }
  return compile_into(folder, path, variant, o, arena, diags) && ig_load_bundle(loaded, bundle, arena, diags);
}
