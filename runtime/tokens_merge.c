/* Byte pair encoding: of the pairs of neighbours that may become one the best first, the leftmost of equals, until none is left. */
#include "runtime/tokens_kinds.h"

static bool sooner(token_pair a, token_pair b) { return a.key < b.key || (a.key == b.key && a.left < b.left); }

static void push_pair(token_job *job, const uint8_t *text, int32_t left) {
  token_pair p;
  if (left < 0 || job->symbols[left].after < 0) return;
  const token_symbol *l = &job->symbols[left], *r = &job->symbols[l->after];
  if (!job->join(job->t, text, l, r, &p)) return;
  p.left = (uint32_t)left;
  p.size = l->size + r->size;
  uint32_t at = job->n_heap++;
  for (; at && sooner(p, job->heap[(at - 1) / 2]); at = (at - 1) / 2) job->heap[at] = job->heap[(at - 1) / 2];
  job->heap[at] = p;
}

static token_pair pop_pair(token_job *job) {
  token_pair *heap = job->heap, top = heap[0], last = heap[--job->n_heap];
  uint32_t at = 0;
  for (uint32_t child; (child = 2 * at + 1) < job->n_heap; at = child) {
    if (child + 1 < job->n_heap && sooner(heap[child + 1], heap[child])) child++;
    if (!sooner(heap[child], last)) break;
    heap[at] = heap[child];
  }
  heap[at] = last;
  return top;
}

void ingot__merge(token_job *job, const uint8_t *text, token_join *join) {
  job->join = join;
  job->n_heap = 0;
  for (uint32_t i = 0; i + 1 < job->n_symbols; i++) push_pair(job, text, (int32_t)i);
  while (job->n_heap) {
    token_pair p = pop_pair(job);
    token_symbol *l = &job->symbols[p.left];
    if (!l->size || l->after < 0) continue;
    token_symbol *r = &job->symbols[l->after];
    if (l->size + r->size != p.size) continue;
    l->size = p.size;
    l->id = p.id;
    r->size = 0;
    l->after = r->after;
    if (r->after >= 0) job->symbols[r->after].before = (int32_t)p.left;
    push_pair(job, text, l->before);
    push_pair(job, text, (int32_t)p.left);
  }
  for (int32_t i = 0; i >= 0 && job->n_symbols; i = job->symbols[i].after) {
    const token_symbol *s = &job->symbols[i];
    uint32_t id = s->id;
    if (id == NO_TOKEN && job->t->kind != INGOT__TOKENS_BYTES) id = ingot__find_piece(job->t, text + s->at, s->size);
    if (id < job->t->pieces.count) ingot__emit(job, id);
    else ingot__emit_bytes(job, text + s->at, s->size);
  }
}
