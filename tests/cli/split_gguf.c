/* split_gguf IN.gguf OUT N: the same model as a set of N shards, OUT-00001-of-0000N.gguf and so on: all metadata in the first, which has no tensors
 * where N is above 2; tensors as they come, each shard with offsets of its own. For tests. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ALIGN = 32, MOST = 4096 };

typedef struct tensor {
  const uint8_t *info;
  size_t info_size;
  uint64_t offset, bytes;
} tensor;

static const uint8_t *data;

static uint64_t get(size_t at, int n) {
  uint64_t v = 0;
  while (n--) v = v << 8 | data[at + (size_t)n];
  return v;
}
static void put(FILE *f, uint64_t v, int n) {
  for (; n; n--, v >>= 8) fputc((int)(v & 255), f);
}
static uint64_t up(uint64_t v) { return (v + ALIGN - 1) / ALIGN * ALIGN; }
static void pad(FILE *f) {
  while (ftell(f) % ALIGN) fputc(0, f);
}

static size_t skip_value(size_t at, uint32_t type) {
  static const size_t size[] = {1, 1, 2, 2, 4, 4, 4, 1, 0, 0, 8, 8, 8};
  if (type == 8) return at + 8 + (size_t)get(at, 8);
  if (type != 9) return at + size[type];
  uint32_t element = (uint32_t)get(at, 4);
  uint64_t n = get(at + 4, 8);
  at += 12;
  for (; n; n--) at = skip_value(at, element);
  return at;
}

static void put_split_key(FILE *f, const char *key, uint32_t type, uint64_t value) {
  put(f, strlen(key), 8);
  fputs(key, f);
  put(f, type, 4);
  put(f, value, type == 2 ? 2 : 4);
}

static void write_shard(const char *out, uint32_t no, uint32_t count, uint64_t n_kv, const uint8_t *kv, size_t kv_size, const tensor *t, uint32_t n,
                        uint32_t all, uint64_t base) {
  char path[4096];
  snprintf(path, sizeof path, "%s-%05u-of-%05u.gguf", out, no + 1, count);
  FILE *f = fopen(path, "wb");
  if (!f) exit(1);
  fputs("GGUF", f);
  put(f, 3, 4), put(f, n, 8), put(f, n_kv + 3, 8);
  fwrite(kv, 1, kv_size, f);
  put_split_key(f, "split.no", 2, no), put_split_key(f, "split.count", 2, count), put_split_key(f, "split.tensors.count", 5, all);
  uint64_t offset = 0;
  for (uint32_t i = 0; i < n; i++) {
    fwrite(t[i].info, 1, t[i].info_size - 8, f);
    put(f, offset, 8);
    offset += up(t[i].bytes);
  }
  pad(f);
  for (uint32_t i = 0; i < n; i++) {
    fwrite(data + base + t[i].offset, 1, (size_t)t[i].bytes, f);
    pad(f);
  }
  if (fclose(f)) exit(1);
}

int main(int argc, char **argv) {
  static tensor tensors[MOST];
  if (argc != 4) return fputs("usage: split_gguf IN.gguf OUT N\n", stderr), 2;
  const uint32_t count = (uint32_t)strtoul(argv[3], NULL, 10);
  FILE *in = fopen(argv[1], "rb");
  if (!in || fseek(in, 0, SEEK_END)) return 1;
  const size_t size = (size_t)ftell(in);
  uint8_t *bytes = malloc(size);
  if (!bytes || fseek(in, 0, SEEK_SET) || fread(bytes, 1, size, in) != size) exit(1);
  fclose(in);
  data = bytes;
  const uint32_t n = (uint32_t)get(8, 8);
  const uint64_t n_kv = get(16, 8);
  size_t at = 24;
  for (uint64_t i = 0; i < n_kv; i++) {
    at += 8 + (size_t)get(at, 8);
    at = skip_value(at + 4, (uint32_t)get(at, 4));
  }
  const size_t kv_size = at - 24;
  if (n > MOST || !count) return 1;
  for (uint32_t i = 0; i < n; i++) {
    size_t start = at;
    at += 8 + (size_t)get(at, 8);
    at += 4 + 8 * (size_t)get(at, 4) + 4;
    tensors[i] = (tensor){data + start, at + 8 - start, get(at, 8), 0};
    at += 8;
  }
  const uint64_t base = up(at);
  for (uint32_t i = 0; i < n; i++) tensors[i].bytes = (i + 1 < n ? tensors[i + 1].offset : size - base) - tensors[i].offset; /* as they lie, padding too */
  const uint32_t with = count > 2 ? count - 1 : count; /* shards that have tensors */
  for (uint32_t no = 0, done = 0; no < count; no++) {
    uint32_t k = no - (count - with), end = count > with && !no ? 0 : (uint32_t)((uint64_t)n * (k + 1) / with);
    write_shard(argv[2], no, count, no ? 0 : n_kv, data + 24, no ? 0 : kv_size, tensors + done, end - done, n, base);
    done = end;
  }
  free(bytes);
  return 0;
}
