# Models in shards: any shard's name opens the set, and the bundle is that of the whole file; sets that are not whole are refused by name.
. "$INGOT_SOURCE/tests/cli/lib.sh"
split=$INGOT_BUILD/tests/split_gguf
weights() { echo "$work/$1.ingot"/*/"$1".weights; }

expect 0 '' "$ingot" compile "$fable" --name whole -o "$work" --variants native -q
for n in 2 3; do
  mkdir "$work/$n"
  expect 0 '' "$split" "$fable" "$work/$n/story" $n
  for no in $(seq $n); do
    expect 0 '' "$ingot" compile "$work/$n/story-0000$no-of-0000$n.gguf" -o "$work" --variants native -q --depfile "$work/story.d"
    equal "weights of shard $no of $n" "$(weights whole)" "$(weights story)"
  done
  for no in $(seq $n); do grep -q "story-0000$no-of-0000$n.gguf" "$work/story.d" || fail "the depfile lacks shard $no"; done
done
first=$work/3/story-00001-of-00003.gguf second=$work/3/story-00002-of-00003.gguf third=$work/3/story-00003-of-00003.gguf
expect 0 '' "$ingot" inspect "$third"
out_has '^weights +[0-9]+ tensors'
expect 0 '' "$ingot" greedy "$fable" -n 8 1 20
cp "$work/out" "$work/ids"
expect 0 '' "$ingot" greedy "$second" -n 8 1 20
equal "ids of the whole and of the set" "$work/ids" "$work/out"

# a shard that changes changes the bundle in the cache
entries=$(ls "$XDG_CACHE_HOME/ingot" | wc -l)
touch -d '2001-02-03' "$third"
expect 0 '' "$ingot" greedy "$second" -n 1 1
[ "$(ls "$XDG_CACHE_HOME/ingot" | wc -l)" = $((entries + 1)) ] || fail "a changed shard is not noticed"

refused() { expect 1 "$1" "$ingot" inspect "$2"; }
mv "$second" "$work/second"
refused '00002-of-00003.gguf: error: cannot open the file' "$first"
refused 'needs all 3 shards of its set in one folder' "$third"
cp "$third" "$second"
refused '00002-of-00003.gguf: error: is shard 3 of its set .*not 2 as its name says' "$first"
refused 'tensor .* is there twice' "$first"
cp "$work/2/story-00002-of-00002.gguf" "$second"
refused '00002-of-00003.gguf: error: is one of 2 shards .*not of 3' "$first"
cp "$work/second" "$second"
expect 0 '' "$ingot" inspect "$first"
expect 0 '' "$split" "$fable" "$work/other" 3
cp "$first" "$work/3/alone.gguf"
refused 'is shard 1 of 3 .*does not say: expected -00001-of-00003.gguf' "$work/3/alone.gguf"
# split.tensors.count of the first
at=$(($(place_of "$first" split.tensors.count) + 19 + 4))
put "$first" $at '\001'
refused 'says that the set has [0-9]+ tensors \(split.tensors.count\), but its shards have' "$second"
cp "$work/other-00001-of-00003.gguf" "$first"
# a tensor beyond the end of its own shard, though others follow; a truncated shard
head -c -100 "$second" > "$work/cut"
cp "$work/cut" "$second"
refused '00002-of-00003.gguf: error: tensor .* pass the end of the file' "$third"
head -c 20 "$work/second" > "$second"
refused '00002-of-00003.gguf: error: n_kv: ' "$third"
# a count that no set has
cp "$work/other-00002-of-00003.gguf" "$second"
at=$(($(place_of "$second" split.count) + 11 + 4))
put "$second" $at '\377\377'
refused 'is shard 2 of 65535 .*expected -00002-of-65535.gguf' "$second"
refused '00002-of-00003.gguf: error: is one of 65535 shards' "$first"
finish
