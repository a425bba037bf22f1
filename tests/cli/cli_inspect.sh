# inspect, tokenize, bench and cache: what they print, as people and as scripts read it.
. "$INGOT_SOURCE/tests/cli/lib.sh"

expect 0 '' "$ingot" inspect "$fable"
out_has '^architecture +llama'
out_has '4 layers, 256 wide, 8 heads over 4 KV heads of 32, feed-forward 512, context 1024, 1024 tokens'
out_has '^  f16 +[0-9.]+ %'
out_has '^tokenizer +SentencePiece, 1024 pieces'
out_has '^template +yes, [0-9]+ bytes of Jinja'
out_has '^ +1024 positions +[0-9.]+ MiB'
out_has '^compiles +for [a-z0-9_]+: weights of 5.[0-9] MiB, [0-9]+ kernels'
out_has '^  embed_f16 .*linear_f16_gemv'
expect 0 '' "$ingot" inspect "$fable" --tensors
out_has 'token_embd.weight +f16 +256 x 1024'
expect 0 '' "$ingot" inspect "$fable" --tensors --json
out_has '"compiles": true, "weights_bytes": [0-9]+, "kernels": \["embed_f16"'
out_has '"n_layer": 4, "n_embd": 256, "n_head": 8, "n_head_kv": 4'
if command -v python3 > /dev/null; then
  checked=$((checked + 1))
  python3 -c 'import json, sys; j = json.load(open(sys.argv[1])); assert j["n_vocab"] == 1024 and len(j["tensors"]) > 30' "$work/out" || fail "inspect --json is not JSON"
fi

sed 's/output_norm.weight/output_nirm.weight/' "$fable" > "$work/nameless.gguf" # what cannot be compiled is inspected nevertheless
printf 'not a model' > "$work/no.gguf"
expect 1 'no.gguf' "$ingot" inspect "$work/no.gguf"
expect 0 '' "$ingot" inspect "$work/nameless.gguf"
out_has '^compiles +no: '

# fit: yes, no and by how much; what would fit is a context that then fits
expect 0 '' "$ingot" fit "$fable" --ram 1GiB --ctx 1024
out_has '^fits: about [0-9.]+ MiB for a context of 1024'
expect 1 '' "$ingot" fit "$fable" --ram 1MiB
out_has 'hold no context at all'
expect 1 '' "$ingot" fit "$fable" --ram 1GiB --ctx 2000
out_has 'trained for a context of 1024'
need=$("$ingot" fit "$fable" --ram 1GiB --ctx 512 --json | sed 's/.*"need_bytes": \([0-9]*\).*/\1/')
expect 1 '' "$ingot" fit "$fable" --ram $((need * 6 / 5 + 12)) --ctx 1024
out_has 'hold a context of 512$'
expect 0 '' "$ingot" fit "$fable" --ram $((need * 6 / 5 + 12)) --ctx 512
expect 2 '--ram is missing' "$ingot" fit "$fable"
expect 2 '--ram lots: expected a size' "$ingot" fit "$fable" --ram lots

expect 0 '' "$ingot" compile "$fable" --name m -o "$work" --variants native -q
expect 0 '' "$ingot" inspect "$work/m.ingot"
out_has '"weights_bytes": [0-9]+'
expect 1 'report.json' "$ingot" inspect "$work"

expect 0 '' "$ingot" tokenize "$fable" -p 'Once upon a time'
cp "$work/out" "$work/ids"
expect 0 '' "$ingot" tokenize "$work/m.ingot" -p 'Once upon a time'
equal "ids of the model file and of the bundle" "$work/ids" "$work/out"
grep -Eqx '[0-9]+( [0-9]+)*' "$work/out" || fail "tokenize: $(cat "$work/out")"

expect 0 '' "$ingot" bench -m "$fable" -p 16 -n 4 -r 1 -d 32 --no-first
out_has 'pp16 @ d32 '

# compiled once, found again, cleaned
[ -n "$(ls -A "$XDG_CACHE_HOME/ingot" 2>/dev/null)" ] || fail "nothing in the cache"
expect 0 '' "$ingot" cache list
out_has 'ingot: [1-9][0-9]* entries'
touch "$XDG_CACHE_HOME/ingot/not-ours"
expect 0 '' "$ingot" cache clean
[ "$(ls -A "$XDG_CACHE_HOME/ingot")" = not-ours ] || fail "after cache clean there is: $(ls -A "$XDG_CACHE_HOME/ingot")"
expect 0 '' "$ingot" cache list
out_has ' 0 entries'
finish
