# Apps of WebAssembly: the logits of this machine's variant without fma, bit for bit; files by WASI, or plan and weights inside the module.
. "$INGOT_SOURCE/tests/cli/lib.sh"
target=wasm32 cpus=node:simd128 like=base
. "$INGOT_SOURCE/tests/cli/emulated.sh"
same "$fable" 24 1 20 300 7 41 99 5
expect 1 'nowhere.plan' emulate node "$work/app" "$work/nowhere.plan" "$here/m.weights" "$work/logits" 1 1
expect 1 'weights' emulate node "$work/app" "$here/m.plan" "$here/m.plan" "$work/logits" 1 1

# talk MODULE: what the model answers
cat > "$work/talk.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "fable.h"
static bool print(void *user, const ingot_piece *piece) { (void)user; return fputs(piece->text, stdout) >= 0; }
int main(int argc, char **argv) {
  ingot_model_options options = {.size = sizeof options};
  ingot_session_options session_options = {.size = sizeof session_options};
  ingot_error error;
  ingot_model *model = NULL;
  ingot_session *session = NULL;
  if (ingot_model_open(&fable_program, &options, &model, &error) < 0 || ingot_session_open(model, &session_options, &session, &error) < 0) return puts(error.message), 1;
  if (argc > 2 && !strcmp(argv[1], "load") && ingot_session_load_file(session, argv[2], &error) < 0) return puts(error.message), 1;
  if (argc < 2 || strcmp(argv[1], "load")) ingot_chat(session, &(ingot_message){"user", "What is 3 plus 4?"}, 1, 64, print, NULL, NULL);
  if (argc > 2 && !strcmp(argv[1], "save") && ingot_session_save_file(session, argv[2], &error) < 0) return puts(error.message), 1;
  printf("at %u\n", ingot_position(session));
  ingot_session_close(session);
  ingot_model_close(model);
  return 0;
}
C
expect 0 '' "$ingot" compile "$fable" --name fable --target wasm -o "$work/embedded" --embed --ctx 256 -q
expect 0 '' cross -I "$INGOT_SOURCE/runtime" -I "$work/embedded/fable.ingot" -o "$work/talk" "$work/talk.c" "$work/embedded/fable.ingot/wasm32/libfable.a" "$work/libingot.a"
expect 0 '' emulate node "$work/talk" save "$work/saved"
out_has '^3 plus 4 is 7\.'
position=$(grep -o 'at [0-9]*' "$work/out")
expect 0 '' emulate node "$work/talk" load "$work/saved"
out_has "^$position\$"
[ ! -e "$work/saved.part" ] || fail "a part of the saved session stays"
printf x > "$work/saved"
expect 1 '' emulate node "$work/talk" load "$work/saved"
out_has 'saved'

# an app's build by CMake: the runtime from its installed sources
expect 0 '' cmake --install "$INGOT_BUILD" --prefix "$work/prefix"
cat > "$work/wasi.cmake" <<'TXT'
set(CMAKE_SYSTEM_NAME WASI)
set(CMAKE_SYSTEM_PROCESSOR wasm32)
set(CMAKE_C_COMPILER clang-22)
set(CMAKE_C_COMPILER_TARGET wasm32-wasi)
set(CMAKE_AR llvm-ar-22)
set(CMAKE_RANLIB llvm-ranlib-22)
set(CMAKE_C_FLAGS -Wno-deprecated)
TXT
mkdir "$work/app.cmake"
cat > "$work/app.cmake/CMakeLists.txt" <<TXT
cmake_minimum_required(VERSION 3.20)
project(Web LANGUAGES C)
find_package(Ingot REQUIRED)
ingot_add_model(fable MODEL "$fable" CONTEXT 256)
add_executable(hello "$INGOT_SOURCE/examples/hello.c")
target_link_libraries(hello PRIVATE fable)
ingot_bundle_weights(hello fable)
TXT
cmake -G Ninja -S "$work/app.cmake" -B "$work/build" -DCMAKE_TOOLCHAIN_FILE="$work/wasi.cmake" -DIngot_DIR="$work/prefix/lib/cmake/Ingot" > "$work/log" 2>&1 || fail "cmake: $(cat "$work/log")"
expect 0 '' cmake --build "$work/build" -j 2
expect 0 '' emulate node "$work/build/hello" "$work/build/fable.plan" "$work/build/fable.weights"
out_has '3 plus 4 is 7\.'

if [ -d "$INGOT_DATA/gguf" ]; then
  for model in stories260K-q8_0 stories260K-q5_1 dense256-Q4_K_M dense256-IQ4_NL stories260K-dense256-q3_k; do same "$INGOT_DATA/gguf/$model.gguf" 4 1 403 407 261 378 432; done
  golden
fi
finish
