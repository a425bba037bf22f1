# Commands that read models and graphs do so in a process of their own: where memory runs out there, or anything ends it, the command says so and fails.
. "$INGOT_SOURCE/tests/cli/lib.sh"
fault=libfault.so # by its name: LD_PRELOAD is split at blanks, of which the folder's name may have some
export LD_LIBRARY_PATH="$INGOT_BUILD/tests${LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}"
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "sanitizers bring an allocator of their own"
[ -f "$INGOT_BUILD/tests/$fault" ] || fail "$fault is not there"
nomem=12

counted() { awk '$1 == "memory" { n++; if (!least || $2 < least) least = $2; if ($2 > most) most = $2 } END { print n + 0, least + 0, most + 0 }' "$work/count"; }

# TRIES COMMAND...: that many of the allocations of the command's own process are refused, one a run. It is an error each time that memory had to be there.
# Allocations before the fork, counted in both processes, are those of main and of what runs before it.
refused() {
  tries=$1
  shift
  rm -f "$work/count"
  INGOT_FAULT_COUNT=$work/count LD_PRELOAD=$fault "$ingot" "$@" > "$work/out" 2> "$work/err" || fail "$*: $(head -c 400 "$work/err")"
  set -- $(counted) "$@"
  count=$1 before=$2 after=$3 refusals=0
  shift 3
  [ "$count" -ge 2 ] || fail "$*: $count process of its own"
  [ $((after - before)) -ge "$tries" ] || fail "$*: $before to $after allocations"
  for i in $(seq 1 "$tries"); do
    n=$((before + i * (after - before) / (tries + 1)))
    checked=$((checked + 1))
    rm -f "$work/count"
    INGOT_FAULT="memory $n 1 $nomem" INGOT_FAULT_COUNT=$work/count LD_PRELOAD=$fault "$ingot" "$@" > "$work/out" 2> "$work/err"
    got=$?
    if [ $got = 0 ]; then # tune measures, and makes now more and now fewer of them
      made=$(counted)
      [ "${made##* }" -lt "$n" ] && continue
    fi
    refusals=$((refusals + 1))
    [ $got = 1 ] && grep -q '^ingot: error: memory ran out: ' "$work/err" || fail "memory $n: $*: exit status $got: $(head -c 400 "$work/err")"
  done
  [ $refusals -gt $((tries / 2)) ] || fail "$*: only $refusals of $tries allocations were refused"
}

expect 0 '' "$ingot" compile "$fable" --compile-to graph
cp "$work/out" "$work/graph.mlir"
refused 20 fit "$fable" --ram 1GiB
refused 20 tokenize "$fable" -p 'Once upon a time'
refused 20 inspect "$fable"
refused 20 opt "$work/graph.mlir"
refused 8 tune "$fable" --kernels attention_decode -o "$work/tuned.lua"
[ ! -e "$work/tuned.lua.part" ] || fail "tune leaves a part"
finish
