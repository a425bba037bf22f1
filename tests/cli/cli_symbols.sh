# A compiled model and the runtime before the linker: see tests/symbols.sh.
. "$INGOT_SOURCE/tests/cli/lib.sh"
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "sanitizers add symbols"

expect 0 '' "$ingot" compile "$fable" --name fable -o "$work" -q
expect 0 '' sh "$INGOT_SOURCE/tests/symbols.sh" "$INGOT_SOURCE" "$INGOT_BUILD/libingot.a" "$(echo "$work"/fable.ingot/*/libfable.a)" fable
cat "$work/out"
finish
