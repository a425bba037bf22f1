#include "codegen/tokens_writer.h"

#include <string.h>

#include "codegen/flat_builder.h"

/* Fields by their place in tokens.fbs. */
enum {
  TOK_TEXT,
  TOK_PIECES,
  TOK_SCORES,
  TOK_HASH,
  TOK_SPECIALS,
  TOK_BYTES,
  TOK_BOS,
  TOK_UNKNOWN,
  TOK_END,
  TOK_ADD_BOS,
  TOK_ADD_EOS,
  TOK_SPACE,
  TOK_KIND,
  TOK_MERGES,
  TOK_CLASS_PAGES,
  TOK_CLASS_BLOCKS,
  TOK_N_CLASSES,
  TOK_TRANSITIONS,
  TOK_PASSES,
  TOK_EOS,
  TOK_WHOLE_WORDS,
  TOK_FOLDS,
  TOK_LONGEST,
  TOK_CHARSMAP,
  TOK_PREFIXES,
  TOK_UNKNOWN_SCORE,
  TOK_MERGES_SPACES
};

_Static_assert(sizeof(ig_piece) == 8 && sizeof(ig_merge) == 16 && sizeof(ig_fold) == 8, "structs lie in memory as in the file");

void ig_write_tokens(const ig_tokenizer *t, ig_text *out) {
  ig_flat flat = {0}, *f = &flat;
  ig_flat_ref text = ig_flat_vector(f, t->text, t->text_size, 1, 1), piece = ig_flat_vector(f, t->pieces, t->n, 8, 4);
  const ig_splitter *s = &t->splitter;
  ig_flat_ref merges = t->merges_size ? ig_flat_vector(f, t->merges, t->merges_size, 16, 4) : 0,
              scores = t->scores ? ig_flat_vector(f, t->scores, t->n, 4, 4) : 0;
  ig_flat_ref pages = s->n_pages ? ig_flat_vector(f, s->pages, s->n_pages, 2, 2) : 0,
              blocks = s->n_pages ? ig_flat_vector(f, s->blocks, s->blocks_size, 1, 1) : 0;
  ig_flat_ref transitions = s->n_passes ? ig_flat_vector(f, s->transitions, s->n_transitions, 2, 2) : 0;
  ig_flat_ref passes = s->n_passes ? ig_flat_vector(f, s->passes, s->n_passes, 4, 4) : 0;
  ig_flat_ref folds = t->n_folds ? ig_flat_vector(f, t->folds, t->n_folds, 8, 4) : 0;
  ig_flat_ref map = t->charsmap_size ? ig_flat_vector(f, t->charsmap, t->charsmap_size, 1, 4) : 0;
  ig_flat_ref prefixes = t->prefixes_size ? ig_flat_vector(f, t->prefixes, t->prefixes_size, 1, 1) : 0;
  uint32_t unknown_score;
  memcpy(&unknown_score, &t->unknown_score, sizeof unknown_score);
  ig_flat_ref hash = ig_flat_vector(f, t->hash, t->hash_size, 4, 4);
  ig_flat_ref specials = ig_flat_vector(f, t->specials, t->n_specials, 4, 4), bytes = ig_flat_vector(f, t->bytes, 256, 4, 4);
  ig_flat_ref end = ig_flat_vector(f, t->end, t->n_end, 4, 4);
  ig_flat_child(f, TOK_TEXT, text);
  ig_flat_child(f, TOK_PIECES, piece);
  ig_flat_child(f, TOK_SCORES, scores);
  ig_flat_child(f, TOK_HASH, hash);
  ig_flat_child(f, TOK_SPECIALS, specials);
  ig_flat_child(f, TOK_BYTES, bytes);
  ig_flat_scalar(f, TOK_BOS, 4, t->bos, UINT32_MAX);
  ig_flat_scalar(f, TOK_UNKNOWN, 4, t->unknown, UINT32_MAX);
  ig_flat_child(f, TOK_END, end);
  ig_flat_scalar(f, TOK_ADD_BOS, 1, t->add_bos, 0);
  ig_flat_scalar(f, TOK_ADD_EOS, 1, t->add_eos, 0);
  ig_flat_scalar(f, TOK_SPACE, 1, t->add_space_prefix, 0);
  ig_flat_scalar(f, TOK_KIND, 1, t->kind, 0);
  ig_flat_child(f, TOK_MERGES, merges);
  ig_flat_child(f, TOK_CLASS_PAGES, pages);
  ig_flat_child(f, TOK_CLASS_BLOCKS, blocks);
  ig_flat_scalar(f, TOK_N_CLASSES, 4, s->n_classes, 0);
  ig_flat_child(f, TOK_TRANSITIONS, transitions);
  ig_flat_child(f, TOK_PASSES, passes);
  ig_flat_scalar(f, TOK_EOS, 4, t->eos, UINT32_MAX);
  ig_flat_scalar(f, TOK_WHOLE_WORDS, 1, t->whole_words, 0);
  ig_flat_child(f, TOK_FOLDS, folds);
  ig_flat_scalar(f, TOK_LONGEST, 4, t->longest, 0);
  ig_flat_child(f, TOK_CHARSMAP, map);
  ig_flat_child(f, TOK_PREFIXES, prefixes);
  ig_flat_scalar(f, TOK_UNKNOWN_SCORE, 4, unknown_score, 0);
  ig_flat_scalar(f, TOK_MERGES_SPACES, 1, t->merges_spaces, 0);
  ig_flat_finish(f, ig_flat_table(f), "INGT");
  ig_text_add(out, f->data + f->capacity - f->size, f->size);
  ig_flat_finish_memory(f);
}
