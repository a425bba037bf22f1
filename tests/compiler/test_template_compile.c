/* Chat templates: compiled and run against what Jinja (trim_blocks, lstrip_blocks) writes, refused ones by name, the bundled model's. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/model.h"
#include "frontend/tokenizer.h"
#include "runtime/abi/template.h"
#include "runtime/template_run.h"

static const ingot_message conversation[] = {{"system", "Be kind."}, {"user", " Hi \n"}, {"assistant", "Hello \"you\""}, {"user", ""}};

/* Template, and the conversation above with a generation prompt, bos <s> and eos </s>, rendered by Jinja 3.1. */
static const struct {
  const char *source, *expect;
} good[] = {
  {"{% for message in messages %}{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}<|end|>{% elif message['role'] == 'assistant' "
   "%}<|assistant|>{{ message['content'] }}<|end|>{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}",
   "<|user|> Hi \n<|end|><|assistant|>Hello \"you\"<|end|><|user|><|end|><|assistant|>"},
  {"{% for message in messages %}{% if loop.first and messages[0]['role'] != 'system' %}{{ '<|im_start|>system\\nYou are a helpful assistant.<|im_end|>\\n' "
   "}}{% endif %}{{'<|im_start|>' + message['role'] + '\\n' + message['content'] + '<|im_end|>' + '\\n'}}{% endfor %}{% if add_generation_prompt %}{{ "
   "'<|im_start|>assistant\\n' }}{% endif %}",
   "<|im_start|>system\nBe kind.<|im_end|>\n<|im_start|>user\n Hi \n<|im_end|>\n<|im_start|>assistant\nHello "
   "\"you\"<|im_end|>\n<|im_start|>user\n<|im_end|>\n<|im_start|>assistant\n"},
  {"{% for message in messages %}\n{% if message['role'] == 'user' %}\n{{ '<|user|>\\n' + message['content'] + eos_token }}\n{% elif message['role'] == "
   "'system' %}\n{{ '<|system|>\\n' + message['content'] + eos_token }}\n{% elif message['role'] == 'assistant' %}\n{{ '<|assistant|>\\n'  + "
   "message['content'] + eos_token }}\n{% endif %}\n{% if loop.last and add_generation_prompt %}\n{{ '<|assistant|>' }}\n{% endif %}\n{% endfor %}",
   "<|system|>\nBe kind.</s>\n<|user|>\n Hi \n</s>\n<|assistant|>\nHello \"you\"</s>\n<|user|>\n</s>\n<|assistant|>\n"},
  {"{{ bos_token }}{% for message in messages %}{% if (message['role'] == 'user') %}{{'<|user|>' + '\\n' + message['content'] + '<|end|>' + '\\n' + "
   "'<|assistant|>' + '\\n'}}{% elif (message['role'] == 'assistant') %}{{message['content'] + '<|end|>' + '\\n'}}{% endif %}{% endfor %}",
   "<s><|user|>\n Hi \n<|end|>\n<|assistant|>\nHello \"you\"<|end|>\n<|user|>\n<|end|>\n<|assistant|>\n"},
  {"{%- for m in messages -%}\n  [{{- m.role -}} ]\n  {{ m.content | trim }} \n {%- endfor %}\n\n",
   "[system]\n  Be kind.[user]\n  Hi[assistant]\n  Hello \"you\"[user]\n  "},
  {"  {% if true %}\n  a\n  {% else %}\n  b\n  {% endif %}\n c\n", "  a\n c"},
  {"x  {# gone #}  \n  {# gone #}\ny{#- a -#}  z", "x    \nyz"},
  {"{% for m in messages %}{% if not loop.first and not loop.last or m.role == \"system\" %}<{{ m.role ~ loop.first ~ loop.last }}>{% else %}-{% endif %}{% "
   "endfor %}",
   "<systemTrueFalse><userFalseFalse><assistantFalseFalse>-"},
  {"{{ messages[-1].role }}{{ messages[2]['content'] }}{{ messages[3].content == '' }}{{ messages[0].role != messages[1].role }}", "userHello \"you\"TrueTrue"},
  {"{% for m in messages %}{% endfor %}{% if messages %}some{% endif %}{% if messages[3].content %}never{% endif %}", "some"},
  {"{% if add_generation_prompt and (messages[0].role == 'user' or messages[0].role == 'system') %}{{ 'it\\'s \\\\ \\t' }}{% endif %}", "it's \\ \t"},
  {"a\r\n{% if true %}\r\nb{% endif %}\r\n", "a\nb"},
  {"{%+ if true +%}\n x{%+ endif %}\n y", "\n x y"},
  {"{{ '{% raw text %}' }}{{ \"}}\" }} { { %} }}", "{% raw text %}}} { { %} }}"},
  {"plain", "plain"},
  {"", ""},
  {"{% if false %}{% if true %}a{% elif true %}b{% else %}c{% endif %}{% elif not false %}{% if false %}d{% elif true == true %}e{% endif %}{% endif %}", "e"},
  {"{{ add_generation_prompt }}", "True"},
  {"{{ bos_token + eos_token }} {{ (bos_token == '<s>') and 'yes' or 'no' }}", "<s></s> yes"},
  {"  {{ 'kept' }}  \n  {%- if true %} x {%- endif -%}   \n   y", "  kept xy"},
  {"{% if true %}\n\n  {% if true %}\n    t\n  {% endif %}  \n{% endif %}\n", "\n    t\n  \n"},
};

static const struct {
  const char *source, *expect;
} refused[] = {
  {"{% include 'x' %}", "line 1, column 1: `include`"},
  {"a\n {% include 'x' %}", "line 2, column 2: `include`"},
  {"{% call 1 + 2 %}{% endcall %}", "line 1, column 1: a `call` of anything but a macro"},
  {"{% filter nosuch %}{% endfilter %}", "line 1, column 11: the filter `nosuch`"},
  {"{% for m in messages recursive %}{% endfor %}", "line 1, column 22: `recursive` here"},
  {"{% for m in messages %}", "line 1, column 24: `for` without its end"},
  {"{% for m in messages %}{% elif true %}{% endfor %}", "line 1, column 24: `elif` in a `for`"},
  {"{% if true %}{% for m in messages %}{% endif %}{% endfor %}", "line 1, column 37: `endif` in a `for`"},
  {"{% endfor %}", "line 1, column 1: `endfor` without its `for`"},
  {"{% else %}", "line 1, column 1: `else` without its `if`"},
  {"{% if true %}", "line 1, column 14: `if` without its end"},
  {"{% if true %}{% else %}{% elif true %}{% endif %}", "line 1, column 24: `elif` in a `if`"},
  {"{% set x %}", "line 1, column 12: `set` without its end"},
  {"{% set x = %}", "line 1, column 12: `%` here"},
  {"{% set loop.x[0] = 1 %}", "line 1, column 14: `[` here"},
  {"{% break %}", "line 1, column 1: `break` here"},
  {"{% for m in messages %}{% set x %}{% break %}{% endset %}{% endfor %}", "line 1, column 35: `break` here"},
  {"{% macro f() %}{% macro g() %}{% endmacro %}{% endmacro %}", "line 1, column 16: a macro in a macro"},
  {"{% macro f(a, a) %}{% endmacro %}", "line 1, column 15: a parameter twice"},
  {"{{ messages[0]['a'].__class__ }}", "line 1, column 20: the attribute `__class__`"},
  {"{{ messages.items }}", "line 1, column 12: the attribute `items`"},
  {"{{ 'a'.format(1) }}", "line 1, column 7: the method `format`"},
  {"{{ messages[] }}", "line 1, column 12: `[]` here"},
  {"{{ messages[1:2:3:4] }}", "line 1, column 18: `:` here"},
  {"{{ messages | groupby('role') }}", "line 1, column 13: the filter `groupby`"},
  {"{{ 'a' | trim('a', 'b') }}", "line 1, column 20: `trim` with so many arguments"},
  {"{{ 'a' | trim(x='a') }}", "line 1, column 17: `trim(x=)`"},
  {"{{ 'a' | replace('a') }}", "line 1, column 8: `replace` without an argument"},
  {"{{ 'a' | map('map') }}", "line 1, column 14: the filter `map` as an argument"},
  {"{{ 'a' | select('filter') }}", "line 1, column 17: the test `filter` as an argument"},
  {"{{ 'a' | select(x) }}", "line 1, column 17: the test `by a name that is computed` as an argument"},
  {"{{ 'a' is escaped }}", "line 1, column 8: the test `escaped`"},
  {"{% for m in messages %}{{ loop.nosuch }}{% endfor %}", "line 1, column 27: `loop.nosuch`"},
  {"{% for m in messages %}{{ loop.changed(a=1) }}{% endfor %}", "line 1, column 42: `loop.changed(a=)`"},
  {"{{ loop.changed(1) }}", "line 1, column 8: the method `changed`"},
  {"a\n{% raw %}{{ x", "line 2, column 1: `raw` without its end"},
  {"{% raw x %}{% endraw %}", "line 1, column 8: `x` here"},
  {"{% with a %}{% endwith %}", "line 1, column 11: `%` here"},
  {"{% with a=1, a=2 %}{% endwith %}", "line 1, column 13: a name twice"},
  {"{% with a=1 %}", "line 1, column 15: `with` without its end"},
  {"{{ [1] | sort(up=1) }}", "line 1, column 18: `sort(up=)`"},
  {"{{ cycler('a') }}", "line 1, column 4: the function `cycler`"},
  {"{{ raise_exception }}", "line 1, column 4: the function `raise_exception` without a call"},
  {"{{ namespace(1) }}", "line 1, column 14: `namespace` of anything but names and values"},
  {"{{ (f)(1)(2) }}", "line 1, column 10: a call of anything but a name"},
  {"{{ f(*a) }}", "line 1, column 6: `*` here"},
  {"{{ 1.5x }}", "line 1, column 4: a number that goes on in letters"},
  {"{{ 4 ** 2 }}", "line 1, column 6: `**`"},
  {"{{ 99999999999999999999 }}", "line 1, column 4: a number beyond 64 bits"},
  {"{{ if }}", "line 1, column 4: `if` here"},
  {"{{ {'a': 1 }}", "line 1, column 13: `}` here"},
  {"{{ '\\101' }}", "line 1, column 5: the escape `\\1`"},
  {"{{ '\\ud800' }}", "line 1, column 5: the escape `\\u`"},
  {"{{ 'a }}", "line 1, column 4: a string without end"},
  {"{{ 'a'", "line 1, column 7: a tag without end"},
  {"{{", "line 1, column 3: a tag without end"},
  {"{{ }}", "line 1, column 4: `}` here"},
  {"{% %}", "line 1, column 1: `{% %} without a word`"},
  {"{# no end", "line 1, column 1: a comment without end"},
  {"{{ ((((((((((((((((((((((((((((((((((((((((((((((((((((((((((((1", "line 1, column 54: nesting deeper than 150"},
  {"{{ not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not "
   "not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not "
   "not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not "
   "not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not not "
   "not not not not not not not not true }}",
   "line 1, column 603: nesting deeper than 150"},
};

static uint32_t failures;

static void fail(const char *source, const char *what, const char *got) {
  printf("%.200s\n  %s: %s\n", source, what, got);
  failures++;
}

static bool compile(ig_str source, ig_arena *arena, ig_template *out, ig_diags *diags) {
  return ig_template_compile(source, "<s>", "</s>", "test", arena, out, diags);
}

static void *allocate(void *user, size_t size, size_t align) { return (void)user, aligned_alloc(align, (size + align - 1) / align * align); }
static void release(void *user, void *memory, size_t size) { (void)user, (void)size, free(memory); }

/* Into text; a negative status where it is refused. */
static int64_t run(const ig_template *t, size_t n, char *text, size_t size) {
  const ingot_allocator allocator = {allocate, release, NULL};
  const ingot__conversation talk = {.messages = conversation, .n = n, .add_assistant = true};
  ingot__rendered out;
  ingot_status status = ingot__template_run((ingot__vec){t->code, t->code_size}, (ingot__vec){(const uint8_t *)t->strings, t->strings_size}, &talk, &allocator,
                                            &out, NULL);
  if (status) return status;
  const size_t count = out.size < size ? (size_t)out.size : size - 1;
  if (count) memcpy(text, out.text, count);
  text[count] = 0;
  ingot__release(&allocator, out.text, out.bytes);
  return (int64_t)count;
}

/* Instructions follow one another to the code's end, and jumps stay inside. */
static void check_code(const char *source, const ig_template *t) {
  size_t at = 0;
  while (at < t->code_size) {
    unsigned op = t->code[at], operands = ingot_template_operands(op);
    if (op >= INGOT_TEMPLATE_OPS || at + 1 + 4 * operands > t->code_size) return fail(source, "code", "cut instruction");
    const bool first = op == INGOT_TEMPLATE_JUMP || op == INGOT_TEMPLATE_JUMP_FALSE || op == INGOT_TEMPLATE_AND || op == INGOT_TEMPLATE_OR ||
        op == INGOT_TEMPLATE_MACRO;
    const bool second = op == INGOT_TEMPLATE_FOR || op == INGOT_TEMPLATE_NEXT || op == INGOT_TEMPLATE_DEFAULT;
    if ((first || second) && ig_load_u32(t->code + at + (first ? 1 : 5)) >= t->code_size) fail(source, "code", "a jump outside");
    at += 1 + 4 * operands;
  }
}

static void test_good(void) {
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    ig_arena arena = {0};
    ig_diags diags = {0};
    ig_template t;
    char text[2000];
    if (!compile(ig_str_of(good[i].source), &arena, &t, &diags)) fail(good[i].source, "refused", diags.count ? diags.items[0].text : "silently");
    else {
      check_code(good[i].source, &t);
      int64_t n = run(&t, 4, text, sizeof text);
      if (n < 0 || strcmp(text, good[i].expect) != 0) fail(good[i].source, "rendered", n < 0 ? "the bytecode is refused" : text);
    }
    ig_diags_finish(&diags);
    ig_arena_finish(&arena);
  }
}

static void test_refused(void) {
  for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
    ig_arena arena = {0};
    ig_diags diags = {0};
    ig_template t;
    char expect[400];
    snprintf(expect, sizeof expect, "%s is not supported; the model is compiled without its template and cannot `chat`", refused[i].expect);
    if (compile(ig_str_of(refused[i].source), &arena, &t, &diags) || t.present) fail(refused[i].source, "taken", "");
    else if (diags.count != 1 || diags.errors || strcmp(diags.items[0].text, expect) != 0 || strcmp(diags.items[0].place, "test") != 0)
      fail(refused[i].source, "reported", diags.count ? diags.items[0].text : "nothing");
    ig_diags_finish(&diags);
    ig_arena_finish(&arena);
  }
}

/* Long and broken sources end, without deep recursion: chains of every operator, every cut of every template. */
static void test_hostile(void) {
  static const char *const links[] = {" + 'a'", " and true", " or true", " | trim", "['role']", " == 'a'"};
  for (size_t i = 0; i < sizeof links / sizeof *links; i++) {
    ig_arena arena = {0};
    ig_diags diags = {0};
    ig_text source = {0};
    ig_template t;
    ig_text_printf(&source, "{{ 'a'");
    for (int n = 0; n < 20000; n++) ig_text_printf(&source, "%s", links[i]);
    ig_text_printf(&source, " }}");
    if (compile((ig_str){source.data, source.size}, &arena, &t, &diags)) fail(links[i], "a long chain is taken", source.data);
    ig_text_finish(&source);
    ig_diags_finish(&diags);
    ig_arena_finish(&arena);
  }
  for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
    for (size_t n = strlen(good[i].source); n > 0; n--) {
      ig_arena arena = {0};
      ig_diags diags = {0};
      ig_template t;
      char *copy = malloc(n); /* exactly n bytes: a sanitizer sees a read beyond */
      if (!copy) exit(1);
      memcpy(copy, good[i].source, n);
      if (compile((ig_str){copy, n}, &arena, &t, &diags) != (diags.count == 0)) fail(good[i].source, "cut", "no report");
      if (t.present) check_code(good[i].source, &t);
      free(copy);
      ig_diags_finish(&diags);
      ig_arena_finish(&arena);
    }
  }
}

static void test_unknown_tokens(void) {
  static const char source[] = "{{ bos_token }}[{{ eos_token }}]{% if bos_token %}never{% endif %}";
  ig_arena arena = {0};
  ig_diags diags = {0};
  ig_template t;
  char text[20] = {0};
  if (!ig_template_compile(ig_str_of(source), NULL, NULL, "test", &arena, &t, &diags) || run(&t, 0, text, sizeof text) != 2 || strcmp(text, "[]") != 0)
    fail(source, "without tokens", text);
  ig_diags_finish(&diags);
  ig_arena_finish(&arena);
}

static void test_fable(void) {
  char path[600];
  ig_diags diags = {0};
  ig_model m;
  snprintf(path, sizeof path, "%s/models/fable/fable-f16.gguf", getenv("INGOT_SOURCE") ? getenv("INGOT_SOURCE") : ".");
  if (!ig_model_open(&m, path, &diags) || !m.chat_template.present || diags.count) fail(path, "no template", diags.count ? diags.items[0].text : "");
  else {
    check_code(path, &m.chat_template);
    if (strcmp(m.chat_template.source, good[0].source) != 0) fail(path, "another template than the one tested above", m.chat_template.source);
  }
  ig_model_close(&m);
  ig_diags_finish(&diags);
}

int main(void) {
  test_good();
  test_refused();
  test_hostile();
  test_unknown_tokens();
  test_fable();
  return failures ? 1 : 0;
}
