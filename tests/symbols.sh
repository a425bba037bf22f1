#!/bin/sh
# What the runtime and a compiled model show to the linker, need from it, and weigh.
# usage: symbols.sh SOURCE libingot.a [libNAME.a NAME]
set -eu
source=$1 runtime=$2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
bad=0
complain() { echo "FAIL: $*"; bad=1; }

# archive -> lines "default|hidden|undefined NAME" of its global symbols
symbols() {
  readelf -sW "$1" | awk '$5 == "GLOBAL" || $5 == "WEAK" {
    kind = $7 == "UND" ? "undefined" : $6 == "DEFAULT" ? "default" : "hidden"
    print kind, $8 }' | sort -u
}
of_kind() { awk -v k="$1" '$1 == k { print $2 }' "$2" | sort -u; }
same() { # WHAT EXPECTED ACTUAL
  if ! cmp -s "$2" "$3"; then
    complain "$1: (< expected, > found)"
    diff "$2" "$3" || true
  fi
}
# Symbols that no member of the archive defines.
needs() { of_kind undefined "$1" > "$work/u"; { of_kind default "$1"; of_kind hidden "$1"; } | sort -u > "$work/d"; comm -23 "$work/u" "$work/d"; }
no_state() { # no constructors, nothing writable: .data.rel.ro is constant after relocation
  size -A "$1" | awk '($1 ~ /^\.(init_array|ctors|data|bss|tdata|tbss)/ && $1 !~ /^\.data\.rel\.ro/ && $2 > 0) { print "  " $1, $2 }' > "$work/state"
  [ ! -s "$work/state" ] || { complain "$(basename "$1") has constructors or writable data:"; cat "$work/state"; }
}

symbols "$runtime" > "$work/runtime"
grep -v '^#' "$source/runtime/ingot.h" | tr '\n' ' ' | sed 's|/\*[^*]*\*\+\([^/*][^*]*\*\+\)*/| |g' | grep -o 'INGOT_API[^(;]*(' | sed 's/ *($//; s/.*[ *]//' | sort -u > "$work/api"
of_kind default "$work/runtime" > "$work/shown"
same "functions of ingot.h and what libingot.a shows" "$work/api" "$work/shown"
of_kind hidden "$work/runtime" | grep -v '^ingot__' > "$work/odd" || true
[ ! -s "$work/odd" ] || { complain "hidden symbols of the runtime that do not begin with ingot__:"; cat "$work/odd"; }
grep -v '^#' "$source/tests/symbols.allowed" | tr -s ' ' '\n' | grep . | sort -u > "$work/allowed"
needs "$work/runtime" | sed 's/^__isoc99_//' > "$work/needs"
comm -23 "$work/needs" "$work/allowed" > "$work/more"
[ ! -s "$work/more" ] || { complain "the runtime needs symbols that tests/symbols.allowed does not list:"; cat "$work/more"; }
no_state "$runtime"
code=$(size -A "$runtime" | awk '$1 ~ /^\.(text|rodata)/ { n += $2 } END { print n + 0 }')
echo "libingot.a: $code bytes of text and rodata, $(wc -l < "$work/api") functions, $(wc -l < "$work/needs") symbols needed"
[ "$code" -gt 1000 ] && [ "$code" -lt 102400 ] || complain "text and rodata of libingot.a: $code bytes, expected below 102400"

if [ $# -ge 4 ]; then
  model=$3 name=$4
  symbols "$model" > "$work/model"
  echo "${name}_program" > "$work/expected"
  of_kind default "$work/model" > "$work/shown"
  same "what $(basename "$model") shows" "$work/expected" "$work/shown"
  of_kind hidden "$work/model" | grep -v "^${name}__" > "$work/odd" || true
  [ ! -s "$work/odd" ] || { complain "hidden symbols that do not begin with ${name}__:"; cat "$work/odd"; }
  needs "$work/model" | grep -v '^ingot__tokens_[a-z]*$' > "$work/needs" || true # the runtime's code for its kind of tokenizer
  [ ! -s "$work/needs" ] || { complain "$(basename "$model") needs:"; cat "$work/needs"; }
  no_state "$model"
  echo "$(basename "$model"): $(of_kind hidden "$work/model" | wc -l) hidden symbols"
fi
exit $bad
