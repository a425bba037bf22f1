# The examples that can run here: built by examples/CMakeLists.txt in the tree, each answers; the JNI file compiles where there is a jni.h.
. "$INGOT_SOURCE/tests/cli/lib.sh"
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "apps would need the sanitizers' flags"

expect 0 '' cmake --no-warn-unused-cli -G Ninja -S "$INGOT_SOURCE/examples" -B "$work/build" -DINGOT_TREE="$INGOT_SOURCE" -DINGOT_EXECUTABLE="$ingot" -DCMAKE_C_FLAGS='-Wall -Wextra -Werror' \
  -DCMAKE_CXX_FLAGS='-Wall -Wextra -Wconversion -Werror'
expect 0 '' cmake --build "$work/build"
cd "$work/build" || exit 1
expect 0 '' ./hello fable.plan fable.weights
out_has '3 plus 4 is 7\.'
talk() { printf 'What is 3 plus 4?\n\nWhat day comes after Sunday?\n' | ./talk "$@"; }
expect 0 '' talk fable.plan fable.weights
out_has '^> 3 plus 4 is 7\.$'
out_has '^> > Monday'
expect 1 'nowhere' talk nowhere fable.weights
if [ -x hello_cpp ]; then
  expect 0 '' ./hello_cpp fable.plan fable.weights
  out_has '^3 plus 4 is 7\.$'
  out_has 'Monday'
  out_has '^There and back again\.$'
  expect 1 'hello_cpp: nowhere' ./hello_cpp nowhere fable.weights
else
  for tool in c++ g++ clang++; do command -v $tool > /dev/null && fail "hello_cpp was not built, though there is $tool"; done
  echo "no C++ compiler: without hello_cpp"
fi

if command -v python3 > /dev/null; then
  shared() { cc -shared -o libfable.so -Wl,--whole-archive ingot/fable.ingot/*/libfable.a "$INGOT_BUILD/libingot.a" -Wl,--no-whole-archive -lpthread; }
  expect 0 '' shared
  ask() { PYTHONDONTWRITEBYTECODE=1 python3 "$INGOT_SOURCE/examples/python/hello.py" "$@"; }
  expect 0 '' ask ./libfable.so fable.plan fable.weights
  out_has '^3 plus 4 is 7\.$'
  out_has 'Monday'
  expect 1 'ingot.Error: nowhere' ask ./libfable.so nowhere fable.weights
fi

jni=$(ls /usr/lib/jvm/*/include/jni.h 2> /dev/null | head -1)
if [ -n "$jni" ]; then
  expect 0 '' cc -std=c11 -Wall -Wextra -Werror -fsyntax-only -I "${jni%/jni.h}" -I "${jni%/jni.h}/linux" -I "$INGOT_SOURCE/runtime" -I ingot/include \
    "$INGOT_SOURCE/examples/android/app/src/main/cpp/ingot_jni.c"
fi
finish
