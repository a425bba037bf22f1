# Apps for Arm under an emulator: one static app takes the best variant of each CPU, and its logits are those of this machine, bit for bit.
. "$INGOT_SOURCE/tests/cli/lib.sh"
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do command -v $tool > /dev/null || skip "$tool is not there"; done

cross="aarch64-linux-gnu-gcc -std=c11 -O2 -ffp-contract=off -I $INGOT_SOURCE"
for source in "$INGOT_SOURCE"/runtime/*.c "$INGOT_SOURCE"/runtime/abi/*.c; do
  $cross -c "$source" -o "$work/$(basename "$source" .c).o" || fail "$source does not compile for aarch64"
done
aarch64-linux-gnu-ar rcs "$work/libingot.a" "$work"/*.o

# app MODEL: the bundle and its app
app() {
  expect 0 '' "$ingot" compile "$1" --name m --target aarch64-linux-gnu --ctx 512 -o "$work" -q
  here=$work/m.ingot/aarch64-linux-gnu
  expect 0 '' $cross -static -I "$INGOT_SOURCE/runtime" -I "$work/m.ingot" -o "$work/app" "$INGOT_SOURCE/tests/cli/app_ids.c" "$here/libm.a" "$work/libingot.a" -lpthread
}
# on CPU VARIANT N ID...: the ids and logits of N tokens after the ids
on() {
  machine=$1 variant=$2
  shift 2
  expect 0 "^$variant\$" qemu-aarch64 -cpu "$machine" "$work/app" "$here/m.plan" "$here/m.weights" "$work/logits" "$@"
}

cpus='cortex-a53:neon cortex-a76:dotprod max,sve=off:i8mm a64fx,sve256=off,sve512=off:sve a64fx,sve512=off:sve a64fx:sve max,sve256=off:sve2 max,sve256=on,sve512=off:sve2 max,sve512=off:sve2 max,sve1024=off:sve2'
# same MODEL N ID...: on every CPU the logits of this machine
same() {
  model=$1
  shift
  app "$model"
  for cpu in $cpus; do
    on "${cpu%:*}" "${cpu#*:}" "$@"
    # shellcheck disable=SC2046
    [ "$cpu" = cortex-a53:neon ] && expect 0 '' "$ingot" logits "$model" "$work/want" --all $(shift; echo "$@"; head -n -1 "$work/out")
    tail -c "$(wc -c < "$work/logits")" "$work/want" > "$work/rows"
    equal "logits of $(basename "$model") on $cpu" "$work/rows" "$work/logits"
  done
}
same "$fable" 24 1 20 300 7 41 99 5

# what a CPU lacks is refused
expect 1 'dotprod' env INGOT_VARIANT=dotprod qemu-aarch64 -cpu cortex-a53 "$work/app" "$here/m.plan" "$here/m.weights" "$work/logits" 1 1

if [ -d "$INGOT_DATA/gguf" ]; then
  for model in stories260K-q8_0 stories260K-q5_1 dense256-Q4_K_M dense256-IQ4_NL stories260K-dense256-q3_k; do same "$INGOT_DATA/gguf/$model.gguf" 12 1 403 407 261 378 432; done
  app "$INGOT_DATA/gguf/stories260K-f32.gguf"
  tr '\n' ' ' < "$INGOT_DATA/golden/stories260K-greedy.json" | grep -o '"ids": *\[[^]]*\]' | sed '2,$d; s/.*\[//; s/\]//' | tr -s ', ' '\n\n' | grep . | tail -n +2 > "$work/want"
  for cpu in $cpus; do
    on "${cpu%:*}" "${cpu#*:}" "$(wc -l < "$work/want")" 1
    equal "golden ids on $cpu" "$work/want" "$work/out"
  done
fi
finish
