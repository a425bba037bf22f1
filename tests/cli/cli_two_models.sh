# Two models and the runtime in one app: no clash, each answers as it does alone.
. "$INGOT_SOURCE/tests/cli/lib.sh"
INGOT_SANITIZE_FLAGS=${INGOT_SANITIZE_FLAGS:-}

expect 0 '' "$ingot" compile "$fable" --name one -o "$work" --variants native -q
expect 0 '' "$ingot" compile "$fable" --name two -o "$work" --variants native --ctx 256 -q
one=$(echo "$work"/one.ingot/*/libone.a); one=${one%/libone.a}
two=$(echo "$work"/two.ingot/*/libtwo.a); two=${two%/libtwo.a}
cat > "$work/app.c" <<'C'
#include <stdio.h>
#include "ingot.h"
#include "one.h"
#include "two.h"
static bool print(void *user, const ingot_piece *piece) { (void)user; fputs(piece->text, stdout); return true; }
static int answer(const ingot_program *program, const char *plan, const char *weights) {
  ingot_error error;
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  ingot_model_options options = {.size = sizeof options, .plan_path = plan, .weights_path = weights, .n_threads = 2};
  if (ingot_model_open(program, &options, &model, &error) < 0 || ingot_session_open(model, NULL, &session, &error) < 0 ||
      ingot_chat(session, &(ingot_message){"user", "What is 3 plus 4?"}, 1, 64, print, NULL, &error) < 0) { fprintf(stderr, "%s\n", error.message); return 1; }
  putchar('\n');
  ingot_session_close(session);
  ingot_model_close(model);
  return 0;
}
int main(int argc, char **argv) { return argc != 5 || answer(&one_program, argv[1], argv[2]) || answer(&two_program, argv[3], argv[4]); }
C
link_app() { cc -std=c11 -I "$INGOT_SOURCE/runtime" -I "$work/one.ingot" -I "$work/two.ingot" $INGOT_SANITIZE_FLAGS -o "$work/app" "$work/app.c" "$one/libone.a" "$two/libtwo.a" "$INGOT_BUILD/libingot.a" -lpthread; }
expect 0 '' link_app
expect 0 '' "$work/app" "$one/one.plan" "$one/one.weights" "$two/two.plan" "$two/two.weights"
[ "$(grep -c '^3 plus 4 is 7\.$' "$work/out")" = 2 ] || fail "answers: $(cat "$work/out")"
expect 1 'plan' "$work/app" "$two/two.plan" "$two/two.weights" "$one/one.plan" "$one/one.weights"
finish
