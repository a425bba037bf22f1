# Damaged model files, all the way: an error that names the file, or a bundle that answers something; never a signal, a hang, or a part left behind.
. "$INGOT_SOURCE/tests/cli/lib.sh"
damaged=$INGOT_BUILD/tests/damaged
rounds=30
[ -n "${INGOT_TEST_ALL:-}" ] && rounds=600

i=0 refused=0 taken=0
while [ $i -lt $rounds ]; do
  i=$((i + 1)) checked=$((checked + 1))
  "$damaged" "$fable" "$work/d.gguf" $i || fail "damaged"
  timeout 300 "$ingot" compile "$work/d.gguf" --variants base -q -o "$work/to" > "$work/out" 2> "$work/err"
  got=$?
  if [ $got = 0 ]; then
    taken=$((taken + 1))
    timeout 300 "$ingot" greedy "$work/to/d.ingot" -n 2 1 20 > "$work/out" 2> "$work/err" || grep -q 'error: ' "$work/err" || fail "seed $i: run: $(head -c 300 "$work/err")"
  else
    refused=$((refused + 1))
    [ $got = 1 ] && grep -q 'd.gguf: error: \|^ingot: error: ' "$work/err" || fail "seed $i: exit status $got: $(head -c 300 "$work/err")"
    grep 'signal' "$work/err" && fail "seed $i: crashed"
    [ ! -d "$work/to" ] || [ -z "$(find "$work/to" -mindepth 1)" ] || fail "seed $i: left: $(find "$work/to")"
  fi
  rm -rf "$work/to"
done
echo "$rounds damaged files: $refused refused, $taken compiled"
[ $refused -gt 0 ] && [ $taken -gt 0 ] || fail "all are refused, or none"

# Weights that are NaN: it answers, whatever that is.
"$damaged" "$fable" "$work/nan.gguf" 0 || fail "damaged"
expect 0 '' "$ingot" run -m "$work/nan.gguf" -p 'Once' -n 4
expect 0 '' "$ingot" run -m "$work/nan.gguf" -p 'Once' -n 4 --temp 0.8 --seed 3
finish
