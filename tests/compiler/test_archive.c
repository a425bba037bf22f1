/* Archives: read back as written, listed by the system's ar and nm where there are such, and damaged ones refused. */
#define _POSIX_C_SOURCE 200809L
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codegen/archive.h"
#include "driver/bundle_folder.h"

static int failures;
#define CHECK(condition, ...) \
  do { \
    if (!(condition)) failures++, printf("%s:%d: ", __FILE__, __LINE__), printf(__VA_ARGS__), puts(""); \
  } while (0)

static const char *const one[] = {"chat_program"}, *const two[] = {"chat__avx2_quant_a32", "chat__avx2_glu"};
static const ig_archive_member members[] = {
  {"program.o", "odd", 3, one, 1}, {"avx2.0.o", "even", 4, two, 2}, {"fifteen.chars.o", "", 0, NULL, 0}, {"x.o", "0123456789", 10, NULL, 0}};
enum { MEMBERS = sizeof members / sizeof *members };

static int count(ig_str archive, ig_diags *diags) {
  ig_str name, data;
  int n = 0;
  for (size_t at = 0; ig_next_member(archive, &at, &name, &data, "test.a", diags); n++) {
    if (n >= MEMBERS) continue;
    if (name.size != strlen(members[n].name) || memcmp(name.data, members[n].name, name.size) || data.size != members[n].size ||
        memcmp(data.data, members[n].data, data.size))
      return -1;
  }
  return n;
}

static const char *output_of(ig_arena *arena, const char *command) {
  ig_text text = {0};
  FILE *from = popen(command, "r");
  char line[256];
  while (from && fgets(line, sizeof line, from)) ig_text_printf(&text, "%s", line);
  if (from) pclose(from);
  char *copy = ig_copy_string(arena, text.data ? text.data : "");
  ig_text_finish(&text);
  return copy;
}

static void test_tools(const ig_text *archive) {
  ig_arena arena = {0};
  ig_diags diags = {0};
  char folder[] = "/tmp/ingot-archive-XXXXXX";
  if (system("ar --version > /dev/null 2>&1") != 0) {
    printf("no ar here: not compared with it\n");
    return;
  }
  CHECK(mkdtemp(folder) != NULL, "no folder");
  const char *path = ig_format(&arena, "%s/libtest.a", folder);
  CHECK(ig_write_file(path, archive->data, archive->size, &diags), "cannot write");
  const char *list = output_of(&arena, ig_format(&arena, "ar t %s 2>&1", path));
  CHECK(!strcmp(list, "program.o\navx2.0.o\nfifteen.chars.o\nx.o\n"), "ar lists\n%s", list);
  const char *data = output_of(&arena, ig_format(&arena, "ar p %s avx2.0.o 2>&1", path)),
             *verbose = output_of(&arena, ig_format(&arena, "TZ=UTC ar tv %s 2>&1", path));
  CHECK(!strcmp(data, "even"), "ar gives %s", data);
  CHECK(strstr(verbose, "1970") != NULL, "there is a time in it:\n%s", verbose);
  const char *index = output_of(&arena, ig_format(&arena, "nm -s %s 2>/dev/null", path));
  CHECK(strstr(index, "chat_program in program.o") && strstr(index, "chat__avx2_glu in avx2.0.o"), "nm's index is\n%s", index);
  ig_remove_tree(folder);
  ig_arena_finish(&arena);
}

/* The other flavours by the tools of LLVM, which read all of them: the same members, and for Mach-O a header's alignment of 8. */
static void test_flavours(void) {
  static const struct {
    ig_object_format format;
    const char *kind, *program;
  } flavours[] = {{IG_MACHO, "darwin", "_chat_program"}, {IG_COFF, "coff", "chat_program"}};
  ig_arena arena = {0};
  ig_diags diags = {0};
  char folder[] = "/tmp/ingot-archive-XXXXXX";
  if (system("llvm-nm-22 --version > /dev/null 2>&1") != 0) {
    printf("no llvm-nm-22 here: flavours are not compared with it\n");
    return;
  }
  CHECK(mkdtemp(folder) != NULL, "no folder");
  for (int f = 0; f < 2; f++) {
    ig_text archive = {0};
    ig_write_archive(flavours[f].format, members, MEMBERS, &archive);
    const char *path = ig_format(&arena, "%s/%s.a", folder, flavours[f].kind);
    CHECK(ig_write_file(path, archive.data, archive.size, &diags), "cannot write");
    const char *list = output_of(&arena, ig_format(&arena, "llvm-ar-22 t %s 2>&1", path)),
               *data = output_of(&arena, ig_format(&arena, "llvm-ar-22 p %s avx2.0.o 2>&1", path));
    CHECK(!strcmp(list, "program.o\navx2.0.o\nfifteen.chars.o\nx.o\n"), "%s: llvm-ar lists\n%s", flavours[f].kind, list);
    CHECK(!strncmp(data, "even", 4), "%s: llvm-ar gives %s", flavours[f].kind, data);
    const char *index = output_of(&arena, ig_format(&arena, "llvm-nm-22 -M %s 2>/dev/null", path));
    CHECK(strstr(index, ig_format(&arena, "%s in program.o", flavours[f].program)) && strstr(index, "chat__avx2_glu in avx2.0.o"), "%s: the index is\n%s",
          flavours[f].kind, index);
    for (size_t at = 0; flavours[f].format == IG_MACHO && at + 4 < archive.size; at++)
      if (!memcmp(archive.data + at, "even", 4)) CHECK(at % 8 == 0, "an object lies at %zu", at);
    ig_text_finish(&archive);
  }
  ig_remove_tree(folder);
  ig_arena_finish(&arena);
}

int main(void) {
  ig_text archive = {0};
  ig_diags diags = {0};
  ig_write_archive(IG_ELF, members, MEMBERS, &archive);
  CHECK(count((ig_str){archive.data, archive.size}, &diags) == MEMBERS && !diags.errors, "it does not come back as written");
  test_tools(&archive);
  test_flavours();
  /* Every truncation ends in an error or at the end of a member; so does every changed byte. Copies of the exact size let a sanitizer see. */
  for (size_t n = 0; n < archive.size; n++) {
    char *cut = malloc(n ? n : 1);
    if (!cut) return 1;
    memcpy(cut, archive.data, n);
    ig_diags complaint = {0};
    int got = count((ig_str){cut, n}, &complaint);
    CHECK(got < MEMBERS, "cut to %zu bytes it is whole", n);
    free(cut);
    ig_diags_finish(&complaint);
  }
  for (size_t i = 0; i < archive.size; i++)
    for (int bit = 0; bit < 8; bit++) {
      archive.data[i] = (char)(archive.data[i] ^ 1 << bit);
      ig_diags complaint = {0};
      count((ig_str){archive.data, archive.size}, &complaint);
      ig_diags_finish(&complaint);
      archive.data[i] = (char)(archive.data[i] ^ 1 << bit);
    }
  ig_text_finish(&archive);
  ig_diags_finish(&diags);
  return failures > 0;
}
