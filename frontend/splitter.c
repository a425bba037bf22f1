/* Expressions -> syntax tree -> automaton with priorities -> table. The table's states are lists of the places where a match may be, the
 * preferred one first; places after one where the match is complete are dropped (leftmost first, as Perl's). Whether a match is complete
 * is known when the next character's class is, so a transition says it: that is the look-ahead. */
#include "frontend/splitter.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/char_set.h"

enum { SETS = 64, CLASSES = 255, NODES = 4096, STATES = 0x7fff, PAGE = 128, COMPLETE = 0x8000 };

typedef enum tree_kind { EMPTY, SET, NOT_AHEAD, THEN, OR, REPEAT } tree_kind;
typedef struct tree {
  tree_kind kind;
  uint32_t set, least, most;    /* of REPEAT; most 0: any number */
  struct tree *a, *b;
} tree;

typedef enum node_kind { ON_SET, EITHER, UNLESS_AHEAD, MATCH } node_kind;
typedef struct node {
  node_kind kind;
  uint32_t set, a, b;
} node;

typedef struct state {
  uint16_t *place;
  uint32_t n;
} state;

typedef struct builder {
  ig_arena *arena;
  const char *at, *bad;
  ig_char_set set[SETS];
  uint32_t n_sets;
  uint64_t class_sets[CLASSES + 1];    /* which sets hold the characters of a class; the last: the end of the text, in none */
  uint32_t n_classes;
  node *node;
  uint32_t n_nodes;
  state *state;
  size_t n_states, state_capacity;
  uint16_t *list, *next;      /* places: of the state being made, of the one being left */
  uint32_t n_list;
  uint32_t *seen, stamp;        /* per node: the list it was last put into */
} builder;

static tree *fail(builder *b, const char *why) {
  if (!b->bad) b->bad = why;
  return ig_alloc(b->arena, sizeof(tree));
}

/* ---- reading ------------------------------------------------------------------------------------------------------------ */

static tree *make(builder *b, tree_kind kind, tree *left, tree *right) {
  tree *t = ig_alloc(b->arena, sizeof *t);
  *t = (tree){.kind = kind, .a = left, .b = right};
  return t;
}

static tree *read_set(builder *b, tree_kind kind) {
  tree *t = make(b, kind, NULL, NULL);
  ig_char_set set;
  const char *end = ig_char_set_read(b->arena, b->at, &set);
  if (!end) return fail(b, "a set of characters is malformed");
  b->at = end;
  while (t->set < b->n_sets && !ig_char_set_equal(&b->set[t->set], &set)) t->set++;
  if (t->set == SETS) return fail(b, "more than 64 sets of characters");
  if (t->set == b->n_sets) b->set[b->n_sets++] = set;
  return t;
}

static bool take(builder *b, const char *text) {
  size_t n = strlen(text);
  if (strncmp(b->at, text, n) != 0) return false;
  b->at += n;
  return true;
}

static tree *read_choice(builder *b);

static tree *read_atom(builder *b) {
  tree *t;
  if (take(b, "(?!")) t = read_set(b, NOT_AHEAD);
  else if (take(b, "(?:")) t = read_choice(b);
  else if (*b->at == '(' || *b->at == '.' || *b->at == '$' || *b->at == '^' || *b->at == '?' || *b->at == '*' || *b->at == '+' || *b->at == '{')
    return fail(b, "something that these expressions lack");
  else return read_set(b, SET);
  return take(b, ")") ? t : fail(b, "a ) is missing");
}

static tree *read_repeat(builder *b) {
  tree *t = read_atom(b);
  uint32_t least = 1, most = 1;
  if (take(b, "?")) least = 0;
  else if (take(b, "*")) least = most = 0;
  else if (take(b, "+")) most = 0;
  else if (take(b, "{")) {
    char *end;
    least = most = (uint32_t)strtoul(b->at, &end, 10);
    b->at = end;
    if (take(b, ",")) {
      most = *b->at == '}' ? 0 : (uint32_t)strtoul(b->at, &end, 10);
      if (most) b->at = end;
    }
    if (!take(b, "}") || least > 512 || most > 512 || (most && most < least)) return fail(b, "a repetition is malformed");
  } else return t;
  if (*b->at == '?' || *b->at == '+') return fail(b, "a repetition that is not greedy");
  tree *r = make(b, REPEAT, t, NULL);
  r->least = least;
  r->most = most;
  return r;
}

static tree *read_choice(builder *b) {
  tree *t = make(b, EMPTY, NULL, NULL);
  while (*b->at && *b->at != '|' && *b->at != ')' && !b->bad) t = make(b, THEN, t, read_repeat(b));
  return take(b, "|") && !b->bad ? make(b, OR, t, read_choice(b)) : t;
}

/* ---- classes -------------------------------------------------------------------------------------------------------------- */

static uint32_t class_of(builder *b, uint64_t sets) {
  uint32_t c = 0;
  while (c < b->n_classes && b->class_sets[c] != sets) c++;
  if (c < b->n_classes) return c;
  if (c == CLASSES) return fail(b, "more than 255 classes of characters"), 0;
  b->class_sets[b->n_classes++] = sets;
  return c;
}

static int ascending(const void *a, const void *b) {
  const uint32_t *x = a, *y = b;
  return (*x > *y) - (*x < *y);
}

void ig_class_table(const uint8_t *classes, uint32_t n_classes, ig_arena *arena, ig_splitter *out) {
  ig_arena own = {0};
  uint8_t *blocks = ig_alloc(&own, IG_CODE_POINTS);
  uint32_t n_blocks = 0;
  out->n_classes = n_classes;
  out->n_pages = IG_CODE_POINTS / PAGE;
  out->pages = ig_alloc_array(arena, out->n_pages, sizeof *out->pages);
  for (uint32_t page = 0; page < out->n_pages; page++) {
    const uint8_t *of_page = classes + (size_t)PAGE * page;
    uint32_t k = page && !memcmp(of_page - PAGE, of_page, PAGE) ? out->pages[page - 1] : 0;
    while (k < n_blocks && memcmp(blocks + (size_t)PAGE * k, of_page, PAGE) != 0) k++;
    if (k == n_blocks) memcpy(blocks + (size_t)PAGE * n_blocks++, of_page, PAGE);
    out->pages[page] = (uint16_t)k;
  }
  out->blocks_size = n_blocks * PAGE;
  out->blocks = ig_alloc(arena, out->blocks_size);
  memcpy(out->blocks, blocks, out->blocks_size);
  ig_arena_finish(&own);
}

/* Characters that all sets treat alike are one class. */
static void build_classes(builder *b, ig_arena *keep, ig_splitter *out) {
  size_t n = 1, most = 2;
  for (uint32_t s = 0; s < b->n_sets; s++) most += 2 * b->set[s].n;
  uint32_t *edge = ig_alloc_array(b->arena, most, sizeof *edge); /* where a class may begin */
  for (uint32_t s = 0; s < b->n_sets; s++)
    for (size_t i = 0; i < b->set[s].n; i++) {
      edge[n++] = b->set[s].range[i].first;
      edge[n++] = b->set[s].range[i].last + 1;
    }
  qsort(edge, n, sizeof *edge, ascending);
  edge[n] = IG_CODE_POINTS;
  uint8_t *classes = ig_alloc(b->arena, IG_CODE_POINTS);
  for (size_t i = 0; i < n; i++) {
    if (edge[i] >= edge[i + 1]) continue;
    uint64_t sets = 0;
    for (uint32_t s = 0; s < b->n_sets; s++) sets |= (uint64_t)ig_char_set_has(&b->set[s], edge[i]) << s;
    memset(classes + edge[i], (int)class_of(b, sets), edge[i + 1] - edge[i]);
  }
  b->class_sets[b->n_classes] = 0;
  ig_class_table(classes, b->n_classes, keep, out);
}

/* ---- the automaton ---------------------------------------------------------------------------------------------------------- */

static uint32_t add_node(builder *b, node_kind kind, uint32_t set, uint32_t first, uint32_t second) {
  if (b->n_nodes == NODES) return fail(b, "too long"), 0;
  b->node[b->n_nodes] = (node){kind, set, first, second};
  return b->n_nodes++;
}

/* The place where the tree's match begins, when `next` is the place after it. */
static uint32_t emit(builder *b, const tree *t, uint32_t next) {
  switch (t->kind) {
  case EMPTY: return next;
  case SET: return add_node(b, ON_SET, t->set, next, 0);
  case NOT_AHEAD: return add_node(b, UNLESS_AHEAD, t->set, next, 0);
  case THEN: return emit(b, t->a, emit(b, t->b, next));
  case OR: {
    uint32_t first = emit(b, t->a, next);
    return add_node(b, EITHER, 0, first, emit(b, t->b, next));
  }
  case REPEAT: break;
  }
  uint32_t entry = next, copies = t->least;
  if (t->most == 0) {
    uint32_t loop = add_node(b, EITHER, 0, 0, next), body = emit(b, t->a, loop);
    b->node[loop].a = body;
    entry = loop;
    if (copies) entry = body, copies--;
  }
  for (uint32_t i = t->least; i < t->most; i++) entry = add_node(b, EITHER, 0, emit(b, t->a, entry), next);
  for (; copies; copies--) entry = emit(b, t->a, entry);
  return entry;
}

/* Puts a place, or those it leads to without a character, at the end of the list. `ahead`: the class of the next character where it is
 * known. True: the match is complete, and what would come after is dropped. */
static bool put(builder *b, uint32_t place, int ahead) {
  const node *n = &b->node[place];
  if (b->seen[place] == b->stamp) return false;
  b->seen[place] = b->stamp;
  switch (n->kind) {
  case EITHER: return put(b, n->a, ahead) || put(b, n->b, ahead);
  case UNLESS_AHEAD:
    if (ahead >= 0) return !(b->class_sets[ahead] >> n->set & 1) && put(b, n->a, ahead);
    break;
  case MATCH: b->list[b->n_list++] = (uint16_t)place; return true;
  case ON_SET: break;
  }
  b->list[b->n_list++] = (uint16_t)place;
  return false;
}

static uint32_t find_state(builder *b) {
  for (size_t i = 0; i < b->n_states; i++)
    if (b->state[i].n == b->n_list && !memcmp(b->state[i].place, b->list, b->n_list * sizeof *b->list)) return (uint32_t)i;
  if (b->n_states == STATES) return fail(b, "too many states"), 0;
  b->state = ig_grow(b->arena, b->state, b->n_states, &b->state_capacity, sizeof *b->state);
  state *s = &b->state[b->n_states];
  *s = (state){ig_alloc_array(b->arena, b->n_list, sizeof *s->place), b->n_list};
  memcpy(s->place, b->list, b->n_list * sizeof *b->list);
  return (uint32_t)b->n_states++;
}

static void new_list(builder *b) {
  b->stamp++;
  b->n_list = 0;
}

static uint16_t step(builder *b, size_t from, uint32_t class) {
  state s = b->state[from];
  uint16_t complete = 0;
  new_list(b); /* first what the look-ahead leaves */
  for (uint32_t i = 0; i < s.n && !complete; i++)
    if (put(b, s.place[i], (int)class)) complete = COMPLETE;
  uint32_t n = b->n_list - (complete ? 1 : 0);
  memcpy(b->next, b->list, n * sizeof *b->list);
  new_list(b); /* then a character on */
  for (uint32_t i = 0; i < n; i++) {
    const node *at = &b->node[b->next[i]];
    if (b->class_sets[class] >> at->set & 1 && put(b, at->a, -1)) break;
  }
  return (uint16_t)(complete | find_state(b));
}

/* State 0 is where nothing can match any more, 1 the beginning. */
static void build_pass(builder *b, const tree *t, ig_splitter *out, size_t *capacity) {
  b->n_nodes = 0;
  b->n_states = 0;
  memset(b->seen, 0, NODES * sizeof *b->seen);
  b->stamp = 0;
  uint32_t start = emit(b, t, add_node(b, MATCH, 0, 0, 0));
  new_list(b);
  find_state(b);
  new_list(b);
  put(b, start, -1);
  find_state(b);
  for (size_t s = 0; s < b->n_states && !b->bad; s++)
    for (uint32_t c = 0; c <= b->n_classes; c++) {
      uint16_t transition = step(b, s, c);
      out->transitions = ig_grow(b->arena, out->transitions, out->n_transitions, capacity, sizeof *out->transitions);
      out->transitions[out->n_transitions++] = transition;
    }
}

const char *ig_splitter_compile(const char *const *expressions, uint32_t n, ig_arena *arena, ig_splitter *out) {
  ig_arena own = {0}; /* most of what is made is not kept */
  builder b = {.arena = &own};
  ig_splitter made = {0};
  size_t capacity = 0;
  b.node = ig_alloc_array(&own, NODES, sizeof *b.node);
  b.seen = ig_alloc_array(&own, NODES, sizeof *b.seen);
  b.list = ig_alloc_array(&own, NODES, sizeof *b.list);
  b.next = ig_alloc_array(&own, NODES, sizeof *b.next);
  tree **trees = ig_alloc_array(&own, n, sizeof *trees);
  uint32_t *passes = ig_alloc_array(arena, n, sizeof *passes);
  for (uint32_t i = 0; i < n; i++) {
    b.at = expressions[i];
    passes[i] = take(&b, "(?3)") ? IG_PASS_THREES : 0;
    trees[i] = read_choice(&b);
    if (*b.at) fail(&b, "a ) too many");
  }
  build_classes(&b, arena, &made);
  for (uint32_t i = 0; i < n && !b.bad; i++) {
    passes[i] |= made.n_transitions;
    build_pass(&b, trees[i], &made, &capacity);
  }
  uint16_t *transitions = ig_alloc_array(arena, made.n_transitions, sizeof *transitions);
  if (made.n_transitions) memcpy(transitions, made.transitions, made.n_transitions * sizeof *transitions);
  *out = made;
  out->transitions = transitions;
  out->passes = passes;
  out->n_passes = n;
  ig_arena_finish(&own);
  return b.bad;
}
