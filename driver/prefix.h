/* A session that has read a text already, kept in the bundle: apps begin from it at once (ingot_session_load_file). It is made here and holds on every
 * platform: the logits of all variants with fma are the same bits, and caches lie in the same form on all targets. */
#ifndef INGOT_DRIVER_PREFIX_H
#define INGOT_DRIVER_PREFIX_H

#include "driver/driver.h"
#include "passes/lower.h"

typedef struct ig_prefix {
  ig_text state;        /* as ingot_session_save gives it; ig_text_finish */
  uint32_t tokens;
  const char *prompt;   /* the file, for diagnostics */
  const char *variant;  /* that it was made on */
  bool fma;             /* which this variant has */
} ig_prefix;

/* Runs the bundle in `folder`, which is for this machine, on the text of the file `prompt`, tokenised as ingot_generate does. */
bool ig_make_prefix(ig_prefix *prefix, const char *folder, const char *prompt, uint32_t threads, ig_arena *arena, ig_diags *diags);

/* The same of a model file, by a bundle for this machine in `like->parent`, which is gone afterwards. */
bool ig_make_prefix_apart(ig_prefix *prefix, const ig_compile_options *like, const char *prompt, uint32_t threads, ig_arena *arena, ig_diags *diags);

/* The file of it for one target: `weights_root` is of that target's weights. Gives the file's SHA-256 as reports have it. */
bool ig_write_prefix(const ig_prefix *prefix, const ig_target *target, const ig_program_plan *plan, const uint8_t weights_root[32], const char *path,
                     const char **sha256, ig_arena *arena, ig_diags *diags);

#endif
