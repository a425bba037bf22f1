/* A session that has read a text already, kept in the bundle: apps begin from it at once (ingot_session_load_file). */
#ifndef INGOT_DRIVER_PREFIX_H
#define INGOT_DRIVER_PREFIX_H

#include "driver/driver.h"

/* Runs the bundle in `folder`, which is for this machine, on the text of the file `prompt`, tokenised as ingot_generate does, and saves the session to
 * `path`. Gives the number of its tokens and the file's SHA-256 as reports have it. */
bool ig_write_prefix(const char *folder, const char *prompt, const char *path, uint32_t threads, ig_arena *arena, uint32_t *tokens, const char **sha256,
                     ig_diags *diags);

#endif
