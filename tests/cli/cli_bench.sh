# ingot bench: its tables can be read by what reads llama-bench's, and its figures hang together. Tiny runs; no speed is asserted.
. "$INGOT_SOURCE/tests/cli/lib.sh"

"$ingot" compile "$fable" --name fable -o "$work" > /dev/null 2>&1 || fail "the bundled model does not compile"
bundle=$work/fable.ingot
python=/usr/bin/python3

# what a token costs, against the tensors of the model file
checked=$((checked + 1))
number() { sed -n "s/^  \"$1\": \([0-9]*\),\$/\1/p" "$bundle/report.json"; }
"$ingot" inspect --json "$fable" > "$work/inspect"
sum() { grep -o '"format":.*"tokenizer"' "$work/inspect" | grep -o "\"$1\": [0-9]*" | awk '{ n += $2 } END { printf "%.0f", n }'; }
[ "$(number parameters)" = "$(sum parameters)" ] || fail "parameters: $(number parameters) in the report, $(sum parameters) in the file"
[ "$(number tensor_bytes)" = "$(sum bytes)" ] || fail "tensor_bytes: $(number tensor_bytes) in the report, $(sum bytes) in the file"
[ "$(number decode_tensor_bytes)" = "$(sum bytes)" ] || fail "with a tied head each tensor is read for a token: $(number decode_tensor_bytes)"
# matrices but the embedding, from their shapes: one multiply-add a parameter
macs=$("$ingot" inspect --tensors "$fable" | awk '$4 == "x" && $1 != "token_embd.weight" { n += $3 * $5 } END { printf "%.0f", n }')
[ "$(number prefill_macs_f32)" = "$macs" ] || fail "prefill_macs_f32: $(number prefill_macs_f32), the matrices have $macs"
[ "$(number prefill_macs_int8)" = 0 ] || fail "prefill_macs_int8 of an f16 model: $(number prefill_macs_int8)"

# csv: one line a test, as many fields as names
expect 0 '' "$ingot" bench -m "$bundle" -p 8,16 -n 4 -d 0,8 -t 1 -r 2 --no-first -o csv
[ "$(wc -l < "$work/out")" = 7 ] || fail "csv: $(wc -l < "$work/out") lines for six tests"
awk -F, 'NR == 1 { n = NF; next } { gsub(/"[^"]*"/, "x"); if (NF != n) { print "line " NR ": " NF " fields, " n " names"; bad = 1 } } END { exit bad }' "$work/out" || fail "csv: fields and names"
for key in n_threads n_prompt n_gen n_depth avg_ts stddev_ts p99_ms of_bound; do
  head -1 "$work/out" | tr , '\n' | grep -qx "$key" || fail "csv lacks the column $key"
done
out_has '^build_commit,cpu_info,gpu_info,backends,model_filename,model_type,model_size,model_n_params,n_batch,n_ubatch,n_threads,'

# markdown: a header, a rule, a row a test, a line for the threads
expect 0 '' "$ingot" bench -m "$bundle" -p 8 -n 4 -t 1 -r 2 --no-first
[ "$(grep -c '^| ' "$work/out")" = 4 ] || fail "markdown: $(grep -c '^| ' "$work/out") lines of the table"
[ "$(grep '^| ' "$work/out" | awk -F'|' '{ print NF }' | sort -u | wc -l)" = 1 ] || fail "markdown: rows of different lengths"
out_has '^\| llama .* \|  *pp8 \| '
out_has '^\| llama .* \|  *tg4 \| '
out_has '^1 thread: .*reads [0-9.]+ GB/s'

# without probes and processes of their own
expect 0 '' "$ingot" bench -m "$bundle" -p 8 -n 0 -t 1 -r 1 --no-first --no-roofline -o csv
[ "$(wc -l < "$work/out")" = 2 ] || fail "csv: $(wc -l < "$work/out") lines for one test"

# one run for scripts: five numbers, the token after the start, memory that grows
expect 0 '' "$ingot" bench --once -m "$bundle" -p 8 -n 4 -t 1
awk 'NF == 5 && $2 > $1 && $5 >= $4 && $4 > 0 { fine = 1 } END { exit !fine }' "$work/out" || fail "--once: $(cat "$work/out")"

expect 2 'at least one repetition' "$ingot" bench -m "$bundle" -r 0
expect 1 'nowhere' "$ingot" bench -m "$work/nowhere.ingot" -p 8 -n 0 -r 1
expect 1 'nowhere' "$ingot" bench -m "$work/nowhere.gguf" -p 8 -n 0 -r 1

# json, all of it: keys, types, and figures that agree
expect 0 '' "$ingot" bench -m "$bundle" -p 8 -n 4 -t 1,2 -r 3 -o json
[ -x "$python" ] || { echo "json is not parsed: no $python"; finish; }
checked=$((checked + 1))
"$python" - "$work/out" "$bundle" <<'PY' || fail "json"
import json, math, sys
rows = json.load(open(sys.argv[1]))
llama = ["build_commit", "cpu_info", "gpu_info", "backends", "model_filename", "model_type", "model_size", "model_n_params", "n_batch", "n_ubatch", "n_threads",
         "type_k", "type_v", "n_prompt", "n_gen", "n_depth", "test_time", "avg_ns", "stddev_ns", "avg_ts", "stddev_ts"]
ours = ["variant", "reps", "p50_ms", "p90_ms", "p95_ms", "p99_ms", "bound_ts", "of_bound", "probe_int8_ops", "probe_f32_ops", "probe_read_bytes", "first_warm_ms",
        "first_warm_start_ms", "first_cold_ms", "first_cold_start_ms", "peak_rss_bytes", "base_rss_bytes", "weights_bytes", "weights_resident_bytes", "weights_huge_bytes"]
assert [(r["n_threads"], r["n_prompt"], r["n_gen"]) for r in rows] == [(1, 8, 0), (1, 0, 4), (2, 8, 0), (2, 0, 4)], rows
for r in rows:
    assert list(r)[:len(llama)] == llama and set(r) == set(llama + ours + ["samples_ns", "samples_ts"]), list(r)
    assert r["model_filename"] == sys.argv[2] and r["model_type"].startswith("llama ") and r["reps"] == 3 == len(r["samples_ns"]) == len(r["samples_ts"])
    assert math.isclose(sum(r["samples_ts"]) / 3, r["avg_ts"], rel_tol=1e-3), r
    tokens = r["n_prompt"] + r["n_gen"]
    assert all(math.isclose(tokens * 1e9 / ns, ts, rel_tol=1e-3) for ns, ts in zip(r["samples_ns"], r["samples_ts"])), r
    assert min(r["samples_ts"]) > 0 and r["bound_ts"] > 0 and r["of_bound"] > 0, r
    assert r["first_warm_ms"] > r["first_warm_start_ms"] > 0 and r["peak_rss_bytes"] > r["base_rss_bytes"] > 0, r
    assert r["weights_bytes"] > 0 and r["weights_huge_bytes"] <= r["weights_resident_bytes"], r
    if r["n_gen"]:
        assert 0 < r["p50_ms"] <= r["p90_ms"] <= r["p95_ms"] <= r["p99_ms"] and r["probe_read_bytes"] > 0 and r["probe_f32_ops"] is None, r
    else:
        assert r["p50_ms"] is None and r["probe_f32_ops"] > 0 and r["probe_read_bytes"] is None and r["probe_int8_ops"] is None, r
PY
finish
