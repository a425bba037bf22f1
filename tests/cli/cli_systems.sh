# The runtime beyond Linux: its core compiles without a C library for every platform that a compiler is there for; without a system it answers from an
# embedded model; Apple's part runs here on stand-ins for Apple's calls; the Windows app is built by MinGW, and answers where there is a Wine (with the long tests: INGOT_TEST_ALL).
. "$INGOT_SOURCE/tests/cli/lib.sh"
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "apps would need the sanitizers' flags"
cd "$INGOT_SOURCE" || exit 1
warnings='-std=c11 -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wvla -Werror'
core=$(ls runtime/*.c runtime/abi/*.c | grep -v '/os_\|/cpu\.c') # cpu.c asks the system which instructions there are

# No header but the compiler's own and those of tests/systems/bare, which declare what the runtime needs from any platform.
bare() { # COMPILER...
  # shellcheck disable=SC2086
  "$@" $warnings -ffreestanding -nostdinc -isystem tests/systems/bare -I . -fsyntax-only $core
}
expect 0 '' bare cc -isystem "$(cc -print-file-name=include)"
tool=aarch64-linux-gnu-gcc
command -v $tool > /dev/null && expect 0 '' bare $tool -isystem "$($tool -print-file-name=include)"
if command -v clang > /dev/null; then
  for triple in arm64-apple-ios14.0 riscv64-unknown-elf wasm32-unknown-unknown; do
    expect 0 '' bare clang --target=$triple -isystem "$(clang -print-resource-dir)/include"
  done
fi

# What is sampled rounds alike everywhere: no product is fused with a sum, also where an app compiles the sources by its compiler's own defaults.
for compiler in cc clang clang-22; do
  command -v $compiler > /dev/null || continue
  expect 0 '' $compiler -O2 -mfma -I . -S -o "$work/sample.s" runtime/sample.c
  grep -Eq 'vf(n?)m(add|sub)' "$work/sample.s" && fail "$compiler fuses what sample.c rounds apart"
done

# make LIBRARY COMPILER...: the whole runtime as an app's build has it, by a compiler that takes this machine for another
make_runtime() {
  library=$1
  shift
  mkdir "$library.o"
  # shellcheck disable=SC2086
  for file in runtime/*.c runtime/abi/*.c; do "$@" $warnings -O0 -I . -c "$file" -o "$library.o/$(basename "$file" .c).o" || return 1; done
  "${AR:-ar}" rcs "$library" "$library.o"/*.o
}

# nothing but a processor: plan and weights inside the library, the app's allocator, one thread
expect 0 '' make_runtime "$work/libnone.a" cc -U__linux__
for symbol in open mmap pthread_create syscall malloc; do nm -u "$work/libnone.a" | grep -qw "$symbol" && fail "without a system it needs $symbol"; done
expect 0 '' "$ingot" compile "$fable" --name fable -o "$work/embedded" --embed --variants native --ctx 256 -q
cat > "$work/bare.c" <<'C'
#include <stdio.h>
#include <stdlib.h>
#include "fable.h"
static void *get(void *user, size_t size, size_t align) { (void)user; return aligned_alloc(align, (size + align - 1) / align * align); }
static void put(void *user, void *memory, size_t size) { (void)user, (void)size; free(memory); }
static bool print(void *user, const ingot_piece *piece) { (void)user; return fputs(piece->text, stdout) >= 0; }
int main(int argc, char **argv) {
  (void)argv;
  ingot_allocator allocator = {get, put, NULL};
  ingot_model_options options = {.size = sizeof options, .allocator = &allocator, .plan_path = argc > 1 ? "fable.plan" : NULL};
  ingot_error error; ingot_model *model = NULL; ingot_session *session = NULL;
  if (ingot_model_open(&fable_program, &options, &model, &error) < 0 || ingot_session_open(model, NULL, &session, &error) < 0) return fprintf(stderr, "%s\n", error.message), 1;
  ingot_chat(session, &(ingot_message){"user", "What is 3 plus 4?"}, 1, 64, print, NULL, NULL);
  ingot_session_close(session); ingot_model_close(model);
  return 0;
}
C
expect 0 '' cc -std=c11 -I runtime -I "$work/embedded/fable.ingot" -o "$work/bare" "$work/bare.c" "$work"/embedded/fable.ingot/*/libfable.a "$work/libnone.a"
expect 0 '' "$work/bare"
out_has '^3 plus 4 is 7\.$'
expect 1 'fable.plan: there are no files' "$work/bare" file

# Apple's gates and cores
expect 0 '' make_runtime "$work/libapple.a" cc -U__linux__ -D__APPLE__ -I tests/systems/apple
expect 0 '' "$ingot" compile "$fable" --name fable -o "$work" --target native --target windows -q
here=$work/fable.ingot/x86_64-linux-gnu
cat > "$work/six.c" <<'C'
#include <stdio.h>
#include "fable.h"
static bool print(void *user, const ingot_piece *piece) { (void)user; return fputs(piece->text, stdout) >= 0; }
int main(int argc, char **argv) {
  if (argc != 3) return 2;
  ingot_model_options options = {.size = sizeof options, .plan_path = argv[1], .weights_path = argv[2]};
  ingot_model_info info = {.size = sizeof info};
  ingot_model *model; ingot_session *session;
  if (ingot_model_open(&fable_program, &options, &model, NULL) < 0 || ingot_session_open(model, NULL, &session, NULL) < 0) return 1;
  ingot_model_get_info(model, &info);
  printf("%u threads, %u of decode\n", info.n_threads, info.n_decode_threads);
  ingot_chat(session, &(ingot_message){"user", "What is 3 plus 4?"}, 1, 64, print, NULL, NULL);
  ingot_session_close(session); ingot_model_close(model);
  return 0;
}
C
expect 0 '' cc -std=c11 -I runtime -I tests/systems/apple -I "$work/fable.ingot" -o "$work/six" "$work/six.c" tests/systems/apple/fake_apple.c "$here/libfable.a" "$work/libapple.a" -lpthread
expect 0 '' "$work/six" "$here/fable.plan" "$here/fable.weights"
out_has '^5 threads, 2 of decode$'
out_has '^3 plus 4 is 7\.$'

# Windows
if command -v x86_64-w64-mingw32-gcc > /dev/null; then
  there=$work/fable.ingot/x86_64-windows
  AR=x86_64-w64-mingw32-ar
  expect 0 '' make_runtime "$work/libwindows.a" x86_64-w64-mingw32-gcc
  expect 0 '' x86_64-w64-mingw32-gcc -std=c11 -O1 -I runtime -I "$work/fable.ingot" -o "$work/hello.exe" examples/hello.c "$there/libfable.a" "$work/libwindows.a"
  wine=$(command -v wine64 || ls /usr/lib/wine/wine64 2> /dev/null)
  if [ -n "$wine" ] && [ -n "${INGOT_TEST_ALL:-}" ]; then # Wine takes a minute to make its folder
    cd "$there" || exit 1
    run_there() { WINEPREFIX=$work/wine WINEDEBUG=-all "$wine" "$work/hello.exe" "$@"; }
    WINEPREFIX=$work/wine WINEDEBUG=-all WINEDLLOVERRIDES=mscoree,mshtml= "$wine" cmd /c exit > /dev/null 2>&1 # makes its folder, and says so
    expect 0 '' run_there fable.plan fable.weights
    out_has '3 plus 4 is 7\.'
    expect 1 'nowhere: File not found|nowhere: The system cannot' run_there nowhere fable.weights
  fi
fi
finish
