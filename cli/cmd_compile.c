/* ingot compile: a model file becomes a bundle. */
#include "cli.h"
#include "runtime/abi/cpu.h"

#include <string.h>

static const char *platform_name(const void *user, int index) {
  (void)user;
  const ig_platform *platform = ig_platform_at(index);
  return platform ? platform->name : NULL;
}

static const char *platform_or_alias(const void *user, int index) {
  const ig_platform *platform;
  int n = 0;
  while (ig_platform_at(n)) n++;
  return index < n ? platform_name(user, index) : ig_platform_alias(index - n, &platform);
}

/* Variants of all targets of the platforms, one target after the other. */
static const char *variant_name(const void *user, int index) {
  const ig_compile_options *o = user;
  for (uint32_t i = 0; i <= o->n_more; i++) {
    const ig_target *target = i == 0 ? o->platform->target : o->more[i - 1]->target;
    bool again = false;
    for (uint32_t k = 0; k < i; k++) again |= target == (k == 0 ? o->platform->target : o->more[k - 1]->target);
    if (again) continue;
    if ((uint32_t)index < target->n_variants) return target->variants[index].name;
    index -= (int)target->n_variants;
  }
  return NULL;
}

static const char *known(cli *c, const char *(*name_at)(const void *, int), const void *user) {
  const char *names = "", *name;
  for (int i = 0; (name = name_at(user, i)); i++) names = ig_format(&c->arena, "%s%s%s", names, i ? ", " : "", name);
  return names;
}

/* The platforms by their names, the first by itself; each once, however many devices of it are named. */
static int choose_platforms(cli *c, const cli_texts *names, ig_compile_options *o) {
  const ig_platform **platforms = ig_alloc_array(&c->arena, names->n + 1, sizeof *platforms);
  uint32_t n = 0;
  platforms[0] = ig_platform_find("native");
  for (uint32_t i = 0; i < names->n; i++) {
    const ig_platform *platform = ig_platform_find(names->v[i]);
    uint32_t k = 0;
    while (k < n && platforms[k] != platform) k++;
    if (platform && k == n) platforms[n++] = platform;
    if (platform) continue;
    const char *near = cli_nearest(names->v[i], platform_or_alias, NULL);
    return near ? cli_usage(c, "there is no target `%s`; did you mean `%s`?", names->v[i], near)
                : cli_usage(c, "there is no target `%s`; there are %s", names->v[i], known(c, platform_name, NULL));
  }
  if (!platforms[0]) return cli_usage(c, "this machine is no platform of ingot: give --target, one of %s", known(c, platform_name, NULL));
  o->platform = platforms[0];
  o->more = platforms + 1;
  o->n_more = n > 1 ? n - 1 : 0;
  return CLI_DONE;
}

/* "auto": all of the target (NULL); "native": the best this CPU runs; else names with commas between them. */
static int choose_variants(cli *c, const char *list, ig_compile_options *o) {
  if (strcmp(list, "auto") == 0) return CLI_DONE;
  int n = 0;
  while (variant_name(o, n)) n++;
  const char **names = ig_alloc_array(&c->arena, (size_t)n, sizeof *names), *known_name;
  o->variants = names;
  if (strcmp(list, "native") == 0) {
    const ig_target *target = o->platform->target;
    uint64_t has = ingot__cpu_features();
    for (uint32_t i = 0; i < target->n_variants && !o->n_variants; i++)
      if ((target->variants[i].features & ~has) == 0) names[o->n_variants++] = target->variants[i].name;
    return o->n_variants ? CLI_DONE : cli_fail(c, "this CPU runs no variant of %s", target->name);
  }
  char *copy = ig_copy_string(&c->arena, list), *state = NULL;
  for (char *name = strtok_r(copy, ",", &state); name; name = strtok_r(NULL, ",", &state)) {
    for (n = 0; (known_name = variant_name(o, n)) && strcmp(known_name, name) != 0;) n++;
    if (!known_name) {
      const char *near = cli_nearest(name, variant_name, o);
      return near ? cli_usage(c, "%s has no variant `%s`; did you mean `%s`?", o->platform->target->name, name, near)
                  : cli_usage(c, "%s has no variant `%s`; it has %s", o->platform->target->name, name, known(c, variant_name, o));
    }
    bool again = false;
    for (uint32_t i = 0; i < o->n_variants; i++) again |= strcmp(names[i], known_name) == 0;
    if (!again) names[o->n_variants++] = known_name;
  }
  return o->n_variants ? CLI_DONE : cli_usage(c, "--variants names none");
}

typedef struct job {
  ig_compile_options *o;
  bool quiet, explain;
} job;

static int compile(cli *c, void *user) {
  job *j = user;
  ig_text text = {.size = 0}, numbers = {.size = 0};
  j->o->stage_text = &text;
  if (j->explain) j->o->explain = &numbers;
  const char *bundle = NULL;
  double from = cli_now();
  bool done = ig_compile(j->o, &c->arena, &bundle, &c->diags);
  int status = cli_report(c);
  if (!done) status = CLI_FAILED;
  if (done && j->explain) fwrite(numbers.data ? numbers.data : "", 1, numbers.size, stdout);
  if (done && j->o->stage) fwrite(text.data ? text.data : "", 1, text.size, stdout);
  if (done && bundle && !j->quiet) cli_say("%s: compiled in %.1f s", bundle, cli_now() - from);
  ig_text_finish(&text);
  ig_text_finish(&numbers);
  return status;
}

int cmd_compile(cli *c, int argc, char **argv) {
  ig_compile_options o = {.parent = ".", .progress = cli_progress, .user = c};
  job j = {&o, false, false};
  cli_texts targets = {.n = 0};
  const char *variants = "auto";
  const cli_option options[] = {
    {"-o", "--output", CLI_TEXT, &o.parent, "FOLDER", "where NAME.ingot goes (default: here)"},
    {"--name", NULL, CLI_TEXT, &o.name, "NAME", "of the bundle and of its symbols (default: the file's)"},
    {"--target", NULL, CLI_TEXTS, &targets, "PLATFORM", "what to compile for, several times for several (default: native; see `ingot targets`)"},
    {"--variants", NULL, CLI_TEXT, &variants, "LIST", "auto (all of the target), native (this CPU's best), or names: avx2,base"},
    {"--ctx", NULL, CLI_U32, &o.n_context, "N", "the most positions of a session (default: the model's, at most 4096)"},
    {"--batch", NULL, CLI_U32, &o.chunk, "N", "tokens of one prefill call (default: the schedule's)"},
    {"--max-ram", NULL, CLI_SIZE, &o.limits.ram, "SIZE", "fail where the bundle takes more memory than this: weights, one session of --ctx, 16 threads"},
    {"--max-kv", NULL, CLI_SIZE, &o.limits.kv, "SIZE", "fail where the caches of --ctx positions take more"},
    {"--max-lib-size", NULL, CLI_SIZE, &o.limits.library, "SIZE", "fail where the library takes more"},
    {"--schedule", NULL, CLI_TEXT, &o.schedule, "FILE.lua", "numbers of kernels, tried before the target's own (docs/SCHEDULES.md)"},
    {"--explain", NULL, CLI_FLAG, &j.explain, NULL, "print each kernel's numbers and the rule that chose them"},
    {"--compile-to", NULL, CLI_TEXT, &o.stage, "STAGE", "print the program instead: graph, a pass (fuse, split, layout, ...), plan, kernels, llvm, asm"},
    {"--dump-phases", NULL, CLI_TEXT, &o.dump_phases, "FOLDER", "write the program after every pass"},
    {"--embed", NULL, CLI_FLAG, &o.embed, NULL, "put plan and weights (at most 64 MiB) into the library too: the app then needs no files"},
    {"--prefix-prompt", NULL, CLI_TEXT, &o.prefix_prompt, "FILE", "save a session that has read FILE's text into the bundle, for apps to begin from"},
    {"--depfile", NULL, CLI_TEXT, &o.depfile, "FILE", "write what the bundle depends on, for make and ninja"},
    {"-j", "--jobs", CLI_U32, &o.jobs, "N", "kernels compiled at a time (default: one per core)"},
    {"-q", "--quiet", CLI_FLAG, &j.quiet, NULL, "say nothing when all is well"},
  };
  if (!CLI_PARSE(c, argc, argv, "MODEL.gguf", 1, 1, options)) return c->status;
  o.model = c->args[0];
  int status = choose_platforms(c, &targets, &o);
  if (status == CLI_DONE) status = choose_variants(c, variants, &o);
  if (status != CLI_DONE) return status;
  return cli_apart(c, "compiling", o.parent, compile, &j);
}
