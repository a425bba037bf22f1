# The compiler's memory does not grow with the model: anonymous memory of a compile, sampled while it runs.
. "$INGOT_SOURCE/tests/cli/lib.sh"

# COMMAND... -> the most RssAnon in KiB of the command's process and those below it, of which one compiles (cli/supervise.c)
peak() {
  "$@" & pid=$!
  most=0 seen=0
  while kill -0 $pid 2> /dev/null; do
    below=$(children $pid)
    now=$(for process in $pid $below; do cat "/proc/$process/status"; done 2> /dev/null | awk '$1 == "RssAnon:" { n += $2 } END { print n + 0 }')
    [ -n "$below" ] && seen=$((seen + 1))
    [ "$now" -gt $most ] && most=$now
    sleep 0.01
  done
  wait $pid || fail "$*"
  [ $seen -gt 0 ] || fail "$*: the process that compiles was not seen"
  checked=$((checked + 1))
}
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "sanitizers take memory of their own"
[ -r /proc/self/status ] && grep -q RssAnon /proc/self/status || skip "no RssAnon in /proc"
peak "$ingot" compile "$fable" --name m -o "$work" -q
echo "bundled model: $((most / 1024)) MiB of anonymous memory"
[ $most -gt 1000 ] && [ $most -lt 409600 ] || fail "peak of $((most / 1024)) MiB, expected below 400 MiB"

# 575 MB of weights: more than the limit, so that a compiler which holds them cannot pass
if [ -n "${INGOT_TEST_ALL:-}" ]; then
  "$INGOT_BUILD/tests/big_gguf" "$work/big.gguf" 16 || fail "big_gguf"
  peak "$ingot" compile "$work/big.gguf" --name m -o "$work" -q
  weights=$(stat -c %s "$work"/m.ingot/*/m.weights)
  echo "$((weights >> 20)) MiB of weights: $((most / 1024)) MiB of anonymous memory"
  [ "$weights" -gt 500000000 ] && [ $most -lt 409600 ] || fail "peak of $((most / 1024)) MiB for $weights bytes of weights"
  expect 0 '' "$ingot" greedy "$work/m.ingot" -n 3 1 2 3
  [ "$(wc -l < "$work/out")" = 3 ] || fail "the model does not generate"
fi
finish
