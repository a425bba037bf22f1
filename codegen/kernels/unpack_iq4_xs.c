/* iq4_xs: halves of a header and four sub-blocks of 32 whose nibbles are looked up. */
#include "codegen/kernels/linear.h"

enum { LINE = 64 };

static val scale(const ig_reader *r, val part, int j) {
  return kb_sub(r->b, kb_and(r->b, kb_shru(r->b, ig_read_line(r, part, 0), kb_i32x16(r->b, 6 * j)), kb_i32x16(r->b, 63)), kb_i32x16(r->b, 32));
}
static void bytes_of(const ig_reader *r, val part, int j, val *bytes) { ig_iq4_bytes(r, kb_at(r->b, part, (1 + 4 * j) * LINE), bytes); }

const ig_k_format ig_k_iq4_xs = {.format = "iq4_xs",
                                 .subs = 8,
                                 .parts = 2,
                                 .part = 17 * LINE,
                                 .offset_shift = 7,
                                 .extra = IG_K_OFFSET_SCALED,
                                 .d_bits = 8,
                                 .d_mask = 0xff000000,
                                 .d_upper = true,
                                 .scale = scale,
                                 .bytes = bytes_of,
                                 .linear = IG_K_LINEAR("iq4_xs", 1 + 8 + 4 + 64)};
