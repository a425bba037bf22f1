/* Pre-tokenizers' automata: what expressions split, by rules written out, and every row of the table. */
#include <stdio.h>
#include <string.h>

#include "driver/token_view.h"
#include "frontend/splitter.h"
#include "runtime/tokens_kinds.h"

static uint32_t failures;

static void add_part(void *to, const uint8_t *text, size_t size) {
  ig_text *out = to;
  if (out->size) ig_text_add(out, "|", 1);
  ig_text_add(out, text, size);
}

static void check(const char *const *expressions, uint32_t n, const char *text, const char *want) {
  ig_arena arena = {0};
  ig_tokenizer tables = {.present = true};
  ig_text got = {0};
  const char *bad = ig_splitter_compile(expressions, n, &arena, &tables.splitter);
  if (!bad) {
    ingot__tokenizer t = ig_token_view(&tables);
    ingot__split(&t, 0, (const uint8_t *)text, strlen(text), add_part, &got);
  }
  if (bad || strcmp(got.data ? got.data : "", want) != 0) {
    printf("%s on \"%s\": \"%s\", expected \"%s\"\n", expressions[0], text, bad ? bad : got.data ? got.data : "", want);
    failures++;
  }
  ig_text_finish(&got);
  ig_arena_finish(&arena);
}

static void one(const char *expression, const char *text, const char *want) { check(&expression, 1, text, want); }

static void named(const char *name, const char *text, const char *want) {
  const ig_pre_tokenizer *row = ig_pre_tokenizer_find(ig_str_of(name));
  if (row) check(row->expressions, row->n, text, want);
  else printf("no row %s\n", name), failures++;
}

static void test_rules(void) {
  one("a|ab", "abab", "a|b|a|b");           /* the first alternative, not the longest; gaps are parts */
  one("ab|a", "aba", "ab|a");
  one("(?:a|ab)(?:c|bcd)", "abcd", "abcd"); /* a then bcd, as a backtracking matcher finds it */
  one("a+", "aabaaa", "aa|b|aaa");
  one("a?b", "abbaab", "ab|b|a|ab");
  one("a{2}", "aaaaa", "aa|aa|a");
  one("a{1,3}", "aaaaaaa", "aaa|aaa|a");
  one("a{2,}", "abaaaa", "ab|aaaa");
  one("[^b-d\\n]+", "abcae\nf", "a|bc|ae|\n|f");
  one("[\\p{L}&&[^a-z]]+", "aBC\xc3\xa9x", "a|BC\xc3\xa9|x");
  one("\\s+(?!\\S)|\\s+", "a   b  ", "a|  | |b|  ");
  one("x(?!y)|xy", "xyx", "xy|x");
  one("\\S", "\xff\xc3(", "\xff|\xc3|("); /* what is not UTF-8: a byte at a time, as U+FFFD */
  one("\\p{Lu}\\p{Ll}*", "\xc3\x84rgerOK", "\xc3\x84rger|O|K");
  const char *const chain[] = {"[0-9]+", "[a-z]+(?!\\S)", "[a-z]"};
  check(chain, 3, "ab1cd e", "a|b|1|c|d| |e"); /* every pass splits what the ones before left */
  one("(?3)[0-9]+", "1234567a12", "1|234|567|a12"); /* threes from the end; what lies before the match joins its first part */
  check(chain, 2, "ab1cd e", "ab|1|cd| |e"); /* the end of a part is the end of the text, for look-ahead too */
}

static void test_malformed(void) {
  static const char *const wrong[] = {"(a", "a)", "[a", "a**", "a+?", "(?=a)", "a{3,2}", "\\p{Xx}", "\\q", "^a", "a$", "(?<!a)", "[z-a]", "."};
  for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
    ig_arena arena = {0};
    ig_splitter out;
    if (!ig_splitter_compile(&wrong[i], 1, &arena, &out)) printf("%s is taken\n", wrong[i]), failures++;
    ig_arena_finish(&arena);
  }
}

static void test_rows(void) {
  const ig_pre_tokenizer *row;
  uint32_t n = 0;
  for (; (row = ig_pre_tokenizer_row(n)); n++) {
    ig_arena arena = {0};
    ig_splitter out;
    const char *bad = ig_splitter_compile(row->expressions, row->n, &arena, &out);
    if (bad || ig_pre_tokenizer_find(ig_str_of(row->name)) != row) printf("%s: %s\n", row->name, bad ? bad : "twice in the table"), failures++;
    ig_arena_finish(&arena);
  }
  if (n < 80 || ig_pre_tokenizer_find(ig_str_of("no-such"))) failures++;
  named("gpt-2", "It's 1234  x!!\n\n y", "It|'s| 1234| | x|!!|\n\n| y");
  named("llama-bpe", "It'S 1234  x!!\n\n y", "It|'S| |123|4| | x|!!\n\n| y");
  named("qwen2", "a 12\t\tb", "a| |1|2|\t|\tb");
  named("smollm", "a 12 b", "a| |1|2| b");
  named("gpt-4o", "fooBar HTTPServer's a/b//\n", "foo|Bar| HTTPServer's| a|/b|//\n");
  named("tekken", "fooBar's 12", "foo|Bar|'s| |1|2");
  named("deepseek-v3", "12345 \xe6\x97\xa5\xe6\x9c\xac.text", "123|45| |\xe6\x97\xa5\xe6\x9c\xac|.text");
  named("deepseek-llm", "ab 12  \ncd.", "ab| |12|  |\n|cd|.");
  named("falcon", "a+b 1234", "a|+|b| |123|4");
  named("youtu", "a1234 b", "a|1|2|3|4| b");
  named("afmoe", "ab 1234567 x", "ab| |1|234|567| x");
  named("tiny_aya", "ab  1234", "ab| | |1|234");
  named("superbpe", "ab 1234567 ab", "ab |1|234|567| ab");
  named("kimi-k2",
        "\xe6\x97\xa5\xe6\x9c\xac"
        "x's 1234",
        "\xe6\x97\xa5\xe6\x9c\xac|x's| |123|4");
  named("jais-2", "a      b", "a|    | | b");
  named("exaone-moe", "ab cd  e!/\n12", "ab cd| | e|!/\n|1|2");
  named("laguna", "a b\n\nc", "a| b|\n\n|c");
  named("minicpm5", "It's 1234", "It|'s| |123|4");
  named("chameleon", "IMGIMGABZx 12", "IMGIMGABZ|x| |1|2");
  named("viking", "ab 12, c", "ab| |1|2|,| c");
}

int main(void) {
  test_rules();
  test_malformed();
  test_rows();
  return failures ? 1 : 0;
}
