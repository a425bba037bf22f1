/* A chat template: refused with a place, or bytecode that runs within its memory and ends. The bytecode itself, changed, too: what a plan holds. */
#include "fuzz.h"

#include <dirent.h>

#include "frontend/tokenizer.h"
#include "runtime/template_run.h"

static void *allocate(void *user, size_t size, size_t align) {
  (void)user;
  return aligned_alloc(align, (size + align - 1) / align * align);
}
static void release(void *user, void *memory, size_t size) {
  (void)user, (void)size;
  free(memory);
}

static void run(const uint8_t *code, size_t size, const char *strings, size_t strings_size, const ingot__conversation *talk) {
  const ingot_allocator allocator = {allocate, release, NULL};
  ingot__rendered out;
  ingot_error error = {INGOT_OK, ""};
  ingot_status status = ingot__template_run((ingot__vec){code, (uint32_t)size}, (ingot__vec){(const uint8_t *)strings, (uint32_t)strings_size}, talk,
                                            &allocator, &out, &error);
  if (status) FUZZ_CHECK(error.message[0]);
  else ingot__release(&allocator, out.text, out.bytes);
}

void fuzz_one(const uint8_t *data, size_t size) {
  static const ingot_message messages[] = {{"system", "Be kind."}, {"user", " Hi \n"}, {"assistant", "Hello \"you\""}, {"user", ""}};
  static const char json[] =
      "{\"messages\": [{\"role\": \"user\", \"content\": \"x\"}], \"tools\": [{\"name\": \"f\", \"n\": 1.5, \"list\": [1, null, true]}]}";
  const ingot__conversation talk = {.messages = messages, .n = 4, .add_assistant = true}, other = {.json = json, .json_size = sizeof json - 1};
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_template t;
  if (size > 1 << 16) return;
  ig_template_compile((ig_str){(const char *)data, size}, "<s>", "</s>", "fuzz", &arena, &t, &diags);
  FUZZ_CHECK(t.present == !diags.count);
  if (t.present) {
    run(t.code, t.code_size, t.strings, t.strings_size, &talk);
    run(t.code, t.code_size, t.strings, t.strings_size, &other);
  }
  static const char strings[] = "messagesrolecontentadd_generation_prompt";
  run(data, size, strings, sizeof strings - 1, &talk);
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
}

/* The templates of the golden texts, and the bytecode of one. */
void fuzz_seeds(fuzz_add *add, void *user) {
  static const char source[] =
      "{% macro f(a, b='x') %}{{ a ~ b }}{% endmacro %}{% set ns = namespace(n=0) %}{% for m in messages if m.role != 'system' %}{% set ns.n = ns.n + 1 %}"
      "{{ f(m.content | trim, loop.index) }}{% else %}none{% endfor %}{{ ns.n }}{% if tools is defined %}{{ tools | tojson }}{% endif %}";
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_template t;
  add(user, source, sizeof source - 1);
  FUZZ_CHECK(ig_template_compile(ig_str_of(source), "<s>", "</s>", "seed", &arena, &t, &diags));
  add(user, t.code, t.code_size);
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
  char path[4096];
  const char *root = getenv("INGOT_SOURCE");
  snprintf(path, sizeof path, "%s/tests/golden/chat", root ? root : ".");
  struct dirent **entries = NULL;
  const int n = scandir(path, &entries, NULL, alphasort);
  for (int i = 0; i < n; i++) {
    snprintf(path, sizeof path, "tests/golden/chat/%s", entries[i]->d_name);
    if (strstr(entries[i]->d_name, ".jinja")) fuzz_add_file(add, user, path, 1 << 16);
    free(entries[i]);
  }
  free(entries);
}
