# A compiled model and the runtime before the linker: see tests/symbols.sh.
. "$INGOT_SOURCE/tests/cli/lib.sh"
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "sanitizers add symbols"

expect 0 '' "$ingot" compile "$fable" --name fable -o "$work" -q
expect 0 '' sh "$INGOT_SOURCE/tests/symbols.sh" "$INGOT_SOURCE" "$INGOT_BUILD/libingot.a" "$(echo "$work"/fable.ingot/*/libfable.a)" fable
cat "$work/out"

# an app has the code of its model's kind of tokenizer, and of no other
expect 0 '' cc -O1 -I "$INGOT_SOURCE/runtime" -I "$work/fable.ingot" "$INGOT_SOURCE/examples/hello.c" "$work"/fable.ingot/*/libfable.a "$INGOT_BUILD/libingot.a" -lpthread -o "$work/hello"
nm "$work/hello" | awk '$3 ~ /^ingot__tokens_(sentence|bytes|words|unigram)$/ { print $3 }' > "$work/kinds"
[ "$(cat "$work/kinds")" = ingot__tokens_sentence ] || fail "hello has the tokenizers $(cat "$work/kinds")"
finish
