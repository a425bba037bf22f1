/* GGUF files, versions 2 and 3: the container checked, metadata looked up by key and type.
 *
 * The head of the file stays as it was read; metadata refer to it. Nothing that a count or a length in the file says is
 * allocated before the file was seen to hold it. Every function here names the file and the key in what it reports. */
#ifndef INGOT_FRONTEND_GGUF_H
#define INGOT_FRONTEND_GGUF_H

#include "frontend/cursor.h"
#include "frontend/model.h"

typedef enum ig_meta_type {
  IG_META_U8,
  IG_META_I8,
  IG_META_U16,
  IG_META_I16,
  IG_META_U32,
  IG_META_I32,
  IG_META_F32,
  IG_META_BOOL,
  IG_META_STRING,
  IG_META_ARRAY,
  IG_META_U64,
  IG_META_I64,
  IG_META_F64,
  IG_META_TYPES
} ig_meta_type;

typedef struct ig_meta_entry {
  size_t key, key_size;       /* offsets into the head */
  ig_meta_type type, element; /* element: of an array */
  uint64_t count;             /* of an array, else 1 */
  size_t value, value_size;   /* the bytes of the value; of a string without its length */
} ig_meta_entry;

struct ig_meta {
  const char *path;
  uint32_t version;
  ig_cursor head;
  ig_meta_entry *entries;     /* in the file's order */
  uint32_t *sorted;           /* indices by key */
  bool *asked;                /* by index: somebody looked for the key, and so knows what it means */
  uint32_t n;
};

/* Reads the head of a file: its metadata, which refer to the file, and its tensors, added to those of the model with offsets that count from
 * `base` bytes before the file. False after reporting what is wrong. */
bool ig_gguf_read(ig_model *model, const ig_file *file, uint64_t base, ig_meta *meta, ig_diags *diags);
void ig_gguf_finish(ig_meta *meta);
/* Opens the model's file, or all of the set that a shard of that name belongs to: model->file, ->meta and ->tensors. */
bool ig_model_files(ig_model *model, const char *path, ig_diags *diags);

/* The entry of a key, or NULL. */
const ig_meta_entry *ig_meta_find(const ig_meta *meta, const char *key);
/* The getters leave *value alone where the key is absent; false, with a report, where its type is another or the value does not
 * fit. Integers of any width and sign serve where they fit. */
bool ig_meta_u32(const ig_meta *meta, const char *key, uint32_t *value, ig_diags *diags);
bool ig_meta_f32(const ig_meta *meta, const char *key, float *value, ig_diags *diags);
bool ig_meta_bool(const ig_meta *meta, const char *key, bool *value, ig_diags *diags);
bool ig_meta_string(const ig_meta *meta, const char *key, ig_str *value, ig_diags *diags);
/* An array of that element type: its entry, NULL where absent or (reported) of another type. */
const ig_meta_entry *ig_meta_array(const ig_meta *meta, const char *key, ig_meta_type element, ig_diags *diags);
/* Element i of an array of 4-byte numbers. */
uint32_t ig_meta_word(const ig_meta *meta, const ig_meta_entry *array, uint64_t i);
/* Walks an array of strings: *at starts at 0; false after the last. */
bool ig_meta_next_string(const ig_meta *meta, const ig_meta_entry *array, size_t *at, ig_str *string);
ig_str ig_meta_key(const ig_meta *meta, const ig_meta_entry *entry);
const char *ig_meta_type_name(ig_meta_type type);
/* One line for people: "32", "0.5", "llama", "[512 x string]"; long strings cut. In the arena. */
const char *ig_meta_print(const ig_meta *meta, const ig_meta_entry *entry, ig_arena *arena);

#endif
