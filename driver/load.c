/* A bundle's library in this process, without a linker: for `run`, `bench` and tests. */
#define _POSIX_C_SOURCE 200809L
#include <dirent.h>
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "codegen/archive.h"
#include "codegen/jit.h"
#include "codegen/program_object.h"
#include "driver/driver.h"
#include "driver/token_view.h"

enum { LIBRARY_MOST = 256 << 20 };

/* The NAME of the one libNAME.a in `folder`, or NULL. */
static const char *library_name(const char *folder, ig_arena *arena) {
  const char *name = NULL;
  DIR *dir = opendir(folder);
  for (struct dirent *entry; dir && (entry = readdir(dir));) {
    size_t n = strlen(entry->d_name);
    if (n <= 5 || strncmp(entry->d_name, "lib", 3) || strcmp(entry->d_name + n - 2, ".a")) continue;
    name = ig_format(arena, "%.*s", (int)(n - 5), entry->d_name + 3);
  }
  if (dir) closedir(dir);
  return name;
}

bool ig_load_bundle(ig_loaded *loaded, const char *bundle, ig_arena *arena, ig_diags *diags) {
  *loaded = (ig_loaded){0};
  const ig_platform *native = ig_platform_find("native");
  const char *folder = ig_format(arena, "%s/%s", bundle, native->name), *name = library_name(folder, arena);
  if (!name) return ig_error(diags, bundle, "is not a bundle for this machine: there is no %s/libNAME.a in it", native->name);
  const char *path = ig_format(arena, "%s/lib%s.a", folder, name);
  ig_str archive, member, data;
  if (!ig_read_small_file(path, LIBRARY_MOST, arena, &archive, diags)) return false;
  ig_jit *jit = ig_jit_create(path);
  for (size_t i = 0; i < sizeof ig_token_codes / sizeof *ig_token_codes; i++) ig_jit_define(jit, ig_token_codes[i].symbol, ig_token_codes[i].code);
  size_t errors = diags->errors;
  bool ok = true;
  for (size_t at = 0; ok && ig_next_member(archive, &at, &member, &data, path, diags);) ok = ig_jit_add_object(jit, data.data, data.size, diags);
  const ingot_program *program = ok && diags->errors == errors ? ig_jit_symbol(jit, ig_program_symbol(arena, name), diags) : NULL;
  if (!program || program->abi_version != INGOT_ABI_VERSION || program->size != sizeof *program) {
    if (diags->errors == errors)
      ig_error(diags, path, program ? "was made by another version of ingot; compile the model again" : "has no %s_program in it", name);
    ig_jit_destroy(jit);
    return false;
  }
  const char *files[] = {ig_format(arena, "%s/%s.plan", folder, name), ig_format(arena, "%s/%s.weights", folder, name)};
  for (int i = 0; i < 2; i++)
    if (access(files[i], R_OK) != 0) ok = ig_error(diags, files[i], "cannot be read: %s; the bundle is not whole", strerror(errno));
  if (!ok) {
    ig_jit_destroy(jit);
    return false;
  }
  *loaded = (ig_loaded){program, files[0], files[1], jit};
  return true;
}

void ig_unload(ig_loaded *loaded) {
  ig_jit_destroy(loaded->jit);
  *loaded = (ig_loaded){0};
}
