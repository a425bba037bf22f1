# The plan is what its schema says: flatc reads it, strictly, and finds what the command tells about the model.
. "$INGOT_SOURCE/tests/cli/lib.sh"
command -v flatc > /dev/null || skip "flatc is not installed"

expect 0 '' "$ingot" compile "$fable" --name m -o "$work" --variants native -q
plan=$(echo "$work"/m.ingot/*/m.plan)
expect 0 '' flatc --json --strict-json --defaults-json -o "$work" "$INGOT_SOURCE/runtime/abi/plan.fbs" -- "$plan"
json=$work/m.json
for wanted in '"architecture": "llama"' '"n_vocab": 1024' '"n_embd": 256' '"n_layer": 4' '"n_context": 1024' '"kind": "Prefill"' '"kind": "Decode"' \
  '"kind": "Head"' '"kind": "HeadRows"' '"name": "token_embd.weight"' '"format": "f16"' '"chat_template"'; do
  checked=$((checked + 1))
  grep -q "$wanted" "$json" || fail "the plan lacks $wanted"
done
# written back by flatc, it is a plan of the same content
expect 0 '' flatc --binary -o "$work/again" "$INGOT_SOURCE/runtime/abi/plan.fbs" "$json"
expect 0 '' flatc --json --strict-json --defaults-json -o "$work/again" "$INGOT_SOURCE/runtime/abi/plan.fbs" -- "$work/again/m.plan"
equal "plan through flatc and back" "$json" "$work/again/m.json"
finish
