/* damaged IN.gguf OUT.gguf SEED: copies a model file with one to three bytes before its data changed, among them often ones of numbers; SEED 0: its data
 * are all ones instead, which is NaN in every float format. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEAD = 24000 }; /* of the bundled model: its metadata and the list of its tensors take a little more */

static uint32_t next(uint32_t *state) {
  *state ^= *state << 13;
  *state ^= *state >> 17;
  *state ^= *state << 5;
  return *state;
}

int main(int argc, char **argv) {
  static uint8_t bytes[8 << 20];
  if (argc != 4) return 2;
  FILE *in = fopen(argv[1], "rb"), *out = fopen(argv[2], "wb");
  const size_t n = in ? fread(bytes, 1, sizeof bytes, in) : 0;
  uint32_t seed = (uint32_t)atoi(argv[3]);
  if (n < 2 * HEAD || n == sizeof bytes || !out) return 1;
  if (!seed) memset(bytes + n / 2, 0xff, n - n / 2);
  seed *= 2654435761u;
  for (uint32_t k = seed ? 1 + next(&seed) % 3 : 0; k; k--) {
    static const uint8_t sore[] = {0, 1, 2, 0x7f, 0x80, 0xff};
    const size_t at = next(&seed) % (next(&seed) % 2 ? 2000 : HEAD);
    bytes[at] = next(&seed) % 2 ? sore[next(&seed) % sizeof sore] : (uint8_t)next(&seed);
  }
  return fwrite(bytes, 1, n, out) != n || fclose(out);
}
