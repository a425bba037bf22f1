# Sourced by tests of another machine's apps under an emulator, after lib.sh; they set
#   target   the platform's CPU: its compiler is $target-linux-gnu-gcc, its emulator qemu-$target
#   cpus     CPU:VARIANT of the emulator, the variant that an app takes there; the first is the least
for tool in "$target-linux-gnu-gcc" "qemu-$target"; do command -v "$tool" > /dev/null || skip "$tool is not there"; done

cross="$target-linux-gnu-gcc -std=c11 -O2 -ffp-contract=off -I $INGOT_SOURCE"
for source in "$INGOT_SOURCE"/runtime/*.c "$INGOT_SOURCE"/runtime/abi/*.c; do
  $cross -c "$source" -o "$work/$(basename "$source" .c).o" || fail "$source does not compile for $target"
done
"$target-linux-gnu-ar" rcs "$work/libingot.a" "$work"/*.o

# app MODEL: the bundle and its app
app() {
  expect 0 '' "$ingot" compile "$1" --name m --target "$target-linux-gnu" --ctx 512 -o "$work" -q
  here=$work/m.ingot/$target-linux-gnu
  expect 0 '' $cross -static -I "$INGOT_SOURCE/runtime" -I "$work/m.ingot" -o "$work/app" "$INGOT_SOURCE/tests/cli/app_ids.c" "$here/libm.a" "$work/libingot.a" -lpthread
}
# on CPU VARIANT N ID...: the ids and logits of N tokens after the ids
on() {
  machine=$1 variant=$2
  shift 2
  expect 0 "^$variant\$" "qemu-$target" -cpu "$machine" "$work/app" "$here/m.plan" "$here/m.weights" "$work/logits" "$@"
}
# same MODEL N ID...: on every CPU the logits of this machine
same() {
  model=$1 first=1
  shift
  app "$model"
  for cpu in $cpus; do
    on "${cpu%:*}" "${cpu##*:}" "$@"
    # shellcheck disable=SC2046
    [ -z "$first" ] || expect 0 '' "$ingot" logits "$model" "$work/want" --all $(shift; echo "$@"; head -n -1 "$work/out")
    first=
    tail -c "$(wc -c < "$work/logits")" "$work/want" > "$work/rows"
    equal "logits of $(basename "$model") on $cpu" "$work/rows" "$work/logits"
  done
}
# golden: the published ids of the trained model on every CPU
golden() {
  app "$INGOT_DATA/gguf/stories260K-f32.gguf"
  tr '\n' ' ' < "$INGOT_DATA/golden/stories260K-greedy.json" | grep -o '"ids": *\[[^]]*\]' | sed '2,$d; s/.*\[//; s/\]//' | tr -s ', ' '\n\n' | grep . | tail -n +2 > "$work/want"
  for cpu in $cpus; do
    on "${cpu%:*}" "${cpu##*:}" "$(wc -l < "$work/want")" 1
    equal "golden ids on $cpu" "$work/want" "$work/out"
  done
}
