/* Chat templates: Jinja as the models' own templates use it, to the bytecode of runtime/abi/template.h.
 *
 *   {% if %} {% for ... if ... %} {% else %} {% break %} {% continue %} {% set %} {% set %}...{% endset %} {% macro %} {% generation %} {{ }} {# #}
 *   names, literals, lists, tuples, dicts, indexing, slices, calls of macros, and the functions of runtime/abi/template_calls.def
 *
 * Anything else is refused with its place: text and tags are read in template_parse.c, expressions in template_expr.c, the code is made in
 * template_code.c. */
#include "frontend/template_ast.h"

#include <string.h>

#include "frontend/tokenizer.h"
#include "runtime/abi/template.h"

static const void *copy(ig_arena *arena, const ig_text *text) {
  void *bytes = ig_alloc(arena, text->size);
  if (text->size) memcpy(bytes, text->data, text->size);
  return bytes;
}

/* Newlines as Jinja has them: \r\n is \n, and one at the end is dropped. */
static ig_str normalise(ig_str s, ig_arena *arena) {
  char *out = ig_alloc(arena, s.size + 1);
  size_t n = 0;
  for (size_t i = 0; i < s.size; i++)
    if (!(s.data[i] == '\r' && i + 1 < s.size && s.data[i + 1] == '\n')) out[n++] = s.data[i];
  if (n && out[n - 1] == '\n') n--;
  return (ig_str){out, n};
}

bool ig_template_compile(ig_str source, const char *bos, const char *eos, const char *place, ig_arena *arena, ig_template *out, ig_diags *diags) {
  ig_template_parser p = {.source = normalise(source, arena), .place = place, .arena = arena, .diags = diags};
  ig_text code = {0}, strings = {0};
  const ig_template_node *statements = ig_template_parse(&p);
  if (!p.failed) ig_template_code(&p, statements, bos, eos, &code, &strings);
  if (code.size > INGOT_TEMPLATE_CODE_MOST) ig_template_refuse(&p, p.source.size, "more than %d bytes of code", INGOT_TEMPLATE_CODE_MOST);
  if (strings.size > INGOT_TEMPLATE_STRINGS_MOST) ig_template_refuse(&p, p.source.size, "more than %d bytes of text", INGOT_TEMPLATE_STRINGS_MOST);
  *out = (ig_template){.present = !p.failed};
  char *text = ig_alloc(arena, source.size + 1);
  if (source.size) memcpy(text, source.data, source.size);
  out->source = text;
  if (out->present) {
    out->code = copy(arena, &code);
    out->code_size = (uint32_t)code.size;
    out->strings = copy(arena, &strings);
    out->strings_size = (uint32_t)strings.size;
  }
  ig_text_finish(&code);
  ig_text_finish(&strings);
  return out->present;
}

static const char *token_text(const ig_model *model, uint32_t id, ig_arena *arena) {
  const ig_tokenizer *t = &model->tokenizer;
  return id < t->n ? ig_format(arena, "%.*s", (int)t->pieces[id].size, t->text + t->pieces[id].offset) : NULL;
}

bool ig_template_read(ig_model *model, ig_diags *diags) {
  ig_str source = {0};
  if (!ig_meta_string(model->meta, "tokenizer.chat_template", &source, diags)) return false;
  if (!source.data || !model->tokenizer.present) return true;
  uint32_t eos = model->tokenizer.n_end ? model->tokenizer.end[0] : UINT32_MAX; /* eos leads the list */
  ig_template_compile(source, token_text(model, model->tokenizer.bos, &model->arena), token_text(model, eos, &model->arena),
                      ig_format(&model->arena, "%s: chat template", model->file.path), &model->arena, &model->chat_template, diags);
  return true;
}
