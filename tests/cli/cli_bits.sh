# The same bits: threads, one batch, chunks, token by token, and every variant that has fma.
. "$INGOT_SOURCE/tests/cli/lib.sh"

ids="1 430 17 300 411 512 600 77 88 99 123 200 201 202 203 204 205 206 207 208 209 210 211 212 213 214 215 216 217 218 219 220 221 222 223 224 225 226 227 228"
set -- "$fable"
for file in stories260K-f32 stories260K-q8_0 stories260K-dense256-q4_k_m stories260K-dense256-q6_k stories260K-q4_0; do
  [ -f "$INGOT_DATA/gguf/$file.gguf" ] && set -- "$@" "$INGOT_DATA/gguf/$file.gguf"
done
[ -d "$INGOT_DATA/gguf" ] || echo "$INGOT_DATA/gguf is not there: the bundled model only"
for model; do
  small=$ids
  [ "$model" = "$fable" ] || small=$(for id in $ids; do echo $((id % 500)); done)
  out() { "$ingot" logits "$model" "$work/$1.f32" --all $2 $small; }
  expect 0 '' out whole '-t 1'
  expect 0 '' out threads '-t 2'; equal "$model: two threads" "$work/whole.f32" "$work/threads.f32"
  expect 0 '' out steps '--step'; equal "$model: token by token" "$work/whole.f32" "$work/steps.f32"
  expect 0 '' out chunks '-ub 7 -t 2'; equal "$model: chunks of 7" "$work/whole.f32" "$work/chunks.f32"
  expect 0 '' "$ingot" logits "$model" "$work/last.f32" $small
  tail -c "$(stat -c %s "$work/last.f32")" "$work/whole.f32" > "$work/tail.f32"
  equal "$model: last row" "$work/last.f32" "$work/tail.f32"
  for variant in $(variants_here); do
    expect 0 '' out variant "--variant $variant"
    [ "$variant" = base ] || equal "$model: $variant" "$work/whole.f32" "$work/variant.f32"
    expect 0 '' out variant_steps "--variant $variant --step -t 2"
    equal "$model: $variant token by token" "$work/variant.f32" "$work/variant_steps.f32"
  done
done
finish
