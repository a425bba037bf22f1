#!/bin/sh
# Every family beside llama.cpp: small models of random weights with all that a family may have, as a batch of 420 tokens, beyond windows and beyond the contexts
# that positions are stretched from. For each model and format: relative rms of our logits from the other engine's, of both from the exact forward pass (the
# evaluator, nothing quantised or rounded beyond f32), the ratio of these two, and whether our batch and our logits token by token are the same bytes.
#
#   LLRUN=path/to/llrun tests/families.sh [FORMAT ...]        formats: F32, and what llrun quantises to (default: F32 F16 Q8_0 Q4_K_M)
#
# LLRUN: a program over prebuilt libraries of llama.cpp, such as npm's node-llama-cpp packages bring, which takes
#     llrun logits MODEL OUT.f32 --all -f IDS.txt       and writes a row of f32 logits for each token
#     llrun quantize IN OUT FORMAT
# BUILD: our build folder (default: build). ONLY: a pattern of names (case). Fails where a float file is further than 0.014 away, a quantised one (gpt-oss always:
# its experts are) further than 1.05 x the other engine from the exact pass, or batch and steps differ.
set -eu
[ -n "${LLRUN:-}" ] || { sed -n '2,15s/^# \{0,1\}//p' "$0" >&2; exit 2; }
root=$(cd "$(dirname "$0")/.." && pwd)
build=${BUILD:-$root/build}
[ $# -gt 0 ] || set -- F32 F16 Q8_0 Q4_K_M
work=$(mktemp -d "${TMPDIR:-/tmp}/ingot-families.XXXXXX")
trap 'rm -rf "$work"' EXIT
trap 'exit 1' INT TERM
export XDG_CACHE_HOME="$work/cache"
files=$build/tests/family_files
"$files" "$work" > "$work/names"
failed=0
printf '%-14s %-7s %10s %10s %10s %7s  %s\n' model format 'to peer' 'to exact' "peer's" ratio 'batch = steps'
for name in $(cat "$work/names"); do
  case $name in ${ONLY:-*}) ;; *) continue ;; esac
  for format; do
    model=$work/$name.gguf
    if [ "$format" != F32 ]; then
      model=$work/$name-$format.gguf
      "$LLRUN" quantize "$work/$name.gguf" "$model" "$format" > "$work/log" 2>&1 || { echo "$name $format: not quantised"; tail -2 "$work/log"; failed=1; continue; }
    fi
    "$build/ingot" logits "$model" "$work/ours" --all -f "$work/ids.txt" > "$work/log" 2>&1 && "$build/ingot" logits "$model" "$work/steps" --all --step -f "$work/ids.txt" > "$work/log" 2>&1 ||
      { echo "$name $format: ours fails"; tail -2 "$work/log"; failed=1; continue; }
    "$LLRUN" logits "$model" "$work/theirs" --all -f "$work/ids.txt" > "$work/log" 2>&1 || { echo "$name $format: the peer fails"; tail -3 "$work/log"; continue; }
    "$files" --exact "$model" "$work/exact" "$work/ids.txt"
    same=no
    cmp -s "$work/ours" "$work/steps" && same=yes
    peer=$("$files" --distance "$work/ours" "$work/theirs") ours=$("$files" --distance "$work/ours" "$work/exact") theirs=$("$files" --distance "$work/theirs" "$work/exact")
    verdict=$(awk -v p="$peer" -v o="$ours" -v t="$theirs" -v f="$format" -v n="$name" -v s=$same 'BEGIN {
      bad = s != "yes" || (f ~ /^B?F/ && n !~ /^gpt_oss/ ? !(p <= 0.014) : !(o <= 1.05 * t)); printf "%.3f %s", (t > 0 ? o / t : 0), bad ? "FAIL" : "ok" }')
    printf '%-14s %-7s %10s %10s %10s %7s  %s %s\n' "$name" "$format" "$peer" "$ours" "$theirs" "${verdict% *}" "$same" "${verdict#* }"
    case $verdict in *FAIL) failed=1 ;; esac
  done
done
exit $failed
