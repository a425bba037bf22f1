# Memory, files and threads that fail: compile ends with an error and the old bundle, or does its work after all; so do saved sessions.
# Nothing half-made is left, also where it is interrupted, killed from inside, or two of them write one bundle.
. "$INGOT_SOURCE/tests/cli/lib.sh"
fault=libfault.so # by its name: LD_PRELOAD is split at blanks, of which the folder's name may have some
export LD_LIBRARY_PATH="$INGOT_BUILD/tests${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "sanitizers bring an allocator of their own"
[ -f "$INGOT_BUILD/tests/$fault" ] || fail "$fault is not there"

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
    grep -q 'signal' "$work/err" && fail "fault $*: crashed: $(head -c 300 "$work/err")"
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

# Allocations, refused one at a time, LLVM's and MLIR's too. First in processes of their own that are ended where they would change a file (fault.c):
# each refusal is an error. Then for real, all along the way.
jobs=1 every=1000 real=10
[ -n "${INGOT_TEST_ALL:-}" ] && every=1 real=100 # seven minutes of processor time
INGOT_FAULT_SWEEP="$every $work/swept" INGOT_FAULT_COUNT=$work/count LD_PRELOAD=$fault one "$work/c" 512 || fail "compile, swept"
same new || fail "compile, swept: the bundle is another: $(head -3 "$work/diff")"
rm -rf "$work/c" && cp -r "$work/old" "$work/c"
grep visited "$work/swept" # a line of each process
grep -v visited "$work/swept" && fail "a refused allocation is no error"
awk '{ visited += $2; failed += $6 } END { exit !(visited > 300 && failed == visited) }' "$work/swept" || fail "refused allocations are no errors"
total=$(awk '$1 == "memory" && $2 > most { most = $2 } END { print most + 0 }' "$work/count")
[ "$total" -gt 10000 ] || fail "$total allocations counted"
failures=0
for i in $(seq 1 $real); do
  try memory $((i * total / (real + 1))) 1 $nomem
  grep -q '^ingot: error: memory ran out: [0-9]* bytes more were refused; ' "$work/err" || fail "memory $i of $real: $(head -c 300 "$work/err")"
done
[ $failures = $real ] || fail "only $failures of $real refused allocations were noticed"
jobs=2

# So it is where memory really runs out: less and more of it, from too little to load the libraries on to enough.
ran_out=0
for limit in $(seq 200000 25000 2000000); do
  (ulimit -v "$limit" && one "$work/c" 512) > "$work/out" 2> "$work/err"
  got=$?
  checked=$((checked + 1))
  [ $got = 0 ] && break
  same old || fail "$limit KiB: the old bundle is not as it was: $(head -3 "$work/diff")"
  [ $got = 127 ] && continue
  ran_out=$((ran_out + 1))
  [ $got = 1 ] && grep -q '^ingot: error: memory ran out: ' "$work/err" || fail "$limit KiB: exit status $got: $(head -c 300 "$work/err")"
done
same new || fail "$limit KiB: the bundle is another: $(head -3 "$work/diff")"
rm -rf "$work/c" && cp -r "$work/old" "$work/c"
[ $ran_out -gt 0 ] || fail "memory never ran out"

# A model file that is run is compiled apart too: the cache holds nothing half-made.
for n in $((total / 3)) $((total / 2)); do
  rm -rf "$work/apart"
  INGOT_FAULT="memory $n 1 $nomem" LD_PRELOAD=$fault expect 1 '^ingot: error: memory ran out: ' "$ingot" run -m "$fable" --cache "$work/apart" -p 'Once' -n 2
  [ ! -d "$work/apart" ] || [ -z "$(find "$work/apart" -mindepth 1)" ] || fail "memory $n: left in the cache: $(find "$work/apart" -mindepth 1)"
done
# The signal may come when the model is compiled and answers: then its entry is whole.
for signal in INT TERM; do
  env --default-signal=$signal "$ingot" run -m "$fable" --cache "$work/apart" -p 'Once' -n 2 > "$work/out" 2>&1 & pid=$!
  sleep 0.3
  kill -$signal $pid
  wait $pid
  got=$?
  checked=$((checked + 1))
  [ $got = 0 ] || [ $got = $((128 + $(env kill -l $signal))) ] || fail "run, SIG$signal: exit status $got"
  [ -z "$(find "$work/apart" -mindepth 2)" ] || "$ingot" verify "$work"/apart/*/*.ingot > "$work/out" 2>&1 || fail "run, SIG$signal: left in the cache: $(find "$work/apart" -mindepth 2)"
  [ -z "$(find "$work/apart" -name '*.part')" ] || fail "run, SIG$signal: left in the cache: $(find "$work/apart" -name '*.part')"
  rm -rf "$work/apart"
done
expect 0 '' "$ingot" run -m "$fable" --cache "$work/apart" -p 'Once' -n 2

# Ended from outside when it has begun a bundle, the process that compiles is an error, and nothing half-made is left.
ulimit -c 0 # no core of it
for signal in KILL SEGV; do
  "$ingot" compile "$fable" --name m -q -o "$work/c" --ctx 512 2> "$work/err" & pid=$!
  while kill -0 $pid 2> /dev/null && [ -z "$(find "$work/c" -name '*.part')" ]; do sleep 0.01; done
  child=$(children $pid)
  kill -$signal $child # of a process that is already over there is none, and this fails as what follows does
  wait $pid
  got=$?
  checked=$((checked + 1))
  [ $got = 1 ] && grep -q "^ingot: error: compiling was ended by signal $(kill -l $signal 2> /dev/null | grep -E '^[0-9]+$' || echo '[0-9]*') (.*; nothing was written$" "$work/err" ||
    fail "SIG$signal of the process that compiles: $got: $(cat "$work/err")"
  same old || fail "SIG$signal of the process that compiles: $(head -3 "$work/diff")"
done

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

# Asked to end, it ends as asked, at once, and removes what it had begun. Where the new bundle was in its place already, and only the process was still
# to end, it stays.
all() { "$ingot" compile "$fable" --name m -q -o "$1" --ctx 512; }
all "$work/all" || fail "compile"
ended=0
for signal in INT TERM HUP; do
  for delay in 0.05 0.3 0.6; do
    env --default-signal=$signal "$ingot" compile "$fable" --name m -q -o "$work/c" --ctx 512 & pid=$!
    sleep $delay
    kill -$signal $pid
    wait $pid
    got=$?
    checked=$((checked + 1))
    [ $got = 0 ] || ended=$((ended + 1))
    [ $got = $((128 + $(env kill -l $signal))) ] || [ $got = 0 ] || fail "SIG$signal: exit status $got"
    if same all; then rm -rf "$work/c" && cp -r "$work/old" "$work/c"
    elif [ $got = 0 ] || ! same old; then fail "SIG$signal after $delay s: $(head -3 "$work/diff")"; fi
  done
done
[ $ended -ge 2 ] || fail "only $ended of 9 compiles were ended by a signal"

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
