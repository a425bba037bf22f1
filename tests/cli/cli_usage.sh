# Wrong use is told in one line on stderr, exit status 2, with the nearest right word; help goes to stdout.
. "$INGOT_SOURCE/tests/cli/lib.sh"

expect 2 'usage: ingot COMMAND' "$ingot"
expect 2 'no command `comple`; did you mean `compile`' "$ingot" comple
expect 2 'no command `xyzzyx`; `ingot help` lists' "$ingot" xyzzyx
expect 2 'no option `--varients`; did you mean `--variants`' "$ingot" compile --varients avx2 model.gguf
expect 2 'no option `--zzzzzz`; `ingot help compile` lists' "$ingot" compile --zzzzzz model.gguf
expect 2 'too few arguments; usage: ingot compile' "$ingot" compile
expect 2 'unexpected argument `b`' "$ingot" compile a b
expect 2 '--ctx needs a value' "$ingot" compile model.gguf --ctx
expect 2 '--ctx 12x: expected a whole number' "$ingot" compile model.gguf --ctx 12x
expect 2 '--ctx -1: expected a whole number' "$ingot" compile model.gguf --ctx -1
expect 2 '--ctx 4294967296: expected a whole number' "$ingot" compile model.gguf --ctx=4294967296
expect 2 '--temp warm: expected a number' "$ingot" run --temp warm
expect 2 '--quiet takes no value' "$ingot" compile --quiet=yes model.gguf
expect 2 'no target `x86_65`' "$ingot" compile --target x86_65 model.gguf
expect 2 'no variant `avx3`; did you mean `avx2`' "$ingot" compile --variants avx3 model.gguf
expect 2 'names none' "$ingot" compile --variants , model.gguf
expect 2 '-m is missing' "$ingot" run -p hello
expect 2 'give the text to complete' "$ingot" run -m model.gguf
expect 2 '-m is missing' "$ingot" bench
expect 2 'expected md, csv or json' "$ingot" bench -m model.gguf -o xml
expect 2 'expected whole numbers with commas' "$ingot" bench -m model.gguf -t 1,,2
expect 2 '-f is missing' "$ingot" perplexity model.gguf
expect 2 'neither list nor clean' "$ingot" cache purge
expect 2 'no pass `fuze`; did you mean `fuse`' "$ingot" opt --passes fuze graph.mlir
expect 2 'did you mean `compile`' "$ingot" help compil

expect 0 '' "$ingot" help
for word in compile run chat inspect fit tokenize perplexity bench tune logits greedy verify opt package targets cache version help; do out_has "^  $word "; done
for word in compile run chat inspect fit tokenize perplexity bench tune logits greedy verify opt package targets cache version help; do
  expect 0 '' "$ingot" help $word
  out_has "usage: ingot $word"
  expect 0 '' "$ingot" $word --help
done
expect 0 '' "$ingot" --version
out_has '^ingot [0-9]+\.[0-9]+\.[0-9]+, kernel ABI [0-9]+, LLVM 22\.'
expect 0 '' "$ingot" targets
out_has '^x86_64 '
out_has '^  avx2 '

# every path that cannot be opened is named, exit status 1
expect 1 'nowhere\.gguf' "$ingot" compile "$work/nowhere.gguf" -o "$work"
expect 1 'nowhere\.gguf' "$ingot" inspect "$work/nowhere.gguf"
expect 1 'nowhere\.mlir' "$ingot" opt "$work/nowhere.mlir"
expect 1 'nowhere\.gguf' "$ingot" run -m "$work/nowhere.gguf" -p hello
expect 1 'is not a token id' "$ingot" greedy "$fable" -n 1 12 twelve
# what a message quotes moves no cursor: control characters of ASCII and of Unicode's second row, bytes that are no UTF-8; letters stay letters
hostile=$(printf 'a\033[2J\177\233\302\233\303\251.gguf')
shown='a\\x1b\[2J\\x7f\\x9b\\xc2\\x9bé\.gguf'
expect 2 "^ingot compile: unexpected argument \`$shown\`; usage" "$ingot" compile a "$hostile"
expect 2 "^ingot compile: --ctx $shown: expected a whole number$" "$ingot" compile a --ctx "$hostile"
expect 1 "/$shown: error: cannot open the file" "$ingot" inspect "$work/$hostile"
printf 'GGUF' > "$work/$hostile"
expect 1 "/$shown: error: " "$ingot" inspect "$work/$hostile"
expect 1 "^ingot: error: \`$shown\` is not a token id$" "$ingot" greedy "$fable" -n 1 "$hostile"
cp "$fable" "$work/$hostile"
expect 0 '' "$ingot" inspect --json "$work/$hostile"
out_has '^\{"file": "[^"]*/a\\u001b\[2J\\u007f\\ufffd\\u009bé\.gguf", '
expect 1 'of text are too many' "$ingot" tokenize "$fable" -f /dev/zero
# what is no regular file is not replaced by one
mkfifo "$work/fifo"
ln -s fable.gguf "$work/link"
cp "$fable" "$work/fable.gguf"
expect 0 '' "$ingot" compile "$work/fable.gguf" --name m -o "$work" --variants base --ctx 128 -q --depfile /dev/null
[ -c /dev/null ] || fail "/dev/null is no device any more"
for to in fifo link m.ingot; do expect 1 "$work/$to: (not a regular file|Is a directory)" "$ingot" run -m "$work/m.ingot" -p x -n 1 --save "$work/$to"; done
[ -p "$work/fifo" ] && [ -L "$work/link" ] || fail "a fifo or a link was replaced"
ls "$work" | grep -q part && fail "a refused save leaves a part"
for from in fifo m.ingot; do expect 1 "$work/$from: (not a regular file|Is a directory)" "$ingot" run -m "$work/m.ingot" -p x -n 1 --load "$work/$from"; done
if [ -w /dev/full ]; then
  checked=$((checked + 1))
  "$ingot" help > /dev/full 2> "$work/err" && fail "a full disk is not noticed"
  grep -q 'standard output cannot be written' "$work/err" || fail "a full disk is not told"
fi
expect 0 '' "$ingot" cache list
expect 1 'nosuch: error: is not a variant of [a-z0-9_]+, which has .*, [a-z0-9]+$' "$ingot" run -m "$fable" --variant nosuch -p x
finish
