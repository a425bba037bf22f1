/* SHA-256 against published values (FIPS 180-4 examples), in pieces of every size. */
#include "runtime/abi/sha256.h"
#include "tests/runtime/check.h"

static void check_digest(const char *text, size_t repeat, const char *expected) {
  size_t size = strlen(text);
  for (size_t piece = 1; piece <= 200; piece = piece * 3 / 2 + 1) {
    ingot__sha256 hash;
    uint8_t digest[32];
    char hex[65];
    ingot__sha256_init(&hash);
    for (size_t r = 0; r < repeat; r++)
      for (size_t at = 0; at < size; at += piece) ingot__sha256_add(&hash, text + at, size - at < piece ? size - at : piece);
    ingot__sha256_finish(&hash, digest);
    for (int i = 0; i < 32; i++) snprintf(hex + 2 * i, 3, "%02x", digest[i]);
    CHECK_TEXT(hex, expected);
  }
}

int main(void) {
  check_digest("", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  check_digest("abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  check_digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  check_digest("abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu", 1,
               "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1");
  check_digest("aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 10000,
               "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
  return finish();
}
