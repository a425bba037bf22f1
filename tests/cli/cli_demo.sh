# The demo's app, linked as the README says: three greedy answers of the bundled model, on every variant of this CPU.
. "$INGOT_SOURCE/tests/cli/lib.sh"

expect 0 'compiled in' "$ingot" compile "$fable" --name fable -o "$work"
here=$(echo "$work"/fable.ingot/*/libfable.a); here=${here%/libfable.a}
app() { cc -std=c11 -O1 -I "$INGOT_SOURCE/runtime" -I "$work/fable.ingot" $INGOT_SANITIZE_FLAGS -o "$work/hello" "$INGOT_SOURCE/examples/hello.c" "$here/libfable.a" "$INGOT_BUILD/libingot.a" -lpthread; }
INGOT_SANITIZE_FLAGS=${INGOT_SANITIZE_FLAGS:-}
expect 0 '' app
expect 0 '' "$work/hello" "$here/fable.plan" "$here/fable.weights"
cp "$work/out" "$work/answers"
out_has '^Once upon a time'
out_has '3 plus 4 is 7\.'
out_has 'Monday'
for variant in $(variants_here); do
  expect 0 '' env INGOT_VARIANT="$variant" "$work/hello" "$here/fable.plan" "$here/fable.weights"
  [ "$variant" = base ] && continue # no fma: its logits are its own
  equal "answers of $variant" "$work/answers" "$work/out"
done
expect 1 'nonesuch' env INGOT_VARIANT=nonesuch "$work/hello" "$here/fable.plan" "$here/fable.weights"

# the same by the command, from the bundle and from the model file
ask() { "$ingot" run -m "$1" --chat -n 64 -p "$2"; }
expect 0 '' ask "$work/fable.ingot" 'What is 3 plus 4?'
out_has '^3 plus 4 is 7\.$'
expect 0 '' ask "$fable" 'What is 3 plus 4?'
out_has '^3 plus 4 is 7\.$'
talk() { printf 'What is 3 plus 4?\nWhat day comes after Sunday?\n' | "$ingot" chat -m "$work/fable.ingot" -n 64; }
expect 0 '' talk
out_has '3 plus 4 is 7\.'
out_has 'Monday'
expect 0 'tokens/s' "$ingot" run -m "$work/fable.ingot" -p 'Once upon a time' -n 8 --stats
out_has '^Once upon a time'

# what a model lacks is said in the command's words
cp "$fable" "$work/mute.gguf"
put "$work/mute.gguf" $(($(place_of "$fable" '{% for message') + 3)) 'fox'
answer_mute() { "$ingot" "$@" -m "$work/mute.gguf" < /dev/null; }
expect 1 '`fox` is not supported' answer_mute chat
grep -q 'no chat template.*ingot run' "$work/err" || fail "chat without a template: $(cat "$work/err")"
expect 1 'no chat template' answer_mute run --chat -p hello
expect 0 '' answer_mute run -n 2 -p hello
cp "$fable" "$work/mute.gguf"
put "$work/mute.gguf" $(($(place_of "$fable" tokenizer.ggml.model) + 32)) 'lxama'
expect 1 'no tokenizer.*ingot greedy' answer_mute run -n 2 -p hello
[ ! -s "$work/out" ] || fail "a prompt is printed that nothing can go on from"

# --embed: the library alone is the model
cat > "$work/embedded.c" <<'C'
#include <stdio.h>
#include "fable.h"
static bool print(void *user, const ingot_piece *piece) { (void)user; return fputs(piece->text, stdout) >= 0; }
int main(void) {
  ingot_model *model; ingot_session *session;
  if (ingot_model_open(&fable_program, NULL, &model, NULL) < 0 || ingot_session_open(model, NULL, &session, NULL) < 0) return 1;
  ingot_chat(session, &(ingot_message){"user", "What is 3 plus 4?"}, 1, 64, print, NULL, NULL);
  ingot_session_close(session);
  ingot_model_close(model);
  return 0;
}
C
expect 0 '' "$ingot" compile "$fable" --name fable -o "$work/embedded" --embed -q
expect 0 '' cc -std=c11 -I "$INGOT_SOURCE/runtime" -I "$work/embedded/fable.ingot" $INGOT_SANITIZE_FLAGS -o "$work/alone" "$work/embedded.c" \
  "$work"/embedded/fable.ingot/*/libfable.a "$INGOT_BUILD/libingot.a" -lpthread
rm -r "$work/embedded"
expect 0 '' "$work/alone"
out_has '^3 plus 4 is 7\.'

# a plan and weights of another model are one clear error
expect 0 '' "$ingot" compile "$fable" --name fable -o "$work/other" --variants native --ctx 256 -q
other=$(echo "$work"/other/fable.ingot/*/libfable.a); other=${other%/libfable.a}
expect 1 'plan' "$work/hello" "$other/fable.plan" "$here/fable.weights"
cp "$here/fable.weights" "$work/weights"
truncate -s -64 "$work/weights"
expect 1 'weights' "$work/hello" "$here/fable.plan" "$work/weights"
cp "$fable" "$work/twin.gguf" # the same shape, one weight apart
put "$work/twin.gguf" $(($(wc -c < "$fable") - 64)) '\001\002'
expect 0 '' "$ingot" compile "$work/twin.gguf" --name fable -o "$work/twin" --variants native -q
twin=$(echo "$work"/twin/fable.ingot/*/libfable.a); twin=${twin%/libfable.a}
expect 1 'weights are of another model' "$work/hello" "$here/fable.plan" "$twin/fable.weights"
finish
