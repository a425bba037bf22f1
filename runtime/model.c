#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "runtime/abi/cpu.h"
#include "runtime/abi/memory.h"
#include "runtime/core.h"

/* A message quotes paths, names and what a template raises: whatever is in them, it stays one line and moves no terminal's cursor (control characters of
 * ASCII, and those of Unicode's second row, which are C2 80 to C2 9F). */
static void one_line(char *message) {
  for (unsigned char *c = (unsigned char *)message; *c; c++)
    if (*c < 0x20 || *c == 0x7f) *c = ' ';
    else if (*c == 0xc2 && c[1] >= 0x80 && c[1] < 0xa0) c[0] = c[1] = ' ';
}

ingot_status ingot__fail(ingot_error *error, ingot_status status, const char *format, ...) {
  if (error) {
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(error->message, sizeof error->message, format, arguments);
    va_end(arguments);
    one_line(error->message);
    error->status = status;
  }
  return status;
}

void *ingot__allocate(const ingot_allocator *allocator, uint64_t size, size_t align) {
  if (!size || size > SIZE_MAX / 2) return NULL;
  void *memory = allocator->allocate(allocator->user, (size_t)size, align);
  if (memory && allocator->allocate != ingot__os_allocate) memset(memory, 0, (size_t)size);
  return memory;
}

void ingot__release(const ingot_allocator *allocator, void *memory, uint64_t size) {
  if (memory) allocator->release(allocator->user, memory, (size_t)size);
}

_Static_assert(sizeof(ingot_model) <= INGOT_MODEL_BYTES, "memory.h promises the room");

const char *ingot_version(void) { return "0.1.0"; }

static bool runs(const ingot_variant *variant) { return (variant->features & ~ingot__cpu_features()) == 0; }

const char *ingot_program_variant(const ingot_program *program, uint32_t index, bool *supported) {
  if (!program || index >= program->n_variants) return NULL;
  if (supported) *supported = runs(&program->variants[index]);
  return program->variants[index].name;
}

/* The best variant that this CPU runs, or the one by name where it runs. */
static ingot_status choose_variant(ingot_model *model, const char *name, ingot_error *error) {
  const ingot_program *program = model->program;
  char list[128] = "";
  for (uint32_t i = 0; i < program->n_variants; i++) {
    const ingot_variant *v = &program->variants[i];
    size_t used = strlen(list);
    snprintf(list + used, sizeof list - used, " %.16s", v->name);
    if (name && strncmp(name, v->name, sizeof v->name)) continue;
    if (runs(v)) {
      model->variant = v;
      return INGOT_OK;
    }
    if (name)
      return ingot__fail(error, INGOT_ERROR_CPU, "this CPU does not run variant '%.16s' of '%.64s': leave the choice to the runtime", name, program->name);
  }
  if (name) return ingot__fail(error, INGOT_ERROR_CPU, "'%.64s' has no variant '%.16s', only:%s", program->name, name, list);
  return ingot__fail(error, INGOT_ERROR_CPU, "this CPU runs no variant of '%.64s':%s; compile the model for it", program->name, list);
}

/* The plan's bytes: read or copied once, so that nobody can change them after they were checked; embedded ones are constant. */
static ingot_status load_plan(ingot_model *model, const ingot_model_options *options, const uint8_t **data, uint64_t *size, ingot_error *error) {
  const ingot_program *program = model->program;
  const char *path = options->plan_path;
  if (!path && !options->plan) {
    *data = program->plan;
    *size = program->plan_size;
    if (*data) return INGOT_OK;
    return ingot__fail(error, INGOT_ERROR_ARGUMENT, "no plan: set plan_path or plan (library '%.64s' embeds none)", program->name);
  }
  int descriptor = -1, code = path ? ingot__os_open(path, &descriptor, size) : 0;
  if (!path) *size = options->plan_size;
  if (!code && *size <= INT32_MAX) {
    model->plan_copy_bytes = *size ? *size : 1;
    model->plan_copy = ingot__allocate(&model->allocator, model->plan_copy_bytes, 64);
    if (model->plan_copy && path) code = ingot__os_read(descriptor, 0, model->plan_copy, *size);
    else if (model->plan_copy && *size) memcpy(model->plan_copy, options->plan, (size_t)*size);
  }
  if (descriptor >= 0 && (!code || model->plan_copy)) ingot__os_close(descriptor);
  if (code) {
    char text[96];
    ingot__os_error_text(code, text);
    return ingot__fail(error, INGOT_ERROR_IO, "%.120s: %s", path, text);
  }
  if (*size > INT32_MAX) return ingot__fail(error, INGOT_ERROR_PLAN, "%.120s: not a plan: it is larger than 2 GiB", path ? path : "plan");
  if (!model->plan_copy) return ingot__fail(error, INGOT_ERROR_MEMORY, "no memory for the plan's %llu bytes", (unsigned long long)*size);
  *data = model->plan_copy;
  return INGOT_OK;
}

static ingot_status open_plan(ingot_model *model, const ingot_model_options *options, ingot_error *error) {
  const uint8_t *data = NULL;
  uint64_t size = 0;
  uint8_t hash[INGOT_SHA256_SIZE];
  ingot_status status = load_plan(model, options, &data, &size, error);
  if (status) return status;
  ingot__sha256_of(data, (size_t)size, hash);
  if (memcmp(hash, model->program->plan_hash, sizeof hash))
    return ingot__fail(error, INGOT_ERROR_PLAN, "%.100s: damaged, or not made together with library '%.64s': take both from one compilation",
                       options->plan_path ? options->plan_path : "plan", model->program->name);
  return ingot__plan_open(&model->plan, data, size, model->program, model->variant, &model->allocator, error);
}

static ingot_status open_tokenizer(ingot_model *model, ingot_error *error) {
  const ingot__plan *plan = &model->plan;
  if (!plan->tokenizer_bytes) return INGOT_OK;
  return ingot__tokens_open(&model->tokenizer, model->weights.data + plan->tokenizer_offset, plan->tokenizer_bytes, plan->n_vocab, model->program->tokens,
                            model->program->name, error);
}

static ingot_status start_threads(ingot_model *model, const ingot_model_options *options, ingot_error *error) {
  ingot__core cores[INGOT__MAX_CORES];
  ingot_status status = ingot__choose_crew(&model->crew, cores, ingot__os_cores(cores), options, error);
  if (status) return status;
  const uint32_t wanted = model->crew.n_workers;
  if (ingot__os_gate_open(&model->turn)) return ingot__fail(error, INGOT_ERROR_MEMORY, "the system gives no lock");
  model->has_turn = true;
  model->scratch = ingot__allocate(&model->allocator, model->plan.scratch_bytes * wanted, INGOT_ALIGN);
  if (model->plan.scratch_bytes && !model->scratch)
    return ingot__fail(error, INGOT_ERROR_MEMORY, "no memory for the scratch of %u threads, %llu bytes each", wanted,
                       (unsigned long long)model->plan.scratch_bytes);
  model->parallel_for = options->parallel_for;
  model->parallel_user = options->parallel_user;
  if (wanted == 1 || options->parallel_for) return INGOT_OK;
  int code = ingot__pool_start(&model->pool, &model->crew);
  if (!code) {
    model->has_pool = true;
    return INGOT_OK;
  }
  char text[96];
  ingot__os_error_text(code, text);
  return ingot__fail(error, INGOT_ERROR_MEMORY, "cannot start %u threads: %s", wanted - 1, text);
}

static ingot_status check_program(const ingot_program *program, ingot_error *error) {
  if (!program) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "program is NULL");
  if (program->abi_version != INGOT_ABI_VERSION || program->size < sizeof *program)
    return ingot__fail(error, INGOT_ERROR_PLAN, "the library is of ABI %u, this runtime of ABI %d: compile the model with the matching version",
                       program->abi_version, INGOT_ABI_VERSION);
  return INGOT_OK;
}

ingot_status ingot_model_open(const ingot_program *program, const ingot_model_options *given, ingot_model **out, ingot_error *error) {
  static const ingot_allocator default_allocator = {ingot__os_allocate, ingot__os_release, NULL};
  ingot_model_options options = {0};
  if (!out) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "model is NULL");
  *out = NULL;
  ingot_status status = check_program(program, error);
  if (status) return status;
  if (given) {
    if (!given->size) return ingot__fail(error, INGOT_ERROR_ARGUMENT, "options->size is 0: set it to sizeof(ingot_model_options)");
    memcpy(&options, given, given->size < sizeof options ? given->size : sizeof options);
  }
  const ingot_allocator *allocator = options.allocator ? options.allocator : &default_allocator;
  ingot_model *model = ingot__allocate(allocator, INGOT_MODEL_BYTES, 64);
  if (!model) return ingot__fail(error, INGOT_ERROR_MEMORY, "no memory for a model's %d bytes", INGOT_MODEL_BYTES);
  model->allocator = *allocator;
  model->program = program;
  if ((status = choose_variant(model, options.variant, error)) || (status = open_plan(model, &options, error)) ||
      (status = ingot__weights_open(&model->weights, &options, program, model->plan.weights_bytes, allocator, error)) ||
      (status = ingot__weights_check(model, error)) || (status = open_tokenizer(model, error)) || (status = start_threads(model, &options, error)) ||
      (options.verify_weights && (status = ingot_model_verify(model, 0, 0, error)))) {
    ingot_model_close(model);
    return status;
  }
  *out = model;
  return INGOT_OK;
}

void ingot_model_close(ingot_model *model) {
  if (!model) return;
  ingot_allocator allocator = model->allocator;
  if (model->has_pool) ingot__pool_stop(&model->pool);
  if (model->has_turn) ingot__os_gate_close(&model->turn);
  ingot__release(&allocator, model->scratch, model->plan.scratch_bytes * model->crew.n_workers);
  ingot__weights_close(&model->weights, &allocator);
  ingot__plan_close(&model->plan, &allocator);
  ingot__release(&allocator, model->plan_copy, model->plan_copy_bytes);
  ingot__release(&allocator, model, INGOT_MODEL_BYTES);
}

ingot_status ingot_model_get_info(const ingot_model *model, ingot_model_info *info) {
  if (!model || !info || info->size < sizeof info->size) return INGOT_ERROR_ARGUMENT;
  const ingot__plan *plan = &model->plan;
  ingot_model_info full = {.size = info->size,
                           .name = (const char *)plan->name.data,
                           .architecture = (const char *)plan->architecture.data,
                           .variant = model->variant->name,
                           .source = (const char *)plan->source.data,
                           .n_vocab = plan->n_vocab,
                           .n_embd = plan->n_embd,
                           .n_layer = plan->n_layer,
                           .n_context = plan->n_context,
                           .n_threads = model->crew.n_workers,
                           .n_decode_threads = model->crew.n_decode,
                           .chunk = plan->phase[INGOT__PREFILL].max_tokens,
                           .weights_bytes = plan->weights_bytes,
                           .has_tokenizer = model->tokenizer.present,
                           .has_chat_template = plan->has_template,
                           .bos = model->tokenizer.present && model->tokenizer.bos != UINT32_MAX ? (ingot_token)model->tokenizer.bos : -1};
  memcpy(info, &full, info->size < sizeof full ? info->size : sizeof full);
  return INGOT_OK;
}
