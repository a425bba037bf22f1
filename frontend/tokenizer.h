/* Internal to the frontend: tables from metadata. */
#ifndef INGOT_FRONTEND_TOKENIZER_H
#define INGOT_FRONTEND_TOKENIZER_H

#include "frontend/gguf.h"

/* Fills model->tokenizer from the metadata. True also where there is no tokenizer that we know (present false, missing names it); false,
 * reported, where there is one and it is damaged. */
bool ig_tokenizer_read(ig_model *model, ig_diags *diags);

/* FNV-1a, 32 bits: the key of the hash table of pieces. */
uint32_t ig_fnv1a(const void *bytes, size_t size);

/* Compiles model->chat_template from tokenizer.chat_template. What the subset lacks is a warning that names it and its place; the template
 * is then not present. False only for metadata of the wrong type. */
bool ig_template_read(ig_model *model, ig_diags *diags);

/* The compiler alone: true and out->present where `source` is in the subset; else a warning on `place`. NULL: no such token. */
bool ig_template_compile(ig_str source, const char *bos, const char *eos, const char *place, ig_arena *arena, ig_template *out, ig_diags *diags);

#endif
