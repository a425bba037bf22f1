/* Schedules are Lua, and this file is all that sees it. The sandbox: text only (no bytecode), a table of a few pure functions as globals,
 * no way to files, time, random numbers, patterns or the order of a table (so the same text gives the same rules on every machine), and budgets
 * for instructions and memory. There is no pcall: the first error ends the run, with the line it happened at. */
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "passes/schedule.h"

/* Instructions alone do not bound time: one may join, copy or collect all the memory there is. So memory is scarce, in one piece (the longest
 * string), at a time, and in sum; and after some refusals, each of which made Lua collect its garbage, nothing more is given. */
enum {
  INSTRUCTIONS = 200000,
  PER_HOOK = 1000,
  PIECE = 64 << 10,
  MEMORY = 1 << 20,
  MEMORY_IN_SUM = 64 << 20,
  REFUSALS = 64,
  RULES = 500,
  ENTRIES = 32,
  TEXTS = 32,
  TEXT = 40
};

typedef struct sandbox {
  ig_schedule *schedule;
  ig_diags *diags;
  const char *files[2];          /* sources are named "0", "1" for Lua, so that its messages can be taken apart */
  size_t alive, asked;
  int refusals, instructions, rules;
  int file, line;                /* where it is */
  int caller;                    /* the line of the user's file that an error came from */
  bool too_long;
} sandbox;

static sandbox *of(lua_State *L) {
  void *user;
  lua_getallocf(L, &user);
  return user;
}

static void *allocate(void *user, void *old, size_t old_size, size_t size) {
  sandbox *s = user;
  if (!old) old_size = 0;        /* Lua passes a kind of object then */
  if (size == 0) {
    free(old);
    s->alive -= old_size;
    return NULL;
  }
  if (size > old_size && (size > PIECE || s->alive + (size - old_size) > MEMORY || s->asked + size > MEMORY_IN_SUM || s->refusals > REFUSALS)) {
    s->refusals++;
    return NULL;
  }
  void *p = realloc(old, size);
  if (!p) return NULL;
  s->alive += size - old_size;
  s->asked += size > old_size ? size : 0;
  return p;
}

static void place_from(sandbox *s, const lua_Debug *at) {
  if (at->currentline <= 0 || (strcmp(at->short_src, "0") && strcmp(at->short_src, "1"))) return;
  s->file = at->short_src[0] - '0';
  s->line = at->currentline;
}

/* At every line, for the place of errors that come without one; and after so many instructions. */
static void hook(lua_State *L, lua_Debug *at) {
  sandbox *s = of(L);
  lua_getinfo(L, "Sl", at);
  place_from(s, at);
  if (at->event != LUA_HOOKCOUNT) return;
  s->instructions += PER_HOOK;
  if (s->instructions < INSTRUCTIONS) return;
  s->too_long = true;
  lua_sethook(L, hook, LUA_MASKCOUNT, 1); /* whatever catches the error below: the next instruction raises it again */
  luaL_error(L, "too long");
}

/* ---- what the text may call ---- */

/* The line of the user's file that led here, through whatever functions of lib.lua. */
static const char *caller(lua_State *L, sandbox *s) {
  lua_Debug at;
  int line = s->line, file = s->file;
  for (int level = 1; lua_getstack(L, level, &at); level++) {
    lua_getinfo(L, "Sl", &at);
    if (at.currentline <= 0) continue;
    file = at.short_src[0] - '0', line = at.currentline;
    if (file == 1) break;
  }
  return ig_format(s->schedule->arena, "%s:%d", s->files[file], line);
}

static ig_entry entry_at_top(lua_State *L, sandbox *s) {
  ig_arena *arena = s->schedule->arena;
  ig_entry e = {.kind = IG_ENTRY_OTHER, .type = luaL_typename(L, -1)};
  switch (lua_type(L, -1)) {
  case LUA_TBOOLEAN: e.kind = IG_ENTRY_BOOLEAN, e.boolean = lua_toboolean(L, -1); break;
  case LUA_TNUMBER: e.kind = IG_ENTRY_NUMBER, e.number = lua_tonumber(L, -1), e.integer = floor(e.number) == e.number && fabs(e.number) < 1e15; break;
  case LUA_TSTRING: {
    const char **one = ig_alloc(arena, sizeof *one);
    size_t size;
    const char *text = lua_tolstring(L, -1, &size);
    one[0] = ig_str_printable(arena, (ig_str){text, size < TEXT ? size : TEXT});
    e.kind = IG_ENTRY_TEXTS, e.texts = one, e.n_texts = 1;
    break;
  }
  case LUA_TTABLE: {
    lua_Unsigned n = lua_rawlen(L, -1);
    if (n > TEXTS) break;
    const char **texts = ig_alloc_array(arena, n ? (size_t)n : 1, sizeof *texts);
    e.kind = IG_ENTRY_TEXTS, e.texts = texts;
    for (lua_Unsigned i = 1; i <= n; i++) {
      bool string = lua_rawgeti(L, -1, (lua_Integer)i) == LUA_TSTRING;
      size_t size;
      const char *text = string ? lua_tolstring(L, -1, &size) : NULL;
      if (string) texts[e.n_texts++] = ig_str_printable(arena, (ig_str){text, size < TEXT ? size : TEXT});
      else e.kind = IG_ENTRY_OTHER, e.type = ig_format(arena, "table with a %s in it", luaL_typename(L, -1));
      lua_pop(L, 1);
    }
    break;
  }
  default: break;
  }
  return e;
}

static int by_key(const void *a, const void *b) { return strcmp(((const ig_entry *)a)->key, ((const ig_entry *)b)->key); }

/* The table's entries by name: a table's own order changes from run to run. */
static int add_rule(lua_State *L) {
  bool program = lua_toboolean(L, lua_upvalueindex(1));
  sandbox *s = of(L);
  if (++s->rules > RULES) return luaL_error(L, "more than %d rules", RULES);
  if (lua_gettop(L) != 1 || !lua_istable(L, 1))
    return luaL_error(L, "%s takes one table: %s { ... }", program ? "program" : "kernel", program ? "program" : "kernel");
  ig_entry entries[ENTRIES];
  size_t n = 0;
  for (lua_pushnil(L); lua_next(L, 1); lua_pop(L, 1)) {
    if (n == ENTRIES) return luaL_error(L, "a rule with more than %d entries", ENTRIES);
    entries[n] = entry_at_top(L, s);
    bool named = lua_type(L, -2) == LUA_TSTRING;
    size_t size;
    const char *key = named ? lua_tolstring(L, -2, &size) : NULL;
    entries[n++].key = named ? ig_str_printable(s->schedule->arena, (ig_str){key, size < TEXT ? size : TEXT}) : "[...]";
  }
  qsort(entries, n, sizeof *entries, by_key);
  ig_schedule_add(s->schedule, program, caller(L, s), entries, n, s->diags);
  return 0;
}

static int fail(lua_State *L) { return luaL_error(L, "%s", lua_tostring(L, 1) ? lua_tostring(L, 1) : "error without a text"); }

static void text_field(lua_State *L, const char *name, const char *text) { lua_pushstring(L, text), lua_setfield(L, -2, name); }
static void number_field(lua_State *L, const char *name, uint32_t n) { lua_pushinteger(L, n), lua_setfield(L, -2, name); }
static void claim_field(lua_State *L, const char *name, bool claim) { lua_pushboolean(L, claim), lua_setfield(L, -2, name); }

/* target = {name, variants = {{name, lanes, registers, vnni, fma}, ...}}, best first; formats = {{name, activation}, ...} */
static void push_facts(lua_State *L, const ig_target *target) {
  lua_newtable(L);
  text_field(L, "name", target->name);
  lua_newtable(L);
  for (uint32_t i = 0; i < target->n_variants + target->n_forms; i++) {
    const ig_variant *v = &target->variants[i];
    lua_newtable(L);
    text_field(L, "name", v->name);
    number_field(L, "lanes", v->lanes), number_field(L, "registers", v->registers);
    claim_field(L, "vnni", v->dot == IG_DOT_VNNI), claim_field(L, "fma", v->fma);
    lua_rawseti(L, -2, (lua_Integer)i + 1);
  }
  lua_setfield(L, -2, "variants");
  lua_setfield(L, -2, "target");
  lua_newtable(L);
  for (int i = 0; ig_layout_at(i); i++) {
    lua_newtable(L);
    text_field(L, "name", ig_layout_at(i)->format);
    text_field(L, "activation", ig_activation_name(ig_layout_at(i)->activation));
    lua_rawseti(L, -2, i + 1);
  }
  lua_setfield(L, -2, "formats");
}

/* Copies `names` of a library that is loaded for this alone into the table at the top (a table of its own there where `into` is named). */
static void lend(lua_State *L, lua_CFunction library, const char *const *names, const char *into) {
  lua_pushcfunction(L, library);
  lua_call(L, 0, 1);
  if (into) lua_newtable(L);
  for (; *names; names++) {
    lua_getfield(L, into ? -2 : -1, *names);
    lua_setfield(L, into ? -2 : -3, *names);
  }
  if (into) lua_setfield(L, -3, into);
  lua_pop(L, 1);
}

static int base_without_globals(lua_State *L) { /* luaopen_base fills the globals: they are nobody's afterwards */
  lua_pushcfunction(L, luaopen_base);
  lua_call(L, 0, 1);
  return 1;
}

static void push_environment(lua_State *L, const ig_target *target) {
  static const char *const base[] = {"ipairs", "type", "assert", "select", NULL};
  static const char *const math[] = {"floor", "ceil", "min", "max", "abs", "tointeger", NULL};
  lua_newtable(L);
  lend(L, base_without_globals, base, NULL);
  lend(L, luaopen_math, math, "math");
  lua_pushcfunction(L, fail), lua_setfield(L, -2, "error");
  for (int program = 0; program < 2; program++) {
    lua_pushboolean(L, program);
    lua_pushcclosure(L, add_rule, 1);
    lua_setfield(L, -2, program ? "program" : "kernel");
  }
  push_facts(L, target);
}

/* Globals that are not there: said at once, for a misspelt one as for one that the sandbox keeps away. */
static int no_global(lua_State *L) {
  return luaL_error(L, "there is no `%s` in schedules; see docs/SCHEDULES.md for what there is", lua_type(L, 2) == LUA_TSTRING ? lua_tostring(L, 2) : "?");
}

static void refuse_unknown_globals(lua_State *L) { /* of the table at the top; no one else can reach its metatable */
  lua_newtable(L);
  lua_pushcfunction(L, no_global), lua_setfield(L, -2, "__index");
  lua_setmetatable(L, -2);
}

/* ---- a run ---- */

typedef struct source {
  const char *name;
  ig_str text;
} source;

/* In protected mode; arguments: the two sources. */
static int run(lua_State *L) {
  const source *sources = lua_touserdata(L, 1);
  lua_settop(L, 0);
  push_environment(L, of(L)->schedule->target);
  refuse_unknown_globals(L);
  for (int i = 0; i < 2; i++) {
    of(L)->file = i, of(L)->line = 1;
    char name[] = {'=', (char)('0' + i), 0};
    if (luaL_loadbufferx(L, sources[i].text.data, sources[i].text.size, name, "t") != LUA_OK) return lua_error(L);
    lua_pushvalue(L, 1);
    lua_setupvalue(L, -2, 1);
    lua_call(L, 0, 0);
  }
  return 0;
}

/* Where an error in lib.lua comes from: the user's line that called it. */
static int remember_caller(lua_State *L) {
  sandbox *s = of(L);
  lua_Debug at;
  for (int level = 1; s->caller == 0 && lua_getstack(L, level, &at); level++) {
    lua_getinfo(L, "Sl", &at);
    if (at.currentline > 0 && !strcmp(at.short_src, "1")) s->caller = at.currentline;
  }
  return 1;
}

/* "1:12: what" -> place and what; without the numbers, the last line that was run. */
static void report(sandbox *s, int status, const char *message) {
  int file = s->file, line = s->line, used = 0, f, l;
  if (message && !s->too_long && sscanf(message, "%d:%d: %n", &f, &l, &used) == 2 && used && (f == 0 || f == 1)) file = f, line = l, message += used;
  if (file == 0 && s->caller) file = 1, line = s->caller;
  const char *place = ig_format(s->schedule->arena, "%s:%d", s->files[file], line);
  if (s->too_long) ig_error(s->diags, place, "the schedule runs too long: it may take %d instructions; look for a loop without an end", INSTRUCTIONS);
  else if (status == LUA_ERRMEM)
    ig_error(s->diags, place, "the schedule needs too much memory: it may hold %d KiB, %d KiB in one piece, and ask for %d MiB in all", MEMORY >> 10,
             PIECE >> 10, MEMORY_IN_SUM >> 20);
  else ig_error(s->diags, place, "%s", message ? message : "an error without a text");
}

bool ig_schedule_run(ig_schedule *schedule, ig_str lib, const char *name, ig_str text, ig_diags *diags) {
  sandbox s = {.schedule = schedule, .diags = diags, .files = {"schedules/lib.lua", name}};
  source sources[2] = {{s.files[0], lib}, {name, text}};
  lua_State *L = lua_newstate(allocate, &s);
  if (!L) return ig_error(diags, name, "no memory for Lua");
  lua_sethook(L, hook, LUA_MASKLINE | LUA_MASKCOUNT, PER_HOOK);
  lua_pushcfunction(L, remember_caller);
  lua_pushcfunction(L, run);
  lua_pushlightuserdata(L, sources);
  int status = lua_pcall(L, 1, 0, 1);
  if (status != LUA_OK) report(&s, status, lua_type(L, -1) == LUA_TSTRING ? ig_str_printable(schedule->arena, ig_str_of(lua_tostring(L, -1))) : NULL);
  lua_close(L);
  return status == LUA_OK;
}
