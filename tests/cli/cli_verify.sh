# Every byte of a bundle is vouched for: one that is changed is found and named, wherever it is.
. "$INGOT_SOURCE/tests/cli/lib.sh"

printf 'Once upon a time' > "$work/prompt.txt"
expect 0 '' "$ingot" compile "$fable" --name m -o "$work" --variants native -q --prefix-prompt "$work/prompt.txt"
bundle=$work/m.ingot
platform=$(echo "$bundle"/*/)
expect 0 '' "$ingot" verify "$bundle"
out_has 'library, plan and 5\.0 MiB of weights belong together and are whole'
size=$(stat -c %s "$platform/m.weights")
changed() { # FILE OFFSET PATTERN: that byte another, then as it was
  byte=$(od -An -tu1 -j "$2" -N1 "$platform/$1" | tr -d ' ')
  put "$platform/$1" "$2" "\\$(printf %03o $((byte ^ 255)))"
  expect 1 "$3" "$ingot" verify "$bundle"
  put "$platform/$1" "$2" "\\$(printf %03o "$byte")"
}
changed m.plan 1000 "m.plan: damaged, or not made together with library 'm'"
changed m.weights 0 'm.weights: the weights are damaged in the MiB from byte 0 on'
changed m.weights 3000000 'm.weights: the weights are damaged in the MiB from byte 2097152 on'
changed m.weights $((size - 300)) 'the weights are of another model|the weights are damaged'
changed m.weights $((size - 100)) 'm.weights: the weights are damaged where their hashes are'
changed m.prefix 5000 'm.prefix: the saved session is damaged: its checksum'
expect 0 '' "$ingot" verify "$bundle"
truncate -s -64 "$platform/m.weights"
expect 1 'bytes of weights, the plan wants' "$ingot" verify "$bundle"
rm "$platform/m.plan"
expect 1 'm.plan: error: cannot be read: No such file|the bundle is not whole' "$ingot" verify "$bundle"
expect 1 'is not a bundle for this machine' "$ingot" verify "$work"
finish
