# Sourced by tests of another machine's apps under an emulator, after lib.sh; they set
#   target   the platform's CPU: its compiler is $target-linux-gnu-gcc, its emulator qemu-$target; of wasm32 they are clang and node
#   cpus     CPU:VARIANT of the emulator, the variant that an app takes there; the first is the least
#   like     the variant of this machine that has its logits; empty: the best
if [ "$target" = wasm32 ]; then
  platform=wasm32 tools='clang-22 llvm-ar-22 node' archiver=llvm-ar-22 linked=
  compiler=clang-22 flags='--target=wasm32-wasi -Wno-deprecated'
  emulate() { shift; node --no-warnings --experimental-wasi-unstable-preview1 "$INGOT_SOURCE/tests/systems/wasi.mjs" "$@"; }
  [ -d /usr/include/wasm32-wasi ] || skip "WASI's C library is not there (package wasi-libc)"
else
  platform=$target-linux-gnu tools="$target-linux-gnu-gcc qemu-$target" archiver=$target-linux-gnu-ar linked='-static -lpthread'
  compiler=$target-linux-gnu-gcc flags=
  emulate() { "qemu-$target" -cpu "$@"; }
fi
for tool in $tools; do command -v "$tool" > /dev/null || skip "$tool is not there"; done
[ -n "${like:-}" ] || fused_here

cross() { "$compiler" $flags -std=c11 -O2 -ffp-contract=off -I "$INGOT_SOURCE" "$@"; }
for source in "$INGOT_SOURCE"/runtime/*.c "$INGOT_SOURCE"/runtime/abi/*.c; do
  cross -c "$source" -o "$work/$(basename "$source" .c).o" || fail "$source does not compile for $target"
done
"$archiver" rcs "$work/libingot.a" "$work"/*.o

# app MODEL: the bundle and its app
app() {
  expect 0 '' "$ingot" compile "$1" --name m --target "$platform" --ctx 512 -o "$work" -q
  here=$work/m.ingot/$platform
  # shellcheck disable=SC2086
  expect 0 '' cross -I "$INGOT_SOURCE/runtime" -I "$work/m.ingot" -o "$work/app" "$INGOT_SOURCE/tests/cli/app_ids.c" "$here/libm.a" "$work/libingot.a" $linked
}
# on CPU VARIANT N ID...: the ids and logits of N tokens after the ids
on() {
  machine=$1 variant=$2
  shift 2
  expect 0 "^$variant\$" emulate "$machine" "$work/app" "$here/m.plan" "$here/m.weights" "$work/logits" "$@"
}
# same MODEL N ID...: on every CPU the logits of this machine
same() {
  model=$1 first=1
  shift
  app "$model"
  for cpu in $cpus; do
    on "${cpu%:*}" "${cpu##*:}" "$@"
    # shellcheck disable=SC2046
    [ -z "$first" ] || expect 0 '' "$ingot" logits "$model" "$work/want" ${like:+--variant "$like"} --all $(shift; echo "$@"; head -n -1 "$work/out")
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
