/* A schedule in Lua: refused with a reason, or numbers for every kernel. */
#include "fuzz.h"

#include "passes/schedule.h"

void fuzz_one(const uint8_t *data, size_t size) {
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_schedule schedule;
  const ig_target *target = ig_target_find("x86_64");
  const bool ok = ig_schedule_read_text(&schedule, target, "fuzz.lua", (ig_str){(const char *)data, size}, &arena, &diags);
  FUZZ_CHECK(ok == !diags.errors);
  if (ok) FUZZ_CHECK(ig_schedule_program(&schedule).chunk > 0);
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
}

void fuzz_seeds(fuzz_add *add, void *user) {
  fuzz_add_file(add, user, "schedules/x86_64.lua", 1 << 16);
  fuzz_add_file(add, user, "tests/golden/schedule_wrong.lua", 1 << 16);
}
