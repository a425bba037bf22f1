# Apps built with a model by CMake: installed and as a subdirectory, by Ninja and by make; what a change rebuilds, and what a bad model says.
. "$INGOT_SOURCE/tests/cli/lib.sh"
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "apps would need the sanitizers' flags"

prefix=$work/prefix
expect 0 '' cmake --install "$INGOT_BUILD" --prefix "$prefix"

# An app of two models; the schedule and the second model are files that the test changes.
mkdir "$work/app"
cp "$fable" "$work/app/second.gguf"
echo 'program {chunk = 64}' > "$work/app/first.lua"
cat > "$work/app/CMakeLists.txt" <<'TXT'
cmake_minimum_required(VERSION 3.20)
project(Talk LANGUAGES C)
if(INGOT_TREE)
  add_subdirectory(${INGOT_TREE} ingot EXCLUDE_FROM_ALL)
else()
  find_package(Ingot 0.1 REQUIRED)
endif()
ingot_add_model(first MODEL ${FABLE} VARIANTS base CONTEXT 256 SCHEDULE first.lua)
ingot_add_model(second MODEL second.gguf VARIANTS base CONTEXT 128 BATCH 32 EMBED)
add_executable(talk talk.c other.c)
target_link_libraries(talk PRIVATE first second)
ingot_bundle_weights(talk first)
TXT
cat > "$work/app/talk.c" <<'C'
#include <stdio.h>
#include "first.h"
#include "second.h"
int other(void);
static bool print(void *user, const ingot_piece *piece) { (void)user; return fputs(piece->text, stdout) >= 0; }
static int answer(const ingot_program *program, const ingot_model_options *options) {
  ingot_error error;
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  if (ingot_model_open(program, options, &model, &error) < 0 || ingot_session_open(model, NULL, &session, &error) < 0 ||
      ingot_chat(session, &(ingot_message){"user", "What is 3 plus 4?"}, 1, 64, print, NULL, &error) < 0) { fprintf(stderr, "%s\n", error.message); return 1; }
  putchar('\n');
  ingot_session_close(session);
  ingot_model_close(model);
  return 0;
}
int main(void) {
  ingot_model_options options = {.size = sizeof options, .plan_path = "first.plan", .weights_path = "first.weights", .n_threads = 1};
  return answer(&first_program, &options) || answer(&second_program, NULL) || other();
}
C
echo 'int other(void); int other(void) { return 0; }' > "$work/app/other.c"

answers() { # BUILD
  (cd "$1" && ./talk) > "$work/out" 2>&1 || fail "$1/talk: $(cat "$work/out")"
  [ "$(grep -c '^3 plus 4 is 7\.$' "$work/out")" = 2 ] || fail "$1/talk answers: $(cat "$work/out")"
}
made=nothing
build() { # BUILD: its log in $work/log; how many models and objects it made, and whether it linked, in words
  cmake --build "$1" -j 2 -- $verbose > "$work/log" 2>&1 || { fail "building $1: $(tail -5 "$work/log")"; return; }
  models=$(grep -c 'Compiling model' "$work/log") objects=$(grep -c 'Building C object' "$work/log") links=$(grep -c 'Linking C executable' "$work/log")
  made="$models models, $objects objects, $links links"
}
made_is() { checked=$((checked + 1)); [ "$made" = "$1" ] || fail "$2: made $made, expected $1: $(grep -vi warning "$work/log" | tail -5)"; }
later() { sleep 1.1; touch "$@"; } # make counts seconds on some file systems

for generator in Ninja 'Unix Makefiles'; do
  [ "$generator" = Ninja ] || command -v make > /dev/null || { echo "no make: by Ninja only"; continue; }
  dir="$work/installed-${generator%% *}" verbose=
  [ "$generator" = Ninja ] && verbose=-v
  expect 0 '' cmake -G "$generator" -S "$work/app" -B "$dir" -DCMAKE_PREFIX_PATH="$prefix" -DFABLE="$fable"
  verbose=
  build "$dir"
  made_is '2 models, 2 objects, 1 links' "$generator: the first build"
  answers "$dir"
  build "$dir"
  made_is '0 models, 0 objects, 0 links' "$generator: an untouched tree"
  later "$work/app/first.lua"
  build "$dir"
  made_is '1 models, 0 objects, 1 links' "$generator: a touched schedule"
  later "$work/app/second.gguf"
  build "$dir"
  made_is '1 models, 0 objects, 1 links' "$generator: a touched model"
  later "$work/app/other.c"
  build "$dir"
  made_is '0 models, 1 objects, 1 links' "$generator: a touched source"
  answers "$dir"
  [ "$dir/first.weights" -ef "$dir/ingot/first.ingot/"*/first.weights ] || fail "the weights were copied, though a link would do"

  # what is wrong with a model or a schedule fails the app's build, in our words, and what was there stays
  echo 'program {chunk = 0}' > "$work/app/first.lua"
  cmake --build "$dir" > "$work/log" 2>&1 && fail "$generator: a bad schedule builds"
  grep -q 'first\.lua:1: error: .*chunk' "$work/log" || fail "$generator: a bad schedule is not told: $(tail -5 "$work/log")"
  echo 'program {chunk = 64}' > "$work/app/first.lua"
  head -c 4000 "$fable" > "$work/app/second.gguf"
  cmake --build "$dir" > "$work/log" 2>&1 && fail "$generator: a bad model builds"
  grep -q 'second\.gguf.*error\|error.*second\.gguf' "$work/log" || fail "$generator: a bad model is not told: $(tail -5 "$work/log")"
  answers "$dir"
  cp "$fable" "$work/app/second.gguf"
  build "$dir"
  answers "$dir"
done

# inside the app's tree, with a command that is there already
expect 0 '' cmake -G Ninja -S "$work/app" -B "$work/sub" -DINGOT_TREE="$INGOT_SOURCE" -DINGOT_EXECUTABLE="$ingot" -DFABLE="$fable"
build "$work/sub"
answers "$work/sub"
build "$work/sub"
made_is '0 models, 0 objects, 0 links' "an untouched tree, as a subdirectory"

# A file whose name Ninja's depfiles cannot hold, for this machine and for phones, one platform by two of its names: the app links what it runs as.
mkdir "$work/odd"
cp "$fable" "$work/odd/it's & more.gguf"
cat > "$work/odd/CMakeLists.txt" <<TXT
cmake_minimum_required(VERSION 3.20)
project(Odd LANGUAGES C)
find_package(Ingot REQUIRED)
ingot_add_model(fable MODEL "it's & more.gguf" TARGET pixel-8 native galaxy-s24 VARIANTS base neon CONTEXT 512)
add_executable(talk "$INGOT_SOURCE/examples/hello.c")
target_link_libraries(talk PRIVATE fable)
ingot_bundle_weights(talk fable)
TXT
expect 0 '' cmake -G Ninja -S "$work/odd" -B "$work/odd b" -DCMAKE_PREFIX_PATH="$prefix"
build "$work/odd b"
made_is '1 models, 1 objects, 1 links' "a model for several platforms"
expect 0 '' "$work/odd b/talk" "$work/odd b/fable.plan" "$work/odd b/fable.weights"
out_has '3 plus 4 is 7\.'
expect 0 '' "$ingot" verify "$work/odd b/ingot/fable.ingot"
out_has '2 platforms'
build "$work/odd b"
made_is '0 models, 0 objects, 0 links' "an untouched tree of odd names"
later "$work/odd/it's & more.gguf"
build "$work/odd b"
made_is '1 models, 0 objects, 1 links' "a touched model of an odd name"

# what is asked for wrongly is refused when the build is configured
refuse() { # PATTERN LINE
  mkdir -p "$work/wrong"
  printf 'cmake_minimum_required(VERSION 3.20)\nproject(Wrong LANGUAGES C)\nfind_package(Ingot REQUIRED)\n%s\n' "$2" > "$work/wrong/CMakeLists.txt"
  expect 1 "$1" cmake -G Ninja -S "$work/wrong" -B "$work/wrong/build" -DCMAKE_PREFIX_PATH="$prefix"
}
refuse 'no platform x86_65-linux-gnu' 'ingot_add_model(m MODEL m.gguf TARGET x86_65-linux-gnu)'
refuse 'TARGET pixel-8;ios' 'ingot_add_model(m MODEL m.gguf TARGET pixel-8 ios)'
refuse 'becomes a C symbol' 'ingot_add_model(a-b MODEL m.gguf)'
refuse 'expected NAME MODEL' 'ingot_add_model(m MODEL m.gguf QUICKLY)'

# without CMake: pkg-config
if command -v pkg-config > /dev/null; then
  expect 0 '' "$ingot" compile "$fable" --name fable -o "$work" --variants native -q
  here=$(echo "$work"/fable.ingot/*/libfable.a); here=${here%/libfable.a}
  packaged() { PKG_CONFIG_PATH=$prefix/lib/pkgconfig pkg-config "$@" ingot; }
  eval "command=$(packaged --variable=ingot)" # what it says is quoted for a shell
  [ "$command" -ef "$prefix/bin/ingot" ] || fail "pkg-config does not find the command: $command"
  eval "flags() { \"\$@\" $(packaged --cflags) \"\$INGOT_SOURCE/examples/hello.c\" \"\$here/libfable.a\" $(packaged --libs); }"
  expect 0 '' flags cc -std=c11 -o "$work/hello" -I "$work/fable.ingot"
  expect 0 '' "$work/hello" "$here/fable.plan" "$here/fable.weights"
  out_has '3 plus 4 is 7\.'
fi
finish
