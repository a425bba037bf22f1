# compile: identical bytes from identical input, whole bundles only, and errors that name file and field and leave nothing behind.
. "$INGOT_SOURCE/tests/cli/lib.sh"

expect 0 'compiled in' "$ingot" compile "$fable" --name m --variants native -o "$work/a"
expect 0 '' "$ingot" compile "$fable" --name m --variants native -o "$work/b" -j 1 -q
mkdir "$work/elsewhere"
cp "$fable" "$work/elsewhere/"
(cd "$work/elsewhere" && TZ=Asia/Tokyo LC_ALL=C "$ingot" compile fable-f16.gguf --name m --variants native -o ../c -j 2 -q) || fail "compile elsewhere"
checked=$((checked + 1))
for other in b c; do diff -r "$work/a" "$work/$other" || fail "two compilations differ: a and $other"; done
[ "$(ls "$work/a")" = m.ingot ] || fail "besides the bundle there is: $(ls -A "$work/a")"
for file in m.h report.json; do [ -s "$work/a/m.ingot/$file" ] || fail "$file is missing"; done
for file in libm.a m.plan m.weights; do [ -s "$work/a/m.ingot"/*/$file ] || fail "$file is missing"; done

# names: of the header, the library and the program
for name in 1st a-b a/b '' ingot; do expect 1 'no name for a bundle' "$ingot" compile "$fable" --name "$name" -o "$work/named"; done
[ ! -e "$work/named" ] || fail "a refused name leaves $(ls "$work/named")"
cp "$fable" "$work/ingot.gguf"
expect 0 '' "$ingot" compile "$work/ingot.gguf" --variants native -o "$work/named" -q
[ -f "$work/named/m_ingot.ingot/m_ingot.h" ] || fail "ingot.gguf becomes $(ls "$work/named")"

# again into the same place: replaced, nothing left over
expect 0 '' "$ingot" compile "$fable" --name m --variants native -o "$work/a" -q --ctx 256
[ "$(ls -A "$work/a")" = m.ingot ] || fail "besides the bundle there is: $(ls -A "$work/a")"
diff -rq "$work/a" "$work/b" > "$work/out" && fail "--ctx changes nothing"

# the depfile is for make: target: what it was made of
expect 0 '' "$ingot" compile "$fable" --name m --variants native -o "$work/a" -q --depfile "$work/m.d"
grep -q 'fable-f16.gguf' "$work/m.d" || fail "the depfile does not name the model"

# stages as text
for stage in graph fuse split layout plan; do
  expect 0 '' "$ingot" compile "$fable" --compile-to $stage -o "$work/none"
  [ -s "$work/out" ] || fail "--compile-to $stage prints nothing"
  [ ! -e "$work/none" ] || fail "--compile-to $stage writes files"
done
# what was printed parses, prints the same, and goes on
expect 0 '' "$ingot" compile "$fable" --compile-to graph
cp "$work/out" "$work/graph.mlir"
expect 0 '' "$ingot" opt --verify "$work/graph.mlir"
equal "the graph printed again" "$work/graph.mlir" "$work/out"
expect 0 '' "$ingot" opt "$work/graph.mlir"
cp "$work/out" "$work/opt.mlir"
expect 0 '' "$ingot" compile "$fable" --compile-to layout
equal "opt's passes and compile's" "$work/opt.mlir" "$work/out"

# damaged and foreign files: exit status 1, the file named, the field named, nothing written
refuse() { # PATTERN
  expect 1 "$1" "$ingot" compile "$work/bad.gguf" -o "$work/refused"
  grep -q 'bad\.gguf' "$work/err" || fail "the file is not named: $(cat "$work/err")"
  [ -z "$(ls -A "$work/refused" 2>/dev/null)" ] || { fail "written in spite of an error: $(ls -A "$work/refused")"; rm -rf "$work/refused"; }
}
printf 'not a model' > "$work/bad.gguf"; refuse 'GGUF|magic'
: > "$work/bad.gguf"; refuse 'bad'
head -c 100 "$fable" > "$work/bad.gguf"; refuse 'n_tensors|metadata'
head -c 20000 "$fable" > "$work/bad.gguf"; refuse 'metadata|tokenizer|tensor|end of'
head -c 4000000 "$fable" > "$work/bad.gguf"; refuse 'tensor'
cp "$fable" "$work/bad.gguf"; put "$work/bad.gguf" 4 '\011'; refuse 'version'
at=$(place_of "$fable" general.architecture)
cp "$fable" "$work/bad.gguf"; put "$work/bad.gguf" $((at + 32)) 'lxama'; refuse 'lxama'

# formats without kernels: one error names every one of them (16 = iq2_xxs, 29 = iq1_m)
type_at() { echo $(($(place_of "$fable" "$1") + ${#1} + 4 + 16)); }
cp "$fable" "$work/bad.gguf"
put "$work/bad.gguf" "$(type_at blk.0.attn_q.weight)" '\020'
put "$work/bad.gguf" "$(type_at blk.3.ffn_down.weight)" '\035'
refuse 'iq2_xxs'
grep -q iq1_m "$work/err" || fail "the second format is not named: $(cat "$work/err")"

# an unwritable place
expect 1 'here' "$ingot" compile "$fable" --variants native -o "$work/graph.mlir/here" -q
finish
