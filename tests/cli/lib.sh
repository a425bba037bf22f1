# Sourced by the tests of the command. A test ends with `finish`; exit status 0 passed, 1 failed, 77 skipped.
# From CTest: INGOT_SOURCE, INGOT_BUILD, INGOT_DATA (published models; may be absent).
set -u
ingot=$INGOT_BUILD/ingot
[ -x "$ingot" ] || { echo "FAIL: $ingot is not there"; exit 1; }
fable=$INGOT_SOURCE/models/fable/fable-f16.gguf
work=$(mktemp -d "${TMPDIR:-/tmp}/ingot-test.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
# Whoever runs the tests may have any language, also one that is not installed, of which shells would warn on stderr; their cache and history stay theirs.
unset INGOT_VARIANT
export XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state NO_COLOR=1 LC_ALL=C
failed=0 checked=0

fail() { failed=1; printf 'FAIL: %s\n' "$*"; }
skip() { printf 'skipped: %s\n' "$*"; exit 77; }
data() { [ -d "$INGOT_DATA/$1" ] || skip "$INGOT_DATA/$1 is not there"; }

# expect STATUS PATTERN COMMAND...: the exit status, and an extended regular expression that stderr has to match ('' = empty)
expect() {
  want=$1 pattern=$2
  shift 2
  checked=$((checked + 1))
  "$@" > "$work/out" 2> "$work/err"
  got=$?
  [ "$got" = "$want" ] || fail "$*: exit status $got, expected $want: $(head -c 400 "$work/err")"
  if [ -z "$pattern" ]; then [ ! -s "$work/err" ] || fail "$*: stderr is not empty: $(head -c 400 "$work/err")"
  elif ! grep -Eq -e "$pattern" "$work/err"; then fail "$*: stderr does not match '$pattern': $(head -c 400 "$work/err")"; fi
}
# out_has PATTERN: in the stdout of the last expect
out_has() { grep -Eq -e "$1" "$work/out" || fail "stdout lacks '$1': $(head -c 400 "$work/out")"; }
# equal WHAT A B: two files
equal() { checked=$((checked + 1)); cmp -s "$2" "$3" || fail "$1: $2 and $3 differ"; }

variants_here() { "$ingot" targets | awk '/this machine/ { here = 1; next } /^[^ ]/ { here = 0 } here && /runs here/ { print $1 }'; }

# The bits of other machines are those of a variant with fma.
fused_here() { variants_here | grep -qvx base || skip "this CPU runs no variant with fma"; }

# the processes that PID has started
children() { grep -l "^PPid:[^0-9]*$1\$" /proc/[0-9]*/status 2> /dev/null | cut -d/ -f3; }

# put FILE OFFSET BYTES: overwrites, BYTES as printf's octal escapes
put() { printf "$3" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }
# place_of FILE TEXT: the byte offset of its first appearance
place_of() { LC_ALL=C grep -abo -e "$2" "$1" | head -1 | cut -d: -f1; }

# seal_report FILE: a bundle's report that was changed vouches for itself again
seal_report() {
  sum=$(head -n -2 "$1" | sha256sum)
  { head -n -2 "$1"; printf '  "report_sha256": "%s"\n}\n' "${sum%% *}"; } > "$1.new" && mv "$1.new" "$1"
}

finish() {
  [ "$checked" -gt 0 ] || fail "nothing was checked"
  [ "$failed" = 0 ] && printf '%d checks passed\n' "$checked"
  exit "$failed"
}
