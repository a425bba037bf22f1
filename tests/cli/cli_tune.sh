# tune writes a schedule that compiles and changes no bit, or nothing.
. "$INGOT_SOURCE/tests/cli/lib.sh"

expect 0 "tuned/here.lua: [01] of 1 kernels gain, [0-9]+ candidates measured" "$ingot" tune "$fable" --kernels attention_decode -o "$work/tuned/here.lua"
for line in '^-- Numbers of kernels for .*, variant [a-z0-9]+, as measured by ingot [0-9.]+ with$' '^--   ingot tune fable-f16.gguf$' \
            '^-- attention_decode, .* heads of .*: [0-9]+ candidates$' '^-- default queries = '; do
  grep -Eq -e "$line" "$work/tuned/here.lua" || fail "the file lacks '$line': $(cat "$work/tuned/here.lua")"
done
if grep -q '^kernel' "$work/tuned/here.lua"; then
  grep -Eq '^--   prefill of [0-9]+ tokens [0-9.]+ -> [0-9.]+ tokens/s, decode ' "$work/tuned/here.lua" || fail "a gain without the whole model's figures"
fi
[ "$(ls "$work/tuned")" = here.lua ] || fail "something is left beside the file: $(ls "$work/tuned")"
expect 0 '' "$ingot" logits "$fable" "$work/a.f32" --all 1 2 3 4 5 6 7
expect 0 '' "$ingot" logits "$fable" "$work/b.f32" --all --schedule "$work/tuned/here.lua" 1 2 3 4 5 6 7
equal "with the tuned schedule" "$work/a.f32" "$work/b.f32"

expect 1 'linear_q9: error: names a kernel that this model does not have, or one without numbers; there are .*attention_decode' \
  "$ingot" tune "$fable" --kernels linear_q9 -o "$work/no.lua"
expect 1 'no variant `sse` that this CPU runs' "$ingot" tune "$fable" --variant sse -o "$work/no.lua"
expect 1 'nowhere.gguf' "$ingot" tune "$work/nowhere.gguf" -o "$work/no.lua"
[ ! -e "$work/no.lua" ] || fail "a failed run leaves a file"
finish
