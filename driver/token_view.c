#include "driver/token_view.h"

_Static_assert(sizeof(ig_piece) == 8, "a piece in memory is a piece of tokens.fbs");
_Static_assert(sizeof(ig_merge) == 16, "a merge in memory is a merge of tokens.fbs");

#define CODE(name) {#name, &name}
const ig_token_code ig_token_codes[] = {CODE(ingot__tokens_sentence), CODE(ingot__tokens_bytes), CODE(ingot__tokens_words), CODE(ingot__tokens_unigram)};

static ingot__vec vec(const void *data, uint32_t count) { return (ingot__vec){data, count}; }

ingot__tokenizer ig_token_view(const ig_tokenizer *t) {
  const ig_splitter *s = &t->splitter;
  return (ingot__tokenizer){.code = ig_token_codes[t->kind].code,
                            .text = vec(t->text, t->text_size),
                            .pieces = vec(t->pieces, t->n),
                            .scores = vec(t->scores, t->scores ? t->n : 0),
                            .hash = vec(t->hash, t->hash_size),
                            .specials = vec(t->specials, t->n_specials),
                            .bytes = vec(t->bytes, 256),
                            .end = vec(t->end, t->n_end),
                            .merges = vec(t->merges, t->merges_size),
                            .class_pages = vec(s->pages, s->n_pages),
                            .class_blocks = vec(s->blocks, s->blocks_size),
                            .transitions = vec(s->transitions, s->n_transitions),
                            .passes = vec(s->passes, s->n_passes),
                            .n_classes = s->n_classes,
                            .folds = vec(t->folds, t->n_folds),
                            .longest = t->longest,
                            .unknown_score = t->unknown_score,
                            .charsmap = vec(t->charsmap, t->charsmap_size),
                            .prefixes = vec(t->prefixes, t->prefixes_size),
                            .merges_spaces = t->merges_spaces,
                            .kind = (uint32_t)t->kind,
                            .bos = t->bos,
                            .eos = t->eos,
                            .unknown = t->unknown,
                            .present = t->present,
                            .add_bos = t->add_bos,
                            .add_eos = t->add_eos,
                            .add_space_prefix = t->add_space_prefix,
                            .whole_words = t->whole_words};
}
