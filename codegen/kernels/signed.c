/* Where everything of signed products lies (signed.h). */
#include "codegen/kernels/signed.h"

enum { LINE = 64, SLOT = 16, GROUP = 4 };

bool ig_is_signed(const ig_variant *variant, const ig_layout *layout) { return variant->dot >= IG_DOT_SDOT && layout->activation != IG_ACT_F32; }

ig_signed ig_signed_of(const ig_variant *variant, const ig_layout *layout) {
  ig_signed s = {.mm = variant->dot == IG_DOT_SMMLA, .wide = variant->dot == IG_DOT_SMMLA ? 2 : 1, .bytes = 4 * (int)variant->lanes};
  s.of_tile = LINE * s.wide / s.bytes, s.group = s.of_tile < GROUP ? s.of_tile : GROUP;
  if (layout->activation == IG_ACT_A32) {
    s.b = ig_b_of(layout->format);
    s.values = 32, s.subs = 1, s.blocks = s.b->blocks;
    s.x_numbers = s.b->has_m ? 2 : 1;
    s.steps = s.mm ? 4 : 8, s.sub = s.steps + s.x_numbers;
  } else {
    s.k = ig_k_of(layout->format);
    if (s.k->products) s.k = s.k->products;
    s.values = 256, s.subs = s.k->subs, s.blocks = (int)layout->unit_values / 256;
    s.minima = s.k->extra == IG_K_MINIMA_32 ? 8 : s.k->extra == IG_K_MINIMA_16 ? 16 : 0;
    s.steps = s.values / s.subs / (s.mm ? 8 : 4), s.sub = s.steps + (s.k->scale ? 1 : 0);
    s.lines = s.minima / (s.mm ? 8 : 4), s.ends = s.lines + (s.minima ? 2 : 1);
    s.x_minima = s.mm ? s.minima / 4 : s.minima / 8, s.x_numbers = 1;
  }
  s.at_ends = s.of_tile * s.bytes * s.subs * s.sub;
  s.block = s.at_ends + s.of_tile * s.bytes * s.ends;
  s.x_steps = s.values / (s.mm ? 8 : 16);
  s.compact = !s.mm && !variant->sve;
  return s;
}

int ig_signed_slots(const ig_signed *s, int tokens) { return s->mm ? (tokens + 1) / 2 : tokens; }
int ig_signed_numbers(const ig_signed *s, int slots) { return s->compact ? (slots + 3) / 4 : slots; }
int ig_signed_packed(const ig_signed *s, int slots) { return SLOT * ((s->x_steps + s->x_minima) * slots + s->x_numbers * ig_signed_numbers(s, slots)); }
int ig_signed_at_step(const ig_signed *s, int reg, int sub, int step) {
  int first = reg / s->group * s->group;
  return s->bytes * (first * s->subs * s->sub + s->group * (sub * s->sub + step) + reg - first);
}
int ig_signed_at_end(const ig_signed *s, int reg, int line) { return s->at_ends + s->bytes * (reg * s->ends + line); }

void ig_signed_form(ig_linear_format *f, const ig_variant *variant, const ig_layout *layout, uint32_t tokens) {
  ig_signed s = ig_signed_of(variant, layout);
  uint32_t panel = (uint32_t)s.block, packed = (uint32_t)ig_signed_packed(&s, ig_signed_slots(&s, (int)tokens));
  f->expand = ig_signed_expand, f->pack = ig_signed_pack, f->gemm = ig_signed_gemm;
  f->scratch = LINE; /* zeros */
  f->clear = ig_signed_clear, f->read = ig_signed_read;
  f->sum_bytes = s.mm && tokens % 2 ? 2 * LINE : LINE; /* a token left over takes a slot */
  f->panel_unit = panel * (uint32_t)s.blocks, f->packed_unit = packed * (uint32_t)s.blocks;
  f->panel_odd = layout->odd_values ? panel : 0, f->packed_odd = layout->odd_values ? packed : 0;
}

val ig_signed_blocks(ig_linear *l, const ig_signed *s) {
  ig_kb *b = l->b;
  return s->blocks == 1 ? l->units : kb_add(b, kb_mul(b, l->units, kb_i64(b, s->blocks)), l->odd);
}
