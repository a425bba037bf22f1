/* Chat templates of the kinds in use against what Jinja makes of them, byte for byte (tests/golden/chat, written by chat_golden.py). */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/tokenizer.h"
#include "runtime/template_run.h"

enum { NOW = 1721999109 }; /* 2024-07-26 13:05:09 UTC, chat_golden.py's */

static uint32_t failures, renderings, refusals;

static void *allocate(void *user, size_t size, size_t align) { return (void)user, aligned_alloc(align, (size + align - 1) / align * align); }
static void release(void *user, void *memory, size_t size) { (void)user, (void)size, free(memory); }
static const ingot_allocator allocator = {allocate, release, NULL};

static bool read_file(const char *folder, const char *name, const char *extension, ig_arena *arena, ig_str *out) {
  ig_diags diags = {0};
  bool fine = ig_read_small_file(ig_format(arena, "%s/%s%s", folder, name, extension), 1 << 20, arena, out, &diags);
  ig_diags_finish(&diags);
  return fine;
}

/* The line at *at, without its end. */
static ig_str line(ig_str text, size_t *at) {
  size_t from = *at, to = from;
  while (to < text.size && text.data[to] != '\n') to++;
  *at = to + (to < text.size);
  return (ig_str){text.data + from, to - from};
}

/* The JSON of the conversation by this name. */
static ig_str conversation(ig_str all, const char *name) {
  for (size_t at = 0; at < all.size;) {
    ig_str l = line(all, &at);
    size_t n = strlen(name);
    if (l.size > n && memcmp(l.data, name, n) == 0 && l.data[n] == '\t') return (ig_str){l.data + n + 1, l.size - n - 1};
  }
  return (ig_str){NULL, 0};
}

static void compare(const char *file, const char *talk_name, bool prompt, const ig_template *t, ig_str json, ig_str expect, bool fails) {
  ingot_error error = {INGOT_OK, ""};
  ingot__rendered out;
  const ingot__conversation talk = {.json = json.data, .json_size = json.size, .add_assistant = prompt, .now = NOW};
  ingot_status status = ingot__template_run((ingot__vec){t->code, t->code_size}, (ingot__vec){(const uint8_t *)t->strings, t->strings_size}, &talk, &allocator,
                                            &out, &error);
  const bool same = fails ? status == INGOT_ERROR_ARGUMENT
                          : !status && out.size == expect.size && (!out.size || memcmp(out.text, expect.data, expect.size) == 0);
  renderings++;
  refusals += status != INGOT_OK;
  if (!same) {
    size_t at = 0;
    while (!status && at < out.size && at < expect.size && out.text[at] == expect.data[at]) at++;
    printf("%s, %s%s: %s %s; differs at byte %zu\n--- got\n%.*s\n--- expected\n%.*s\n---\n", file, talk_name, prompt ? " with prompt" : "",
           status ? "refused:" : "rendered", error.message, at, (int)(out.size > 3000 ? 3000 : out.size), out.text ? out.text : "", (int)expect.size,
           expect.data);
    failures++;
  }
  if (!status) ingot__release(&allocator, out.text, out.bytes);
}

static void test_file(const char *folder, const char *name, ig_str talks) {
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_template t;
  ig_str source, golden;
  if (!read_file(folder, name, ".jinja", &arena, &source) || !read_file(folder, name, ".txt", &arena, &golden) ||
      !ig_template_compile(source, "<s>", "</s>", name, &arena, &t, &diags)) {
    printf("%s: %s\n", name, diags.count ? diags.items[0].text : "not there");
    failures++;
  } else {
    for (size_t at = 0; at < golden.size;) {
      char talk[64] = "";
      int prompt = 0;
      long size = 0;
      ig_str head = line(golden, &at);
      if (head.size > 100 || sscanf(ig_format(&arena, "%.*s", (int)head.size, head.data), "@ %63s %d %ld", talk, &prompt, &size) != 3 ||
          size > (long)(golden.size - at)) {
        printf("%s: its golden file is damaged\n", name);
        failures++;
        break;
      }
      const size_t n = size < 0 ? 0 : (size_t)size;
      compare(name, talk, prompt != 0, &t, conversation(talks, talk), (ig_str){golden.data + at, n}, size < 0);
      at += n + 1;
    }
  }
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
}

int main(void) {
  ig_arena arena = {0};
  const char *source = getenv("INGOT_SOURCE"), *folder = ig_format(&arena, "%s/tests/golden/chat", source ? source : ".");
  DIR *d = opendir(folder);
  ig_str talks;
  uint32_t files = 0;
  if (!d || !read_file(folder, "conversations", ".tsv", &arena, &talks)) return printf("%s cannot be read\n", folder), 1;
  for (struct dirent *e = readdir(d); e; e = readdir(d)) {
    const size_t n = strlen(e->d_name);
    if (n < 7 || strcmp(e->d_name + n - 6, ".jinja") != 0) continue;
    test_file(folder, ig_format(&arena, "%.*s", (int)(n - 6), e->d_name), talks);
    files++;
  }
  closedir(d);
  ig_arena_finish(&arena);
  printf("%u templates, %u renderings, %u of them refused as Jinja does, %u differ\n", files, renderings, refusals, failures);
  return failures || files < 55 || renderings < 1300 ? 1 : 0;
}
