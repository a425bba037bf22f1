/* From a model file to a bundle, and from a bundle to a program in this process: what the subcommands share.
 * (`driver` sees everything below it; only `cli` sees the driver.) */
#ifndef INGOT_DRIVER_H
#define INGOT_DRIVER_H

#include "driver/promise.h"
#include "ir/base/base.h"
#include "runtime/ingot.h"
#include "targets/target.h"

typedef struct ig_compile_options {
  const char *model;             /* path of the GGUF file */
  const char *parent;            /* folder the bundle NAME.ingot goes into; "." by default */
  const char *name;              /* NULL: from the file's name, made a C identifier */
  const ig_platform *platform;
  const ig_platform *const *more; /* platforms of the same bundle; what stages, explain and dumps tell is about the first one's target */
  uint32_t n_more;
  const char *const *variants;   /* NULL: all of the target */
  uint32_t n_variants;
  uint32_t n_context;            /* 0: the model's, at most 4096 */
  uint32_t chunk;                /* prefill tokens a call; 0: the schedule's */
  const char *schedule;          /* Lua file whose rules go before the target's own, or NULL */
  ig_text *explain;              /* gets the numbers of each kernel and the rules that chose them, or NULL */
  uint32_t jobs;                 /* 0: one per core */
  const char *prefix_prompt;     /* file whose text the bundle's PLATFORM/NAME.prefix, a saved session, has read; or NULL */
  ig_limits limits;              /* what the bundle may ask of a device; the build fails where it asks for more */
  const char *stage;             /* --compile-to: graph, any pass (fuse split layout ...), plan, kernels, llvm, asm; NULL: a bundle */
  ig_text *stage_text;           /* gets the text of the stage */
  const char *dump_phases;       /* folder for NN-pass.txt of every pass, or NULL */
  const char *depfile;           /* or NULL; its target is the PLATFORM/libNAME.a of the first platform */
  bool embed;                    /* the library carries plan and weights too, so that the app needs no files; weights of at most 64 MiB */
  void (*progress)(void *user, const char *what, double fraction); /* or NULL */
  bool (*compile)(void *user, const struct ig_compile_options *options, ig_arena *arena, ig_diags *diags); /* for ig_load_any: by whom; NULL: ig_compile */
  void *user;                    /* of both */
} ig_compile_options;

/* Compiles; `bundle` gets the bundle's path. Platforms of one target share one plan and one weights file, which is written once: those of the second are
 * hard links. Built beside the old bundle, swapped by one rename: killed at any moment, the old bundle or the
 * new one is whole. Nothing is written on error. */
bool ig_compile(const ig_compile_options *options, ig_arena *arena, const char **bundle, ig_diags *diags);

/* A bundle's library loaded into this process. `plan_path` and `weights_path` are what ingot_model_options wants. */
typedef struct ig_loaded {
  const ingot_program *program;
  const char *plan_path, *weights_path;
  void *jit;
} ig_loaded;
bool ig_load_bundle(ig_loaded *loaded, const char *bundle, ig_arena *arena, ig_diags *diags);
void ig_unload(ig_loaded *loaded);

/* The best variant of this machine's target that its CPU runs, or NULL. */
const ig_variant *ig_variant_here(const ig_target *target);

/* A MODEL or a BUNDLE path: a model is compiled for this machine's best variant (or `variant`) into the cache first, unless it is there. */
bool ig_load_any(ig_loaded *loaded, const char *path, const char *variant, const ig_compile_options *like, const char *cache, ig_arena *arena, ig_diags *diags);

#endif
