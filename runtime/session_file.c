/* Sessions in files: replaced whole or not at all. */
#include <string.h>
#include "runtime/session_state.h"

typedef struct file {
  int descriptor, code;     /* code: errno of what failed */
  uint64_t at;
} file;

static bool write_on(void *user, const void *bytes, size_t size) {
  file *f = user;
  f->code = ingot__os_write(f->descriptor, bytes, size);
  return !f->code;
}

static bool read_on(void *user, void *bytes, size_t size) {
  file *f = user;
  f->code = ingot__os_read(f->descriptor, f->at, bytes, size);
  f->at += size;
  return !f->code;
}

static ingot_status io(const char *path, int code, ingot_error *error) {
  char text[96];
  ingot__os_error_text(code, text);
  return ingot__fail(error, INGOT_ERROR_IO, "%.120s: %s", path, text);
}

ingot_status ingot_session_save_file(const ingot_session *session, const char *path, ingot_error *error) {
  static const char ending[] = ".part";
  if (!session || !path || !*path) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is missing", session ? "path" : "session");
  const ingot_allocator *allocator = &session->model->allocator;
  const size_t size = strlen(path);
  char *part = ingot__allocate(allocator, size + sizeof ending, 16);
  if (!part) return ingot__fail(error, INGOT_ERROR_MEMORY, "no memory to save a session");
  memcpy(part, path, size);
  memcpy(part + size, ending, sizeof ending);
  file f = {.descriptor = -1};
  f.code = ingot__os_replace_begin(part, &f.descriptor);
  ingot_status status = f.code ? io(part, f.code, error) : ingot_session_save(session, write_on, &f, error);
  if (f.descriptor >= 0) {
    if (status) status = io(path, f.code, error);
    int code = ingot__os_replace_end(f.descriptor, part, path, !status);
    if (code && !status) status = io(path, code, error);
  }
  ingot__release(allocator, part, size + sizeof ending);
  return status;
}

ingot_status ingot_session_load_file(ingot_session *session, const char *path, ingot_error *error) {
  if (!session || !path) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s is NULL", session ? "path" : "session");
  file f = {.descriptor = -1};
  uint64_t size = 0;
  f.code = ingot__os_open(path, &f.descriptor, &size);
  if (f.code) return io(path, f.code, error);
  ingot_status status = size < sizeof(ingot_saved) ? ingot__fail(error, INGOT_ERROR_SESSION, "%.120s: not a saved session", path)
                                                   : ingot__session_load(session, read_on, &f, size, error);
  if (f.code) status = io(path, f.code, error);
  else if (status && size >= sizeof(ingot_saved) && error) { /* what is wrong with it, and which file it is */ const ingot_error why = *error;
    ingot__fail(error, status, "%.120s: %s", path, why.message);
  }
  ingot__os_close(f.descriptor);
  return status;
}
