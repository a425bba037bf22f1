/* Weight formats: blocks of all minima and all maxima by hand, every quant's place, NaN scales, sizes, and whole files of the reference
 * implementation against the model they were made from. */
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "frontend/model.h"

#define HALF_1 0x3c00
#define HALF_2 0x4000
#define HALF_NAN 0x7e00

/* Where d and dmin or m lie (0xff: none), and the value of every element where all other bytes are 0x00, 0xff, or `third`; d = 1, dmin = m = 2. */
static const struct {
  const char *name;
  uint8_t d, dmin;
  float zeros, ones;
  uint8_t third;
  float of_third;
} rows[] = {
  {"q4_0", 0, 0xff, -8, 7, 0x88, 0},
  {"q4_1", 0, 2, 2, 17, 0x88, 10},
  {"q5_0", 0, 0xff, -16, 15, 0, -16},
  {"q5_1", 0, 2, 2, 33, 0, 2},
  {"q8_0", 0, 0xff, 0, -1, 0x80, -128},
  {"q2_k", 80, 82, 0, 3 * 15 - 2 * 15, 0x55, 5 - 2 * 5},
  {"q3_k", 108, 0xff, -4 * -32, 3 * 31, 0, 128},
  {"q4_k", 0, 2, 0, 15 * 63 - 2 * 63, 0, 0},
  {"q5_k", 0, 2, 0, 31 * 63 - 2 * 63, 0, 0},
  {"q6_k", 208, 0xff, 0, -31, 0xaa, -860}, /* 0xff: scale -1; 0xaa: nibbles 10, pairs 2: 42 - 32 = 10, scale -86 */
  {"iq4_nl", 0, 0xff, -127, 113, 0x88, 1},
  {"iq4_xs", 0, 0xff, -127 * -32, 113 * 31, 0, 4064},
  {"tq1_0", 52, 0xff, -1, 1, 0x80, 0}, /* half of 256: digits 1 1 1 1 1 */
  {"tq2_0", 64, 0xff, -1, 2, 0x55, 0},
};

static uint32_t failures;

static void expect(bool ok, const char *name, const char *what, double got) {
  if (ok) return;
  printf("%s: %s, got %g\n", name, what, got);
  failures++;
}

static void put_half(uint8_t *at, uint32_t bits) { at[0] = (uint8_t)bits, at[1] = (uint8_t)(bits >> 8); }

static void decode_filled(const ig_block_format *f, uint8_t d, uint8_t dmin, uint8_t fill, uint32_t scale, float *values) {
  uint8_t bytes[256];
  memset(bytes, fill, sizeof bytes);
  put_half(bytes + d, scale);
  if (dmin != 0xff) put_half(bytes + dmin, HALF_2);
  f->decode(f, bytes, values, f->block_values);
}

static void test_extremes(void) {
  float values[IG_BLOCK_MOST];
  for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
    const ig_block_format *f = ig_format_find(rows[i].name);
    expect(f != NULL, rows[i].name, "is not found", 0);
    if (!f) continue;
    decode_filled(f, rows[i].d, rows[i].dmin, 0x00, HALF_1, values);
    for (uint32_t v = 0; v < f->block_values; v++) expect(values[v] == rows[i].zeros, f->name, "bytes 0x00", (double)values[v]);
    decode_filled(f, rows[i].d, rows[i].dmin, 0xff, HALF_1, values);
    for (uint32_t v = 0; v < f->block_values; v++) expect(values[v] == rows[i].ones, f->name, "bytes 0xff", (double)values[v]);
    decode_filled(f, rows[i].d, rows[i].dmin, rows[i].third, HALF_1, values);
    for (uint32_t v = 0; v < f->block_values; v++) expect(values[v] == rows[i].of_third, f->name, "the third byte", (double)values[v]);
    decode_filled(f, rows[i].d, rows[i].dmin, 0x00, HALF_NAN, values);
    for (uint32_t v = 0; v < f->block_values; v++) expect(isnan(values[v]), f->name, "a NaN scale", (double)values[v]);
  }
}

/* Every value depends on quant bits of its own: flipping one bit of the quants changes one value, and each value is changed by as
 * many bits as a quant has. A layout that reads a bit twice, or not at all, fails. */
static void test_bits(void) {
  static const struct {
    const char *name;
    uint32_t from, to, bits, high_from, high_to;
  } quants[] = {
    {"q4_0", 2, 18, 4, 0, 0},   {"q4_1", 4, 20, 4, 0, 0},    {"q5_0", 6, 22, 5, 2, 6},   {"q5_1", 8, 24, 5, 4, 8},     {"q8_0", 2, 34, 8, 0, 0},
    {"q2_k", 16, 80, 2, 0, 0},  {"q3_k", 32, 96, 3, 0, 32},  {"q4_k", 16, 144, 4, 0, 0}, {"q5_k", 48, 176, 5, 16, 48}, {"q6_k", 0, 128, 6, 128, 192},
    {"iq4_nl", 2, 18, 4, 0, 0}, {"iq4_xs", 8, 136, 4, 0, 0}, {"tq2_0", 0, 64, 2, 0, 0},
  };
  for (size_t i = 0; i < sizeof quants / sizeof *quants; i++) {
    const ig_block_format *f = ig_format_find(quants[i].name);
    uint8_t bytes[256] = {0};
    uint32_t changes[IG_BLOCK_MOST] = {0};
    ig_block before, after;
    f->unpack(bytes, &before);
    for (uint32_t bit = 0; bit < 8 * f->block_bytes; bit++) {
      uint32_t byte = bit / 8, count = 0;
      if ((byte < quants[i].from || byte >= quants[i].to) && (byte < quants[i].high_from || byte >= quants[i].high_to)) continue;
      bytes[byte] = (uint8_t)(bytes[byte] ^ 1u << bit % 8);
      f->unpack(bytes, &after);
      bytes[byte] = 0;
      for (uint32_t v = 0; v < f->block_values; v++)
        if (before.q[v] != after.q[v]) changes[v]++, count++;
      expect(count == 1, f->name, "values that one bit changes", count);
    }
    for (uint32_t v = 0; v < f->block_values; v++) expect(changes[v] == quants[i].bits, f->name, "bits of a value", changes[v]);
  }
}

/* iq4_xs is iq4_nl with a scale per 32 values: the same nibbles under d (sc - 32). */
static void test_iq4_xs(void) {
  const ig_block_format *xs = ig_format_find("iq4_xs"), *nl = ig_format_find("iq4_nl");
  uint8_t bytes[136], small[18];
  float values[256], part[32];
  for (uint32_t i = 0; i < sizeof bytes; i++) bytes[i] = (uint8_t)(i * 73 + 19);
  put_half(bytes, HALF_1);
  xs->decode(xs, bytes, values, 256);
  for (int j = 0; j < 8; j++) {
    int scale = ((bytes[4 + j / 2] >> 4 * (j % 2) & 15) | (bytes[2 + j / 4] >> 2 * (j % 4) & 3) << 4) - 32;
    put_half(small, ig_f32_to_f16((float)scale));
    memcpy(small + 2, bytes + 8 + 16 * j, 16);
    nl->decode(nl, small, part, 32);
    for (int v = 0; v < 32; v++) expect(values[32 * j + v] == part[v], "iq4_xs", "differs from iq4_nl", (double)values[32 * j + v]);
  }
}

/* The sixteen values of mxfp4 under exponents from the smallest to the largest that stays finite; the low nibbles are the first half. */
static void test_mxfp4(void) {
  static const float table[16] = {0, 0.5f, 1, 1.5f, 2, 3, 4, 6, 0, -0.5f, -1, -1.5f, -2, -3, -4, -6};
  static const struct {
    uint8_t exponent;
    float scale;
  } scales[] = {{0, 0x1p-127f}, {1, 0x1p-126f}, {2, 0x1p-125f}, {126, 0.5f}, {127, 1}, {128, 2}, {252, 0x1p125f}};
  const ig_block_format *f = ig_format_find("mxfp4");
  uint8_t bytes[17];
  float values[32];
  for (uint32_t i = 0; i < 16; i++) bytes[1 + i] = (uint8_t)(i | (15 - i) << 4);
  for (size_t s = 0; s < sizeof scales / sizeof *scales; s++) {
    bytes[0] = scales[s].exponent;
    f->decode(f, bytes, values, 32);
    for (uint32_t i = 0; i < 32; i++) expect(values[i] == table[i < 16 ? i : 31 - i] * scales[s].scale, "mxfp4", "table and scale", (double)values[i]);
  }
}

/* Ternary digits written one by one into the places that the format's definition names, read back in order. */
static void test_tq1_0(void) {
  const ig_block_format *f = ig_format_find("tq1_0");
  uint8_t bytes[54] = {0}, trits[256];
  float values[256];
  for (uint32_t i = 0; i < 256; i++) trits[i] = (uint8_t)((i * i + i / 7) % 3);
  static const struct {
    uint32_t byte, bytes, value, digits;
  } runs[3] = {{0, 32, 0, 5}, {32, 16, 160, 5}, {48, 4, 240, 4}};
  for (size_t r = 0; r < 3; r++)
    for (uint32_t i = 0; i < runs[r].bytes; i++) {
      uint32_t v = 0;
      for (uint32_t n = 0; n < 5; n++) v = 3 * v + (n < runs[r].digits ? trits[runs[r].value + n * runs[r].bytes + i] : 0);
      bytes[runs[r].byte + i] = (uint8_t)((v * 256 + 242) / 243);
    }
  put_half(bytes + 52, HALF_2);
  f->decode(f, bytes, values, 256);
  for (uint32_t i = 0; i < 256; i++) expect(values[i] == 2 * ((float)trits[i] - 1), "tq1_0", "digits", i);
}

static void test_floats(void) {
  const ig_block_format *f16 = ig_format_find("f16"), *bf16 = ig_format_find("bf16"), *f32 = ig_format_find("f32");
  static const uint8_t halves[] = {0x00, 0x3c, 0x00, 0xc0, 0x01, 0x00, 0xff, 0x7b, 0x00, 0x80};
  static const uint8_t brains[] = {0x80, 0x3f, 0x80, 0xff};
  static const uint8_t singles[] = {0, 0, 0x80, 0x3f, 1, 0, 0, 0x80};
  float v[5];
  f16->decode(f16, halves, v, 5);
  expect(v[0] == 1 && v[1] == -2 && v[2] == 0x1p-24f && v[3] == 65504 && v[4] == 0 && signbit(v[4]), "f16", "known values", (double)v[2]);
  bf16->decode(bf16, brains, v, 2);
  expect(v[0] == 1 && isinf(v[1]) && v[1] < 0, "bf16", "known values", (double)v[0]);
  f32->decode(f32, singles, v, 2);
  expect(v[0] == 1 && v[1] == -0x1p-149f, "f32", "known values", (double)v[1]);
}

static void test_names(void) {
  uint32_t values = 0, bytes = 0;
  for (int i = 0; ig_format_at(i); i++) {
    const ig_block_format *f = ig_format_at(i);
    expect(ig_format_find(f->name) == f && ig_format_of_gguf(f->gguf_type) == f && strcmp(ig_gguf_type_name(f->gguf_type), f->name) == 0, f->name, "look-up",
           i);
    expect(ig_gguf_type_block(f->gguf_type, &values, &bytes) && values == f->block_values && bytes == f->block_bytes, f->name, "block", bytes);
    expect(!f->unpack == !f->sub_values && f->block_values <= IG_BLOCK_MOST, f->name, "row", f->sub_values);
  }
  expect(!ig_format_find("iq2_xxs") && !ig_format_of_gguf(16) && strcmp(ig_gguf_type_name(16), "iq2_xxs") == 0, "iq2_xxs", "known by name only", 0);
  expect(!ig_gguf_type_name(4) && !ig_gguf_type_name(97) && !ig_gguf_type_block(5, &values, &bytes), "unknown ids", "have names", 0);
}

/* ---- files ------------------------------------------------------------------------------------------------------------ */

static float *load(const ig_model *m, const ig_tensor *t, size_t *n, ig_diags *diags) {
  *n = (size_t)(t->ne[0] * t->ne[1]);
  uint8_t *bytes = malloc((size_t)t->bytes);
  float *values = malloc(*n * sizeof *values);
  if (!bytes || !values || !ig_file_read(&m->file, t->offset, bytes, (size_t)t->bytes, diags)) exit(1);
  t->format->decode(t->format, bytes, values, *n);
  free(bytes);
  return values;
}

/* Relative rms of all weights of a format in `file` from those in `original`, tensor by tensor. */
static void test_file(const char *folder, const char *file, const char *original, const char *format, double most) {
  char path[2][600];
  ig_diags diags = {0};
  ig_model m[2];
  snprintf(path[0], sizeof path[0], "%s/gguf/%s", folder, file);
  snprintf(path[1], sizeof path[1], "%s/gguf/%s", folder, original);
  double error = 0, power = 0;
  bool ok = ig_model_open(&m[0], path[0], &diags);
  ok = ig_model_open(&m[1], path[1], &diags) && ok;
  for (uint32_t i = 0; ok && i < m[0].n_tensors; i++) {
    const ig_tensor *a = &m[0].tensors[i];
    if (strcmp(a->format->name, format) != 0) continue;
    for (uint32_t j = 0; j < m[1].n_tensors; j++) {
      const ig_tensor *b = &m[1].tensors[j];
      size_t n, same;
      if (strcmp(a->name, b->name) != 0) continue;
      float *x = load(&m[0], a, &n, &diags), *y = load(&m[1], b, &same, &diags);
      for (size_t k = 0; k < n && n == same; k++) error += ((double)x[k] - (double)y[k]) * ((double)x[k] - (double)y[k]), power += (double)y[k] * (double)y[k];
      free(x);
      free(y);
    }
  }
  expect(power > 0 && sqrt(error / power) < most, file, "is far from its original", sqrt(error / power));
  ig_model_close(&m[0]);
  ig_model_close(&m[1]);
  ig_diags_finish(&diags);
}

int main(void) {
  test_extremes();
  test_bits();
  test_iq4_xs();
  test_mxfp4();
  test_tq1_0();
  test_floats();
  test_names();
  const char *data = getenv("INGOT_DATA");
  FILE *there = NULL;
  char probe[600];
  if (data) snprintf(probe, sizeof probe, "%s/gguf/stories260K-f32.gguf", data), there = fopen(probe, "rb");
  if (!there) printf("files not checked: there is no model in INGOT_DATA\n");
  else {
    static const struct {
      const char *file, *original, *format;
      double most;
    } files[] = {
      {"stories260K-f16.gguf", "stories260K-f32.gguf", "f16", 0.0005},
      {"stories260K-bf16.gguf", "stories260K-f32.gguf", "bf16", 0.003},
      {"stories260K-q4_0.gguf", "stories260K-f32.gguf", "q4_0", 0.1},
      {"stories260K-q4_1.gguf", "stories260K-f32.gguf", "q4_1", 0.1},
      {"stories260K-q5_0.gguf", "stories260K-f32.gguf", "q5_0", 0.05},
      {"stories260K-q5_1.gguf", "stories260K-f32.gguf", "q5_1", 0.05},
      {"stories260K-q8_0.gguf", "stories260K-f32.gguf", "q8_0", 0.007},
      {"stories260K-dense256-q2_k.gguf", "stories260K-dense256-f16.gguf", "q2_k", 0.35},
      {"stories260K-dense256-q3_k.gguf", "stories260K-dense256-f16.gguf", "q3_k", 0.2},
      {"stories260K-dense256-q4_k_m.gguf", "stories260K-dense256-f16.gguf", "q4_k", 0.09},
      {"stories260K-dense256-q5_k.gguf", "stories260K-dense256-f16.gguf", "q5_k", 0.05},
      {"stories260K-dense256-q6_k.gguf", "stories260K-dense256-f16.gguf", "q6_k", 0.025},
      {"dense256-IQ4_NL.gguf", "stories260K-dense256-f16.gguf", "iq4_nl", 0.12},
    };
    fclose(there);
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) test_file(data, files[i].file, files[i].original, files[i].format, files[i].most);
  }
  return failures ? 1 : 0;
}
