# The app in README.md: it compiles without a warning, links as its comment says, and tells a story.
. "$INGOT_SOURCE/tests/cli/lib.sh"

awk '/^```c$/ { on = 1; next } /^```$/ { on = 0 } on' "$INGOT_SOURCE/README.md" > "$work/app.c"
[ "$(wc -l < "$work/app.c")" -ge 12 ] || fail "README.md has no app"
expect 0 '' "$ingot" compile "$fable" --name chat -o "$work" -q --variants native
here=$work/chat.ingot/x86_64-linux-gnu
link_app() { cc -Wall -Wextra -Werror -std=c11 ${INGOT_SANITIZE_FLAGS:-} -I "$INGOT_SOURCE/runtime" -I "$work/chat.ingot" -o "$work/app" "$work/app.c" "$here/libchat.a" "$INGOT_BUILD/libingot.a" -lpthread; }
expect 0 '' link_app
cd "$here" || exit 1
expect 0 '' "$work/app"
out_has '^Once upon a time'
cd "$work" || exit 1
expect 1 'chat\.plan' "$work/app"
finish
