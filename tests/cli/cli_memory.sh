# The compiler's memory does not grow with the model: anonymous memory of a compile, sampled while it runs.
. "$INGOT_SOURCE/tests/cli/lib.sh"

peak() { # COMMAND... -> the highest RssAnon in KiB
  "$@" & pid=$!
  most=0
  while kill -0 $pid 2> /dev/null; do
    now=$(sed -n 's/^RssAnon:[^0-9]*\([0-9]*\).*/\1/p' /proc/$pid/status 2> /dev/null)
    [ "${now:-0}" -gt $most ] && most=$now
    sleep 0.01
  done
  wait $pid || fail "$*"
  checked=$((checked + 1))
}
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "sanitizers take memory of their own"
[ -r /proc/self/status ] && grep -q RssAnon /proc/self/status || skip "no RssAnon in /proc"
peak "$ingot" compile "$fable" --name m -o "$work" -q
echo "bundled model: $((most / 1024)) MiB of anonymous memory"
[ $most -gt 1000 ] && [ $most -lt 409600 ] || fail "peak of $((most / 1024)) MiB, expected below 400 MiB"
finish
