/* WordPiece: what becomes of each character before words are looked up, as uncased BERT models have it. */
#include <string.h>

#include "frontend/splitter.h"
#include "frontend/tokenizer_job.h"
#include "frontend/unicode.h"

enum { AS_IT_IS, SPACE, DROPPED, ALONE, FOLDED = 4, CLASSES = 8 }; /* tokens.fbs, WordPiece */
enum { HANGUL = 0xac00, HANGUL_END = 0xd7a3 };                     /* the runtime computes these folds */

/* Characters that are words of their own: Chinese, and Japanese as far as it is written so (BERT's list). */
static const ig_range ideographs[] = {{0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfaff},   {0x20000, 0x2a6df},
                                      {0x2a700, 0x2b73f}, {0x2b740, 0x2b81f}, {0x2b920, 0x2ceaf}, {0x2f800, 0x2fa1f}};

static bool within(const ig_range *ranges, size_t n, uint32_t c) {
  for (size_t i = 0; i < n; i++)
    if (c >= ranges[i].first && c <= ranges[i].last) return true;
  return false;
}

static uint8_t class_of(uint32_t c) {
  const char *category = ig_unicode_category(c);
  if (within(ig_unicode_spaces, IG_UNICODE_SPACES, c)) return SPACE;
  if (c == 0 || c == 0xfffd || category[0] == 'M' || (category[0] == 'C' && category[1] != 'n')) return DROPPED;
  if (category[0] == 'P' || (c < 0x7f && category[0] == 'S') || within(ideographs, sizeof ideographs / sizeof *ideographs, c)) return ALONE;
  return AS_IT_IS;
}

void ig_read_words(job *j) {
  ig_tokenizer *t = j->t;
  ig_arena *arena = &j->model->arena, own = {0};
  uint8_t *classes = ig_alloc(&own, IG_CODE_POINTS);
  size_t capacity = 0;
  for (uint32_t c = 0; c < IG_CODE_POINTS; c++) {
    uint32_t base = ig_unicode_base(c), to = ig_unicode_lower(base);
    classes[c] = class_of(base);
    if (to == c) continue;
    classes[c] |= FOLDED;
    if (c >= HANGUL && c <= HANGUL_END) continue;
    t->folds = ig_grow(arena, t->folds, t->n_folds, &capacity, sizeof *t->folds);
    t->folds[t->n_folds++] = (ig_fold){c, to};
  }
  ig_class_table(classes, CLASSES, arena, &t->splitter);
  ig_arena_finish(&own);
}
