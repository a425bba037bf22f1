# What a build for Apple's and Android's systems compiles a model for, without their tools: the platforms by CMake's variables, and the universal
# library and the files beside it by a build that pretends.
. "$INGOT_SOURCE/tests/cli/lib.sh"

# is PLATFORMS SETTING...: CMake's script mode has the variables that a toolchain file would set
is() {
  want=$1
  shift
  printf 'cmake_minimum_required(VERSION 3.20)\n' > "$work/is.cmake"
  for setting; do printf 'set(%s "%s")\n' "${setting%%=*}" "${setting#*=}" >> "$work/is.cmake"; done
  printf 'include("%s/cmake/IngotModel.cmake")\ningot_platform_of_build(p)\nmessage("${p}")\n' "$INGOT_SOURCE" >> "$work/is.cmake"
  expect 0 "^$want\$" cmake -P "$work/is.cmake"
}
is x86_64-linux-gnu CMAKE_SYSTEM_NAME=Linux CMAKE_SYSTEM_PROCESSOR=x86_64
is riscv64-linux-gnu CMAKE_SYSTEM_NAME=Linux CMAKE_SYSTEM_PROCESSOR=riscv64
is x86_64-windows CMAKE_SYSTEM_NAME=Windows CMAKE_SYSTEM_PROCESSOR=AMD64 WIN32=1
is aarch64-linux-android CMAKE_SYSTEM_NAME=Android ANDROID=1 CMAKE_SYSTEM_PROCESSOR=aarch64 CMAKE_ANDROID_ARCH_ABI=arm64-v8a
is x86_64-linux-android CMAKE_SYSTEM_NAME=Android ANDROID=1 ANDROID_ABI=x86_64 # the NDK's toolchain file
is armeabi-v7a-linux-android CMAKE_SYSTEM_NAME=Android ANDROID=1 ANDROID_ABI=armeabi-v7a # there is none: an error that lists those there are
is arm64-apple-macos CMAKE_SYSTEM_NAME=Darwin APPLE=1 CMAKE_SYSTEM_PROCESSOR=arm64
is 'arm64-apple-macos;x86_64-apple-macos' CMAKE_SYSTEM_NAME=Darwin APPLE=1 CMAKE_SYSTEM_PROCESSOR=arm64 'CMAKE_OSX_ARCHITECTURES=arm64;x86_64'
is arm64-apple-ios CMAKE_SYSTEM_NAME=iOS APPLE=1 CMAKE_OSX_SYSROOT=iphoneos
is 'arm64-apple-ios-simulator;x86_64-apple-ios-simulator' CMAKE_SYSTEM_NAME=iOS APPLE=1 CMAKE_OSX_SYSROOT=iphonesimulator 'CMAKE_OSX_ARCHITECTURES=arm64;x86_64'
is arm64-apple-tvos CMAKE_SYSTEM_NAME=tvOS APPLE=1 CMAKE_OSX_ARCHITECTURES=arm64
is wasm32 CMAKE_SYSTEM_NAME=Emscripten CMAKE_SYSTEM_PROCESSOR=x86
is wasm32 CMAKE_SYSTEM_NAME=WASI CMAKE_SYSTEM_PROCESSOR=wasm32
is unknown-generic CMAKE_SYSTEM_NAME=Generic

# A universal build without its compiler: the model is compiled for both, its libraries are one, and each has its own files.
lipo=
for name in llvm-lipo-22 llvm-lipo lipo; do command -v $name > /dev/null && lipo=$name; done
[ -n "$lipo" ] || skip "lipo is not there (package llvm-22)"
mkdir "$work/app"
cat > "$work/app/CMakeLists.txt" <<TXT
cmake_minimum_required(VERSION 3.20)
project(Universal LANGUAGES NONE)
set(CMAKE_SYSTEM_NAME Darwin)
set(APPLE 1)
set(CMAKE_OSX_ARCHITECTURES arm64 x86_64)
add_executable(Ingot::compiler IMPORTED GLOBAL)
set_target_properties(Ingot::compiler PROPERTIES IMPORTED_LOCATION "$ingot")
add_library(Ingot::runtime INTERFACE IMPORTED GLOBAL)
set(INGOT_PLATFORMS_DEF "$INGOT_SOURCE/targets/platforms.def")
include("$INGOT_SOURCE/cmake/IngotModel.cmake")
ingot_add_model(m MODEL "$fable" CONTEXT 256 VARIANTS base neon)
get_target_property(files m INGOT_FILES)
get_target_property(folders m INGOT_FOLDERS)
get_target_property(linked m INTERFACE_LINK_LIBRARIES)
file(WRITE \${CMAKE_BINARY_DIR}/facts "\${folders}\n\${files}\n\${linked}\n")
TXT
expect 0 '' cmake -G Ninja -S "$work/app" -B "$work/build"
expect 0 '' cmake --build "$work/build" --target m_bundle
build=$work/build/ingot
printf '%s\n%s\n%s\n' 'arm64;x86_64' \
  "$build/m.ingot/arm64-apple-macos/m.plan;$build/m.ingot/arm64-apple-macos/m.weights;$build/m.ingot/x86_64-apple-macos/m.plan;$build/m.ingot/x86_64-apple-macos/m.weights" \
  "$build/libm.a;Ingot::runtime" > "$work/want"
equal "what an app links and ships" "$work/want" "$work/build/facts"
expect 0 '' "$lipo" -info "$build/libm.a"
out_has 'x86_64' && out_has 'arm64'
sed -n '2s/;/\n/gp' "$work/want" > "$work/files"
while read -r file; do checked=$((checked + 1)); [ -s "$file" ] || fail "$file was not made"; done < "$work/files"
expect 0 '' cmake --build "$work/build" --target m_bundle
out_has 'no work to do'
finish
