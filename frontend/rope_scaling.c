/* How positions turn: the base and the dimensions, stretched for contexts beyond the trained one. All ways of scaling are a divisor for each
 * pair, known before anything runs, and a magnitude of sines and cosines:
 *   linear    positions divided by the factor (a factor without a type means this; scale_linear is its older name)
 *   llama3    divisors in the tensor rope_freqs.weight
 *   yarn      fast pairs as trained, slow ones divided by the factor, a ramp between; the magnitude makes up for flatter scores
 *   longrope  divisors in rope_factors_short.weight up to the original context, beyond it in rope_factors_long.weight */
#include <math.h>
#include <string.h>

#include "frontend/decoder.h"
#include "ir/numerics.h"

typedef struct scaling {
  ig_str type;
  float factor, magnitude, fast, slow, extrapolation;
  uint32_t original;            /* context, as trained at first */
} scaling;

static bool is(const scaling *s, const char *type) { return s->type.data && ig_str_equal(s->type, type); }

static bool read_scaling(ig_lowering *l, scaling *s) {
  const ig_meta *meta = l->model->meta;
  *s = (scaling){.magnitude = 1, .fast = 32, .slow = 1, .extrapolation = 1, .original = l->model->n_context};
  bool ok = ig_meta_string(meta, ig_key_of(l, "rope.scaling.type"), &s->type, l->diags);
  ok = ig_meta_f32(meta, ig_key_of(l, "rope.scaling.factor"), &s->factor, l->diags) && ok;
  if (s->factor == 0) ok = ig_meta_f32(meta, ig_key_of(l, "rope.scale_linear"), &s->factor, l->diags) && ok;
  ok = ig_meta_u32(meta, ig_key_of(l, "rope.scaling.original_context_length"), &s->original, l->diags) && ok;
  ok = ig_meta_f32(meta, ig_key_of(l, "rope.scaling.attn_factor"), &s->magnitude, l->diags) && ok;
  ok = ig_meta_f32(meta, ig_key_of(l, "rope.scaling.yarn_beta_fast"), &s->fast, l->diags) && ok;
  ok = ig_meta_f32(meta, ig_key_of(l, "rope.scaling.yarn_beta_slow"), &s->slow, l->diags) && ok;
  ok = ig_meta_f32(meta, ig_key_of(l, "rope.scaling.yarn_ext_factor"), &s->extrapolation, l->diags) && ok;
  if (s->type.data && !is(s, "none") && !is(s, "linear") && !is(s, "yarn") && !is(s, "longrope"))
    ig_problem_add(l, IG_PROBLEM_FEATURE, "metadata key %s = %s; none, linear, yarn and longrope are there", ig_key_of(l, "rope.scaling.type"),
                   ig_str_printable(&l->arena, s->type));
  if (s->factor == 0 || is(s, "none")) s->factor = 1;
  if (!(s->factor > 0))
    ok = ig_error(l->diags, l->model->file.path, "metadata key %s is %g; it must be above 0", ig_key_of(l, "rope.scaling.factor"), (double)s->factor);
  if (!(s->magnitude > 0))
    ok = ig_error(l->diags, l->model->file.path, "metadata key %s is %g; it must be above 0", ig_key_of(l, "rope.scaling.attn_factor"), (double)s->magnitude);
  if (is(s, "yarn") && !(s->fast > 0 && s->slow > 0 && s->original > 0 && s->extrapolation >= 0))
    ok = ig_error(l->diags, l->model->file.path, "metadata keys %s.* of yarn: betas and the original context must be above 0", ig_key_of(l, "rope.scaling"));
  return ok;
}

/* Divisors from a tensor, where it is there: one for each pair. */
static bool read_factors(ig_lowering *l, const char *name, bool optional, uint32_t pairs, float *values) {
  const ig_tensor *t = ig_want(l, name, 0, pairs, optional);
  if (!t || t->ne[0] != pairs || t->gguf_type != 0) return true; /* noted */
  uint8_t *bytes = ig_alloc(&l->arena, 4 * (size_t)pairs);
  if (!ig_file_read(&l->model->file, t->offset, bytes, 4 * (size_t)pairs, l->diags)) return false;
  t->format->decode(t->format, bytes, values, pairs);
  for (uint32_t i = 0; i < pairs; i++)
    if (!(values[i] >= 0x1p-20f && values[i] <= 0x1p40f))
      return ig_error(l->diags, l->model->file.path, "tensor %s: value %u is %g; factors above 0 are needed", name, i, (double)values[i]);
  return true;
}

/* The pair that turns this often within the original context. */
static double pair_of(double turns, double theta, uint32_t dims, uint32_t original) {
  return dims * log(original / (turns * 2 * 3.14159265358979323846)) / (2 * log(theta));
}

static double divisor(const scaling *s, double theta, uint32_t i, uint32_t dims) {
  if (!is(s, "yarn")) return is(s, "longrope") ? 1 : (double)s->factor;
  double low = floor(pair_of((double)s->fast, theta, dims, s->original)), high = ceil(pair_of((double)s->slow, theta, dims, s->original));
  low = low < 0 ? 0 : low, high = high > dims - 1 ? dims - 1 : high;
  double y = (i - low) / (high - low > 0.001 ? high - low : 0.001);
  double keep = (1 - (y < 0 ? 0 : y > 1 ? 1 : y)) * (double)s->extrapolation;
  return 1 / ((1 - keep) / (double)s->factor + keep);
}

/* The channels of a head that turn. */
static bool read_dimensions(ig_lowering *l, uint32_t *dims) {
  const ig_model *m = l->model;
  const char *key = ig_key_of(l, "rope.dimension_count");
  *dims = m->head_dim;
  bool ok = ig_meta_u32(m->meta, key, dims, l->diags);
  if (*dims == 0 || *dims % 2 || *dims > m->head_dim)
    return ig_error(l->diags, m->file.path, "metadata key %s is %u; it must be even and at most the head's %u", key, *dims, m->head_dim);
  return ok;
}

bool ig_rope_unscaled(ig_lowering *l, float theta, ig_rope_turns *turns) {
  uint32_t dims;
  if (!read_dimensions(l, &dims)) return false;
  if (!(theta >= 1)) return ig_error(l->diags, l->model->file.path, "the base of rope in layers with a window is %g; it must be at least 1", (double)theta);
  *turns = (ig_rope_turns){.frequencies = ig_alloc_array(&l->arena, dims / 2, sizeof *turns->frequencies), .pairs = dims / 2, .magnitude = 1};
  for (uint32_t i = 0; i < dims / 2; i++) turns->frequencies[i] = ig_rope_frequency((double)theta, i, dims, 1);
  return true;
}

bool ig_rope_read(ig_lowering *l, ig_rope_turns *turns) {
  const ig_model *m = l->model;
  uint32_t dims;
  float theta = 10000;
  scaling s;
  const char *place = m->file.path;
  if (!read_dimensions(l, &dims)) return false;
  bool ok = ig_meta_f32(m->meta, ig_key_of(l, "rope.freq_base"), &theta, l->diags);
  ok = read_scaling(l, &s) && ok;
  if (!(theta >= 1) || (is(&s, "yarn") && theta == 1))
    ok = ig_error(l->diags, place, "metadata key %s is %g; it must be at least 1", ig_key_of(l, "rope.freq_base"), (double)theta);
  *turns = (ig_rope_turns){.frequencies = ig_alloc_array(&l->arena, dims / 2, sizeof *turns->frequencies), .pairs = dims / 2, .magnitude = s.magnitude};
  float *values = ig_alloc_array(&l->arena, dims / 2, sizeof *values), *other = ig_alloc_array(&l->arena, dims / 2, sizeof *other);
  for (uint32_t i = 0; i < dims / 2; i++) values[i] = 1;
  ok = read_factors(l, "rope_freqs.weight", true, dims / 2, values) && ok;
  bool longer = (m->context ? m->context : m->n_context) > s.original; /* the factors of the other kind are checked too */
  bool optional = !is(&s, "longrope");
  ok = read_factors(l, "rope_factors_long.weight", optional, dims / 2, longer ? values : other) && ok;
  ok = read_factors(l, "rope_factors_short.weight", optional, dims / 2, longer ? other : values) && ok;
  if (is(&s, "yarn") && s.extrapolation != 0) turns->magnitude *= (float)(1 + 0.1 * log((double)s.factor));
  for (uint32_t i = 0; ok && i < dims / 2; i++)
    turns->frequencies[i] = ig_rope_frequency((double)theta, i, dims, (double)values[i] * divisor(&s, (double)theta, i, dims));
  return ok;
}
