# What a build may take at most, in memory, caches and library: above it, it fails and says what takes the space.
. "$INGOT_SOURCE/tests/cli/lib.sh"

one() { "$ingot" compile "$fable" --name m --variants base -q -o "$work" --ctx 1024 "$@"; }
expect 1 'takes 2\.00 MiB for the caches of 1024 positions, --max-kv allows 1\.50 MiB: 2\.00 KiB a position; a smaller --ctx takes less' one --max-kv 1.5MiB
expect 1 'makes a library of [0-9.]+ KiB, --max-lib-size allows 10\.00 KiB: fewer --variants' one --max-lib-size 10k
expect 1 'takes [0-9.]+ MiB of memory with one session, --max-ram allows 5\.00 MiB:' one --max-ram 5MiB
for line in '^  weights +5\.0[0-9] MiB, mapped$' '^  caches +2\.00 MiB for 1024 positions \(--ctx\)$' '^  activations +[0-9.]+ MiB \(--batch\)$' \
  '^  scratch +[0-9.]+ KiB for 16 threads$' '^  session +[0-9.]+ KiB for tokens, logits and sampling$' '^  model +[0-9.]+ KiB for the plan$'; do
  checked=$((checked + 1))
  grep -Eq -e "$line" "$work/err" || fail "the table lacks '$line': $(cat "$work/err")"
done
[ ! -e "$work/m.ingot" ] || fail "a build above its limits leaves a bundle"
ls -a "$work" | grep -q part && fail "a build above its limits leaves a part"
expect 0 '' one --max-kv 2MiB --max-lib-size 1m --max-ram 100MiB
expect 2 '--max-ram 12q: expected a size' one --max-ram 12q
finish
