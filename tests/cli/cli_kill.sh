# Killed at any moment, compile leaves the old bundle or the new one whole, and the next compile leaves no litter.
. "$INGOT_SOURCE/tests/cli/lib.sh"

rounds=14
[ -n "${INGOT_TEST_ALL:-}" ] && rounds=200
one() { "$ingot" compile "$fable" --name m --variants base -q -o "$1" --ctx "$2"; }
one "$work/a" 256 || fail "compile"
from=$(date +%s%N) # of the second: the first may wait for libraries to be read
one "$work/b" 512 || fail "compile"
took=$(( ($(date +%s%N) - from) / 1000000 + 1 ))
diff -rq "$work/a" "$work/b" > /dev/null && fail "the two bundles are the same: nothing could be told"
one "$work/c" 256

# The command compiles in a process below its own, which the kernel kills after it: all of them are gone when nobody holds the pipe any more.
mkfifo "$work/gone"
i=0 old=0 new=0 ended=0
while [ $i -lt $rounds ]; do
  i=$((i + 1))
  ctx=512; [ $((i % 2)) = 0 ] && ctx=256
  cat "$work/gone" & last=$!
  exec 9> "$work/gone"
  "$ingot" compile "$fable" --name m --variants base -q -o "$work/c" --ctx $ctx & pid=$!
  exec 9>&-
  # from the start to a little beyond the end, the last fifth of the way twice as often as the rest
  if [ $((i % 3)) = 0 ]; then delay=$((took * (80 + (i * 37) % 25) / 100)); else delay=$((took * i / rounds)); fi
  sleep "$(printf '%d.%03d' $((delay / 1000)) $((delay % 1000)))"
  kill -9 $pid 2> /dev/null
  if wait $pid 2> /dev/null; then
    ended=$((ended + 1))
    [ $delay -lt $took ] && took=$delay # it was slower when it was measured
  fi
  wait $last
  checked=$((checked + 1))
  wanted=b; [ $ctx = 256 ] && wanted=a
  if diff -r "$work/$wanted/m.ingot" "$work/c/m.ingot" > /dev/null 2>&1; then new=$((new + 1))
  elif diff -r "$work/a/m.ingot" "$work/c/m.ingot" > /dev/null 2>&1 || diff -r "$work/b/m.ingot" "$work/c/m.ingot" > /dev/null 2>&1; then old=$((old + 1))
  else fail "after $delay ms the bundle is neither the old one nor the new one"; fi
done
one "$work/c" 256 || fail "compile after the kills"
diff -r "$work/a" "$work/c" > "$work/out" || fail "litter after the next compile: $(head -5 "$work/out")"
[ $ended -lt $rounds ] || fail "no compile was killed before its end"
# Who reads a bundle while others are put in its place reads one of them whole.
(while [ ! -e "$work/stop" ]; do one "$work/c" 512; one "$work/c" 256; done) & writer=$!
i=0
while [ $i -lt 20 ]; do
  i=$((i + 1))
  expect 0 '' "$ingot" verify "$work/c/m.ingot"
  expect 0 '' "$ingot" greedy "$work/c/m.ingot" -n 1 1
done
touch "$work/stop"
wait $writer || fail "a compile over a bundle that is read"
echo "$rounds kills: $old old, $new new, $ended had ended"
finish
