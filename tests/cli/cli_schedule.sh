# Schedules: the same bits whatever they say, the rule that chose a number, and refusals with the line.
. "$INGOT_SOURCE/tests/cli/lib.sh"

cat > "$work/slow.lua" <<'E2'
kernel {op = {"linear", "glu"}, phase = "prefill", rows = 1, tokens = 1}
kernel {op = "attention", queries = 1, sums = 1}
program {chunk = 5, fuse_gate_up = false, fuse_norm = false}
E2
cat > "$work/blocks.lua" <<'E2'
kernel {op = {"linear", "glu"}, phase = "prefill", format = quants, k_block = 256, panel = 2}
kernel {op = {"linear", "glu"}, phase = "prefill", format = floats, panel = 3, tokens = 2}
kernel {op = "attention", queries = 2}
program {chunk = 16, fuse_norm = false}
E2
cat > "$work/apart.lua" <<'E2'
program {fuse_gate_up = false}
for _, v in ipairs(target.variants) do
  local fit = (v.registers * v.lanes // 16 - 1)
  kernel {op = {"linear", "glu"}, phase = "prefill", variant = v.name, rows = 1, tokens = math.min(12, fit)}
end
E2
echo 'kernel {op = "linear", phase = "prefill", tokens = 13}' > "$work/illegal.lua"

ids="1 430 17 300 411 12 100 77 88 99 123 200 201 202 203 204 205 206 207 208 209 210 211 212 213 214 215 216 217 218 219 220 221 222 223 224 225 226 227 228"
set -- "$fable"
for file in stories260K-q8_0 stories260K-dense256-q4_k_m stories260K-dense256-q6_k stories260K-q4_0; do
  [ -f "$INGOT_DATA/gguf/$file.gguf" ] && set -- "$@" "$INGOT_DATA/gguf/$file.gguf"
done
for model; do
  expect 0 '' "$ingot" logits "$model" "$work/default.f32" --all $ids
  expect 0 '' "$ingot" logits "$model" "$work/steps.f32" --step $ids
  for schedule in slow blocks apart; do
    expect 0 '' "$ingot" logits "$model" "$work/all.f32" --all -t 2 --schedule "$work/$schedule.lua" $ids
    equal "$model: $schedule" "$work/default.f32" "$work/all.f32"
    expect 0 '' "$ingot" logits "$model" "$work/one.f32" --step --schedule "$work/$schedule.lua" $ids
    equal "$model: $schedule, token by token" "$work/steps.f32" "$work/one.f32"
  done
done

expect 0 '' "$ingot" compile "$fable" -q -o "$work" --explain --schedule "$work/slow.lua"
out_has "^program +all +$work/slow.lua:3: chunk = 5; $work/slow.lua:3: fuse_gate_up = false"
out_has "^linear_f16_gemm +avx2 +$work/slow.lua:1: rows = 1, tokens = 1; schedules/x86_64.lua:[0-9]+: panel = 1, k_block = 0$"
out_has "^attention_decode +base +$work/slow.lua:2: queries = 1, sums = 1$"
out_has '^rope_kv +.* has no numbers$'
expect 0 '' "$ingot" compile "$fable" -q -o "$work" --explain --batch 32
out_has '^program +all +--batch: chunk = 32$'
out_has '^linear_f16_gemm +avx512vnni +schedules/x86_64.lua:[0-9]+: rows = 1, tokens = 12, panel = 1, k_block = 0$'
expect 0 '' "$ingot" compile "$fable" -q -o "$work" --schedule "$work/slow.lua" --depfile "$work/d"
grep -q '/slow\.lua' "$work/d" || fail "the depfile lacks the schedule" # blanks of a folder's name are escaped there

# the plan follows: with its norm apart, a step of its own
expect 0 '' "$ingot" compile "$fable" --compile-to fuse
out_has 'fused_linear.*glu'
expect 0 '' "$ingot" compile "$fable" --compile-to fuse --schedule "$work/slow.lua"
if grep -q '"glu"' "$work/out"; then fail "fuse_gate_up = false still fuses"; fi
out_has 'ig.silu'

expect 0 '' "$ingot" bench -m "$fable" -p 8 -n 2 -r 1 --no-roofline --schedule "$work/slow.lua"
expect 1 "illegal.lua:1: error: tokens = 13 is out of range: it may be 1 to 12" "$ingot" compile "$fable" -o "$work" --schedule "$work/illegal.lua"
expect 1 "illegal.lua:1: error: tokens = 13" "$ingot" logits "$fable" "$work/no.f32" --schedule "$work/illegal.lua" 1 2
expect 1 'nowhere.lua' "$ingot" compile "$fable" -o "$work" --schedule "$work/nowhere.lua"
expect 1 'is a bundle, whose kernels are compiled' "$ingot" greedy "$work/fable_f16.ingot" -n 1 --schedule "$work/slow.lua" 1
finish
