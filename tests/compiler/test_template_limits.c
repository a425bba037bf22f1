/* Hostile chat templates over hostile conversations: each thing that a template can do, done for ever to large values, ends by a limit of
 * runtime/abi/template.h, in bounded time and memory. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "frontend/tokenizer.h"
#include "runtime/abi/template.h"
#include "runtime/template_run.h"

enum { SECONDS_MOST = 10, LONG = 1 << 20, ITEMS = 20000, KEYS = 3000 }; /* seconds: far above what it takes, for slow machines and sanitizers */

static uint32_t failures;
static uint64_t held, peak;

static void *allocate(void *user, size_t size, size_t align) {
  (void)user;
  held += size;
  if (held > peak) peak = held;
  return aligned_alloc(align, (size + align - 1) / align * align);
}
static void release(void *user, void *memory, size_t size) {
  (void)user;
  if (memory) held -= size;
  free(memory);
}
static const ingot_allocator allocator = {allocate, release, NULL};

/* What is done again and again. s, t: a megabyte of a, t with b at its end; d: of digits; p: of spaces; l: numbers; z: zeros; e: empty
 * strings; o: a dict; x: a number with a fraction, of many digits; deep: lists in lists; ns: a list that holds itself twice, sixty times. */
static const char *const bodies[] = {
  "{{ l == l2 }}",
  "{{ -1 in l }}",
  "{{ l != z }}",
  "{{ o == o2 }}",
  "{{ 'nosuch' in o }}",
  "{{ o.nosuch }}",
  "{{ o['nosuch'] }}",
  "{{ s == s2 }}",
  "{{ s < t }}",
  "{{ 'b' in s }}",
  "{{ s in t }}",
  "{{ s.startswith(t) }}",
  "{{ s.endswith(t) }}",
  "{{ s.startswith((t, t, t)) }}",
  "{{ s.find('b') }}",
  "{{ s.rfind('b') }}",
  "{{ t.find('ab') }}",
  "{{ t.rfind('ab') }}",
  "{{ s.find('aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaab') }}",
  "{{ s.count('b') }}",
  "{{ s.count('a') }}",
  "{{ s.split('b') | length }}",
  "{{ s.split('a') | length }}",
  "{{ s.rsplit('a') | length }}",
  "{{ s.split() | length }}",
  "{{ s.splitlines() | length }}",
  "{{ s | length }}",
  "{{ s[-1] }}",
  "{{ s[::2] | length }}",
  "{{ s[1:] | length }}",
  "{{ s.upper() | length }}",
  "{{ s | title | length }}",
  "{{ s | capitalize | length }}",
  "{{ s is lower }}",
  "{{ s is upper }}",
  "{{ d.isdigit() }}",
  "{{ p.isspace() }}",
  "{{ p.strip() }}",
  "{{ s.strip('bcdefghijkl') | length }}",
  "{{ s.strip('b' * 1048571 + 'a') | length }}", /* 2^17 units, 2^18 times: 0 in 32 bits */
  "{{ s.replace('b', 'c') | length }}",
  "{{ s.replace('a', 'aa') | length }}",
  "{{ s.removeprefix(t) | length }}",
  "{{ s.removesuffix(t) | length }}",
  "{{ d | int }}",
  "{{ p | int }}",
  "{{ p | float }}",
  "{{ s | float }}",
  "{{ x == 1.5 }}",
  "{{ x < l[0] }}",
  "{{ x | string | length }}",
  "{{ x | int }}",
  "{{ -x }}",
  "{{ s | trim | length }}",
  "{{ s | indent | length }}",
  "{{ 'a\\nb' | indent(9000000000000000000) }}",
  "{{ s | list | length }}",
  "{{ s | reverse | length }}",
  "{{ l | reverse | list | length }}",
  "{{ l[::-1] | length }}",
  "{{ (l + l) | length }}",
  "{{ [0] * 9000000000000000000 }}",
  "{{ 'a' * 9000000000000000000 }}",
  "{{ '' * 9000000000000000000 }}",
  "{{ s ~ s }}",
  "{{ z | select | list | length }}",
  "{{ z | reject('odd') | list | length }}",
  "{{ z | select('odd') | list | length }}",
  "{{ z | map('string') | list | length }}",
  "{{ z | map('abs') | sum }}",
  "{{ e | join }}",
  "{{ e | join('') | length }}",
  "{{ e | map('length') | sum }}",
  "{{ l | sort | length }}",
  "{{ l | sort(reverse=true) | first }}",
  "{{ e | sort | length }}",
  "{{ o | dictsort | length }}",
  "{{ o | dictsort(by='value') | length }}",
  "{{ l | unique | list | length }}",
  "{{ e | unique | list | length }}",
  "{{ l | max }}",
  "{{ e | min }}",
  "{{ l | sum }}",
  "{{ l | map(attribute=s) | list | length }}",
  "{{ l | selectattr(s) | list | length }}",
  "{{ l | rejectattr(s) | list | length }}",
  "{{ [] | sort(attribute=s) | length }}",
  "{{ l | sort(attribute=s) | length }}",
  "{{ l | batch(2) | list | length }}",
  "{{ [1] | batch(9000000000, 0) | list | length }}",
  "{{ l | tojson | length }}",
  "{{ o | tojson(sort_keys=true) | length }}",
  "{{ deep | tojson(indent=64) | length }}",
  "{{ s | tojson | length }}",
  "{{ l | string | length }}",
  "{{ [s] | string | length }}",
  "{{ ns.a == ns.b }}",
  "{{ ns.a | string | length }}",
  "{{ ns.a | tojson | length }}",
  "{{ strftime_now(s) | length }}",
  "{{ range(100000) | length }}",
  "{{ o.items() | list | length }}",
  "{{ o.keys() | list | length }}",
  "{{ o | items | list | length }}",
  "{% for k in o %}{% endfor %}",
  "{% for c in s %}{% endfor %}",
  "{% for v in l if v == -1 %}{% endfor %}",
  "{% set c %}{{ s }}{% endset %}",
  "{{ many(1, 2) }}",
  "{% filter upper %}{{ s }}{% endfilter %}",
  "{% with a = s ~ s %}{% endwith %}",
  "{% for v in l %}{{ loop.changed(l) }}{{ loop.cycle(1, 2) }}{% endfor %}",
  "{{ namespace(a=1) is defined }}",
  "{{ dict(a=1) | length }}",
  "x",
  "{{ s }}",
};

static void add_list(ig_text *to, const char *name, const char *item, uint32_t n, bool numbered) {
  ig_text_printf(to, ", \"%s\": [", name);
  for (uint32_t i = 0; i < n; i++) {
    if (numbered) ig_text_printf(to, "%s%u", i ? "," : "", (i * 7919u) % n);
    else ig_text_printf(to, "%s%s", i ? "," : "", item);
  }
  ig_text_printf(to, "]");
}

static void add_long(ig_text *to, const char *name, char c, char last) {
  char *text = malloc(LONG + 1);
  if (!text) exit(1);
  memset(text, c, LONG);
  text[LONG - 1] = last;
  text[LONG] = 0;
  ig_text_printf(to, ", \"%s\": \"", name);
  ig_text_add(to, text, LONG);
  ig_text_printf(to, "\"");
  free(text);
}

static void make_talk(ig_text *to) {
  ig_text_printf(to, "{\"messages\": []");
  add_long(to, "s", 'a', 'a');
  add_long(to, "s2", 'a', 'a');
  add_long(to, "t", 'a', 'b');
  add_long(to, "d", '0', '0');
  add_long(to, "p", ' ', ' ');
  add_list(to, "l", NULL, ITEMS, true);
  add_list(to, "l2", NULL, ITEMS, true);
  add_list(to, "z", "0", ITEMS, false);
  add_list(to, "e", "\"\"", ITEMS, false);
  for (int k = 0; k < 2; k++) {
    ig_text_printf(to, ", \"o%s\": {", k ? "2" : "");
    for (uint32_t i = 0; i < KEYS; i++) ig_text_printf(to, "%s\"key%u\": %u", i ? "," : "", i, (i * 7919) % KEYS);
    ig_text_printf(to, "}");
  }
  ig_text_printf(to, ", \"x\": 0.");
  for (int i = 0; i < 10000; i++) ig_text_printf(to, "123");
  ig_text_printf(to, ", \"deep\": ");
  for (int i = 0; i < 50; i++) ig_text_printf(to, "[1,");
  ig_text_printf(to, "1");
  for (int i = 0; i < 50; i++) ig_text_printf(to, "]");
  ig_text_printf(to, "}");
}

static void run(const char *body, const ig_text *talk_text) {
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_template t;
  ig_text source = {0};
  ig_text_printf(&source,
                 "{%% macro many(a, b=1, c=2) %%}{%% set d = 1 %%}{{ c }}{%% endmacro %%}{%% set ns = namespace(a=[1], b=[1]) %%}"
                 "{%% for i in range(60) %%}{%% set ns.a = [ns.a, ns.a] %%}{%% set ns.b = [ns.b, ns.b] %%}{%% endfor %%}"
                 "{%% for i in range(100000) %%}{%% for j in range(100000) %%}%s{%% endfor %%}{%% endfor %%}",
                 body);
  if (!ig_template_compile((ig_str){source.data, source.size}, "<s>", "</s>", "limits", &arena, &t, &diags) || !t.present) {
    printf("%s: %s\n", body, diags.count ? diags.items[0].text : "not compiled");
    failures++;
  } else {
    const ingot__conversation talk = {.json = talk_text->data, .json_size = talk_text->size};
    ingot__rendered out;
    ingot_error error = {INGOT_OK, ""};
    held = peak = 0;
    const clock_t begin = clock();
    const ingot_status status = ingot__template_run((ingot__vec){t.code, t.code_size}, (ingot__vec){(const uint8_t *)t.strings, t.strings_size}, &talk,
                                                    &allocator, &out, &error);
    const double seconds = (double)(clock() - begin) / CLOCKS_PER_SEC;
    const bool fine = status == INGOT_ERROR_ARGUMENT && seconds < SECONDS_MOST && peak <= 2 * (uint64_t)INGOT_TEMPLATE_MEMORY && !held;
    if (!fine || getenv("INGOT_VERBOSE")) printf("%-70s %5.2f s, %4llu MiB: %s\n", body, seconds, (unsigned long long)(peak >> 20), error.message);
    failures += !fine;
  }
  ig_text_finish(&source);
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
}

int main(void) {
  setvbuf(stdout, NULL, _IOLBF, 4096);
  ig_text talk = {0};
  make_talk(&talk);
  for (size_t i = 0; i < sizeof bodies / sizeof *bodies; i++) run(bodies[i], &talk);
  ig_text_finish(&talk);
  return failures ? 1 : 0;
}
