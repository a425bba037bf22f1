/* The bundle on disk: a folder NAME.ingot that ingot owns whole. A new one is built beside it under a hidden name and swapped in by one
 * rename, so that whatever happens the old bundle or the new one is there, never a mixture. */
#ifndef INGOT_DRIVER_BUNDLE_FOLDER_H
#define INGOT_DRIVER_BUNDLE_FOLDER_H

#include "ir/base/base.h"

typedef struct ig_bundle_folder {
  const char *final;   /* PARENT/NAME.ingot */
  const char *part;    /* PARENT/.NAME.ingot.PID.part: where to build; NULL: nothing is being built */
  int lock;            /* its descriptor, locked, so that others see that somebody is at work */
} ig_bundle_folder;

/* Makes the part. Refuses where NAME.ingot exists and is not a bundle (a folder with ingot's report.json, or with no file at all); removes parts that killed
 * compilers left. `parent` is made where it is not there. */
bool ig_bundle_begin(ig_bundle_folder *folder, const char *parent, const char *name, ig_arena *arena, ig_diags *diags);
/* Swaps it in and removes the old bundle. After false: abandon. */
bool ig_bundle_commit(ig_bundle_folder *folder, ig_diags *diags);
void ig_bundle_abandon(ig_bundle_folder *folder);
/* Removes what the process, which has ended, left in `parent`. */
void ig_bundle_remove_left(const char *parent, long process, ig_arena *arena);

bool ig_make_folders(const char *path, ig_arena *arena, ig_diags *diags); /* like mkdir -p */
bool ig_remove_tree(const char *path);  /* without following links; true when nothing is left */

/* How report.json begins: the mark of a bundle. */
extern const char ig_report_mark[];

#endif
