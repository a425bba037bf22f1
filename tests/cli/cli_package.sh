# Packages for build tools: the same bytes each time, what each layout wants in its place, and the CMake one builds an app without command or model file.
. "$INGOT_SOURCE/tests/cli/lib.sh"
[ -z "${INGOT_SANITIZE_FLAGS:-}" ] || skip "apps would need the sanitizers' flags"

expect 0 '' "$ingot" compile "$fable" --name fable --variants base,neon --ctx 256 --target native --target arm64-v8a --target ios --target arm64-apple-ios-simulator --target macos -o "$work" -q
for format in xcframework swiftpm aar cmake; do
  expect 0 '' "$ingot" package "$work/fable.ingot" --format $format -o "$work/a"
  made=$(cat "$work/out")
  [ -e "$made" ] || fail "$format: no $made"
  expect 0 '' "$ingot" package "$work/fable.ingot" --format $format -o "$work/b"
done
checked=$((checked + 1))
diff -r "$work/a" "$work/b" > "$work/out" || fail "two packages differ: $(head -3 "$work/out")"
expect 0 '' "$ingot" package "$work/fable.ingot" --format swiftpm -o "$work/a" # again: replaced
diff -r "$work/a" "$work/b" > "$work/out" || fail "a package made again differs: $(head -3 "$work/out")"

cd "$work/a" || exit 1
same() { equal "$1" "$1" "$work/fable.ingot/$2"; }
for one in ios-arm64:arm64-apple-ios ios-arm64-simulator:arm64-apple-ios-simulator macos-arm64:arm64-apple-macos; do
  same "fable.xcframework/${one%:*}/libfable.a" "${one#*:}/libfable.a"
  same "fable.xcframework/${one%:*}/Headers/fable.h" fable.h
done
[ "$(grep -c LibraryIdentifier fable.xcframework/Info.plist)" = 3 ] || fail "Info.plist lists other than 3 libraries"
same fable-swift/Sources/Weights/Resources/fable.weights arm64-apple-ios/fable.weights
[ "$(find fable-swift/Sources/IngotRuntime -name '*.c' | wc -l)" = "$(ls "$INGOT_SOURCE"/runtime/*.c "$INGOT_SOURCE"/runtime/abi/*.c | wc -l)" ] || fail "the Swift package lacks sources of the runtime"
if command -v python3 > /dev/null; then # an independent reader of zip and of property lists
  expect 0 '' python3 - fable.aar fable.xcframework/Info.plist "$work/fable.ingot/aarch64-linux-android" <<'PY'
import plistlib, struct, sys, zipfile
aar = zipfile.ZipFile(sys.argv[1])
assert aar.testzip() is None
names = aar.namelist()
assert len(names) == len(set(names)) == 9, names
for name, path in ("assets/arm64-v8a/fable.weights", "fable.weights"), ("assets/arm64-v8a/fable.plan", "fable.plan"), ("prefab/modules/fable/libs/android.arm64-v8a/libfable.a", "libfable.a"):
    assert aar.read(name) == open(sys.argv[3] + "/" + path, "rb").read(), name
raw = open(sys.argv[1], "rb").read()
for info in aar.infolist():
    name_size, extra_size = struct.unpack_from("<HH", raw, info.header_offset + 26)
    assert info.compress_type == zipfile.ZIP_STORED and (info.header_offset + 30 + name_size + extra_size) % 16384 == 0, info
libraries = plistlib.load(open(sys.argv[2], "rb"))["AvailableLibraries"]
assert sorted(l["LibraryIdentifier"] for l in libraries) == ["ios-arm64", "ios-arm64-simulator", "macos-arm64"]
assert [l.get("SupportedPlatformVariant") for l in libraries if l["LibraryIdentifier"].endswith("simulator")] == ["simulator"]
PY
fi

# a prefix goes where plan and weights go
for one in aarch64-linux-android arm64-apple-ios arm64-apple-ios-simulator arm64-apple-macos; do echo saved > "$work/fable.ingot/$one/fable.prefix"; done
for format in swiftpm aar cmake; do expect 0 '' "$ingot" package "$work/fable.ingot" --format $format -o "$work/c"; done
grep -q 'assets/arm64-v8a/fable.prefix' "$work/c/fable.aar" || fail "the AAR lacks the prefix"
[ -s "$work/c/fable-cmake/lib/aarch64-linux-android/fable.prefix" ] || fail "the CMake package lacks the prefix"
[ -s "$work/c/fable-swift/Sources/Weights/Resources/fable.prefix" ] && grep -q 'copy("Resources/fable.prefix")' "$work/c/fable-swift/Package.swift" ||
  fail "the Swift package lacks the prefix"
grep -q 'prefix' "$work/a/fable-swift/Package.swift" && fail "a Swift package without a prefix names one"
rm "$work"/fable.ingot/*/fable.prefix

# Macs of two CPUs, and simulators, are one universal library each
expect 0 '' "$ingot" compile "$fable" --name fable --variants base,neon --ctx 256 --target macos --target x86_64-apple-macos --target ios \
  --target x86_64-apple-ios-simulator --target arm64-apple-ios-simulator -o "$work/apple" -q
expect 0 '' "$ingot" package "$work/apple/fable.ingot" --format xcframework -o "$work/apple"
framework=$work/apple/fable.xcframework
[ "$(cd "$framework" && ls -d -- */ | tr -d '\n')" = ios-arm64/ios-arm64_x86_64-simulator/macos-arm64_x86_64/ ] || fail "libraries of $(ls "$framework")"
grep -q '<array><string>arm64</string><string>x86_64</string></array>' "$framework/Info.plist" || fail "Info.plist: $(cat "$framework/Info.plist")"
for lipo in llvm-lipo-22 llvm-lipo lipo; do command -v $lipo > /dev/null && break; done
if command -v $lipo > /dev/null; then
  for one in ios-arm64_x86_64-simulator/apple-ios-simulator macos-arm64_x86_64/apple-macos; do
    for cpu in arm64 x86_64; do
      expect 0 '' $lipo "$framework/${one%/*}/libfable.a" -thin $cpu -output "$work/thin.a"
      equal "the slice of $cpu" "$work/thin.a" "$work/apple/fable.ingot/$cpu-${one#*/}/libfable.a"
    done
  done
fi

# an app with the CMake package
mkdir "$work/app"
cat > "$work/app/CMakeLists.txt" <<TXT
cmake_minimum_required(VERSION 3.20)
project(Packaged LANGUAGES C)
find_package(fable REQUIRED)
add_executable(hello "$INGOT_SOURCE/examples/hello.c")
target_link_libraries(hello PRIVATE fable::fable)
file(WRITE \${CMAKE_BINARY_DIR}/folder "\${fable_FOLDER}")
TXT
expect 0 '' cmake -G Ninja -S "$work/app" -B "$work/build" -Dfable_DIR="$work/a/fable-cmake"
expect 0 '' cmake --build "$work/build" -j 2
here=$(cat "$work/build/folder")
expect 0 '' "$work/build/hello" "$here/fable.plan" "$here/fable.weights"
out_has '3 plus 4 is 7\.'

# what cannot be is told, and leaves nothing
expect 2 'no format `xcframwork`; did you mean `xcframework`' "$ingot" package "$work/fable.ingot" --format xcframwork
expect 1 'report.json' "$ingot" package "$work/app" --format aar -o "$work/none"
expect 0 '' "$ingot" compile "$fable" --name fable --variants native --ctx 256 -o "$work/linux" -q
expect 1 'no library for Android' "$ingot" package "$work/linux/fable.ingot" --format aar -o "$work/none"
expect 1 'no library for iOS or macOS' "$ingot" package "$work/linux/fable.ingot" --format xcframework -o "$work/none"
# a bundle from a stranger: its report decides neither where files are written nor what a terminal does
mkdir -p "$work/strange/fable.ingot"
for change in 's|"name": "fable"|"name": "../../fable"|' 's|"name": "fable"|"name": "fa\x1b[31mble"|' 's|"source": "|"source": "\xc2\x9b31m|' 's|"source": "|"source": "\x9b|' '1d'; do
  sed "$change" "$work/fable.ingot/report.json" > "$work/strange/fable.ingot/report.json"
  seal_report "$work/strange/fable.ingot/report.json"
  for what in verify inspect package; do
    set -- "$what" "$work/strange/fable.ingot"
    [ "$what" = package ] && set -- "$@" --format cmake -o "$work/none"
    expect 1 'report.json: error: was not written by ingot, or is damaged' "$ingot" "$@"
  done
done
[ -z "$(ls -A "$work/none" 2> /dev/null)" ] || fail "refused packages leave $(ls -A "$work/none")"
mkdir -p "$work/mine/fable.xcframework"
echo mine > "$work/mine/fable.xcframework/file"
expect 1 'not a package that ingot made' "$ingot" package "$work/fable.ingot" --format xcframework -o "$work/mine"
finish
