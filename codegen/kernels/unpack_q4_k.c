/* q4_k and q5_k: quarters of a header and two sub-blocks of 32. */
#include "codegen/kernels/linear.h"

enum { LINE = 64 };

static val scale(const ig_reader *r, val part, int j) {
  return kb_and(r->b, kb_shru(r->b, ig_read_line(r, part, 0), kb_i32x16(r->b, j ? 22 : 6)), kb_i32x16(r->b, 63));
}
static val minima(const ig_reader *r, val part, int j) { return (void)j, kb_and(r->b, ig_read_line(r, part, 0), kb_i32x16(r->b, 0x003f003f)); }

static void q4_k_bytes(const ig_reader *r, val part, int j, val *bytes) {
  for (int i = 0; i < 4; i++) {
    val line = ig_read_line(r, part, (1 + 4 * j + i) * LINE);
    for (int high = 0; high < 2; high++) bytes[2 * i + high] = kb_nibbles(r->b, line, high);
  }
}
static void q5_k_bytes(const ig_reader *r, val part, int j, val *bytes) { ig_five_bits(r, kb_at(r->b, part, (1 + 5 * j) * LINE), bytes); }

const ig_k_format ig_k_q4_k = {.format = "q4_k",
                               .subs = 8,
                               .parts = 4,
                               .part = 9 * LINE,
                               .words = 8,
                               .extra = IG_K_MINIMA_32,
                               .d_bits = 4,
                               .d_mask = 0xf000f000,
                               .scale = scale,
                               .minima = minima,
                               .bytes = q4_k_bytes,
                               .linear = IG_K_LINEAR("q4_k", 2 + 8 + 4 + 64)};
const ig_k_format ig_k_q5_k = {.format = "q5_k",
                               .subs = 8,
                               .parts = 4,
                               .part = 11 * LINE,
                               .words = 4,
                               .extra = IG_K_MINIMA_32,
                               .d_bits = 4,
                               .d_mask = 0xf000f000,
                               .scale = scale,
                               .minima = minima,
                               .bytes = q5_k_bytes,
                               .linear = IG_K_LINEAR("q5_k", 2 + 8 + 4 + 64)};
