/* Weights: mapped or read from a path or a descriptor's range, or the caller's memory; used as they lie. */
#include "runtime/core.h"

#include <string.h>

#include "runtime/abi/weights.h"

static ingot_status wrong_size(uint64_t have, uint64_t want, const char *where, ingot_error *error) {
  return ingot__fail(error, INGOT_ERROR_WEIGHTS, "%.100s: %llu bytes of weights, the plan wants %llu: take the weights made together with the plan", where,
                     (unsigned long long)have, (unsigned long long)want);
}

static ingot_status io(const char *where, int code, ingot_error *error) {
  char text[96];
  ingot__os_error_text(code, text);
  return ingot__fail(error, INGOT_ERROR_IO, "%.120s: %s", where, text);
}

/* A range that begins anywhere: mapped where it is aligned and may be, else read into memory of its own. */
static ingot_status open_range(ingot__weights *w, int descriptor, uint64_t offset, uint64_t size, bool map, const char *where, const ingot_allocator *allocator,
                               ingot_error *error) {
  if (map && offset % INGOT_ALIGN == 0) {
    int code = ingot__os_map(descriptor, offset, size, &w->map);
    w->data = w->map.data;
    return code ? io(where, code, error) : INGOT_OK;
  }
  w->copy = ingot__allocate(allocator, size, INGOT_ALIGN);
  if (!w->copy)
    return ingot__fail(error, INGOT_ERROR_MEMORY, "no memory for the %llu bytes of the weights: let them be mapped, from an offset that is a multiple of 64",
                       (unsigned long long)size);
  w->copy_bytes = size;
  w->data = w->copy;
  int code = ingot__os_read(descriptor, offset, w->copy, size);
  return code ? io(where, code, error) : INGOT_OK;
}

static ingot_status open_memory(ingot__weights *w, const void *data, uint64_t have, uint64_t size, const char *where, ingot_error *error) {
  if (have != size) return wrong_size(have, size, where, error);
  if ((uintptr_t)data % INGOT_ALIGN) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "%s: not aligned to 64 bytes", where);
  w->data = data;
  return INGOT_OK;
}

ingot_status ingot__weights_open(ingot__weights *w, const ingot_model_options *options, const ingot_program *program, uint64_t weights_bytes,
                                 const ingot_allocator *allocator, ingot_error *error) {
  uint64_t have = 0, size = weights_bytes ? ingot__weights_file(weights_bytes) : 0;
  *w = (ingot__weights){0};
  if (options->weights_path) {
    int descriptor, code = ingot__os_open(options->weights_path, &descriptor, &have);
    if (code) return io(options->weights_path, code, error);
    ingot_status status = have != size ? wrong_size(have, size, options->weights_path, error)
        : size                         ? open_range(w, descriptor, 0, size, !options->read_weights, options->weights_path, allocator, error)
                                       : INGOT_OK;
    ingot__os_close(descriptor);
    return status;
  }
  if (options->weights_fd_size) {
    int code = ingot__os_size(options->weights_fd, &have);
    if (code) return io("weights_fd", code, error);
    if (options->weights_fd_size != size) return wrong_size(options->weights_fd_size, size, "weights_fd_size", error);
    if (options->weights_fd_offset > have || size > have - options->weights_fd_offset)
      return ingot__fail(error, INGOT_ERROR_WEIGHTS, "weights_fd: the file has %llu bytes, the range ends beyond them", (unsigned long long)have);
    return open_range(w, options->weights_fd, options->weights_fd_offset, size, !options->read_weights, "weights_fd", allocator, error);
  }
  if (options->weights) return open_memory(w, options->weights, options->weights_size, size, "weights", error);
  if (program->weights) return open_memory(w, program->weights, program->weights_size, size, "embedded weights", error);
  if (!size) return INGOT_OK;
  return ingot__fail(error, INGOT_ERROR_ARGUMENT, "no weights: set weights_path, weights_fd or weights (the library embeds none)");
}

void ingot__weights_close(ingot__weights *w, const ingot_allocator *allocator) {
  ingot__os_unmap(&w->map);
  ingot__release(allocator, w->copy, w->copy_bytes);
  *w = (ingot__weights){0};
}

ingot_status ingot__weights_check(const ingot_model *model, ingot_error *error) {
  ingot_seal seal = {.magic = INGOT_SEAL_MAGIC};
  if (!model->plan.weights_bytes) return INGOT_OK;
  memcpy(seal.root, model->plan.weights_root.data, sizeof seal.root);
  if (!memcmp(model->weights.data + model->plan.weights_bytes, &seal, sizeof seal)) return INGOT_OK;
  return ingot__fail(error, INGOT_ERROR_WEIGHTS, "the weights are of another model: take the ones made together with the plan");
}
