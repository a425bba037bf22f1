/* A linker of one kind of file: ELF64 x86-64 relocatable objects as our code generator writes them, into one mapping of this process. */
#define _GNU_SOURCE
#include "codegen/jit.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

typedef struct object {
  unsigned char *bytes;
  size_t size;
  size_t *place; /* of each section in the mapping; SIZE_MAX: not loaded */
} object;

typedef struct defined {
  const char *name;
  void *address;
} defined;

struct ig_jit {
  defined *defined;
  size_t n_defined, defined_capacity;
  object *objects;
  size_t count, capacity, linked;
  unsigned char *memory;
  size_t memory_size, mapped;
  const char *place;             /* in diagnostics */
  ig_arena arena;
};

enum { MEMORY = 64 << 20 }; /* address space only: one mapping keeps all 32-bit distances in reach */

ig_jit *ig_jit_create(const char *place) {
  ig_jit *jit = ig_heap_zeroed(1, sizeof *jit);
  void *memory = mmap(NULL, MEMORY, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
  if (memory == MAP_FAILED) ig_no_memory(MEMORY);
  jit->memory = memory;
  jit->place = ig_copy_string(&jit->arena, place);
  jit->memory_size = MEMORY;
  return jit;
}

void ig_jit_destroy(ig_jit *jit) {
  if (!jit) return;
  munmap(jit->memory, jit->memory_size);
  for (size_t i = 0; i < jit->count; i++) free(jit->objects[i].bytes);
  ig_arena_finish(&jit->arena);
  free(jit);
}

static const Elf64_Ehdr *header(const object *o) { return (const Elf64_Ehdr *)(const void *)o->bytes; }
static const Elf64_Shdr *section(const object *o, size_t i) { return (const Elf64_Shdr *)(const void *)(o->bytes + header(o)->e_shoff) + i; }
static bool inside(const object *o, uint64_t offset, uint64_t size) { return offset <= o->size && size <= o->size - offset; }

static bool well_formed(const object *o) {
  const Elf64_Ehdr *h = header(o);
  if (o->size < sizeof *h || memcmp(h->e_ident, ELFMAG "\2\1", 6) != 0 || h->e_type != ET_REL || h->e_machine != EM_X86_64) return false;
  if (h->e_shentsize != sizeof(Elf64_Shdr) || h->e_shoff % 8 || !inside(o, h->e_shoff, (uint64_t)h->e_shnum * sizeof(Elf64_Shdr))) return false;
  for (size_t i = 0; i < h->e_shnum; i++) {
    const Elf64_Shdr *s = section(o, i);
    if (s->sh_type != SHT_NOBITS && !inside(o, s->sh_offset, s->sh_size)) return false;
    if ((s->sh_type == SHT_SYMTAB || s->sh_type == SHT_RELA) && (s->sh_offset % 8 || s->sh_link >= h->e_shnum)) return false;
    if (s->sh_type == SHT_RELA && s->sh_info >= h->e_shnum) return false;
    if (s->sh_type == SHT_STRTAB && (!s->sh_size || o->bytes[s->sh_offset + s->sh_size - 1])) return false;
  }
  return true;
}

bool ig_jit_add_object(ig_jit *jit, const void *bytes, size_t size, ig_diags *diags) {
  object o = {ig_heap_grow(NULL, size), size, NULL};
  memcpy(o.bytes, bytes, size);
  if (!well_formed(&o)) {
    free(o.bytes);
    return ig_error(diags, jit->place, "is not an x86-64 ELF object of this compiler");
  }
  jit->objects = ig_grow(&jit->arena, jit->objects, jit->count, &jit->capacity, sizeof *jit->objects);
  jit->objects[jit->count++] = o;
  return true;
}

void ig_jit_define(ig_jit *jit, const char *name, const void *address) {
  jit->defined = ig_grow(&jit->arena, jit->defined, jit->n_defined, &jit->defined_capacity, sizeof *jit->defined);
  jit->defined[jit->n_defined++] = (defined){name, (void *)(uintptr_t)address};
}

/* The symbol table of an object, and its names. */
static const Elf64_Sym *symbols_of(const object *o, size_t *count, const char **names, size_t *names_size) {
  for (size_t i = 0; i < header(o)->e_shnum; i++) {
    const Elf64_Shdr *s = section(o, i);
    if (s->sh_type != SHT_SYMTAB) continue;
    *count = s->sh_size / sizeof(Elf64_Sym);
    *names = (const char *)o->bytes + section(o, s->sh_link)->sh_offset;
    *names_size = section(o, s->sh_link)->sh_size;
    return (const Elf64_Sym *)(const void *)(o->bytes + s->sh_offset);
  }
  *count = 0;
  return NULL;
}

static void *address_of(const ig_jit *jit, const object *o, const Elf64_Sym *s) {
  if (s->st_shndx == SHN_UNDEF || s->st_shndx >= header(o)->e_shnum || o->place[s->st_shndx] == SIZE_MAX) return NULL;
  return jit->memory + o->place[s->st_shndx] + s->st_value;
}

static void *find_global(const ig_jit *jit, const char *name) {
  for (size_t k = 0; k < jit->linked; k++) {
    size_t n, names_size;
    const char *names;
    const Elf64_Sym *s = symbols_of(&jit->objects[k], &n, &names, &names_size);
    for (size_t i = 0; i < n; i++)
      if (ELF64_ST_BIND(s[i].st_info) != STB_LOCAL && s[i].st_name < names_size && !strcmp(names + s[i].st_name, name)) {
        void *address = address_of(jit, &jit->objects[k], &s[i]);
        if (address) return address;
      }
  }
  for (size_t i = 0; i < jit->n_defined; i++)
    if (!strcmp(jit->defined[i].name, name)) return jit->defined[i].address;
  return NULL;
}

static bool place_sections(ig_jit *jit, object *o) {
  size_t n = header(o)->e_shnum;
  o->place = ig_alloc_array(&jit->arena, n, sizeof *o->place);
  for (size_t i = 0; i < n; i++) {
    const Elf64_Shdr *s = section(o, i);
    o->place[i] = SIZE_MAX;
    if (!(s->sh_flags & SHF_ALLOC) || !s->sh_size) continue;
    size_t at = ig_round_up(jit->mapped, s->sh_addralign > 1 ? s->sh_addralign : 1);
    if (at > jit->memory_size || s->sh_size > jit->memory_size - at) return false;
    o->place[i] = at;
    jit->mapped = at + s->sh_size;
  }
  return true;
}

static bool relocate(ig_jit *jit, const object *o, const Elf64_Shdr *rela, ig_diags *diags) {
  size_t n_symbols, names_size;
  const char *names;
  const Elf64_Sym *symbols = symbols_of(o, &n_symbols, &names, &names_size);
  const Elf64_Rela *r = (const Elf64_Rela *)(const void *)(o->bytes + rela->sh_offset), *end = &r[rela->sh_size / sizeof *r];
  size_t base = o->place[rela->sh_info], limit = section(o, rela->sh_info)->sh_size;
  for (; base != SIZE_MAX && r < end; r++) {
    size_t index = ELF64_R_SYM(r->r_info), width = ELF64_R_TYPE(r->r_info) == R_X86_64_64 ? 8 : 4;
    if (index >= n_symbols || r->r_offset > limit || width > limit - r->r_offset) return ig_error(diags, jit->place, "has a damaged relocation");
    const char *name = symbols[index].st_name < names_size ? names + symbols[index].st_name : "";
    unsigned char *target = address_of(jit, o, &symbols[index]);
    if (!target) target = find_global(jit, name);
    if (!target) return ig_error(diags, jit->place, "refers to the symbol '%s', which none of its objects has", name);
    unsigned char *where = jit->memory + base + r->r_offset;
    int64_t value = (int64_t)(intptr_t)target + r->r_addend;
    switch (ELF64_R_TYPE(r->r_info)) {
    case R_X86_64_64: memcpy(where, &value, 8); break;
    case R_X86_64_PC32:
    case R_X86_64_PLT32: {
      int32_t distance = (int32_t)(value - (int64_t)(intptr_t)where);
      memcpy(where, &distance, 4);
      break;
    }
    default: return ig_error(diags, jit->place, "has a relocation of type %u, which kernels never have", (unsigned)ELF64_R_TYPE(r->r_info));
    }
  }
  return true;
}

/* Links the objects added since the last time: on pages of their own, so that earlier code stays executable. */
static bool link_objects(ig_jit *jit, ig_diags *diags) {
  size_t first = jit->linked, start = ig_round_up(jit->mapped, 65536);
  jit->mapped = start;
  for (size_t k = first; k < jit->count; k++)
    if (!place_sections(jit, &jit->objects[k])) return ig_error(diags, jit->place, "is larger than the %u MiB that can be loaded", (unsigned)(MEMORY >> 20));
  size_t bytes = ig_round_up(jit->mapped - start, 65536);
  if (bytes && mprotect(jit->memory + start, bytes, PROT_READ | PROT_WRITE) != 0) return ig_error(diags, jit->place, "cannot get memory to load it");
  for (size_t k = first; k < jit->count; k++)
    for (size_t i = 0; i < header(&jit->objects[k])->e_shnum; i++) {
      const Elf64_Shdr *s = section(&jit->objects[k], i);
      if (jit->objects[k].place[i] != SIZE_MAX && s->sh_type != SHT_NOBITS)
        memcpy(jit->memory + jit->objects[k].place[i], jit->objects[k].bytes + s->sh_offset, s->sh_size);
    }
  jit->linked = jit->count;
  for (size_t k = first; k < jit->count; k++)
    for (size_t i = 0; i < header(&jit->objects[k])->e_shnum; i++)
      if (section(&jit->objects[k], i)->sh_type == SHT_RELA && !relocate(jit, &jit->objects[k], section(&jit->objects[k], i), diags)) return false;
  if (bytes && mprotect(jit->memory + start, bytes, PROT_READ | PROT_EXEC) != 0) return ig_error(diags, jit->place, "cannot make the loaded code executable");
  return true;
}

void *ig_jit_symbol(ig_jit *jit, const char *name, ig_diags *diags) {
  if (jit->linked < jit->count && !link_objects(jit, diags)) return NULL;
  void *address = find_global(jit, name);
  if (!address) ig_error(diags, jit->place, "has no symbol '%s'", name);
  return address;
}
