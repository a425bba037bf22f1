/* Chat templates: a subset of Jinja to the bytecode of runtime/abi/template.h.
 *
 *   {% for NAME in messages %} {% endfor %}   (not nested)      {% if E %} {% elif E %} {% else %} {% endif %}      {{ E }}      {# #}
 *   E: or and not == != + ~ (E) 'text' "text" true false messages messages[0] messages[-1] NAME NAME.role NAME['content'] | trim
 *      add_generation_prompt bos_token eos_token loop.first loop.last
 * White space as the chat templates of model hubs are rendered: trim_blocks and lstrip_blocks on, the last newline dropped, {%- and -%} honoured.
 * The text between the tags is cut here, expressions are parsed in template_expr.c. */
#include "frontend/template_expr.h"

#include <string.h>

#include "frontend/tokenizer.h"
#include "runtime/abi/template.h"

enum { BLOCKS_MOST = 32 };

typedef struct jump { struct jump *next; size_t at; } jump;

/* An open for or if. */
typedef struct block {
  bool loop, has_else;
  size_t start, body;   /* for: where its code begins, and its body */
  size_t branch;        /* the operand to patch where the condition fails, or the list is empty; 0: none */
  jump *ends;           /* if: jumps to the end */
} block;

typedef struct compiler {
  ig_template_parser p;
  block blocks[BLOCKS_MOST];
  int depth;
} compiler;

static void patch(ig_template_parser *p, size_t operand) {
  uint32_t target = (uint32_t)p->code.size;
  for (int i = 0; i < 4; i++) p->code.data[operand + (size_t)i] = (char)(target >> 8 * i);
}

static block *push(compiler *c) {
  if (c->depth == BLOCKS_MOST) {
    ig_template_refuse(&c->p, c->p.tag, "nesting deeper than %d blocks", BLOCKS_MOST);
    return NULL;
  }
  c->blocks[c->depth] = (block){0};
  return &c->blocks[c->depth++];
}

static void condition(compiler *c, block *b) {
  ig_template_value(&c->p, ig_template_expression(&c->p));
  b->branch = ig_template_emit(&c->p, INGOT_TEMPLATE_JUMP_FALSE, 0, 0) + 1;
}

/* The branch before ends: its code jumps to the end of the if, and what its condition refused goes on here. */
static void next_branch(compiler *c, block *b) {
  jump *end = ig_alloc(c->p.arena, sizeof *end);
  *end = (jump){b->ends, ig_template_emit(&c->p, INGOT_TEMPLATE_JUMP, 0, 0) + 1};
  b->ends = end;
  if (b->branch) patch(&c->p, b->branch);
  b->branch = 0;
}

static void open_for(compiler *c) {
  ig_template_parser *p = &c->p;
  ig_str variable = ig_template_word(p);
  if (!variable.size || !ig_template_accept(p, "in") || !ig_template_accept(p, "messages")) {
    ig_template_refuse(p, p->tag, "a loop over anything but `messages`");
    return;
  }
  if (p->variable.size) {
    ig_template_refuse(p, p->tag, "a loop inside a loop");
    return;
  }
  block *b = push(c);
  if (!b) return;
  b->loop = true;
  b->start = p->code.size;
  ig_template_emit(p, INGOT_TEMPLATE_MESSAGES, 0, 0);
  b->branch = ig_template_emit(p, INGOT_TEMPLATE_FOR, 0, 0) + 1;
  b->body = p->code.size;
  p->variable = variable;
}

static void close_for(compiler *c) {
  ig_template_parser *p = &c->p;
  block *b = c->depth ? &c->blocks[c->depth - 1] : NULL;
  if (!b || !b->loop) {
    ig_template_refuse(p, p->tag, "`endfor` without its `for`");
    return;
  }
  if (p->code.size == b->body) p->code.size = b->start; /* an empty loop is nothing */
  else {
    ig_template_emit(p, INGOT_TEMPLATE_NEXT, (uint32_t)b->body, 0);
    patch(p, b->branch);
  }
  p->variable = (ig_str){0};
  c->depth--;
}

static void close_if(compiler *c, block *b) {
  if (b->branch) patch(&c->p, b->branch);
  for (jump *end = b->ends; end; end = end->next) patch(&c->p, end->at);
  c->depth--;
}

static void statement(compiler *c) {
  ig_template_parser *p = &c->p;
  ig_str word = ig_template_word(p);
  if (ig_str_equal(word, "for")) { open_for(c); return; }
  if (ig_str_equal(word, "endfor")) { close_for(c); return; }
  if (ig_str_equal(word, "if")) {
    block *b = push(c);
    if (b) condition(c, b);
    return;
  }
  bool is_elif = ig_str_equal(word, "elif"), is_else = ig_str_equal(word, "else"), is_end = ig_str_equal(word, "endif");
  block *b = c->depth ? &c->blocks[c->depth - 1] : NULL;
  if (!is_elif && !is_else && !is_end) {
    ig_template_refuse(p, p->tag, "`%s`", word.size ? ig_str_printable(p->arena, word) : "{% %} without a word");
    return;
  }
  if (!b || b->loop || (b->has_else && !is_end)) {
    ig_template_refuse(p, p->tag, "`%s` without its `if`", ig_str_printable(p->arena, word));
    return;
  }
  if (is_end) { close_if(c, b); return; }
  next_branch(c, b);
  if (is_elif) condition(c, b);
  else b->has_else = true;
}

/* ---- text and tags ---------------------------------------------------------------------------------------------------- */

static bool is_space(char c) { return c == ' ' || (c >= '\t' && c <= '\r'); }

/* The text [from, to) before a tag; `strip` by {%- , `lstrip` by lstrip_blocks. */
static void write_text(ig_template_parser *p, size_t from, size_t to, bool strip, bool lstrip, bool line_start) {
  if (strip) while (to > from && is_space(p->source.data[to - 1])) to--;
  else if (lstrip) {
    size_t line = to;
    while (line > from && is_space(p->source.data[line - 1]) && p->source.data[line - 1] != '\n') line--;
    if (line == from ? line_start : p->source.data[line - 1] == '\n') to = line;
  }
  if (to > from) ig_template_text(p, (ig_str){p->source.data + from, to - from});
}

/* Where the next tag begins, or the end. */
static size_t next_tag(ig_str s, size_t at) {
  for (; at + 1 < s.size; at++)
    if (s.data[at] == '{' && (s.data[at + 1] == '{' || s.data[at + 1] == '%' || s.data[at + 1] == '#')) return at;
  return s.size;
}

/* The tag at p->at; returns whether the text after it begins a line. */
static bool tag(compiler *c) {
  ig_template_parser *p = &c->p;
  char kind = p->source.data[p->at + 1];
  p->tag = p->at;
  p->stack = p->nodes = 0;
  p->at += 2;
  if (p->at < p->source.size && (p->source.data[p->at] == '-' || (p->source.data[p->at] == '+' && kind != '{'))) p->at++;
  bool strip = false, keep = false;
  if (kind == '#') {
    while (p->at + 1 < p->source.size && !(p->source.data[p->at] == '#' && p->source.data[p->at + 1] == '}')) p->at++;
    if (p->at + 1 >= p->source.size) ig_template_refuse(p, p->tag, "a comment without end");
    else strip = p->source.data[p->at - 1] == '-', keep = p->source.data[p->at - 1] == '+', p->at += 2;
  } else {
    if (kind == '{') ig_template_output(p, ig_template_expression(p));
    else statement(c);
    if (p->failed) return false;
    strip = ig_template_accept(p, "-");
    keep = !strip && kind == '%' && ig_template_accept(p, "+");
    if (!ig_template_accept(p, kind == '{' ? "}}" : "%}")) ig_template_refuse_here(p);
  }
  if (p->failed) return false;
  size_t after = p->at;
  if (strip) while (p->at < p->source.size && is_space(p->source.data[p->at])) p->at++;
  else if (kind != '{' && !keep && p->at < p->source.size && p->source.data[p->at] == '\n') p->at++;
  return p->at > after && p->source.data[p->at - 1] == '\n';
}

static void compile(compiler *c) {
  ig_template_parser *p = &c->p;
  bool line_start = true;
  while (!p->failed) {
    size_t from = p->at, to = next_tag(p->source, from);
    bool at_tag = to < p->source.size, block_tag = at_tag && p->source.data[to + 1] != '{';
    char mark = to + 2 < p->source.size ? p->source.data[to + 2] : 0;
    write_text(p, from, to, at_tag && mark == '-', block_tag && mark != '+', line_start);
    p->at = to;
    if (!at_tag) break;
    line_start = tag(c);
  }
  if (!p->failed && c->depth) ig_template_refuse(p, p->source.size, "`%s` without its end", c->blocks[c->depth - 1].loop ? "for" : "if");
  ig_template_emit(p, INGOT_TEMPLATE_END, 0, 0);
  if (p->code.size > INGOT_TEMPLATE_CODE_MOST) ig_template_refuse(p, p->source.size, "more than %d bytes of code", INGOT_TEMPLATE_CODE_MOST);
  if (p->strings.size > INGOT_TEMPLATE_STRINGS_MOST) ig_template_refuse(p, p->source.size, "more than %d bytes of text", INGOT_TEMPLATE_STRINGS_MOST);
}

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
  compiler c = {.p = {.source = normalise(source, arena), .bos = bos, .eos = eos, .place = place, .arena = arena, .diags = diags}};
  compile(&c);
  *out = (ig_template){.present = !c.p.failed};
  char *text = ig_alloc(arena, source.size + 1);
  if (source.size) memcpy(text, source.data, source.size);
  out->source = text;
  if (out->present) {
    out->code = copy(arena, &c.p.code);
    out->code_size = (uint32_t)c.p.code.size;
    out->strings = copy(arena, &c.p.strings);
    out->strings_size = (uint32_t)c.p.strings.size;
  }
  ig_text_finish(&c.p.code);
  ig_text_finish(&c.p.strings);
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
