# Memory, files and threads that fail: compile ends with an error and the old bundle, or does its work after all; so do saved sessions.
# Nothing half-made is left, also where it is interrupted, killed from inside, or two of them write one bundle.
. "$INGOT_SOURCE/tests/cli/lib.sh"
fault=$INGOT_BUILD/tests/libfault.so
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "sanitizers bring an allocator of their own"
[ -f "$fault" ] || fail "$fault is not there"

jobs=2
one() { "$ingot" compile "$fable" --name m --variants base -q -j $jobs -o "$1" --ctx "$2"; }
one "$work/old" 256 || fail "compile"
one "$work/new" 512 || fail "compile"
one "$work/c" 256 || fail "compile"

# KIND FIRST COUNT ERRNO: like it says in fault.c. 0 ENOMEM ... the numbers are Linux's.
io=5 nomem=12 access=13 nospc=28 again=11
same() { diff -r "$work/$1" "$work/c" > "$work/diff" 2>&1; }
try() { # KIND FIRST COUNT ERRNO [must|may]: must: it succeeds all the same
  checked=$((checked + 1))
  INGOT_FAULT="$1 $2 $3 $4" LD_PRELOAD=$fault one "$work/c" 512 > "$work/out" 2> "$work/err"
  got=$?
  if [ $got = 0 ]; then
    same new || fail "fault $*: done, but the bundle is another: $(head -3 "$work/diff")"
    rm -rf "$work/c" && cp -r "$work/old" "$work/c"
  else
    [ $got = 1 ] || fail "fault $*: exit status $got: $(head -c 300 "$work/err")"
    [ "${5:-}" = must ] && fail "fault $*: has to go on, says: $(head -c 300 "$work/err")"
    grep -q 'error: ' "$work/err" || fail "fault $*: no error is told"
    # MLIR's C API writes through what a refused realloc gives: beyond the reader's allocations that is one of the ends there are
    grep -q 'signal \(11\|8\|4\|7\) ' "$work/err" && [ "$1:$(($2 > 4000))" != memory:1 ] && fail "fault $*: crashed: $(head -c 300 "$work/err")"
    same old || fail "fault $*: the old bundle is not as it was: $(head -3 "$work/diff")"
    failures=$((failures + 1))
  fi
}
failures=0
try none 1 1 $io must
try read 1 100000000 0 must
try write 1 100000000 0 must
try thread 1 100 $again must
for n in 1 2 3 5 8 13 40; do try read $n 1 $io; done
for n in 1 2 3 4 5 6 7 8; do try write $n 1 $nospc; try create $n 1 $access; done
for n in 1 2 3 4 5 6; do try sync $n 1 $io; done
for n in 1 2 3 4 5; do try rename $n 1 $io; done
for n in 1 2 3; do try folder $n 1 $nospc; done
[ $failures -gt 25 ] || fail "only $failures of the faults were noticed"

# Allocations, refused one at a time. First in processes of their own that are ended where they would change a file (fault.c): a signal ends nearly all,
# which is LLVM's way and the arena's. Then for real: some of those that went on or told an error, and some all along the way.
jobs=1 ours=100 others=4000 real=10
[ -n "${INGOT_TEST_ALL:-}" ] && ours=1 others=1 real=100 # seven minutes of processor time
INGOT_FAULT_SWEEP="$ours $others $work/swept" INGOT_FAULT_COUNT=$work/count LD_PRELOAD=$fault one "$work/c" 512 || fail "compile, swept"
same new || fail "compile, swept: the bundle is another: $(head -3 "$work/diff")"
rm -rf "$work/c" && cp -r "$work/old" "$work/c"
grep visited "$work/swept"
grep hung "$work/swept" && fail "a refused allocation hangs"
grep exit "$work/swept" | grep -v 'exit [01]$' && fail "a refused allocation ends with another exit status than 1"
[ "$(grep -c 'exit 0$' "$work/swept")" -lt 20 ] || fail "an allocation is refused, a file is not written, and all is said to be done" # some, as it exits
awk '/ended by a signal/ { n += $2; ended += $(NF - 4) } END { exit !(n > 200 && ended > n / 2) }' "$work/swept" || fail "few allocations were refused"
total=$(awk '$1 == "memory" && $2 > most { most = $2 } END { print most + 0 }' "$work/count")
[ "$total" -gt 10000 ] || fail "$total allocations counted"
failures=0
for n in $(awk '/went on|exit/ { print $1 }' "$work/swept" | awk -v n=$real '{ line[NR] = $1 } END { for (i = 0; i < n && i < NR; i++) print line[int(i * NR / n) + 1] }'); do
  try memory $n 1 $nomem
done
for i in $(seq 1 $real); do try memory $((600 + i * (total - 1000) / real)) 1 $nomem; done
[ $failures -gt $((real / 2)) ] || fail "only $failures refused allocations were noticed"
jobs=2

# A model file that is run is compiled apart too: what ends that is an error, and the cache holds nothing half-made. What is got over is no error.
ended=0
for n in 1 2 3 4 5 6 7 8; do
  rm -rf "$work/apart"
  checked=$((checked + 1))
  INGOT_FAULT="memory $((n * total / 9)) 1 $nomem" LD_PRELOAD=$fault "$ingot" run -m "$fable" --cache "$work/apart" -p 'Once' -n 2 > "$work/out" 2> "$work/err"
  got=$?
  [ $got = 0 ] && continue
  [ $got = 1 ] || fail "run, memory $n of 9: exit status $got: $(head -c 300 "$work/err")"
  grep -q 'error: ' "$work/err" || fail "run, memory $n of 9: no error is told"
  grep -q '^ingot: error: compiling was ended by signal .*; nothing was written' "$work/err" && ended=$((ended + 1))
  [ ! -d "$work/apart" ] || [ -z "$(find "$work/apart" -mindepth 1)" ] || fail "run, memory $n of 9: left in the cache: $(find "$work/apart" -mindepth 1)"
done
[ $ended -ge 2 ] || fail "run: $ended refused allocations ended the compiling"
for signal in INT TERM; do
  env --default-signal=$signal "$ingot" run -m "$fable" --cache "$work/apart" -p 'Once' -n 2 > "$work/out" 2>&1 & pid=$!
  sleep 0.3
  kill -$signal $pid
  wait $pid
  got=$?
  checked=$((checked + 1))
  [ $got = 0 ] || [ $got = $((128 + $(env kill -l $signal))) ] || fail "run, SIG$signal: exit status $got"
  [ $got = 0 ] || [ -z "$(find "$work/apart" -mindepth 2)" ] || fail "run, SIG$signal: left in the cache: $(find "$work/apart" -mindepth 2)"
  rm -rf "$work/apart"
done
expect 0 '' "$ingot" run -m "$fable" --cache "$work/apart" -p 'Once' -n 2

# Sessions: the old file or the new one, whatever fails.
bundle=$work/c/m.ingot
expect 0 '' "$ingot" run -m "$bundle" -p 'Once upon a time' -n 20 --save "$work/s"
cp "$work/s" "$work/s.old"
for what in "write 1 1 $nospc" "write 2 1 $nospc" "write 9 1 $io" "sync 1 1 $io" "rename 1 1 $io" "create 1 1 $access"; do
  INGOT_FAULT=$what LD_PRELOAD=$fault expect 1 'error: .*/s(\.part)?: ' "$ingot" run -m "$bundle" -p 'Once upon a time' -n 30 --save "$work/s"
  equal "session after '$what'" "$work/s" "$work/s.old"
  [ ! -f "$work/s.part" ] || fail "'$what' leaves a part"
done
INGOT_FAULT="write 1 100000000 0" LD_PRELOAD=$fault expect 0 '' "$ingot" run -m "$bundle" -p 'Once upon a time' -n 20 --save "$work/s"
equal "short writes" "$work/s" "$work/s.old"
INGOT_FAULT="thread 2 100 $again" LD_PRELOAD=$fault expect 1 'cannot start 3 threads: Resource temporarily unavailable' "$ingot" run -t 4 -m "$bundle" -p 'Once' -n 2
for n in 1 2 3 4 5; do
  INGOT_FAULT="read $n 1 $io" LD_PRELOAD=$fault "$ingot" run -m "$bundle" --load "$work/s" -n 2 > "$work/out" 2> "$work/err"
  got=$?
  checked=$((checked + 1))
  [ $got = 0 ] || { [ $got = 1 ] && grep -q 'error: ' "$work/err"; } || fail "read $n: $got: $(cat "$work/err")"
done

# Asked to end, it ends as asked, at once, and removes what it had begun.
for signal in INT TERM HUP; do
  for delay in 0.05 0.3 0.6; do
    env --default-signal=$signal "$ingot" compile "$fable" --name m -q -o "$work/c" --ctx 512 & pid=$!
    sleep $delay
    kill -$signal $pid
    wait $pid
    got=$?
    checked=$((checked + 1))
    [ $got = $((128 + $(kill -l $signal 2> /dev/null | grep -E '^[0-9]+$' || case $signal in INT) echo 2 ;; TERM) echo 15 ;; HUP) echo 1 ;; esac))) ] || [ $got = 0 ] || fail "SIG$signal: exit status $got"
    [ $got = 0 ] || same old || fail "SIG$signal after $delay s: $(head -3 "$work/diff")"
    [ $got = 0 ] && rm -rf "$work/c" && cp -r "$work/old" "$work/c"
  done
done

# Two at a time.
for i in 1 2 3; do
  one "$work/c" 256 & a=$!
  one "$work/c" 512 & b=$!
  wait $a || fail "two at a time: the first fails"
  wait $b || fail "two at a time: the second fails"
  checked=$((checked + 1))
  same old || same new || fail "two at a time: the bundle is neither's: $(head -3 "$work/diff")"
done
finish
