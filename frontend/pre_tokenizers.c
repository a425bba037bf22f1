/* The expressions by which models split text, by the names that files give them. They are those of the models' published tokenizer.json,
 * in the forms that GGUF files are made for: where llama.cpp and the original part (contractions in ASCII only, for instance), what
 * files' names mean is what llama.cpp does with them. */
#include "frontend/splitter.h"

#define ENDINGS "'[sS]|'[tT]|'[rR][eE]|'[vV][eE]|'[mM]|'[lL][lL]|'[dD]"
#define SPACES "\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+"
#define WORD "[^\\r\\n\\p{L}\\p{N}]?\\p{L}+"
#define SYMBOLS " ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*"
#define GPT2 "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+"
#define LLAMA3 ENDINGS "|" WORD "|\\p{N}{1,3}|" SYMBOLS "|" SPACES
#define QWEN2 ENDINGS "|" WORD "|\\p{N}|" SYMBOLS "|" SPACES
#define THREES "(?3)\\p{N}+"
#define CJK "[一-龥\xe3\x81\x80-ゟ゠-ヿ]+"
#define PUNCTUATION "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~]"
#define DEEPSEEK_V3 PUNCTUATION "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\\r\\n]*|" SPACES
/* Words whose capitals come first. UPPER and LOWER: the sets that the two halves take. */
#define CASED_WORD(UPPER, LOWER, END) "[^\\r\\n\\p{L}\\p{N}]?" UPPER "*" LOWER "+" END "|[^\\r\\n\\p{L}\\p{N}]?" UPPER "+" LOWER "*" END
#define ANY_LETTER "[\\p{L}\\p{M}]"
#define NOT_SMALL "[\\p{L}&&[^a-z]]"
#define NOT_CAPITAL "[\\p{L}&&[^A-Z]]"
#define SLASH_SYMBOLS " ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*"

/* The blocks of Chinese characters (Unicode, blocks "CJK Unified Ideographs" and their extensions, A to F, and "CJK Compatibility Ideographs"). */
#define HAN_BLOCKS "\U00003400-\U00004dbf\U00004e00-\U00009fff\U0000f900-\U0000faff\U00020000-\U0002a6df\U0002a700-\U0002ebef\U0002f800-\U0002fa1f"

static const char *const gpt2[] = {GPT2};
static const char *const llama3[] = {LLAMA3};
static const char *const qwen2[] = {QWEN2};
static const char *const qwen35[] = {ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}\\p{M}]+|\\p{N}| ?[^\\s\\p{L}\\p{M}\\p{N}]+[\\r\\n]*|" SPACES};
static const char *const digits[] = {"\\p{N}", GPT2};
static const char *const classic[] = {"[\\p{P}\\$\\+<=>\\^~\\|]+", GPT2, "\\p{N}+", "[0-9][0-9][0-9]"};
static const char *const falcon[] = {"[\\p{P}\\$\\+<=>\\^~\\|`]+", GPT2, "[0-9][0-9][0-9]"};
static const char *const deepseek_llm[] = {"[\\r\\n]",
                                           "\\s?["
                                           "A-Za-zµÀ-ÖØ-öø-ƺƼ-ƿǄ-ʓʕ-ʯͰ-ͳͶͷͻ-ͽͿΆΈ-ΊΌΎ-ΡΣ-ϵϷ-ҁҊ-ԯԱ-ՖႠ-ჅᎠ-Ᏽᏸ-ᏽᲐ-ᲺᲽ-Ჿᴀ-ᴫᵫ-ᵷᵹ-ᶚḀ-ἕἘ-Ἕἠ-ὅὈ-Ὅὐ-ὗὙὛὝὟ-ώᾀ-ᾴᾶ-ᾼιῂ-ῄ"
                                           "ῆ-ῌῐ-ΐῖ-Ίῠ-Ῥῲ-ῴῶ-ῼℂℇℊ-ℓℕℙ-ℝℤΩℨK-ℭℯ-ℴℹℼ-ℿⅅ-ⅉⅎↃↄⰀ-ⱻⱾ-ⳤⳫ-ⳮⳲⳳꙀ-ꙭꚀ-ꚛꜢ-ꝯꝱ-ꞇꞋ-ꞎꭰ-ꮿﬀ-ﬆﬓ-ﬗＡ-Ｚａ-ｚ𐐀-𐑏𐒰-𐓓𐓘-𐓻𐲀-𐲲𐳀-𐳲𑢠-𑣟𞤀-𞥃"
                                           "]+",
                                           "\\s?[!-/:-~！-／：-～‘-‟　-。&&\\S]+",
                                           "(?:\\s*\\S)+|\\s+", /* as \s+$ splits, in linear time */
                                           "[一-龥ࠀ-一가-\xed\x9f\xbf&&\\S]+",
                                           "\\p{N}+"};
static const char *const deepseek_coder[] = {"[\\r\\n]", "\\s?\\p{L}+", "\\s?\\p{P}+", "[一-龥ࠀ-一가-\xed\x9f\xbf&&\\S]+", "\\p{N}"};
static const char *const deepseek_v3[] = {"\\p{N}{1,3}", CJK, DEEPSEEK_V3};
static const char *const tekken[] = {CASED_WORD(NOT_SMALL, NOT_CAPITAL, "") "|\\p{N}|" SLASH_SYMBOLS "|" SPACES};
static const char *const gpt4o[] = {CASED_WORD(NOT_SMALL, NOT_CAPITAL, "(?:" ENDINGS ")?") "|\\p{N}{1,3}|" SLASH_SYMBOLS "|" SPACES};
static const char *const youtu[] = {"[가-힣ㄱ-ㆎ]+|[！…“”‘’—：；，、-〿︰-﹏]+|[ㄅ-ㄯ]+|" CJK,
                                    CASED_WORD(ANY_LETTER, ANY_LETTER, "(?:" ENDINGS ")?") "|\\p{N}|" SLASH_SYMBOLS "|" SPACES};
static const char *const bloom[] = {" ?[^(\\s|.,!?…。，、।۔،)]+"};
static const char *const viking[] = {" ?[^(\\s|.,!?…。，、।۔،)]+", "\\p{N}"};
static const char *const bailing[] = {"'(?:[sSdDmMtT]|[lL][lL]|[vV][eE]|[rR][eE])|" WORD "|\\p{N}|" SYMBOLS "|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"};
static const char *const seed_coder[] = {ENDINGS "|" WORD "|\\p{N}| ?[^\\s\\p{L}\\p{N}\\r\\n]+|" SPACES};

static const char *const spark[] = {"\\p{N}{1,3}", CJK,
                                    PUNCTUATION "[A-Za-z]+|[^\\r\\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+|[\\r\\n]|\\s+(?!\\S)|\\s+", "\\p{N}"};
static const char *const granite_embed[] = {CASED_WORD("[\\p{L}\\p{M}&&[^a-z]]", "[\\p{L}\\p{M}&&[^A-Z]]", "(?:" ENDINGS ")?") "|\\p{N}{1,3}|" SLASH_SYMBOLS
                                                                                                                               "|" SPACES};
static const char *const jais2[] = {ENDINGS "|" WORD "|\\p{N}{1,3}|" SYMBOLS
                                            "|\\s*[\\r\\n]+|\\s{512}(?!\\S)|\\s{256}(?!\\S)|\\s{128}(?!\\S)|\\s{64}(?!\\S)|\\s{32}(?!\\S)|\\s{16}(?!\\S)"
                                            "|\\s{8}(?!\\S)|\\s{4}(?!\\S)|\\s{1,2}(?!\\S)|\\s"};
static const char *const exaone_moe[] = {
  ENDINGS "|[^\\r\\n\\p{L}\\p{N}]?(?:\\p{L}\\p{M}*(?: \\p{L}\\p{M}*)*)+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]?|\\s*[\\r\\n]|\\s+(?!\\S)|\\s+"};
static const char *const chameleon[] = {"<sentinel:[0-9]+>", "IMGIMG[A-I]{1,4}Z", "[\\t\\n]|    |  ", "\\p{N}", "[\\p{P}!-/:-@\\[-`{-~]", GPT2};
static const char *const laguna[] = {"[^\\n]+|\\n+", QWEN2};
static const char *const minicpm5[] = {"\\p{N}{1,3}", ENDINGS "|" WORD "|\\p{N}+|" SYMBOLS "|" SPACES};
static const char *const ufakzeka[] = {WORD "|\\p{N}|" SYMBOLS "|" SPACES};
static const char *const kimi[] = {"[" HAN_BLOCKS "]+|[^\\r\\n\\p{L}\\p{N}]?[\\p{L}&&[^" HAN_BLOCKS "]]+(?:" ENDINGS ")?|\\p{N}{1,3}|" SYMBOLS "|" SPACES};
static const char *const afmoe[] = {THREES,
                                    "[一-鿿㐀-䶿豈-\xef\xab\xbf\xe3\x81\x80-ゟ゠-ヿ･-ﾟ⼀-\xe2\xbf\x9fเ-\xe0\xb9\xbf\xe0\xba\x80-\xe0\xbb\xbfក-\xe1\x9f\xbfက-႟ꩠ-"
                                    "ꩿꧠ-\xea\xa7\xbf가-\xed\x9e\xafᄀ-ᇿ]+",
                                    DEEPSEEK_V3};
static const char *const tiny_aya[] = {THREES, CASED_WORD(ANY_LETTER, ANY_LETTER, "(?:" ENDINGS ")?") "|\\p{N}{1,3}|" SLASH_SYMBOLS "|" SPACES};
static const char *const superbpe[] = {"\\p{N}+", "[0-9]+", "(?3)[0-9]+"};

#define ROW(NAME, EXPRESSIONS, IGNORE, BOS) {NAME, EXPRESSIONS, sizeof EXPRESSIONS / sizeof *EXPRESSIONS, IGNORE, BOS}
static const ig_pre_tokenizer rows[] = {
#include "frontend/pre_tokenizers.def"
};
#undef ROW
enum { ROWS = sizeof rows / sizeof *rows };

const ig_pre_tokenizer *ig_pre_tokenizer_row(uint32_t n) { return n < ROWS ? &rows[n] : NULL; }

const ig_pre_tokenizer *ig_pre_tokenizer_find(ig_str name) {
  for (uint32_t i = 0; i < ROWS; i++)
    if (ig_str_equal(name, rows[i].name)) return &rows[i];
  return NULL;
}
