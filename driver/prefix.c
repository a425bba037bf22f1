#include "driver/prefix.h"

#include <string.h>

#include "driver/bundle_folder.h"
#include "driver/verify.h"
#include "runtime/abi/saved.h"
#include "runtime/abi/sha256.h"

enum { PROMPT_MOST = 64 << 20 };

static bool keep(void *user, const void *bytes, size_t size) {
  ig_text_add(user, bytes, size);
  return true;
}

static bool nobody(void *user, const ingot_piece *piece) {
  (void)user;
  return piece->size == 0;
}

static bool run(ig_prefix *prefix, const ig_loaded *loaded, ig_str text, const char *prompt, uint32_t threads, ig_arena *arena, ig_diags *diags) {
  ingot_error error = {INGOT_OK, ""};
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_model_options options = {.size = sizeof options, .plan_path = loaded->plan_path, .weights_path = loaded->weights_path, .n_threads = threads};
  ingot_model_info info = {.size = sizeof info};
  bool ok = ingot_model_open(loaded->program, &options, &model, &error) == INGOT_OK && ingot_session_open(model, NULL, &session, &error) == INGOT_OK &&
      ingot_generate(session, text.data, text.size, 0, nobody, NULL, &error) == INGOT_OK;
  if (!ok) ig_error(diags, prompt, "cannot be the bundle's prefix: %s", error.message);
  else if (!(prefix->tokens = ingot_position(session))) ok = ig_error(diags, prompt, "cannot be the bundle's prefix: it has no tokens");
  if (ok) {
    ok = ingot_session_save(session, keep, &prefix->state, NULL) == INGOT_OK;
    ingot_model_get_info(model, &info);
    prefix->variant = ig_copy_string(arena, info.variant);
    prefix->fma = ig_variant_find(ig_platform_find("native")->target, info.variant)->fma;
  }
  ingot_session_close(session);
  ingot_model_close(model);
  return ok;
}

bool ig_make_prefix(ig_prefix *prefix, const char *folder, const char *prompt, uint32_t threads, ig_arena *arena, ig_diags *diags) {
  ig_str text;
  ig_loaded loaded;
  prefix->prompt = prompt;
  if (!ig_read_small_file(prompt, PROMPT_MOST, arena, &text, diags) || !ig_load_bundle(&loaded, folder, arena, diags)) return false;
  bool ok = run(prefix, &loaded, text, prompt, threads, arena, diags);
  ig_unload(&loaded);
  return ok;
}

bool ig_make_prefix_apart(ig_prefix *prefix, const ig_compile_options *like, const char *prompt, uint32_t threads, ig_arena *arena, ig_diags *diags) {
  ig_compile_options o = *like;
  o.platform = ig_platform_find("native");
  const ig_variant *variant = o.platform ? ig_variant_here(o.platform->target) : NULL;
  const char *made;
  if (!variant) return ig_error(diags, prompt, "cannot be the bundle's prefix: the model has to be run, and this machine is no platform of ingot");
  o.variants = (const char *const[]){variant->name};
  o.n_variants = 1;
  ig_diags told = {0}; /* warnings about the model are those of the bundle */
  bool ok = ig_compile(&o, arena, &made, &told);
  for (size_t i = 0; i < told.count; i++)
    if (told.items[i].severity == IG_ERROR) ig_error(diags, told.items[i].place, "%s", told.items[i].text);
  ig_diags_finish(&told);
  ok = ok && ig_make_prefix(prefix, made, prompt, threads, arena, diags);
  ig_remove_tree(o.parent);
  return ok;
}

/* As the runtime hashes Plan.caches: two little-endian words of each. */
static void hash_caches(const ig_program_plan *plan, uint8_t digest[INGOT_SHA256_SIZE]) {
  ingot__sha256 hash;
  ingot__sha256_init(&hash);
  for (size_t i = 0; i < plan->n_caches; i++) {
    uint8_t entry[8];
    for (int k = 0; k < 4; k++) entry[k] = (uint8_t)(plan->cache[i].planes >> 8 * k), entry[4 + k] = (uint8_t)(plan->cache[i].plane_bytes >> 8 * k);
    ingot__sha256_add(&hash, entry, sizeof entry);
  }
  ingot__sha256_finish(&hash, digest);
}

bool ig_write_prefix(const ig_prefix *prefix, const ig_target *target, const ig_program_plan *plan, const uint8_t weights_root[32], const char *path,
                     const char **sha256, ig_arena *arena, ig_diags *diags) {
  ingot_saved head;
  uint8_t caches[INGOT_SHA256_SIZE], digest[INGOT_SHA256_SIZE];
  if (!prefix->fma && target != ig_platform_find("native")->target)
    return ig_error(diags, path,
                    "cannot be made here: variant %s of this machine has no fma, and its numbers would not be those of %s; leave --prefix-prompt out",
                    target->name, prefix->variant);
  ig_text state = {0};
  memcpy(&head, prefix->state.data, sizeof head);
  hash_caches(plan, caches);
  if (memcmp(caches, head.caches, sizeof caches) != 0)
    return ig_error(diags, prefix->prompt, "cannot be the prefix for %s: its caches have another form than this machine's; leave --prefix-prompt out",
                    target->name);
  memcpy(head.weights_root, weights_root, sizeof head.weights_root);
  ig_text_add(&state, &head, sizeof head);
  ig_text_add(&state, prefix->state.data + sizeof head, prefix->state.size - sizeof head - sizeof digest);
  ingot__sha256_of(state.data, state.size, digest);
  ig_text_add(&state, digest, sizeof digest);
  *sha256 = ig_sha256_text(state.data, state.size, arena);
  bool ok = ig_write_file(path, state.data, state.size, diags);
  ig_text_finish(&state);
  return ok;
}
