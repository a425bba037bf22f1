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
vouched='is not the file that report.json vouches for'
changed m.plan 1000 "m.plan: error: $vouched"
changed libm.a 30000 "libm.a: error: $vouched"
changed ../m.h 100 "m.h: error: $vouched"
changed m.weights 0 'm.weights: error: the weights are damaged in the MiB from byte 0 on'
changed m.weights 3000000 'm.weights: error: the weights are damaged in the MiB from byte 2097152 on'
changed m.weights $((size - 300)) 'm.weights: error: the weights are damaged in the MiB from byte 5242880 on'
changed m.weights $((size - 230)) "m.weights: error: $vouched"
changed m.weights $((size - 100)) "m.weights: error: $vouched"
changed m.weights $((size - 3 * 64 - 10)) "m.weights: error: $vouched" # the seal's zeros
changed m.prefix 5000 "m.prefix: error: $vouched"
report=$bundle/report.json
for at in 20 100 $(($(place_of "$report" '"platforms"') + 17)) $(($(place_of "$report" '"kernels"') + 20)) $(($(stat -c %s "$report") - 1)); do
  changed ../report.json "$at" 'report.json: error: was not written by ingot, or is damaged'
done
expect 0 '' "$ingot" verify "$bundle"
truncate -s -64 "$platform/m.weights"
expect 1 'm.weights: error: has [0-9]+ bytes, and report.json vouches for a file of another size' "$ingot" verify "$bundle"
rm "$platform/m.plan"
expect 1 'm.plan: error: cannot open the file: No such file' "$ingot" verify "$bundle"
expect 1 'report.json: error: cannot open the file' "$ingot" verify "$work"

# a whole file of another bundle: each is what its report says, and they do not belong together
expect 0 '' "$ingot" compile "$fable" --name m -o "$work" --variants native -q
expect 0 '' "$ingot" compile "$fable" --name m -o "$work/other" --variants native --ctx 128 -q
cp "$work/other/m.ingot/report.json" "$work/other/m.ingot/m.h" "$bundle"
cp "$work/other/m.ingot/${platform#"$bundle/"}"/m.plan "$platform"
expect 1 "libm.a: error: $vouched" "$ingot" verify "$bundle"
hash=$(sha256sum "$platform/libm.a")
sed -i "s/\"library_sha256\": \"[0-9a-f]*\"/\"library_sha256\": \"${hash%% *}\"/" "$report"
expect 1 'report.json: error: was not written by ingot, or is damaged' "$ingot" verify "$bundle"
seal_report "$report"
expect 1 "m.plan: damaged, or not made together with library 'm'" "$ingot" verify "$bundle"

# an odd number of MiBs: zeros behind the hashes
changed_last() {
  "$ingot" compile "$1" --name m -o "$work" --variants native -q || fail "compile $1"
  changed m.weights $(($(stat -c %s "$platform/m.weights") - 1)) "m.weights: error: $vouched"
}
[ ! -f "$INGOT_DATA/gguf/stories260K-q8_0.gguf" ] || changed_last "$INGOT_DATA/gguf/stories260K-q8_0.gguf"

# platforms that this machine does not run are verified as well; weights that they share, once
expect 0 '' "$ingot" compile "$fable" --name m -o "$work" --variants neon --target pixel-8 --target raspberry-pi-5 -q
expect 0 '' "$ingot" verify "$bundle"
out_has 'and 5\.0 MiB of weights .* \(2 platforms\)$'
platform=$bundle/aarch64-linux-gnu
changed libm.a 30000 "aarch64-linux-gnu/libm.a: error: $vouched"
changed m.weights 3000000 'm.weights: error: the weights are damaged in the MiB from byte 2097152 on'
finish
