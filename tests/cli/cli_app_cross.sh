# An app's build for another machine: the installed command runs here, the runtime is compiled from its installed sources, and the one static app takes the
# best variant of each CPU, with the logits of this machine.
. "$INGOT_SOURCE/tests/cli/lib.sh"
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "apps would need the sanitizers' flags"
for tool in aarch64-linux-gnu-gcc qemu-aarch64; do command -v $tool > /dev/null || skip "$tool is not there"; done
fused_here

expect 0 '' cmake --install "$INGOT_BUILD" --prefix "$work/prefix"
cat > "$work/aarch64.cmake" <<'TXT'
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_C_COMPILER aarch64-linux-gnu-gcc)
set(CMAKE_EXE_LINKER_FLAGS -static)
set(CMAKE_FIND_ROOT_PATH /usr/aarch64-linux-gnu)
set(CMAKE_FIND_ROOT_PATH_MODE_PACKAGE ONLY)
TXT
cross() { # SOURCE BUILD
  expect 0 '' cmake -G Ninja -S "$1" -B "$2" -DCMAKE_TOOLCHAIN_FILE="$work/aarch64.cmake" -DIngot_DIR="$work/prefix/lib/cmake/Ingot"
  expect 0 '' cmake --build "$2" -j 2
}

# the examples, as they are
cross "$INGOT_SOURCE/examples" "$work/examples"
cd "$work/examples" || exit 1
expect 0 '' qemu-aarch64 -cpu cortex-a53 ./hello fable.plan fable.weights
out_has '3 plus 4 is 7\.'

# which variant runs, and the bits of its logits
mkdir "$work/app"
cat > "$work/app/CMakeLists.txt" <<TXT
cmake_minimum_required(VERSION 3.20)
project(Cross LANGUAGES C)
find_package(Ingot REQUIRED)
ingot_add_model(m MODEL "$fable" CONTEXT 512)
add_executable(app "$INGOT_SOURCE/tests/cli/app_ids.c")
target_link_libraries(app PRIVATE m)
ingot_bundle_weights(app m)
TXT
cross "$work/app" "$work/build"
cd "$work/build" || exit 1
ids='1 20 300 7 41 99 5'
for cpu in cortex-a53:neon cortex-a76:dotprod max,sve=off:i8mm a64fx:sve max,sve1024=off:sve2; do
  # shellcheck disable=SC2086
  expect 0 "^${cpu##*:}\$" qemu-aarch64 -cpu "${cpu%:*}" ./app m.plan m.weights logits 8 $ids
  # shellcheck disable=SC2046,SC2086
  expect 0 '' "$ingot" logits "$fable" want --all $ids $(head -n -1 "$work/out")
  tail -c "$(wc -c < logits)" want > rows
  equal "logits on $cpu" rows logits
done

# A prefix made on this machine: an app on another begins from it, and goes on as one here that has read the text itself.
printf 'Once upon a time, a' > "$work/begin.txt"
mkdir "$work/begun"
cat > "$work/begun/CMakeLists.txt" <<TXT
cmake_minimum_required(VERSION 3.20)
project(Begun LANGUAGES C)
find_package(Ingot REQUIRED)
ingot_add_model(m MODEL "$fable" CONTEXT 256 PREFIX "$work/begin.txt" EMBED)
add_executable(app app.c)
target_link_libraries(app PRIVATE m)
ingot_bundle_weights(app m)
TXT
cat > "$work/begun/app.c" <<'C'
#include <stdio.h>
#include <string.h>
#include "m.h"
static bool print(void *user, const ingot_piece *piece) { (void)user; return fputs(piece->text, stdout) >= 0; }
int main(int argc, char **argv) {
  ingot_error error;
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  const char *text = argc == 3 ? argv[2] : "";
  if (ingot_model_open(&m_program, NULL, &model, &error) < 0 || ingot_session_open(model, NULL, &session, &error) < 0 ||
      (argc == 2 && ingot_session_load_file(session, argv[1], &error) < 0) || ingot_generate(session, text, strlen(text), 40, print, NULL, &error) < 0)
    return fprintf(stderr, "%s\n", error.message), 1;
  ingot_session_close(session);
  ingot_model_close(model);
  return 0;
}
C
cross "$work/begun" "$work/begun there"
expect 0 '' cmake -G Ninja -S "$work/begun" -B "$work/begun here" -DIngot_DIR="$work/prefix/lib/cmake/Ingot"
expect 0 '' cmake --build "$work/begun here" -j 2
cd "$work/begun there" || exit 1
expect 0 '' "$work/begun here/app" read "$(cat "$work/begin.txt")"
cp "$work/out" "$work/want"
expect 0 '' "$work/begun here/app" "$work/begun here/m.prefix"
equal "from the prefix here" "$work/want" "$work/out"
expect 0 '' qemu-aarch64 -cpu cortex-a76 ./app m.prefix
equal "from the prefix on another machine" "$work/want" "$work/out"
[ "$(wc -w < "$work/want")" -gt 15 ] || fail "too little is said: $(cat "$work/want")"
ls -A "$work/begun there/ingot/m.ingot" | grep -q '^\.' && fail "a bundle for this machine was left behind"
# also where this machine's library has no variant with fma, whose numbers those of the others are
expect 0 '' "$ingot" compile "$fable" --name m --ctx 256 --target native --target aarch64-linux-gnu --variants base,neon --prefix-prompt "$work/begin.txt" -q -o "$work/both"
equal "a prefix beside variant base" m.prefix "$work/both/m.ingot/aarch64-linux-gnu/m.prefix"

cd "$work/build" || exit 1
expect 1 'dotprod' env INGOT_VARIANT=dotprod qemu-aarch64 -cpu cortex-a53 ./app m.plan m.weights logits 1 1
finish
